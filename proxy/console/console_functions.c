#include "proxy/console/console_functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/console/console_variables.h"

static struct console_catalog *owner_of(sqlite3_context *context)
{
	return sqlite3_user_data(context);
}

static void give_text(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_null(context);
}

static void call_version(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	give_text(context, CONSOLE_SERVER_VERSION);
}

static void call_database(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	give_text(context, owner_of(context)->schema);
}

static void call_user(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	char text[160];
	const char *user = owner_of(context)->user;
	snprintf(text, sizeof text, "%.128s@localhost", user ? user : "");
	give_text(context, text);
}

static void call_connection_id(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	sqlite3_result_int64(context, owner_of(context)->connection_id);
}

static void call_now(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	time_t now = time(NULL);
	struct tm tm;
	char text[32];
	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	give_text(context, text);
}

static void call_unix_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc, (void)argv;
	sqlite3_result_int64(context, time(NULL));
}

static void call_if(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	sqlite3_result_value(context, argv[sqlite3_value_double(argv[0]) != 0 ? 1 : 2]);
}

static void call_concat(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	sqlite3_str *text = sqlite3_str_new(sqlite3_context_db_handle(context));
	for (int i = 0; i < argc; i++) {
		const char *part = (const char *)sqlite3_value_text(argv[i]);
		if (!part) {
			sqlite3_free(sqlite3_str_finish(text));
			sqlite3_result_null(context);
			return;
		}
		sqlite3_str_appendall(text, part);
	}
	char *whole = sqlite3_str_finish(text);
	sqlite3_result_text(context, whole ? whole : "", -1, SQLITE_TRANSIENT);
	sqlite3_free(whole);
}

/* "@@session.name" -> name; a user variable ("@name") is always NULL here. */
static void call_variable(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	char value[600], error[256];
	bool is_number;
	if (!text || strncmp(text, "@@", 2) != 0) {
		sqlite3_result_null(context);
		return;
	}
	const char *dot = strrchr(text, '.'), *name = dot ? dot + 1 : text + 2;
	if (!console_variable_get(name, value, sizeof value, &is_number)) {
		const char *near = console_variable_nearest(name);
		snprintf(error, sizeof error, CONSOLE_NO_VARIABLE " '%.64s'%s%s%s", name,
			 near ? "; did you mean '" : "", near ? near : "",
			 near ? "'?" : "; SHOW VARIABLES lists them");
		sqlite3_result_error(context, error, -1);
	} else if (is_number) {
		sqlite3_result_int64(context, strtoll(value, NULL, 10));
	} else {
		give_text(context, value);
	}
}

bool console_functions_add(struct console_catalog *c)
{
	static const struct {
		const char *name;
		int args;
		void (*call)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{"version", 0, call_version},
		{"database", 0, call_database},
		{"schema", 0, call_database},
		{"user", 0, call_user},
		{"current_user", 0, call_user},
		{"session_user", 0, call_user},
		{"system_user", 0, call_user},
		{"connection_id", 0, call_connection_id},
		{"now", 0, call_now},
		{"unix_timestamp", 0, call_unix_timestamp},
		{"if", 3, call_if},
		{"concat", -1, call_concat},
		{"mysql_variable", 1, call_variable},
	};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (sqlite3_create_function(c->db, functions[i].name, functions[i].args, SQLITE_UTF8, c,
					    functions[i].call, NULL, NULL) != SQLITE_OK)
			return false;
	return true;
}
