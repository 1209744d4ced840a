/* What becomes of connections with time: too old, idle too long, never answered; and the few that are kept open. */
#include <assert.h>
#include <stdlib.h>

#include "proxy/backend/mirror.h"
#include "proxy/backend/pool.h"
#include "proxy/generation.h"
#include "proxy/session/session.h"

#define DRAIN_MS  1000u  /* the rest of an answer that nobody wants may take so long */
#define FORGET_MS 60000u /* a pool without connections is forgotten so long after its last failure */

/* Up to an eighth earlier than pool_max_age, each at a time of its own. */
bool pool_is_too_old(const struct backend *b)
{
	const struct worker *w = b->conn.worker;
	uint64_t most = w->snapshot->settings->pool_max_age / 1000;
	return worker_now(w) - b->born > most - most / 8 * b->youth / 256;
}

/* Of a generation that no session begins with any more: only those who have left something there come back to it. */
static bool is_past(const struct pool *pool)
{
	return pool->key.generation != generation_now();
}

/* A few are kept open for those who come back, as long as somebody does now and then. */
static uint64_t kept_open(const struct pool *pool)
{
	if (is_past(pool))
		return 0;
	const struct settings *settings = pool->worker->snapshot->settings;
	bool forgotten = (worker_now(pool->worker) - pool->used_at) * 1000 > settings->pool_max_age;
	return forgotten || !pool->used_at ? 0 : settings->pool_min_idle;
}

static void close_idle(struct pool *pool)
{
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	uint64_t now = worker_now(pool->worker), keep = kept_open(pool);
	uint64_t timeout = pool->worker->snapshot->settings->pool_idle_timeout;
	struct backend *b, *next;
	for (b = TAILQ_LAST(&pool->idle, backend_list); b; b = next) {
		next = TAILQ_PREV(b, backend_list, link);
		/* New sessions begin with the server's present init_connect. */
		bool old_init = server && b->init_connect != server->defaults.init_connect_hash;
		if (old_init || pool_is_too_old(b) || (is_past(pool) && !b->keeper))
			pool_retire(b, CLOSED_AGE);
		else if (pool->n_idle > keep && !b->keeps_insert_id && (now - b->since) * 1000 > timeout)
			pool_retire(b, CLOSED_IDLE); /* not what its keeper may still ask for */
	}
}

/* It is not lent again: what is stopped in the middle of an answer is no use to anybody. */
static void end_draining(struct pool *pool)
{
	uint64_t now = worker_now(pool->worker);
	struct backend *b, *next;
	for (b = TAILQ_FIRST(&pool->busy); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if (b->task != TASK_DRAIN || now - b->since < DRAIN_MS)
			continue;
		pool_kill(b, false);
		backend_discard(b);
	}
}

static void end_connecting(struct pool *pool)
{
	uint64_t now = worker_now(pool->worker);
	struct backend *b, *next;
	for (b = TAILQ_FIRST(&pool->connecting); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if ((now - b->since) * 1000 > pool->worker->snapshot->settings->connect_timeout) {
			b->conn.error = UV_ETIMEDOUT;
			backend_login_run(b);
		}
	}
}

/* In place of one that was too old, or that the server has closed. */
static void keep_open(struct pool *pool)
{
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	enum pool_shortage shortage;
	if (pool->n_idle + pool->n_busy + pool->n_connecting >= kept_open(pool) || pool->failing || !server ||
	    server->state == SERVER_STATE_DOWN || pool->worker->draining)
		return;
	if (pool_may_open(pool) && pool_enter_rooms(pool, &shortage))
		pool_open(pool);
}

static void forget(struct pool *pool)
{
	pool_set_shortage(pool, SHORT_OF_NOTHING);
	HASH_DEL(pool->worker->pools, pool);
	mirror_forget(pool);
	room_unref(pool->account_room);
	free(pool->user);
	free(pool->attributes);
	free(pool);
}

void pools_sweep(struct worker *w)
{
	for (struct pool *pool = w->pools, *next; pool; pool = next) {
		next = pool->hh.next;
		close_idle(pool);
		end_connecting(pool);
		end_draining(pool);
		if (pool->mirror)
			mirror_sweep(pool);
		keep_open(pool);
		if (!pool->n_idle && !pool->n_busy && !pool->n_connecting && !pool->n_line && !kept_open(pool) &&
		    mirror_is_idle(pool) &&
		    worker_now(w) > pool->retry_at + FORGET_MS)
			forget(pool);
	}
	backends_leave(w, false);
}

void pools_close(struct worker *w)
{
	struct pool *pool, *next;
	HASH_ITER(hh, w->pools, pool, next) {
		struct backend *b;
		while ((b = TAILQ_FIRST(&pool->idle)) || (b = TAILQ_FIRST(&pool->connecting)) ||
		       (b = TAILQ_FIRST(&pool->busy))) { /* a task under way */
			b->retired = true;
			b->retired_for = CLOSED_SHUTDOWN;
			backend_discard(b);
		}
		assert(!pool->n_busy && !pool->n_line);
		forget(pool);
	}
	backends_leave(w, true);
}
