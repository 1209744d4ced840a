/* The limit finds what a server runs well, wherever that is, and follows when it moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/admission_limit.h"

/* A server that runs `best` at once at its full rate, fewer at a part of it, and loses by each one more. */
static uint64_t rate_of(unsigned n, unsigned best)
{
	return n <= best ? 100000ull * n / best : 100000ull * 4 * best / (3 * best + n);
}

static unsigned settle(struct admission_limit *l, unsigned best, unsigned periods)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < periods; i++)
		admission_limit_step(l, rate_of(l->limit, best));
	for (unsigned i = 0; i < 64; i++) {
		sum += rate_of(l->limit, best);
		admission_limit_step(l, rate_of(l->limit, best));
	}
	return (unsigned)(sum / 64);
}

static void test_it_stays_where_the_server_is_fast(void **state)
{
	(void)state;
	static const unsigned bests[] = {3, 8, 16, 40, 200};
	for (unsigned i = 0; i < sizeof bests / sizeof *bests; i++) {
		struct admission_limit l;
		admission_limit_init(&l);
		assert_true(settle(&l, bests[i], 200) > 80000);
	}
}

static void test_it_follows(void **state)
{
	(void)state;
	struct admission_limit l;
	admission_limit_init(&l);
	settle(&l, 100, 200);
	assert_true(l.limit > 50);
	assert_true(settle(&l, 4, 200) > 75000);
	assert_true(l.limit < 12);
}

static void test_it_is_never_none_and_never_without_bound(void **state)
{
	(void)state;
	struct admission_limit l;
	admission_limit_init(&l);
	/* Throughput that only falls, then only rises. */
	for (uint64_t rate = 1000000; rate > 1000; rate -= 1000) {
		admission_limit_step(&l, rate);
		assert_in_range(l.limit, ADMISSION_LEAST, ADMISSION_MOST);
	}
	for (uint64_t rate = 1; rate < UINT64_MAX / 4; rate *= 2) {
		admission_limit_step(&l, rate);
		assert_in_range(l.limit, ADMISSION_LEAST, ADMISSION_MOST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_stays_where_the_server_is_fast),
		cmocka_unit_test(test_it_follows),
		cmocka_unit_test(test_it_is_never_none_and_never_without_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
