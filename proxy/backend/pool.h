/*
 * Pools: the backends of one worker to one server in one account's name, with the same capabilities.
 *
 * A backend is on exactly one list, by its state; limits and the console count lists. A session that finds nothing
 * free waits in the worker's queue and is woken when something may be.
 */
#ifndef WYE_PROXY_BACKEND_POOL_H
#define WYE_PROXY_BACKEND_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "proxy/backend/backend.h"
#include "proxy/worker.h"

TAILQ_HEAD(backend_list, backend);

/* What two sessions must share to share connections. */
struct pool_key {
	uint64_t account_id;
	uint32_t slot;
	uint32_t caps;      /* those that a connection cannot change: FOUND_ROWS, LOCAL_FILES, DEPRECATE_EOF, ... */
	uint32_t no_schema; /* 1: never gave a default schema; none can be unselected */
	uint32_t mariadb_caps; /* those that change the form of answers */
};

struct pool {
	struct pool_key key;
	UT_hash_handle hh;
	struct worker *worker;
	char *user;
	struct backend_list connecting, idle, busy;
	unsigned n_connecting, n_idle, n_busy;
	uint64_t retry_at;      /* ms: after a failure no new connection before this */
	uint16_t error;         /* why the last attempt failed, for those who wait */
	char sqlstate[6];
	char error_text[256];
	uint64_t failed_at;     /* ms */
	bool failing;           /* the last attempt failed; said once in the log */
};

enum pool_result {
	POOL_OK,     /* *out is lent */
	POOL_WAIT,   /* none is free: the session waits (a connection was begun where one may be) */
	POOL_FAILED, /* this server cannot be had for this account now: *failed says why */
};

/* Lends a backend to the server in this slot to the session, its own last one first. */
enum pool_result pool_take(struct worker *w, const struct server_info *server, struct session *s,
			   struct backend **out, const struct pool **failed);

/* Takes this very backend (the session is its keeper and it is idle). */
void pool_take_this(struct backend *b, struct session *s);

/* Gives a backend back, or discards it when it cannot be used again. Wakes who waits. */
void pool_give(struct backend *b);

/* Stops the statement that runs on b (query_only), or its whole connection, by a KILL over another connection of the
 * same account. Nobody gets b after this. */
void pool_kill(struct backend *b, bool query_only);
void pool_kill_answered(struct backend *b);

/* From the login: */
void pool_backend_ready(struct backend *b);
void pool_backend_failed(struct backend *b, uint16_t code, const char *sqlstate, const char *text);

/* From backend_discard: it leaves its list. */
void pool_forget(struct backend *b);

/* Closes what has been idle too long; every second or so. */
void pools_sweep(struct worker *w);
void pools_close(struct worker *w);

/* Connections of this worker to a server that may still be opened. */
unsigned pool_room(const struct worker *w, unsigned slot);

#endif
