#include "proxy/login_failures.h"

#include <stdatomic.h>

#define PLACES     256u
#define COUNT_BITS 16u
#define COUNT_MAX  ((1u << COUNT_BITS) - 1)

/* The account's id without its lowest bits, which hold the count. */
static _Atomic uint64_t places[PLACES];

static _Atomic uint64_t *place_of(uint64_t account_id)
{
	return &places[account_id % PLACES];
}

static uint64_t mark_of(uint64_t account_id)
{
	return account_id & ~(uint64_t)COUNT_MAX;
}

void login_failures_add(uint64_t account_id)
{
	_Atomic uint64_t *place = place_of(account_id);
	uint64_t before = atomic_load(place), after;
	do {
		unsigned count = mark_of(before) == mark_of(account_id) ? before & COUNT_MAX : 0;
		after = mark_of(account_id) | (count < COUNT_MAX ? count + 1 : count);
	} while (!atomic_compare_exchange_weak(place, &before, after));
}

void login_failures_end(uint64_t account_id)
{
	_Atomic uint64_t *place = place_of(account_id);
	uint64_t before = atomic_load(place);
	while (mark_of(before) == mark_of(account_id) && (before & COUNT_MAX) &&
	       !atomic_compare_exchange_weak(place, &before, 0))
		;
}

void login_failures_end_all(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		atomic_store(&places[i], 0);
}

unsigned login_failures(uint64_t account_id)
{
	uint64_t now = atomic_load(place_of(account_id));
	return mark_of(now) == mark_of(account_id) ? (unsigned)(now & COUNT_MAX) : 0;
}
