/* How the choices of each policy are spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/balance.h"

#define WORKERS 8
#define SERVERS 4

static uint64_t seed;

static void assert_near(unsigned count, double expect, double tolerance)
{
	if (count < expect * (1 - tolerance) || count > expect * (1 + tolerance))
		fail_msg("%u is not within %.0f %% of %.0f", count, tolerance * 100, expect);
}

static void count_picks(enum balance_policy policy, const struct candidate *c, unsigned n, unsigned picks,
                        unsigned counts[SERVERS])
{
	struct balance workers[WORKERS];
	memset(workers, 0, sizeof workers);
	memset(counts, 0, sizeof *counts * SERVERS);
	for (unsigned i = 0; i < picks; i++) {
		unsigned k = balance_pick(&workers[i % WORKERS], policy, c, n, balance_random(&seed));
		assert_true(k < n);
		counts[c[k].slot]++;
	}
}

static void test_no_candidate_gives_none_and_one_gives_itself(void **state)
{
	(void)state;
	struct balance b = {0};
	struct candidate one = {.slot = 3};
	for (int policy = BALANCE_ROUND_ROBIN; policy <= BALANCE_SOURCE_HASH; policy++) {
		assert_int_equal(balance_pick(&b, (enum balance_policy)policy, &one, 0, 1), BALANCE_NONE);
		for (uint64_t r = 0; r < 100; r++)
			assert_int_equal(balance_pick(&b, (enum balance_policy)policy, &one, 1, r << 57 | r),
			                 0);
		assert_int_equal(balance_policy_of(balance_policy_name((enum balance_policy)policy)), policy);
	}
	assert_int_equal(balance_policy_of("fastest"), -1);
}

static void test_round_robin_splits_evenly_over_many_workers(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}, {.slot = 2, .weight = 1}};
	unsigned counts[SERVERS];
	count_picks(BALANCE_ROUND_ROBIN, c, 3, 3000, counts);
	for (int i = 0; i < 3; i++)
		assert_near(counts[i], 1000, 0.01);
}

/* Eight workers that serve few statements each: no worker may begin where all others do. */
static void test_round_robin_splits_evenly_when_workers_do_little(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 100}, {.slot = 1, .weight = 100}};
	unsigned total[2] = {0};
	for (int round = 0; round < 2000; round++) {
		struct balance fresh = {0};
		total[balance_pick(&fresh, BALANCE_ROUND_ROBIN, c, 2, balance_random(&seed))]++;
	}
	assert_near(total[0], 1000, 0.10);
}

static void test_round_robin_follows_weights_without_runs(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 5}, {.slot = 1, .weight = 1}, {.slot = 2, .weight = 2}};
	unsigned counts[SERVERS], run = 0, longest = 0;
	count_picks(BALANCE_ROUND_ROBIN, c, 3, 8000, counts);
	assert_near(counts[0], 5000, 0.01);
	assert_near(counts[1], 1000, 0.02);
	assert_near(counts[2], 2000, 0.02);
	struct balance b = {0};
	for (int i = 0; i < 800; i++) {
		run = balance_pick(&b, BALANCE_ROUND_ROBIN, c, 3, balance_random(&seed)) == 0 ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	assert_true(longest <= 4);
}

/* Sessions that just wrote can use only the replica that has caught up; the others must not pay for it for
 * long. */
static void test_round_robin_stays_even_while_the_set_changes(void **state)
{
	(void)state;
	struct candidate all[] = {
	    {.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}, {.slot = 2, .weight = 1}};
	struct balance b = {0};
	unsigned counts[3] = {0};
	for (int i = 0; i < 9000; i++) {
		struct candidate some[3];
		unsigned n = 0;
		if (i % 3 == 0) { /* of three servers one, which one changes, is missing every third time */
			for (unsigned k = 0; k < 3; k++)
				if (k != (unsigned)(i / 3) % 3)
					some[n++] = all[k];
		} else {
			memcpy(some, all, sizeof all);
			n = 3;
		}
		counts[some[balance_pick(&b, BALANCE_ROUND_ROBIN, some, n, balance_random(&seed))].slot]++;
	}
	for (int i = 0; i < 3; i++)
		assert_near(counts[i], 3000, 0.05);
}

static void test_a_server_that_returns_is_not_flooded(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}};
	struct balance b = {0};
	for (int i = 0; i < 10000; i++)
		balance_pick(&b, BALANCE_ROUND_ROBIN, c, i % 2 + 1, balance_random(&seed));
	for (int i = 0; i < 10000; i++)
		balance_pick(&b, BALANCE_ROUND_ROBIN, c, 1, balance_random(&seed));
	unsigned returned = 0;
	for (int i = 0; i < 20; i++)
		returned += balance_pick(&b, BALANCE_ROUND_ROBIN, c, 2, balance_random(&seed));
	assert_in_range(returned, 8, 13);
}

static void test_slots_beyond_the_table_are_served_at_random(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = BALANCE_SLOTS, .weight = 1}, {.slot = 7, .weight = 3}};
	struct balance b = {0};
	unsigned second = 0;
	for (int i = 0; i < 4000; i++)
		second += balance_pick(&b, BALANCE_ROUND_ROBIN, c, 2, balance_random(&seed));
	assert_near(second, 3000, 0.05);
}

static void test_weighted_follows_weights(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 100},
	                        {.slot = 1, .weight = 300},
	                        {.slot = 2, .weight = 0},
	                        {.slot = 3, .weight = 600}};
	unsigned counts[SERVERS];
	count_picks(BALANCE_WEIGHTED, c, 4, 100000, counts);
	assert_near(counts[0], 10000, 0.05);
	assert_near(counts[1], 30000, 0.05);
	assert_int_equal(counts[2], 0);
	assert_near(counts[3], 60000, 0.05);
}

static void test_least_connections_takes_the_least_loaded_for_its_weight(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1, .in_flight = 4},
	                        {.slot = 1, .weight = 2, .in_flight = 7},
	                        {.slot = 2, .weight = 4, .in_flight = 11}};
	struct balance b = {0};
	for (int i = 0; i < 100; i++)
		assert_int_equal(balance_pick(&b, BALANCE_LEAST_CONNECTIONS, c, 3, balance_random(&seed)), 2);
	/* Statements that never end: the load comes to follow the weights. */
	for (int i = 0; i < 700; i++)
		c[balance_pick(&b, BALANCE_LEAST_CONNECTIONS, c, 3, balance_random(&seed))].in_flight++;
	assert_in_range(c[0].in_flight, 102, 104);
	assert_in_range(c[1].in_flight, 205, 208);
	assert_in_range(c[2].in_flight, 411, 415);
}

static void test_least_connections_spreads_over_equals(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}, {.slot = 2, .weight = 1}};
	unsigned counts[SERVERS];
	count_picks(BALANCE_LEAST_CONNECTIONS, c, 3, 30000, counts);
	for (int i = 0; i < 3; i++)
		assert_near(counts[i], 10000, 0.05);
}

static void test_least_latency_prefers_the_faster_and_still_measures_the_slower(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1, .latency_us = 1000},
	                        {.slot = 1, .weight = 1, .latency_us = 100},
	                        {.slot = 2, .weight = 1, .latency_us = 500}};
	unsigned counts[SERVERS];
	count_picks(BALANCE_LEAST_LATENCY, c, 3, 96000, counts);
	/* Of all draws of two, the fastest is in 2/3, the slowest never wins; 1 in 32 goes to the first
	 * drawn. */
	assert_near(counts[1], 96000 * (31 / 32.0 * 2 / 3 + 1 / 96.0), 0.05);
	assert_near(counts[2], 96000 * (31 / 32.0 * 1 / 3 + 1 / 96.0), 0.05);
	assert_near(counts[0], 1000, 0.15);
	c[1].in_flight = 50; /* fast, but with a queue: only its exploring share is left */
	count_picks(BALANCE_LEAST_LATENCY, c, 3, 96000, counts);
	assert_near(counts[1], 1000, 0.15);
	c[0].latency_us = 0; /* new */
	count_picks(BALANCE_LEAST_LATENCY, c, 3, 96000, counts);
	assert_true(counts[0] > counts[1] && counts[0] > counts[2]);
}

static void test_source_hash_is_steady_and_moves_little_when_a_server_leaves(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 1},
	                        {.slot = 1, .weight = 2},
	                        {.slot = 2, .weight = 1},
	                        {.slot = 3, .weight = 4}};
	struct candidate fewer[] = {c[0], c[2], c[3]};
	struct balance b = {0};
	unsigned counts[SERVERS] = {0};
	for (uint64_t hash = 0; hash < 80000; hash++) {
		unsigned slot = c[balance_pick(&b, BALANCE_SOURCE_HASH, c, 4, hash)].slot;
		assert_int_equal(slot, c[balance_pick(&b, BALANCE_SOURCE_HASH, c, 4, hash)].slot);
		counts[slot]++;
		if (slot != 1)
			assert_int_equal(fewer[balance_pick(&b, BALANCE_SOURCE_HASH, fewer, 3, hash)].slot,
			                 slot);
	}
	assert_near(counts[0], 10000, 0.05);
	assert_near(counts[1], 20000, 0.05);
	assert_near(counts[2], 10000, 0.05);
	assert_near(counts[3], 40000, 0.05);
}

static void test_the_nearest_zone_serves_alone_while_it_has_a_server(void **state)
{
	(void)state;
	struct candidate c[] = {{.slot = 0, .weight = 9, .distance = 1},
	                        {.slot = 1, .weight = 1, .distance = 0},
	                        {.slot = 2, .weight = 1, .distance = 0},
	                        {.slot = 3, .weight = 0, .distance = 0}};
	unsigned counts[SERVERS];
	for (int policy = BALANCE_ROUND_ROBIN; policy <= BALANCE_SOURCE_HASH; policy++) {
		count_picks((enum balance_policy)policy, c, 4, 4000, counts);
		assert_int_equal(counts[0], 0);
		assert_int_equal(counts[3], 0);
		assert_near(counts[1], 2000, 0.1);
	}
	c[1].weight = c[2].weight = 0;
	count_picks(BALANCE_ROUND_ROBIN, c, 4, 100, counts);
	assert_int_equal(counts[0], 100);
	c[0].weight = 0; /* nobody has a weight: the nearest share */
	count_picks(BALANCE_ROUND_ROBIN, c, 4, 3000, counts);
	assert_int_equal(counts[0], 0);
	assert_near(counts[3], 1000, 0.05);
}

static void test_the_average_moves_an_eighth_with_every_sample(void **state)
{
	(void)state;
	assert_int_equal(balance_ewma(0, 0), 1);
	assert_int_equal(balance_ewma(0, 500), 500);
	assert_int_equal(balance_ewma(800, 1600), 900);
	assert_int_equal(balance_ewma(UINT32_MAX, UINT32_MAX), UINT32_MAX);
	assert_int_equal(balance_ewma(1, 0), 1);
}

static void test_who_serves_without_a_choice_is_chosen_less_often(void **state)
{
	(void)state;
	struct balance b = {0};
	struct candidate c[] = {{.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}};
	unsigned counts[2] = {0, 0};
	for (unsigned i = 0; i < 4; i++)
		balance_charge(&b, c, 2, 0);
	for (unsigned i = 0; i < 4; i++)
		counts[balance_pick(&b, BALANCE_ROUND_ROBIN, c, 2, balance_random(&seed))]++;
	assert_int_equal(counts[1], 4);
	/* But what it is owed has a bound. */
	for (unsigned i = 0; i < 10000; i++)
		balance_charge(&b, c, 2, 0);
	for (unsigned i = counts[0] = counts[1] = 0; i < 4000; i++)
		counts[balance_pick(&b, BALANCE_ROUND_ROBIN, c, 2, balance_random(&seed))]++;
	assert_true(counts[0] > 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_candidate_gives_none_and_one_gives_itself),
	    cmocka_unit_test(test_round_robin_splits_evenly_over_many_workers),
	    cmocka_unit_test(test_round_robin_splits_evenly_when_workers_do_little),
	    cmocka_unit_test(test_round_robin_follows_weights_without_runs),
	    cmocka_unit_test(test_round_robin_stays_even_while_the_set_changes),
	    cmocka_unit_test(test_a_server_that_returns_is_not_flooded),
	    cmocka_unit_test(test_slots_beyond_the_table_are_served_at_random),
	    cmocka_unit_test(test_weighted_follows_weights),
	    cmocka_unit_test(test_least_connections_takes_the_least_loaded_for_its_weight),
	    cmocka_unit_test(test_least_connections_spreads_over_equals),
	    cmocka_unit_test(test_least_latency_prefers_the_faster_and_still_measures_the_slower),
	    cmocka_unit_test(test_source_hash_is_steady_and_moves_little_when_a_server_leaves),
	    cmocka_unit_test(test_the_nearest_zone_serves_alone_while_it_has_a_server),
	    cmocka_unit_test(test_the_average_moves_an_eighth_with_every_sample),
	    cmocka_unit_test(test_who_serves_without_a_choice_is_chosen_less_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
