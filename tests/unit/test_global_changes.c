/* Who has changed global variables of the primary a short while ago. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/global_changes.h"

static void test_a_change_is_remembered_for_its_account_until_the_timeout(void **state)
{
	(void)state;
	assert_false(global_changes_apply(7, 1000, 500));
	global_changes_note(7, 1000);
	assert_true(global_changes_apply(7, 1000, 500));
	assert_true(global_changes_apply(7, 1499, 500));
	assert_false(global_changes_apply(7, 1500, 500));
	assert_false(global_changes_apply(8, 1000, 500));
	global_changes_note(7, 2000);
	assert_true(global_changes_apply(7, 2100, 500));
}

static void test_no_timeout_means_never(void **state)
{
	(void)state;
	global_changes_note(9, 0);
	assert_false(global_changes_apply(9, 0, 0));
	assert_false(global_changes_apply(9, 5, 0));
}

static void test_another_threads_clock_may_be_behind(void **state)
{
	(void)state;
	global_changes_note(10, 1000);
	assert_true(global_changes_apply(10, 999, 500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_change_is_remembered_for_its_account_until_the_timeout),
	    cmocka_unit_test(test_no_timeout_means_never),
	    cmocka_unit_test(test_another_threads_clock_may_be_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
