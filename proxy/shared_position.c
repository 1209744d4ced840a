#include "proxy/shared_position.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "proxy/positions.h"

#define GLOBAL_KEPT_MS 60000u

struct shared {
	struct position position;
	uint64_t number; /* positions_number() after something whose position was not told; 0: nothing */
	int of;          /* the primary's slot that it is known to belong to, plus 1; 0: none yet */
	uint64_t of_number; /* positions_number() when it was found to be another's, or later; 0: it was not */
};

struct keyed {
	struct shared shared;
	UT_hash_handle hh;
	TAILQ_ENTRY(keyed) link; /* least recently used first */
	unsigned key_len;
	char key[];              /* account and name */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct keyed *keys;
static TAILQ_HEAD(, keyed) by_use = TAILQ_HEAD_INITIALIZER(by_use);
static struct shared dropped; /* of keys that made room */
static struct shared all;
static uint64_t all_read_ms; /* by the clock of the sweeps */
static uint64_t clock_ms;
static _Atomic bool global_used;

static void note(struct shared *s, enum flavor flavor, struct view gtids)
{
	if (s->of_number)
		s->of_number = positions_number();
	if (!gtids.len)
		s->number = positions_number();
	else if (flavor == FLAVOR_MYSQL)
		position_note_mysql(&s->position, gtids);
	else
		position_note_mariadb(&s->position, gtids);
}

/* Both are asked for from now on. A text that could not be understood is as one that was not told. */
static void join(struct shared *s, const struct shared *other)
{
	position_merge(&s->position, &other->position);
	s->number = other->number > s->number ? other->number : s->number;
}

/* What was not told lies before what the primary was seen to have since. */
static void settle(struct shared *s, int primary)
{
	struct gtid_set set;
	if (s->position.unknown && !s->number)
		s->number = positions_number();
	if (!s->number || primary < 0)
		return;
	gtid_set_init(&set, s->position.seen.flavor);
	if (positions_after((unsigned)primary, s->number, &set)) {
		position_note_set(&s->position, &set);
		s->position.unknown = false;
		s->number = 0;
	}
	gtid_set_finish(&set);
}

/* As freshness_follow_primary(). */
static void follow(struct shared *s, int primary)
{
	struct gtid_set has;
	if (primary < 0 || s->of == primary + 1)
		return;
	if (s->of && !s->of_number)
		s->of_number = positions_number();
	gtid_set_init(&has, s->position.seen.flavor);
	bool known = !s->of || positions_after((unsigned)primary, s->of_number, &has);
	if (known && s->of)
		position_clamp(&s->position, &has);
	gtid_set_finish(&has);
	if (known) {
		s->of = primary + 1;
		s->of_number = 0;
	}
}

static void add(struct shared *s, int primary, struct position *p, uint64_t *number)
{
	follow(s, primary);
	settle(s, primary);
	position_merge(p, &s->position);
	if (!s->number)
		return;
	p->unknown = true;
	if (s->number > *number)
		*number = s->number;
}

/* ---- keys ---- */

static void drop_oldest(void)
{
	struct keyed *k = TAILQ_FIRST(&by_use);
	join(&dropped, &k->shared);
	TAILQ_REMOVE(&by_use, k, link);
	HASH_DEL(keys, k);
	position_finish(&k->shared.position);
	free(k);
}

static struct keyed *create(const char *name, unsigned len)
{
	struct keyed *k = calloc(1, sizeof *k + len);
	if (!k)
		abort();
	if (HASH_COUNT(keys) >= SHARED_KEYS_MAX)
		drop_oldest();
	memcpy(k->key, name, len);
	k->key_len = len;
	position_init(&k->shared.position, dropped.position.seen.flavor);
	join(&k->shared, &dropped);
	HASH_ADD_KEYPTR(hh, keys, k->key, len, k);
	TAILQ_INSERT_TAIL(&by_use, k, link);
	return k;
}

#define NAME_MAX_LEN 256u

static struct keyed *keyed_by(uint64_t account_id, struct view key)
{
	char name[sizeof account_id + NAME_MAX_LEN];
	unsigned len = key.len < NAME_MAX_LEN ? (unsigned)key.len : NAME_MAX_LEN;
	struct keyed *k;
	memcpy(name, &account_id, sizeof account_id);
	memcpy(name + sizeof account_id, key.p, len);
	len += sizeof account_id;
	HASH_FIND(hh, keys, name, len, k);
	if (!k)
		return create(name, len);
	TAILQ_REMOVE(&by_use, k, link);
	TAILQ_INSERT_TAIL(&by_use, k, link);
	return k;
}

/* ---- all of them ---- */

/* What was committed before is known by the next look at the primary. */
static struct shared *begin_global(enum flavor flavor)
{
	if (!atomic_load(&global_used)) {
		position_init(&all.position, flavor);
		atomic_store(&global_used, true);
		all.number = positions_number();
		all.of = 0;
		all.of_number = 0;
	}
	all_read_ms = clock_ms;
	return &all;
}

bool shared_position_is_global_used(void)
{
	return atomic_load_explicit(&global_used, memory_order_relaxed);
}

void shared_position_sweep(uint64_t now_ms)
{
	pthread_mutex_lock(&lock);
	clock_ms = now_ms;
	if (atomic_load(&global_used) && now_ms > all_read_ms + GLOBAL_KEPT_MS) {
		atomic_store(&global_used, false);
		position_finish(&all.position);
	}
	pthread_mutex_unlock(&lock);
}

void shared_position_took_over(void)
{
	pthread_mutex_lock(&lock);
	dropped.number = positions_number();
	pthread_mutex_unlock(&lock);
}

void shared_position_note(uint64_t account_id, struct view key, enum flavor flavor, struct view gtids)
{
	pthread_mutex_lock(&lock);
	if (key.len)
		note(&keyed_by(account_id, key)->shared, flavor, gtids);
	else if (atomic_load(&global_used))
		note(&all, flavor, gtids);
	pthread_mutex_unlock(&lock);
}

void shared_position_add(uint64_t account_id, struct view key, int primary, struct position *p, uint64_t *number)
{
	pthread_mutex_lock(&lock);
	add(key.len ? &keyed_by(account_id, key)->shared : begin_global(p->seen.flavor), primary, p, number);
	pthread_mutex_unlock(&lock);
}
