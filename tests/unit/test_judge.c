/* What servers say of themselves, judged: the cases that are hard to stage on real ones, and a cluster without fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/doctor/judge.h"

#define SECOND 1000000

static struct checkup servers[2];
static struct judge_input in;
static struct findings found;

static void set(struct checkup *c, enum checkup_value value, const char *text)
{
	snprintf(c->value[value], sizeof c->value[value], "%s", text);
}

/* A primary and its replica, as they should be. */
static int begin(void **state)
{
	(void)state;
	memset(servers, 0, sizeof servers);
	for (unsigned i = 0; i < 2; i++) {
		struct checkup *c = &servers[i];
		snprintf(c->server, sizeof c->server, "db%u:3306", i);
		c->role = i ? SERVER_REPLICA : SERVER_PRIMARY;
		c->flavor = FLAVOR_MYSQL;
		c->version = 90704;
		strcpy(c->version_text, "9.7.4");
		c->up = c->asked = c->skew_known = true;
		strcpy(c->zones, "2026-07-15 14:00:00");
		static const struct {
			enum checkup_value value;
			const char *text;
		} good[] = {{CHECKUP_LOG_BIN, "ON"}, {CHECKUP_BINLOG_FORMAT, "ROW"}, {CHECKUP_GTID_MODE, "ON"},
			    {CHECKUP_LOG_REPLICA_UPDATES, "ON"}, {CHECKUP_SYNC_BINLOG, "1"}, {CHECKUP_FLUSH_LOG, "1"},
			    {CHECKUP_MAX_CONNECTIONS, "1000"}, {CHECKUP_TIME_ZONE, "SYSTEM"},
			    {CHECKUP_SYSTEM_TIME_ZONE, "UTC"}, {CHECKUP_LOWER_CASE_NAMES, "0"}};
		for (size_t k = 0; k < sizeof good / sizeof *good; k++)
			set(c, good[k].value, good[k].text);
		set(c, CHECKUP_READ_ONLY, i ? "ON" : "OFF");
		set(c, CHECKUP_SUPER_READ_ONLY, i ? "ON" : "OFF");
	}
	in = (struct judge_input){.servers = servers, .n = 2, .connections = 503};
	return 0;
}

static int end(void **state)
{
	(void)state;
	findings_finish(&found);
	return 0;
}

static void judge(void)
{
	findings_finish(&found);
	for (size_t i = 0; i < in.n; i++)
		judge_server(&servers[i], &in, &found);
	judge_cluster(&in, &found);
}

/* The only finding, about that server, with that in its text. */
static void assert_only(enum severity severity, const char *server, const char *text)
{
	judge();
	assert_int_equal(found.n, 1);
	assert_int_equal(found.all[0].severity, severity);
	assert_string_equal(found.all[0].subject, server);
	assert_non_null(strstr(found.all[0].text, text));
}

static void test_a_cluster_as_it_should_be_has_no_findings(void **state)
{
	(void)state;
	judge();
	assert_int_equal(found.n, 0);
}

static void test_trackers_that_are_refused(void **state)
{
	(void)state;
	strcpy(servers[1].trackers_error, "Unknown system variable 'session_track_gtids'");
	assert_only(SEVERITY_PROBLEM, "db1:3306", "session_track_gtids");
}

static void test_versions_beside_the_primary_s(void **state)
{
	(void)state;
	servers[1].version = 80407;
	assert_only(SEVERITY_WARNING, "db1:3306", "older");
	servers[1].version = 90705;
	assert_only(SEVERITY_INFO, "db1:3306", "it runs");
	servers[1].flavor = FLAVOR_MARIADB;
	assert_only(SEVERITY_WARNING, "db1:3306", "MariaDB");
}

static void test_a_clock_may_be_wrong_by_what_the_answer_took(void **state)
{
	(void)state;
	servers[1].skew_us = -3 * SECOND;
	assert_only(SEVERITY_WARNING, "db1:3306", "3.0 s behind");
	servers[1].skew_error_us = 2 * SECOND;
	judge();
	assert_int_equal(found.n, 0);
}

static void test_time_zone_tables_that_differ(void **state)
{
	(void)state;
	strcpy(servers[1].zones, "2026-07-15 13:00:00");
	assert_only(SEVERITY_WARNING, "db1:3306", "another version");
	servers[1].zones[0] = '\0';
	judge();
	assert_int_equal(found.n, 2); /* it has none, and the primary has */
	assert_int_equal(found.all[1].severity, SEVERITY_WARNING);
}

static void test_semi_synchronous_replication_takes_two(void **state)
{
	(void)state;
	set(&servers[0], CHECKUP_SEMI_SYNC_SOURCE, "ON");
	set(&servers[0], CHECKUP_SEMI_SYNC_STATUS, "ON");
	assert_only(SEVERITY_WARNING, "db0:3306", "no replica acknowledges");
	set(&servers[1], CHECKUP_SEMI_SYNC_REPLICA, "ON");
	judge();
	assert_int_equal(found.n, 0);
	set(&servers[0], CHECKUP_SEMI_SYNC_STATUS, "OFF");
	assert_only(SEVERITY_WARNING, "db0:3306", "fallen back");
	set(&servers[0], CHECKUP_SEMI_SYNC_SOURCE, "OFF");
	assert_only(SEVERITY_WARNING, "db1:3306", "does not ask");
}

static void test_what_a_server_without_binary_log_cannot(void **state)
{
	(void)state;
	set(&servers[0], CHECKUP_LOG_BIN, "OFF");
	assert_only(SEVERITY_PROBLEM, "db0:3306", "binary log");
}

static void test_accounts_from_elsewhere_that_write_weigh_more(void **state)
{
	(void)state;
	servers[1].n_writers = 1;
	strcpy(servers[1].writers, "'root'@'localhost'");
	judge();
	assert_int_equal(found.n, 0); /* super_read_only holds everybody back */
	set(&servers[1], CHECKUP_SUPER_READ_ONLY, "OFF");
	assert_only(SEVERITY_INFO, "db1:3306", "'root'@'localhost'");
	servers[1].n_remote_writers = 1;
	assert_only(SEVERITY_WARNING, "db1:3306", "in spite of read_only");
}

static void test_a_server_that_did_not_answer_is_not_judged(void **state)
{
	(void)state;
	servers[1].asked = false;
	memset(servers[1].value, 0, sizeof servers[1].value);
	judge();
	assert_int_equal(found.n, 0);
}

static void test_the_worst_is_told_first(void **state)
{
	(void)state;
	char line[400];
	findings_add(&found, SEVERITY_OK, "a", "fine");
	findings_add(&found, SEVERITY_WARNING, "b", "soon");
	finding_advise(findings_add(&found, SEVERITY_PROBLEM, "c", "now"), "act");
	findings_add(&found, SEVERITY_WARNING, "", "later");
	findings_sort(&found);
	finding_line(&found.all[0], line, sizeof line);
	assert_string_equal(line, "c: now; act");
	assert_string_equal(found.all[1].subject, "b");
	finding_line(&found.all[2], line, sizeof line);
	assert_string_equal(line, "later");
	assert_int_equal(found.all[3].severity, SEVERITY_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_a_cluster_as_it_should_be_has_no_findings),
		TEST(test_trackers_that_are_refused),
		TEST(test_versions_beside_the_primary_s),
		TEST(test_a_clock_may_be_wrong_by_what_the_answer_took),
		TEST(test_time_zone_tables_that_differ),
		TEST(test_semi_synchronous_replication_takes_two),
		TEST(test_what_a_server_without_binary_log_cannot),
		TEST(test_accounts_from_elsewhere_that_write_weigh_more),
		TEST(test_a_server_that_did_not_answer_is_not_judged),
		TEST(test_the_worst_is_told_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
