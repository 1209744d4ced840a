/* wye's own statements on the connection of the configuration: not bound by what an administrator may do there. */
#ifndef WYE_PROXY_CONFIG_SQL_H
#define WYE_PROXY_CONFIG_SQL_H

#include <sqlite3.h>
#include <stdbool.h>

/* One statement without rows; `types` names the parameters that follow: 's' a text, or NULL, 'i' an int. */
bool config_sql(sqlite3 *db, const char *sql, const char *types, ...);

/* Several, without parameters. */
bool config_sql_script(sqlite3 *db, const char *sql);

/* Each row is given to `read`; it ends when that returns false, which is then the result. */
bool config_sql_rows(sqlite3 *db, const char *sql, bool (*read)(void *arg, sqlite3_stmt *row), void *arg);

/* Statements that others run for wye on the connection, between true and false. */
void config_sql_trust(bool on);

bool config_sql_is_running(void); /* on this thread */

#endif
