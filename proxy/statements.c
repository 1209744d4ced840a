#include "proxy/statements.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/stats.h"
#include "router/digest.h"

static_assert(sizeof(struct statement_counts) == sizeof(struct statement_counts_read), "read word by word");
static_assert(sizeof(struct statement_id) % 8 == 0, "read word by word");

const char *statement_class_name(enum statement_class class)
{
	static const char *const names[] = {
#define X(name, word, help) [STATEMENT_##name] = word,
		STATEMENT_CLASSES(X)
#undef X
	};
	return names[class];
}

/* ---- adding up ---- */

static void load_times(struct statement_times_read *out, const struct statement_times *t)
{
	const _Atomic uint64_t *from = (const _Atomic uint64_t *)t;
	uint64_t *to = (uint64_t *)out;
	for (size_t i = 0; i < sizeof *out / 8; i++)
		to[i] = stat_get(&from[i]);
}

void statement_times_join(struct statement_times_read *sum, const struct statement_times_read *more)
{
	sum->statements += more->statements;
	sum->errors += more->errors;
	sum->max_us = more->max_us > sum->max_us ? more->max_us : sum->max_us;
	for (unsigned p = 0; p < PARTS; p++) {
		sum->sum_us[p] += more->sum_us[p];
		for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
			sum->histograms[p][i] += more->histograms[p][i];
	}
}

void statement_counts_join(struct statement_counts_read *sum, const struct statement_counts_read *more)
{
	if (!more->times.statements)
		return;
	bool first = !sum->times.statements;
	if (first || more->first_us < sum->first_us)
		sum->first_us = more->first_us;
	if (first || more->min_us < sum->min_us)
		sum->min_us = more->min_us;
	if (more->last_us > sum->last_us)
		sum->last_us = more->last_us;
	sum->rows_sent += more->rows_sent;
	sum->rows_affected += more->rows_affected;
	sum->bytes_received += more->bytes_received;
	sum->bytes_sent += more->bytes_sent;
	statement_times_join(&sum->times, &more->times);
}

uint64_t statement_percentile(const struct statement_times_read *t, enum statement_part part, double share)
{
	uint64_t in_queue = 0, zeros = 0;
	for (unsigned i = 0; part == PART_QUEUE && i < HISTOGRAM_BUCKETS; i++)
		in_queue += t->histograms[part][i];
	if (part == PART_QUEUE && t->statements > in_queue)
		zeros = t->statements - in_queue;
	uint64_t us = histogram_percentile(t->histograms[part], zeros, share);
	return us < t->max_us ? us : t->max_us;
}

/* A row that makes room: rare beside what is counted. The writer reads what it alone writes. */
static void fold(void *others, const void *counts)
{
	struct statement_counts *into = others;
	static _Thread_local struct statement_counts_read sum, more;
	uint64_t *out = (uint64_t *)&sum;
	_Atomic uint64_t *at = (_Atomic uint64_t *)into;
	const _Atomic uint64_t *from = counts;
	for (size_t i = 0; i < sizeof sum / 8; i++) {
		out[i] = stat_get(&at[i]);
		((uint64_t *)&more)[i] = stat_get(&from[i]);
	}
	statement_counts_join(&sum, &more);
	for (size_t i = 0; i < sizeof sum / 8; i++)
		atomic_store_explicit(&at[i], out[i], memory_order_relaxed);
}

/* ---- one worker's ---- */

bool statements_init(struct statements *t, size_t digests)
{
	struct tally_shape shape = {.rows = digests,
				    .others = SERVERS_MAX + 1,
				    .id_size = sizeof(struct statement_id),
				    .counts_size = sizeof(struct statement_counts),
				    .fold = fold};
	t->digests = tally_create(&shape);
	t->classes = calloc((SERVERS_MAX + 1) * STATEMENT_CLASS_COUNT, sizeof *t->classes);
	return t->digests && t->classes;
}

void statements_finish(struct statements *t)
{
	tally_destroy(t->digests);
	free(t->classes);
}

uint64_t statement_key(uint64_t schema_digest, uint64_t user_hash, int slot)
{
	return digest_mix(schema_digest, user_hash, (uint64_t)(slot + 1));
}

static struct statement_times *class_at(const struct statements *t, int slot, enum statement_class class)
{
	return &t->classes[(size_t)(slot + 1) * STATEMENT_CLASS_COUNT + class];
}

static void note_times(struct statement_times *t, const struct statement_done *done)
{
	stat_add(&t->statements, 1);
	if (done->failed)
		stat_add(&t->errors, 1);
	for (unsigned p = 0; p < PARTS; p++) {
		if (!done->part_us[p] && p == PART_QUEUE)
			continue;
		stat_add(&t->sum_us[p], done->part_us[p]);
		stat_add(&t->histograms[p][histogram_bucket(done->part_us[p])], 1);
	}
	if (done->part_us[PART_ALL] > stat_get(&t->max_us))
		atomic_store_explicit(&t->max_us, done->part_us[PART_ALL], memory_order_relaxed);
}

void statement_note(struct statements *t, struct tally_ticket digest, const struct statement_done *done)
{
	struct statement_counts *c = tally_counts(t->digests, digest, (size_t)(done->slot + 1));
	bool first = !stat_get(&c->times.statements);
	note_times(class_at(t, done->slot, done->class), done);
	note_times(&c->times, done);
	if (first)
		atomic_store_explicit(&c->first_us, done->now_us, memory_order_relaxed);
	if (first || done->part_us[PART_ALL] < stat_get(&c->min_us))
		atomic_store_explicit(&c->min_us, done->part_us[PART_ALL], memory_order_relaxed);
	atomic_store_explicit(&c->last_us, done->now_us, memory_order_relaxed);
	if (done->rows_sent)
		stat_add(&c->rows_sent, done->rows_sent);
	if (done->rows_affected)
		stat_add(&c->rows_affected, done->rows_affected);
	stat_add(&c->bytes_received, done->bytes_received);
	stat_add(&c->bytes_sent, done->bytes_sent);
}

static void clear_times(struct statement_times *t)
{
	_Atomic uint64_t *words = (_Atomic uint64_t *)t;
	for (size_t i = 0; i < sizeof *t / 8; i++)
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

static bool has_digest(const void *id, const void *digest)
{
	return ((const struct statement_id *)id)->digest == *(const uint64_t *)digest;
}

void statements_forget(struct statements *t, uint64_t digest)
{
	tally_forget(t->digests, digest ? has_digest : NULL, &digest);
	for (size_t i = 0; !digest && i < (SERVERS_MAX + 1) * STATEMENT_CLASS_COUNT; i++)
		if (stat_get(&t->classes[i].statements))
			clear_times(&t->classes[i]);
}

bool statement_class_read(const struct statements *t, int slot, enum statement_class class,
			  struct statement_times_read *out)
{
	const struct statement_times *times = class_at(t, slot, class);
	if (!stat_get(&times->statements))
		return false;
	load_times(out, times);
	return true;
}
