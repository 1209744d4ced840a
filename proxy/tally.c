#include "proxy/tally.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WARMTH_MAX 3u
#define SWEEP_MAX 1024u /* rows looked at for one that makes room */
#define READS_MAX 100u  /* of a row that becomes another all the time */
#define ID_MAX 2048u

/* A row's version: what it is now, and how often it became another. */
#define CHANGING 1u
#define LIVE 2u
#define LIFE 4u

/* What is looked at to find one, in one place. */
struct head {
	_Atomic uint64_t key;
	_Atomic uint32_t version;
	uint16_t others;
	uint8_t warmth; /* uses, fewer each time that the hand comes by */
};

struct tally {
	struct tally_shape shape;
	size_t id_words, row_words;
	uint32_t fresh, hand; /* rows from `fresh` on were never used; where the next search for room begins */
	uint32_t mask;
	uint32_t *index;      /* over the keys: row + 1, 0 for none; the next ones take what does not fit */
	struct head *heads;
	_Atomic uint64_t *words;
	_Atomic uint64_t folded;
};

static _Atomic uint64_t *row_at(const struct tally *t, size_t row)
{
	return t->words + row * t->row_words;
}

/* Each word is stored behind, and read ahead of, the look at the version: release and acquire order them. */
static void store(_Atomic uint64_t *to, const void *from, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t word = 0;
		if (from)
			memcpy(&word, (const char *)from + 8 * i, 8);
		atomic_store_explicit(&to[i], word, memory_order_release);
	}
}

static void load(void *to, const _Atomic uint64_t *from, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t word = atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&from[i], memory_order_acquire);
		memcpy((char *)to + 8 * i, &word, 8);
	}
}

static uint32_t version_of(const struct tally *t, size_t row)
{
	return atomic_load_explicit(&t->heads[row].version, memory_order_acquire);
}

static void set_version(struct tally *t, size_t row, uint32_t version)
{
	atomic_store_explicit(&t->heads[row].version, version, memory_order_release);
}

struct tally *tally_create(const struct tally_shape *shape)
{
	struct tally *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	assert(shape->rows && shape->others <= UINT16_MAX && shape->id_size <= ID_MAX && !(shape->id_size % 8) && !(shape->counts_size % 8));
	t->shape = *shape;
	t->id_words = shape->id_size / 8;
	t->row_words = (shape->id_size + shape->counts_size) / 8;
	size_t slots = 16, rows = shape->rows + shape->others;
	while (slots < 2 * shape->rows)
		slots *= 2;
	t->mask = (uint32_t)slots - 1;
	t->index = calloc(slots, sizeof *t->index);
	t->heads = calloc(rows, sizeof *t->heads);
	t->words = calloc(rows, 8 * t->row_words);
	if (t->index && t->heads && t->words)
		return t;
	tally_destroy(t);
	return NULL;
}

void tally_destroy(struct tally *t)
{
	if (!t)
		return;
	free(t->index);
	free(t->heads);
	free((void *)t->words);
	free(t);
}

/* ---- the index ---- */

static uint64_t key_of(const struct tally *t, size_t row)
{
	return atomic_load_explicit(&t->heads[row].key, memory_order_relaxed);
}

static uint32_t home_of(const struct tally *t, uint64_t key)
{
	return (uint32_t)(key ^ key >> 32) & t->mask;
}

/* Where the key is, or would be put. */
static uint32_t place_of(const struct tally *t, uint64_t key)
{
	uint32_t at = home_of(t, key);
	while (t->index[at] && key_of(t, t->index[at] - 1) != key)
		at = (at + 1) & t->mask;
	return at;
}

/* What was put behind it for want of room moves up. */
static void remove_from_index(struct tally *t, uint64_t key)
{
	uint32_t hole = place_of(t, key);
	assert(t->index[hole]);
	for (uint32_t at = (hole + 1) & t->mask; t->index[at]; at = (at + 1) & t->mask) {
		uint32_t home = home_of(t, key_of(t, t->index[at] - 1));
		if (((at - home) & t->mask) < ((at - hole) & t->mask))
			continue;
		t->index[hole] = t->index[at];
		hole = at;
	}
	t->index[hole] = 0;
}

/* ---- the writer ---- */

bool tally_find(struct tally *t, uint64_t key, struct tally_ticket *ticket)
{
	uint32_t found = t->index[place_of(t, key)];
	if (!found)
		return false;
	ticket->row = found - 1;
	ticket->life = version_of(t, found - 1);
	t->heads[found - 1].warmth += t->heads[found - 1].warmth < WARMTH_MAX;
	return true;
}

/* Nobody's from here on, until it is made another's. */
static void leave_row(struct tally *t, uint32_t row)
{
	uint32_t version = version_of(t, row);
	remove_from_index(t, key_of(t, row));
	set_version(t, row, (version & ~LIVE) + LIFE);
}

static uint32_t make_room(struct tally *t)
{
	if (t->fresh < t->shape.rows)
		return t->fresh++;
	for (unsigned i = 0; i < SWEEP_MAX && (version_of(t, t->hand) & LIVE) && t->heads[t->hand].warmth; i++) {
		t->heads[t->hand].warmth--;
		t->hand = (t->hand + 1) % (uint32_t)t->shape.rows;
	}
	uint32_t row = t->hand;
	t->hand = (t->hand + 1) % (uint32_t)t->shape.rows;
	if (!(version_of(t, row) & LIVE))
		return row;
	t->shape.fold((void *)(row_at(t, t->shape.rows + t->heads[row].others) + t->id_words),
		      (const void *)(row_at(t, row) + t->id_words));
	atomic_store_explicit(&t->folded, tally_folded(t) + 1, memory_order_relaxed);
	leave_row(t, row);
	return row;
}

struct tally_ticket tally_add(struct tally *t, uint64_t key, const void *id, size_t others)
{
	uint32_t row = make_room(t), version = version_of(t, row);
	assert(others < t->shape.others);
	set_version(t, row, version | CHANGING);
	atomic_store_explicit(&t->heads[row].key, key, memory_order_release);
	store(row_at(t, row), id, t->id_words);
	store(row_at(t, row) + t->id_words, NULL, t->row_words - t->id_words);
	t->heads[row].others = (uint16_t)others;
	t->heads[row].warmth = 0;
	t->index[place_of(t, key)] = row + 1;
	version = (version & ~CHANGING) + LIFE;
	set_version(t, row, version | LIVE);
	return (struct tally_ticket){row, version | LIVE};
}

static bool is_its(const struct tally *t, struct tally_ticket ticket)
{
	return ticket.life && ticket.row < t->shape.rows && version_of(t, ticket.row) == ticket.life;
}

void *tally_counts(struct tally *t, struct tally_ticket ticket, size_t others)
{
	return (void *)(row_at(t, is_its(t, ticket) ? ticket.row : t->shape.rows + others) + t->id_words);
}

bool tally_id(const struct tally *t, struct tally_ticket ticket, void *id)
{
	if (!is_its(t, ticket))
		return false;
	load(id, row_at(t, ticket.row), t->id_words);
	return true;
}

void tally_forget(struct tally *t, bool (*matches)(const void *id, const void *arg), const void *arg)
{
	uint64_t id[ID_MAX / 8];
	for (uint32_t row = 0; row < t->fresh; row++) {
		if (!(version_of(t, row) & LIVE))
			continue;
		load(id, row_at(t, row), t->id_words);
		if (!matches || matches(id, arg))
			leave_row(t, row);
	}
	_Atomic uint64_t *others = row_at(t, t->shape.rows);
	for (size_t i = 0; !matches && i < t->shape.others * t->row_words; i++)
		if (atomic_load_explicit(&others[i], memory_order_relaxed)) /* pages never used stay so */
			atomic_store_explicit(&others[i], 0, memory_order_relaxed);
}

/* ---- readers ---- */

size_t tally_rows(const struct tally *t)
{
	return t->shape.rows + t->shape.others;
}

uint64_t tally_folded(const struct tally *t)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&t->folded, memory_order_relaxed);
}

bool tally_read(const struct tally *t, size_t row, uint64_t *key, void *id, void *counts)
{
	bool is_others = row >= t->shape.rows;
	for (unsigned i = 0; i < READS_MAX; i++) {
		uint32_t version = version_of(t, row);
		if (!is_others && !(version & LIVE) && !(version & CHANGING))
			return false;
		if (version & CHANGING)
			continue;
		*key = is_others ? 0 : atomic_load_explicit(&t->heads[row].key, memory_order_acquire);
		load(id, row_at(t, row), t->id_words);
		load(counts, row_at(t, row) + t->id_words, t->row_words - t->id_words);
		if (version_of(t, row) == version)
			return true;
	}
	return false;
}
