/* Where statements may run, and what they leave behind. The labelled corpus is tried by
 * tests/e2e/test_route.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/classify.h"
#include "router/sql_mode.h"

static const struct dialect mysql = {.flavor = FLAVOR_MYSQL, .version = 90704};
static const struct dialect mariadb = {.flavor = FLAVOR_MARIADB, .version = 101119};
static const struct dialect mariadb11 = {.flavor = FLAVOR_MARIADB, .version = 110809};
static const struct context nothing_open;

static struct classify_scratch scratch;
static struct classification result;

static const struct classification *of(const char *sql, const struct dialect *d, const struct context *c)
{
	classify(view_of(sql), d, c, &scratch, &result);
	return &result;
}

struct expectation {
	const char *sql;
	enum route route;
	enum reason reason;
};

static void check(const struct expectation *e, size_t n, const struct dialect *d, const struct context *c)
{
	for (size_t i = 0; i < n; i++) {
		of(e[i].sql, d, c);
		if (result.route != e[i].route || result.reason != e[i].reason)
			fail_msg("%s: %s %s, not %s %s", e[i].sql, route_name(result.route),
			         reason_name(result.reason), route_name(e[i].route),
			         reason_name(e[i].reason));
	}
}

#define CHECK(dialect, context, ...)                                                                         \
	do {                                                                                                 \
		static const struct expectation list[] = {__VA_ARGS__};                                      \
		check(list, sizeof list / sizeof *list, dialect, context);                                   \
	} while (0)

#define REPLICA(sql)                                                                                         \
	{                                                                                                    \
		sql, ROUTE_REPLICA, REASON_READ                                                              \
	}
#define PRIMARY(reason, sql)                                                                                 \
	{                                                                                                    \
		sql, ROUTE_PRIMARY, REASON_##reason                                                          \
	}
#define PIN(reason, sql)                                                                                     \
	{                                                                                                    \
		sql, ROUTE_PIN, REASON_##reason                                                              \
	}
#define DIFFERS(sql)                                                                                         \
	{                                                                                                    \
		sql, ROUTE_REPLICA, REASON_DIFFERS                                                           \
	}
#define SESSION(reason, sql)                                                                                 \
	{                                                                                                    \
		sql, ROUTE_SESSION, REASON_##reason                                                          \
	}

static void test_reads_go_to_replicas_whatever_their_shape(void **state)
{
	(void)state;
	CHECK(
	    &mysql, &nothing_open,
	    REPLICA(
	        "SELECT a FROM t JOIN (SELECT 1) x(c) ON x.c = t.a WHERE EXISTS (SELECT 1) AND a IN (1, 2)"),
	    REPLICA("WITH RECURSIVE a(x) AS (SELECT 1), b(y, z) AS (SELECT x, 2 FROM a) SELECT * FROM a, b"),
	    REPLICA("SELECT * FROM (WITH c(n) AS (SELECT 1) SELECT n FROM c) AS d(m)"),
	    REPLICA("SELECT CAST(a AS DECIMAL(10,2)), CONVERT(b, CHAR(5)), CHAR(77 USING utf8mb4) FROM t"),
	    REPLICA("SELECT a FROM t GROUP BY a WITH ROLLUP HAVING COUNT(*) > 1"),
	    REPLICA(
	        "SELECT ROW_NUMBER() OVER (PARTITION BY a), SUM(b) OVER w FROM t WINDOW w AS (ORDER BY c)"),
	    REPLICA("SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) AS j"),
	    REPLICA("SELECT MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE) FROM t"),
	    REPLICA("SELECT * FROM t PARTITION (p0, p1) USE INDEX FOR JOIN (i)"),
	    REPLICA("SELECT a = ANY (SELECT b FROM u), `concat`('x'), LEFT(a, 1), INSERT('a', 1, 1, 'b')"),
	    REPLICA("SELECT t.`update`, t.`for`, x.delete FROM t, x"),
	    REPLICA("((SELECT 1) UNION (SELECT 2)) ORDER BY 1"),
	    REPLICA("SELECT 1 INTERSECT TABLE t EXCEPT VALUES ROW(1)"),
	    REPLICA("SELECT @@version, @@sql_mode, @@session.time_zone"),
	    REPLICA("DO SLEEP(0), 1 + 1"), DIFFERS("EXPLAIN FORMAT = JSON SELECT * FROM t"),
	    REPLICA("EXPLAIN ANALYZE SELECT 1"), REPLICA("DESC format"),
	    DIFFERS("SHOW CREATE USER u@localhost"), DIFFERS("SHOW GRANTS FOR u@'%'"),
	    REPLICA("SHOW VARIABLES LIKE 'sql\\_mode'"),
	    REPLICA("SHOW VARIABLES WHERE Variable_name IN ('autocommit')"),
	    REPLICA("SELECT STR_TO_DATE('x', GET_FORMAT(DATE, 'USA'))"), DIFFERS("SHOW INDEX FROM t"),
	    REPLICA("SELECT * FROM information_schema.columns, mysql.user"));
}

static void test_what_replicas_cannot_or_must_not_run_goes_to_the_primary(void **state)
{
	(void)state;
	CHECK(
	    &mysql, &nothing_open, PRIMARY(LOCKING_READ, "SELECT * FROM (SELECT a FROM t FOR UPDATE) x"),
	    PRIMARY(LOCKING_READ, "SELECT a FROM t UNION SELECT b FROM u LOCK IN SHARE MODE"),
	    PRIMARY(LOCKING_READ, "SELECT 1 FROM t WHERE a = 1.5FOR UPDATE"),
	    PRIMARY(INTO_FILE, "SELECT 1 INTO OUTFILE 'x'"),
	    PRIMARY(INTO_FILE, "SELECT a FROM t INTO DUMPFILE 'x'"), PRIMARY(UNKNOWN_FUNCTION, "SELECT f(1)"),
	    PRIMARY(UNKNOWN_FUNCTION, "SELECT db.now()"), PRIMARY(UNKNOWN_FUNCTION, "SELECT `f` (1) FROM t"),
	    PRIMARY(UNKNOWN_FUNCTION, "SELECT `count`(1)"), PRIMARY(UNKNOWN_FUNCTION, "SELECT now () FROM t"),
	    PRIMARY(UNKNOWN_FUNCTION, "SELECT AsText(a) FROM t"),
	    PRIMARY(UNKNOWN_FUNCTION, "SHOW TABLES WHERE f(1)"), PRIMARY(UNKNOWN_FUNCTION, "DO f(1)"),
	    PRIMARY(WRITE, "WITH c AS (SELECT 1) DELETE FROM t USING t, c"),
	    PRIMARY(WRITE, "REPLACE t VALUES (1)"), PRIMARY(EXPLAIN_WRITE, "EXPLAIN UPDATE t SET a = 1"),
	    PRIMARY(WRITE, "EXPLAIN ANALYZE DELETE FROM t"), PRIMARY(SERVER_SPECIFIC, "SELECT @@server_id"),
	    PRIMARY(SERVER_SPECIFIC, "SELECT @@GLOBAL.`read_only`"),
	    PRIMARY(SERVER_SPECIFIC, "SELECT * FROM `performance_schema`.threads"),
	    PRIMARY(SERVER_SPECIFIC, "SELECT * FROM information_schema.`PROCESSLIST`"),
	    PRIMARY(SERVER_SPECIFIC, "SHOW VARIABLES"), PRIMARY(SERVER_SPECIFIC, "SHOW VARIABLES LIKE '%'"),
	    PRIMARY(SERVER_SPECIFIC, "SHOW VARIABLES LIKE 'server\\_id'"),
	    PRIMARY(SERVER_SPECIFIC, "SHOW VARIABLES WHERE Value > 1"),
	    PRIMARY(SERVER_SPECIFIC, "SELECT WAIT_FOR_EXECUTED_GTID_SET('', 1)"), PRIMARY(CALL, "CALL p(1)"),
	    PRIMARY(DDL, "CREATE TABLE t (a INT)"), PRIMARY(DDL, "GRANT SELECT ON *.* TO u@h"),
	    PRIMARY(ADMIN, "ANALYZE TABLE t"), PRIMARY(ADMIN, "CHECK INDEX t"),
	    PRIMARY(ADMIN, "CHECK TABLE t FOR UPGRADE"),
	    PRIMARY(SET_GLOBAL, "SET PERSIST max_connections = 1"),
	    PRIMARY(SET_GLOBAL, "SET PASSWORD FOR u@h = 'x'"), PRIMARY(UNKNOWN_STATEMENT, "SELCT 1"),
	    PRIMARY(UNKNOWN_STATEMENT, "(DELETE FROM t)"), PRIMARY(UNREADABLE, "SELECT 'a"),
	    PRIMARY(MULTI_STATEMENT, "SELECT 1; SELECT 2"),
	    PRIMARY(WRITE, "SELECT 1; DELETE FROM t; SELECT LAST_INSERT_ID()"));
}

static void test_mariadbs_own_statements(void **state)
{
	(void)state;
	CHECK(
	    &mariadb, &nothing_open, REPLICA("VALUES (1), (2)"),
	    REPLICA("SELECT AsText(a), NVL(a, b) FROM t"),
	    REPLICA("SET STATEMENT max_statement_time = 1 FOR SELECT 1"),
	    REPLICA("SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01'"),
	    REPLICA("ANALYZE FORMAT=JSON SELECT 1"), REPLICA("EXECUTE IMMEDIATE 'SELECT 1'"),
	    PRIMARY(TEXT_PREPARE, "EXECUTE IMMEDIATE CONCAT('SELECT', ' 1')"),
	    REPLICA(
	        "SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a DATETIME(6) PATH '$', b TEXT(9) PATH '$')) j"),
	    PRIMARY(SEQUENCE, "SELECT NEXT VALUE FOR s"),
	    PRIMARY(SEQUENCE, "SELECT NEXTVAL(s), SETVAL(s, 1)"),
	    PRIMARY(WRITE, "SET STATEMENT sql_mode = '' FOR DELETE FROM t"),
	    PRIMARY(WRITE, "ANALYZE UPDATE t SET a = 1"),
	    PRIMARY(COMPOUND, "BEGIN NOT ATOMIC DELETE FROM t; SELECT 1; END"),
	    PRIMARY(COMPOUND, "IF 1 THEN SELECT 1; END IF"), PRIMARY(COMPOUND, "l: LOOP LEAVE l; END LOOP"),
	    PRIMARY(TEXT_PREPARE, "EXECUTE IMMEDIATE 'DELETE FROM t'"),
	    PRIMARY(UNKNOWN_FUNCTION, "SELECT UUID_V7()"), PIN(SEQUENCE, "SELECT LASTVAL(s)"),
	    PIN(SEQUENCE, "SELECT PREVIOUS VALUE FOR s"), PIN(BACKUP_LOCK, "BACKUP STAGE START"));
	CHECK(&mariadb11, &nothing_open, REPLICA("SELECT UUID_V7()"));
	assert_int_equal(of("EXECUTE IMMEDIATE 'SET @a = 1'", &mariadb, &nothing_open)->pins_added,
	                 PIN_USER_VARIABLE);
	assert_true(of("EXECUTE IMMEDIATE 'SET sql_mode = 1'", &mariadb, &nothing_open)->pins_added &
	            PIN_UNKNOWN);
	struct dialect oracle = mariadb;
	oracle.sql_mode = MODE_ORACLE;
	CHECK(&oracle, &nothing_open, PRIMARY(SEQUENCE, "SELECT s.NEXTVAL FROM dual"),
	      PRIMARY(COMPOUND, "BEGIN DELETE FROM t; END"), PIN(SEQUENCE, "SELECT s.currval"));
}

static void test_what_one_connection_knows_stays_there(void **state)
{
	(void)state;
	CHECK(&mysql, &nothing_open, PIN(USER_VARIABLE, "SELECT @a"), PIN(USER_VARIABLE, "SELECT 1 INTO @a"),
	      PIN(USER_VARIABLE, "EXPLAIN INTO @x SELECT 1"), PIN(USER_LOCK, "SELECT GET_LOCK('a', 1)"),
	      PIN(LAST_INSERT_ID, "SELECT LAST_INSERT_ID ()"), PIN(LAST_INSERT_ID, "SELECT @@identity"),
	      PIN(FOUND_ROWS, "SELECT FOUND_ROWS(), ROW_COUNT()"),
	      PIN(FOUND_ROWS, "SELECT SQL_CALC_FOUND_ROWS a FROM t"), PIN(WARNINGS, "SHOW COUNT(*) ERRORS"),
	      PIN(WARNINGS, "GET DIAGNOSTICS @n = NUMBER"), PIN(SESSION_STATUS, "SHOW STATUS"),
	      PIN(TABLE_LOCK, "FLUSH TABLES WITH READ LOCK"), PIN(HANDLER, "HANDLER t READ FIRST"),
	      PIN(XA, "XA START 'x'"), PIN(TEXT_PREPARE, "EXECUTE s USING @a"),
	      PIN(SET_TRANSACTION, "SET TRANSACTION READ ONLY"),
	      PIN(SET_TRANSACTION, "SET @@transaction_isolation = 'x'"),
	      PIN(SESSION_VARIABLE, "SET time_zone = 'x', insert_id = 4"),
	      PIN(TEMPORARY_TABLE, "DROP TEMPORARY TABLE t"), PIN(RELEASE, "COMMIT AND NO CHAIN RELEASE"),
	      PIN(CALL, "CALL p(@out)"), {"SELECT CONNECTION_ID()", ROUTE_LOCAL, REASON_CONNECTION_ID},
	      {"SELECT @@pseudo_thread_id", ROUTE_LOCAL, REASON_CONNECTION_ID},
	      PIN(CONNECTION_ID, "SELECT CONNECTION_ID() FROM t"));
}

static void test_transactions_keep_their_connection(void **state)
{
	(void)state;
	struct context trx = {.in_trx = true}, read_only = {.in_trx = true, .in_read_only_trx = true};
	struct context off = {.autocommit_off = true}, session_ro = {.session_read_only = true};
	CHECK(&mysql, &trx, PRIMARY(IN_TRANSACTION, "SELECT 1"), PRIMARY(IN_TRANSACTION, "USE d"),
	      PRIMARY(IN_TRANSACTION, "SET NAMES utf8mb4"), PRIMARY(WRITE, "DELETE FROM t"),
	      PRIMARY(COMMIT, "COMMIT"), PRIMARY(IN_TRANSACTION, "START TRANSACTION READ ONLY"));
	CHECK(&mysql, &read_only, {"SELECT 1", ROUTE_REPLICA, REASON_READ_ONLY_TRANSACTION},
	      {"COMMIT", ROUTE_REPLICA, REASON_READ_ONLY_TRANSACTION}, PRIMARY(WRITE, "DELETE FROM t"),
	      PRIMARY(BEGIN, "BEGIN"));
	CHECK(&mysql, &off, REPLICA("SELECT 1"), REPLICA("SELECT EXTRACT(YEAR FROM NOW())"),
	      SESSION(USE, "USE d"), PRIMARY(AUTOCOMMIT_OFF, "SELECT a FROM t"),
	      PRIMARY(AUTOCOMMIT_OFF, "TABLE t"), PRIMARY(AUTOCOMMIT_OFF, "SHOW TABLES"),
	      PRIMARY(AUTOCOMMIT_OFF, "DESC t"));
	CHECK(&mariadb, &off, REPLICA("SHOW TABLES FROM d"), REPLICA("DESC t"));
	CHECK(&mysql, &session_ro, {"BEGIN", ROUTE_REPLICA, REASON_READ_ONLY_TRANSACTION},
	      PRIMARY(BEGIN, "START TRANSACTION READ WRITE"));
	CHECK(&mysql, &nothing_open,
	      {"START TRANSACTION READ ONLY", ROUTE_REPLICA, REASON_READ_ONLY_TRANSACTION},
	      PRIMARY(BEGIN, "START TRANSACTION WITH CONSISTENT SNAPSHOT"));
	assert_true(of("COMMIT AND CHAIN", &mysql, &nothing_open)->flags & CLASS_BEGINS);
	assert_false(of("COMMIT AND NO CHAIN", &mysql, &nothing_open)->flags & CLASS_BEGINS);
	assert_false(of("ROLLBACK TO s", &mysql, &nothing_open)->flags & CLASS_ROLLS_BACK);
}

static void test_pins_that_bind_everything_bind_reads(void **state)
{
	(void)state;
	struct context locked = {.pins = PIN_TABLE_LOCK}, prepared = {.pins = PIN_TEXT_PREPARE};
	CHECK(&mysql, &locked, PIN(PINNED, "SELECT 1"), PIN(TABLE_LOCK, "UNLOCK TABLES"));
	CHECK(&mysql, &prepared, REPLICA("SELECT 1"));
	assert_int_equal(of("UNLOCK TABLES", &mysql, &locked)->pins_released, PIN_TABLE_LOCK);
	assert_int_equal(of("LOCK TABLES t READ", &mysql, &locked)->pins_added, PIN_TABLE_LOCK);
	assert_int_equal(of("SELECT RELEASE_ALL_LOCKS()", &mysql, &locked)->pins_released, PIN_USER_LOCK);
}

static void test_temporary_tables_are_followed_by_name(void **state)
{
	(void)state;
	struct view names[] = {view_of("tt")};
	struct context known = {.temp_tables = true, .temp_names = names, .n_temp_names = 1};
	struct context unknown = {.temp_tables = true};
	CHECK(&mysql, &known, PIN(TEMPORARY_TABLE, "SELECT * FROM db.`TT`"), REPLICA("SELECT * FROM t"),
	      PIN(TEMPORARY_TABLE, "INSERT INTO tt VALUES (1)"), PRIMARY(WRITE, "INSERT INTO t VALUES (1)"),
	      PIN(TEMPORARY_TABLE, "DROP TABLE tt"), PRIMARY(DDL, "DROP TABLE tt, t"));
	CHECK(&mysql, &unknown, PIN(TEMPORARY_TABLE, "SELECT * FROM t"), REPLICA("SELECT 1"));
	of("ALTER TABLE d.tt ADD c INT, RENAME TO e", &mysql, &known);
	assert_int_equal(result.n_effects, 2);
	assert_int_equal(result.effects[0].kind, EFFECT_TEMP_DROP);
	assert_true(view_equal(result.effects[1].name, view_of("e")));
	assert_true(view_equal(result.effects[1].value, view_of("d")));
	of("CREATE OR REPLACE TEMPORARY TABLE IF NOT EXISTS `a``b` (i INT)", &mysql, &nothing_open);
	assert_true(result.pins_added & PIN_TEMPORARY_TABLE);
	assert_true(view_equal(result.effects[0].name, view_of("a`b")));
}

static void expect_effect(const char *sql, const struct dialect *d, enum effect_kind kind, const char *name,
                          enum value_kind value_kind, const char *value)
{
	of(sql, d, &nothing_open);
	if (result.n_effects != 1 || result.effects[0].kind != kind ||
	    !view_equal(result.effects[0].name, view_of(name)) ||
	    result.effects[0].value_kind != value_kind ||
	    !view_equal(result.effects[0].value, view_of(value)))
		fail_msg("%s: %u effects, %s %.*s %d %.*s", sql, result.n_effects,
		         effect_kind_name(result.effects[0].kind), (int)result.effects[0].name.len,
		         (const char *)result.effects[0].name.p, result.effects[0].value_kind,
		         (int)result.effects[0].value.len, (const char *)result.effects[0].value.p);
}

static void test_what_servers_answer_differently_is_told(void **state)
{
	(void)state;
	static const char *const differs[] = {"EXPLAIN SELECT 1 FROM t", "EXPLAIN (SELECT 1)", "SHOW INDEX FROM t",
	                                      "SHOW GRANTS FOR u", "SHOW GLOBAL VARIABLES LIKE 'version%'",
	                                      "SELECT @@global.sql_mode", "SHOW CREATE TABLE t", "CHECK TABLE t"};
	for (size_t i = 0; i < sizeof differs / sizeof *differs; i++)
		if (!(of(differs[i], &mysql, &nothing_open)->flags & CLASS_DIFFERS) || result.route != ROUTE_REPLICA)
			fail_msg("%s may be answered by any server, and the primary is preferred", differs[i]);
	assert_true(of("SELECT 1 FROM t LIMIT ROWS EXAMINED 5", &mariadb, &nothing_open)->flags & CLASS_DIFFERS);
	assert_false(of("SELECT 1 FROM t LIMIT 5", &mariadb, &nothing_open)->flags & CLASS_DIFFERS);
	assert_false(of("START TRANSACTION READ WRITE", &mysql, &nothing_open)->flags & CLASS_DIFFERS);
	assert_false(of("EXPLAIN SELECT 1", &mysql, &nothing_open)->flags & CLASS_BEGINS_READ_WRITE);
	assert_false(of("SELECT @@session.sql_mode", &mysql, &nothing_open)->flags & CLASS_DIFFERS);
	assert_false(of("EXPLAIN ANALYZE SELECT 1 FROM t", &mysql, &nothing_open)->flags & CLASS_DIFFERS);
}

static void test_what_new_connections_begin_with_is_told(void **state)
{
	(void)state;
	static const char *const changes[] = {"GRANT SELECT ON d.* TO u@h", "REVOKE ALL ON *.* FROM u", "CREATE USER u",
	                                      "ALTER USER u IDENTIFIED BY 'p'", "DROP ROLE r", "RENAME USER a TO b",
	                                      "SET PASSWORD = 'p'", "FLUSH PRIVILEGES", "SET GLOBAL sort_buffer_size = 1"};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (!(of(changes[i], &mariadb, &nothing_open)->flags & CLASS_NEW_CONNECTIONS))
			fail_msg("%s changes what new connections begin with", changes[i]);
	assert_false(of("SET sort_buffer_size = 1", &mariadb, &nothing_open)->flags & CLASS_NEW_CONNECTIONS);
	assert_int_equal(of("SET GLOBAL a = 1", &mysql, &nothing_open)->pins_added, PIN_GLOBAL_VARIABLE);
	assert_int_equal(of("FLUSH STATUS", &mysql, &nothing_open)->pins_added, PIN_STATUS);
	assert_true(of("SHOW STATUS", &mysql, &nothing_open)->flags & CLASS_READS_LAST);
	assert_true(of("SELECT f(@a)", &mysql, &nothing_open)->flags & CLASS_CALLS);
	assert_true(of("SET STATEMENT a = 1 FOR SET b = 2", &mariadb, &nothing_open)->pins_added & PIN_SESSION_VARIABLE);
}

static void test_counters_of_the_server_are_asked_of_the_primary(void **state)
{
	(void)state;
	CHECK(&mariadb, &nothing_open, PRIMARY(SERVER_SPECIFIC, "SHOW STATUS LIKE 'Threads_connected'"),
	      PRIMARY(SERVER_SPECIFIC, "SHOW STATUS LIKE 'Qcache%'"),
	      PRIMARY(SERVER_SPECIFIC, "SHOW SESSION STATUS WHERE Variable_name IN ('Uptime', 'Connections')"),
	      PRIMARY(SERVER_SPECIFIC, "SHOW STATUS LIKE 'Innodb\\_%'"),
	      PRIMARY(SERVER_SPECIFIC, "SHOW GLOBAL STATUS LIKE 'Com_select'"),
	      PIN(SESSION_STATUS, "SHOW STATUS LIKE 'handler%'"), PIN(SESSION_STATUS, "SHOW STATUS LIKE 'Slow\\_%'"),
	      PIN(SESSION_STATUS, "SHOW STATUS LIKE '%'"), PIN(SESSION_STATUS, "SHOW STATUS LIKE 'Co%'"),
	      PIN(SESSION_STATUS, "SHOW STATUS WHERE Variable_name LIKE 'Uptime' OR Value > 5"),
	      PRIMARY(UNKNOWN_FUNCTION, "SHOW STATUS WHERE f(Variable_name)"));
	static const char *const looks[] = {"SHOW STATUS", "SHOW GLOBAL STATUS LIKE 'a'", "SHOW PROFILES",
	                                    "SHOW TABLE_STATISTICS", "SELECT * FROM information_schema.session_status",
	                                    "SELECT a FROM performance_schema.file_summary_by_event_name"};
	static const char *const others[] = {"SELECT 1", "SHOW VARIABLES", "SELECT @@server_id", "SELECT LASTVAL(s)",
	                                     "SELECT * FROM performance_schema.session_variables",
	                                     "SELECT * FROM information_schema.processlist", "SHOW WARNINGS"};
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (!of(looks[i], &mariadb, &nothing_open)->reads_counters)
			fail_msg("%s looks at counters", looks[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (of(others[i], &mariadb, &nothing_open)->reads_counters)
			fail_msg("%s looks at no counters", others[i]);
}

static void test_what_no_replica_is_told_of_is_told(void **state)
{
	(void)state;
	static const char *const changes[] = {"SET GLOBAL a = 1", "SET @@global.a = 1", "SET PERSIST a = 1",
	                                      "SET b = 2, GLOBAL a = 1", "SET GLOBAL TRANSACTION READ ONLY",
	                                      "SET GLOBAL innodb_ft_enable_stopword = 0",
	                                      "INSTALL PLUGIN a SONAME 'b'", "UNINSTALL PLUGIN a"};
	static const char *const others[] = {"SET a = 1", "SET SESSION a = 1", "SET PASSWORD = 'p'", "FLUSH TABLES",
	                                     "CREATE USER u", "SELECT @@global.a", "SET GLOBAL innodb_io_capacity = 1",
	                                     "SET PERSIST slow_query_log = 1", "SET @@global.max_connections = 5"};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (!(of(changes[i], &mysql, &nothing_open)->flags & CLASS_CHANGES_GLOBAL))
			fail_msg("%s changes one server only", changes[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (of(others[i], &mysql, &nothing_open)->flags & CLASS_CHANGES_GLOBAL)
			fail_msg("%s changes no global variable", others[i]);
}

static void test_what_set_changes_is_told(void **state)
{
	(void)state;
	expect_effect("SET Time_Zone = '+00:00'", &mysql, EFFECT_SET, "time_zone", VALUE_STRING, "+00:00");
	expect_effect("SET @@SESSION.`sql_mode` := 'a''b\\'c'", &mysql, EFFECT_SET, "sql_mode", VALUE_STRING,
	              "a'b'c");
	expect_effect("SET LOCAL autocommit=off;", &mysql, EFFECT_SET, "autocommit", VALUE_WORD, "off");
	expect_effect("SET a = -1.5", &mysql, EFFECT_SET, "a", VALUE_NUMBER, "-1.5");
	expect_effect("SET a = - /* x */ 1", &mysql, EFFECT_SET, "a", VALUE_NUMBER, "- /* x */ 1");
	expect_effect("SET sql_mode = DEFAULT", &mysql, EFFECT_SET_DEFAULT, "sql_mode", VALUE_NONE, "");
	expect_effect("SET sql_mode = CONCAT(@@sql_mode, ',ANSI')", &mysql, EFFECT_SET_READ_BACK, "sql_mode",
	              VALUE_NONE, "");
	expect_effect("SET a = 1 + 1", &mysql, EFFECT_SET_READ_BACK, "a", VALUE_NONE, "");
	expect_effect("SET tx_isolation = 'SERIALIZABLE'", &mysql, EFFECT_SET, "transaction_isolation",
	              VALUE_STRING, "SERIALIZABLE");
	expect_effect("SET tx_isolation = 'SERIALIZABLE'", &mariadb, EFFECT_SET, "tx_isolation", VALUE_STRING,
	              "SERIALIZABLE");
	expect_effect("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", &mariadb11, EFFECT_SET,
	              "transaction_isolation", VALUE_STRING, "READ-UNCOMMITTED");
	expect_effect("SET SESSION TRANSACTION READ ONLY", &mariadb, EFFECT_SET, "tx_read_only", VALUE_STRING,
	              "ON");
	expect_effect("SET NAMES 'utf8mb4' COLLATE utf8mb4_bin", &mysql, EFFECT_NAMES, "utf8mb4",
	              VALUE_STRING, "utf8mb4_bin");
	expect_effect("SET NAMES DEFAULT", &mysql, EFFECT_NAMES, "", VALUE_NONE, "");
	expect_effect("SET CHARACTER SET latin1", &mysql, EFFECT_CHARACTER_SET, "latin1", VALUE_NONE, "");
	expect_effect("USE `a``b`", &mysql, EFFECT_SCHEMA, "a`b", VALUE_NONE, "");
	expect_effect("SET ROLE 'x', `y`", &mysql, EFFECT_ROLE, "", VALUE_WORD, "'x', `y`");
	expect_effect("SET @`my var` = 'x'", &mysql, EFFECT_USER_VARIABLE, "my var", VALUE_STRING, "x");
}

static void test_one_set_may_change_many_things(void **state)
{
	(void)state;
	of("SET @old = @@sql_mode, sql_mode = '', NAMES utf8, SESSION a = 1, @@b = 2", &mysql, &nothing_open);
	assert_int_equal(result.route, ROUTE_PIN);
	assert_int_equal(result.n_effects, 5);
	assert_int_equal(result.effects[0].kind, EFFECT_USER_READ_BACK);
	assert_int_equal(result.pins_added, PIN_USER_VARIABLE);
	/* A scope holds for what follows, as on the servers. */
	of("SET GLOBAL a = 1, b = 2, SESSION c = 3, d = 4", &mysql, &nothing_open);
	assert_int_equal(result.route, ROUTE_PRIMARY);
	assert_int_equal(result.n_effects, 3);
	assert_int_equal(result.effects[0].kind, EFFECT_SET_READ_BACK);
	assert_int_equal(result.effects[2].kind, EFFECT_SET);
	of("SET x", &mysql, &nothing_open);
	assert_int_equal(result.route, ROUTE_PRIMARY);
	assert_true(result.pins_added & PIN_UNKNOWN);
	assert_true(of("SET session_track_schema = 0", &mysql, &nothing_open)->flags & CLASS_SETS_TRACKERS);
}

/* The names of the user variables whose values must be asked for, in one text. */
static void expect_assigned(const char *sql, const char *names)
{
	char got[200] = "";
	of(sql, &mariadb, &nothing_open);
	for (unsigned i = 0; i < result.n_effects; i++)
		if (result.effects[i].kind == EFFECT_USER_READ_BACK)
			snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ",
			         (int)result.effects[i].name.len, (const char *)result.effects[i].name.p);
	if (strcmp(got, names))
		fail_msg("%s: [%s] for [%s]", sql, got, names);
	assert_true(result.pins_added & PIN_USER_VARIABLE);
	assert_true(result.flags & CLASS_SETS_USER_VARIABLE);
}

static void test_user_variables_set_from_data_are_named(void **state)
{
	(void)state;
	expect_assigned("SET @a = @b + 1, @`c d` = (SELECT 1)", "a c d ");
	expect_assigned("SELECT 1, 2 INTO @a, @b FROM t", "a b ");
	expect_assigned("SELECT a, b FROM t WHERE c = @z INTO @a, @'b'", "a b ");
	expect_assigned("SELECT @i := @i + 1, @i := @i + 2, @j := 1 FROM t", "i j ");
	expect_assigned("UPDATE t SET a = (@x := a + 1)", "x ");
	expect_assigned("CALL p(1, @in, @out)", "in out ");
	expect_assigned("GET DIAGNOSTICS @n = NUMBER", "n ");
	expect_assigned("LOAD DATA INFILE 'f' INTO TABLE t (@a, b) SET c = @a", "a ");
	of("SET @a = 1, @b = 'x', @c = NULL", &mysql, &nothing_open);
	assert_int_equal(result.flags & CLASS_SETS_USER_VARIABLE, 0);
	assert_int_equal(result.n_effects, 3);
}

static void test_user_variables_that_are_carried_are_read_anywhere(void **state)
{
	(void)state;
	struct state_table *table = state_table_create();
	struct state *empty = state_initial(table);
	struct state *with_a = state_set(table, empty, view_of("@a"), view_of("1"));
	struct context carried = {.carried = with_a};
	assert_int_equal(of("SELECT @a", &mysql, &carried)->route, ROUTE_REPLICA);
	assert_true(result.flags & CLASS_READS_USER_VARIABLE);
	assert_int_equal(of("SELECT a FROM t WHERE b = @a", &mariadb, &carried)->route, ROUTE_REPLICA);
	assert_int_equal(of("SELECT @a := 1", &mysql, &carried)->route, ROUTE_PIN);
	assert_int_equal(of("SELECT @a FOR UPDATE", &mysql, &carried)->route, ROUTE_PRIMARY);
	/* One that was never set is NULL everywhere, unless something unread may have set it. */
	assert_int_equal(of("SELECT @b", &mysql, &carried)->route, ROUTE_REPLICA);
	carried.hidden_user_variables = true;
	assert_int_equal(of("SELECT @b", &mysql, &carried)->route, ROUTE_PIN);
	assert_int_equal(of("SELECT @A, @`a`", &mysql, &carried)->route, ROUTE_REPLICA);
	carried.pins = PIN_USER_VARIABLE;
	assert_int_equal(of("SELECT @a", &mysql, &carried)->route, ROUTE_PIN);
	state_unref(table, empty);
	state_unref(table, with_a);
	state_table_destroy(table);
}

static void test_what_has_a_name_on_its_connection_is_told(void **state)
{
	(void)state;
	expect_effect("PREPARE s FROM 'SELECT ''a'''", &mysql, EFFECT_PREPARE, "s", VALUE_STRING, "SELECT 'a'");
	expect_effect("PREPARE s FROM @text", &mysql, EFFECT_PREPARE, "s", VALUE_NONE, "");
	expect_effect("PREPARE s FROM CONCAT('a', 'b')", &mariadb, EFFECT_PREPARE, "s", VALUE_NONE, "");
	expect_effect("EXECUTE s USING @a", &mysql, EFFECT_EXECUTE, "s", VALUE_NONE, "");
	expect_effect("SELECT GET_LOCK('a', 1)", &mysql, EFFECT_USER_LOCK, "a", VALUE_NONE, "");
	expect_effect("DO GET_LOCK(CONCAT('a', 'b'), 1)", &mysql, EFFECT_USER_LOCK, "", VALUE_NONE, "");
	expect_effect("SELECT GET_LOCK('a' || 'b', 1)", &mysql, EFFECT_USER_LOCK, "", VALUE_NONE, "");
	expect_effect("SELECT RELEASE_LOCK('a')", &mysql, EFFECT_USER_UNLOCK, "", VALUE_NONE, "");
}

static void expect_begin(const char *sql, bool plain, bool read_only)
{
	of(sql, &mysql, &nothing_open);
	assert_true(result.flags & CLASS_BEGINS);
	if (!(result.flags & CLASS_PLAIN_BEGIN) != !plain || !(result.flags & CLASS_BEGINS_READ_ONLY) != !read_only)
		fail_msg("%s: flags %x", sql, result.flags);
}

static void test_a_begin_with_nothing_to_do_at_once_is_told(void **state)
{
	(void)state;
	expect_begin("BEGIN", true, false);
	expect_begin("begin work;", true, false);
	expect_begin("START TRANSACTION", true, false);
	expect_begin("START TRANSACTION READ WRITE", true, false);
	assert_true(result.flags & CLASS_BEGINS_READ_WRITE);
	expect_begin("START TRANSACTION READ ONLY", true, true);
	assert_false(result.flags & CLASS_BEGINS_READ_WRITE);
	expect_begin("START TRANSACTION WITH CONSISTENT SNAPSHOT", false, false);
	expect_begin("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", false, true);
	expect_begin("START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT", false, true);
	expect_begin("BEGIN what", false, false);
	assert_false(of("COMMIT AND CHAIN", &mysql, &nothing_open)->flags & CLASS_PLAIN_BEGIN);
}

static void test_functions_may_read_temporary_tables(void **state)
{
	(void)state;
	struct view name = view_of("tt");
	struct context known = {.temp_tables = true, .temp_names = &name, .n_temp_names = 1};
	assert_int_equal(of("SELECT * FROM other", &mysql, &known)->route, ROUTE_REPLICA);
	assert_true(of("SELECT f(1)", &mysql, &known)->flags & CLASS_USES_TEMPORARY);
	assert_int_equal(of("SELECT * FROM information_schema.tables", &mysql, &known)->route, ROUTE_REPLICA);
	assert_int_equal(of("SELECT * FROM information_schema.tables", &mariadb, &known)->route, ROUTE_PIN);
}

static void test_more_effects_than_fit_pin_the_session(void **state)
{
	(void)state;
	char sql[4000] = "SET a = 1";
	for (unsigned i = 0; i < CLASSIFY_EFFECTS_MAX; i++)
		strcat(sql, ", b = 2");
	of(sql, &mysql, &nothing_open);
	assert_int_equal(result.n_effects, 0);
	assert_true(result.pins_added & PIN_OVERSIZED);
	assert_int_equal(result.route, ROUTE_PIN);
}

static void test_bodies_of_routines_do_not_run(void **state)
{
	(void)state;
	of("CREATE PROCEDURE p() BEGIN SET @a = 1; IF 1 THEN SELECT CASE 1 WHEN 1 THEN 2 END; END IF; USE d; "
	   "END",
	   &mysql, &nothing_open);
	assert_int_equal(result.n_statements, 1);
	assert_int_equal(result.n_effects, 0);
	assert_int_equal(result.pins_added, 0);
	assert_int_equal(result.reason, REASON_DDL);
	of("CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @z = 1; USE d", &mysql, &nothing_open);
	assert_int_equal(result.n_statements, 2);
	assert_int_equal(result.n_effects, 1);
	assert_true(of("CREATE PROCEDURE p() BEGIN SELECT 1", &mysql, &nothing_open)->pins_added &
	            PIN_UNKNOWN);
}

static enum object_access function_access(const struct catalog *c, struct view schema, struct view name)
{
	(void)c;
	if (view_equal(schema, view_of("d")) && view_equal(name, view_of("total")))
		return OBJECT_READS;
	return view_equal(name, view_of("writes")) ? OBJECT_WRITES : OBJECT_UNKNOWN;
}

static enum object_access relation_access(const struct catalog *c, struct view schema, struct view name)
{
	(void)c;
	(void)schema;
	return view_equal(name, view_of("v"))   ? OBJECT_WRITES
	       : view_equal(name, view_of("x")) ? OBJECT_DOUBTED
	                                        : OBJECT_UNKNOWN;
}

static void test_the_catalog_knows_routines_and_views(void **state)
{
	(void)state;
	struct catalog catalog = {.function = function_access, .relation = relation_access};
	struct context c = {.catalog = &catalog};
	CHECK(&mysql, &c, REPLICA("SELECT d.total(1)"), PRIMARY(UNKNOWN_FUNCTION, "SELECT total(1)"),
	      PRIMARY(WRITING_VIEW, "SELECT writes(1)"), PRIMARY(WRITING_VIEW, "SELECT * FROM d.v"),
	      PRIMARY(WRITING_VIEW, "SELECT * FROM `v`"), REPLICA("SELECT * FROM w"));
	/* It may read tables, which begins a transaction. */
	struct context off = {.catalog = &catalog, .autocommit_off = true};
	CHECK(&mysql, &off, PRIMARY(AUTOCOMMIT_OFF, "SELECT d.total(1)"), REPLICA("SELECT ABS(1)"));
	/* A doubt counts only where no column can stand. */
	CHECK(&mysql, &c, PRIMARY(UNKNOWN_VIEW, "SELECT * FROM x"),
	      PRIMARY(UNKNOWN_VIEW, "SELECT * FROM d . x"),
	      PRIMARY(UNKNOWN_VIEW, "SELECT 1 FROM w JOIN `x` USING (a)"), PRIMARY(UNKNOWN_VIEW, "TABLE d.x"),
	      REPLICA("SELECT x, w.x FROM w WHERE x = 1 ORDER BY x"));
}

static void test_the_default_schema_may_be_the_servers_own(void **state)
{
	(void)state;
	struct context ps = {.schema = view_of("performance_schema")},
	               is = {.schema = view_of("INFORMATION_SCHEMA")};
	CHECK(&mysql, &ps, PRIMARY(SERVER_SPECIFIC, "SELECT * FROM threads"), REPLICA("SELECT 1"));
	CHECK(&mysql, &is, PRIMARY(SERVER_SPECIFIC, "SELECT * FROM processlist"),
	      REPLICA("SELECT * FROM tables"));
}

static void test_hints_move_only_what_may_move(void **state)
{
	(void)state;
	CHECK(&mysql, &nothing_open, PRIMARY(HINT_PRIMARY, "/* wye: primary */ SELECT 1"),
	      PRIMARY(HINT_PRIMARY, "SELECT 1 -- wye: primary"), PRIMARY(HINT_PRIMARY, "SELECT /*master*/ 1"),
	      PRIMARY(HINT_PRIMARY, "SELECT 1 # maxscale route to master\n"),
	      PRIMARY(HINT_PRIMARY, "/* wye: replica, primary */ SELECT 1"),
	      PRIMARY(HINT_PRIMARY, "START TRANSACTION READ ONLY /* wye: primary */"),
	      {"SELECT /* wye: replica */ @@server_id", ROUTE_REPLICA, REASON_HINT_REPLICA},
	      {"SELECT 1 /* wye: replica */", ROUTE_REPLICA, REASON_HINT_REPLICA},
	      {"SHOW PROCESSLIST /* wye: server=db2:3306 */", ROUTE_REPLICA, REASON_HINT_SERVER},
	      REPLICA("SELECT '/* wye: primary */'"), REPLICA("SELECT 1 /* wye: primarily */"),
	      PRIMARY(UNKNOWN_FUNCTION, "/* wye: replica */ SELECT f()"),
	      PRIMARY(LOCKING_READ, "/* wye: replica */ SELECT 1 FROM t FOR UPDATE"),
	      PRIMARY(LOCKING_READ, "/* wye: server=db2:3306 */ SELECT 1 FROM t FOR SHARE"),
	      PRIMARY(WRITE, "/* wye: server=db2:3306 */ INSERT INTO t VALUES (1)"),
	      PRIMARY(WRITE, "/* wye: replica */ DELETE FROM t"),
	      PRIMARY(CALL, "/* wye: replica */ CALL p()"));
	struct context trx = {.in_trx = true};
	CHECK(&mysql, &trx, PRIMARY(SERVER_SPECIFIC, "/* wye: replica */ SELECT @@server_id"),
	      PRIMARY(IN_TRANSACTION, "/* wye: replica */ SELECT 1"));
	struct context bound = {.pins = PIN_TABLE_LOCK};
	CHECK(&mysql, &bound, {"/* wye: replica */ SELECT 1", ROUTE_PIN, REASON_PINNED});
	struct context off = {.autocommit_off = true};
	CHECK(&mysql, &off, PRIMARY(AUTOCOMMIT_OFF, "/* wye: replica */ SELECT * FROM t"));
	assert_true(of("SELECT /*+ SET_VAR(a=1) */ 1", &mysql, &nothing_open)->flags & CLASS_SET_VAR);
	assert_false(of("SELECT 1 /*+ SET_VAR(a=1) */", &mysql, &nothing_open)->flags & CLASS_SET_VAR);
}

static void test_what_is_asked_later_moves_what_a_hint_would_move(void **state)
{
	(void)state;
	static const char *const texts[] = {"SELECT 1",
					    "SELECT * FROM t",
					    "SELECT @@server_id",
					    "SHOW PROCESSLIST",
					    "EXPLAIN SELECT 1",
					    "START TRANSACTION READ ONLY",
					    "BEGIN",
					    "SELECT f()",
					    "SELECT 1 FROM t FOR UPDATE",
					    "INSERT INTO t VALUES (1)",
					    "CALL p()",
					    "SET NAMES utf8mb4",
					    "SELECT 1; SELECT 2",
					    "SELECT LAST_INSERT_ID()",
					    "SELECT 'open",
					    "SELECT * FROM tt",
					    ""};
	static const char *const wishes[] = {"primary", "replica", "server=db2:3306", "max_lag=1s"};
	static const struct view temporary[] = {{(const uint8_t *)"tt", 2}};
	const struct context contexts[] = {{0},
					   {.in_trx = true},
					   {.in_trx = true, .in_read_only_trx = true},
					   {.autocommit_off = true},
					   {.pins = PIN_TABLE_LOCK},
					   {.pins = PIN_TEMPORARY_TABLE, .temp_tables = true, .temp_names = temporary,
					    .n_temp_names = 1}};
	for (size_t c = 0; c < sizeof contexts / sizeof *contexts; c++)
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			for (size_t w = 0; w < sizeof wishes / sizeof *wishes; w++) {
				char with[200], wish[64];
				struct hints hints = {0};
				snprintf(wish, sizeof wish, "wye: %s", wishes[w]);
				hints_read_comment(&hints, view_of(wish));
				snprintf(with, sizeof with, "/* %s */ %s", wish, texts[t]);
				enum route route = of(with, &mysql, &contexts[c])->route;
				uint32_t flags = result.flags;
				of(texts[t], &mysql, &contexts[c]);
				enum route before = result.route;
				classify_ask(&result, &contexts[c], &hints, REASON_RULE);
				/* What is bound to its connection stays so; a hint says first that it is the primary's. */
				bool bound = before == ROUTE_PIN && route == ROUTE_PRIMARY;
				if (result.route != (bound ? ROUTE_PIN : route) || result.flags != flags)
					fail_msg("%s: %s %s, not %s", with, route_name(result.route),
						 reason_name(result.reason), route_name(route));
				if (result.route != before)
					assert_int_equal(result.reason, REASON_RULE);
				/* Said already, it is nobody else's reason. */
				enum reason first = of(with, &mysql, &contexts[c])->reason;
				classify_ask(&result, &contexts[c], &hints, REASON_RULE);
				assert_int_equal(result.reason, first);
				assert_true(before == ROUTE_REPLICA || route != ROUTE_REPLICA ||
					    (flags & CLASS_SERVER_SPECIFIC));
			}
}

static void test_what_makes_mariadb_forget_warnings_is_told(void **state)
{
	static const char *const tables[] = {"SELECT * FROM t", "SHOW TABLES", "DESCRIBE t", "SHOW VARIABLES LIKE 'sql_mode'",
	                                     "SHOW CREATE TABLE t", "SHOW COLLATION", "SELECT 1; SHOW TABLES"};
	static const char *const none[] = {"SELECT 1", "SHOW CREATE DATABASE d", "SHOW GRANTS", "SHOW WARNINGS", "SET @a=(SELECT 1)",
	                                   "SHOW CREATE PROCEDURE p", "SHOW PROCESSLIST", "EXPLAIN SELECT 1"};
	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		assert_true(of(tables[i], &mariadb, &nothing_open)->uses_tables);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(of(none[i], &mariadb, &nothing_open)->uses_tables);
	assert_true(of("SHOW COUNT(*) WARNINGS", &mysql, &nothing_open)->diagnoses);
	assert_true(of("GET DIAGNOSTICS @n = NUMBER", &mysql, &nothing_open)->diagnoses);
	assert_false(of("SELECT @@warning_count", &mysql, &nothing_open)->diagnoses);
	assert_false(of("SHOW WARNINGS; SELECT 1", &mysql, &nothing_open)->diagnoses);
}

static void test_a_list_of_columns_is_no_call(void **state)
{
	static const char *const plain[] = {"INSERT INTO t (a, b) VALUES (1, 2)", "REPLACE INTO t(a) SELECT 1", "INSERT IGNORE INTO t (a) VALUES (1)"};
	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		assert_false(of(plain[i], &mysql, &nothing_open)->flags & CLASS_CALLS);
		assert_false(of(plain[i], &mariadb, &nothing_open)->runs_routine);
	}
	assert_true(of("INSERT INTO t (a) VALUES (f(1))", &mysql, &nothing_open)->runs_routine);
}

static void test_what_reads_or_sets_found_rows_is_told(void **state)
{
	(void)state;
	assert_true(of("SELECT FOUND_ROWS()", &mysql, &nothing_open)->reads_found_rows);
	assert_false(of("SELECT ROW_COUNT()", &mysql, &nothing_open)->reads_found_rows);
	assert_true(of("SELECT 1 INTO @a", &mariadb, &nothing_open)->sets_found_rows);
	assert_true(of("UPDATE t SET a=1", &mysql, &nothing_open)->sets_found_rows);
	assert_false(of("UPDATE t SET a=1", &mariadb, &nothing_open)->sets_found_rows);
	assert_false(of("DELETE FROM t", &mysql, &nothing_open)->sets_found_rows);
}

static void test_load_data_changes_the_last_insert_id(void **state)
{
	(void)state;
	assert_true(of("LOAD DATA LOCAL INFILE 'f' INTO TABLE t", &mysql, &nothing_open)->flags & CLASS_SETS_LAST_INSERT_ID);
	assert_true(of("LOAD XML INFILE 'f' INTO TABLE t", &mariadb, &nothing_open)->flags & CLASS_SETS_LAST_INSERT_ID);
	assert_false(of("INSERT INTO t VALUES (1)", &mysql, &nothing_open)->flags & CLASS_SETS_LAST_INSERT_ID);
}

static void test_kill_names_its_victim(void **state)
{
	(void)state;
	of("KILL QUERY 42", &mysql, &nothing_open);
	assert_int_equal(result.kill_id, 42);
	assert_true(result.kill_query);
	of("kill 18446744073709551615", &mysql, &nothing_open);
	assert_true(result.kill_id == KILL_UNKNOWN);
	of("KILL HARD CONNECTION 7", &mariadb, &nothing_open);
	assert_int_equal(result.kill_id, 7);
	assert_false(result.kill_query);
	assert_true(of("KILL USER x", &mariadb, &nothing_open)->kill_id == KILL_UNKNOWN);
	assert_true(of("KILL QUERY 0", &mariadb, &nothing_open)->kill_id == 0);
	assert_true(of("KILL QUERY CONNECTION_ID()", &mysql, &nothing_open)->kill_id == KILL_OWN);
	assert_true(of("KILL connection_id();", &mariadb, &nothing_open)->kill_id == KILL_OWN);
	assert_true(of("KILL CONNECTION_ID() + 1", &mysql, &nothing_open)->kill_id == KILL_UNKNOWN);
	assert_true(of("KILL 7 + 1", &mysql, &nothing_open)->kill_id == KILL_UNKNOWN);
	assert_int_equal(result.kill_value.len, strlen("7 + 1"));
	assert_true(of("KILL QUERY @id ; ", &mysql, &nothing_open)->kill_id == KILL_UNKNOWN);
	assert_memory_equal(result.kill_value.p, "@id ;", 5);
	assert_int_equal(result.kill_value.len, strlen("@id"));
	assert_true(of("KILL user()", &mysql, &nothing_open)->kill_value.len != 0);
	assert_true(of("KILL USER x", &mariadb, &nothing_open)->kill_value.len == 0);
	assert_memory_equal(result.kill_user.p, "x", result.kill_user.len);
	of("KILL SOFT QUERY USER `u`@'10.0.0.1'", &mariadb, &nothing_open);
	assert_true(view_equal(result.kill_user, view_of("u")) && view_equal(result.kill_host, view_of("10.0.0.1")));
	assert_true(result.kill_query);
	assert_true(of("KILL QUERY ID 7", &mariadb, &nothing_open)->kill_id == KILL_UNKNOWN && !result.kill_value.len);
	assert_true(of("KILL", &mysql, &nothing_open)->kill_id == KILL_UNKNOWN && !result.kill_value.len);
	assert_false(of("KILL CONNECTION_ID()", &mysql, &nothing_open)->pins_added);
}

static void test_a_connection_id_in_a_statement_ties_to_its_connection(void **state)
{
	(void)state;
	assert_int_equal(of("UPDATE t SET a=CONNECTION_ID()", &mysql, &nothing_open)->pins_added, PIN_CONNECTION_ID);
	assert_int_equal(of("SELECT CONNECTION_ID(), 1", &mariadb, &nothing_open)->pins_added, PIN_CONNECTION_ID);
	assert_false(of("SELECT CONNECTION_ID()", &mariadb, &nothing_open)->pins_added);
	assert_false(of("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()", &mysql, &nothing_open)
			     ->pins_added);
}

static void test_nothing_at_all_is_no_statement(void **state)
{
	(void)state;
	CHECK(&mysql, &nothing_open, {"", ROUTE_REPLICA, REASON_EMPTY},
	      {" ; /* x */ ;", ROUTE_REPLICA, REASON_EMPTY});
	assert_int_equal(result.n_statements, 0);
	assert_int_equal(of("SELECT 1;;", &mysql, &nothing_open)->n_statements, 1);
	assert_int_equal(of("SELECT 1; SHOW WARNINGS", &mysql, &nothing_open)->flags &
	                     (CLASS_MULTI | CLASS_READS_LAST),
	                 CLASS_MULTI);
}

static void test_every_name_has_a_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUTE_COUNT; i++)
		assert_non_null(route_name((enum route)i));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		assert_non_null(reason_name((enum reason)i));
	for (unsigned i = 0; i < PIN_COUNT; i++)
		assert_non_null(pin_name((enum pin_index)i));
	for (unsigned i = 0; i < EFFECT_KIND_COUNT; i++)
		assert_non_null(effect_kind_name((enum effect_kind)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reads_go_to_replicas_whatever_their_shape),
	    cmocka_unit_test(test_what_replicas_cannot_or_must_not_run_goes_to_the_primary),
	    cmocka_unit_test(test_mariadbs_own_statements),
	    cmocka_unit_test(test_what_one_connection_knows_stays_there),
	    cmocka_unit_test(test_transactions_keep_their_connection),
	    cmocka_unit_test(test_pins_that_bind_everything_bind_reads),
	    cmocka_unit_test(test_temporary_tables_are_followed_by_name),
	    cmocka_unit_test(test_what_servers_answer_differently_is_told),
	    cmocka_unit_test(test_what_new_connections_begin_with_is_told),
	    cmocka_unit_test(test_counters_of_the_server_are_asked_of_the_primary),
	    cmocka_unit_test(test_what_no_replica_is_told_of_is_told),
	    cmocka_unit_test(test_what_set_changes_is_told),
	    cmocka_unit_test(test_one_set_may_change_many_things),
	    cmocka_unit_test(test_user_variables_set_from_data_are_named),
	    cmocka_unit_test(test_user_variables_that_are_carried_are_read_anywhere),
	    cmocka_unit_test(test_what_has_a_name_on_its_connection_is_told),
	    cmocka_unit_test(test_a_begin_with_nothing_to_do_at_once_is_told),
	    cmocka_unit_test(test_functions_may_read_temporary_tables),
	    cmocka_unit_test(test_more_effects_than_fit_pin_the_session),
	    cmocka_unit_test(test_bodies_of_routines_do_not_run),
	    cmocka_unit_test(test_the_catalog_knows_routines_and_views),
	    cmocka_unit_test(test_the_default_schema_may_be_the_servers_own),
	    cmocka_unit_test(test_hints_move_only_what_may_move),
	    cmocka_unit_test(test_what_is_asked_later_moves_what_a_hint_would_move),
	    cmocka_unit_test(test_what_makes_mariadb_forget_warnings_is_told),
	    cmocka_unit_test(test_a_list_of_columns_is_no_call),
	    cmocka_unit_test(test_what_reads_or_sets_found_rows_is_told),
    cmocka_unit_test(test_load_data_changes_the_last_insert_id),
    cmocka_unit_test(test_kill_names_its_victim),
    cmocka_unit_test(test_a_connection_id_in_a_statement_ties_to_its_connection),
	    cmocka_unit_test(test_nothing_at_all_is_no_statement),
	    cmocka_unit_test(test_every_name_has_a_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
