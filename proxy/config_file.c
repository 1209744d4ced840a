#include "proxy/config_file.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MYSQL_PORT 3306
#define BUSY_MS 5000 /* another process may be committing */

/* The CHECKs repeat what the readers below accept, so that a wrong row is refused when it is written. */
static const char schema[] =
	"BEGIN;"
	"CREATE TABLE IF NOT EXISTS settings("
	" name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,"
	" value TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS servers("
	" server TEXT NOT NULL PRIMARY KEY CHECK(length(server) > 0)," /* HOST:PORT or a socket's path */
	" role TEXT NOT NULL DEFAULT 'auto' CHECK(role IN ('auto', 'primary', 'replica')),"
	" weight INTEGER NOT NULL DEFAULT 1 CHECK(typeof(weight) = 'integer' AND weight BETWEEN 1 AND 1000),"
	" zone TEXT NOT NULL DEFAULT '' CHECK(length(zone) < 64),"
	" comment TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE IF NOT EXISTS users("
	" name TEXT NOT NULL PRIMARY KEY CHECK(length(name) BETWEEN 1 AND 128),"
	" password TEXT CHECK(length(password) <= 255)," /* NULL: the account is the primary's */
	" comment TEXT NOT NULL DEFAULT '');"
	"COMMIT";

/* Columns that files made by earlier versions lack. */
static const struct {
	const char *probe, *add;
} later_columns[] = {
	{"SELECT zone FROM servers", "ALTER TABLE servers ADD COLUMN zone TEXT NOT NULL DEFAULT '' CHECK(length(zone) < 64)"},
};

struct load {
	struct options *options;
	const char *path;
	char *error;
	size_t error_size;
};

static bool refuse(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct load *l, const char *format, ...)
{
	int n = snprintf(l->error, l->error_size, "configuration file %s: ", l->path);
	if (n < 0 || (size_t)n >= l->error_size)
		return false;
	va_list args;
	va_start(args, format);
	vsnprintf(l->error + n, l->error_size - (size_t)n, format, args);
	va_end(args);
	return false;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	return text ? text : "";
}

static bool read_setting(struct load *l, sqlite3_stmt *row)
{
	char why[320];
	if (settings_set(&l->options->settings, text_of(row, 0), text_of(row, 1), why, sizeof why))
		return true;
	return refuse(l, "settings: %s", why);
}

static bool read_server(struct load *l, sqlite3_stmt *row)
{
	char why[320];
	struct options *o = l->options;
	if (o->n_servers == OPTIONS_SERVERS_MAX)
		return refuse(l, "servers: more than %d rows", OPTIONS_SERVERS_MAX);
	struct server_option *s = &o->servers[o->n_servers];
	const char *role = text_of(row, 1);
	if (!endpoint_parse(&s->at, text_of(row, 0), MYSQL_PORT, why, sizeof why))
		return refuse(l, "servers: %s", why);
	s->role = strcmp(role, "primary") == 0	 ? SERVER_ROLE_PRIMARY
		  : strcmp(role, "replica") == 0 ? SERVER_ROLE_REPLICA
						 : SERVER_ROLE_AUTO;
	s->weight = (unsigned)sqlite3_column_int(row, 2);
	snprintf(s->zone, sizeof s->zone, "%s", text_of(row, 3));
	o->n_servers++;
	return true;
}

static bool read_user(struct load *l, sqlite3_stmt *row)
{
	struct options *o = l->options;
	if (o->n_users == OPTIONS_USERS_MAX)
		return refuse(l, "users: more than %d rows", OPTIONS_USERS_MAX);
	struct user_option *u = &o->users[o->n_users];
	if (strlen(text_of(row, 0)) >= sizeof u->name || strlen(text_of(row, 1)) >= sizeof u->password)
		return refuse(l, "users: the name or password of '%.64s' is too long", text_of(row, 0));
	snprintf(u->name, sizeof u->name, "%s", text_of(row, 0));
	snprintf(u->password, sizeof u->password, "%s", text_of(row, 1));
	u->has_password = sqlite3_column_type(row, 1) != SQLITE_NULL;
	o->n_users++;
	return true;
}

static bool read_rows(struct load *l, sqlite3 *db, const char *sql, bool (*read)(struct load *, sqlite3_stmt *))
{
	sqlite3_stmt *rows;
	if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
		return refuse(l, "%s", sqlite3_errmsg(db));
	bool fine = true;
	int got = SQLITE_DONE;
	while (fine && (got = sqlite3_step(rows)) == SQLITE_ROW)
		fine = read(l, rows);
	if (fine && got != SQLITE_DONE)
		fine = refuse(l, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(rows);
	return fine;
}

static bool make_tables(struct load *l, sqlite3 *db)
{
	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return refuse(l, "%s", sqlite3_errmsg(db));
	for (size_t i = 0; i < sizeof later_columns / sizeof *later_columns; i++)
		if (sqlite3_exec(db, later_columns[i].probe, NULL, NULL, NULL) != SQLITE_OK &&
		    sqlite3_exec(db, later_columns[i].add, NULL, NULL, NULL) != SQLITE_OK)
			return refuse(l, "%s", sqlite3_errmsg(db));
	return true;
}

bool config_file_read(struct options *o, const char *path, char *error, size_t error_size)
{
	static const struct {
		const char *sql;
		bool (*read)(struct load *, sqlite3_stmt *);
	} tables[] = {
		{"SELECT name, value FROM settings ORDER BY name", read_setting},
		{"SELECT server, role, weight, zone FROM servers ORDER BY rowid", read_server},
		{"SELECT name, password FROM users ORDER BY rowid", read_user},
	};
	struct load l = {o, path, error, error_size};
	sqlite3 *db = NULL;
	mode_t mask = umask(077); /* one thread only at this time */
	int opened = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	bool fine = opened == SQLITE_OK ? true : refuse(&l, "%s", db ? sqlite3_errmsg(db) : "out of memory");
	if (fine) {
		sqlite3_busy_timeout(db, BUSY_MS);
		fine = make_tables(&l, db);
	}
	umask(mask);
	for (size_t i = 0; fine && i < sizeof tables / sizeof *tables; i++)
		fine = read_rows(&l, db, tables[i].sql, tables[i].read);
	sqlite3_close(db);
	return fine;
}
