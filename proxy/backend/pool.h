/*
 * Pools: the backends of one worker to one server in one account's name, with the same capabilities.
 *
 * A backend is on exactly one list, by its state; limits and the console count lists. A session that finds nothing
 * free stands in the pool's line. What becomes free is given to the first of the line at once, so that nobody who
 * comes later is served earlier. Connections that nobody waits for are kept, most recently used first.
 *
 * How many may be open at once is counted over all workers (room.h): of a server, and of an account on it. When a
 * room is full, an idle connection of another pool makes place; if this worker has none, another worker is asked. A
 * connection that comes back goes to whoever has waited clearly longer than this pool's own line.
 *
 *	pool.c        lending and giving back          pool_line.c   who waits, for how long, and why
 *	pool_grow.c   opening connections              pool_task.c   what connections do on wye's own account: KILL
 *	pool_sweep.c  age, idleness, the minimum       pools_table.c rows for stats_pools
 */
#ifndef WYE_PROXY_BACKEND_POOL_H
#define WYE_PROXY_BACKEND_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "protocol/reply.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/room.h"
#include "proxy/worker.h"

/* What two sessions must share to share connections. */
struct pool_key {
	uint64_t account_id;
	uint64_t user;       /* of its name: an account without one serves users of any */
	uint64_t generation; /* proxy/generation.h */
	uint32_t slot;
	uint32_t caps;      /* those that a connection cannot change: FOUND_ROWS, LOCAL_FILES, DEPRECATE_EOF, ... */
	uint32_t no_schema; /* 1: never gave a default schema; none can be unselected */
	uint32_t mariadb_caps; /* those that change the form of answers */
	uint64_t attributes; /* a hash of the connection attributes passed on; 0: none */
	uint32_t mirrors;    /* 1: for copies of statements (mirror.h), lent to no session */
	uint32_t unused;     /* the key is compared as bytes */
};

/* Which room is full for the sessions that wait. */
enum pool_shortage { SHORT_OF_NOTHING, SHORT_OF_SERVER, SHORT_OF_ACCOUNT };

struct pool_counts {
	uint64_t opened, reused, waits, waited_max; /* the last in ms */
	uint64_t closed[CLOSED_COUNT];
};

struct pool {
	struct pool_key key;
	UT_hash_handle hh;
	struct worker *worker;
	char *user;
	bool skips_init_connect; /* the account has the right */
	uint8_t *attributes;     /* of its clients, as they go over the wire */
	size_t attributes_len;
	struct backend_list connecting, idle, busy;
	unsigned n_connecting, n_idle, n_busy;
	struct session_list line; /* who waits, in order: run->line */
	unsigned n_line;
	enum pool_shortage shortage;
	TAILQ_ENTRY(pool) short_link; /* the place's list, when there is a shortage */
	struct room *account_room; /* a reference */
	struct pool_counts counts;
	struct mirror_queue *mirror; /* with key.mirrors: copies that wait; NULL: there never was one */
	uint64_t answered;      /* reads */
	uint64_t used_at;       /* ms: when one was lent last */
	uint64_t retry_at;      /* ms: after a failure no new connection before this */
	uint16_t error;         /* why the last attempt failed, for those who wait */
	char sqlstate[6];
	char error_text[256];
	uint64_t failed_at;     /* ms */
	bool unreachable;       /* it was no answer of the server's that made the last attempt fail */
	bool failing;           /* the last attempt failed; said once in the log */
};

enum pool_result {
	POOL_OK,     /* *out is lent */
	POOL_BEHIND, /* *out is another's: the statement may be written behind his (pipeline.h) */
	POOL_WAIT,   /* none is free: the session stands in line, and is woken with s->backend set */
	POOL_FAILED, /* this server cannot be had for this account now: (*pool)->error_text says why */
	POOL_CROWDED, /* queue_max sessions wait for this server already */
};

/* Lends a backend to the server in this slot to the session, its own last one first. */
enum pool_result pool_take(struct worker *w, const struct server_info *server, struct session *s,
			   struct backend **out, const struct pool **pool);

/* Whether a connection to the server rests that the session could have at once; `as_is`: one that is in its state already. */
bool pool_has_idle(struct worker *w, const struct server_info *server, struct session *s, bool as_is);

/* The pool whose connections run copies of the session's statements there, for one with or without a default schema. */
struct pool *pool_for_mirror(struct worker *w, const struct server_info *server, const struct session *s, bool no_schema);

/* Takes this very backend (the session is its keeper and it is idle). */
void pool_take_this(struct backend *b, struct session *s);

/* An idle one that its server has closed, as far as one call to the kernel tells. */
bool pool_has_gone(const struct backend *b);

/* Gives a backend back, or discards it when it cannot be used again. The first who waits gets it. */
void pool_give(struct backend *b);

/* The session no longer waits. */
void pool_leave_line(struct session *s);

/* Why its sessions wait: which limit, how many are open and busy, how many wait. */
void pool_explain(const struct pool *pool, char *text, size_t size);

/* Stops the statement that runs on b (query_only), or its whole connection, by a KILL over another connection of the
 * same account. Nobody gets b after this. */
void pool_kill(struct backend *b, bool query_only);
void pool_task_run(struct backend *b); /* bytes for a backend with a task */

/* Eats the rest of an answer that nobody wants, `at` which the walker is, and gives the backend back then. One that does
 * not end soon is stopped. */
void pool_drain(struct backend *b, const struct reply *at);
void pool_drain_more(struct backend *b);
/* Eats of an answer that no session wants (b->draining) what has come. DONE; PARTIAL: not all is here; BAD: no more comes. */
enum reply_result pool_walk_answer(struct backend *b);

/* From the login: */
void pool_backend_ready(struct backend *b);
void pool_backend_failed(struct backend *b, uint16_t code, const char *sqlstate, const char *text);
/* The server has as many connections as it lets in: whoever waits may wait on. */
bool pool_is_full_code(uint16_t code);

/* From backend_discard: it leaves its list, and the rooms. */
void pool_forget(struct backend *b);
void pool_leave_rooms(unsigned slot, struct room *account_room);

/* Opens what the lines need and what may be opened; every tick. */
void pools_grow(struct worker *w);
/* Closes what is too old or has been idle too long, and keeps the minimum open; every second or so. */
void pools_sweep(struct worker *w);
void pools_close(struct worker *w);
void pools_init(struct worker *w);

/* ---- between the files of the pool ---- */

void pool_move(struct backend *b, enum backend_state to); /* the only writer of the state of one that is logged in */
void pool_hand_over(struct backend *b, struct session *s); /* to one in line, who is woken */
void pool_join_line(struct pool *pool, struct session *s);
uint64_t pool_waits_since(const struct pool *pool); /* ms: the first in line; 0: nobody */
/* Opens connections for the line as far as rooms and others allow. */
void pool_grow(struct pool *pool);
/* The line or the rooms have changed: what this worker wants of the rooms is told anew. */
void pool_set_shortage(struct pool *pool, enum pool_shortage shortage);
/* Since when somebody else waits who should have this idle connection rather than this pool's line; 0: nobody. */
bool pool_is_outwaited(const struct pool *pool);
bool pool_may_open(const struct pool *pool); /* both rooms are free and nobody waits for them */
struct backend *pool_open(struct pool *pool); /* the rooms are entered */
bool pool_enter_rooms(struct pool *pool, enum pool_shortage *shortage);
/* Closes an idle one; what its keeper may still ask for is asked for first. */
void pool_retire(struct backend *b, enum closed_reason reason);
void pool_begin_kill(struct backend *b);
bool pool_is_too_old(const struct backend *b);

#endif
