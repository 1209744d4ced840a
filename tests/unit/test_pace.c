/* How long a worker's loop lets events gather. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/pace.h"

#define MOST 400u

/* A tenth of a second of statements that take so long, some of them `quick_ms`. */
static void period(struct pace *p, unsigned statements, uint64_t ms, unsigned quick, uint64_t quick_ms)
{
	for (unsigned i = 0; i < statements; i++)
		pace_note(p, quick && i % (statements / quick) == 0 ? quick_ms : ms);
	pace_period(p, 100);
}

static void test_nothing_gathers_at_first(void **state)
{
	(void)state;
	struct pace p = {0};
	assert_int_equal(pace_turn(&p, MOST), 0);
}

static void test_quick_statements_are_not_kept_waiting(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 20; i++)
		period(&p, 3000, 0, 0, 0);
	assert_int_equal(pace_turn(&p, MOST), 0);
}

static void test_many_slow_ones_gather_for_a_small_part_of_their_time(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 20; i++)
		period(&p, 1000, 4, 0, 0);
	uint64_t us = pace_turn(&p, MOST);
	assert_true(us >= 100 && us <= 400);
	for (unsigned i = 0; i < 20; i++)
		period(&p, 1000, 40, 0, 0);
	assert_int_equal(pace_turn(&p, MOST), MOST);
	assert_int_equal(pace_turn(&p, 0), 0);
}

static void test_few_slow_ones_have_nothing_to_gather(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 1000; i++)
		period(&p, 4, 1000, 0, 0);
	assert_int_equal(pace_turn(&p, MOST), 0);
}

static void test_who_is_quick_among_slow_ones_sets_the_measure(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 50; i++)
		period(&p, 1000, 100, 500, 0);
	assert_true(pace_turn(&p, MOST) <= 100);
}

static void test_a_turn_with_enough_to_do_is_followed_at_once_by_the_next(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 20; i++)
		period(&p, 1000, 40, 0, 0);
	p.events = 100;
	assert_int_equal(pace_turn(&p, MOST), 0);
	assert_int_not_equal(pace_turn(&p, MOST), 0);
}

static void test_when_nobody_comes_any_more_it_ends(void **state)
{
	(void)state;
	struct pace p = {0};
	for (unsigned i = 0; i < 20; i++)
		period(&p, 1000, 40, 0, 0);
	pace_period(&p, 100);
	assert_int_equal(pace_turn(&p, MOST), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_gathers_at_first),
		cmocka_unit_test(test_quick_statements_are_not_kept_waiting),
		cmocka_unit_test(test_many_slow_ones_gather_for_a_small_part_of_their_time),
		cmocka_unit_test(test_few_slow_ones_have_nothing_to_gather),
		cmocka_unit_test(test_who_is_quick_among_slow_ones_sets_the_measure),
		cmocka_unit_test(test_a_turn_with_enough_to_do_is_followed_at_once_by_the_next),
		cmocka_unit_test(test_when_nobody_comes_any_more_it_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
