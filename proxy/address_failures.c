#include "proxy/address_failures.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/hash.h"

#define PLACES	    4096u
#define COUNT_BITS  16u
#define COUNT_MAX   ((1u << COUNT_BITS) - 1)
#define SECOND_BITS 24u /* half a year: a time is at most a day */
#define SECOND_MAX  ((1u << SECOND_BITS) - 1)
#define MARK_SHIFT  (COUNT_BITS + SECOND_BITS)
#define V6_BYTES    8u

/* A mark of the address, the second of its first failure, how many there were since. */
static _Atomic uint64_t places[PLACES];

static uint8_t seed[16];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	if (RAND_bytes(seed, sizeof seed) != 1)
		abort();
}

static uint64_t hash_of(const struct address *a)
{
	uint8_t sum[32];
	uint64_t hash;
	pthread_once(&seeded, make_seed);
	hash_sha256(sum, (struct view){seed, sizeof seed},
		    (struct view){a->bytes, address_is_v4(a) ? sizeof a->bytes : V6_BYTES});
	memcpy(&hash, sum, sizeof hash);
	return hash;
}

/* How many are counted at a place for an address, and since when; none when they are too old or another's. */
static unsigned count_at(uint64_t place, uint64_t mark, uint32_t now, uint64_t within, uint32_t *since)
{
	*since = (uint32_t)(place >> COUNT_BITS) & SECOND_MAX;
	bool counts = place >> MARK_SHIFT == mark && ((now - *since) & SECOND_MAX) < within;
	return counts ? (unsigned)(place & COUNT_MAX) : 0;
}

static uint64_t seconds_of(uint64_t within_us)
{
	return (within_us + 999999) / 1000000;
}

unsigned address_failures_add(const struct address *a, uint64_t within_us, uint64_t now_ms)
{
	if (a->local)
		return 0;
	uint64_t hash = hash_of(a), mark = hash >> MARK_SHIFT;
	uint32_t now = (uint32_t)(now_ms / 1000) & SECOND_MAX, since;
	_Atomic uint64_t *place = &places[hash % PLACES];
	uint64_t before = atomic_load(place), after;
	unsigned count;
	do {
		count = count_at(before, mark, now, seconds_of(within_us), &since);
		if (!count)
			since = now;
		count += count < COUNT_MAX;
		after = mark << MARK_SHIFT | (uint64_t)since << COUNT_BITS | count;
	} while (!atomic_compare_exchange_weak(place, &before, after));
	return count;
}

unsigned address_failures(const struct address *a, uint64_t within_us, uint64_t now_ms)
{
	uint32_t since;
	if (a->local)
		return 0;
	uint64_t hash = hash_of(a);
	return count_at(atomic_load(&places[hash % PLACES]), hash >> MARK_SHIFT,
			(uint32_t)(now_ms / 1000) & SECOND_MAX, seconds_of(within_us), &since);
}
