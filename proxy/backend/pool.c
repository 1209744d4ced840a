#include "proxy/backend/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/backend/mirror.h"
#include "proxy/backend/pipeline.h"
#include "proxy/events.h"
#include "proxy/generation.h"
#include "proxy/session/session.h"
#include "proxy/socket_rtt.h"

#define RETRY_MS 200u      /* after a refused connection no other is begun for so long */
#define ATTRIBUTES_POOLS_MAX 16u /* of one account on one server that differ in attributes */
#define RESTED_MS 20u /* a connection idle for so long may have been closed by its server */
#define LOOK_AT 8u         /* idle ones compared before the first of them is taken */

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
	pool->account_room = room_of_account(key->account_id, key->slot);
	TAILQ_INIT(&pool->connecting);
	TAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->busy);
	TAILQ_INIT(&pool->line);
	HASH_ADD(hh, w->pools, key, sizeof pool->key, pool);
	return pool;
}

/* What a pool's connections are begun with, besides its key. */
static void describe(struct pool *pool, bool skips_init_connect, const uint8_t *attributes, size_t len)
{
	pool->skips_init_connect = skips_init_connect;
	if (!pool->key.attributes || pool->attributes || !(pool->attributes = malloc(len)))
		return;
	memcpy(pool->attributes, attributes, len);
	pool->attributes_len = len;
}

/* Attributes that differ with every client would leave nobody a connection to share: then they are not passed on. */
static bool may_have_attributes(struct worker *w, const struct pool_key *key)
{
	unsigned n = 0;
	struct pool *pool;
	HASH_FIND(hh, w->pools, key, sizeof *key, pool);
	if (pool)
		return true;
	for (pool = w->pools; pool; pool = pool->hh.next)
		n += pool->key.account_id == key->account_id && pool->key.slot == key->slot && pool->key.attributes;
	return n < ATTRIBUTES_POOLS_MAX;
}

static uint64_t hash_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
	return hash;
}

/* Of a connection that it had before there: without a look into the table. */
static struct pool *pool_of_kept(const struct server_info *server, const struct session *s)
{
	const struct backend *b;
	bool no_schema = state_schema_of(s->want).len == 0;
	LIST_FOREACH(b, &s->kept, kept) {
		const struct pool_key *k = b->pool ? &b->pool->key : NULL;
		if (k && k->slot == server->slot && k->account_id == s->account_id && k->generation == s->generation &&
		    k->caps == (s->caps & SESSION_POOL_CAPS) && k->no_schema == no_schema &&
		    k->mariadb_caps == (s->mariadb_caps & SESSION_POOL_MARIADB_CAPS) &&
		    k->attributes == s->attributes_hash && strcmp(b->pool->user, s->user) == 0)
			return b->pool;
	}
	return NULL;
}

/* What the pools of a session's account have in common there. */
static void key_of(const struct session *s, const struct server_info *server, bool no_schema, struct pool_key *key)
{
	memset(key, 0, sizeof *key); /* what lies between its members is compared too */
	key->account_id = s->account_id;
	key->user = hash_of(s->user);
	key->slot = server->slot;
	key->caps = s->caps & SESSION_POOL_CAPS;
	key->mariadb_caps = s->mariadb_caps & SESSION_POOL_MARIADB_CAPS;
	key->no_schema = no_schema;
}

static struct pool *pool_of(struct worker *w, const struct server_info *server, struct session *s)
{
	struct pool_key key;
	struct pool *known = pool_of_kept(server, s);
	if (known)
		return known;
	/* With nothing left on older connections, it may as well have what new ones begin with. */
	if (!s->pinned && LIST_EMPTY(&s->kept) && !s->run->line_of)
		s->generation = generation_now();
	key_of(s, server, state_schema_of(s->want).len == 0, &key);
	key.generation = s->generation;
	key.attributes = s->attributes_hash;
	if (key.attributes && !may_have_attributes(w, &key))
		key.attributes = s->attributes_hash = 0;
	struct pool *pool = pool_by_key(w, &key, s->user);
	describe(pool, s->skips_init_connect, s->attributes, s->attributes_len);
	return pool;
}

struct pool *pool_for_mirror(struct worker *w, const struct server_info *server, const struct session *s, bool no_schema)
{
	struct pool_key key;
	key_of(s, server, no_schema, &key);
	key.generation = generation_now();
	key.caps &= ~(uint32_t)CAP_LOCAL_FILES;
	key.mirrors = 1;
	struct pool *pool = pool_by_key(w, &key, s->user);
	describe(pool, s->skips_init_connect, NULL, 0);
	return pool;
}

/* ---- the lists ---- */

void pool_move(struct backend *b, enum backend_state to)
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
	default:
		break;
	}
}

/* ---- lending ---- */

void pool_take_this(struct backend *b, struct session *s)
{
	struct pool *pool = b->pool;
	assert(b->state == BACKEND_IDLE && b->keeper == s);
	pool_move(b, BACKEND_BUSY);
	b->session = s;
	b->first_since = b->since;
	b->answered_before = pool->answered;
	pool->used_at = b->since;
	if (b->lent) {
		pool->counts.reused++;
		stat_add(&pool->worker->stats->servers[pool->key.slot].reused, 1);
	}
	b->lent = true;
}

static void lend(struct backend *b, struct session *s)
{
	if (b->keeper != s) {
		insert_id_save_kept(s, b);
		backend_keep(b, s);
	}
	pool_take_this(b, s);
}

void pool_hand_over(struct backend *b, struct session *s)
{
	pool_leave_line(s);
	lend(b, s);
	s->backend = b;
	session_wake(s);
}

static bool has_warnings_of_another(const struct backend *b, const struct session *s)
{
	return b->keeper && b->keeper != s && b->keeper->warned_at == b;
}

/* Somebody may be about to read the warnings that are there: of a read, while he holds another connection. */
static bool has_news_for_another(const struct backend *b, const struct session *s)
{
	return has_warnings_of_another(b, s) && worker_now(b->conn.worker) - b->since < WARNINGS_KEPT_MS;
}

/* Or to read how many rows he has changed, which no other connection can be made to tell. */
static bool has_count_for_another(const struct backend *b, const struct session *s)
{
	return b->keeper && b->keeper != s && b->keeper->last == b && b->keeper->last_affected > 0 &&
	       worker_now(b->conn.worker) - b->since < WARNINGS_KEPT_MS;
}

/* The one that has what the statement asks for: its values of sequences. */
static struct backend *with_sequences(struct pool *pool, const struct session *s)
{
	struct backend *b;
	TAILQ_FOREACH(b, &pool->idle, link)
		if (sequences_are_at(s, b))
			return b;
	return NULL;
}

/* connection_affinity=off: the one that was free longest, whoever kept it, but not where the session was just now. */
static struct backend *other_idle(struct pool *pool, const struct session *s)
{
	struct backend *b, *warned = NULL;
	TAILQ_FOREACH_REVERSE(b, &pool->idle, backend_list, link) {
		if (b == s->last || has_news_for_another(b, s) || has_count_for_another(b, s))
			continue;
		if (!has_warnings_of_another(b, s))
			return b;
		warned = warned ? warned : b;
	}
	return warned;
}

/* The idle one that costs least: the session's own last one, one with the same state, any that nobody may miss. */
static struct backend *best_idle(struct pool *pool, const struct session *s)
{
	struct backend *b = s->run->reads_sequence ? with_sequences(pool, s) : NULL, *any = NULL, *counted = NULL;
	if (b)
		return b;
	if (!pool->worker->snapshot->settings->connection_affinity)
		return other_idle(pool, s);
	LIST_FOREACH(b, &s->kept, kept)
		if (b->pool == pool && b->state == BACKEND_IDLE)
			return b;
	unsigned looked = 0;
	TAILQ_FOREACH(b, &pool->idle, link) {
		if (b->keeps_insert_id || has_news_for_another(b, s))
			continue;
		bool counts = has_count_for_another(b, s) || has_warnings_of_another(b, s);
		if (b->have == s->want && !b->dirty && !counts)
			return b;
		if (counts && !counted)
			counted = b;
		else if (!counts && !any)
			any = b;
		if (++looked == LOOK_AT)
			break;
	}
	return any ? any : counted;
}

/* The server may have closed it a moment ago, and the loop not have come to it. What cannot be run again must not find
 * out by trying; but a connection in steady use is not asked every time. */
bool pool_has_gone(const struct backend *b)
{
	return worker_now(b->conn.worker) - b->since >= RESTED_MS && conn_has_news(&b->conn);
}

static bool has_gone(struct backend *b, const struct session *s)
{
	return !s->run->replayable && pool_has_gone(b);
}

static struct backend *take_idle(struct pool *pool, struct session *s)
{
	struct backend *b;
	while ((b = best_idle(pool, s)) && has_gone(b, s))
		backend_discard(b);
	/* Where no other may be opened, one whose keeper's last insert id must be asked for first. */
	if (!b && (!pool_may_open(pool) || worker_now(pool->worker) < pool->retry_at))
		b = TAILQ_LAST(&pool->idle, backend_list);
	if (b)
		lend(b, s);
	return b;
}

bool pool_has_idle(struct worker *w, const struct server_info *server, struct session *s, bool as_is)
{
	const struct backend *b = best_idle(pool_of(w, server, s), s);
	return b && (!as_is || (b->have == s->want && !b->dirty));
}

enum pool_result pool_take(struct worker *w, const struct server_info *server, struct session *s,
			   struct backend **out, const struct pool **which)
{
	struct pool *pool = pool_of(w, server, s);
	*which = pool;
	if (s->run->line_of && s->run->line_of != pool)
		pool_leave_line(s);
	/* What was tried after this session began to want it has failed: tell it why. */
	if (pool->failed_at && pool->failed_at >= s->wanted_since && pool->error && !pool->n_idle)
		return POOL_FAILED;
	if (s->run->line_of)
		return POOL_WAIT;
	*out = s->run->pipelines ? pipeline_find(pool, s) : NULL;
	if (*out)
		return POOL_BEHIND;
	*out = take_idle(pool, s);
	if (*out)
		return POOL_OK;
	uint64_t queue_max = w->snapshot->settings->queue_max;
	if (queue_max && room_queued(room_of_server(pool->key.slot)) >= queue_max)
		return POOL_CROWDED;
	pool_join_line(pool, s);
	pool_grow(pool);
	*out = s->backend;
	return s->backend ? POOL_OK : POOL_WAIT;
}

/* ---- giving back ---- */

/* Its session has chosen a schema, and nothing unselects one: it belongs to the pool of those that have one. */
static void leave_schemaless(struct backend *b)
{
	struct pool *from = b->pool;
	if (!from->key.no_schema || !state_schema_of(b->have).len)
		return;
	struct pool_key key = from->key;
	key.no_schema = 0;
	struct pool *to = pool_by_key(from->worker, &key, from->user);
	describe(to, from->skips_init_connect, from->attributes, from->attributes_len);
	pool_forget(b);
	b->pool = to;
	TAILQ_INSERT_TAIL(&to->busy, b, link);
	to->n_busy++;
	stat_add(&to->worker->stats->servers[key.slot].used, 1);
	if (from->n_line)
		pool_grow(from);
}

/* A connection that nobody uses: to the first who waits, to others who have waited longer, or to the idle ones. */
static void settle(struct backend *b)
{
	struct pool *pool = b->pool;
	pool_move(b, BACKEND_IDLE);
	conn_set_reading(&b->conn, true);
	struct session *first = TAILQ_FIRST(&pool->line);
	/* connection_affinity=off: another is on its way for those who wait, and this may still be asked something. */
	if (first && pool->n_connecting && !pool->worker->snapshot->settings->connection_affinity &&
	    (has_news_for_another(b, first) || has_count_for_another(b, first)))
		first = NULL;
	if (pool_is_too_old(b))
		pool_retire(b, CLOSED_AGE);
	else if (pool_is_outwaited(pool))
		pool_retire(b, CLOSED_ROOM);
	else if (first)
		pool_hand_over(b, first);
	else if (pool->mirror)
		mirror_go_on(pool);
	else
		return;
	if (pool->n_line || pool->shortage)
		pool_grow(pool);
}

void pool_give(struct backend *b)
{
	struct pool *pool = b->pool;
	b->session = NULL;
	if (pipeline_waits(b) && !conn_is_broken(&b->conn) && !b->killed) {
		pipeline_next(b);
		return;
	}
	if (conn_is_broken(&b->conn) || b->conn.view_len || b->killed) {
		if (conn_is_broken(&b->conn))
			stat_add(&pool->worker->stats->servers[pool->key.slot].lost, 1);
		backend_discard(b);
		pool_grow(pool);
		return;
	}
	leave_schemaless(b);
	settle(b);
}

/* The server has run it at the login. */
static void note_init_connect(struct backend *b, const struct server_info *server)
{
	bool whole;
	backend_set_have(b, backend_initial_state(b->pool->worker, server, b->pool->skips_init_connect, &whole));
	b->init_unknown = !whole;
}

static uint32_t rtt_of(const struct backend *b)
{
	uv_os_fd_t fd;
	return uv_fileno(&b->conn.uv.handle, &fd) == 0 ? socket_least_rtt_us(fd) : 0;
}

void pool_backend_ready(struct backend *b)
{
	struct pool *pool = b->pool;
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	b->born = worker_now(pool->worker);
	b->rtt_us = rtt_of(b);
	b->multi_statements = b->caps & CAP_MULTI_STATEMENTS;
	b->init_connect = server ? server->defaults.init_connect_hash : 0;
	if (server && *server->defaults.init_connect)
		note_init_connect(b, server);
	b->youth = (uint8_t)worker_random(pool->worker);
	pool->failed_at = 0;
	pool->error = 0;
	pool->failing = false;
	if (room_accepted(room_of_server(pool->key.slot)))
		event_note(LOG_LEVEL_INFO, "server-has-room", server ? server->name : "",
			   "it takes more connections again");
	room_accepted(pool->account_room);
	if (b->kill_thread) {
		pool_move(b, BACKEND_IDLE);
		pool_begin_kill(b);
	} else {
		settle(b);
	}
}

/* ---- failures ---- */

bool pool_is_full_code(uint16_t code)
{
	return code == 1040 || code == 1203 || code == 1226;
}

/* Whoever waits goes on waiting: for one of the connections that there are, or for the server to have room. */
static void note_full(struct pool *pool, uint16_t code, const char *text)
{
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	struct room *room = code == 1040 ? room_of_server(pool->key.slot) : pool->account_room;
	if (room_refused(room, worker_now(pool->worker)))
		event_note(LOG_LEVEL_WARNING, code == 1040 ? "server-full" : "account-full",
			   server ? server->name : "", "no more than %u connections%s%s: error %u, %s",
			   room_inside(room), code == 1040 ? "" : " of ", code == 1040 ? "" : pool->user, code, text);
}

void pool_backend_failed(struct backend *b, uint16_t code, const char *sqlstate, const char *text)
{
	struct pool *pool = b->pool;
	struct worker *w = pool->worker;
	pool->error = code;
	snprintf(pool->sqlstate, sizeof pool->sqlstate, "%s", sqlstate);
	snprintf(pool->error_text, sizeof pool->error_text, "%s", text);
	stat_add(&w->stats->servers[pool->key.slot].connect_failures, 1);
	if (pool->mirror && !pool_is_full_code(code))
		mirror_cannot(pool);
	if (pool_is_full_code(code)) {
		pool->failed_at = 0;
		backend_discard(b);
		note_full(pool, code, pool->error_text);
		pool_grow(pool);
		return;
	}
	pool->failing = true;
	pool->unreachable = b->conn.error && b->conn.error != UV_EPROTO;
	pool->retry_at = worker_now(w) + RETRY_MS;
	pool->failed_at = worker_now(w);
	backend_discard(b);
	struct session *s;
	TAILQ_FOREACH(s, &pool->line, run->line)
		session_wake(s);
}
