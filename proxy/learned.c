#include "proxy/learned.h"

#include <pthread.h>
#include <string.h>

#define WINDOW      8u /* places that a key may have */
#define FIRST_MS    1000u /* the first memory of something unknown, doubled each time */

struct entry {
	_Atomic uint64_t key, until_ms, hits; /* key 0: empty */
	/* Under the lock. */
	uint64_t lifetime_ms;
	struct learned_row row;
};

static struct entry entries[LEARNED_MAX + WINDOW];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
_Atomic uint64_t learned_last_until;

static uint64_t load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)v, memory_order_relaxed);
}

static void store(_Atomic uint64_t *v, uint64_t n)
{
	atomic_store_explicit(v, n, memory_order_relaxed);
}

uint64_t learned_key(uint64_t digest, struct view schema)
{
	uint64_t key = digest;
	for (size_t i = 0; i < schema.len; i++)
		key = (key ^ schema.p[i]) * 0x9E3779B97F4A7C15ull;
	return key ? key : 1;
}

static struct entry *first_place(uint64_t key)
{
	return &entries[(key * 0xD6E8FEB86659FD93ull >> 32) % LEARNED_MAX];
}

/* The entry of the key, or the place for it: an empty one, else the one that is forgotten first. */
static struct entry *place(uint64_t key)
{
	struct entry *first = first_place(key), *best = first;
	for (struct entry *e = first; e < first + WINDOW; e++) {
		if (load(&e->key) == key)
			return e;
		if (load(&e->until_ms) < load(&best->until_ms))
			best = e;
	}
	return best;
}

bool learned_is_read_only(unsigned code)
{
	return code == 1290 || code == 1792 || code == 1836 || code == 3100;
}

static void note(struct entry *e, uint64_t key, const struct learned_row *row, uint64_t now_ms, uint64_t timeout_ms)
{
	bool known = load(&e->key) == key;
	if (!known) {
		store(&e->until_ms, 0);
		store(&e->hits, 0);
		e->lifetime_ms = FIRST_MS / 2;
		e->row = *row;
		e->row.healed = 0;
	}
	e->row.healed++;
	e->row.code = row->code;
	e->row.read_only = learned_is_read_only(row->code);
	e->lifetime_ms *= 2;
	if (e->row.read_only || e->lifetime_ms > timeout_ms)
		e->lifetime_ms = timeout_ms;
	store(&e->key, key);
	store(&e->until_ms, now_ms + e->lifetime_ms);
	if (now_ms + e->lifetime_ms > load(&learned_last_until))
		store(&learned_last_until, now_ms + e->lifetime_ms);
}

void learned_note(uint64_t key, const struct learned_row *row, uint64_t now_ms, uint64_t timeout_ms)
{
	pthread_mutex_lock(&lock);
	note(place(key), key, row, now_ms, timeout_ms);
	pthread_mutex_unlock(&lock);
}

bool learned_applies_slowly(uint64_t key, uint64_t now_ms)
{
	struct entry *first = first_place(key);
	for (struct entry *e = first; e < first + WINDOW; e++)
		if (load(&e->key) == key && now_ms < load(&e->until_ms)) {
			atomic_fetch_add_explicit(&e->hits, 1, memory_order_relaxed);
			return true;
		}
	return false;
}

void learned_forget(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		if (entries[i].row.read_only)
			store(&entries[i].until_ms, 0);
	pthread_mutex_unlock(&lock);
}

size_t learned_copy(struct learned_row *rows, size_t n, uint64_t now_ms)
{
	size_t found = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof entries / sizeof *entries && found < n; i++) {
		const struct entry *e = &entries[i];
		if (!load(&e->key) || load(&e->until_ms) <= now_ms)
			continue;
		rows[found] = e->row;
		rows[found].hits = load(&e->hits);
		rows[found++].left_ms = load(&e->until_ms) - now_ms;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
