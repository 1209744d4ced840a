/* What threads tell each other of servers' positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "proxy/positions.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct gtid_set set_of(const char *text)
{
	struct gtid_set s;
	gtid_set_init(&s, FLAVOR_MYSQL);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	return s;
}

static void publish(unsigned slot, const char *text, uint64_t number)
{
	struct gtid_set s = set_of(text);
	positions_publish(slot, &s, number, 1);
	gtid_set_finish(&s);
}

static struct position position_of(const char *text)
{
	struct position p;
	position_init(&p, FLAVOR_MYSQL);
	position_note_mysql(&p, view_of(text));
	return p;
}

static bool reached(unsigned slot, const char *text)
{
	struct position p = position_of(text);
	bool yes = positions_reached(slot, &p);
	position_finish(&p);
	return yes;
}

static void learn(unsigned slot, uint32_t life, const char *text)
{
	struct position p = position_of(text);
	positions_learn(slot, life, &p);
	position_finish(&p);
}

static void test_what_a_wait_told_is_known_beside_what_was_looked_at(void **state)
{
	(void)state;
	publish(1, A ":1-10", positions_look());
	assert_true(reached(1, A ":10"));
	assert_false(reached(1, A ":11"));
	learn(1, positions_life(1), A ":11-12");
	assert_true(reached(1, A ":12"));
	assert_true(reached(1, A ":3-12"));
	assert_false(reached(1, A ":13"));
	learn(1, positions_life(1), A ":14");
	assert_true(reached(1, A ":11-12"));
	assert_true(reached(1, A ":14"));
}

static void test_a_server_that_was_lost_has_nothing_for_certain(void **state)
{
	(void)state;
	uint32_t life = positions_life(2);
	publish(2, A ":1-10", positions_look());
	learn(2, life, A ":11");
	positions_forget(2);
	assert_false(reached(2, A ":10"));
	assert_false(reached(2, A ":11"));
	learn(2, life, A ":11"); /* the answer of a wait from before */
	assert_false(reached(2, A ":11"));
	assert_int_equal(positions_catch_up_us(2), POSITIONS_NEVER);
}

static void test_a_look_that_began_before_does_not_tell_what_was_there_after(void **state)
{
	(void)state;
	struct gtid_set known;
	gtid_set_init(&known, FLAVOR_MYSQL);
	uint64_t first = positions_look();
	uint64_t moment = positions_number();
	publish(3, A ":1-10", first);
	assert_false(positions_after(3, moment, &known));
	publish(3, A ":1-11", positions_look());
	assert_true(positions_after(3, moment, &known));
	assert_true(reached(3, A ":11"));
	gtid_set_finish(&known);
}

static void test_the_first_look_after_a_moment_tells_what_could_be_seen_then(void **state)
{
	(void)state;
	struct gtid_set known, first = set_of(A ":1-10");
	gtid_set_init(&known, FLAVOR_MYSQL);
	uint64_t moment = positions_number();
	publish(6, A ":1-10", positions_look());
	publish(6, A ":1-11", positions_look());
	assert_true(positions_after(6, moment, &known));
	assert_true(gtid_set_equal(&known, &first));
	positions_forget(6);
	assert_false(positions_after(6, moment, &known));
	gtid_set_finish(&known);
	gtid_set_finish(&first);
}

static void test_a_server_that_has_caught_up_is_believed_soon(void **state)
{
	(void)state;
	positions_publish_behind(7, 0);
	positions_note_catch_up(7, 1000000, 1000000, 1);
	for (int i = 0; i < 5; i++)
		positions_note_catch_up(7, 1000, 1000, 1);
	assert_true(positions_catch_up_us(7) < 50000);
}

static void test_waits_in_vain_at_the_same_time_count_as_one(void **state)
{
	(void)state;
	positions_publish_behind(8, 0);
	positions_note_catch_up(8, 1000, 1000, 1);
	for (int i = 0; i < 20; i++)
		positions_note_in_vain(8, 5000, 105000, 100000);
	assert_true(positions_needed_us(8) < 60000);
	positions_note_in_vain(8, 106000, 206000, 100000);
	assert_true(positions_needed_us(8) > 60000);
}

static void test_three_waits_in_vain_are_more_than_their_time(void **state)
{
	(void)state;
	positions_note_catch_up(9, 1000, 1000, 1);
	for (uint64_t i = 0; i < 3; i++)
		positions_note_in_vain(9, 1 + i * 100000, (i + 1) * 100000, 100000);
	assert_true(positions_needed_us(9) > 100000);
}

static void test_a_server_that_was_on_time_a_moment_ago_stumbles(void **state)
{
	(void)state;
	uint64_t now = 10000000;
	positions_publish_behind(10, 0);
	positions_note_catch_up(10, 1000, 1000, now);
	for (int i = 0; i < 10; i++)
		positions_note_catch_up(10, 400000, 400000, now += 200000);
	positions_publish_behind(10, 700000);
	assert_true(positions_catch_up_us(10) > 50000);
	assert_true(positions_stumbles(10, 50000));
	/* It has not been on time for seconds. */
	for (int i = 0; i < 20; i++)
		positions_note_catch_up(10, 400000, 400000, now += 200000);
	assert_false(positions_stumbles(10, 50000));
	positions_note_catch_up(10, 1000, 1000, now += 200000);
	assert_true(positions_stumbles(10, 50000));
	/* Nothing at all has come for long, or it is not known. */
	positions_publish_behind(10, 5000000);
	assert_false(positions_stumbles(10, 50000));
	positions_publish_behind(10, -1);
	assert_false(positions_stumbles(10, 50000));
}

static void test_a_server_that_is_late_by_nature_does_not_stumble(void **state)
{
	(void)state;
	uint64_t now = 10000000;
	positions_publish_behind(11, 0);
	/* What was waited for long after its commit took a moment, and tells no more than that. */
	for (int i = 0; i < 5; i++)
		positions_note_catch_up(11, 300, 1000000, now += 7000000);
	assert_false(positions_stumbles(11, 50000));
}

static void test_a_server_that_lacks_something_for_long_is_not_expected_soon(void **state)
{
	(void)state;
	positions_publish_behind(4, 0);
	positions_note_catch_up(4, 300, 300, 1);
	assert_int_equal(positions_catch_up_us(4), 300);
	positions_publish_behind(4, 50000);
	assert_int_equal(positions_catch_up_us(4), 50000);
	positions_publish_behind(4, -1);
	assert_int_equal(positions_catch_up_us(4), POSITIONS_NEVER);
}

static void test_looks_are_frequent_for_a_while_after_somebody_lacked_a_position(void **state)
{
	(void)state;
	assert_false(positions_are_wanted(1000));
	positions_want(1000);
	assert_true(positions_are_wanted(1000));
	assert_true(positions_are_wanted(1099));
	assert_false(positions_are_wanted(1200));
}

#define ROUNDS 20000

static void *teach(void *arg)
{
	for (unsigned i = 1; i <= ROUNDS; i++) {
		char text[64];
		snprintf(text, sizeof text, A ":%u", i);
		learn(5, positions_life(5), text);
		/* What is told is never more than was taught before. */
		snprintf(text, sizeof text, A ":%u", 2 * ROUNDS + i);
		assert_false(reached(5, text));
	}
	return arg;
}

static void test_many_may_teach_while_one_looks_and_forgets(void **state)
{
	(void)state;
	pthread_t threads[3];
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, teach, NULL), 0);
	for (unsigned i = 1; i <= ROUNDS / 10; i++) {
		char text[64];
		snprintf(text, sizeof text, A ":1-%u", i);
		publish(5, text, positions_look());
		if (i % 100 == 0)
			positions_forget(5);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_wait_told_is_known_beside_what_was_looked_at),
		cmocka_unit_test(test_a_server_that_was_lost_has_nothing_for_certain),
		cmocka_unit_test(test_a_look_that_began_before_does_not_tell_what_was_there_after),
		cmocka_unit_test(test_the_first_look_after_a_moment_tells_what_could_be_seen_then),
		cmocka_unit_test(test_a_server_that_has_caught_up_is_believed_soon),
		cmocka_unit_test(test_waits_in_vain_at_the_same_time_count_as_one),
		cmocka_unit_test(test_three_waits_in_vain_are_more_than_their_time),
		cmocka_unit_test(test_a_server_that_was_on_time_a_moment_ago_stumbles),
		cmocka_unit_test(test_a_server_that_is_late_by_nature_does_not_stumble),
		cmocka_unit_test(test_a_server_that_lacks_something_for_long_is_not_expected_soon),
		cmocka_unit_test(test_looks_are_frequent_for_a_while_after_somebody_lacked_a_position),
		cmocka_unit_test(test_many_may_teach_while_one_looks_and_forgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
