/*
 * What one server had applied at its last looks, each with the newest look that showed it.
 *
 * It answers how little a session must see that has read on the server at some moment: what the first look that began
 * later has shown. The newest look would be right as well, but asks for what was committed long after the read.
 *
 * One thread writes it (the server's monitor), all workers read it without a lock, as they do position_board. Looks that
 * showed nothing new take no room. A set of many ranges is not kept: the reader then goes by the board.
 */
#ifndef WYE_ROUTER_POSITION_TRAIL_H
#define WYE_ROUTER_POSITION_TRAIL_H

#include <stdatomic.h>

#include "router/gtid.h"

#define POSITION_TRAIL_LOOKS  64u
#define POSITION_TRAIL_RANGES 8u
#define POSITION_TRAIL_WORDS  (POSITION_TRAIL_RANGES * sizeof(struct gtid_row) / sizeof(uint64_t))

struct position_trail_look {
	_Atomic uint64_t number; /* of the newest look that showed it */
	_Atomic uint64_t ranges;
	_Atomic uint64_t words[POSITION_TRAIL_WORDS];
};

/* Zeroed is a valid one that knows nothing. */
struct position_trail {
	_Alignas(64) _Atomic uint64_t sequence; /* odd while being written */
	_Atomic uint64_t written;               /* looks kept since the start: the newest is at (written - 1) % LOOKS */
	_Atomic uint64_t kept;                  /* of these, how many count */
	_Atomic uint64_t flavor;
	struct position_trail_look looks[POSITION_TRAIL_LOOKS];
};

/* Writer only. Numbers rise. */
void position_trail_note(struct position_trail *trail, const struct gtid_set *applied, uint64_t number);
void position_trail_clear(struct position_trail *trail);

/* Any thread. The oldest set kept that a look with a number above `after` has shown, into *out (initialised); false: there
 * is none. */
bool position_trail_after(const struct position_trail *trail, uint64_t after, struct gtid_set *out);

#endif
