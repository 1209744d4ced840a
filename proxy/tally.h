/*
 * A table of counters by key, of bounded size: one thread writes, any thread reads, nobody waits.
 *
 * A row is what it is about (its id, which does not change while the row lives) and its counts, whose meaning is the
 * user's. When all rows are taken, one that was little used lately makes room for a new key, and its counts are added
 * to one of the rows for others, which are there from the start and never make room.
 *
 * Ids and counts are words of 64 bits, read and written as atomics. A reader that meets a row while it becomes another
 * looks again. The memory is one piece from the start; pages that no row has used yet cost nothing.
 */
#ifndef WYE_PROXY_TALLY_H
#define WYE_PROXY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally;

struct tally_shape {
	size_t rows, others;           /* of each kind */
	size_t id_size, counts_size;   /* bytes, multiples of 8 */
	/* Adds the counts of a row that makes room to those of others. */
	void (*fold)(void *others, const void *counts);
};

/* A row at one moment: it may have become another's when it is used. */
struct tally_ticket {
	uint32_t row, life;
};

/* NULL: no memory. */
struct tally *tally_create(const struct tally_shape *shape);
void tally_destroy(struct tally *t); /* NULL is fine */

/* ---- the writer's ---- */

/* The row of the key, which counts as used; false: there is none. */
bool tally_find(struct tally *t, uint64_t key, struct tally_ticket *ticket);

/* A row for a key that has none; when it makes room one day, its counts are added to the others of that number. */
struct tally_ticket tally_add(struct tally *t, uint64_t key, const void *id, size_t others);

/* Its counts, or those of the others when it is another key's by now. */
void *tally_counts(struct tally *t, struct tally_ticket ticket, size_t others);

/* The id of its row; false: it is another key's by now. */
bool tally_id(const struct tally *t, struct tally_ticket ticket, void *id);

/* The rows whose ids match are nobody's; without `matches` all are, and those for others are zero. */
void tally_forget(struct tally *t, bool (*matches)(const void *id, const void *arg), const void *arg);

/* ---- anybody's ---- */

/* One of the rows, from 0; those for others come last, with an id of zeros. False: nobody's. */
bool tally_read(const struct tally *t, size_t row, uint64_t *key, void *id, void *counts);
size_t tally_rows(const struct tally *t);

/* Keys that had to make room. */
uint64_t tally_folded(const struct tally *t);

#endif
