#include "proxy/backend/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/session/session.h"

#define RETRY_MS 200u      /* after a refused connection no other is begun for so long */
#define LOOK_AT 8u         /* idle ones compared before the first of them is taken */
#define BORN_TOGETHER 8u   /* connections of one pool being opened at once, at most */

static struct pool *pool_by_key(struct worker *w, const struct pool_key *key, const char *user)
{
	struct pool *pool;
	HASH_FIND(hh, w->pools, key, sizeof *key, pool);
	if (pool)
		return pool;
	pool = calloc(1, sizeof *pool);
	if (!pool)
		abort();
	pool->key = *key;
	pool->worker = w;
	pool->user = strdup(user);
	TAILQ_INIT(&pool->connecting);
	TAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->busy);
	HASH_ADD(hh, w->pools, key, sizeof pool->key, pool);
	return pool;
}

static struct pool *pool_of(struct worker *w, const struct server_info *server, const struct session *s)
{
	struct pool_key key;
	memset(&key, 0, sizeof key);
	key.account_id = s->account_id;
	key.slot = server->slot;
	key.caps = s->caps & SESSION_POOL_CAPS;
	key.mariadb_caps = s->mariadb_caps & SESSION_POOL_MARIADB_CAPS;
	key.no_schema = state_schema_of(s->want).len == 0;
	return pool_by_key(w, &key, s->user);
}

unsigned pool_room(const struct worker *w, unsigned slot)
{
	uint64_t share = w->snapshot->settings->server_max_connections / workers_count();
	if (share < 1)
		share = 1;
	return w->backends[slot] < share ? (unsigned)(share - w->backends[slot]) : 0;
}

/* The only writer of a backend's state once it is logged in. */
static void move(struct backend *b, enum backend_state to)
{
	struct pool *pool = b->pool;
	pool_forget(b);
	b->state = to;
	b->since = worker_now(pool->worker);
	if (to == BACKEND_IDLE) {
		TAILQ_INSERT_HEAD(&pool->idle, b, link);
		pool->n_idle++;
		stat_add(&pool->worker->stats->servers[pool->key.slot].idle, 1);
	} else {
		assert(to == BACKEND_BUSY);
		TAILQ_INSERT_TAIL(&pool->busy, b, link);
		pool->n_busy++;
		stat_add(&pool->worker->stats->servers[pool->key.slot].used, 1);
	}
}

void pool_forget(struct backend *b)
{
	struct pool *pool = b->pool;
	struct server_counters *counters = &pool->worker->stats->servers[pool->key.slot];
	switch (b->state) {
	case BACKEND_CONNECTING:
	case BACKEND_LOGIN:
		TAILQ_REMOVE(&pool->connecting, b, link);
		pool->n_connecting--;
		break;
	case BACKEND_IDLE:
		TAILQ_REMOVE(&pool->idle, b, link);
		pool->n_idle--;
		stat_sub(&counters->idle, 1);
		break;
	case BACKEND_BUSY:
		TAILQ_REMOVE(&pool->busy, b, link);
		pool->n_busy--;
		stat_sub(&counters->used, 1);
		break;
	case BACKEND_CLOSING:
		break;
	}
}

void pool_take_this(struct backend *b, struct session *s)
{
	assert(b->state == BACKEND_IDLE && b->keeper == s);
	move(b, BACKEND_BUSY);
	b->session = s;
}

static void lend(struct backend *b, struct session *s)
{
	move(b, BACKEND_BUSY);
	b->session = s;
	if (b->keeper != s) {
		session_save_kept(s, b);
		backend_keep(b, NULL);
	}
}

/* connection_affinity=off: the one that was free longest, whoever kept it, but not where the session was just now. */
static struct backend *other_idle(struct pool *pool, const struct session *s)
{
	struct backend *b = TAILQ_LAST(&pool->idle, backend_list);
	return b && b == s->last ? TAILQ_PREV(b, backend_list, link) : b;
}

/* The idle one that costs least: the session's own last one, one with the same state, any that nobody may miss. */
static struct backend *best_idle(struct pool *pool, const struct session *s)
{
	struct backend *b, *any = NULL;
	if (!pool->worker->snapshot->settings->connection_affinity)
		return other_idle(pool, s);
	LIST_FOREACH(b, &s->kept, kept)
		if (b->pool == pool && b->state == BACKEND_IDLE)
			return b;
	unsigned looked = 0;
	TAILQ_FOREACH(b, &pool->idle, link) {
		if (b->keeps_insert_id)
			continue;
		if (b->have == s->want && !b->dirty)
			return b;
		if (!any)
			any = b;
		if (++looked == LOOK_AT)
			break;
	}
	return any;
}

/* One whose keeper's last insert id must be asked for first. */
static struct backend *any_idle(struct pool *pool)
{
	return TAILQ_LAST(&pool->idle, backend_list);
}

/* An idle connection of another account or kind makes room on this server. */
static bool make_room(struct worker *w, const struct pool *for_pool)
{
	struct backend *oldest = NULL;
	for (struct pool *p = w->pools; p; p = p->hh.next) {
		if (p == for_pool || p->key.slot != for_pool->key.slot)
			continue;
		struct backend *b = TAILQ_LAST(&p->idle, backend_list);
		if (b && !b->keeps_insert_id && (!oldest || b->since < oldest->since))
			oldest = b;
	}
	if (oldest)
		backend_discard(oldest);
	return oldest != NULL;
}

enum pool_result pool_take(struct worker *w, const struct server_info *server, struct session *s,
			   struct backend **out, const struct pool **failed)
{
	struct pool *pool = pool_of(w, server, s);
	struct backend *b = best_idle(pool, s);
	bool room = pool_room(w, server->slot) > 0;
	if (!b && !room)
		b = any_idle(pool);
	if (b) {
		lend(b, s);
		*out = b;
		return POOL_OK;
	}
	uint64_t now = worker_now(w);
	/* What was tried after this session began to want it has failed: tell it why. */
	if (pool->failed_at && pool->failed_at >= s->wanted_since && pool->error) {
		*failed = pool;
		return POOL_FAILED;
	}
	if (pool->n_connecting >= BORN_TOGETHER || now < pool->retry_at)
		return POOL_WAIT;
	if (!room && !make_room(w, pool))
		return POOL_WAIT;
	if (!s->asked || !pool->n_connecting)
		backend_create(pool, server);
	s->asked = true;
	return POOL_WAIT;
}

static void wake_one(struct pool *pool)
{
	sessions_wake_waiting(pool->worker, pool->key.slot);
}

/* Its session has chosen a schema, and nothing unselects one: it belongs to the pool of those that have one. */
static void leave_schemaless(struct backend *b)
{
	struct pool *from = b->pool;
	if (!from->key.no_schema || !state_schema_of(b->have).len)
		return;
	struct pool_key key = from->key;
	key.no_schema = 0;
	struct pool *to = pool_by_key(from->worker, &key, from->user);
	pool_forget(b);
	b->pool = to;
	TAILQ_INSERT_TAIL(&to->busy, b, link);
	to->n_busy++;
	stat_add(&to->worker->stats->servers[key.slot].used, 1);
}

void pool_give(struct backend *b)
{
	struct pool *pool = b->pool;
	b->session = NULL;
	if (conn_is_broken(&b->conn) || b->conn.view_len || b->killed) {
		if (conn_is_broken(&b->conn))
			stat_add(&pool->worker->stats->servers[pool->key.slot].lost, 1);
		backend_discard(b);
		wake_one(pool);
		return;
	}
	leave_schemaless(b);
	move(b, BACKEND_IDLE);
	conn_set_reading(&b->conn, true);
	wake_one(pool);
}

/* ---- KILL ---- */

static void send_kill(struct backend *b)
{
	char text[64];
	struct buf out;
	uint8_t seq = 0;
	int n = snprintf(text, sizeof text, "%cKILL %s%u", CMD_QUERY, b->kill_query ? "QUERY " : "", b->kill_thread);
	move(b, BACKEND_BUSY);
	b->kills = true;
	b->kill_thread = 0;
	backend_keep(b, NULL);
	buf_init(&out, 256);
	bool sent = packet_append(&out, &seq, text, (size_t)n) && conn_send(&b->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	if (!sent)
		backend_discard(b);
}

void pool_kill(struct backend *b, bool query_only)
{
	struct pool *pool = b->pool;
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	struct backend *killer = TAILQ_FIRST(&pool->idle);
	b->killed = true;
	if (!killer || killer->keeps_insert_id)
		killer = server ? backend_create(pool, server) : NULL;
	if (!killer)
		return;
	killer->kill_thread = b->thread_id;
	killer->kill_query = query_only;
	if (killer->state == BACKEND_IDLE)
		send_kill(killer);
}

/* One packet, OK or ERR (the statement had ended by itself); either way it is over. */
void pool_kill_answered(struct backend *b)
{
	size_t len;
	struct packet p;
	const uint8_t *data = conn_input(&b->conn, &len);
	enum packet_result got = packet_next(data, len, 65536, &p);
	if (got == PACKET_PARTIAL && !conn_is_broken(&b->conn))
		return;
	b->kills = false;
	if (got != PACKET_OK) {
		b->conn.error = UV_EPROTO;
	} else {
		conn_consume(&b->conn, p.size);
	}
	pool_give(b);
}

void pool_backend_ready(struct backend *b)
{
	b->born = worker_now(b->pool->worker);
	b->pool->failed_at = 0;
	b->pool->error = 0;
	b->pool->failing = false;
	move(b, BACKEND_IDLE);
	if (b->kill_thread)
		send_kill(b);
	else
		wake_one(b->pool);
}

/* Too many connections there: whoever waits may wait on, until his time-out. */
static bool server_is_full(uint16_t code)
{
	return code == 1040 || code == 1203 || code == 1226;
}

void pool_backend_failed(struct backend *b, uint16_t code, const char *sqlstate, const char *text)
{
	struct pool *pool = b->pool;
	struct worker *w = pool->worker;
	pool->error = code;
	pool->failing = true;
	pool->retry_at = worker_now(w) + RETRY_MS;
	pool->failed_at = server_is_full(code) ? 0 : worker_now(w);
	snprintf(pool->sqlstate, sizeof pool->sqlstate, "%s", sqlstate);
	snprintf(pool->error_text, sizeof pool->error_text, "%s", text);
	stat_add(&w->stats->servers[pool->key.slot].connect_failures, 1);
	backend_discard(b);
	wake_one(pool);
}

static void sweep(struct pool *pool, const struct settings *settings)
{
	uint64_t now = worker_now(pool->worker);
	struct backend *b, *next;
	for (b = TAILQ_FIRST(&pool->idle); b; b = next) {
		next = TAILQ_NEXT(b, link);
		uint64_t idle = now - b->since, age = now - b->born;
		if (b->keeps_insert_id)
			continue; /* its keeper may still ask for it */
		if (idle * 1000 > settings->server_idle_timeout || age * 1000 > settings->server_max_age)
			backend_discard(b);
	}
	for (b = TAILQ_FIRST(&pool->connecting); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if ((now - b->since) * 1000 > settings->connect_timeout) {
			b->conn.error = UV_ETIMEDOUT;
			backend_login_run(b);
		}
	}
}

void pools_sweep(struct worker *w)
{
	for (struct pool *pool = w->pools, *next; pool; pool = next) {
		next = pool->hh.next;
		sweep(pool, w->snapshot->settings);
		if (!pool->n_idle && !pool->n_busy && !pool->n_connecting && worker_now(w) > pool->retry_at + 60000) {
			HASH_DEL(w->pools, pool);
			free(pool->user);
			free(pool);
		}
	}
}

void pools_close(struct worker *w)
{
	struct pool *pool, *next;
	HASH_ITER(hh, w->pools, pool, next) {
		struct backend *b;
		while ((b = TAILQ_FIRST(&pool->idle)) || (b = TAILQ_FIRST(&pool->connecting)) ||
		       (b = TAILQ_FIRST(&pool->busy))) /* a KILL under way */
			backend_discard(b);
		assert(!pool->n_busy);
		HASH_DEL(w->pools, pool);
		free(pool->user);
		free(pool);
	}
}
