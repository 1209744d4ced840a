/* Ranges of client addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "router/address.h"

static char error[128];

static bool lies_in(const char *address, const char *range)
{
	struct address a;
	struct address_range r;
	assert_true(address_parse(&a, address));
	if (!address_range_parse(&r, range, error, sizeof error))
		fail_msg("%s: %s", range, error);
	return address_in_range(&a, &r);
}

static void test_an_address_is_in_a_range_that_has_its_first_bits(void **state)
{
	(void)state;
	static const struct {
		const char *address, *range;
		bool in;
	} rows[] = {
		{"10.1.2.3", "10.0.0.0/8", true},      {"11.1.2.3", "10.0.0.0/8", false},
		{"10.1.2.3", "10.1.2.3", true},        {"10.1.2.4", "10.1.2.3", false},
		{"10.1.2.3", "10.1.2.2/31", true},     {"10.1.2.4", "10.1.2.2/31", false},
		{"1.2.3.4", "0.0.0.0/0", true},        {"::1", "0.0.0.0/0", false},
		{"fd00::7", "fd00::/16", true},        {"fd01::7", "fd00::/16", false},
		{"::ffff:10.0.0.1", "10.0.0.0/8", true}, {"1.2.3.4", "::/0", true},
		{"unix", "unix", true},                {"unix", "::/0", false},
		{"127.0.0.1", "unix", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (lies_in(rows[i].address, rows[i].range) != rows[i].in)
			fail_msg("%s in %s", rows[i].address, rows[i].range);
}

static void test_what_is_no_range_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "10.0.0.1/8",
	                                    "fd00::/129", "localhost", "unix/8", "10.0.0", "/8",
	                                    "10.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0/8"};
	struct address_range r;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (address_range_parse(&r, wrong[i], error, sizeof error))
			fail_msg("%s", wrong[i]);
}

static void test_a_list_has_what_one_of_its_ranges_has(void **state)
{
	(void)state;
	static const struct {
		const char *list, *address;
		bool has;
	} rows[] = {
		{"", "10.1.2.3", false},
		{" , ", "10.1.2.3", false},
		{"10.0.0.0/8", "10.1.2.3", true},
		{"192.0.2.7,10.0.0.0/8", "10.1.2.3", true},
		{"192.0.2.7, fd00::/16 unix", "fd00::9", true},
		{"192.0.2.7, fd00::/16 unix", "unix", true},
		{"192.0.2.7, fd00::/16 unix", "192.0.2.8", false},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address a;
		assert_true(address_parse(&a, rows[i].address));
		assert_true(address_list_check(rows[i].list, error, sizeof error));
		if (address_list_has(rows[i].list, &a) != rows[i].has)
			fail_msg("%s in '%s'", rows[i].address, rows[i].list);
	}
}

static void test_a_list_with_a_wrong_range_is_refused(void **state)
{
	(void)state;
	static const char *const lists[] = {
		"nobody", "10.0.0.0/8 nobody", "10.0.0.1/8", "10.0.0.0/8;11.0.0.0/8", "10.0.0.0 /8",
		"10.0.0.0/8xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (address_list_check(lists[i], error, sizeof error))
			fail_msg("taken: %s", lists[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_is_in_a_range_that_has_its_first_bits),
		cmocka_unit_test(test_what_is_no_range_is_refused),
		cmocka_unit_test(test_a_list_has_what_one_of_its_ranges_has),
		cmocka_unit_test(test_a_list_with_a_wrong_range_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
