/* The configuration: its file, what was given over it, its changes, its history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_rules.h"
#include "proxy/config/config_store.h"

static struct options given;
static char path[64], error[1024];
static int applied;

static void apply(const struct config *before, const struct config *after)
{
	assert_int_not_equal(before->version, after->version);
	applied++;
}

static int set_up(void **state)
{
	(void)state;
	memset(&given, 0, sizeof given);
	settings_default(&given.settings);
	strcpy(given.servers[0].at.host, "cli");
	given.servers[0].at.port = 3306;
	given.servers[0].weight = 1;
	given.n_servers = 1;
	snprintf(path, sizeof path, "/tmp/wye-test-config-%d", (int)getpid());
	unlink(path);
	strcpy(given.config, path);
	applied = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void start(void)
{
	if (!config_start(&given, apply, error, sizeof error))
		fail_msg("%s", error);
}

static void run_sql(const char *sql, int expected)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), expected);
	sqlite3_close(db);
}

static void commit(void)
{
	if (!config_change_commit(&given, error, sizeof error))
		fail_msg("%s", error);
}

static void test_a_file_is_made_for_its_owner_only_and_checks_its_rows(void **state)
{
	(void)state;
	struct stat st;
	start();
	config_stop();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	run_sql("INSERT INTO servers(server, role) VALUES('x', 'boss')", SQLITE_CONSTRAINT);
	run_sql("INSERT INTO servers(server, weight) VALUES('x', 0)", SQLITE_CONSTRAINT);
}

static void test_a_file_of_an_earlier_version_gets_the_columns_it_lacks(void **state)
{
	(void)state;
	run_sql("CREATE TABLE servers(server TEXT NOT NULL PRIMARY KEY,"
		" role TEXT NOT NULL DEFAULT 'auto', weight INTEGER NOT NULL DEFAULT 1);"
		"INSERT INTO servers(server, weight) VALUES('db9:3310', 5)",
		SQLITE_OK);
	start();
	config_stop();
	run_sql("UPDATE servers SET zone = 'west', comment = 'old', role = 'mirror'", SQLITE_OK);
	run_sql("UPDATE servers SET role = 'boss'", SQLITE_CONSTRAINT);
	start();
	struct config *c = config_get();
	assert_string_equal(c->servers[0].option.zone, "west");
	assert_string_equal(c->servers[0].comment, "old");
	assert_int_equal(c->servers[0].option.weight, 5);
	assert_int_equal(c->servers[0].option.role, SERVER_ROLE_MIRROR);
	config_unref(c);
	config_stop();
}

static void test_what_was_given_lies_over_the_file_and_beside_its_rows(void **state)
{
	(void)state;
	start();
	config_stop();
	run_sql("INSERT INTO settings VALUES('max_lag', '3s'), ('queue_timeout', '4s');"
		"INSERT INTO servers(server, role, weight) VALUES('db9:3310', 'replica', 5), ('cli', 'auto', 9);"
		"INSERT INTO users(name, password) VALUES('app', 'pw'), ('nopw', NULL)",
		SQLITE_OK);
	given.settings.max_lag = 9000000;
	given.set_by_hand[settings_index("max_lag")] = true;
	strcpy(given.users[0].name, "given");
	given.n_users = 1;
	start();
	struct config *c = config_get();
	assert_int_equal(given.settings.max_lag, 9000000);
	assert_int_equal(given.settings.queue_timeout, 4000000);
	assert_int_equal(c->sources[settings_index("max_lag")], CONFIG_GIVEN);
	assert_int_equal(c->sources[settings_index("queue_timeout")], CONFIG_STORED);
	assert_int_equal(c->n_servers, 2);
	assert_int_equal(config_server_at(c, &given.servers[0].at)->option.weight, 9);
	assert_int_equal(c->n_users, 3);
	assert_true(config_user_named(c, "app")->option.has_password);
	assert_false(config_user_named(c, "nopw")->option.has_password);
	assert_int_equal(config_user_named(c, "given")->source, CONFIG_GIVEN);
	config_unref(c);
	config_stop();
}

static void test_a_wrong_row_keeps_wye_from_starting_and_is_named(void **state)
{
	(void)state;
	start();
	config_stop();
	run_sql("INSERT INTO settings VALUES('max_lagg', '1s')", SQLITE_OK);
	assert_false(config_start(&given, apply, error, sizeof error));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "did you mean 'max_lag'?"));
	strcpy(given.config, "/nonexistent/x");
	assert_false(config_start(&given, apply, error, sizeof error));
	assert_non_null(strstr(error, "configuration file /nonexistent/x"));
}

static void test_a_change_outlives_the_process_and_one_without_commit_does_not(void **state)
{
	(void)state;
	given.set_by_hand[settings_index("max_lag")] = true;
	start();
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	assert_true(config_store_setting(config_db(), "max_lag", "7s", error, sizeof error));
	commit();
	assert_int_equal(applied, 1);
	struct config *c = config_get();
	assert_int_equal(c->settings.max_lag, 7000000); /* it was changed since it was given */
	assert_int_equal(c->version, 1);
	config_unref(c);
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	assert_true(config_store_setting(config_db(), "queue_timeout", "7s", error, sizeof error));
	config_stop();
	given.set_by_hand[settings_index("max_lag")] = false;
	start();
	assert_int_equal(given.settings.max_lag, 7000000);
	assert_int_equal(given.settings.queue_timeout, 10000000);
	config_stop();
}

static void test_what_changes_nothing_is_no_version(void **state)
{
	(void)state;
	start();
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	assert_true(config_store_setting(config_db(), "max_lag", "10s", error, sizeof error));
	commit();
	assert_int_equal(applied, 0);
	assert_false(config_change_is(&given));
	config_stop();
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_a_file_of_sql_owns_the_configuration(void **state)
{
	(void)state;
	strcat(path, ".sql");
	strcpy(given.config, path);
	write_file("-- ours\nINSERT INTO settings VALUES('max_lag', '3s');\nINSERT INTO servers(server) VALUES('db1');\n");
	start();
	assert_int_equal(given.settings.max_lag, 3000000);
	assert_false(config_change_begin(&given, "me", error, sizeof error));
	assert_non_null(strstr(error, "change it there, then RELOAD"));
	write_file("INSERT INTO settings VALUES('max_lag', '4s');");
	assert_true(config_reload("me", error, sizeof error));
	struct config *c = config_get();
	assert_int_equal(c->settings.max_lag, 4000000);
	assert_int_equal(c->n_servers, 1);
	config_unref(c);
	static const char *const wrong[] = {"ATTACH '/tmp/x' AS x", "INSERT INTO settings VALUES('max_lag', 'x')",
					    "DELETE FROM config_history", "not SQL"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		write_file(wrong[i]);
		assert_false(config_reload("me", error, sizeof error));
	}
	c = config_get();
	assert_int_equal(c->settings.max_lag, 4000000);
	config_unref(c);
	config_stop();
}

static void test_an_export_makes_the_same_state_again(void **state)
{
	(void)state;
	struct config_server server;
	struct config_user user;
	start();
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	assert_true(config_server_parse(&server, "/run/it's\\here.sock", "replica", "7", "we'st", "a \"b\" 'c' \\n", error,
					sizeof error));
	assert_true(config_store_server(config_db(), NULL, &server, false, error, sizeof error));
	const struct config_user_texts texts = {"o'hara", "\\'\\", "", "global", "1500ms", "c'art", "10.0.0.0/8, unix", "7"};
	assert_true(config_user_parse(&user, &texts, error, sizeof error));
	assert_true(config_store_user(config_db(), NULL, &user, false, error, sizeof error));
	commit();
	struct config *before = config_get();
	char *sql = config_store_export(before, true), what[256];
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	if (!config_store_import(config_db(), sql, error, sizeof error))
		fail_msg("%s", error);
	struct config *after = config_store_read(config_db(), &given, error, sizeof error);
	config_describe_change(before, after, what, sizeof what);
	assert_string_equal(what, "");
	config_unref(before);
	config_unref(after);
	free(sql);
	config_stop();
}

static void put_rule(const char *id, enum rule_field field, const char *text)
{
	const char *texts[RULE_FIELD_COUNT] = {[RULE_ID] = id};
	texts[field] = text;
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	if (!config_store_rule(config_db(), NULL, texts, true, error, sizeof error))
		fail_msg("%s", error);
	config_change_touched();
}

static void test_rules_come_into_force_with_their_commit_and_back_with_the_history(void **state)
{
	(void)state;
	start();
	put_rule("20", RULE_MATCH_PATTERN, "'it''s' \\d+");
	put_rule("10", RULE_USER, "app");
	put_rule("30", RULE_ENABLED, "0");
	struct config *c = config_get();
	assert_int_equal(c->rule_set->n, 0);
	config_unref(c);
	commit();
	c = config_get();
	assert_int_equal(c->n_rules, 3);
	assert_int_equal(c->rule_set->n, 2);
	assert_int_equal(c->rule_set->rules[0].id, 10);
	assert_int_equal(config_rule_next_id(c), 40);
	char *sql = config_store_export(c, true), what[256];
	config_unref(c);
	config_stop();
	start();
	put_rule("10", RULE_USER, "other");
	assert_true(config_store_drop(config_db(), "rules", "20", error, sizeof error));
	commit();
	struct config *after = config_get();
	assert_int_equal(after->rule_set->n, 1);
	assert_true(config_change_begin(&given, "me", error, sizeof error));
	if (!config_store_import(config_db(), sql, error, sizeof error))
		fail_msg("%s", error);
	commit();
	c = config_get();
	config_describe_change(after, c, what, sizeof what);
	assert_string_equal(what, "rules ~ 10, rules + 20");
	assert_string_equal(config_rule_numbered(c, "20")->texts[RULE_MATCH_PATTERN], "'it''s' \\d+");
	config_unref(c);
	config_unref(after);
	free(sql);
	config_stop();
}

static void test_a_rule_that_another_tool_wrote_is_checked_too(void **state)
{
	(void)state;
	start();
	config_stop();
	run_sql("INSERT INTO rules(class) VALUES('writes')", SQLITE_CONSTRAINT);
	run_sql("INSERT INTO rules(rewrite) VALUES('x')", SQLITE_CONSTRAINT);
	run_sql("INSERT INTO rules(id, match_digest) VALUES(7, 'a(b')", SQLITE_OK);
	assert_false(config_start(&given, apply, error, sizeof error));
	assert_non_null(strstr(error, "match_digest of rule 7 is 'a(b'; missing closing parenthesis, at byte 4"));
	run_sql("UPDATE rules SET match_digest = NULL, timeout = 'soon'", SQLITE_OK);
	assert_false(config_start(&given, apply, error, sizeof error));
	assert_non_null(strstr(error, "timeout of rule 7 is 'soon'; allowed: a time"));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_a_file_is_made_for_its_owner_only_and_checks_its_rows),
		WITH(test_a_file_of_an_earlier_version_gets_the_columns_it_lacks),
		WITH(test_what_was_given_lies_over_the_file_and_beside_its_rows),
		WITH(test_a_wrong_row_keeps_wye_from_starting_and_is_named),
		WITH(test_a_change_outlives_the_process_and_one_without_commit_does_not),
		WITH(test_what_changes_nothing_is_no_version),
		WITH(test_a_file_of_sql_owns_the_configuration),
		WITH(test_an_export_makes_the_same_state_again),
		WITH(test_rules_come_into_force_with_their_commit_and_back_with_the_history),
		WITH(test_a_rule_that_another_tool_wrote_is_checked_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
