/*
 * Positions in the replication stream: what a session must see, and what a server has applied.
 *
 * `struct position` belongs to a session (or to a causal key): the transactions its next read must not miss. It is fed
 * by what the OK packets' trackers tell. It is kept small: MySQL numbers that lie near each other are joined to
 * one range, which asks for some transactions of others as well and never for less than the session's own.
 *
 * `struct position_board` holds what one server has applied. One thread writes it (the server's monitor), all workers
 * read it without a lock: a sequence counter is odd while it is written, a reader that saw it change tries again a few
 * times and then answers "not known". A board may know less than the server has, never more.
 */
#ifndef WYE_ROUTER_POSITION_H
#define WYE_ROUTER_POSITION_H

#include <stdatomic.h>

#include "router/gtid.h"

struct position {
	struct gtid_set seen; /* what reads must not miss */
	bool unknown;         /* something was committed that `seen` lacks: read from the primary until the next note */
};

void position_init(struct position *p, enum flavor flavor);
void position_finish(struct position *p);

/* Nothing is asked for: any server will do. */
bool position_is_free(const struct position *p);

/* The GTIDS tracker of a MySQL OK packet, and the value of the system variable last_gtid in a MariaDB one. An empty
 * text changes nothing. A known position ends `unknown`: it was committed after what is missing, and a replica
 * commits in order. A text that cannot be understood makes the position unknown. */
void position_note_mysql(struct position *p, struct view gtids);
void position_note_mariadb(struct position *p, struct view last_gtid);

/* A set read from a server instead: @@last_gtid after an ERR, the primary's gtid_executed, a causal key's. */
void position_note_set(struct position *p, const struct gtid_set *set);

/* Something may have been committed and its position was not told (an ERR after a CALL, a lost answer). */
void position_note_unknown(struct position *p);

/* Both must be seen from now on; unknown if either is (a session joins a causal key). */
void position_merge(struct position *p, const struct position *other);

/* After a failover: forget what the new primary does not have, since no server ever will. */
void position_clamp(struct position *p, const struct gtid_set *new_primary);

/* Appends the statement that waits on a replica until it has the position: 0 is success, anything else (1 on MySQL,
 * -1 on MariaDB, NULL, an error) is not. Never send it to the primary: MariaDB's never ends well there. A time-out of
 * 0 becomes 1 ms on MySQL, where 0 waits for ever. False, and nothing added, when there is nothing to wait for, the
 * position is unknown, or the buf is full. */
bool position_wait_sql(struct buf *out, const struct position *p, unsigned timeout_ms)
	__attribute__((warn_unused_result));

#define POSITION_BOARD_WORDS 512u

/* Zeroed is a valid board that knows nothing. Aligned so that what a usual reader needs is one cache line. */
struct position_board {
	_Alignas(64) _Atomic uint64_t sequence; /* odd while being written */
	_Atomic uint64_t updated_us;
	_Atomic uint64_t used; /* words; 0: nothing known */
	_Atomic uint64_t words[POSITION_BOARD_WORDS];
};

/* Writer only. A set too large for the board is published by the last ranges of every source; if not even one range
 * a source fits, nothing is known. */
void position_board_publish(struct position_board *board, const struct gtid_set *applied, uint64_t now_us);
void position_board_clear(struct position_board *board);

/* Any thread. True only when the server has certainly applied all the session must see; a free position is reached by
 * any board, an unknown one by none. */
bool position_board_reached(const struct position_board *board, const struct position *p);

/* Any thread. What the board knows, into *out (initialised); false when it knows nothing. *when_us may be NULL. */
bool position_board_read(const struct position_board *board, struct gtid_set *out, uint64_t *when_us);

/* When it was last published, in the writer's clock; 0: never, or cleared. */
uint64_t position_board_updated_us(const struct position_board *board);

#endif
