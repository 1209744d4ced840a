/* What wye remembers of statements that replicas refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/learned.h"

#define TIMEOUT 60000u

static struct learned_row rows[LEARNED_MAX];

static void refuse(uint64_t key, unsigned code, uint64_t now)
{
	struct learned_row row = {.code = code, .digest = key};
	learned_note(key, &row, now, TIMEOUT);
}

static void test_a_refusal_for_being_read_only_is_remembered_until_the_timeout(void **state)
{
	(void)state;
	assert_false(learned_applies(11, 1000));
	refuse(11, 1290, 1000);
	assert_true(learned_applies(11, 1000));
	assert_true(learned_applies(11, 1000 + TIMEOUT - 1));
	assert_false(learned_applies(11, 1000 + TIMEOUT));
	assert_false(learned_applies(12, 1000));
}

static void test_it_is_forgotten_when_functions_change(void **state)
{
	(void)state;
	refuse(21, 1290, 1000);
	refuse(22, 1146, 1000);
	learned_forget();
	assert_false(learned_applies(21, 1001));
	assert_true(learned_applies(22, 1001));
}

static void test_something_unknown_is_tried_again_soon_and_then_later(void **state)
{
	(void)state;
	uint64_t now = 1000;
	for (unsigned life = 1000; life < TIMEOUT; life *= 2) {
		refuse(31, 1146, now);
		assert_true(learned_applies(31, now + life - 1));
		assert_false(learned_applies(31, now + life));
		now += life;
	}
	refuse(31, 1146, now);
	assert_true(learned_applies(31, now + TIMEOUT - 1));
	assert_false(learned_applies(31, now + TIMEOUT));
}

static void test_it_is_counted_and_shown(void **state)
{
	(void)state;
	refuse(41, 1792, 1000000);
	refuse(41, 1792, 1000010);
	assert_true(learned_applies(41, 1000020));
	size_t n = learned_copy(rows, LEARNED_MAX, 1000020), i = 0;
	while (i < n && rows[i].digest != 41)
		i++;
	assert_true(i < n);
	assert_int_equal(rows[i].healed, 2);
	assert_int_equal(rows[i].hits, 1);
	assert_int_equal(rows[i].left_ms, TIMEOUT - 10);
	assert_true(rows[i].read_only);
	assert_int_equal(learned_copy(rows, 1, 1000020), 1);
}

static void test_the_memory_is_bounded_and_the_newest_stay(void **state)
{
	(void)state;
	for (uint64_t key = 1; key <= 100000; key++)
		refuse(key * 0x9E3779B97F4A7C15ull, 1290, 2000000 + key);
	assert_true(learned_applies(100000 * 0x9E3779B97F4A7C15ull, 2100001));
	assert_true(learned_copy(rows, LEARNED_MAX, 2100001) <= LEARNED_MAX);
}

static void test_the_schema_is_part_of_the_key(void **state)
{
	(void)state;
	assert_true(learned_key(5, view_of("a")) != learned_key(5, view_of("b")));
	assert_true(learned_key(5, view_of("a")) == learned_key(5, view_of("a")));
	assert_true(learned_key(0, view_of("")) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_refusal_for_being_read_only_is_remembered_until_the_timeout),
	    cmocka_unit_test(test_it_is_forgotten_when_functions_change),
	    cmocka_unit_test(test_something_unknown_is_tried_again_soon_and_then_later),
	    cmocka_unit_test(test_it_is_counted_and_shown),
	    cmocka_unit_test(test_the_memory_is_bounded_and_the_newest_stay),
	    cmocka_unit_test(test_the_schema_is_part_of_the_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
