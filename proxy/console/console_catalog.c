#include "proxy/console/console_catalog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/console/console_functions.h"
#include "proxy/console/console_table.h"

#define STEPS_BETWEEN_LOOKS 10000 /* of sqlite's machine, between looks at the clock */
#define VALUE_BYTES_MAX (16 << 20)
#define HEAP_MAX (256 << 20) /* of sqlite in the whole process: no statement may eat the proxy's memory */

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* ---- one sqlite module for all tables ---- */

struct vtab {
	sqlite3_vtab base;
	const struct console_table *table;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct console_table *table;
	struct table_rows rows;
	size_t row;
};

/* sqlite asks the authorizer about the declaration of a table too, as if somebody changed the schema. */
static _Thread_local bool declaring;

static int declare(sqlite3 *db, const char *sql)
{
	declaring = true;
	int result = sqlite3_declare_vtab(db, sql);
	declaring = false;
	return result;
}

static int vtab_connect(sqlite3 *db, void *table_given, int argc, const char *const *argv, sqlite3_vtab **out,
			char **error)
{
	(void)argc, (void)argv, (void)error;
	const struct console_table *table = table_given;
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "CREATE TABLE x(");
	for (size_t i = 0; i < table->n_columns; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" %s", i ? ", " : "", table->columns[i].name,
				    column_type_name(table->columns[i].type));
	sqlite3_str_appendall(sql, ")");
	char *text = sqlite3_str_finish(sql);
	int result = text ? declare(db, text) : SQLITE_NOMEM;
	sqlite3_free(text);
	if (result != SQLITE_OK)
		return result;
	struct vtab *v = sqlite3_malloc(sizeof *v);
	if (!v)
		return SQLITE_NOMEM;
	memset(v, 0, sizeof *v);
	v->table = table;
	*out = &v->base;
	return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

/* Every look is a whole scan: the tables are small, and sqlite sorts and filters. */
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	(void)base;
	info->estimatedCost = 1000;
	info->estimatedRows = 100;
	return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return SQLITE_NOMEM;
	c->table = ((struct vtab *)base)->table;
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	rows_finish(&c->rows);
	free(c);
	return SQLITE_OK;
}

/* A cursor that is read again (the inner side of a join) keeps its rows: a join sees one moment. */
static int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv)
{
	(void)number, (void)text, (void)argc, (void)argv;
	struct cursor *c = (struct cursor *)base;
	c->row = 0;
	if (c->rows.values)
		return SQLITE_OK;
	c->table->produce(&c->rows);
	assert(c->rows.n % c->table->n_columns == 0);
	return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->row++;
	return SQLITE_OK;
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	return c->row * c->table->n_columns >= c->rows.n;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	struct cursor *c = (struct cursor *)base;
	const struct table_value *value = &c->rows.values[c->row * c->table->n_columns + (size_t)column];
	switch (value->type) {
	case VALUE_IS_NULL:
		sqlite3_result_null(context);
		break;
	case VALUE_IS_INTEGER:
		sqlite3_result_int64(context, value->integer);
		break;
	case VALUE_IS_REAL:
		sqlite3_result_double(context, value->real);
		break;
	case VALUE_IS_TEXT:
		sqlite3_result_text(context, rows_text_of(&c->rows, value), -1, SQLITE_TRANSIENT);
		break;
	}
	return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = (sqlite3_int64)((struct cursor *)base)->row + 1;
	return SQLITE_OK;
}

/* Without xCreate the tables are eponymous: they are there without a CREATE, in every schema that is named. */
static const sqlite3_module module = {
	.xConnect = vtab_connect,
	.xBestIndex = vtab_best_index,
	.xDisconnect = vtab_disconnect,
	.xDestroy = vtab_disconnect,
	.xOpen = cursor_open,
	.xClose = cursor_close,
	.xFilter = cursor_filter,
	.xNext = cursor_next,
	.xEof = cursor_eof,
	.xColumn = cursor_column,
	.xRowid = cursor_rowid,
};

/* ---- what is allowed ---- */

static int allow_reading_only(void *unused, int action, const char *a, const char *b, const char *schema,
			      const char *trigger)
{
	(void)unused, (void)a, (void)schema, (void)trigger;
	if (declaring)
		return SQLITE_OK;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return strcasecmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

static int stop_when_late(void *arg)
{
	return now_us() > ((struct console_catalog *)arg)->deadline_us;
}

static void set_limits(struct console_catalog *c)
{
	sqlite3_hard_heap_limit64(HEAP_MAX);
	sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
	sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(c->db, SQLITE_LIMIT_EXPR_DEPTH, 200);
	sqlite3_limit(c->db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_progress_handler(c->db, STEPS_BETWEEN_LOOKS, stop_when_late, c);
	sqlite3_set_authorizer(c->db, allow_reading_only, NULL);
}

struct console_catalog *console_catalog_create(char *error, size_t error_size)
{
	struct console_catalog *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	bool fine =
		sqlite3_open_v2(":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;
	const struct console_table *table;
	for (size_t i = 0; fine && (table = console_table_at(i)); i++)
		fine = sqlite3_create_module(c->db, table->name, &module, (void *)(uintptr_t)table) == SQLITE_OK;
	fine = fine && console_functions_add(c);
	if (!fine) {
		snprintf(error, error_size, "sqlite: %s", c->db ? sqlite3_errmsg(c->db) : "out of memory");
		console_catalog_destroy(c);
		return NULL;
	}
	set_limits(c);
	return c;
}

void console_catalog_destroy(struct console_catalog *c)
{
	if (!c)
		return;
	sqlite3_close_v2(c->db);
	free(c);
}

void console_catalog_begin(struct console_catalog *c)
{
	c->deadline_us = now_us() + CATALOG_STATEMENT_MS * 1000LL;
}

sqlite3_stmt *console_catalog_prepare(struct console_catalog *c, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	console_catalog_begin(c);
	sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);
	return statement;
}

/* ---- errors ---- */

/* "no such table: main.x" -> x, or NULL when the text does not begin so. */
static const char *after(const char *text, const char *beginning)
{
	size_t n = strlen(beginning);
	if (strncmp(text, beginning, n) != 0)
		return NULL;
	const char *dot = strrchr(text + n, '.');
	return dot ? dot + 1 : text + n;
}

static void set_error(struct console_error *e, uint16_t code, const char *sqlstate)
{
	e->code = code;
	memcpy(e->sqlstate, sqlstate, 6);
}

static void say_unknown(struct console_error *e, const char *what, const char *name, const char *near,
			const char *command)
{
	if (near)
		snprintf(e->text, sizeof e->text, "There is no %s '%.64s'; did you mean '%s'?", what, name, near);
	else
		snprintf(e->text, sizeof e->text, "There is no %s '%.64s'; %s lists them", what, name, command);
}

void console_catalog_error(struct console_catalog *c, struct console_error *e)
{
	const char *text = sqlite3_errmsg(c->db), *name;
	int code = sqlite3_errcode(c->db);
	if (code == SQLITE_AUTH) {
		set_error(e, 1290, "HY000");
		snprintf(
			e->text, sizeof e->text,
			"The tables of this console cannot be changed: settings are set with SET name = value, servers "
			"and users on the command line or in the file of --config");
	} else if (code == SQLITE_INTERRUPT) {
		set_error(e, 3024, "HY000");
		snprintf(e->text, sizeof e->text, "The statement took longer than %d ms and was stopped",
			 CATALOG_STATEMENT_MS);
	} else if ((name = after(text, "no such table: "))) {
		set_error(e, 1146, "42S02");
		say_unknown(e, "table", name, console_table_nearest(name), "SHOW TABLES");
	} else if ((name = after(text, "no such column: "))) {
		set_error(e, 1054, "42S22");
		say_unknown(e, "column", name, console_column_nearest(name), "SHOW COLUMNS FROM table");
	} else if (strncmp(text, CONSOLE_NO_VARIABLE, strlen(CONSOLE_NO_VARIABLE)) == 0) {
		set_error(e, 1193, "HY000");
		snprintf(e->text, sizeof e->text, "%s", text);
	} else if (strstr(text, "syntax error") || strstr(text, "incomplete input") ||
		   strstr(text, "unrecognized token")) {
		set_error(e, 1064, "42000");
		snprintf(e->text, sizeof e->text, "This is not understood: %s; HELP lists the commands", text);
	} else {
		set_error(e, 1105, "HY000");
		snprintf(e->text, sizeof e->text, "%s", text);
	}
}
