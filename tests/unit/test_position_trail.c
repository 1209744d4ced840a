/* What a server had at its last looks, for who wants to know how little somebody can have seen there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "router/position_trail.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct gtid_set set_of(enum flavor flavor, const char *text)
{
	struct gtid_set s;
	gtid_set_init(&s, flavor);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	return s;
}

static void note(struct position_trail *t, enum flavor flavor, const char *text, uint64_t number)
{
	struct gtid_set s = set_of(flavor, text);
	position_trail_note(t, &s, number);
	gtid_set_finish(&s);
}

static bool tells(const struct position_trail *t, enum flavor flavor, uint64_t after, const char *text)
{
	struct gtid_set expected = set_of(flavor, text), got;
	gtid_set_init(&got, flavor);
	bool same = position_trail_after(t, after, &got) && gtid_set_equal(&got, &expected);
	gtid_set_finish(&got);
	gtid_set_finish(&expected);
	return same;
}

static bool tells_nothing(const struct position_trail *t, uint64_t after)
{
	struct gtid_set got;
	gtid_set_init(&got, FLAVOR_MYSQL);
	bool nothing = !position_trail_after(t, after, &got);
	gtid_set_finish(&got);
	return nothing;
}

static void test_the_first_look_after_a_moment_is_told(void **state)
{
	(void)state;
	static struct position_trail t;
	assert_true(tells_nothing(&t, 0));
	note(&t, FLAVOR_MYSQL, A ":1-10", 5);
	note(&t, FLAVOR_MYSQL, A ":1-20," B ":1-3:7:blue:1-2", 8);
	note(&t, FLAVOR_MYSQL, A ":1-30", 11);
	assert_true(tells(&t, FLAVOR_MYSQL, 0, A ":1-10"));
	assert_true(tells(&t, FLAVOR_MYSQL, 4, A ":1-10"));
	assert_true(tells(&t, FLAVOR_MYSQL, 5, A ":1-20," B ":1-3:7:blue:1-2"));
	assert_true(tells(&t, FLAVOR_MYSQL, 10, A ":1-30"));
	assert_true(tells_nothing(&t, 11));
	position_trail_clear(&t);
	assert_true(tells_nothing(&t, 0));
}

static void test_looks_that_show_nothing_new_take_no_room(void **state)
{
	(void)state;
	static struct position_trail t;
	note(&t, FLAVOR_MARIADB, "0-1-100", 1);
	for (uint64_t i = 2; i < 10 * POSITION_TRAIL_LOOKS; i++)
		note(&t, FLAVOR_MARIADB, "0-1-101", i);
	assert_true(tells(&t, FLAVOR_MARIADB, 0, "0-1-100"));
	assert_true(tells(&t, FLAVOR_MARIADB, 1, "0-1-101"));
	assert_true(tells(&t, FLAVOR_MARIADB, 10 * POSITION_TRAIL_LOOKS - 2, "0-1-101"));
}

static void test_the_oldest_make_room(void **state)
{
	(void)state;
	static struct position_trail t;
	char text[32];
	for (unsigned i = 1; i <= POSITION_TRAIL_LOOKS + 5; i++) {
		snprintf(text, sizeof text, "0-1-%u", i);
		note(&t, FLAVOR_MARIADB, text, i);
	}
	assert_true(tells(&t, FLAVOR_MARIADB, 0, "0-1-6"));
	assert_true(tells(&t, FLAVOR_MARIADB, 20, "0-1-21"));
}

static void test_sets_of_many_ranges_are_not_kept(void **state)
{
	(void)state;
	static struct position_trail t;
	note(&t, FLAVOR_MYSQL, A ":1", 1);
	note(&t, FLAVOR_MYSQL, A ":1:3:5:7:9:11:13:15:17", 2);
	assert_true(tells_nothing(&t, 0));
	note(&t, FLAVOR_MARIADB, "0-1-1", 3);
	assert_true(tells(&t, FLAVOR_MARIADB, 0, "0-1-1"));
}

#define ROUNDS 200000u

static struct position_trail shared;

static void *write_all(void *arg)
{
	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct gtid_range range = {.hi = 7, .lo = 1, .first = 1, .last = i};
		struct gtid_row rows[2] = {{.range = range}, {.range = range}};
		struct gtid_set s;
		gtid_set_init(&s, FLAVOR_MARIADB);
		rows[1].range.hi = 8;
		assert_true(gtid_set_assign(&s, FLAVOR_MARIADB, rows, 2));
		position_trail_note(&shared, &s, i);
		gtid_set_finish(&s);
	}
	return arg;
}

static void test_readers_never_see_half_of_a_look(void **state)
{
	(void)state;
	pthread_t writer;
	struct gtid_set got;
	gtid_set_init(&got, FLAVOR_MARIADB);
	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	for (uint64_t after = 0; after < ROUNDS;) {
		if (!position_trail_after(&shared, after, &got))
			continue;
		uint64_t last = gtid_set_range(&got, 0).range.last;
		assert_int_equal(gtid_set_ranges(&got), 2);
		assert_int_equal(last, gtid_set_range(&got, 1).range.last);
		assert_true(last > after);
		after = last;
	}
	pthread_join(writer, NULL);
	gtid_set_finish(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_look_after_a_moment_is_told),
		cmocka_unit_test(test_looks_that_show_nothing_new_take_no_room),
		cmocka_unit_test(test_the_oldest_make_room),
		cmocka_unit_test(test_sets_of_many_ranges_are_not_kept),
		cmocka_unit_test(test_readers_never_see_half_of_a_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
