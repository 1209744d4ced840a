/* Query attributes, before a text and behind the parameters of an execution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/attributes.h"

#define VIEW(array) ((struct view){array, sizeof array})

static const uint8_t several[] = {
	CMD_QUERY, 5, 1, 0x04, 1,                               /* the third is NULL */
	0xFD, 0, 3, 'o', 'n', 'e', 8, 0, 3, 't', 'w', 'o', 3, 0, 1, 'n', 1, 0, 0, 12, 0, 1, 't',
	2, 'a', 'b', 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 200, 4, 0xE8, 7, 1, 2,
	'S', 'E', 'L', 'E', 'C', 'T', ' ', '1'};

static void test_a_text_without_any(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {CMD_QUERY, 0, 1, 'D', 'O', ' ', '1'};
	struct query_attributes a;
	struct query_attribute one;
	struct view sql;
	assert_true(query_attributes_parse(VIEW(bytes), &a, &sql));
	assert_true(view_equal(sql, view_of("DO 1")));
	assert_false(query_attribute_next(&a, &one));
	assert_true(query_attributes_parse((struct view){bytes, 3}, &a, &sql));
	assert_int_equal(sql.len, 0);
}

static void test_attributes_of_several_types(void **state)
{
	(void)state;
	struct query_attributes a;
	struct query_attribute one;
	struct view sql;
	char text[32];
	assert_true(query_attributes_parse(VIEW(several), &a, &sql));
	assert_true(view_equal(sql, view_of("SELECT 1")));
	assert_int_equal(a.count, 5);
	assert_true(query_attribute_next(&a, &one));
	assert_true(view_equal(one.name, view_of("one")));
	assert_true(query_attribute_text(&one, text, sizeof text));
	assert_string_equal(text, "ab");
	assert_true(query_attribute_text(&one, text, 2));
	assert_string_equal(text, "a");
	assert_true(query_attribute_next(&a, &one));
	assert_true(query_attribute_text(&one, text, sizeof text));
	assert_string_equal(text, "-5");
	assert_true(query_attribute_next(&a, &one));
	assert_true(one.is_null);
	assert_false(query_attribute_text(&one, text, sizeof text));
	assert_true(query_attribute_next(&a, &one));
	assert_int_equal(one.name.len, 0);
	assert_true(query_attribute_text(&one, text, sizeof text));
	assert_string_equal(text, "-56");
	assert_true(query_attribute_next(&a, &one));
	assert_int_equal(one.value.len, 4);
	assert_false(query_attribute_text(&one, text, sizeof text));
	assert_false(query_attribute_next(&a, &one));
}

static void test_what_is_malformed_is_refused(void **state)
{
	(void)state;
	struct query_attributes a;
	struct view sql;
	uint8_t bytes[sizeof several];
	for (size_t len = 0; len < sizeof several - 8; len++)
		assert_false(query_attributes_parse((struct view){several, len}, &a, &sql));
	for (size_t at = 0; at < 5; at++) {
		static const uint8_t wrong[] = {CMD_PING, 0xFB, 2, 0, 0};
		memcpy(bytes, several, sizeof bytes);
		bytes[at] = wrong[at];
		if (at != 3)
			assert_false(query_attributes_parse(VIEW(bytes), &a, &sql));
	}
	static const uint8_t many[] = {CMD_QUERY, 0xFD, 0, 0, 1, 1, 0, 1};
	assert_false(query_attributes_parse(VIEW(many), &a, &sql));
}

static void test_attributes_behind_the_parameters_of_an_execution(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {CMD_STMT_EXECUTE, 1, 0, 0, 0, STMT_PARAM_COUNT_AVAILABLE, 1, 0, 0, 0, 2, 0, 1,
					1, 0, 0, 0xFE, 0, 1, 'k', 42, 3, 'k', 'e', 'y'};
	struct stmt_execute e;
	struct query_attribute one;
	char text[8];
	assert_true(stmt_execute_parse(VIEW(bytes), 1, CAP_QUERY_ATTRIBUTES, &e));
	struct query_attributes a = query_attributes_of(&e);
	assert_true(query_attribute_next(&a, &one));
	assert_int_equal(one.name.len, 0);
	assert_true(query_attribute_next(&a, &one));
	assert_true(view_equal(one.name, view_of("k")));
	assert_true(query_attribute_text(&one, text, sizeof text));
	assert_string_equal(text, "key");
	assert_false(query_attribute_next(&a, &one));
	/* The types of the parameters alone, for executions without any attributes. */
	assert_int_equal(stmt_types_cut(e.types, 1, CAP_QUERY_ATTRIBUTES).len, 3);
	assert_int_equal(stmt_types_cut(e.types, 2, CAP_QUERY_ATTRIBUTES).len, e.types.len);
	assert_int_equal(stmt_types_cut(e.types, 3, CAP_QUERY_ATTRIBUTES).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_text_without_any),
		cmocka_unit_test(test_attributes_of_several_types),
		cmocka_unit_test(test_what_is_malformed_is_refused),
		cmocka_unit_test(test_attributes_behind_the_parameters_of_an_execution),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
