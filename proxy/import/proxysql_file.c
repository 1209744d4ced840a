#include "proxy/import/proxysql_file.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/config/config.h"

/* The sections of proxysql.cnf that are lists of rows. Columns have no type: a row has what the file gives it. */
static const char *const sections[] = {
	"mysql_servers",         "mysql_users",
	"mysql_query_rules",     "mysql_query_rules_fast_routing",
	"mysql_replication_hostgroups", "mysql_group_replication_hostgroups",
	"mysql_galera_hostgroups", "mysql_aws_aurora_hostgroups",
	"scheduler",             "proxysql_servers",
};

/* Names of proxysql.cnf that are other in the tables. */
static const struct {
	const char *section, *name, *column;
} aliases[] = {
	{"mysql_servers", "address", "hostname"},
	{"mysql_servers", "hostgroup", "hostgroup_id"},
	{"proxysql_servers", "address", "hostname"},
};

static bool run(sqlite3 *db, char *sql)
{
	bool fine = sql && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_free(sql);
	return fine;
}

/* A scalar as SQL; to be freed with sqlite3_free(). */
static char *value_of(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return sqlite3_mprintf("%lld", config_setting_get_int64(s));
	case CONFIG_TYPE_BOOL:
		return sqlite3_mprintf("%d", config_setting_get_bool(s));
	case CONFIG_TYPE_FLOAT:
		return sqlite3_mprintf("%f", config_setting_get_float(s));
	case CONFIG_TYPE_STRING:
		return sqlite3_mprintf("%Q", config_setting_get_string(s));
	default:
		return sqlite3_mprintf("NULL");
	}
}

static const char *column_of(const char *section, const char *name)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].section, section) == 0 && strcasecmp(aliases[i].name, name) == 0)
			return aliases[i].column;
	return name;
}

/* Columns come as they are met: one that is there already makes ALTER fail, which is as good. */
static bool add_row(sqlite3 *db, const char *section, const config_setting_t *group)
{
	sqlite3_str *columns = sqlite3_str_new(db), *values = sqlite3_str_new(db);
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *field = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(field);
		char *value = value_of(field);
		if (name && value) {
			name = column_of(section, name);
			run(db, sqlite3_mprintf("ALTER TABLE \"%w\" ADD COLUMN \"%w\"", section, name));
			sqlite3_str_appendf(columns, ", \"%w\"", name);
			sqlite3_str_appendf(values, ", %s", value);
		}
		sqlite3_free(value);
	}
	char *c = sqlite3_str_finish(columns), *v = sqlite3_str_finish(values);
	bool fine = run(db, sqlite3_mprintf("INSERT INTO \"%w\" (place%s) VALUES (NULL%s)", section, c ? c : "", v ? v : ""));
	sqlite3_free(c);
	sqlite3_free(v);
	return fine;
}

static bool add_variables(sqlite3 *db, const config_t *c, const char *section, const char *prefix)
{
	const config_setting_t *group = config_lookup(c, section);
	bool fine = true;
	for (int i = 0; fine && group && i < config_setting_length(group); i++) {
		const config_setting_t *field = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(field);
		char *value = value_of(field);
		fine = name && value &&
		       run(db, sqlite3_mprintf("INSERT OR REPLACE INTO global_variables VALUES ('%q%q', %s)", prefix, name, value));
		sqlite3_free(value);
	}
	return fine;
}

static bool fill(sqlite3 *db, const config_t *c)
{
	bool fine = run(db, sqlite3_mprintf("CREATE TABLE global_variables (variable_name PRIMARY KEY, variable_value)")) &&
		    add_variables(db, c, "mysql_variables", "mysql-") && add_variables(db, c, "admin_variables", "admin-");
	for (size_t i = 0; fine && i < sizeof sections / sizeof *sections; i++) {
		const config_setting_t *list = config_lookup(c, sections[i]);
		fine = run(db, sqlite3_mprintf("CREATE TABLE \"%w\" (place INTEGER PRIMARY KEY)", sections[i]));
		for (int k = 0; fine && list && k < config_setting_length(list); k++)
			fine = add_row(db, sections[i], config_setting_get_elem(list, (unsigned)k));
	}
	return fine;
}

static sqlite3 *open_cnf(FILE *file, const char *path, char *error, size_t error_size)
{
	sqlite3 *db = NULL;
	config_t c;
	config_init(&c);
	bool fine = false;
	if (config_read(&c, file) != CONFIG_TRUE)
		config_refuse(error, error_size, "%.300s is no proxysql.db, and as a proxysql.cnf it has in line %d: %s", path,
			      config_error_line(&c), config_error_text(&c));
	else if (sqlite3_open(":memory:", &db) != SQLITE_OK || !fill(db, &c))
		config_refuse(error, error_size, "%.300s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	else
		fine = true;
	config_destroy(&c);
	if (fine)
		return db;
	sqlite3_close(db);
	return NULL;
}

static sqlite3 *open_db(const char *path, char *error, size_t error_size)
{
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, "SELECT 1 FROM mysql_servers LIMIT 1", NULL, NULL, NULL) == SQLITE_OK)
		return db;
	config_refuse(error, error_size, "%.300s is no database of ProxySQL's: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	sqlite3_close(db);
	return NULL;
}

sqlite3 *proxysql_file_open(const char *path, char *error, size_t error_size)
{
	static const char magic[] = "SQLite format 3";
	char head[sizeof magic] = "";
	FILE *file = fopen(path, "re");
	if (!file || (fread(head, 1, sizeof head, file) == 0 && ferror(file))) {
		config_refuse(error, error_size, "%.300s: %s", path, strerror(errno));
		if (file)
			fclose(file);
		return NULL;
	}
	rewind(file);
	bool is_db = memcmp(head, magic, sizeof magic) == 0;
	sqlite3 *db = is_db ? open_db(path, error, error_size) : open_cnf(file, path, error, error_size);
	fclose(file);
	return db;
}

static bool has_table(sqlite3 *db, const char *table)
{
	sqlite3_stmt *s = NULL;
	bool there = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", -1, &s, NULL) ==
			     SQLITE_OK &&
		     sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;
	sqlite3_finalize(s);
	return there;
}

bool proxysql_rows(sqlite3 *db, const char *table, void (*read)(void *arg, sqlite3_stmt *row), void *arg, char *error,
		   size_t error_size)
{
	sqlite3_stmt *s = NULL;
	if (!has_table(db, table))
		return true;
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" ORDER BY rowid", table);
	int got = sql ? sqlite3_prepare_v2(db, sql, -1, &s, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	if (got == SQLITE_OK)
		while ((got = sqlite3_step(s)) == SQLITE_ROW)
			read(arg, s);
	sqlite3_finalize(s);
	return got == SQLITE_DONE || config_refuse(error, error_size, "%s: %s", table, sqlite3_errmsg(db));
}

static int column_at(sqlite3_stmt *row, const char *column)
{
	for (int i = 0; i < sqlite3_column_count(row); i++)
		if (strcasecmp(sqlite3_column_name(row, i), column) == 0)
			return i;
	return -1;
}

const char *proxysql_text(sqlite3_stmt *row, const char *column)
{
	int i = column_at(row, column);
	return i < 0 ? NULL : (const char *)sqlite3_column_text(row, i);
}

long long proxysql_number(sqlite3_stmt *row, const char *column, long long otherwise)
{
	int i = column_at(row, column);
	return i < 0 || sqlite3_column_type(row, i) == SQLITE_NULL ? otherwise : sqlite3_column_int64(row, i);
}
