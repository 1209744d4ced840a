/* Counters by key in a table of bounded size that others read at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "proxy/stats.h"
#include "proxy/tally.h"

#define ROWS 8u

struct id {
	uint64_t number, again[30]; /* the same everywhere: a torn read shows */
};
struct counts {
	_Atomic uint64_t n, twice;
};
struct counts_read {
	uint64_t n, twice;
};

static void fold(void *others, const void *counts)
{
	struct counts *into = others;
	const struct counts *c = counts;
	stat_add(&into->n, stat_get(&c->n));
	stat_add(&into->twice, stat_get(&c->twice));
}

static struct tally *create(void)
{
	struct tally_shape shape = {ROWS, 2, sizeof(struct id), sizeof(struct counts), fold};
	struct tally *t = tally_create(&shape);
	assert_non_null(t);
	return t;
}

static struct tally_ticket find_or_add(struct tally *t, uint64_t number)
{
	struct tally_ticket ticket;
	struct id id = {.number = number};
	for (unsigned i = 0; i < 30; i++)
		id.again[i] = number;
	return tally_find(t, number, &ticket) ? ticket : tally_add(t, number, &id, number % 2);
}

static void count(struct tally *t, uint64_t number)
{
	struct counts *c = tally_counts(t, find_or_add(t, number), number % 2);
	stat_add(&c->n, 1);
	stat_add(&c->twice, 2);
}

/* How often the key was counted; of others with their numbers from 0. */
static uint64_t counted(const struct tally *t, uint64_t number, bool others)
{
	struct id id;
	struct counts_read counts;
	uint64_t key, sum = 0;
	for (size_t i = 0; i < tally_rows(t); i++)
		if (tally_read(t, i, &key, &id, &counts) &&
		    (i >= ROWS ? others && i - ROWS == number : !others && id.number == number))
			sum += counts.n;
	return sum;
}

static void test_keys_are_counted_apart(void **state)
{
	(void)state;
	struct tally *t = create();
	for (unsigned i = 0; i < 60; i++)
		count(t, 1 + i % ROWS);
	assert_int_equal(counted(t, 1, false), 8);
	assert_int_equal(counted(t, 8, false), 7);
	assert_int_equal(counted(t, 9, false), 0);
	assert_int_equal(tally_folded(t), 0);
	tally_destroy(t);
}

static void test_what_is_little_used_makes_room_and_is_counted_among_others(void **state)
{
	(void)state;
	struct tally *t = create();
	for (unsigned i = 0; i < 1000; i++) {
		count(t, 1);
		count(t, 2);
		count(t, 100 + i);
	}
	assert_int_equal(counted(t, 1, false), 1000);
	assert_int_equal(counted(t, 2, false), 1000);
	uint64_t shown = 0;
	for (unsigned i = 0; i < 1000; i++)
		shown += counted(t, 100 + i, false);
	assert_int_equal(shown, ROWS - 2);
	assert_int_equal(counted(t, 0, true) + counted(t, 1, true) + shown, 1000);
	assert_int_equal(tally_folded(t), 1000 - shown);
	tally_destroy(t);
}

static void test_a_ticket_of_a_row_that_became_another_counts_among_others(void **state)
{
	(void)state;
	struct tally *t = create();
	struct tally_ticket ticket = find_or_add(t, 7);
	struct id id;
	assert_true(tally_id(t, ticket, &id));
	for (unsigned i = 0; i < 50; i++)
		count(t, 100 + i);
	assert_false(tally_id(t, ticket, &id));
	uint64_t before = counted(t, 1, true);
	struct counts *c = tally_counts(t, ticket, 1);
	stat_add(&c->n, 1);
	assert_int_equal(counted(t, 1, true), before + 1);
	c = tally_counts(t, (struct tally_ticket){0}, 1);
	stat_add(&c->n, 1);
	assert_int_equal(counted(t, 1, true), before + 2);
	tally_destroy(t);
}

static bool is_number(const void *id, const void *number)
{
	return ((const struct id *)id)->number == *(const uint64_t *)number;
}

static void test_rows_are_forgotten_one_or_all(void **state)
{
	(void)state;
	struct tally *t = create();
	uint64_t three = 3;
	for (unsigned i = 0; i < 30; i++)
		count(t, i);
	for (unsigned i = 1; i <= ROWS; i++)
		count(t, i);
	tally_forget(t, is_number, &three);
	assert_int_equal(counted(t, 3, false), 0);
	assert_int_not_equal(counted(t, 4, false), 0);
	for (unsigned i = 0; i < 20; i++) {
		count(t, 3);
		count(t, 4);
	}
	assert_int_equal(counted(t, 3, false), 20);
	tally_forget(t, NULL, NULL);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(counted(t, i, false), 0);
	assert_int_equal(counted(t, 0, true) + counted(t, 1, true), 0);
	for (unsigned i = 0; i < 100; i++)
		count(t, i);
	uint64_t all = counted(t, 0, true) + counted(t, 1, true);
	for (unsigned i = 0; i < 100; i++)
		all += counted(t, i, false);
	assert_int_equal(all, 100);
	tally_destroy(t);
}

static _Atomic bool stop;

static void *read_all_the_time(void *arg)
{
	const struct tally *t = arg;
	uint64_t torn = 0, seen = 0, key;
	struct id id;
	struct counts_read counts;
	while (!atomic_load(&stop) || !seen)
		for (size_t i = 0; i < ROWS; i++) {
			if (!tally_read(t, i, &key, &id, &counts))
				continue;
			seen++;
			torn += key != id.number;
			for (unsigned k = 0; k < 30; k++)
				torn += id.again[k] != id.number;
		}
	return (void *)(uintptr_t)torn;
}

static void test_a_reader_never_sees_half_of_a_row(void **state)
{
	(void)state;
	struct tally *t = create();
	pthread_t reader;
	void *torn;
	count(t, 1);
	assert_int_equal(pthread_create(&reader, NULL, read_all_the_time, t), 0);
	for (unsigned i = 0; i < 200000; i++)
		count(t, i % 100);
	atomic_store(&stop, true);
	pthread_join(reader, &torn);
	assert_null(torn);
	tally_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_counted_apart),
		cmocka_unit_test(test_what_is_little_used_makes_room_and_is_counted_among_others),
		cmocka_unit_test(test_a_ticket_of_a_row_that_became_another_counts_among_others),
		cmocka_unit_test(test_rows_are_forgotten_one_or_all),
		cmocka_unit_test(test_a_reader_never_sees_half_of_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
