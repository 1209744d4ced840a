#include "router/balance.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* So many turns of the whole field a server may be owed, or owe: more than sessions that stay where they read make it
 * owe, and few enough that one that comes back is not flooded. */
#define TURNS_KEPT 512

/* The candidates a policy chooses from: the nearest ones, by index. */
struct field {
	const struct candidate *c;
	unsigned n; /* all of them; those not `near` are left out */
	unsigned distance;
	bool weightless; /* nobody has a weight: all count as 1 */
	uint64_t total;  /* weight */
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xBF58476D1CE4E5B9u;
	x ^= x >> 27;
	x *= 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

uint64_t balance_random(uint64_t *state)
{
	*state += 0x9E3779B97F4A7C15u;
	return mix(*state);
}

/* A number below n, from the upper half of r, so that no n is favoured in a way that shows. */
static uint64_t below(uint64_t r, uint64_t n)
{
	return (r >> 32) * n >> 32;
}

static uint32_t weight_of(const struct field *f, unsigned i)
{
	if (f->c[i].distance != f->distance)
		return 0;
	if (f->weightless)
		return 1;
	return f->c[i].weight < BALANCE_WEIGHT_MAX ? f->c[i].weight : BALANCE_WEIGHT_MAX;
}

/* Servers without a weight, even in the own zone, serve only when nobody else can. */
static struct field field_of(const struct candidate *c, unsigned n)
{
	struct field f = {.c = c, .n = n, .distance = UINT32_MAX, .weightless = true};
	for (unsigned i = 0; i < n; i++)
		if (c[i].weight)
			f.weightless = false;
	for (unsigned i = 0; i < n; i++)
		if ((f.weightless || c[i].weight) && c[i].distance < f.distance)
			f.distance = c[i].distance;
	for (unsigned i = 0; i < n; i++)
		f.total += weight_of(&f, i);
	return f;
}

/* The candidate that the point, below f->total, falls on when they lie side by side, each as long as its
 * weight. */
static unsigned at_point(const struct field *f, uint64_t point)
{
	for (unsigned i = 0; i < f->n; i++) {
		uint32_t weight = weight_of(f, i);
		if (point < weight)
			return i;
		point -= weight;
	}
	return BALANCE_NONE;
}

static unsigned pick_weighted(struct balance *b, const struct field *f, uint64_t random)
{
	(void)b;
	return at_point(f, below(random, f->total));
}

static int32_t clamp(int64_t credit, int64_t limit)
{
	return (int32_t)(credit > limit ? limit : credit < -limit ? -limit : credit);
}

static int compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* Whether candidate i replaces the best so far: c < 0 says it is better, 0 that it is as good. Of k equals
 * each is left standing with 1/k, so that workers that all begin with the same numbers do not all begin at
 * the same server. */
static bool wins(int c, unsigned i, uint32_t *equals, uint64_t random)
{
	if (c < 0)
		*equals = 1;
	return c < 0 || (!c && !below(mix(random + i), ++*equals));
}

static int64_t limit_of(const struct field *f)
{
	return TURNS_KEPT * (int64_t)f->total;
}

static void pay(struct balance *b, const struct field *f, unsigned at)
{
	int32_t *credit = &b->credit[f->c[at].slot];
	*credit = clamp(*credit - (int64_t)f->total, limit_of(f));
}

/* Smooth weighted round robin: everyone gains its weight, the richest serves and pays what all gained.
 * Credits belong to servers and stay when the set of candidates changes, so that a server that may serve only
 * every other statement gets its share of just those. They are bounded, so that one that comes back is not
 * flooded. */
static unsigned pick_round_robin(struct balance *b, const struct field *f, uint64_t random)
{
	unsigned best = BALANCE_NONE;
	uint32_t equals = 1;
	for (unsigned i = 0; i < f->n; i++)
		if (f->c[i].slot >= BALANCE_SLOTS)
			return pick_weighted(b, f, random);
	for (unsigned i = 0; i < f->n; i++) {
		uint32_t weight = weight_of(f, i);
		if (!weight)
			continue;
		int32_t *credit = &b->credit[f->c[i].slot];
		*credit = clamp(*credit + (int64_t)weight, limit_of(f));
		int c = best == BALANCE_NONE ? -1 : compare_numbers(b->credit[f->c[best].slot], *credit);
		if (wins(c, i, &equals, random))
			best = i;
	}
	pay(b, f, best);
	return best;
}

unsigned balance_charge(struct balance *b, const struct candidate *c, unsigned n, unsigned at)
{
	struct field f = field_of(c, n);
	for (unsigned i = 0; i < n; i++)
		if (c[i].slot >= BALANCE_SLOTS)
			return 0;
	for (unsigned i = 0; i < n; i++) {
		int32_t *credit = &b->credit[c[i].slot];
		*credit = clamp(*credit + (int64_t)weight_of(&f, i), limit_of(&f));
	}
	pay(b, &f, at);
	int64_t credit = b->credit[c[at].slot];
	return credit < 0 ? (unsigned)(-credit / (int64_t)f.total) : 0;
}

/* Whether i has less to do for its weight than best; one more statement, ours, is counted to each. */
static int compare_load(const struct field *f, unsigned i, unsigned best)
{
	uint64_t a = ((uint64_t)f->c[i].in_flight + 1) * weight_of(f, best);
	uint64_t b = ((uint64_t)f->c[best].in_flight + 1) * weight_of(f, i);
	return a < b ? -1 : a > b;
}

static unsigned pick_least_connections(struct balance *b, const struct field *f, uint64_t random)
{
	(void)b;
	unsigned best = BALANCE_NONE;
	uint32_t equals = 1;
	for (unsigned i = 0; i < f->n; i++) {
		if (!weight_of(f, i))
			continue;
		int c = best == BALANCE_NONE ? -1 : compare_load(f, i, best);
		if (wins(c, i, &equals, random))
			best = i;
	}
	return best;
}

/* Microseconds until an answer is expected: one not measured yet goes before all others. */
static double expected(const struct field *f, unsigned i)
{
	uint32_t latency = f->c[i].latency_us ? f->c[i].latency_us : 1;
	return (double)latency * ((double)f->c[i].in_flight + 1) / weight_of(f, i);
}

/* The better of two drawn at random: near the best on the whole, without all workers running to the same
 * server at once. One time in 32 the first drawn serves in any case, or a server that was slow once would
 * never be measured again. */
static unsigned pick_least_latency(struct balance *b, const struct field *f, uint64_t random)
{
	(void)b;
	unsigned near = 0, drawn[2] = {0, 0};
	for (unsigned i = 0; i < f->n; i++)
		near += weight_of(f, i) > 0;
	uint64_t first = below(random, near);
	uint64_t second = near > 1 ? below(mix(random), near - 1) : first;
	if (near > 1 && second >= first)
		second++;
	for (unsigned i = 0, k = 0; i < f->n; i++) {
		if (!weight_of(f, i))
			continue;
		if (k == first)
			drawn[0] = i;
		if (k == second)
			drawn[1] = i;
		k++;
	}
	if (!(random & 31) || expected(f, drawn[0]) <= expected(f, drawn[1]))
		return drawn[0];
	return drawn[1];
}

/* -log2(x / 2^64) in 1/65536ths, for x above 0: the distance to the highest bit, and then a bit of the
 * fraction with every squaring. */
static uint32_t log_distance(uint64_t x)
{
	unsigned whole = (unsigned)__builtin_clzll(x);
	uint64_t m = x << whole >> 32; /* 1.0 is 2^31 */
	uint32_t fraction = 0;
	for (int i = 0; i < 16; i++) {
		m = m * m >> 31;
		fraction <<= 1;
		if (m >> 32) {
			fraction |= 1;
			m >>= 1;
		}
	}
	return ((whole + 1) << 16) - fraction;
}

/* Rendezvous hashing: each server draws a number from the hash and its own slot, and the lowest for its
 * weight serves. When a server comes or goes, only what it gains or leaves moves. */
static unsigned pick_source_hash(struct balance *b, const struct field *f, uint64_t hash)
{
	(void)b;
	unsigned best = BALANCE_NONE;
	uint64_t lowest = UINT64_MAX;
	for (unsigned i = 0; i < f->n; i++) {
		uint32_t weight = weight_of(f, i);
		if (!weight)
			continue;
		uint64_t draw = mix(hash ^ mix((uint64_t)f->c[i].slot + 0x9E3779B97F4A7C15u));
		uint64_t score = ((uint64_t)log_distance(draw | 1) << 32) / weight;
		if (score < lowest) {
			lowest = score;
			best = i;
		}
	}
	return best;
}

static const struct {
	const char *name;
	unsigned (*pick)(struct balance *, const struct field *, uint64_t random);
} policies[] = {
    [BALANCE_ROUND_ROBIN] = {"round_robin", pick_round_robin},
    [BALANCE_WEIGHTED] = {"weighted", pick_weighted},
    [BALANCE_LEAST_CONNECTIONS] = {"least_connections", pick_least_connections},
    [BALANCE_LEAST_LATENCY] = {"least_latency", pick_least_latency},
    [BALANCE_SOURCE_HASH] = {"source_hash", pick_source_hash},
};

int balance_policy_of(const char *name)
{
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		if (!strcmp(policies[i].name, name))
			return (int)i;
	return -1;
}

const char *balance_policy_name(enum balance_policy policy)
{
	return policies[policy].name;
}

unsigned balance_pick(struct balance *b, enum balance_policy policy, const struct candidate *c, unsigned n,
                      uint64_t random)
{
	if (!n)
		return BALANCE_NONE;
	struct field f = field_of(c, n);
	return policies[policy].pick(b, &f, random);
}

uint32_t balance_ewma(uint32_t average_us, uint32_t sample_us)
{
	if (!sample_us)
		sample_us = 1;
	if (!average_us)
		return sample_us;
	uint32_t next = (uint32_t)(((uint64_t)average_us * 7 + sample_us + 4) / 8);
	return next ? next : 1;
}
