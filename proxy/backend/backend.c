#include "proxy/backend/backend.h"

#include <assert.h>
#include <stdlib.h>

#include "protocol/constants.h"
#include "proxy/backend/mirror.h"
#include "proxy/backend/pipeline.h"
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

#define LEAVE_MS 1000u
#define INPUT_MAX (2u << 20) /* the walker looks at no packet larger than 1 MiB */

static void close_now(struct backend *b)
{
	if (b->state == BACKEND_LEAVING)
		TAILQ_REMOVE(&b->conn.worker->leaving, b, link);
	b->state = BACKEND_CLOSING;
	conn_close(&b->conn);
	pool_leave_rooms(b->slot, b->account_room);
	room_unref(b->account_room);
	b->account_room = NULL;
}

/* What was read may hold the answers of several who stand one behind the other. */
static void run_lent(struct backend *b)
{
	b->in_run = true;
	for (bool more = true; more;) {
		struct session *s = b->session;
		unsigned waited = pipeline_waits(b);
		if (b->task)
			pool_task_run(b);
		else
			session_run(s);
		more = b->state == BACKEND_BUSY && waited && pipeline_waits(b) < waited && b->conn.view_len &&
		       (b->task || b->session);
	}
	b->in_run = false;
}

static void on_run(struct conn *c)
{
	struct backend *b = backend_of(c);
	switch (b->state) {
	case BACKEND_CONNECTING:
	case BACKEND_LOGIN:
		backend_login_run(b);
		break;
	case BACKEND_BUSY:
		run_lent(b);
		break;
	case BACKEND_IDLE:
		/* A server speaks unasked only to say good-bye (ERR 4031), or it is gone. */
		backend_discard(b);
		break;
	case BACKEND_LEAVING:
		conn_consume(&b->conn, b->conn.view_len);
		if (b->conn.error)
			close_now(b);
		break;
	case BACKEND_CLOSING:
		break;
	}
}

static void on_closed(struct conn *c)
{
	struct backend *b = backend_of(c);
	struct worker *w = b->conn.worker;
	backend_statements_forget(b);
	state_unref(w->states, b->have);
	pipeline_free(b);
	free(b->draining);
	free(b);
}

static const struct conn_ops ops = {on_run, on_closed};

static void on_connected(struct conn *c, int status)
{
	struct backend *b = backend_of(c);
	if (status == 0) {
		b->state = BACKEND_LOGIN;
		conn_set_reading(c, true);
	}
	backend_login_run(b);
}

struct backend *backend_create(struct pool *pool, const struct server_info *server)
{
	struct backend *b = calloc(1, sizeof *b);
	if (!b)
		abort();
	struct worker *w = pool->worker;
	b->pool = pool;
	b->slot = pool->key.slot;
	b->account_room = room_ref(pool->account_room);
	b->state = BACKEND_CONNECTING;
	b->since = worker_now(w);
	struct state *none = state_initial(w->states);
	b->have = state_names(w->states, none, view_of("utf8mb4"), view_of("utf8mb4_general_ci")); /* of the login */
	state_unref(w->states, none);
	b->fresh = b->insert_id_known = true;
	backend_login_begin(b, server);
	TAILQ_INSERT_TAIL(&pool->connecting, b, link);
	pool->n_connecting++;
	w->backends[pool->key.slot]++;
	stat_add(&w->stats->servers[pool->key.slot].connects, 1);
	int failed = conn_connect(&b->conn, w, (const struct sockaddr *)&server->address, INPUT_MAX, &ops,
				  on_connected);
	if (failed) {
		b->conn.error = failed;
		backend_login_run(b);
		return NULL;
	}
	return b;
}

static enum closed_reason reason_of(const struct backend *b)
{
	if (b->retired)
		return b->retired_for;
	switch (b->state) {
	case BACKEND_CONNECTING:
	case BACKEND_LOGIN:
		return CLOSED_FAILED;
	case BACKEND_IDLE:
		return CLOSED_SERVER;
	default:
		return b->killed ? CLOSED_KILLED : conn_is_broken(&b->conn) ? CLOSED_LOST : CLOSED_SESSION;
	}
}

/* Servers count a connection that ends without a word as aborted. */
static bool say_good_bye(struct backend *b)
{
	static const uint8_t quit[] = {1, 0, 0, 0, CMD_QUIT};
	return b->state == BACKEND_IDLE && !b->conn.view_len && conn_send_command(&b->conn, quit, sizeof quit);
}

/* It counts until the server has closed it: one that takes its place may be one too many for the server before. */
static void leave(struct backend *b)
{
	b->state = BACKEND_LEAVING;
	b->since = worker_now(b->conn.worker);
	TAILQ_INSERT_TAIL(&b->conn.worker->leaving, b, link);
	conn_set_reading(&b->conn, true);
}

void backends_leave(struct worker *w, bool all)
{
	struct backend *b;
	while ((b = TAILQ_FIRST(&w->leaving)) && (all || worker_now(w) - b->since > LEAVE_MS))
		close_now(b);
}

void backend_discard(struct backend *b)
{
	if (b->state >= BACKEND_LEAVING)
		return;
	assert(!b->session);
	pipeline_abandon(b);
	if (b->mirrored)
		mirror_lost(b);
	struct worker *w = b->conn.worker;
	struct pool *pool = b->pool;
	enum closed_reason reason = reason_of(b);
	stat_add(&w->stats->servers[pool->key.slot].closed[reason], 1);
	pool->counts.closed[reason]++;
	bool said = say_good_bye(b);
	backend_keep(b, NULL);
	pool_forget(b);
	backend_login_end(b);
	w->backends[b->slot]--;
	b->pool = NULL;
	if (said)
		leave(b);
	else
		close_now(b);
}

void backend_keep(struct backend *b, struct session *s)
{
	if (b->keeper == s)
		return;
	b->stale |= b->dirty;
	if (b->keeper) {
		session_lost_kept(b->keeper, b);
		LIST_REMOVE(b, kept);
	}
	b->keeper = s;
	b->keeps_insert_id = false;
	if (s)
		LIST_INSERT_HEAD(&s->kept, b, kept);
}

void backend_was_reset(struct backend *b)
{
	backend_statements_forget(b);
	b->dirty = b->stale = false;
	b->insert_id = b->sequences_of = 0;
	b->has_warnings = false;
	b->insert_id_known = true;
}

void backend_set_have(struct backend *b, struct state *state)
{
	state_unref(b->conn.worker->states, b->have);
	b->have = state;
}

struct backend_statement *backend_statement_find(struct backend *b, const struct template *t)
{
	struct backend_statement *s;
	HASH_FIND_PTR(b->statements, &t, s);
	return s;
}

struct backend_statement *backend_statement_add(struct backend *b, struct template *t, uint32_t id)
{
	struct backend_statement *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->template = template_ref(t);
	s->id = id;
	s->used = worker_now(b->conn.worker);
	HASH_ADD_PTR(b->statements, template, s);
	b->n_statements++;
	return s;
}

void backend_statement_remove(struct backend *b, struct backend_statement *s)
{
	HASH_DEL(b->statements, s);
	b->n_statements--;
	template_unref(b->conn.worker, s->template);
	free(s);
}

void backend_statements_forget(struct backend *b)
{
	struct backend_statement *s, *next;
	HASH_ITER(hh, b->statements, s, next)
		backend_statement_remove(b, s);
}
