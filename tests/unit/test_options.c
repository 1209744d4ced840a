/* The command line and the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "proxy/help.h"
#include "proxy/options.h"
#include "proxy/options_table.h"

static struct options o;
static char said[1024];

/* Parses blank-separated arguments; what goes to standard error is kept in `said`. */
static enum options_result parse(const char *line)
{
	static char copy[4096];
	char *argv[64];
	int argc = 0;
	snprintf(copy, sizeof copy, "%s", line);
	for (char *word = strtok(copy, " "); word && argc < 64; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(stderr);
	int kept = dup(STDERR_FILENO), pipes[2];
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	enum options_result result = options_parse(&o, argc, argv);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipes[1]);
	ssize_t n = read(pipes[0], said, sizeof said - 1);
	said[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
	return result;
}

#define ADDRESS "mysql://monitor:pw@127.0.0.1:3307"

static void test_one_address_is_enough_and_the_rest_has_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(ADDRESS), OPTIONS_OK);
	assert_int_equal(o.n_servers, 1);
	assert_string_equal(o.servers[0].at.host, "127.0.0.1");
	assert_int_equal(o.servers[0].at.port, 3307);
	assert_int_equal(o.servers[0].weight, 1);
	assert_string_equal(o.monitor_user, "monitor");
	assert_string_equal(o.monitor_password, "pw");
	assert_int_equal(o.n_listen, 1);
	assert_int_equal(o.listen[0].at.port, 6033);
	assert_int_equal(o.n_admin, 1);
	assert_int_equal(o.admin[0].port, 6032);
	assert_int_equal(o.http.port, 6070);
	assert_false(o.http_off);
}

static void test_every_option_arrives_where_it_belongs(void **state)
{
	(void)state;
	assert_int_equal(
		parse("--listen 0.0.0.0:3306,route=primary --listen=/run/wye.sock --admin [::1]:7000 --http off "
		      "--server db2:3308,role=replica,weight=7,zone=east --user app:s3:cret --user other --threads 3 "
		      "--set max_lag=2s --set consistency=global --check mysql://m%40x:p%3a%25@[2001:db8::1],db3/"),
		OPTIONS_OK);
	assert_int_equal(o.n_listen, 2);
	assert_int_equal(o.listen[0].route, LISTEN_PRIMARY);
	assert_string_equal(o.listen[1].at.host, "/run/wye.sock");
	assert_int_equal(o.listen[1].at.port, 0);
	assert_string_equal(o.admin[0].host, "::1");
	assert_true(o.http_off);
	assert_int_equal(o.n_servers, 3);
	assert_int_equal(o.servers[0].role, SERVER_ROLE_REPLICA);
	assert_int_equal(o.servers[0].weight, 7);
	assert_string_equal(o.servers[0].zone, "east");
	assert_string_equal(o.servers[1].zone, "");
	assert_string_equal(o.servers[1].at.host, "2001:db8::1");
	assert_int_equal(o.servers[1].at.port, 3306);
	assert_string_equal(o.servers[2].at.host, "db3");
	assert_string_equal(o.monitor_user, "m@x");
	assert_string_equal(o.monitor_password, "p:%");
	assert_int_equal(o.n_users, 2);
	assert_string_equal(o.users[0].password, "s3:cret");
	assert_false(o.users[1].has_password);
	assert_int_equal(o.settings.threads, 3);
	assert_int_equal(o.settings.max_lag, 2000000);
	assert_int_equal(o.settings.consistency, CONSISTENCY_GLOBAL);
	assert_true(o.check);
}

static void test_the_command_line_wins_over_the_environment(void **state)
{
	(void)state;
	setenv("WYE_SERVERS", "mysql://env:secret@a:1,b:2", 1);
	setenv("WYE_LISTEN", "127.0.0.1:1 127.0.0.1:2,route=replica", 1);
	setenv("WYE_SET", "max_lag=1s queue_timeout=3s", 1);
	setenv("WYE_CHECK", "1", 1);
	assert_int_equal(parse("--set max_lag=4s"), OPTIONS_OK);
	assert_int_equal(o.n_servers, 2);
	assert_string_equal(o.monitor_user, "env");
	assert_int_equal(o.n_listen, 2);
	assert_int_equal(o.listen[1].route, LISTEN_REPLICA);
	assert_int_equal(o.settings.max_lag, 4000000);
	assert_int_equal(o.settings.queue_timeout, 3000000);
	assert_true(o.check);
	assert_int_equal(parse("--listen 127.0.0.1:9 mysql://cli@c"), OPTIONS_OK);
	assert_int_equal(o.n_listen, 1);
	assert_int_equal(o.n_servers, 1);
	assert_string_equal(o.servers[0].at.host, "c");
	assert_string_equal(o.monitor_user, "cli");
	assert_string_equal(o.monitor_password, "");
	setenv("WYE_LISTEN", "nowhere:x", 1);
	assert_int_equal(parse(""), OPTIONS_USAGE);
	assert_non_null(strstr(said, "WYE_LISTEN"));
	unsetenv("WYE_SERVERS");
	unsetenv("WYE_LISTEN");
	unsetenv("WYE_SET");
	unsetenv("WYE_CHECK");
}

static void test_passwords_are_wiped_from_the_arguments(void **state)
{
	(void)state;
	char url[] = "mysql://monitor:sesame@db1:3306,db2", user[] = "app:hidden", option[] = "--user";
	char inline_user[] = "--user=two:pw";
	char *argv[] = {url, option, user, inline_user};
	assert_int_equal(options_parse(&o, 4, argv), OPTIONS_OK);
	assert_string_equal(url, "mysql://monitor:***@db1:3306,db2");
	assert_string_equal(user, "app:***");
	assert_string_equal(inline_user, "--user=two:**");
	assert_string_equal(o.monitor_password, "sesame");
	assert_string_equal(o.users[0].password, "hidden");
	assert_string_equal(o.users[1].password, "pw");
}

static void test_a_bad_line_is_one_sentence_with_the_nearest_right_name(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"", "no server is named"},
		{"127.0.0.1:3306", "no account for the monitor"},
		{"--lisen x " ADDRESS, "there is no option --lisen; did you mean --listen?"},
		{"-x " ADDRESS, "there is no option -x"},
		{"--listen", "--listen needs a value"},
		{"--check=1 " ADDRESS, "--check takes no value"},
		{"--listen 127.0.0.1:99999 " ADDRESS, "the port is a number from 1 to 65535"},
		{"--listen 6033 " ADDRESS, "write HOST:PORT"},
		{"--listen :6033 " ADDRESS, "the host is missing"},
		{"--listen [::1 " ADDRESS, "[2001:db8::1]:3306"},
		{"--listen 127.0.0.1:1,rout=primary " ADDRESS, "allowed: route="},
		{"--listen 127.0.0.1:1,route=primry " ADDRESS, "did you mean 'primary'?"},
		{"--server a,weight=0 " ADDRESS, "allowed: 1 to 1000"},
		{"--server a,role=master " ADDRESS, "allowed: auto, primary, replica, mirror"},
		{"--set max_lag " ADDRESS, "write NAME=VALUE"},
		{"--set max_lga=1s " ADDRESS, "did you mean 'max_lag'?"},
		{"--threads many " ADDRESS, "is not a number"},
		{"--user :x " ADDRESS, "a name has 1 to 128 bytes"},
		{"postgres://a:b@c", "begins with mysql://"},
		{"mysql://a:b@c/shop", "'/shop' has no place there"},
		{"mysql://a:%zz@c", "bad %XX"},
		{"mysql://a:%00@c", "bad %XX"},
		{"mysql://:b@c", "user name"},
		{"mysql://monitor:secret", "has no '@'"},
		{"sevre " ADDRESS, "there is no command 'sevre'; did you mean 'serve'?"},
		{"--password-file /nonexistent mysql://a@c", "cannot read /nonexistent"},
		{"--password-file /dev/null mysql://a@c", "is empty"},
		{"--password-file /dev/null " ADDRESS, "give one"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(parse(cases[i].line), OPTIONS_USAGE);
		if (!strstr(said, cases[i].says) || strchr(said, '\n') != said + strlen(said) - 1)
			fail_msg("%s: %s", cases[i].line, said);
		assert_null(strstr(said, "secret"));
	}
}

static void test_a_configuration_file_may_name_the_servers_but_not_the_monitors_account(void **state)
{
	(void)state;
	setenv("WYE_CONFIG", "/tmp/x.db", 1);
	assert_int_equal(parse(""), OPTIONS_USAGE);
	assert_non_null(strstr(said, "no account for the monitor"));
	assert_int_equal(parse("--set max_lag=9s " ADDRESS), OPTIONS_OK);
	assert_string_equal(o.config, "/tmp/x.db");
	assert_true(o.set_by_hand[settings_index("max_lag")]);
	assert_false(o.set_by_hand[settings_index("queue_timeout")]);
	unsetenv("WYE_CONFIG");
}

static void test_the_help_knows_every_topic_it_names(void **state)
{
	(void)state;
	char topics[256];
	snprintf(topics, sizeof topics, "%s", help_topics());
	FILE *out = fopen("/dev/null", "w");
	assert_true(help_print(out, NULL));
	for (char *topic = strtok(topics, " "); topic; topic = strtok(NULL, " "))
		assert_true(help_print(out, topic));
	assert_false(help_print(out, "cooking"));
	assert_string_equal(help_nearest("setings"), "settings");
	fclose(out);
}

static void test_addresses_are_written_as_they_are_read(void **state)
{
	static const char *const texts[] = {"127.0.0.1:3306", "[::1]:3306", "db.example.com:1", "/run/x.sock"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct endpoint e;
		char error[320], out[300];
		assert_true(endpoint_parse(&e, texts[i], 3306, error, sizeof error));
		endpoint_format(&e, out, sizeof out);
		assert_string_equal(out, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address_is_enough_and_the_rest_has_defaults),
		cmocka_unit_test(test_every_option_arrives_where_it_belongs),
		cmocka_unit_test(test_the_command_line_wins_over_the_environment),
		cmocka_unit_test(test_passwords_are_wiped_from_the_arguments),
		cmocka_unit_test(test_a_bad_line_is_one_sentence_with_the_nearest_right_name),
		cmocka_unit_test(test_a_configuration_file_may_name_the_servers_but_not_the_monitors_account),
		cmocka_unit_test(test_the_help_knows_every_topic_it_names),
		cmocka_unit_test(test_addresses_are_written_as_they_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
