/* What servers call things, and the GRANT an administrator is told to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/monitor_words.h"

static void check_version(const char *text, enum flavor flavor, unsigned version)
{
	enum flavor f;
	unsigned v;
	assert_true(monitor_parse_version(text, &f, &v));
	assert_int_equal(f, flavor);
	assert_int_equal(v, version);
}

static void test_versions_of_both_flavors(void **state)
{
	(void)state;
	check_version("5.5.5-10.11.19-MariaDB-0+deb12u1-log", FLAVOR_MARIADB, 101119);
	check_version("11.8.9-MariaDB-ubu2404", FLAVOR_MARIADB, 110809);
	check_version("9.7.4-2", FLAVOR_MYSQL, 90704);
	check_version("8.0.36", FLAVOR_MYSQL, 80036);
	check_version("8.4.3-3 Percona", FLAVOR_MYSQL, 80403);
	enum flavor f;
	unsigned v;
	assert_false(monitor_parse_version("", &f, &v));
	assert_false(monitor_parse_version("OceanBase", &f, &v));
	assert_false(monitor_parse_version("8.0", &f, &v));
	assert_false(monitor_parse_version("1.999.1", &f, &v));
}

static void test_old_and_new_names(void **state)
{
	(void)state;
	assert_string_equal(monitor_words_of(FLAVOR_MYSQL, 80400)->status, "SHOW REPLICA STATUS");
	assert_string_equal(monitor_words_of(FLAVOR_MYSQL, 80021)->status, "SHOW SLAVE STATUS");
	assert_string_equal(monitor_words_of(FLAVOR_MARIADB, 101119)->status, "SHOW ALL SLAVES STATUS");
	assert_string_equal(monitor_words_of(FLAVOR_MARIADB, 100400)->grants[DUTY_STATUS],
	                    "REPLICATION CLIENT ON *.*");
	assert_string_equal(monitor_words_of(FLAVOR_MARIADB, 110800)->grants[DUTY_STATUS],
	                    "SLAVE MONITOR ON *.*");
}

static void test_the_grant_is_a_complete_statement_with_its_names_quoted(void **state)
{
	(void)state;
	char out[200];
	const struct monitor_words *w = monitor_words_of(FLAVOR_MARIADB, 101119);
	monitor_grant(w, DUTY_REPLICAS, "monitor@%", out, sizeof out);
	assert_string_equal(out, "GRANT REPLICATION MASTER ADMIN ON *.* TO 'monitor'@'%'");
	monitor_grant(w, DUTY_STATUS, "o'n@il@10.0.0.0/255.0.0.0", out, sizeof out);
	assert_string_equal(out, "GRANT SLAVE MONITOR ON *.* TO 'o''n@il'@'10.0.0.0/255.0.0.0'");
	for (size_t size = 1; size < sizeof out; size++) {
		monitor_grant(w, DUTY_STATUS, "o'''''''n\\\\\\@%", out, size);
		assert_true(strlen(out) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_versions_of_both_flavors),
	    cmocka_unit_test(test_old_and_new_names),
	    cmocka_unit_test(test_the_grant_is_a_complete_statement_with_its_names_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
