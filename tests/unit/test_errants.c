/* What one server holds that another lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/failover/errants.h"

#define U "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define V "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static char text[400];

static int64_t mysql(const char *a, const char *b)
{
	struct history x = {FLAVOR_MYSQL, a, ""}, y = {FLAVOR_MYSQL, b, ""};
	return errants_between(&x, &y, text, sizeof text);
}

static int64_t mariadb(const char *a, const char *b, const char *b_slave_pos)
{
	struct history x = {FLAVOR_MARIADB, a, ""}, y = {FLAVOR_MARIADB, b, b_slave_pos};
	return errants_between(&x, &y, text, sizeof text);
}

static void test_a_subset_has_nothing_that_lacks(void **state)
{
	(void)state;
	assert_int_equal(mysql("", ""), 0);
	assert_int_equal(mysql(U ":1-5", U ":1-9," V ":1"), 0);
	assert_int_equal(mariadb("0-1-100", "0-2-150,0-1-100", ""), 0);
	assert_int_equal(mariadb("", "0-1-5", ""), 0);
}

static void test_what_lacks_is_counted_and_named(void **state)
{
	(void)state;
	assert_int_equal(mysql(U ":1-12", U ":1-9"), 3);
	assert_string_equal(text, U ":10-12");
	assert_int_equal(mariadb("0-1-103", "0-2-150,0-1-100", ""), 3);
	assert_string_equal(text, "0-1-101..103");
}

static void test_one_number_of_two_servers_is_two_transactions(void **state)
{
	(void)state;
	assert_int_equal(mariadb("0-1-101", "0-1-100,0-2-101", ""), 1);
	assert_int_equal(mariadb("0-1-100,0-2-101", "0-1-101", ""), 101); /* of a server that it knows nothing of */
}

static void test_a_server_made_from_a_backup_knows_its_beginning(void **state)
{
	(void)state;
	assert_int_equal(mariadb("0-1-100", "0-2-120", "0-1-110"), 0);
}

static void test_what_cannot_be_read_is_not_compared(void **state)
{
	(void)state;
	assert_int_equal(mysql("nonsense", U ":1"), -1);
	assert_int_equal(mariadb("0-1", "0-1-1", ""), -1);
	struct history x = {FLAVOR_MYSQL, "", ""}, y = {FLAVOR_MARIADB, "", ""};
	assert_int_equal(errants_between(&x, &y, text, sizeof text), -1);
}

static void test_the_fork_is_what_the_other_has_of_the_last_writer(void **state)
{
	(void)state;
	struct history old = {FLAVOR_MARIADB, "0-1-103,0-3-40", ""}, new = {FLAVOR_MARIADB, "0-2-150,0-1-100,0-3-40", ""};
	assert_true(errants_fork(&old, &new, text, sizeof text));
	assert_string_equal(text, "0-1-100");
	struct history stranger = {FLAVOR_MARIADB, "0-9-1", ""};
	assert_false(errants_fork(&stranger, &new, text, sizeof text));
}

static void test_kin_share_transactions(void **state)
{
	(void)state;
	struct history a = {FLAVOR_MYSQL, U ":1-5", ""}, b = {FLAVOR_MYSQL, U ":5-9", ""}, c = {FLAVOR_MYSQL, V ":1-5", ""};
	assert_true(errants_akin(&a, &b));
	assert_false(errants_akin(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_subset_has_nothing_that_lacks),
		cmocka_unit_test(test_what_lacks_is_counted_and_named),
		cmocka_unit_test(test_one_number_of_two_servers_is_two_transactions),
		cmocka_unit_test(test_a_server_made_from_a_backup_knows_its_beginning),
		cmocka_unit_test(test_what_cannot_be_read_is_not_compared),
		cmocka_unit_test(test_the_fork_is_what_the_other_has_of_the_last_writer),
		cmocka_unit_test(test_kin_share_transactions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
