/*
 * Positions that several sessions share: what the sessions with one causal key have written, and, for the level
 * "global", what all of them have.
 *
 * They are fed before a client hears of its write, and read when a read is routed. The key's positions lie in a table
 * of fixed size; one that has to make room leaves what it asked for to all keys that come after it, so that nobody
 * misses anything (and somebody may wait for more than his own). The global position costs nothing until somebody
 * reads at that level, and again nothing a while after the last one did.
 *
 * All functions lock; any thread.
 */
#ifndef WYE_PROXY_SHARED_POSITION_H
#define WYE_PROXY_SHARED_POSITION_H

#include "router/position.h"

#define SHARED_KEYS_MAX 4096u

/* Something was committed by a session of this account with this key, or, with an empty key, by any. An empty text:
 * its position was not told. */
void shared_position_note(uint64_t account_id, struct view key, enum flavor flavor, struct view gtids);

/* Makes *p, which is initialised, ask for all that was noted under the key; under the empty one, by anybody (the first
 * such call knows nothing of what was before). Where a position was not told, *p is unknown, unless the primary in
 * this slot (-1: none) has been looked at since, and *number is raised to the positions_number() of that moment. */
void shared_position_add(uint64_t account_id, struct view key, int primary, struct position *p, uint64_t *number);

/* Another process has noted what this one does not know: it lies before what the next look at the primary shows. */
void shared_position_took_over(void);

/* Whether anybody wants to be told what any session commits. */
bool shared_position_is_global_used(void);

/* Now and then: forgets the global position when nobody has read it for long. */
void shared_position_sweep(uint64_t now_ms);

#endif
