#include "proxy/backend/room.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "proxy/stats.h"

#define PROBE_MS 200u /* between two tries to get one more into a server that is full by its own limits */

struct room_key {
	uint64_t account_id;
	uint64_t slot;
};

struct room {
	_Atomic uint32_t inside;
	_Atomic uint32_t queued;
	_Atomic uint32_t wanting;             /* how many of the following are not 0 */
	_Atomic uint64_t since[WORKERS_MAX];  /* ms: since when each worker waits, written by it only */
	_Atomic uint32_t ceiling;             /* the server let in fewer than so many; 0: it has refused none */
	_Atomic uint64_t probe_at;            /* ms: when one more may be tried */
	struct room_key key;                  /* of an account's */
	unsigned references;                  /* under the table's lock */
	UT_hash_handle hh;
};

static struct room servers[SERVERS_MAX];
static struct room clients;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct room *accounts;

struct room *room_of_server(unsigned slot)
{
	assert(slot < SERVERS_MAX);
	return &servers[slot];
}

struct room *room_of_clients(void)
{
	return &clients;
}

struct room *room_of_account(uint64_t account_id, unsigned slot)
{
	struct room_key key = {account_id, slot};
	struct room *r;
	pthread_mutex_lock(&lock);
	HASH_FIND(hh, accounts, &key, sizeof key, r);
	if (!r) {
		r = calloc(1, sizeof *r);
		if (!r)
			abort();
		r->key = key;
		HASH_ADD(hh, accounts, key, sizeof r->key, r); /* no padding in the key */
	}
	r->references++;
	pthread_mutex_unlock(&lock);
	return r;
}

struct room *room_ref(struct room *r)
{
	pthread_mutex_lock(&lock);
	r->references++;
	pthread_mutex_unlock(&lock);
	return r;
}

void room_unref(struct room *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&lock);
	if (--r->references == 0) {
		HASH_DEL(accounts, r);
		free(r);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- who waits ---- */

/* The one that waits longest, other than `except`; since when in *since. -1: none. */
static int longest(const struct room *r, int except, uint64_t *since)
{
	int found = -1;
	*since = 0;
	if (!atomic_load(&r->wanting))
		return -1;
	for (int i = 0; i < (int)stats_workers(); i++) {
		uint64_t at = atomic_load_explicit(&r->since[i], memory_order_relaxed);
		if (at && i != except && (!*since || at < *since)) {
			*since = at;
			found = i;
		}
	}
	return found;
}

void room_want(struct room *r, unsigned worker, uint64_t since)
{
	uint64_t before = atomic_exchange(&r->since[worker], since);
	if (!before && since)
		atomic_fetch_add(&r->wanting, 1);
	else if (before && !since)
		atomic_fetch_sub(&r->wanting, 1);
}

uint64_t room_wanted(const struct room *r, unsigned worker)
{
	uint64_t since;
	longest(r, (int)worker, &since);
	return since;
}

/* ---- in and out ---- */

/* One more than a full server has let in may be tried, by one worker and not too often. */
static bool is_below_ceiling(struct room *r, uint64_t now)
{
	uint32_t ceiling = atomic_load(&r->ceiling);
	if (!ceiling || atomic_load(&r->inside) + 1 < ceiling)
		return true;
	uint64_t at = atomic_load(&r->probe_at);
	return now >= at && atomic_compare_exchange_strong(&r->probe_at, &at, now + PROBE_MS);
}

bool room_enter(struct room *r, uint64_t limit, unsigned worker, uint64_t now)
{
	uint64_t mine = atomic_load_explicit(&r->since[worker], memory_order_relaxed);
	uint64_t others = room_wanted(r, worker);
	if (others && others < (mine ? mine : now))
		return false;
	uint32_t inside = atomic_load(&r->inside);
	if ((limit && inside >= limit) || !is_below_ceiling(r, now))
		return false;
	while (!limit || inside < limit)
		if (atomic_compare_exchange_weak(&r->inside, &inside, inside + 1))
			return true;
	return false;
}

void room_force(struct room *r)
{
	atomic_fetch_add(&r->inside, 1);
}

int room_leave(struct room *r)
{
	uint32_t before = atomic_fetch_sub(&r->inside, 1);
	uint64_t since;
	assert(before > 0);
	return longest(r, -1, &since);
}

bool room_is_free(const struct room *r, uint64_t limit)
{
	uint32_t inside = atomic_load(&r->inside);
	return (!limit || inside < limit) && !atomic_load(&r->ceiling) && !atomic_load(&r->wanting);
}

unsigned room_inside(const struct room *r)
{
	return atomic_load(&r->inside);
}

/* ---- a server's own limits ---- */

bool room_refused(struct room *r, uint64_t now)
{
	atomic_store(&r->probe_at, now + PROBE_MS);
	return atomic_exchange(&r->ceiling, atomic_load(&r->inside) + 1) == 0;
}

bool room_accepted(struct room *r)
{
	uint32_t ceiling = atomic_load_explicit(&r->ceiling, memory_order_relaxed);
	if (!ceiling || atomic_load(&r->inside) < ceiling)
		return false;
	return atomic_exchange(&r->ceiling, 0) != 0;
}

bool room_was_refused(const struct room *r)
{
	return atomic_load(&r->ceiling) != 0;
}

/* ---- the queue ---- */

void room_queue(struct room *r, int change)
{
	atomic_fetch_add_explicit(&r->queued, (uint32_t)change, memory_order_relaxed);
}

unsigned room_queued(const struct room *r)
{
	return atomic_load_explicit(&r->queued, memory_order_relaxed);
}
