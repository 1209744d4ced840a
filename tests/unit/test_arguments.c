/* The command line for the process that comes next: as it was given, whatever is wiped from argv meanwhile. */
#include "proxy/upgrade/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_wiped_from_argv_is_told_all_the_same(void **state)
{
	(void)state;
	char program[] = "wye", word[] = "serve", address[] = "mysql://m:secret@h", empty[] = "";
	char *argv[] = {program, word, address, empty, NULL};
	int argc;
	char **list;
	arguments_keep(4, argv);
	memset(address + 10, '*', 6);
	assert_ptr_equal(arguments_shown(), argv);
	assert_true(arguments_take(arguments_told(), &argc, &list));
	assert_int_equal(argc, 3);
	assert_string_equal(list[0], "serve");
	assert_string_equal(list[1], "mysql://m:secret@h");
	assert_string_equal(list[2], "");
	assert_null(list[3]);
	/* And the one after it. */
	memset(list[1], '*', 5);
	assert_true(arguments_take(arguments_told(), &argc, &list));
	assert_string_equal(list[1], "mysql://m:secret@h");
}

static void test_a_text_without_its_end_is_none(void **state)
{
	(void)state;
	int argc;
	char **list;
	assert_false(arguments_take((struct view){(const uint8_t *)"abc", 3}, &argc, &list));
	assert_true(arguments_take((struct view){NULL, 0}, &argc, &list));
	assert_int_equal(argc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wiped_from_argv_is_told_all_the_same),
		cmocka_unit_test(test_a_text_without_its_end_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
