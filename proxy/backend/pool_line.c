/* Who waits for a connection, since when, and what they are told when they have waited in vain. */
#include <stdio.h>

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

void pool_join_line(struct pool *pool, struct session *s)
{
	struct run *r = s->run;
	struct server_counters *counters = &pool->worker->stats->servers[pool->key.slot];
	uint64_t now = worker_now(pool->worker);
	r->line_of = pool;
	r->line_since = now ? now : 1;
	TAILQ_INSERT_TAIL(&pool->line, s, run->line);
	pool->n_line++;
	pool->counts.waits++;
	stat_add(&counters->waits, 1);
	stat_add(&counters->waiting, 1);
	room_queue(room_of_server(pool->key.slot), 1);
}

void pool_leave_line(struct session *s)
{
	struct run *r = s->run;
	struct pool *pool = r ? r->line_of : NULL;
	if (!pool)
		return;
	uint64_t waited = worker_now(pool->worker) - r->line_since;
	r->line_of = NULL;
	TAILQ_REMOVE(&pool->line, s, run->line);
	pool->n_line--;
	stat_sub(&pool->worker->stats->servers[pool->key.slot].waiting, 1);
	room_queue(room_of_server(pool->key.slot), -1);
	if (waited > pool->counts.waited_max)
		pool->counts.waited_max = waited;
	if (pool->shortage)
		pool_set_shortage(pool, pool->n_line ? pool->shortage : SHORT_OF_NOTHING);
}

uint64_t pool_waits_since(const struct pool *pool)
{
	const struct session *first = TAILQ_FIRST(&pool->line);
	return first ? first->run->line_since : 0;
}

static uint64_t busy_on(unsigned slot)
{
	uint64_t busy = 0;
	for (unsigned i = 0; i < stats_workers(); i++)
		busy += stat_get(&stats_worker(i)->servers[slot].used);
	return busy;
}

void pool_explain(const struct pool *pool, char *text, size_t size)
{
	const struct settings *settings = pool->worker->snapshot->settings;
	const struct room *server = room_of_server(pool->key.slot);
	unsigned open = room_inside(server), of_account = room_inside(pool->account_room), wait = room_queued(server);
	char why[320];
	if (pool->error && (room_was_refused(server) || room_was_refused(pool->account_room)))
		snprintf(why, sizeof why, "the server itself lets in no more: error %u %.150s", pool->error,
			 pool->error_text);
	else if (settings->user_max_connections && of_account >= settings->user_max_connections)
		snprintf(why, sizeof why, "user_max_connections = %llu is reached for '%.64s'",
			 (unsigned long long)settings->user_max_connections, pool->user);
	else if (open >= settings->server_max_connections)
		snprintf(why, sizeof why, "server_max_connections = %llu is reached",
			 (unsigned long long)settings->server_max_connections);
	else if (pool->error)
		snprintf(why, sizeof why, "the last attempt failed: error %u %.150s", pool->error, pool->error_text);
	else
		snprintf(why, sizeof why, "the server does not let in the %u that are connecting", pool->n_connecting);
	snprintf(text, size, "%s; %u open, %llu busy, %u waiting", why, open, (unsigned long long)busy_on(pool->key.slot),
		 wait);
}
