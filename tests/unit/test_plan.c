/* Who becomes primary next, and who cannot; the words that make him so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/failover/plan.h"

#define U "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct change_server servers[3];
static char positions[3][200], why[600];

static void set_position(unsigned i, const char *position, const char *received)
{
	snprintf(positions[i], sizeof positions[i], "%s", position);
	servers[i].position = positions[i];
	servers[i].received = (char *)(uintptr_t)received;
}

static int prepare(void **state)
{
	(void)state;
	memset(servers, 0, sizeof servers);
	for (unsigned i = 0; i < 3; i++) {
		servers[i] = (struct change_server){.slot = i, .read = true, .up = true, .flavor = FLAVOR_MYSQL, .version = 90704,
						    .log_bin = true, .logs_updates = true, .gtid = true, .source = i ? 0 : -1,
						    .follows = i > 0, .io = LINK_RUNNING, .sql = true, .channel_gtid = true};
		snprintf(servers[i].name, sizeof servers[i].name, "db%u", i + 1);
		set_position(i, U ":1-10", "");
	}
	return 0;
}

static void test_the_first_that_can_is_taken_or_the_one_that_is_named(void **state)
{
	(void)state;
	assert_int_equal(plan_target(servers, 3, 0, -1, false, why, sizeof why), 1);
	assert_int_equal(plan_target(servers, 3, 0, 2, false, why, sizeof why), 2);
	servers[1].distance = 1;
	assert_int_equal(plan_target(servers, 3, 0, -1, false, why, sizeof why), 2);
}

static void refuses(const char *word)
{
	assert_int_equal(plan_target(servers, 3, 0, 1, false, why, sizeof why), -1);
	assert_non_null(strstr(why, word));
	prepare(NULL);
}

static void test_what_keeps_one_from_it_is_told(void **state)
{
	(void)state;
	servers[1].sql = false;
	refuses("SQL thread is stopped");
	servers[1].io = LINK_CONNECTING;
	refuses("no connection to its source");
	servers[1].log_bin = false;
	refuses("binary log");
	servers[1].delay = 60;
	refuses("60 s late");
	servers[1].filtered = true;
	refuses("filters");
	servers[1].channel_gtid = false;
	refuses("by GTIDs");
	servers[1].source = 2;
	refuses("does not replicate from db1");
	servers[1].read = false;
	refuses("cannot be reached");
	servers[1].by_hand = true;
	refuses("configuration");
	assert_int_equal(plan_target(servers, 3, 0, 0, false, why, sizeof why), -1);
	assert_non_null(strstr(why, "primary already"));
}

static void test_of_a_dead_primary_the_most_advanced_replica_is_taken(void **state)
{
	(void)state;
	servers[1].io = servers[2].io = LINK_CONNECTING;
	set_position(2, U ":1-10", U ":11-12");
	assert_int_equal(plan_target(servers, 3, 0, -1, true, why, sizeof why), 2);
	assert_int_equal(plan_target(servers, 3, 0, 1, true, why, sizeof why), -1);
	assert_non_null(strstr(why, "db3 has transactions that it lacks"));
}

static void test_replicas_that_parted_cannot_both_follow(void **state)
{
	(void)state;
	set_position(1, U ":1-10:20", "");
	set_position(2, U ":1-11", "");
	assert_int_equal(plan_target(servers, 3, 0, -1, true, why, sizeof why), -1);
	assert_non_null(strstr(why, "has transactions that it lacks"));
}

static void test_one_replica_that_is_connected_means_that_the_primary_lives(void **state)
{
	(void)state;
	assert_true(plan_is_confirmed(&(struct plan_view){2, 2, 0}, why, sizeof why));
	assert_false(plan_is_confirmed(&(struct plan_view){2, 2, 1}, why, sizeof why));
	assert_false(plan_is_confirmed(&(struct plan_view){2, 0, 0}, why, sizeof why));
	assert_false(plan_is_confirmed(&(struct plan_view){3, 1, 0}, why, sizeof why));
	assert_false(plan_is_confirmed(&(struct plan_view){0, 0, 0}, why, sizeof why));
}

static void says(const char *sql, const char *expected)
{
	assert_string_equal(sql, expected);
}

static void test_each_flavor_has_its_words(void **state)
{
	(void)state;
	char sql[CHANGE_SQL_MAX];
	struct endpoint at = {.host = "db'2", .port = 3306};
	struct source_login login = {.user = "repl", .password = "a\\b'c", .tls = true, .retry = 7};
	words_act(sql, FLAVOR_MYSQL, 90704, ACT_STOP_IO, "");
	says(sql, "STOP REPLICA IO_THREAD FOR CHANNEL ''");
	words_act(sql, FLAVOR_MYSQL, 50744, ACT_RESET_ALL, "c");
	says(sql, "RESET SLAVE ALL FOR CHANNEL 'c'");
	words_act(sql, FLAVOR_MARIADB, 101119, ACT_START, "");
	says(sql, "START SLAVE");
	words_act(sql, FLAVOR_MARIADB, 101119, ACT_RESET_ALL, "c");
	says(sql, "RESET SLAVE 'c' ALL");
	words_source(sql, FLAVOR_MYSQL, 90704, "", &at, &login, true);
	says(sql, "CHANGE REPLICATION SOURCE TO SOURCE_HOST='db''2', SOURCE_PORT=3306, SOURCE_USER='repl', "
		  "SOURCE_PASSWORD='a\\\\b''c', SOURCE_SSL=1, SOURCE_CONNECT_RETRY=7, SOURCE_AUTO_POSITION=1 FOR CHANNEL ''");
	words_source(sql, FLAVOR_MARIADB, 101119, "", &at, NULL, true);
	says(sql, "CHANGE MASTER TO MASTER_HOST='db''2', MASTER_PORT=3306, MASTER_USE_GTID=slave_pos, MASTER_DEMOTE_TO_SLAVE=1");
	words_source(sql, FLAVOR_MARIADB, 100600, "", &at, NULL, true);
	says(sql, "CHANGE MASTER TO MASTER_HOST='db''2', MASTER_PORT=3306, MASTER_USE_GTID=slave_pos");
	words_wait(sql, sizeof sql, FLAVOR_MARIADB, "0-1-5", 3);
	says(sql, "SELECT MASTER_GTID_WAIT('0-1-5', 3) = 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_first_that_can_is_taken_or_the_one_that_is_named, prepare),
		cmocka_unit_test_setup(test_what_keeps_one_from_it_is_told, prepare),
		cmocka_unit_test_setup(test_of_a_dead_primary_the_most_advanced_replica_is_taken, prepare),
		cmocka_unit_test_setup(test_replicas_that_parted_cannot_both_follow, prepare),
		cmocka_unit_test(test_one_replica_that_is_connected_means_that_the_primary_lives),
		cmocka_unit_test(test_each_flavor_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
