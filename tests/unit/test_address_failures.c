/* Wrong passwords by address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/address_failures.h"

#define MINUTE_US 60000000ull

static struct address at(const char *text)
{
	struct address a;
	assert_true(address_parse(&a, text));
	return a;
}

static void test_they_are_counted_from_the_first_for_their_time(void **state)
{
	(void)state;
	struct address a = at("10.1.2.3"), b = at("10.1.2.4");
	assert_int_equal(address_failures(&a, MINUTE_US, 5000), 0);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(address_failures_add(&a, MINUTE_US, 5000 + 10000 * (i - 1)), i);
	assert_int_equal(address_failures(&a, MINUTE_US, 64000), 5);
	assert_int_equal(address_failures(&b, MINUTE_US, 64000), 0);
	assert_int_equal(address_failures(&a, MINUTE_US, 65000), 0);
	assert_int_equal(address_failures_add(&a, MINUTE_US, 65000), 1);
}

static void test_the_count_ends_somewhere(void **state)
{
	(void)state;
	struct address a = at("10.9.9.9");
	for (unsigned i = 0; i < 70000; i++)
		address_failures_add(&a, MINUTE_US, 0);
	assert_int_equal(address_failures(&a, MINUTE_US, 0), 65535);
	assert_int_equal(address_failures(&a, MINUTE_US, 60000), 0);
}

static void test_a_network_of_ipv6_is_one(void **state)
{
	(void)state;
	struct address one = at("2001:db8:1:2::1"), other = at("2001:db8:1:2:ffff::9"), far = at("2001:db8:1:3::1");
	address_failures_add(&one, MINUTE_US, 0);
	assert_int_equal(address_failures_add(&other, MINUTE_US, 0), 2);
	assert_int_equal(address_failures(&far, MINUTE_US, 0), 0);
	struct address v4 = at("192.0.2.1"), neighbour = at("192.0.2.2");
	address_failures_add(&v4, MINUTE_US, 0);
	assert_int_equal(address_failures(&neighbour, MINUTE_US, 0), 0);
}

static void test_unix_sockets_are_not_counted(void **state)
{
	(void)state;
	struct address a = at("unix");
	assert_int_equal(address_failures_add(&a, MINUTE_US, 0), 0);
	assert_int_equal(address_failures(&a, MINUTE_US, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_they_are_counted_from_the_first_for_their_time),
	    cmocka_unit_test(test_the_count_ends_somewhere),
	    cmocka_unit_test(test_a_network_of_ipv6_is_one),
	    cmocka_unit_test(test_unix_sockets_are_not_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
