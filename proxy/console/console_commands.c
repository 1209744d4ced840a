#include "proxy/console/console_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/constants.h"
#include "proxy/config/config_change.h"
#include "proxy/console/console_login.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_variables.h"
#include "proxy/console/console_write.h"
#include "proxy/nearest.h"

#define SQL_MAX 8192
#define NOTHING(columns) "SELECT " columns " WHERE 0"

bool console_expect_end(struct console_call *call)
{
	if (sql_at_end(call->rest))
		return true;
	answer_error(call->answer, 1064, "42000", "Nothing may follow %s; found '%.64s'", call->command->name,
		     sql_skip(call->rest));
	return false;
}

static void run_filtered(struct console_call *call, const char *filter, const char *const *texts, unsigned n)
{
	char sql[SQL_MAX];
	int len = snprintf(sql, sizeof sql, "SELECT * FROM (%s) %s", call->command->sql, filter);
	if (len < 0 || (size_t)len >= sizeof sql)
		answer_error(call->answer, 1064, "42000", "The condition is too long");
	else {
		config_read_for(call->session);
		answer_sql(call->answer, call->session->catalog, sql, texts, n);
		config_read_for(NULL);
	}
}

void console_run_sql(struct console_call *call)
{
	char pattern[256], filter[128], error[128];
	const char *texts[] = {pattern}, *p = call->rest;
	if ((sql_take(&p, "FROM") || sql_take(&p, "IN")) && sql_word(&p, pattern, sizeof pattern))
		call->rest = p; /* SHOW TABLES FROM wye: there is one schema */
	if (sql_take(&call->rest, "LIKE") && call->command->like) {
		if (!sql_value(&call->rest, pattern, sizeof pattern)) {
			answer_error(call->answer, 1064, "42000", "LIKE is followed by a pattern: '%%lag%%'");
			return;
		}
		snprintf(filter, sizeof filter, "WHERE \"%s\" LIKE ?1", call->command->like);
		if (console_expect_end(call))
			run_filtered(call, filter, texts, 1);
		return;
	}
	p = call->rest;
	if (sql_take(&p, "WHERE") || sql_take(&p, "ORDER") || sql_take(&p, "LIMIT")) {
		char *sql = sql_to_sqlite(call->rest, error, sizeof error);
		if (sql)
			run_filtered(call, sql, NULL, 0);
		else
			answer_error(call->answer, 1064, "42000", "%s", error);
		free(sql);
		return;
	}
	if (console_expect_end(call))
		run_filtered(call, "", NULL, 0);
}

bool console_schema_is(const char *name)
{
	static const char *const schemas[] = {CONSOLE_SCHEMA, "main", "stats", "information_schema", NULL};
	for (size_t i = 0; schemas[i]; i++)
		if (strcasecmp(name, schemas[i]) == 0)
			return true;
	return false;
}

void console_use(struct console_session *s, struct answer *a, const char *schema)
{
	if (!console_schema_is(schema)) {
		answer_error(a, 1049, "42000",
			     "There is no database '%.64s'; the one of this console is '" CONSOLE_SCHEMA "'", schema);
		return;
	}
	snprintf(s->schema, sizeof s->schema, "%s", schema);
	answer_ok(a, "");
}

static void run_use(struct console_call *call)
{
	char schema[65];
	if (sql_word(&call->rest, schema, sizeof schema) && console_expect_end(call))
		console_use(call->session, call->answer, schema);
	else if (sql_at_end(call->rest))
		answer_error(call->answer, 1064, "42000", "USE is followed by a name: USE " CONSOLE_SCHEMA);
}

static void run_begin(struct console_call *call)
{
	console_transaction_begin(call->session, call->answer);
}

static void run_commit(struct console_call *call)
{
	console_transaction_commit(call->session, call->answer);
}

static void run_rollback(struct console_call *call)
{
	console_transaction_roll_back(call->session, call->answer);
}

/* Whatever follows makes no difference. */
static void run_whatever_follows(struct console_call *call)
{
	answer_sql(call->answer, call->session->catalog, call->command->sql, NULL, 0);
}

#define NO_INDEXES                                                                                                    \
	NOTHING("'' AS \"Table\", 0 AS Non_unique, '' AS Key_name, 0 AS Seq_in_index, '' AS Column_name, "             \
		"'' AS Collation, 0 AS Cardinality, 0 AS Sub_part, '' AS Packed, '' AS \"Null\", '' AS Index_type, "     \
		"'' AS Comment, '' AS Index_comment")
#define GRANTS "SELECT 'GRANT ALL PRIVILEGES ON *.* TO `' || user || '`@`%`' AS Grants FROM mysql_account"
#define CHANGE_ROWS "SELECT step, server, state, ms, text FROM stats_changes"
#define TABLES "SELECT name AS Tables_in_wye FROM console_tables WHERE NOT hidden"
#define CONFIG_DIFF                                                                                              \
	"SELECT 'settings' AS \"table\", name, value, source FROM settings WHERE source <> 'default' UNION ALL "   \
	"SELECT 'servers', server, 'role ' || role || ', weight ' || weight, source FROM servers UNION ALL "       \
	"SELECT 'users', name, password, source FROM users UNION ALL "                                             \
	"SELECT 'admins', name, 'role ' || role, source FROM admins UNION ALL "                                    \
	"SELECT 'rules', CAST(id AS TEXT), comment, source FROM rules"

static const struct console_command commands[] = {
	{"SHOW TABLES", "the tables of this console", console_run_sql, TABLES, "Tables_in_wye"},
	{"SHOW SERVERS", "the servers: role, state and why, lag, counters (stats_servers)", console_run_sql,
	 "SELECT server, role, state, takes_reads, lag_ms, read_only, version, weight, connections_used, "
	 "connections_idle, statements, errors, since, reason FROM stats_servers",
	 "server"},
	{"SHOW POOLS", "connections to servers (stats_pools)", console_run_sql, "SELECT * FROM stats_pools",
	 "server"},
	{"SHOW SESSIONS", "the clients connected now (stats_sessions)", console_run_sql,
	 "SELECT * FROM stats_sessions", "user"},
	{"SHOW STATEMENTS", "what ran, by digest: how often, how long, where (stats_statements)", console_run_sql,
	 "SELECT digest, server, statements, errors, time_us, avg_us, p95_us, server_p95_us, own_p95_us, queue_p95_us, "
	 "rows_sent, rows_affected, user, schema, text FROM stats_statements ORDER BY time_us DESC",
	 "text"},
	{"SHOW LATENCY", "times by server and kind of statement (stats_latency)", console_run_sql,
	 "SELECT * FROM stats_latency", "server"},
	{"RESET STATEMENTS", "RESET STATEMENTS ['digest']: stats_statements and stats_latency begin anew, or one digest",
	 console_run_reset_statements, NULL, NULL},
	{"RESET ERRORS", "stats_errors begins anew", console_run_reset_errors, NULL, NULL},
	{"SHOW ROUTES", "statements by route and reason (stats_routes)", console_run_sql,
	 "SELECT * FROM stats_routes ORDER BY statements DESC", "reason"},
	{"SHOW LEARNED", "statements that replicas refused (stats_learned)", console_run_sql,
	 "SELECT * FROM stats_learned ORDER BY hits DESC", "hits"},
	{"SHOW PINS", "what tied sessions to a connection (stats_pins)", console_run_sql,
	 "SELECT * FROM stats_pins WHERE pins > 0 ORDER BY pins DESC", "cause"},
	{"SHOW WORKERS", "the worker threads (stats_workers)", console_run_sql, "SELECT * FROM stats_workers", NULL},
	{"SHOW EVENTS", "what happened and why (stats_events)", console_run_sql, "SELECT * FROM stats_events",
	 "kind"},
	{"SHOW MEMORY", "memory of the process (stats_memory)", console_run_sql, "SELECT * FROM stats_memory",
	 "name"},
	{"SHOW SETTINGS", "the settings, their defaults and what they do (settings)", console_run_sql,
	 "SELECT * FROM settings", "name"},
	{"SHOW RULES", "the rules with how often each matched (rules, stats_rules)", console_run_sql,
	 "SELECT rules.*, hits, changed, failed, mirrored FROM rules "
	 "LEFT JOIN (SELECT id, hits, changed, failed, mirrored FROM stats_rules) "
	 "USING (id) ORDER BY id",
	 "comment"},
	{"SHOW USERS", "accounts given by hand (users)", console_run_sql, "SELECT * FROM users", "name"},
	{"SHOW ADMINS", "who may log in to this console (admins)", console_run_sql, "SELECT * FROM admins", "name"},
	{"SHOW PROCESSLIST", "the clients connected now, as MySQL shows them", console_run_sql,
	 "SELECT * FROM processlist", "User"},
	{"SHOW COLUMNS FROM", "SHOW COLUMNS FROM table: its columns and what they hold", console_run_show_columns,
	 NULL, NULL},
	{"SHOW CREATE TABLE", "SHOW CREATE TABLE table", console_run_show_create, NULL, NULL},
	{"SHOW VARIABLES", "variables that clients ask for, and the settings", console_run_sql,
	 "SELECT * FROM console_variables ORDER BY 1", "Variable_name"},
	{"SHOW STATUS", "counters under the names that MySQL has for them", console_run_sql,
	 "SELECT * FROM console_status", "Variable_name"},
	{"EXPLAIN ROUTE", "EXPLAIN ROUTE statement [FOR USER u] [IN DATABASE d] [FROM CLIENT address] [AFTER 'statement']... or FOR CONNECTION id: where it would run, and why", console_run_explain_route, NULL,
	 NULL},
	{"CHECK", "what is wrong around wye, and what to do; it asks every server (stats_checks)", console_run_check,
	 "SELECT severity, subject, finding, advice FROM stats_checks", "finding"},
	{"SET", "SET setting = value[, ...]: as an UPDATE of settings", console_run_set, NULL, NULL},
	{"BEGIN", "changes of settings, servers, users and rules until COMMIT are one", run_begin, NULL, NULL},
	{"COMMIT", "checked, stored and in force as a whole, or refused", run_commit, NULL, NULL},
	{"ROLLBACK", "nothing is changed", run_rollback, NULL, NULL},
	{"SHOW CONFIG", "each setting with its value, default and where it comes from (settings)", console_run_sql,
	 "SELECT name, value, \"default\", source, unit, applies, description FROM settings", "name"},
	{"SHOW CONFIG DIFF", "what was configured: all that is not a default", console_run_sql, CONFIG_DIFF, "name"},
	{"SHOW CONFIG HISTORY", "the changes, newest first", console_run_history, NULL, NULL},
	{"ROLLBACK CONFIG TO", "ROLLBACK CONFIG TO version: as it was after that change", console_run_rollback_config,
	 NULL, NULL},
	{"EXPORT CONFIG", "EXPORT CONFIG [WITH PASSWORDS]: as SQL, for this console or a file of --config FILE.sql",
	 console_run_export, NULL, NULL},
	{"RELOAD TLS", "read the files of certificates, keys and authorities again (tls_cert, server_ca, ...)",
	 console_run_reload_tls, NULL, NULL},
	{"RELOAD", "read the file of --config FILE.sql again", console_run_reload, NULL, NULL},
	{"KILL", "KILL [QUERY] id: ends a client's session, or only what it runs (stats_sessions)", console_run_kill, NULL,
	 NULL},
	{"DRAIN", "DRAIN 'host:port': the replica gets no new reads, until RESUME 'host:port'", console_run_drain, NULL, NULL},
	{"PAUSE", "statements outside a transaction wait, at most queue_timeout, until RESUME", console_run_pause, NULL, NULL},
	{"RESUME", "RESUME ends PAUSE; RESUME 'host:port' ends its DRAIN", console_run_resume, NULL, NULL},
	{"SWITCHOVER", "SWITCHOVER [TO 'host:port']: another primary takes over, and nothing is lost (stats_changes)",
	 console_run_switchover, CHANGE_ROWS, NULL},
	{"FAILOVER", "FAILOVER [TO 'host:port']: the most advanced replica takes the place of a dead primary", console_run_failover,
	 CHANGE_ROWS, NULL},
	{"REJOIN", "REJOIN 'host:port' [FORCE]: it follows the primary, if it has nothing that the primary lacks, or by force",
	 console_run_rejoin, CHANGE_ROWS, NULL},
	{"SHUTDOWN", "finish running transactions, then stop", console_run_shutdown, NULL, NULL},
	{"HELP", "this list", console_run_help, NULL, NULL},

	/* What clients say out of habit. */
	{"SHOW FULL TABLES", NULL, console_run_sql,
	 "SELECT name AS Tables_in_wye, 'BASE TABLE' AS Table_type FROM console_tables WHERE NOT hidden",
	 "Tables_in_wye"},
	{"SHOW TABLE STATUS", NULL, console_run_sql,
	 "SELECT name AS Name, 'wye' AS Engine, description AS Comment FROM console_tables WHERE NOT hidden", "Name"},
	{"SHOW DATABASES", NULL, console_run_sql, "SELECT '" CONSOLE_SCHEMA "' AS \"Database\"", "Database"},
	{"SHOW SCHEMAS", NULL, console_run_sql, "SELECT '" CONSOLE_SCHEMA "' AS \"Database\"", "Database"},
	{"SHOW FULL PROCESSLIST", NULL, console_run_sql, "SELECT * FROM processlist", "User"},
	{"SHOW SESSION VARIABLES", NULL, console_run_sql, "SELECT * FROM console_variables ORDER BY 1",
	 "Variable_name"},
	{"SHOW GLOBAL VARIABLES", NULL, console_run_sql, "SELECT * FROM console_variables ORDER BY 1",
	 "Variable_name"},
	{"SHOW SESSION STATUS", NULL, console_run_sql, "SELECT * FROM console_status", "Variable_name"},
	{"SHOW GLOBAL STATUS", NULL, console_run_sql, "SELECT * FROM console_status", "Variable_name"},
	{"SHOW MYSQL STATUS", NULL, console_run_sql, "SELECT * FROM stats_mysql_global", "Variable_Name"},
	{"SHOW PROCEDURE STATUS", NULL, console_run_sql, NOTHING("'' AS Db, '' AS Name, '' AS Type, '' AS Definer"), NULL},
	{"SHOW FUNCTION STATUS", NULL, console_run_sql, NOTHING("'' AS Db, '' AS Name, '' AS Type, '' AS Definer"), NULL},
	{"SHOW TRIGGERS", NULL, console_run_sql, NOTHING("'' AS \"Trigger\", '' AS Event, '' AS \"Table\""), NULL},
	{"SHOW EVENTS FROM", NULL, run_whatever_follows, NOTHING("'' AS Db, '' AS Name, '' AS Definer"), NULL},
	{"SHOW INDEX FROM", NULL, run_whatever_follows, NO_INDEXES, NULL},
	{"SHOW INDEXES FROM", NULL, run_whatever_follows, NO_INDEXES, NULL},
	{"SHOW KEYS FROM", NULL, run_whatever_follows, NO_INDEXES, NULL},
	{"SHOW GRANTS", NULL, run_whatever_follows, GRANTS, NULL},
	{"SHOW PRIVILEGES", NULL, console_run_sql, NOTHING("'' AS Privilege, '' AS Context, '' AS Comment"), NULL},
	{"SHOW CHARSET", NULL, console_run_sql,
	 "SELECT 'utf8mb4' AS Charset, 'UTF-8 Unicode' AS Description, 'utf8mb4_general_ci' AS \"Default collation\", "
	 "4 AS Maxlen",
	 "Charset"},
	{"SHOW WARNINGS", NULL, console_run_sql, NOTHING("'' AS Level, 0 AS Code, '' AS Message"), NULL},
	{"SHOW ERRORS", NULL, console_run_sql, NOTHING("'' AS Level, 0 AS Code, '' AS Message"), NULL},
	{"SHOW ENGINES", NULL, console_run_sql,
	 "SELECT 'wye' AS Engine, 'DEFAULT' AS Support, 'live tables of wye' AS Comment, 'NO' AS Transactions, "
	 "'NO' AS XA, 'NO' AS Savepoints",
	 "Engine"},
	{"SHOW PLUGINS", NULL, console_run_sql,
	 NOTHING("'' AS Name, '' AS Status, '' AS Type, '' AS Library, '' AS License"), NULL},
	{"SHOW COLLATION", NULL, console_run_sql,
	 "SELECT 'utf8mb4_general_ci' AS Collation, 'utf8mb4' AS Charset, 45 AS Id, 'Yes' AS \"Default\", "
	 "'Yes' AS Compiled, 1 AS Sortlen",
	 "Collation"},
	{"SHOW CHARACTER SET", NULL, console_run_sql,
	 "SELECT 'utf8mb4' AS Charset, 'UTF-8 Unicode' AS Description, 'utf8mb4_general_ci' AS \"Default collation\", "
	 "4 AS Maxlen",
	 "Charset"},
	{"SHOW FULL COLUMNS FROM", NULL, console_run_show_columns, NULL, NULL},
	{"SHOW FIELDS FROM", NULL, console_run_show_columns, NULL, NULL},
	{"SHOW FULL FIELDS FROM", NULL, console_run_show_columns, NULL, NULL},
	{"SHOW COLUMNS IN", NULL, console_run_show_columns, NULL, NULL},
	{"DESCRIBE", NULL, console_run_show_columns, NULL, NULL},
	{"DESC", NULL, console_run_show_columns, NULL, NULL},
	{"SHOW HELP", NULL, console_run_help, NULL, NULL},
	{"USE", NULL, run_use, NULL, NULL},
	{"START TRANSACTION", NULL, run_begin, NULL, NULL},
	{"LOAD", NULL, console_run_not_needed, NULL, NULL},
	{"SAVE", NULL, console_run_not_needed, NULL, NULL},
};

#define N_COMMANDS (sizeof commands / sizeof *commands)

const struct console_command *console_command_at(size_t index)
{
	return index < N_COMMANDS ? &commands[index] : NULL;
}

/* Takes the words of the name, whatever lies between them. */
static bool take_name(const char **sql, const char *name)
{
	const char *p = *sql;
	while (*name) {
		char word[32];
		size_t len = strcspn(name, " ");
		snprintf(word, sizeof word, "%.*s", (int)len, name);
		if (!sql_take(&p, word))
			return false;
		name += len + strspn(name + len, " ");
	}
	*sql = p;
	return true;
}

/* The command with the longest name that the text begins with. */
static const struct console_command *find(const char *sql, const char **rest)
{
	const struct console_command *best = NULL;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *p = sql;
		if (take_name(&p, commands[i].name) && (!best || strlen(commands[i].name) > strlen(best->name))) {
			best = &commands[i];
			*rest = p;
		}
	}
	return best;
}

bool console_command_is(const char *sql)
{
	const char *rest;
	return find(sql, &rest);
}

/* ---- errors ---- */

/* What begins statements that sqlite reads. Those up to DELETE are what people mean. */
static const char *const sqlite_words[] = {"SELECT", "WITH",	"VALUES",  "INSERT", "REPLACE", "UPDATE", "DELETE",
					   "EXPLAIN", "CREATE", "DROP", "ALTER",  "PRAGMA",	"ATTACH", NULL};
#define SQLITE_WORDS_MEANT 7u

static const char *command_name_at(const void *unused, size_t index)
{
	(void)unused;
	if (index >= N_COMMANDS)
		return index < N_COMMANDS + SQLITE_WORDS_MEANT ? sqlite_words[index - N_COMMANDS] : NULL;
	return commands[index].name;
}

static bool is_for_sqlite(const char *sql)
{
	for (size_t i = 0; sqlite_words[i]; i++)
		if (sql_take(&sql, sqlite_words[i]))
			return true;
	return *sql_skip(sql) == '(';
}

/* As many words of the text as its nearest command has: "SHOW SERVRS" is near SHOW SERVERS, "SHWO" near none. */
static const char *nearest_command(const char *sql)
{
	char text[128] = "", word[32];
	const char *near = NULL;
	for (int i = 0; i < 3 && sql_word(&sql, word, sizeof word); i++) {
		size_t n = strlen(text);
		snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", word);
		const char *found = nearest_name(text, command_name_at, NULL);
		near = found ? found : near;
	}
	return near;
}

void console_command_error(struct console_session *s, struct answer *a, const char *sql)
{
	struct console_error e;
	console_catalog_error(s->catalog, &e);
	const char *near = is_for_sqlite(sql) ? NULL : nearest_command(sql);
	if (near)
		answer_error(a, 1064, "42000", "There is no command '%.64s'; did you mean %s?", sql_skip(sql), near);
	else if (!is_for_sqlite(sql))
		answer_error(a, 1064, "42000", "There is no command '%.64s'; HELP lists them", sql_skip(sql));
	else
		answer_error(a, e.code, e.sqlstate, "%s", e.text);
}

static void run_for_sqlite(struct console_session *s, struct answer *a, const char *text)
{
	char error[128];
	char *sql = sql_to_sqlite(text, error, sizeof error);
	if (!sql) {
		answer_error(a, 1064, "42000", "%s", error);
		return;
	}
	sqlite3_stmt *statement = console_catalog_prepare(s->catalog, sql);
	free(sql);
	if (statement)
		console_run_statement(s, a, statement);
	else
		console_command_error(s, a, text);
	sqlite3_finalize(statement);
}

/* On the process: not for who may only read. What changes the configuration asks by itself. */
static bool acts(const struct console_command *command)
{
	static void (*const acting[])(struct console_call *) = {
		console_run_kill,	    console_run_drain, console_run_pause,	 console_run_resume,
		console_run_reset_statements, console_run_reset_errors, console_run_reload, console_run_reload_tls, console_run_shutdown,
		console_run_switchover,      console_run_failover, console_run_rejoin};
	for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
		if (command->run == acting[i])
			return true;
	return false;
}

void console_command_run(struct console_session *s, struct answer *a, const char *sql)
{
	struct console_call call = {.session = s, .answer = a};
	call.command = find(sql, &call.rest);
	if (call.command && acts(call.command) && !console_may_act(s, a))
		return;
	if (call.command)
		call.command->run(&call);
	else if (sql_at_end(sql) && *sql)
		answer_ok(a, ""); /* a comment, such as dumps begin with */
	else if (sql_at_end(sql))
		answer_error(a, 1065, "42000", "The statement is empty");
	else
		run_for_sqlite(s, a, sql);
}
