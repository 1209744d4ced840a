/* A console session over arrays of bytes: logins, commands, prepared statements, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/handshake.h"
#include "protocol/ok.h"
#include "protocol/packet.h"
#include "protocol/wire.h"
#include "proxy/console/console_session.h"
#include "tests/unit/console_fakes.h"

#define CAPS                                                                                                        \
	(CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_WITH_DB | \
	 CAP_DEPRECATE_EOF | CAP_LONG_PASSWORD)

static struct console_catalog *catalog;
static struct console_session *s;
static struct view packets[4096]; /* of the answer to the last command */
static size_t n_packets;
static char shown[1 << 20]; /* the payloads of the answer as text, non-printable bytes as blanks */

static void read_answer(void)
{
	struct packet p;
	size_t at = 0, n = 0;
	n_packets = 0;
	while (at < buf_len(&s->out)) {
		assert_int_equal(packet_next(buf_data(&s->out) + at, buf_len(&s->out) - at, 0, &p), PACKET_OK);
		packets[n_packets++] = p.payload;
		for (size_t i = 0; i < p.payload.len && n < sizeof shown - 2; i++)
			shown[n++] = (char)(p.payload.p[i] >= ' ' && p.payload.p[i] < 127 ? p.payload.p[i] : ' ');
		shown[n++] = '\n';
		at += p.size;
	}
	shown[n] = '\0';
	s->out.start = s->out.end = 0; /* read, but kept for the views */
}

static void send_packet(uint8_t seq, const void *payload, size_t len)
{
	struct buf b;
	buf_init(&b, 32u << 20);
	assert_true(packet_append(&b, &seq, payload, len));
	assert_true(console_session_feed(s, buf_data(&b), buf_len(&b)));
	buf_finish(&b);
	console_session_run(s);
	read_answer();
}

static void command(uint8_t number, const void *rest, size_t len)
{
	uint8_t *payload = malloc(len + 1);
	payload[0] = number;
	memcpy(payload + 1, rest, len);
	send_packet(0, payload, len + 1);
	free(payload);
}

static const char *query(const char *sql)
{
	command(CMD_QUERY, sql, strlen(sql));
	return shown;
}

static void expect(const char *sql, const char *says)
{
	if (!strstr(query(sql), says))
		fail_msg("%s: %s", sql, shown);
}

static void send_login(const char *plugin, struct view auth, const char *schema)
{
	struct login l = {.caps = CAPS,
			  .max_packet = 1 << 24,
			  .collation = 45,
			  .user = view_of("admin"),
			  .auth = auth,
			  .schema = view_of(schema),
			  .plugin = view_of(plugin)};
	struct buf b;
	uint8_t seq = 1;
	buf_init(&b, 4096);
	assert_true(login_write(&b, &seq, &l));
	assert_true(console_session_feed(s, buf_data(&b), buf_len(&b)));
	buf_finish(&b);
	console_session_run(s);
	read_answer();
}

static int open_session(void **state)
{
	char error[128];
	(void)state;
	fake_start();
	catalog = console_catalog_create(config_db(), error, sizeof error);
	assert_non_null(catalog);
	s = console_session_create(catalog, 77, false);
	s->owner = true;
	read_answer();
	return 0;
}

static int open_logged_in(void **state)
{
	open_session(state);
	send_login(PLUGIN_NATIVE, (struct view){(const uint8_t *)"01234567890123456789", 20}, "");
	assert_int_equal(s->state, CONSOLE_READY);
	return 0;
}

static int close_session(void **state)
{
	(void)state;
	console_session_destroy(s);
	console_catalog_destroy(catalog);
	config_stop();
	return 0;
}

static void test_the_greeting_names_a_version_and_a_plugin(void **state)
{
	(void)state;
	struct greeting g;
	assert_int_equal(n_packets, 1);
	assert_int_equal(greeting_parse(packets[0], &g), PACKET_OK);
	assert_int_equal(g.connection_id, 77);
	assert_non_null(strstr(g.version, "wye"));
	assert_string_equal(g.plugin, PLUGIN_NATIVE);
}

static void test_a_client_without_an_answer_is_switched_to_its_own_plugin(void **state)
{
	(void)state;
	send_login(PLUGIN_SHA2, (struct view){0}, "");
	assert_int_equal(s->state, CONSOLE_EXPECT_ANSWER);
	assert_int_equal(packets[0].p[0], HEADER_AUTH_SWITCH);
	assert_non_null(strstr(shown, PLUGIN_SHA2));
	send_packet(3, "0123456789012345678901234567890x", 32);
	assert_int_equal(n_packets, 2); /* "fast path" and OK */
	assert_int_equal(packets[0].p[0], HEADER_AUTH_MORE);
	assert_int_equal(packets[0].p[1], 3);
	assert_int_equal(packets[1].p[0], HEADER_OK);
	assert_int_equal(s->state, CONSOLE_READY);
}

static void test_a_plugin_that_is_not_known_is_switched_to_native(void **state)
{
	(void)state;
	send_login("client_ed25519", (struct view){(const uint8_t *)"x", 1}, "wye");
	assert_non_null(strstr(shown, PLUGIN_NATIVE));
	send_packet(3, "", 0);
	assert_int_equal(packets[0].p[0], HEADER_OK);
}

static void test_a_database_that_is_not_there_ends_the_login(void **state)
{
	(void)state;
	send_login(PLUGIN_NATIVE, (struct view){(const uint8_t *)"01234567890123456789", 20}, "shop");
	assert_non_null(strstr(shown, "There is no database 'shop'"));
	assert_int_equal(s->state, CONSOLE_CLOSING);
}

static void test_bytes_that_are_no_login_end_the_session(void **state)
{
	(void)state;
	send_packet(1, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(s->state, CONSOLE_CLOSING);
	assert_int_equal(packets[0].p[0], HEADER_ERR);
}

static void test_a_command_above_the_bound_ends_the_session(void **state)
{
	static const uint8_t header[] = {0xFF, 0xFF, 0x7F, 0};
	(void)state;
	assert_true(console_session_feed(s, header, sizeof header));
	console_session_run(s);
	read_answer();
	assert_non_null(strstr(shown, "at most 1048576 bytes"));
	assert_int_equal(s->state, CONSOLE_CLOSING);
}

static void test_commands_are_answered_whole_wherever_they_are_cut(void **state)
{
	static const uint8_t wire[] = "\x07\0\0\0\x03SHOW P\x01\0\0\0\x0E\x09\0\0\0\x03SELECT 1";
	(void)state;
	size_t len = sizeof wire - 1;
	struct packet p;
	for (size_t i = 0; i < len; i++) {
		assert_true(console_session_feed(s, wire + i, 1));
		console_session_run(s);
	}
	size_t at = 0, answers = 0;
	for (; at < buf_len(&s->out); at += p.size, answers++)
		assert_int_equal(packet_next(buf_data(&s->out) + at, buf_len(&s->out) - at, 0, &p), PACKET_OK);
	assert_int_equal(answers, 1 + 1 + 4); /* an error, an OK, and a result set */
}

static void test_tables_answer_with_typed_columns(void **state)
{
	(void)state;
	query("SELECT route, statements FROM stats_routes ORDER BY statements");
	assert_int_equal(n_packets, 1 + 2 + 2 + 1);
	assert_int_equal(packets[1].p[packets[1].len - 6], 0xFD);
	assert_int_equal(packets[2].p[packets[2].len - 6], 8);
	struct reader r = reader_of(packets[4].p, packets[4].len);
	assert_true(view_equal(read_lenenc_str(&r), view_of("replica")));
	assert_true(view_equal(read_lenenc_str(&r), view_of("15")));
	expect("SELECT server, lag_ms FROM wye.stats_servers WHERE role = 'replica' AND takes_reads", "db1:3306");
	expect("SELECT a.role FROM stats_servers a JOIN servers b USING (server)", "primary");
}

static void test_every_table_can_be_read_and_described(void **state)
{
	(void)state;
	const struct console_table *table;
	for (size_t i = 0; (table = console_table_at(i)); i++) {
		char sql[128];
		snprintf(sql, sizeof sql, "SELECT * FROM %s", table->name);
		query(sql);
		assert_int_equal(packets[0].p[0], table->n_columns);
		snprintf(sql, sizeof sql, "SHOW CREATE TABLE `wye`.`%s`", table->name);
		expect(sql, table->columns[0].help);
		snprintf(sql, sizeof sql, "SHOW FULL COLUMNS FROM `%s` FROM `wye` LIKE '%%'", table->name);
		expect(sql, table->columns[0].name);
		command(CMD_FIELD_LIST, table->name, strlen(table->name) + 1);
		assert_int_equal(n_packets, table->n_columns + 1);
	}
}

static void test_the_words_of_people_and_clients_are_understood(void **state)
{
	static const struct {
		const char *sql, *says;
	} cases[] = {
		{"show tables", "stats_servers"},
		{"SHOW FULL TABLES FROM `wye` LIKE 'stats\\_r%'", "stats_routes"},
		{"SHOW SERVERS WHERE state = 'lagging'", "db2:3306"},
		{"SHOW ROUTES LIKE 'wri%';", "write"},
		{"SHOW SETTINGS LIKE 'max_lag'", "10s"},
		{"SHOW EVENTS", "number"},
		{"HELP", "EXPLAIN ROUTE"},
		{"SELECT @@version_comment LIMIT 1", "admin console"},
		{"SELECT @@max_lag, @@session.autocommit", "10s"},
		{"SELECT DATABASE(), USER(), CONNECTION_ID(), VERSION()", "admin@localhost"},
		{"SELECT IF(1 > 0, CONCAT('a', 'b'), 'c')", "ab"},
		{"SHOW VARIABLES LIKE 'sql\\_mode'", "sql_mode"},
		{"SHOW STATUS LIKE 'Uptime'", "Uptime"},
		{"SHOW DATABASES", "wye"},
		{"SHOW WARNINGS", "Message"},
		{"DESC stats_routes reason", "why, a fixed word"},
		{"EXPLAIN ROUTE UPDATE t SET a = 1", "primary"},
		{"EXPLAIN ROUTE SELECT 1 FOR USER 'app' IN DATABASE shop;", "[SELECT 1] user=app schema=shop client="},
		{"explain route SELECT 1 in database `shop` from client 10.0.0.1", "[SELECT 1] user= schema=shop client=10.0.0.1"},
		{"EXPLAIN ROUTE SELECT ' for user x'", "[SELECT ' for user x'] user= schema="},
		{"EXPLAIN ROUTE SELECT 1 AFTER 'BEGIN' FOR USER app AFTER 'INSERT INTO t VALUES (''x'')'",
		 "[SELECT 1] user=app schema= client= after=[BEGIN] after=[INSERT INTO t VALUES ('x')]"},
		{"EXPLAIN ROUTE ALTER TABLE t ADD c INT AFTER b", "[ALTER TABLE t ADD c INT AFTER b] user="},
		{"EXPLAIN ROUTE /* wye: primary */ SELECT 1 FOR USER a FOR USER b", "SELECT 1 FOR USER a] user=b"},
		{"/*!40101 SET NAMES utf8 */", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		expect(cases[i].sql, cases[i].says);
		if (packets[0].p[0] == HEADER_ERR)
			fail_msg("%s: %s", cases[i].sql, shown);
	}
}

static void test_a_wrong_word_gets_the_nearest_right_one(void **state)
{
	static const struct {
		const char *sql, *says;
	} cases[] = {
		{"SHOW SERVRS", "did you mean SHOW SERVERS?"},
		{"SHWO TABLES", "did you mean SHOW TABLES?"},
		{"HLEP", "did you mean HELP?"},
		{"BREW COFFEE", "HELP lists them"},
		{"SELECT * FROM stats_server", "did you mean 'stats_servers'?"},
		{"SHOW COLUMNS FROM stats_rutes", "did you mean 'stats_routes'?"},
		{"SELECT staet FROM stats_servers", "did you mean 'state'?"},
		{"SELECT @@max_lga", "did you mean 'max_lag'?"},
		{"SET max_lga = 1", "did you mean 'max_lag'?"},
		{"SET max_lag = soon", "'soon' is not a time; allowed: 10ms to 365d"},
		{"SET consistency = 'globl'", "did you mean 'global'?"},
		{"SET threads = 3", "read at start only"},
		{"SET max_lag", "SET is written SET name = value"},
		{"USE shop", "There is no database 'shop'"},
		{"SHOW TABLES nonsense", "Nothing may follow SHOW TABLES"},
		{"SELECT 1 FROM", "This is not understood"},
		{"SELEC 1", "did you mean SELECT?"},
		{"INSRT INTO rules (deny) VALUES ('x')", "did you mean INSERT?"},
		{"", "The statement is empty"},
		{"SELECT 1; SELECT 2", "one statement at a time"},
		{"EXPLAIN ROUTE", "is followed by a statement"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		expect(cases[i].sql, cases[i].says);
		assert_int_equal(packets[0].p[0], HEADER_ERR);
	}
}

static void test_nothing_can_be_changed_through_sqlite(void **state)
{
	static const char *const cases[] = {"INSERT INTO stats_routes VALUES (1, 2, 3)",
					    "INSERT INTO main.settings VALUES ('max_lag', 'x')",
					    "UPDATE main.servers SET weight = 2000",
					    "SELECT * FROM config_history",
					    "SELECT * FROM temp.given_users",
					    "SELECT * FROM sqlite_master",
					    "SAVEPOINT x",
					    "CREATE TABLE t (a)",
					    "CREATE TEMP TABLE t (a)",
					    "PRAGMA user_version = 1",
					    "ATTACH DATABASE '/tmp/wye-test-attached' AS x",
					    "DROP TABLE settings",
					    "SELECT load_extension('x')",
					    "VACUUM INTO '/tmp/wye-test-attached'"};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		query(cases[i]);
		if (packets[0].p[0] != HEADER_ERR)
			fail_msg("%s: %s", cases[i], shown);
	}
}

static void test_a_statement_without_end_is_stopped(void **state)
{
	(void)state;
	expect("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
	       "took longer than 1000 ms");
	expect("SELECT 1", "1");
}

static void test_an_answer_above_the_bound_is_an_error(void **state)
{
	(void)state;
	s->out.max = 1u << 20; /* as if much were waiting to be sent */
	expect("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100) "
	       "SELECT hex(zeroblob(10000)) FROM c",
	       "The answer is larger than 1 MiB");
	assert_int_equal(n_packets, 1);
	expect("SELECT 1", "1");
}

static void test_settings_change_together_or_not_at_all(void **state)
{
	(void)state;
	query("SET max_lag = 3s, GLOBAL queue_timeout = '250ms', @@session.consistency = global");
	assert_int_equal(packets[0].p[0], HEADER_OK);
	assert_int_equal(fake_settings.max_lag, 3000000);
	assert_int_equal(fake_settings.queue_timeout, 250000);
	assert_int_equal(fake_settings.consistency, CONSISTENCY_GLOBAL);
	expect("SELECT value FROM settings WHERE name = 'max_lag'", "3s");
	query("SET max_lag = 4s, queue_timeout = never");
	assert_int_equal(packets[0].p[0], HEADER_ERR);
	assert_int_equal(fake_settings.max_lag, 3000000);
	query("SET max_lag = DEFAULT");
	assert_int_equal(fake_settings.max_lag, 10000000);
	query("SET NAMES utf8mb4 COLLATE utf8mb4_bin");
	assert_int_equal(packets[0].p[0], HEADER_OK);
	query("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES'), @old = @@x");
	assert_int_equal(packets[0].p[0], HEADER_OK);
}

static void refused(const char *sql, const char *says)
{
	expect(sql, says);
	if (packets[0].p[0] != HEADER_ERR)
		fail_msg("%s is not refused", sql);
}

static void done(const char *sql, unsigned rows)
{
	struct ok_packet ok;
	query(sql);
	if (packets[0].p[0] != HEADER_OK)
		fail_msg("%s: %s", sql, shown);
	assert_true(ok_parse(packets[0], CAPS, &ok));
	assert_int_equal(ok.affected, rows);
}

static void test_rows_of_the_configuration_are_written_like_any_tables(void **state)
{
	(void)state;
	done("INSERT INTO servers (server, weight) VALUES ('db9', 3), ('[::1]:3310', 4)", 2);
	expect("SELECT concat(server, '/', role, '/', weight, '/', source) FROM servers WHERE weight = 3",
	       "db9:3306/auto/3/configuration");
	done("UPDATE servers SET role = 'replica', comment = 'the big one' WHERE server LIKE 'db9%'", 1);
	expect("SELECT concat(role, weight, comment) FROM servers WHERE server = 'db9:3306'", "replica3the big one");
	done("DELETE FROM servers WHERE weight > 2", 2);
	refused("SELECT missing FROM servers", "There is no column");
	done("UPDATE servers SET weight = 7", 1); /* the one of the command line */
	expect("SELECT concat(weight, source) FROM servers", "7configuration");
	done("INSERT INTO users (name, password) VALUES ('app', 'geheim')", 1);
	expect("SELECT concat(name, password) FROM users", "app***");
	done("UPDATE users SET comment = 'x'", 1);
	struct config *c = config_get();
	assert_string_equal(config_user_named(c, "app")->option.password, "geheim");
	config_unref(c);
	done("UPDATE settings SET value = '3s' WHERE name = 'max_lag'", 1);
	assert_int_equal(fake_settings.max_lag, 3000000);
	done("DELETE FROM settings WHERE name = 'max_lag'", 1);
	assert_int_equal(fake_settings.max_lag, 10000000);
	done("REPLACE INTO settings (name, value) VALUES ('max_lag', '4s')", 1);
	assert_int_equal(fake_settings.max_lag, 4000000);
}

static void test_a_wrong_row_is_refused_with_what_is_allowed(void **state)
{
	(void)state;
	refused("INSERT INTO servers (server, role) VALUES ('db9', 'boss')", "allowed: auto, primary, replica, mirror");
	refused("UPDATE servers SET weight = 0", "the weight of db0:3306 is '0'; allowed: 1 to 1000");
	refused("UPDATE settings SET value = '1x' WHERE name = 'max_lag'", "max_lag");
	refused("INSERT INTO settings (name, value) VALUES ('max_lagg', '1s')", "did you mean 'max_lag'?");
	refused("UPDATE settings SET description = 'mine'", "only the value can be changed");
	refused("INSERT INTO servers (server) VALUES ('db0')", "there is a row for 'db0:3306' already");
	refused("DELETE FROM servers", "there must be at least one");
	refused("UPDATE settings SET value = '5s'", "allowed"); /* fits some settings and not others: none is changed */
	expect("SELECT count(*) FROM settings WHERE source <> 'default'", "0");
	expect("SELECT server FROM servers", "db0:3306");
}

static void test_a_transaction_is_in_force_at_its_commit_or_not_at_all(void **state)
{
	(void)state;
	query("BEGIN");
	done("UPDATE settings SET value = '3s' WHERE name = 'max_lag'", 1);
	done("INSERT INTO servers (server) VALUES ('db7')", 1);
	query("SET queue_timeout = 2s");
	expect("SELECT value FROM settings WHERE name = 'max_lag'", "3s");
	refused("UPDATE settings SET value = 'x' WHERE name = 'max_lag'", "max_lag");
	assert_int_equal(fake_settings.max_lag, 10000000);
	query("ROLLBACK");
	expect("SELECT value FROM settings WHERE name = 'max_lag'", "10s");
	query("START TRANSACTION");
	done("DELETE FROM servers", 1);
	refused("COMMIT", "still open for you to mend it or to ROLLBACK: servers: there must be at least one");
	done("INSERT INTO servers (server) VALUES ('db8')", 1);
	query("SET max_lag = 6s");
	assert_int_equal(fake_settings.max_lag, 10000000);
	query("COMMIT");
	assert_int_equal(packets[0].p[0], HEADER_OK);
	assert_int_equal(fake_settings.max_lag, 6000000);
	expect("SELECT server FROM servers", "db8:3306");
}

static void test_another_session_waits_for_nobody_and_sees_what_is_in_force(void **state)
{
	(void)state;
	struct console_session *first = s;
	query("SET autocommit = 0");
	query("SET max_lag = 3s");
	s = console_session_create(catalog, 78, false);
	s->owner = true;
	read_answer();
	send_login(PLUGIN_NATIVE, (struct view){(const uint8_t *)"01234567890123456789", 20}, "");
	expect("SELECT value FROM settings WHERE name = 'max_lag'", "10s");
	refused("SET max_lag = 4s", "'admin' is changing the configuration on another connection");
	console_session_destroy(first); /* takes its change with it */
	query("SET max_lag = 4s");
	assert_int_equal(fake_settings.max_lag, 4000000);
}

/* What holds the socket begins it; what came behind the request is left for that. */
static void test_tls_is_begun_where_it_is_offered_and_asked_for(void **state)
{
	(void)state;
	struct greeting g;
	struct login l = {.caps = CAPS | CAP_SSL, .max_packet = 1 << 24, .collation = 45};
	struct buf b;
	uint8_t seq = 1;
	console_session_destroy(s);
	s = console_session_create(catalog, 79, true);
	s->owner = true;
	read_answer();
	assert_int_equal(greeting_parse(packets[0], &g), PACKET_OK);
	assert_true(g.caps & CAP_SSL);
	buf_init(&b, 4096);
	assert_true(ssl_request_write(&b, &seq, &l) && buf_append(&b, "\x16\x03\x01", 3));
	assert_true(console_session_feed(s, buf_data(&b), buf_len(&b)));
	console_session_run(s);
	assert_true(s->wants_tls && buf_len(&s->in) == 3 && !buf_len(&s->out));
	s->wants_tls = false;
	buf_reset(&s->in);
	/* Once: who asks again is refused. */
	assert_true(console_session_feed(s, buf_data(&b), buf_len(&b) - 3));
	console_session_run(s);
	assert_int_equal(s->state, CONSOLE_CLOSING);
	buf_finish(&b);
	console_session_destroy(s);
	s = console_session_create(catalog, 80, true);
	s->owner = true;
	read_answer();
	send_login(PLUGIN_NATIVE, (struct view){(const uint8_t *)"01234567890123456789", 20}, "");
	assert_int_equal(s->state, CONSOLE_READY);
}

static void test_the_history_leads_back(void **state)
{
	(void)state;
	query("SET max_lag = 3s");
	query("BEGIN");
	query("SET max_lag = 5s");
	query("INSERT INTO users (name, password) VALUES ('a\\\\b', 'secret\\'s')");
	query("COMMIT");
	expect("SHOW CONFIG HISTORY", "max_lag = 5s, users + a\\b");
	expect("EXPORT CONFIG", "INSERT INTO settings(name, value) VALUES('max_lag', '5s');");
	assert_null(strstr(shown, "secret"));
	expect("EXPORT CONFIG WITH PASSWORDS", "'secret''s'");
	expect("SHOW CONFIG DIFF", "max_lag");
	query("ROLLBACK CONFIG TO 1");
	assert_int_equal(fake_settings.max_lag, 3000000);
	expect("SELECT count(*) FROM users", "0");
	query("ROLLBACK CONFIG TO 2");
	struct config *c = config_get();
	assert_string_equal(config_user_named(c, "a\\b")->option.password, "secret's");
	config_unref(c);
	refused("ROLLBACK CONFIG TO 99", "SHOW CONFIG HISTORY lists them");
	expect("LOAD MYSQL SERVERS TO RUNTIME", "not needed");
}

static void test_a_session_that_is_not_there_cannot_be_killed(void **state)
{
	(void)state;
	refused("KILL 9", "Unknown thread id: 9; SHOW SESSIONS lists them");
	refused("KILL QUERY 9", "Unknown thread id: 9");
	refused("KILL x", "Unknown thread id");
}

static uint16_t status_after(const char *sql)
{
	struct ok_packet ok;
	query(sql);
	assert_true(ok_parse(packets[0], CAPS, &ok));
	return ok.status;
}

static void test_drivers_see_their_transaction_in_the_status_flags(void **state)
{
	(void)state;
	assert_int_equal(status_after("SET autocommit = 0"), 0);
	assert_int_equal(status_after("BEGIN"), STATUS_IN_TRANS);
	assert_int_equal(status_after("COMMIT"), 0);
	assert_int_equal(status_after("SET @@autocommit = ON"), STATUS_AUTOCOMMIT);
}

static void test_prepared_statements_take_parameters_and_answer_in_binary(void **state)
{
	static const char sql[] = "SELECT statements, ? AS s, ? AS n FROM stats_routes WHERE statements > ?";
	(void)state;
	command(CMD_STMT_PREPARE, sql, sizeof sql - 1);
	assert_int_equal(packets[0].p[0], HEADER_OK);
	assert_int_equal(packets[0].p[1], 1);
	assert_int_equal(packets[0].p[5], 3); /* columns */
	assert_int_equal(packets[0].p[7], 3); /* parameters */
	/* id 1, no cursor, one iteration, the second is NULL, types: text, NULL, signed 8-byte integer */
	static const uint8_t execute[] = {1, 0, 0, 0, 0,   1,	0, 0, 0, 2, 1, 0xFD, 0, 6,
					  0, 8, 0, 2, 'h', 'i', 4, 0, 0, 0, 0, 0,    0, 0};
	command(CMD_STMT_EXECUTE, execute, sizeof execute);
	assert_int_equal(n_packets, 1 + 3 + 1 + 1);
	static const uint8_t row[] = {0, 0x10, 15, 0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'};
	assert_int_equal(packets[4].len, sizeof row);
	assert_memory_equal(packets[4].p, row, sizeof row);
	/* again, with the types of the last time and another value */
	static const uint8_t again[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 'h', 'o', 3, 0, 0, 0, 0, 0, 0, 0};
	command(CMD_STMT_EXECUTE, again, sizeof again);
	assert_int_equal(n_packets, 1 + 3 + 2 + 1);
	for (size_t n = 0; n < sizeof execute; n++) { /* cut anywhere: refused */
		command(CMD_STMT_EXECUTE, execute, n);
		assert_int_equal(packets[0].p[0], HEADER_ERR);
	}
	command(CMD_STMT_CLOSE, execute, 4);
	assert_int_equal(n_packets, 0);
	command(CMD_STMT_EXECUTE, execute, sizeof execute);
	assert_non_null(strstr(shown, "Unknown prepared statement"));
}

static void test_own_commands_can_be_prepared_too(void **state)
{
	static const uint8_t execute[] = {1, 0, 0, 0, 0, 1, 0, 0, 0};
	(void)state;
	command(CMD_STMT_PREPARE, "SHOW ROUTES", 11);
	assert_int_equal(packets[0].p[0], HEADER_OK);
	command(CMD_STMT_EXECUTE, execute, sizeof execute);
	assert_non_null(strstr(shown, "replica"));
	command(CMD_RESET_CONNECTION, "", 0);
	assert_int_equal(packets[0].p[0], HEADER_OK);
	command(CMD_STMT_EXECUTE, execute, sizeof execute);
	assert_int_equal(packets[0].p[0], HEADER_ERR);
	for (int i = 0; i < CONSOLE_STATEMENTS_MAX; i++)
		command(CMD_STMT_PREPARE, "SELECT 1", 8);
	assert_int_equal(packets[0].p[0], HEADER_OK);
	command(CMD_STMT_PREPARE, "SELECT 1", 8);
	assert_non_null(strstr(shown, "at once"));
}

static void test_every_command_byte_is_answered_without_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		if (i == CMD_QUIT || i == CMD_CHANGE_USER)
			continue;
		command((uint8_t)i, "", 0);
		command((uint8_t)i, "\1\0\0\0", 4);
		assert_int_equal(s->state, CONSOLE_READY);
	}
	command(CMD_BINLOG_DUMP, "", 0);
	assert_non_null(strstr(shown, "does not know COM_BINLOG_DUMP"));
	command(CMD_QUIT, "", 0);
	assert_int_equal(s->state, CONSOLE_CLOSING);
}

#define WITH(open, test) cmocka_unit_test_setup_teardown(test, open, close_session)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(open_session, test_the_greeting_names_a_version_and_a_plugin),
		WITH(open_session, test_a_client_without_an_answer_is_switched_to_its_own_plugin),
		WITH(open_session, test_a_plugin_that_is_not_known_is_switched_to_native),
		WITH(open_session, test_a_database_that_is_not_there_ends_the_login),
		WITH(open_session, test_bytes_that_are_no_login_end_the_session),
		WITH(open_logged_in, test_a_command_above_the_bound_ends_the_session),
		WITH(open_logged_in, test_commands_are_answered_whole_wherever_they_are_cut),
		WITH(open_logged_in, test_tables_answer_with_typed_columns),
		WITH(open_logged_in, test_every_table_can_be_read_and_described),
		WITH(open_logged_in, test_the_words_of_people_and_clients_are_understood),
		WITH(open_logged_in, test_a_wrong_word_gets_the_nearest_right_one),
		WITH(open_logged_in, test_nothing_can_be_changed_through_sqlite),
		WITH(open_logged_in, test_a_statement_without_end_is_stopped),
		WITH(open_logged_in, test_an_answer_above_the_bound_is_an_error),
		WITH(open_logged_in, test_settings_change_together_or_not_at_all),
		WITH(open_logged_in, test_rows_of_the_configuration_are_written_like_any_tables),
		WITH(open_logged_in, test_a_wrong_row_is_refused_with_what_is_allowed),
		WITH(open_logged_in, test_a_transaction_is_in_force_at_its_commit_or_not_at_all),
		WITH(open_logged_in, test_another_session_waits_for_nobody_and_sees_what_is_in_force),
		WITH(open_logged_in, test_tls_is_begun_where_it_is_offered_and_asked_for),
		WITH(open_logged_in, test_the_history_leads_back),
		WITH(open_logged_in, test_a_session_that_is_not_there_cannot_be_killed),
		WITH(open_logged_in, test_drivers_see_their_transaction_in_the_status_flags),
		WITH(open_logged_in, test_prepared_statements_take_parameters_and_answer_in_binary),
		WITH(open_logged_in, test_own_commands_can_be_prepared_too),
		WITH(open_logged_in, test_every_command_byte_is_answered_without_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
