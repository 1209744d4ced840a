/* The configuration as SQL, and back: EXPORT CONFIG, --config FILE.sql, and the states of the history. */
#include "proxy/config/config_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_rules.h"
#include "proxy/config/config_sql.h"

#define SQL_FILE_MAX (4u << 20)

static const struct {
	const char *name, *select, *insert;
} tables[] = {
	{"settings", "SELECT name, value FROM settings", "INSERT INTO main.settings(name, value) VALUES(?1, ?2)"},
	{"servers", "SELECT server, role, weight, zone, comment FROM servers ORDER BY rowid",
	 "INSERT INTO main.servers(server, role, weight, zone, comment) VALUES(?1, ?2, ?3, ?4, ?5)"},
	{"users", "SELECT name, password, consistency, max_lag, causal_key, networks, max_clients, comment FROM users ORDER BY rowid",
	 "INSERT INTO main.users(name, password, consistency, max_lag, causal_key, networks, max_clients, comment)"
	 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
	{"admins", "SELECT name, password, role, comment FROM admins ORDER BY rowid",
	 "INSERT INTO main.admins(name, password, role, comment) VALUES(?1, ?2, ?3, ?4)"},
	{"rules", NULL, NULL}, /* config_rules_copy() */
};

void config_put_literal(FILE *out, const char *text)
{
	if (!text) {
		fputs("NULL", out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("' || char(92) || '", out);
		else if (*text == '\'')
			fputs("''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

static void export_servers(FILE *out, const struct config *c)
{
	char name[280];
	for (size_t i = 0; i < c->n_servers; i++) {
		const struct config_server *s = &c->servers[i];
		if (s->source != CONFIG_STORED)
			continue;
		endpoint_format(&s->option.at, name, sizeof name);
		fputs("INSERT INTO servers(server, role, weight, zone, comment) VALUES(", out);
		config_put_literal(out, name);
		fprintf(out, ", '%s', %u, ", config_role_name(s->option.role), s->option.weight);
		config_put_literal(out, s->option.zone);
		fputs(", ", out);
		config_put_literal(out, s->comment);
		fputs(");\n", out);
	}
}

static void export_users(FILE *out, const struct config *c, bool with_passwords)
{
	for (size_t i = 0; i < c->n_users; i++) {
		const struct config_user *u = &c->users[i];
		if (u->source != CONFIG_STORED)
			continue;
		bool hidden = u->option.has_password && !with_passwords;
		char max_clients[16];
		config_user_max_clients(u, max_clients);
		fprintf(out, "%sINSERT INTO users(name, password, consistency, max_lag, causal_key, networks, max_clients, comment) VALUES(",
			hidden ? "-- the password is not shown: write it in the place of ***\n-- " : "");
		config_put_literal(out, u->option.name);
		fputs(", ", out);
		config_put_literal(out, hidden ? "***" : u->option.has_password ? u->option.password : NULL);
		const char *rest[] = {u->consistency, u->max_lag, u->causal_key, u->networks, max_clients, u->comment};
		for (size_t n = 0; n < sizeof rest / sizeof *rest; n++) {
			fputs(", ", out);
			config_put_literal(out, rest[n]);
		}
		fputs(");\n", out);
	}
}

/* A verifier is as good as the password to whoever has the time to guess. */
static void export_admins(FILE *out, const struct config *c, bool with_passwords)
{
	for (size_t i = 0; i < c->n_admins; i++) {
		const struct config_admin *a = &c->admins[i];
		fprintf(out, "%sINSERT INTO admins(name, password, role, comment) VALUES(",
			with_passwords ? "" : "-- the password is not shown: write it in the place of ***\n-- ");
		config_put_literal(out, a->name);
		fputs(", ", out);
		config_put_literal(out, with_passwords ? a->verifier : "***");
		fprintf(out, ", '%s', ", config_admin_role_name(a->role));
		config_put_literal(out, a->comment);
		fputs(");\n", out);
	}
}

char *config_store_export(const struct config *c, bool with_passwords)
{
	char *text = NULL, value[600];
	size_t size = 0;
	const struct setting_info *info;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	fputs("BEGIN;\n", out);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		fprintf(out, "DELETE FROM %s WHERE source = '%s';\n", tables[i].name, config_source_name(CONFIG_STORED));
	for (size_t i = 0; (info = settings_info(i)); i++) {
		if (c->sources[i] != CONFIG_STORED)
			continue;
		settings_format(&c->settings, i, value, sizeof value);
		fprintf(out, "INSERT INTO settings(name, value) VALUES('%s', ", info->name);
		config_put_literal(out, value);
		fputs(");\n", out);
	}
	export_servers(out, c);
	export_users(out, c, with_passwords);
	export_admins(out, c, with_passwords);
	config_rules_export(out, c, config_put_literal);
	fputs("COMMIT;\n", out);
	fclose(out);
	return text;
}

static bool is_table(const char *name)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(tables[i].name, name) == 0)
			return true;
	return false;
}

static int allow_rows_only(void *unused, int action, const char *a, const char *b, const char *database,
			   const char *trigger)
{
	(void)unused, (void)database, (void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_TRANSACTION:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return strcmp(b, "char") == 0 ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		return is_table(a) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

struct copying {
	sqlite3 *to;
	const char *insert;
};

static bool copy_row(void *arg, sqlite3_stmt *row)
{
	const struct copying *c = arg;
	sqlite3_stmt *insert = NULL;
	bool fine = sqlite3_prepare_v2(c->to, c->insert, -1, &insert, NULL) == SQLITE_OK;
	for (int i = 0; fine && i < sqlite3_column_count(row); i++)
		fine = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i)) == SQLITE_OK;
	fine = fine && sqlite3_step(insert) == SQLITE_DONE;
	sqlite3_finalize(insert);
	return fine;
}

static bool copy_tables(sqlite3 *from, sqlite3 *to)
{
	bool fine =
		config_sql_script(to, "DELETE FROM main.settings; DELETE FROM main.servers; DELETE FROM main.users; "
				      "DELETE FROM main.admins; DELETE FROM main.rules");
	for (size_t i = 0; fine && i < sizeof tables / sizeof *tables; i++) {
		struct copying c = {to, tables[i].insert};
		fine = tables[i].select ? config_sql_rows(from, tables[i].select, copy_row, &c) : config_rules_copy(from, to);
	}
	return fine;
}

/* As the tables look on the console. */
static const char scratch_schema[] = "ALTER TABLE settings ADD COLUMN source TEXT AS ('configuration');"
				     "ALTER TABLE servers ADD COLUMN source TEXT AS ('configuration');"
				     "ALTER TABLE users ADD COLUMN source TEXT AS ('configuration');"
				     "ALTER TABLE admins ADD COLUMN source TEXT AS ('configuration');"
				     "ALTER TABLE rules ADD COLUMN source TEXT AS ('configuration')";

/* What it says is run in a database of its own first: it can do nothing but fill these tables. */
bool config_store_import(sqlite3 *db, const char *sql, char *error, size_t error_size)
{
	sqlite3 *scratch = NULL;
	bool fine = sqlite3_open_v2(":memory:", &scratch,
				    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				    NULL) == SQLITE_OK &&
		    config_sql_script(scratch, config_schema) && config_sql_script(scratch, scratch_schema);
	if (fine) {
		sqlite3_set_authorizer(scratch, allow_rows_only, NULL);
		fine = config_sql_script(scratch, sql);
		sqlite3_set_authorizer(scratch, NULL, NULL);
	}
	if (!fine)
		config_refuse(error, error_size, "%s", scratch ? sqlite3_errmsg(scratch) : "out of memory");
	else if (!copy_tables(scratch, db))
		fine = config_refuse(error, error_size, "%s", sqlite3_errmsg(db));
	sqlite3_close(scratch);
	return fine;
}

static char *read_whole(const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	char *text = file ? calloc(1, SQL_FILE_MAX + 1) : NULL;
	size_t n = text ? fread(text, 1, SQL_FILE_MAX + 1, file) : 0;
	bool fine = text && !ferror(file) && n <= SQL_FILE_MAX;
	if (!fine)
		config_refuse(error, error_size, "%s", file && n > SQL_FILE_MAX ? "it is larger than 4 MiB" : strerror(errno));
	if (file)
		fclose(file);
	if (!fine) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

bool config_store_import_file(sqlite3 *db, const char *path, char *error, size_t error_size)
{
	char *sql = read_whole(path, error, error_size);
	bool fine = sql && config_store_import(db, sql, error, error_size);
	free(sql);
	return fine;
}
