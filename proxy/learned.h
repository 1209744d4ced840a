/*
 * What replicas have taught: digests of statements that a replica refused and the primary then answered, which go to
 * the primary at once from then on.
 *
 * One table for all workers, of bounded size. Looking up takes no lock; what is new is written under one. A statement
 * that a replica refused for being read-only is remembered for learned_timeout, or until a client changes functions or
 * views through wye. One that named what a replica did not know yet is tried there again soon, and later each time.
 */
#ifndef WYE_PROXY_LEARNED_H
#define WYE_PROXY_LEARNED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct learned_row {
	uint64_t digest, healed, hits;
	uint64_t left_ms;  /* until it is tried on a replica again */
	unsigned code;     /* of the refusal */
	bool read_only;    /* refused for that; else it named something unknown */
	char schema[65];
	char text[128];    /* the digest's, cut */
};

/* The same statement in another default schema is another one. */
uint64_t learned_key(uint64_t digest, struct view schema);

/* A refusal with `code` was healed. Times are of a monotonic clock, in ms; timeout is how long the longest memory
 * lasts. */
void learned_note(uint64_t key, const struct learned_row *row, uint64_t now_ms, uint64_t timeout_ms);

bool learned_applies_slowly(uint64_t key, uint64_t now_ms);
extern _Atomic uint64_t learned_last_until;

/* True when the statement is to go to the primary; counted. Cheap while nothing is remembered. */
static inline bool learned_applies(uint64_t key, uint64_t now_ms)
{
	return now_ms < atomic_load_explicit(&learned_last_until, memory_order_relaxed) &&
	       learned_applies_slowly(key, now_ms);
}

bool learned_is_read_only(unsigned code);

/* Functions or views have changed: refusals for being read-only may be none any more. */
void learned_forget(void);

/* Those that are remembered now, at most n. */
size_t learned_copy(struct learned_row *rows, size_t n, uint64_t now_ms);
#define LEARNED_MAX 1024u

#endif
