#include "proxy/config/config_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "proxy/config/config_rules.h"
#include "proxy/config/config_sql.h"
#include "router/address.h"

#define MYSQL_PORT 3306
#define BUSY_MS 5000 /* another process may be committing */

#define CREATE_SERVERS                                                                                                 \
	"CREATE TABLE IF NOT EXISTS main.servers("                                                                     \
	" server TEXT NOT NULL PRIMARY KEY CHECK(length(server) > 0)," /* HOST:PORT or a socket's path */              \
	" role TEXT NOT NULL DEFAULT 'auto' CHECK(role IN ('auto', 'primary', 'replica', 'mirror')),"                  \
	" weight INTEGER NOT NULL DEFAULT 1 CHECK(typeof(weight) = 'integer' AND weight BETWEEN 1 AND 1000),"          \
	" zone TEXT NOT NULL DEFAULT '' CHECK(length(zone) < 64),"                                                     \
	" comment TEXT NOT NULL DEFAULT '');"

/* The CHECKs repeat what is checked before a row is written, for whoever writes into the file with another tool. */
const char config_schema[] =
	"BEGIN;"
	"CREATE TABLE IF NOT EXISTS main.settings("
	" name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,"
	" value TEXT NOT NULL);"
	CREATE_SERVERS
	"CREATE TABLE IF NOT EXISTS main.users("
	" name TEXT NOT NULL PRIMARY KEY CHECK(length(name) BETWEEN 1 AND 128),"
	" password TEXT CHECK(length(password) <= 255)," /* NULL: the account is the primary's */
	" consistency TEXT NOT NULL DEFAULT '',"
	" max_lag TEXT NOT NULL DEFAULT '',"
	" causal_key TEXT NOT NULL DEFAULT '',"
	" networks TEXT NOT NULL DEFAULT '',"
	" max_clients TEXT NOT NULL DEFAULT '',"
	" comment TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE IF NOT EXISTS main.admins("
	" name TEXT NOT NULL PRIMARY KEY CHECK(length(name) BETWEEN 1 AND 128),"
	" password TEXT NOT NULL CHECK(length(password) > 0)," /* a verifier */
	" role TEXT NOT NULL DEFAULT 'admin' CHECK(role IN ('admin', 'monitor')),"
	" comment TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE IF NOT EXISTS main.rules(" /* the patterns' CHECK is wye's own */
	" id INTEGER PRIMARY KEY CHECK(id BETWEEN 1 AND 1000000000),"
	" enabled INTEGER NOT NULL DEFAULT 1 CHECK(enabled IN (0, 1)),"
	" user TEXT, schema TEXT, client TEXT," /* NULL, here and below: any, or nothing */
	" class TEXT CHECK(class IN ('replica', 'primary', 'session', 'pin', 'local')),"
	" digest TEXT CHECK(length(digest) = 16),"
	" match_digest TEXT, match_pattern TEXT,"
	" route TEXT, deny TEXT,"
	" consistency TEXT CHECK(consistency IN ('eventual', 'session', 'global', 'primary')),"
	" max_lag TEXT, timeout TEXT,"
	" rewrite TEXT CHECK(rewrite IS NULL OR match_pattern IS NOT NULL),"
	" mirror TEXT,"
	" log INTEGER NOT NULL DEFAULT 0 CHECK(log IN (0, 1)),"
	" continue INTEGER NOT NULL DEFAULT 0 CHECK(continue IN (0, 1)),"
	" dry_run INTEGER NOT NULL DEFAULT 0 CHECK(dry_run IN (0, 1)),"
	" comment TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE IF NOT EXISTS main.config_history("
	" version INTEGER PRIMARY KEY,"
	" at TEXT NOT NULL," /* UTC */
	" who TEXT NOT NULL,"
	" change TEXT NOT NULL,"
	" state TEXT NOT NULL);" /* SQL that makes it again */
	"COMMIT";

/* Columns that files made by earlier versions lack. */
static const struct {
	const char *probe, *add;
} later_columns[] = {
	{"SELECT mirror FROM main.rules", "ALTER TABLE main.rules ADD COLUMN mirror TEXT"},
	{"SELECT zone FROM main.servers",
	 "ALTER TABLE main.servers ADD COLUMN zone TEXT NOT NULL DEFAULT '' CHECK(length(zone) < 64)"},
	{"SELECT consistency FROM main.users",
	 "ALTER TABLE main.users ADD COLUMN consistency TEXT NOT NULL DEFAULT ''"},
	{"SELECT max_lag FROM main.users", "ALTER TABLE main.users ADD COLUMN max_lag TEXT NOT NULL DEFAULT ''"},
	{"SELECT causal_key FROM main.users", "ALTER TABLE main.users ADD COLUMN causal_key TEXT NOT NULL DEFAULT ''"},
	{"SELECT networks FROM main.users", "ALTER TABLE main.users ADD COLUMN networks TEXT NOT NULL DEFAULT ''"},
	{"SELECT max_clients FROM main.users", "ALTER TABLE main.users ADD COLUMN max_clients TEXT NOT NULL DEFAULT ''"},
	{"SELECT comment FROM main.servers",
	 "ALTER TABLE main.servers ADD COLUMN comment TEXT NOT NULL DEFAULT ''"},
};

/* No constraint of a table can be changed: what a file has that knows no mirrors moves into one that does. */
static const char servers_with_mirrors[] =
	"BEGIN IMMEDIATE; ALTER TABLE main.servers RENAME TO servers_before;" CREATE_SERVERS
	"INSERT INTO main.servers(server, role, weight, zone, comment)"
	" SELECT server, role, weight, zone, comment FROM main.servers_before ORDER BY rowid;"
	"DROP TABLE main.servers_before; COMMIT";

static const char given_schema[] = "CREATE TEMP TABLE given_settings(name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE);"
				   "CREATE TEMP TABLE given_servers(name TEXT NOT NULL PRIMARY KEY, i INTEGER);"
				   "CREATE TEMP TABLE given_users(name TEXT NOT NULL PRIMARY KEY, i INTEGER);"
				   "CREATE TEMP TABLE given_admins(name TEXT NOT NULL PRIMARY KEY);"; /* none */

static bool failed(sqlite3 *db, char *error, size_t error_size)
{
	return config_refuse(error, error_size, "%s", sqlite3_errmsg(db));
}

/* ---- opening ---- */

static bool note_given(sqlite3 *db, const struct options *given)
{
	const struct setting_info *info;
	char name[280];
	for (size_t i = 0; (info = settings_info(i)); i++)
		if (given->set_by_hand[i] &&
		    !config_sql(db, "INSERT INTO temp.given_settings VALUES(?1)", "s", info->name))
			return false;
	for (size_t i = 0; i < given->n_servers; i++) {
		endpoint_format(&given->servers[i].at, name, sizeof name);
		/* --server says more than the list of addresses. */
		bool bare = given->servers[i].role == SERVER_ROLE_AUTO && given->servers[i].weight == 1 &&
			    !*given->servers[i].zone;
		if (!config_sql(db,
				bare ? "INSERT OR IGNORE INTO temp.given_servers VALUES(?1, ?2)"
				     : "INSERT OR REPLACE INTO temp.given_servers VALUES(?1, ?2)",
				"si", name, (int)i))
			return false;
	}
	for (size_t i = 0; i < given->n_users; i++)
		if (!config_sql(db, "INSERT OR REPLACE INTO temp.given_users VALUES(?1, ?2)", "si",
				given->users[i].name, (int)i))
			return false;
	return true;
}

static bool note_that_it_is(void *known, sqlite3_stmt *row)
{
	(void)row;
	*(bool *)known = true;
	return true;
}

static bool knows_mirrors(sqlite3 *db)
{
	bool known = false;
	return config_sql_rows(db, "SELECT 1 FROM main.sqlite_master WHERE name = 'servers' AND sql LIKE '%''mirror''%'",
			       note_that_it_is, &known) && known;
}

static bool add_later_columns(sqlite3 *db)
{
	for (size_t i = 0; i < sizeof later_columns / sizeof *later_columns; i++)
		if (!config_sql_script(db, later_columns[i].probe) && !config_sql_script(db, later_columns[i].add))
			return false;
	return knows_mirrors(db) || config_sql_script(db, servers_with_mirrors);
}

static bool is_sql_file(const char *path)
{
	size_t len = strlen(path);
	return len > 4 && strcmp(path + len - 4, ".sql") == 0;
}

/* What the process before this one had in memory. */
static bool take_image(sqlite3 *db, struct view image)
{
	if (!image.len)
		return true;
	unsigned char *copy = sqlite3_malloc64(image.len);
	if (!copy)
		return false;
	memcpy(copy, image.p, image.len);
	return sqlite3_deserialize(db, "main", copy, (sqlite3_int64)image.len, (sqlite3_int64)image.len,
				   SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) == SQLITE_OK;
}

sqlite3 *config_store_open(const struct options *given, char *error, size_t error_size)
{
	sqlite3 *db = NULL;
	bool in_file = *given->config && !is_sql_file(given->config);
	char why[CONFIG_ERROR_MAX];
	mode_t mask = umask(077); /* one thread only at this time */
	bool fine = sqlite3_open_v2(in_file ? given->config : ":memory:", &db,
				    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;
	sqlite3_busy_timeout(db, BUSY_MS);
	fine = fine && (in_file || take_image(db, given->config_image));
	fine = fine && config_sql_script(db, config_schema) && add_later_columns(db) && config_sql_script(db, given_schema) &&
	       note_given(db, given);
	umask(mask);
	if (!fine)
		config_refuse(why, sizeof why, "%s", db ? sqlite3_errmsg(db) : "out of memory");
	else if (is_sql_file(given->config))
		fine = config_store_import_file(db, given->config, why, sizeof why);
	if (fine)
		return db;
	config_refuse(error, error_size, "configuration file %s: %.400s", given->config, why);
	sqlite3_close(db);
	return NULL;
}

void config_store_close(sqlite3 *db)
{
	sqlite3_close_v2(db);
}

/* ---- reading ---- */

struct reading {
	struct config *config;
	const struct options *given;
	char *error;
	size_t error_size;
};

static const char *text_of(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	return text ? text : "";
}

static bool read_setting(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	char why[320];
	const char *name = text_of(row, 0);
	if (!settings_set(&r->config->settings, name, text_of(row, 1), why, sizeof why))
		return config_refuse(r->error, r->error_size, "settings: %s", why);
	r->config->sources[settings_index(name)] = CONFIG_STORED;
	return true;
}

static bool read_given_setting(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	char value[600], why[320];
	size_t i = (size_t)settings_index(text_of(row, 0));
	settings_format(&r->given->settings, i, value, sizeof value);
	r->config->sources[i] = CONFIG_GIVEN;
	return settings_set(&r->config->settings, text_of(row, 0), value, why, sizeof why) ||
	       config_refuse(r->error, r->error_size, "settings: %s", why);
}

static int role_index(const char *role)
{
	for (int i = SERVER_ROLE_AUTO; i <= SERVER_ROLE_MIRROR; i++)
		if (strcasecmp(role, config_role_name((enum server_role_option)i)) == 0)
			return i;
	return -1;
}

static bool too_long(const char *table, const char *name, const char *comment, char *error, size_t error_size)
{
	return strlen(comment) > CONFIG_COMMENT_MAX &&
	       !config_refuse(error, error_size, "%s: the comment of '%.200s' is longer than %d bytes", table, name,
		       CONFIG_COMMENT_MAX);
}

bool config_server_parse(struct config_server *s, const char *name, const char *role, const char *weight,
			 const char *zone, const char *comment, char *error, size_t error_size)
{
	char why[320], *end;
	*s = (struct config_server){.source = CONFIG_STORED};
	if (!endpoint_parse(&s->option.at, name, MYSQL_PORT, why, sizeof why))
		return config_refuse(error, error_size, "servers: %s", why);
	int index = role_index(role);
	if (index < 0)
		return config_refuse(error, error_size, "servers: the role of %.200s is '%.32s'; allowed: auto, primary, replica, mirror",
			      name, role);
	long share = strtol(weight, &end, 10);
	if (end == weight || *end || share < 1 || share > 1000)
		return config_refuse(error, error_size, "servers: the weight of %.200s is '%.32s'; allowed: 1 to 1000", name,
			      weight);
	if (strlen(zone) >= sizeof s->option.zone)
		return config_refuse(error, error_size, "servers: the zone of %.200s is longer than %zu bytes", name,
			      sizeof s->option.zone - 1);
	if (too_long("servers", name, comment, error, error_size))
		return false;
	snprintf(s->option.zone, sizeof s->option.zone, "%s", zone);
	s->option.role = (enum server_role_option)index;
	s->option.weight = (unsigned)share;
	snprintf(s->comment, sizeof s->comment, "%s", comment);
	return true;
}

static bool read_server(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	struct config_server s;
	if (!config_server_parse(&s, text_of(row, 0), text_of(row, 1), text_of(row, 2), text_of(row, 3), text_of(row, 4),
				 r->error, r->error_size))
		return false;
	if (config_server_at(r->config, &s.option.at))
		return config_refuse(r->error, r->error_size, "servers: %.200s is there twice", text_of(row, 0));
	*config_add_server(r->config) = s;
	return true;
}

static bool read_given_server(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	const struct server_option *option = &r->given->servers[sqlite3_column_int(row, 0)];
	if (config_server_at(r->config, &option->at))
		return true;
	*config_add_server(r->config) = (struct config_server){.option = *option, .source = CONFIG_GIVEN};
	return true;
}

/* One of the columns that say what a user's reads ask for. */
static bool asks(struct config_user *u, const char *name, const char *value, const char *allowed, char *room, size_t size,
		 char *error, size_t error_size)
{
	if (strlen(value) >= size || !hints_set(&u->hints, view_of(name), view_of(value)))
		return config_refuse(error, error_size, "users: '%.64s' is no %s; it is %s", value, name, allowed);
	snprintf(room, size, "%s", value);
	return true;
}

static bool parse_asked(struct config_user *u, const struct config_user_texts *t, char *error, size_t error_size)
{
	return asks(u, "consistency", t->consistency, "one of eventual, session, global, primary", u->consistency,
		    sizeof u->consistency, error, error_size) &&
	       asks(u, "max_lag", t->max_lag, "a time, such as 500ms or 5s", u->max_lag, sizeof u->max_lag, error,
		    error_size) &&
	       asks(u, "causal_key", t->causal_key, "a name of at most 127 bytes", u->causal_key, sizeof u->causal_key, error,
		    error_size);
}

#define MAX_CLIENTS_MAX 1000000u /* as of the setting user_max_clients */

/* The columns that say who may log in, and how often. */
static bool parse_limits(struct config_user *u, const struct config_user_texts *t, char *error, size_t error_size)
{
	char why[256];
	if (strlen(t->networks) >= sizeof u->networks)
		return config_refuse(error, error_size, "users: networks has more than %zu bytes", sizeof u->networks - 1);
	if (!address_list_check(t->networks, why, sizeof why))
		return config_refuse(error, error_size, "users: networks: %s", why);
	snprintf(u->networks, sizeof u->networks, "%s", t->networks);
	if (!*t->max_clients)
		return true;
	size_t digits = strspn(t->max_clients, "0123456789");
	unsigned long n = digits <= 7 ? strtoul(t->max_clients, NULL, 10) : 0;
	if (t->max_clients[digits] || n < 1 || n > MAX_CLIENTS_MAX)
		return config_refuse(error, error_size,
				     "users: max_clients '%.64s' is no number from 1 to %u; empty: as user_max_clients says",
				     t->max_clients, MAX_CLIENTS_MAX);
	u->max_clients = (unsigned)n;
	return true;
}

bool config_user_parse(struct config_user *u, const struct config_user_texts *texts, char *error, size_t error_size)
{
	const char *name = texts->name, *password = texts->password, *comment = texts->comment;
	*u = (struct config_user){.source = CONFIG_STORED};
	if (too_long("users", name, comment, error, error_size))
		return false;
	if (!*name || strlen(name) >= sizeof u->option.name)
		return config_refuse(error, error_size, "users: a name has 1 to %zu bytes", sizeof u->option.name - 1);
	if (password && strlen(password) >= sizeof u->option.password)
		return config_refuse(error, error_size, "users: the password of '%.64s' is longer than %zu bytes", name,
			      sizeof u->option.password - 1);
	snprintf(u->option.name, sizeof u->option.name, "%s", name);
	snprintf(u->option.password, sizeof u->option.password, "%s", password ? password : "");
	u->option.has_password = password != NULL;
	snprintf(u->comment, sizeof u->comment, "%s", comment);
	return parse_asked(u, texts, error, error_size) && parse_limits(u, texts, error, error_size);
}

static bool read_user(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	const struct config_user_texts texts = {text_of(row, 0), (const char *)sqlite3_column_text(row, 1), text_of(row, 2),
						text_of(row, 3), text_of(row, 4), text_of(row, 5),
						text_of(row, 6), text_of(row, 7)};
	return config_user_parse(config_add_user(r->config), &texts, r->error, r->error_size);
}

/* The users have come to where they stay. */
static void note_asking(struct config *c)
{
	for (size_t i = 0; i < c->n_users; i++) {
		struct config_user *u = &c->users[i];
		u->hints.causal_key = view_of(u->causal_key);
		c->n_users_asking += *u->consistency || *u->max_lag || *u->causal_key;
		c->n_users_limited += *u->networks || u->max_clients;
	}
}

static bool read_given_user(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	const struct user_option *option = &r->given->users[sqlite3_column_int(row, 0)];
	if (!config_user_named(r->config, option->name))
		*config_add_user(r->config) = (struct config_user){.option = *option, .source = CONFIG_GIVEN};
	return true;
}

static bool read_admin(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	return config_admin_parse(config_add_admin(r->config), text_of(row, 0), text_of(row, 1), text_of(row, 2),
				  text_of(row, 3), r->error, r->error_size);
}

static bool read_version(void *arg, sqlite3_stmt *row)
{
	((struct reading *)arg)->config->version = (uint64_t)sqlite3_column_int64(row, 0);
	return true;
}

struct config *config_store_read(sqlite3 *db, const struct options *given, char *error, size_t error_size)
{
	static const struct {
		const char *sql;
		bool (*read)(void *, sqlite3_stmt *);
	} parts[] = {
		{"SELECT name, value FROM main.settings ORDER BY name", read_setting},
		{"SELECT name FROM temp.given_settings", read_given_setting},
		{"SELECT server, role, weight, zone, comment FROM main.servers ORDER BY rowid", read_server},
		{"SELECT i FROM temp.given_servers ORDER BY i", read_given_server},
		{"SELECT name, password, comment, consistency, max_lag, causal_key, networks, max_clients FROM main.users"
		 " ORDER BY rowid", read_user},
		{"SELECT i FROM temp.given_users ORDER BY i", read_given_user},
		{"SELECT name, password, role, comment FROM main.admins ORDER BY rowid", read_admin},
		{"SELECT coalesce(max(version), 0) FROM main.config_history", read_version},
	};
	struct reading r = {config_create(), given, error, error_size};
	*error = '\0';
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!config_sql_rows(db, parts[i].sql, parts[i].read, &r))
			goto refused;
	note_asking(r.config);
	if (config_rules_read(db, r.config, error, error_size))
		return r.config;
refused:
	if (!*error)
		failed(db, error, error_size);
	config_unref(r.config);
	return NULL;
}

/* ---- writing ---- */

bool config_store_setting(sqlite3 *db, const char *name, const char *value, char *error, size_t error_size)
{
	struct settings scratch;
	settings_default(&scratch);
	if (!settings_set(&scratch, name, value, error, error_size))
		return false;
	const char *right = settings_info((size_t)settings_index(name))->name;
	return (config_sql(db, "INSERT OR REPLACE INTO main.settings VALUES(?1, ?2)", "ss", right, value) &&
		config_sql(db, "DELETE FROM temp.given_settings WHERE name = ?1", "s", right)) ||
	       failed(db, error, error_size);
}

/* What a table calls its rows by. */
static const struct named_table {
	const char *name, *key, *given; /* given: the table of those of the command line, or NULL */
} named[] = {
	{"settings", "name", "given_settings"},
	{"servers", "server", "given_servers"},
	{"users", "name", "given_users"},
	{"admins", "name", "given_admins"},
	{"rules", "id", NULL},
};

static const struct named_table *named_table(const char *table)
{
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (strcmp(named[i].name, table) == 0)
			return &named[i];
	abort();
}

static bool count(void *arg, sqlite3_stmt *row)
{
	*(int *)arg += sqlite3_column_int(row, 0);
	return true;
}

static bool exists(sqlite3 *db, const struct named_table *t, const char *name)
{
	char *sql = sqlite3_mprintf(t->given ? "SELECT count(*) FROM main.%s WHERE %s = %Q UNION ALL "
					       "SELECT count(*) FROM temp.%s WHERE name = %Q"
					     : "SELECT count(*) FROM main.%s WHERE %s = %Q",
				    t->name, t->key, name, t->given, name);
	int n = 0;
	if (sql)
		config_sql_rows(db, sql, count, &n);
	sqlite3_free(sql);
	return n > 0;
}

bool config_store_drop(sqlite3 *db, const char *table, const char *name, char *error, size_t error_size)
{
	const struct named_table *t = named_table(table);
	char *sql = sqlite3_mprintf(t->given ? "DELETE FROM main.%s WHERE %s = %Q; DELETE FROM temp.%s WHERE name = %Q"
					     : "DELETE FROM main.%s WHERE %s = %Q",
				    t->name, t->key, name, t->given, name);
	bool fine = sql && config_sql_script(db, sql);
	sqlite3_free(sql);
	return fine || failed(db, error, error_size);
}

bool config_store_make_place(sqlite3 *db, const char *table, const char *old, const char *name, bool replace, char *error,
			     size_t error_size)
{
	bool moves = !old || strcmp(old, name) != 0;
	if (moves && !replace && exists(db, named_table(table), name))
		return config_refuse(error, error_size, "%s: there is a row for '%.200s' already", table, name);
	return (!old || config_store_drop(db, table, old, error, error_size)) &&
	       config_store_drop(db, table, name, error, error_size);
}

bool config_store_server(sqlite3 *db, const char *old, const struct config_server *server, bool replace, char *error,
			 size_t error_size)
{
	char name[280];
	endpoint_format(&server->option.at, name, sizeof name);
	if (!config_store_make_place(db, "servers", old, name, replace, error, error_size))
		return false;
	return config_sql(db, "INSERT INTO main.servers(server, role, weight, zone, comment) VALUES(?1, ?2, ?3, ?4, ?5)",
			  "ssiss", name, config_role_name(server->option.role), (int)server->option.weight,
			  server->option.zone, server->comment) ||
	       failed(db, error, error_size);
}

bool config_store_user(sqlite3 *db, const char *old, const struct config_user *user, bool replace, char *error,
		       size_t error_size)
{
	if (!config_store_make_place(db, "users", old, user->option.name, replace, error, error_size))
		return false;
	char max_clients[16];
	config_user_max_clients(user, max_clients);
	return config_sql(db,
			  "INSERT INTO main.users(name, password, consistency, max_lag, causal_key, networks, max_clients, comment)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			  "ssssssss", user->option.name, user->option.has_password ? user->option.password : NULL,
			  user->consistency, user->max_lag, user->causal_key, user->networks, max_clients, user->comment) ||
	       failed(db, error, error_size);
}

bool config_store_admin(sqlite3 *db, const char *old, const struct config_admin *admin, bool replace, char *error,
			size_t error_size)
{
	if (!config_store_make_place(db, "admins", old, admin->name, replace, error, error_size))
		return false;
	return config_sql(db, "INSERT INTO main.admins(name, password, role, comment) VALUES(?1, ?2, ?3, ?4)", "ssss",
			  admin->name, admin->verifier, config_admin_role_name(admin->role), admin->comment) ||
	       failed(db, error, error_size);
}

/* ---- the history ---- */

bool config_store_note(sqlite3 *db, const struct config *state, const char *who, const char *change, char *error,
		       size_t error_size)
{
	char *sql = config_store_export(state, true);
	bool fine = config_sql(db,
			       "INSERT INTO main.config_history(at, who, change, state) "
			       "VALUES(strftime('%Y-%m-%d %H:%M:%f', 'now'), ?1, ?2, ?3)",
			       "sss", who, change, sql);
	if (!fine)
		failed(db, error, error_size);
	explicit_bzero(sql, strlen(sql));
	free(sql);
	return fine;
}

static bool take_state(void *arg, sqlite3_stmt *row)
{
	char **out = arg;
	free(*out);
	*out = strdup(text_of(row, 0));
	return *out;
}

char *config_store_state_of(sqlite3 *db, uint64_t version)
{
	char *state = NULL, *sql = sqlite3_mprintf("SELECT state FROM main.config_history WHERE version = %llu",
						   (unsigned long long)version);
	if (sql)
		config_sql_rows(db, sql, take_state, &state);
	sqlite3_free(sql);
	return state;
}
