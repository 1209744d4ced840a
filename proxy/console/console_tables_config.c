/* The tables of the configuration: what they show, and how their rows are written. */
#include "proxy/console/console_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_store.h"

#define MYSQL_PORT 3306

const char TABLE_SAME[] = "";

static bool refuse(char *error, size_t error_size, const char *text, const char *what)
{
	snprintf(error, error_size, "%s%s", text, what);
	return false;
}

static bool is_given(const char *column)
{
	return column && column != TABLE_SAME;
}

static bool drop(sqlite3 *db, const char *table, const char *name, char *error, size_t error_size)
{
	config_change_touched();
	return config_store_drop(db, table, name, error, error_size);
}

/* ---- settings ---- */

static const struct table_column settings_columns[] = {
	{"name", COLUMN_TEXT, "setting"},
	{"value", COLUMN_TEXT, "as configured"},
	{"default", COLUMN_TEXT, "without any configuration"},
	{"source", COLUMN_TEXT, "where the value comes from: default, command line or configuration"},
	{"unit", COLUMN_TEXT, "of a bare number, or the words allowed"},
	{"applies", COLUMN_TEXT, "a change applies: at once, or at restart"},
	{"description", COLUMN_TEXT, "what it does"},
};

static void produce_settings(struct table_rows *rows)
{
	struct config *c = config_visible();
	const struct setting_info *info;
	for (size_t i = 0; c && (info = settings_info(i)); i++) {
		char value[600];
		settings_format(&c->settings, i, value, sizeof value);
		rows_text(rows, info->name);
		rows_text(rows, value);
		rows_text(rows, info->default_text);
		rows_text(rows, config_source_name(c->sources[i]));
		rows_text(rows, info->unit);
		rows_text(rows, info->needs_restart ? "at restart" : "at once");
		rows_text(rows, info->description);
	}
	config_unref(c);
}

/* All settings are there already: an INSERT sets one, too. */
static bool put_setting(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
			size_t error_size)
{
	(void)replace;
	for (unsigned i = 2; i < sizeof settings_columns / sizeof *settings_columns; i++)
		if (is_given(columns[i]))
			return refuse(error, error_size, "settings: only the value can be changed, not ",
				      settings_columns[i].name);
	if (old && is_given(columns[0]) && strcmp(old, columns[0]) != 0)
		return refuse(error, error_size, "settings: the names are what they are: ", old);
	const char *name = old ? old : columns[0];
	if (!name)
		return refuse(error, error_size, "settings: a name is missing", "");
	config_change_touched();
	if (columns[1] == TABLE_SAME)
		return true;
	return columns[1] ? config_store_setting(db, name, columns[1], error, error_size)
			  : config_store_drop(db, "settings", name, error, error_size);
}

static bool drop_setting(sqlite3 *db, const char *old, char *error, size_t error_size)
{
	return drop(db, "settings", old, error, error_size);
}

const struct console_table table_settings = {
	"settings", "the settings; SET name = value changes one, DELETE gives one its default again",
	COLUMNS(settings_columns), produce_settings, false};

/* ---- servers ---- */

static const struct table_column servers_columns[] = {
	{"server", COLUMN_TEXT, "host:port, or the path of a Unix socket"},
	{"role", COLUMN_TEXT, "auto (as replication and read_only tell), primary, replica, or mirror: for copies of statements only (rules)"},
	{"weight", COLUMN_INTEGER, "its share of reads, 1 to 1000"},
	{"zone", COLUMN_TEXT, "where it is, for the setting of that name"},
	{"comment", COLUMN_TEXT, "free text"},
	{"source", COLUMN_TEXT, "where the row comes from: command line or configuration"},
};

static void produce_servers(struct table_rows *rows)
{
	struct config *c = config_visible();
	for (size_t i = 0; c && i < c->n_servers; i++) {
		char name[280];
		endpoint_format(&c->servers[i].option.at, name, sizeof name);
		rows_text(rows, name);
		rows_text(rows, config_role_name(c->servers[i].option.role));
		rows_integer(rows, c->servers[i].option.weight);
		rows_text(rows, c->servers[i].option.zone);
		rows_text(rows, c->servers[i].comment);
		rows_text(rows, config_source_name(c->servers[i].source));
	}
	config_unref(c);
}

static bool put_server(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
		       size_t error_size)
{
	struct config_server server, before = {.option = {.weight = 1}};
	char weight[24], name[280] = "";
	struct config *c = config_visible();
	for (size_t i = 0; old && i < c->n_servers; i++) {
		endpoint_format(&c->servers[i].option.at, name, sizeof name);
		if (strcmp(name, old) == 0)
			before = c->servers[i];
	}
	config_unref(c);
	snprintf(weight, sizeof weight, "%u", before.option.weight);
	if (is_given(columns[5]))
		return refuse(error, error_size, "servers: the column source cannot be written", "");
	const char *key = is_given(columns[0]) ? columns[0] : old;
	if (!key)
		return refuse(error, error_size, "servers: the address is missing: server = 'HOST:PORT'", "");
	config_change_touched();
	return config_server_parse(&server, key,
				   is_given(columns[1]) ? columns[1] : config_role_name(before.option.role),
				   is_given(columns[2]) ? columns[2] : weight,
				   is_given(columns[3]) ? columns[3] : before.option.zone,
				   is_given(columns[4]) ? columns[4] : before.comment, error, error_size) &&
	       config_store_server(db, old, &server, replace, error, error_size);
}

static bool drop_server(sqlite3 *db, const char *old, char *error, size_t error_size)
{
	return drop(db, "servers", old, error, error_size);
}

const struct console_table table_servers = {
	"servers", "the servers that are named here; the other members of the cluster are discovered (stats_servers)",
	COLUMNS(servers_columns), produce_servers, false};

/* ---- users ---- */

static const struct table_column users_columns[] = {
	{"name", COLUMN_TEXT, "user name"},
	{"password", COLUMN_TEXT, "*** where one is given; without one the account must be the primary's"},
	{"consistency", COLUMN_TEXT, "of its reads, where nothing nearer says: eventual, session, global or primary"},
	{"max_lag", COLUMN_TEXT, "its reads run on no replica further behind, likewise"},
	{"causal_key", COLUMN_TEXT, "sessions with the same one see each other's writes, likewise"},
	{"networks", COLUMN_TEXT, "ranges that its logins must come from, as in 10.0.0.0/8, unix; others get error 1130; empty = anywhere"},
	{"max_clients", COLUMN_TEXT, "its clients at once, in place of user_max_clients; more get error 1203"},
	{"comment", COLUMN_TEXT, "free text"},
	{"source", COLUMN_TEXT, "where the row comes from: command line or configuration"},
};

static void produce_users(struct table_rows *rows)
{
	struct config *c = config_visible();
	for (size_t i = 0; c && i < c->n_users; i++) {
		rows_text(rows, c->users[i].option.name);
		rows_text_or_null(rows, c->users[i].option.has_password ? "***" : "");
		rows_text(rows, c->users[i].consistency);
		rows_text(rows, c->users[i].max_lag);
		rows_text(rows, c->users[i].causal_key);
		rows_text(rows, c->users[i].networks);
		char max_clients[16];
		config_user_max_clients(&c->users[i], max_clients);
		rows_text(rows, max_clients);
		rows_text(rows, c->users[i].comment);
		rows_text(rows, config_source_name(c->users[i].source));
	}
	config_unref(c);
}

/* NULL takes a value back. */
static const char *text_or(const char *column, const char *before)
{
	return column == TABLE_SAME ? before : column ? column : "";
}

static bool put_user(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
		     size_t error_size)
{
	struct config *c = config_visible();
	const struct config_user *before = old ? config_user_named(c, old) : NULL;
	struct config_user user = before ? *before : (struct config_user){.source = CONFIG_STORED};
	config_unref(c);
	if (is_given(columns[8]))
		return refuse(error, error_size, "users: the column source cannot be written", "");
	const char *name = is_given(columns[0]) ? columns[0] : old;
	const char *password = columns[1] != TABLE_SAME	   ? columns[1]
			       : user.option.has_password ? user.option.password
							  : NULL;
	char max_clients[16];
	config_user_max_clients(&user, max_clients);
	config_change_touched();
	struct config_user changed;
	const struct config_user_texts texts = {
	    .name = name ? name : "",
	    .password = password,
	    .consistency = text_or(columns[2], user.consistency),
	    .max_lag = text_or(columns[3], user.max_lag),
	    .causal_key = text_or(columns[4], user.causal_key),
	    .networks = text_or(columns[5], user.networks),
	    .max_clients = text_or(columns[6], max_clients),
	    .comment = text_or(columns[7], user.comment),
	};
	return config_user_parse(&changed, &texts, error, error_size) &&
	       config_store_user(db, old, &changed, replace, error, error_size);
}

static bool drop_user(sqlite3 *db, const char *old, char *error, size_t error_size)
{
	return drop(db, "users", old, error, error_size);
}

const struct console_table table_users = {"users", "accounts given by hand, beside those of the primary; without a password: what holds for one of the primary's",
					  COLUMNS(users_columns), produce_users, false};

/* ---- admins ---- */

static const struct table_column admins_columns[] = {
	{"name", COLUMN_TEXT, "who may log in to this console; while there is nobody, only the Unix user who runs wye may, from this machine"},
	{"password", COLUMN_TEXT, "*** : only what checks it is kept"},
	{"role", COLUMN_TEXT, "admin, or monitor: reads only"},
	{"comment", COLUMN_TEXT, "free text"},
	{"source", COLUMN_TEXT, "where the row comes from: configuration"},
};

static void produce_admins(struct table_rows *rows)
{
	struct config *c = config_visible();
	for (size_t i = 0; c && i < c->n_admins; i++) {
		rows_text(rows, c->admins[i].name);
		rows_text(rows, "***");
		rows_text(rows, config_admin_role_name(c->admins[i].role));
		rows_text(rows, c->admins[i].comment);
		rows_text(rows, config_source_name(CONFIG_STORED));
	}
	config_unref(c);
}

static bool put_admin(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
		      size_t error_size)
{
	struct config *c = config_visible();
	const struct config_admin *found = old ? config_admin_named(c, old) : NULL;
	struct config_admin before = found ? *found : (struct config_admin){.role = ADMIN_ROLE_ADMIN}, changed;
	config_unref(c);
	if (is_given(columns[4]))
		return refuse(error, error_size, "admins: the column source cannot be written", "");
	const char *name = is_given(columns[0]) ? columns[0] : old;
	config_change_touched();
	return config_admin_parse(&changed, name ? name : "", is_given(columns[1]) ? columns[1] : before.verifier,
				  is_given(columns[2]) ? columns[2] : config_admin_role_name(before.role),
				  is_given(columns[3]) ? columns[3] : before.comment, error, error_size) &&
	       config_store_admin(db, old, &changed, replace, error, error_size);
}

static bool drop_admin(sqlite3 *db, const char *old, char *error, size_t error_size)
{
	return drop(db, "admins", old, error, error_size);
}

const struct console_table table_admins = {"admins", "who may log in to this console",
					   COLUMNS(admins_columns), produce_admins, false};

/* ---- all of them ---- */

const struct table_writing *console_writing_of(const struct console_table *table)
{
	static const struct {
		const struct console_table *table;
		struct table_writing writing;
	} writings[] = {
		{&table_settings, {put_setting, drop_setting}},
		{&table_servers, {put_server, drop_server}},
		{&table_users, {put_user, drop_user}},
		{&table_admins, {put_admin, drop_admin}},
	};
	if (table == &table_rules)
		return &rules_writing;
	for (size_t i = 0; i < sizeof writings / sizeof *writings; i++)
		if (writings[i].table == table)
			return &writings[i].writing;
	return NULL;
}
