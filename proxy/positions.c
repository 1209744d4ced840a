#include "proxy/positions.h"

#include <sched.h>

#include "proxy/snapshot.h"
#include "router/balance.h"
#include "router/position_trail.h"

/* Positions are looked at often for so long after somebody lacked one. */
#define WANTED_MS 100
/* What a server has lately done at its best is told by a time between this and twice as long. */
#define LATELY_US 2000000u
/* A wait in vain stands for so many times its length, of which this part counts: three in a row are believed. */
#define VAIN_TIMES 2u
#define VAIN_PART  4u

static struct server_positions {
	struct position_board looked;
	struct position_board learned; /* all that `looked` held when it was written, and more */
	struct position_trail trail;   /* of the last looks, the one of `looked` included */
	_Atomic bool teaching;         /* somebody writes `learned` */
	_Atomic uint32_t life;
	_Atomic uint64_t number;       /* of the look that `looked` came from */
	_Atomic uint32_t catch_up_us;  /* average */
	_Atomic uint64_t in_vain_us;   /* when a wait was last counted that ended in vain */
	_Atomic uint32_t best_us;      /* the shortest catch-up since best_since_us; 0: not known yet */
	_Atomic uint32_t best_before_us; /* and in the LATELY_US before */
	_Atomic uint64_t best_since_us;
	_Atomic uint32_t behind_us;
} servers[SERVERS_MAX];

static _Atomic uint64_t looks = 1; /* 0 stands for no look */
static _Atomic uint64_t wanted_ms, wanted_every_ms, every_ms;

uint64_t positions_number(void)
{
	return atomic_load(&looks);
}

uint64_t positions_look(void)
{
	return atomic_fetch_add(&looks, 1) + 1;
}

/* The waits' word counts for nothing any more once a look knows as much. */
bool positions_reached(unsigned slot, const struct position *p)
{
	return position_board_reached(&servers[slot].looked, p) || position_board_reached(&servers[slot].learned, p);
}

bool positions_looked_after(unsigned slot, uint64_t after)
{
	return atomic_load_explicit(&servers[slot].number, memory_order_acquire) > after;
}

bool positions_after(unsigned slot, uint64_t after, struct gtid_set *out)
{
	/* The number is stored behind the rest: what is read then is of that look or a later one. */
	return positions_looked_after(slot, after) && (position_trail_after(&servers[slot].trail, after, out) ||
						       position_board_read(&servers[slot].looked, out, NULL));
}

bool positions_read(unsigned slot, struct gtid_set *out)
{
	return position_board_read(&servers[slot].looked, out, NULL);
}

static void set(_Atomic uint64_t *at, uint64_t value)
{
	if (atomic_load_explicit(at, memory_order_relaxed) != value)
		atomic_store_explicit(at, value, memory_order_relaxed);
}

static bool is_wanted(const _Atomic uint64_t *wanted, uint64_t now_ms)
{
	uint64_t at = atomic_load_explicit(wanted, memory_order_relaxed);
	return at && now_ms < at + WANTED_MS;
}

void positions_want(uint64_t now_ms)
{
	set(&wanted_ms, now_ms);
}

void positions_want_every(uint64_t ms, uint64_t now_ms)
{
	set(&every_ms, ms);
	set(&wanted_every_ms, now_ms);
}

bool positions_are_wanted(uint64_t now_ms)
{
	return is_wanted(&wanted_ms, now_ms);
}

uint64_t positions_wanted_every(uint64_t now_ms)
{
	return is_wanted(&wanted_every_ms, now_ms) ? atomic_load_explicit(&every_ms, memory_order_relaxed) : UINT64_MAX;
}

/* ---- what waits teach ---- */

static bool try_lock(struct server_positions *s)
{
	return !atomic_exchange_explicit(&s->teaching, true, memory_order_acquire);
}

static void unlock(struct server_positions *s)
{
	atomic_store_explicit(&s->teaching, false, memory_order_release);
}

uint32_t positions_life(unsigned slot)
{
	return atomic_load_explicit(&servers[slot].life, memory_order_acquire);
}

/* What is known is kept together with what is new: a session asks for the union of several positions. */
static bool add_known(struct gtid_set *known, const struct position_board *board, enum flavor flavor)
{
	struct gtid_set set;
	gtid_set_init(&set, flavor);
	bool added = !position_board_read(board, &set, NULL) || set.flavor != flavor || gtid_set_union(known, &set);
	gtid_set_finish(&set);
	return added;
}

void positions_learn(unsigned slot, uint32_t life, const struct position *p)
{
	struct server_positions *s = &servers[slot];
	struct gtid_set known;
	if (p->unknown || position_board_reached(&s->looked, p) || !try_lock(s))
		return;
	gtid_set_init(&known, p->seen.flavor);
	bool whole = positions_life(slot) == life && gtid_set_copy(&known, &p->seen) &&
		     add_known(&known, &s->looked, p->seen.flavor) && add_known(&known, &s->learned, p->seen.flavor);
	if (whole)
		position_board_publish(&s->learned, &known, 1);
	gtid_set_finish(&known);
	unlock(s);
}

/* ---- how soon ---- */

uint32_t positions_needed_us(unsigned slot)
{
	return atomic_load_explicit(&servers[slot].catch_up_us, memory_order_relaxed);
}

uint32_t positions_catch_up_us(unsigned slot)
{
	uint32_t average = positions_needed_us(slot), behind = positions_behind_us(slot);
	return behind > average ? behind : average;
}

uint32_t positions_behind_us(unsigned slot)
{
	return atomic_load_explicit(&servers[slot].behind_us, memory_order_relaxed);
}

bool positions_stumbles(unsigned slot, uint32_t worth_us)
{
	uint32_t best = atomic_load_explicit(&servers[slot].best_us, memory_order_relaxed);
	uint32_t before = atomic_load_explicit(&servers[slot].best_before_us, memory_order_relaxed);
	return (best <= worth_us || before <= worth_us) && positions_behind_us(slot) <= LATELY_US;
}

static void note_best(struct server_positions *s, uint32_t us, uint64_t now_us)
{
	uint64_t since = atomic_load_explicit(&s->best_since_us, memory_order_relaxed);
	uint32_t best = atomic_load_explicit(&s->best_us, memory_order_relaxed);
	if (now_us >= since + LATELY_US) {
		bool is_old = now_us >= since + 2 * LATELY_US;
		atomic_store_explicit(&s->best_before_us, is_old ? us : best, memory_order_relaxed);
		atomic_store_explicit(&s->best_us, us, memory_order_relaxed);
		atomic_store_explicit(&s->best_since_us, now_us, memory_order_relaxed);
	} else if (us < best) {
		atomic_store_explicit(&s->best_us, us, memory_order_relaxed);
	}
}

/* Two threads at once: one sample is lost, which an average does not mind. A server that has caught up is believed
 * sooner than one that was late once is doubted: what is lost by it is one wait. */
void positions_note_catch_up(unsigned slot, uint32_t us, uint64_t at_most_us, uint64_t now_us)
{
	note_best(&servers[slot], at_most_us < POSITIONS_NEVER ? (uint32_t)at_most_us : POSITIONS_NEVER, now_us);
	uint32_t average = positions_needed_us(slot);
	uint32_t next = us < average ? us + (average - us) / 2 : balance_ewma(average, us);
	atomic_store_explicit(&servers[slot].catch_up_us, next ? next : 1, memory_order_relaxed);
}

/* Of waits that were under way at the same time one counts: they met with the same thing. */
void positions_note_in_vain(unsigned slot, uint64_t began_us, uint64_t now_us, uint32_t us)
{
	uint64_t last = atomic_load_explicit(&servers[slot].in_vain_us, memory_order_relaxed);
	if (began_us < last)
		return;
	atomic_store_explicit(&servers[slot].in_vain_us, now_us, memory_order_relaxed);
	uint64_t average = positions_needed_us(slot), at_least = (uint64_t)VAIN_TIMES * us;
	uint64_t next = average < at_least ? average + (at_least - average) / VAIN_PART : average;
	atomic_store_explicit(&servers[slot].catch_up_us, next < POSITIONS_NEVER ? (uint32_t)next : POSITIONS_NEVER - 1,
			      memory_order_relaxed);
}

void positions_publish_behind(unsigned slot, int64_t behind_us)
{
	uint32_t behind = behind_us < 0 || behind_us >= POSITIONS_NEVER ? POSITIONS_NEVER : (uint32_t)behind_us;
	atomic_store_explicit(&servers[slot].behind_us, behind, memory_order_relaxed);
}

/* ---- what the monitor tells ---- */

void positions_publish(unsigned slot, const struct gtid_set *applied, uint64_t number, uint64_t now_us)
{
	position_board_publish(&servers[slot].looked, applied, now_us);
	position_trail_note(&servers[slot].trail, applied, number);
	atomic_store_explicit(&servers[slot].number, number, memory_order_release);
}

void positions_forget(unsigned slot)
{
	struct server_positions *s = &servers[slot];
	while (!try_lock(s))
		sched_yield(); /* a worker is within positions_learn, which is short */
	atomic_fetch_add_explicit(&s->life, 1, memory_order_release);
	position_board_clear(&s->looked);
	position_board_clear(&s->learned);
	position_trail_clear(&s->trail);
	unlock(s);
	positions_publish_behind(slot, -1);
}
