/* Wrong passwords in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/login_failures.h"

#define ANNA 0xABCDEF0123450007u
#define BERT 0x1234567890AB0007u /* falls on the same place */

static void test_they_are_counted_until_a_login(void **state)
{
	(void)state;
	assert_int_equal(login_failures(ANNA), 0);
	for (unsigned i = 1; i < 70000; i++) {
		login_failures_add(ANNA);
		assert_int_equal(login_failures(ANNA), i < 65535 ? i : 65535);
	}
	login_failures_end(BERT);
	assert_int_equal(login_failures(ANNA), 65535);
	login_failures_end(ANNA);
	assert_int_equal(login_failures(ANNA), 0);
}

static void test_no_account_is_taken_for_another(void **state)
{
	(void)state;
	login_failures_add(ANNA);
	login_failures_add(BERT);
	assert_int_equal(login_failures(ANNA), 0);
	assert_int_equal(login_failures(BERT), 1);
}

static void test_a_change_of_accounts_ends_all(void **state)
{
	(void)state;
	login_failures_add(ANNA);
	login_failures_add(8);
	login_failures_end_all();
	assert_int_equal(login_failures(ANNA) + login_failures(8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_they_are_counted_until_a_login),
	    cmocka_unit_test(test_no_account_is_taken_for_another),
	    cmocka_unit_test(test_a_change_of_accounts_ends_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
