#include "proxy/config/config_sql.h"

#include <stdarg.h>
#include <stddef.h>

static _Thread_local unsigned running; /* calls lie within each other: a row's reader may run a statement */

void config_sql_trust(bool on)
{
	running += on ? 1 : -1u;
}

bool config_sql_is_running(void)
{
	return running;
}

static bool bind_all(sqlite3_stmt *statement, const char *types, va_list args)
{
	bool fine = true;
	for (int i = 1; fine && *types; types++, i++) {
		const char *text = *types == 's' ? va_arg(args, const char *) : NULL;
		int bound = *types == 'i' ? sqlite3_bind_int(statement, i, va_arg(args, int))
					  : sqlite3_bind_text(statement, i, text, -1, SQLITE_TRANSIENT);
		fine = bound == SQLITE_OK;
	}
	return fine;
}

bool config_sql(sqlite3 *db, const char *sql, const char *types, ...)
{
	va_list args;
	sqlite3_stmt *statement = NULL;
	va_start(args, types);
	running++;
	bool fine = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		    bind_all(statement, types, args) && sqlite3_step(statement) == SQLITE_DONE;
	sqlite3_finalize(statement);
	running--;
	va_end(args);
	return fine;
}

bool config_sql_script(sqlite3 *db, const char *sql)
{
	running++;
	bool fine = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	running--;
	return fine;
}

bool config_sql_rows(sqlite3 *db, const char *sql, bool (*read)(void *arg, sqlite3_stmt *row), void *arg)
{
	sqlite3_stmt *rows = NULL;
	running++;
	bool fine = sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK;
	int got = SQLITE_DONE;
	while (fine && (got = sqlite3_step(rows)) == SQLITE_ROW)
		fine = read(arg, rows);
	fine = fine && got == SQLITE_DONE;
	sqlite3_finalize(rows);
	running--;
	return fine;
}
