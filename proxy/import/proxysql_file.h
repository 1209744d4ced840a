/*
 * ProxySQL's configuration as an sqlite database, whichever of its two files it was in: proxysql.db is one, and what
 * proxysql.cnf says (libconfig's syntax) becomes tables of the same names in memory.
 */
#ifndef WYE_PROXY_IMPORT_PROXYSQL_FILE_H
#define WYE_PROXY_IMPORT_PROXYSQL_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* Read only, to be closed with sqlite3_close(). NULL: `error` is one line. */
sqlite3 *proxysql_file_open(const char *path, char *error, size_t error_size);

/* Each row of a table, whose columns differ from version to version; nothing when there is no such table. False: `error`
 * says what sqlite makes of it. */
bool proxysql_rows(sqlite3 *db, const char *table, void (*read)(void *arg, sqlite3_stmt *row), void *arg, char *error,
		   size_t error_size);

/* A column of a row by its name; NULL when it is NULL or not there. Valid until the next row. */
const char *proxysql_text(sqlite3_stmt *row, const char *column);
long long proxysql_number(sqlite3_stmt *row, const char *column, long long otherwise);

#endif
