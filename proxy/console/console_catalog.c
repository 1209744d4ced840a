#include "proxy/console/console_catalog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"
#include "proxy/console/console_functions.h"
#include "proxy/console/console_table.h"
#include "proxy/console/console_views.h"

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
	sqlite3 *db;
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
	const struct table_writing *writing = console_writing_of(table);
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "CREATE TABLE x(");
	for (size_t i = 0; i < table->n_columns; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" %s%s", i ? ", " : "", table->columns[i].name,
				    column_type_name(table->columns[i].type), writing && !i ? " PRIMARY KEY" : "");
	sqlite3_str_appendall(sql, writing ? ") WITHOUT ROWID" : ")");
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
	v->db = db;
	if (writing)
		sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
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
	/* For an UPDATE that leaves it as it is; the first one is the row's name. */
	if (column && sqlite3_vtab_nochange(context))
		return SQLITE_OK;
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

static const char *text_or_null(sqlite3_value *value)
{
	return sqlite3_value_type(value) == SQLITE_NULL ? NULL : (const char *)sqlite3_value_text(value);
}

/* argv: the row's key before, NULL for a new one; its key after, when there is a row after; then its columns. */
static int vtab_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid)
{
	struct vtab *v = (struct vtab *)base;
	const struct table_writing *writing = console_writing_of(v->table);
	const char *columns[TABLE_COLUMNS_MAX] = {NULL}, *old = text_or_null(argv[0]);
	char error[CONFIG_ERROR_MAX];
	(void)rowid;
	for (int i = 2; i < argc; i++)
		columns[i - 2] = sqlite3_value_nochange(argv[i]) ? TABLE_SAME : text_or_null(argv[i]);
	bool fine = argc == 1 ? writing->drop(v->db, old, error, sizeof error)
			      : writing->put(v->db, old, columns, sqlite3_vtab_on_conflict(v->db) == SQLITE_REPLACE,
					     error, sizeof error);
	if (fine)
		return SQLITE_OK;
	sqlite3_free(base->zErrMsg);
	base->zErrMsg = sqlite3_mprintf("%s", error);
	return SQLITE_CONSTRAINT;
}

#define READING                                                                                               \
	.xConnect = vtab_connect, .xBestIndex = vtab_best_index, .xDisconnect = vtab_disconnect,              \
	.xDestroy = vtab_disconnect, .xOpen = cursor_open, .xClose = cursor_close, .xFilter = cursor_filter,  \
	.xNext = cursor_next, .xEof = cursor_eof, .xColumn = cursor_column, .xRowid = cursor_rowid

/* Without xCreate the tables are eponymous: they are there without a CREATE, in every schema that is named. */
static const sqlite3_module module = {READING};

/* Those of the configuration lie as temporary tables before the stored ones of the same name. */
static const sqlite3_module writable_module = {READING, .xCreate = vtab_connect, .xUpdate = vtab_update};

/* ---- what is allowed ---- */

static bool is_stored(const char *table)
{
	const struct console_table *t = console_table_by_name(table);
	return t ? console_writing_of(t) != NULL : !console_view_is(table);
}

/* What is stored is seen and written through the tables of the console only: they check, and hide the passwords. */
static int allow_console_only(void *catalog, int action, const char *a, const char *b, const char *schema,
			      const char *trigger)
{
	(void)trigger;
	const struct console_catalog *c = catalog;
	if (declaring || config_sql_is_running())
		return SQLITE_OK;
	bool temporary = schema && strcmp(schema, "temp") == 0;
	const struct console_table *table;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_READ:
		/* In a database of the catalog's own nothing is stored. */
		return c->owns_db || !a || !*a || !schema || !is_stored(a) || (temporary && console_table_by_name(a))
			       ? SQLITE_OK
			       : SQLITE_DENY;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		table = console_table_by_name(a);
		return temporary && table && console_writing_of(table) ? SQLITE_OK : SQLITE_DENY;
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
	sqlite3_set_authorizer(c->db, allow_console_only, c);
}

static bool add_table(struct console_catalog *c, const struct console_table *table)
{
	bool writable = !c->owns_db && console_writing_of(table);
	if (sqlite3_create_module(c->db, table->name, writable ? &writable_module : &module,
				  (void *)(uintptr_t)table) != SQLITE_OK)
		return false;
	if (!writable)
		return true;
	char sql[128];
	snprintf(sql, sizeof sql, "CREATE VIRTUAL TABLE temp.%s USING %s", table->name, table->name);
	return config_sql_script(c->db, sql);
}

struct console_catalog *console_catalog_create(sqlite3 *db, char *error, size_t error_size)
{
	struct console_catalog *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->db = db;
	c->owns_db = !db;
	bool fine = db || sqlite3_open_v2(":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
				  SQLITE_OK;
	const struct console_table *table;
	for (size_t i = 0; fine && (table = console_table_at(i)); i++)
		fine = add_table(c, table);
	fine = fine && console_functions_add(c) && console_views_add(c->db);
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
	if (c->owns_db)
		sqlite3_close_v2(c->db);
	else
		sqlite3_set_authorizer(c->db, NULL, NULL);
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

bool console_catalog_finds(struct console_catalog *c, const char *sql, const char *number)
{
	sqlite3_stmt *statement = console_catalog_prepare(c, sql);
	if (!statement)
		return false;
	sqlite3_bind_int64(statement, 1, strtoll(number, NULL, 10));
	bool found = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	return found;
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
			"Of this console's tables only settings, servers, users, admins and rules can be changed, by INSERT, UPDATE "
			"and DELETE of their rows");
	} else if (code == SQLITE_CONSTRAINT) {
		set_error(e, 1231, "42000");
		snprintf(e->text, sizeof e->text, "%s", text);
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
