/* Lag by positions: the age of the oldest thing that is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "proxy/monitor_lag.h"

static struct gtid_set set_of(unsigned n)
{
	struct gtid_set s;
	char text[40];
	gtid_set_init(&s, FLAVOR_MARIADB);
	snprintf(text, sizeof text, "0-1-%u", n);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	return s;
}

static void note(struct lag_history *h, unsigned n, int64_t at)
{
	struct gtid_set s = set_of(n);
	lag_history_note(h, &s, at);
	gtid_set_finish(&s);
}

static int64_t lag(struct lag_history *h, struct lag_reader *r, unsigned n, int64_t at)
{
	struct gtid_set s = set_of(n);
	int64_t got = lag_history_read(h, r, &s, at);
	gtid_set_finish(&s);
	return got;
}

static void test_it_is_the_age_of_the_oldest_position_not_applied(void **state)
{
	(void)state;
	struct lag_history *h = lag_history_create();
	struct lag_reader r = {.epoch = 0};
	assert_int_equal(lag(h, &r, 1, 0), -1); /* nothing to compare with */
	note(h, 10, 1000);
	assert_int_equal(lag(h, &r, 10, 1500), 0);
	note(h, 11, 2000);
	note(h, 12, 3000);
	assert_int_equal(lag(h, &r, 10, 3500), 1500);
	assert_int_equal(lag(h, &r, 11, 3500), 500);
	assert_int_equal(lag(h, &r, 12, 3500), 0);
	assert_int_equal(lag(h, &r, 12, 99999), 0); /* an idle primary does not make a lag */
	note(h, 12, 100000);
	assert_int_equal(lag(h, &r, 12, 200000), 0);
	note(h, 13, 300000);
	assert_int_equal(lag(h, &r, 12, 299990), 0); /* noted after the reader looked at its clock */
	lag_history_destroy(h);
}

static void test_what_has_never_held_a_noted_position_cannot_be_measured(void **state)
{
	(void)state;
	struct lag_history *h = lag_history_create();
	struct lag_reader r = {.epoch = 0};
	note(h, 10, 0);
	assert_int_equal(lag(h, &r, 9, 1000000), -1);
	assert_int_equal(lag(h, &r, 10, 1000000), 0);
	assert_true(r.anchored);
	lag_history_destroy(h);
}

static void test_another_primary_begins_anew(void **state)
{
	(void)state;
	struct lag_history *h = lag_history_create();
	struct lag_reader r = {.epoch = 0};
	note(h, 10, 0);
	assert_int_equal(lag(h, &r, 10, 5), 0);
	lag_history_restart(h);
	assert_int_equal(lag(h, &r, 10, 6), -1);
	note(h, 12, 7);
	assert_int_equal(lag(h, &r, 10, 8), -1);
	assert_int_equal(lag(h, &r, 12, 9), 0);
	lag_history_destroy(h);
}

static void test_a_long_history_is_kept_coarsely_and_two_readers_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct lag_history *h = lag_history_create();
	struct lag_reader slow = {.epoch = 0}, fast = {.epoch = 0};
	note(h, 1, 0);
	assert_int_equal(lag(h, &slow, 1, 0), 0);
	for (unsigned i = 2; i <= 20000; i++) {
		note(h, i, i * 1000);
		if (i % 100 == 0)
			assert_int_equal(lag(h, &fast, i, i * 1000), 0);
	}
	/* The slow one lacks all since 2000 us: told to a sixteenth of it. */
	int64_t got = lag(h, &slow, 1, 20000 * 1000);
	assert_in_range(got, 20000000 - 20000000 / 16, 19998000);
	got = lag(h, &slow, 10000, 20000 * 1000);
	assert_in_range(got, 10000000 - 10000000 / 16, 10000000);
	for (unsigned i = 0; i < 2000; i++)
		note(h, 30000 + i, 20000 * 1000); /* a clock that stands still */
	assert_int_equal(lag(h, &slow, 40000, 20000 * 1000), 0);
	lag_history_destroy(h);
	lag_history_destroy(NULL);
}

static void test_a_reader_learns_how_long_the_newest_position_took(void **state)
{
	(void)state;
	struct lag_history *h = lag_history_create();
	struct lag_reader r = {.epoch = 0};
	note(h, 10, 1000);
	lag(h, &r, 10, 1500);
	assert_int_equal(r.delay_us, -1); /* it may have been there for long */
	note(h, 11, 2000);
	note(h, 12, 3000);
	lag(h, &r, 10, 3100);
	assert_int_equal(r.delay_us, -1);
	lag(h, &r, 12, 3500);
	assert_int_equal(r.delay_us, 500);
	lag(h, &r, 12, 4000);
	assert_int_equal(r.delay_us, -1);
	lag_history_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_it_is_the_age_of_the_oldest_position_not_applied),
	    cmocka_unit_test(test_what_has_never_held_a_noted_position_cannot_be_measured),
	    cmocka_unit_test(test_another_primary_begins_anew),
	    cmocka_unit_test(test_a_long_history_is_kept_coarsely_and_two_readers_do_not_disturb_each_other),
	    cmocka_unit_test(test_a_reader_learns_how_long_the_newest_position_took),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
