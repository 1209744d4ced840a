/* Which reads are known to be short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/short_reads.h"

#define DIGEST 77u
#define MANY   10000u
#define AT_MOST_BESIDE 1000u /* what is multiplied must not overflow */

static int set_up(void **state)
{
	*state = short_reads_create();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	short_reads_destroy(*state);
	return 0;
}

static void answer(struct short_reads *t, unsigned times, uint64_t us)
{
	while (times--)
		short_reads_note(t, DIGEST, us, 0);
}

static void test_a_digest_is_known_after_some_that_were_timed(void **state)
{
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
	answer(*state, 1, 50);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
	answer(*state, 100, 50);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 50);
	assert_int_equal(short_reads_cost(*state, DIGEST + 1, 0), 0);
}

static void test_only_some_are_timed_once_it_is_known(void **state)
{
	unsigned asked = 0;
	for (unsigned i = 0; i < 100; i++)
		asked += short_reads_asks(*state, DIGEST);
	assert_int_equal(asked, 100);
	answer(*state, 100, 50);
	asked = 0;
	for (unsigned i = 0; i < 1000; i++)
		asked += short_reads_asks(*state, DIGEST);
	assert_true(asked > 50 && asked < 300);
}

static void test_the_quickest_of_the_last_ones_counts(void **state)
{
	answer(*state, 100, 20000);
	answer(*state, 1, 70);
	answer(*state, 30, 20000);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 70);
	answer(*state, 100, 20000);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
}

static void test_one_that_is_never_quick_is_not_known(void **state)
{
	answer(*state, MANY, SHORT_READS_TOGETHER_US / 2 + 1);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
	answer(*state, 100, SHORT_READS_TOGETHER_US / 2);
	assert_int_not_equal(short_reads_cost(*state, DIGEST, 0), 0);
}

static void test_the_time_is_divided_among_those_that_run_at_once(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		short_reads_note(*state, DIGEST, 5000, 128);
	assert_true(short_reads_cost(*state, DIGEST, 0) < 1000);
	assert_int_not_equal(short_reads_cost(*state, DIGEST, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		short_reads_note(*state, DIGEST + 1, 5000, 4);
	assert_int_equal(short_reads_cost(*state, DIGEST + 1, 0), 0);
}

static void test_one_that_took_no_time_or_very_long_is_as_good(void **state)
{
	answer(*state, 100, 0);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 1);
	answer(*state, 100, UINT64_MAX / AT_MOST_BESIDE);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
}

static void test_many_that_keep_others_waiting_at_once_are_one_strike(void **state)
{
	answer(*state, 100, 50);
	for (unsigned i = 0; i < 100; i++)
		short_reads_strike(*state, DIGEST, 1000);
	assert_int_not_equal(short_reads_cost(*state, DIGEST, 1000), 0);
}

static void test_it_may_keep_others_waiting_once_but_not_often(void **state)
{
	uint64_t now = 1000;
	answer(*state, 100, 50);
	for (unsigned i = 0; i < 100; i++, now += 1000) {
		short_reads_strike(*state, DIGEST, now);
		answer(*state, 50, 50);
	}
	assert_int_not_equal(short_reads_cost(*state, DIGEST, now), 0);
	for (unsigned i = 0; i < 4; i++, now += 1000) {
		short_reads_strike(*state, DIGEST, now);
		answer(*state, 3, 50);
	}
	assert_int_equal(short_reads_cost(*state, DIGEST, now - 1000), 0);
}

/* ms from `now` until it is taken again. */
static uint64_t out_for(struct short_reads *t, uint64_t now)
{
	uint64_t ms = 0;
	while (!short_reads_cost(t, DIGEST, now + ms))
		ms++;
	return ms;
}

static void test_who_is_refused_again_and_again_is_out_for_longer_but_not_for_ever(void **state)
{
	answer(*state, 100, 50);
	uint64_t now = 1000, before = 0, ms = 0;
	for (unsigned i = 0; i < 20; i++) {
		short_reads_refuse(*state, DIGEST, now);
		ms = out_for(*state, now);
		assert_true(ms >= before);
		before = ms;
		now += ms;
	}
	assert_true(ms > 10000 && ms < 1000000);
	now += 10 * ms;
	short_reads_refuse(*state, DIGEST, now);
	assert_true(out_for(*state, now) < ms);
}

static void test_another_digest_takes_the_place(void **state)
{
	answer(*state, 100, 50);
	for (uint64_t other = DIGEST + 1; other < DIGEST + MANY; other++)
		short_reads_note(*state, other, 50, 0);
	assert_int_equal(short_reads_cost(*state, DIGEST, 0), 0);
}

static void test_without_memory_nothing_is_known(void **state)
{
	(void)state;
	short_reads_note(NULL, DIGEST, 50, 0);
	short_reads_strike(NULL, DIGEST, 0);
	short_reads_refuse(NULL, DIGEST, 0);
	assert_false(short_reads_asks(NULL, DIGEST));
	assert_int_equal(short_reads_cost(NULL, DIGEST, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_a_digest_is_known_after_some_that_were_timed),
		TEST(test_only_some_are_timed_once_it_is_known),
		TEST(test_the_quickest_of_the_last_ones_counts),
		TEST(test_one_that_is_never_quick_is_not_known),
		TEST(test_the_time_is_divided_among_those_that_run_at_once),
		TEST(test_one_that_took_no_time_or_very_long_is_as_good),
		TEST(test_many_that_keep_others_waiting_at_once_are_one_strike),
		TEST(test_it_may_keep_others_waiting_once_but_not_often),
		TEST(test_who_is_refused_again_and_again_is_out_for_longer_but_not_for_ever),
		TEST(test_another_digest_takes_the_place),
		TEST(test_without_memory_nothing_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
