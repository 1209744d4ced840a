/* Positions that several sessions share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "proxy/positions.h"
#include "proxy/shared_position.h"

#define PRIMARY 1

static void note(const char *key, unsigned n)
{
	char text[40];
	snprintf(text, sizeof text, "0-1-%u", n);
	shared_position_note(7, view_of(key), FLAVOR_MARIADB, view_of(text));
}

/* The number that the key asks for, 0 when it is not known. */
static uint64_t asked(const char *key)
{
	struct position p;
	uint64_t number = 0;
	position_init(&p, FLAVOR_MARIADB);
	shared_position_add(7, view_of(key), PRIMARY, &p, &number);
	uint64_t last = p.unknown || gtid_set_is_empty(&p.seen) ? 0 : gtid_set_range(&p.seen, 0).range.last;
	position_finish(&p);
	return last;
}

static void look_at_primary(unsigned n)
{
	struct gtid_set s;
	char text[40];
	snprintf(text, sizeof text, "0-1-%u", n);
	gtid_set_init(&s, FLAVOR_MARIADB);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	positions_publish(PRIMARY, &s, positions_look(), 1);
	gtid_set_finish(&s);
}

static void test_a_key_asks_for_what_was_written_under_it(void **state)
{
	(void)state;
	note("a", 5);
	note("b", 9);
	assert_int_equal(asked("a"), 5);
	assert_int_equal(asked("b"), 9);
	assert_int_equal(asked("c"), 0);
	note("a", 12);
	assert_int_equal(asked("a"), 12);
}

static void test_what_was_not_told_is_known_by_the_next_look_at_the_primary(void **state)
{
	(void)state;
	look_at_primary(20);
	note("lost", 20);
	shared_position_note(7, view_of("lost"), FLAVOR_MARIADB, (struct view){NULL, 0});
	assert_int_equal(asked("lost"), 0);
	look_at_primary(22);
	assert_int_equal(asked("lost"), 22);
}

static void test_what_all_have_written_is_known_from_the_look_after_the_first_question(void **state)
{
	(void)state;
	note("", 30); /* nobody has asked yet */
	assert_false(shared_position_is_global_used());
	assert_int_equal(asked(""), 0);
	assert_true(shared_position_is_global_used());
	note("", 31);
	assert_int_equal(asked(""), 0);
	look_at_primary(30);
	assert_int_equal(asked(""), 31);
	note("", 33);
	assert_int_equal(asked(""), 33);
	/* And is given up when nobody asks any more. */
	shared_position_sweep(1000);
	asked("");
	shared_position_sweep(50000);
	assert_true(shared_position_is_global_used());
	shared_position_sweep(70000);
	assert_false(shared_position_is_global_used());
	assert_int_equal(asked(""), 0);
}

static void test_a_key_that_had_to_make_room_is_never_asked_for_less_than_before(void **state)
{
	(void)state;
	char key[20];
	note("old", 50);
	for (unsigned i = 0; i < SHARED_KEYS_MAX; i++) {
		snprintf(key, sizeof key, "k%u", i);
		note(key, 40);
	}
	assert_true(asked("old") >= 50);
	assert_true(asked("k5") >= 40);
}

static void *work(void *arg)
{
	for (unsigned i = 1; i < 20000; i++) {
		note("shared", i);
		assert_true(asked("shared") >= i);
	}
	return arg;
}

static void test_many_threads_may_note_and_ask(void **state)
{
	(void)state;
	pthread_t threads[3];
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_asks_for_what_was_written_under_it),
		cmocka_unit_test(test_what_was_not_told_is_known_by_the_next_look_at_the_primary),
		cmocka_unit_test(test_what_all_have_written_is_known_from_the_look_after_the_first_question),
		cmocka_unit_test(test_a_key_that_had_to_make_room_is_never_asked_for_less_than_before),
		cmocka_unit_test(test_many_threads_may_note_and_ask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
