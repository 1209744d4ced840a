/*
 * The session in which EXPLAIN ROUTE tells of a statement. It has no client, is on no list, and its `supposed` keeps what
 * it does from every connection:
 *
 *   - one that has just logged in;
 *   - the same after statements that it is supposed to have run. Each is classified and routed, and applied by the code
 *     that applies answers, to a connection that stands in for the one it would have been sent to. What the server would
 *     have answered is supposed as well: no error, no warning, and of a transaction what the text tells of it;
 *   - a copy of one that is there, which looks at the same connections and changes none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/handshake.h"
#include "proxy/accounts.h"
#include "proxy/backend/pool.h"
#include "proxy/explain.h"
#include "proxy/session/effects.h"
#include "proxy/session/session.h"

#define COLLATION_UTF8MB4 45 /* utf8mb4_general_ci, which all servers know */

/* A session, and the connections that stand in for those it would have. */
struct supposed {
	struct session session; /* first */
	bool is_copy;           /* of one that is there */
	struct backend *stand_ins[SERVERS_MAX];
};

/* ---- connections that are none ---- */

struct stand_in {
	struct backend backend; /* first */
	struct pool pool;
};

static struct backend *stand_in_for(struct session *s, unsigned slot)
{
	struct backend **at = &((struct supposed *)s)->stand_ins[slot];
	if (*at)
		return *at;
	struct stand_in *in = calloc(1, sizeof *in);
	if (!in)
		abort();
	in->pool.key.slot = slot;
	in->pool.key.caps = s->caps & SESSION_POOL_CAPS;
	in->pool.worker = s->worker;
	in->backend.conn.worker = s->worker;
	in->backend.pool = &in->pool;
	in->backend.slot = slot;
	in->backend.state = BACKEND_IDLE;
	in->backend.have = state_ref(s->want);
	return *at = &in->backend;
}

static void end_stand_ins(struct supposed *u)
{
	for (unsigned slot = 0; slot < SERVERS_MAX; slot++) {
		struct backend *b = u->stand_ins[slot];
		if (!b)
			continue;
		backend_keep(b, NULL);
		state_unref(u->session.worker->states, b->have);
		free(b);
	}
}

/* ---- one that has just logged in ---- */

/* Whose it would be, of several accounts with this name the first. */
static void find_account(struct session *s, struct view user)
{
	const struct account_set *set = s->worker->snapshot->accounts;
	for (size_t i = 0; set && i < account_set_size(set); i++)
		if (view_equal(view_of(account_set_at(set, i)->user), user)) {
			s->account_id = account_set_at(set, i)->id;
			return;
		}
}

static void log_in(struct session *s, const struct explain_where *where)
{
	const struct login login = {.collation = COLLATION_UTF8MB4, .schema = view_of(where->schema)};
	s->caps = CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF | CAP_MULTI_STATEMENTS;
	s->status = STATUS_AUTOCOMMIT;
	s->user = strdup(where->user);
	s->unix_socket = strcmp(where->client, "unix") == 0;
	session_come_from(s, where->client);
	LIST_INIT(&s->kept);
	s->want = state_initial(s->worker->states);
	s->at_login = state_ref(s->want);
	find_account(s, view_of(where->user));
	(void)session_initial_state(s, &login, true);
	routing_state_changed(s);
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	freshness_begin(s, any ? any->flavor : FLAVOR_MYSQL);
}

/* ---- what it is supposed to have run ---- */

/* Of the transaction, as the server's answer would tell it. */
static uint16_t status_after(const struct session *s)
{
	const struct run *r = s->run;
	const uint16_t in_trx = STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY;
	bool autocommit_off = s->autocommit_off;
	uint16_t status = (uint16_t)(s->status & ~in_trx);
	if (r->flags & CLASS_BEGINS) {
		bool told = r->flags & (CLASS_BEGINS_READ_ONLY | CLASS_BEGINS_READ_WRITE);
		bool read_only = told ? (r->flags & CLASS_BEGINS_READ_ONLY) != 0 : s->session_read_only;
		return (uint16_t)(status | STATUS_IN_TRANS | (read_only ? STATUS_IN_TRANS_READONLY : 0));
	}
	if (r->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK))
		return status;
	if ((r->flags & CLASS_DDL) && (r->flags & CLASS_MAY_COMMIT_IMPLICITLY))
		return status;
	if (autocommit_off && (r->flags & CLASS_TOUCHES_TABLE))
		return (uint16_t)(status | STATUS_IN_TRANS);
	return s->status;
}

/* As reply.c would have it from an answer. */
static void suppose_answer(struct session *s)
{
	struct run *r = s->run;
	bool rows = r->route == ROUTE_REPLICA && !(r->flags & CLASS_BEGINS);
	if (s->begun != BEGUN_NOT) {
		r->began = s->begun;
		s->begun = BEGUN_NOT;
	}
	s->status = status_after(s);
	r->reply.kind = rows ? REPLY_END : REPLY_OK;
	r->reply.has_status = true;
	r->reply.status = s->status;
	r->reply.affected = r->flags & CLASS_WRITES ? 1 : 0;
	r->reply.insert_id = r->reason == REASON_WRITE ? 1 : 0;
}

static bool suppose_on_server(struct session *s, char *error, size_t error_size)
{
	struct run *r = s->run;
	char why[320];
	switch (routing_choose(s, why, sizeof why)) {
	case ROUTING_OK:
		break;
	case ROUTING_WAIT:
		snprintf(why, sizeof why, "it would wait until a server may take it");
		/* FALLTHROUGH */
	case ROUTING_NONE:
		snprintf(error, error_size, "AFTER: %s", why);
		return false;
	}
	struct backend *b = s->backend ? s->backend : stand_in_for(s, (unsigned)r->slot);
	s->backend = NULL;
	b->since = worker_now(s->worker);
	suppose_answer(s);
	(void)finish_apply(s, b, true);
	b->conn.error = 0; /* one that is to be closed is another one next time */
	b->state = b == s->pinned ? BACKEND_BUSY : BACKEND_IDLE;
	return true;
}

static bool suppose(struct session *s, const char *text, char *error, size_t error_size)
{
	struct explanation *unread = calloc(1, sizeof *unread);
	struct run *r = run_begin(s, CMD_QUERY);
	if (!unread)
		abort();
	r->explanation = unread; /* nothing counts */
	(void)routing_classify(s, explain_command(r, text));
	bool fine = r->route != ROUTE_DENY;
	if (!fine)
		snprintf(error, error_size, "AFTER: a rule refuses '%.100s'", text);
	else if (r->route != ROUTE_LOCAL && !(r->flags & CLASS_KILL) && !begin_takes(s))
		fine = suppose_on_server(s, error, error_size);
	run_end(s);
	free(unread);
	return fine;
}

/* ---- one that is there ---- */

static bool copy(struct session *s, uint32_t id, char *error, size_t error_size)
{
	struct worker *w = s->worker;
	const struct session *from = session_find(w, id);
	if (!from || from->state == SESSION_LOGIN) {
		snprintf(error, error_size, "There is no session %u%s; SHOW SESSIONS lists them", id,
			 from ? " that has logged in" : "");
		return false;
	}
	*s = *from;
	s->supposed = true;
	s->run = s->saving = NULL;
	s->backend = NULL; /* of a statement in work: it has not changed anything yet */
	s->login = NULL;
	s->reading = NULL;
	s->replay = NULL;
	s->to_ask = s->ask_now = s->woken = false;
	s->state = SESSION_COMMAND;
	s->want = state_ref(from->want);
	s->at_login = state_ref(from->at_login);
	s->user = strdup(from->user ? from->user : "");
	s->peer = strdup(from->peer ? from->peer : "");
	s->trx_key = from->trx_key ? strdup(from->trx_key) : NULL;
	position_init(&s->position, from->position.seen.flavor);
	position_merge(&s->position, &from->position);
	return true;
}

/* ---- both ---- */

struct session *explain_session_begin(struct worker *w, const struct explain_where *where, char *error, size_t error_size)
{
	struct supposed *u = calloc(1, sizeof *u);
	if (!u)
		abort();
	struct session *s = &u->session;
	s->worker = w;
	s->supposed = true;
	u->is_copy = where->connection;
	if (u->is_copy && !copy(s, where->connection, error, error_size)) {
		free(u);
		return NULL;
	}
	if (u->is_copy)
		return s;
	log_in(s, where);
	for (unsigned i = 0; i < where->n_after; i++)
		if (!suppose(s, where->after[i], error, error_size)) {
			explain_session_end(s);
			return NULL;
		}
	return s;
}

void explain_session_end(struct session *s)
{
	struct supposed *u = (struct supposed *)s;
	struct worker *w = s->worker;
	if (!u->is_copy) {
		w->n_limited -= s->wait_timeout != 0;
		end_stand_ins(u);
		hints_end(s);
		effects_free(&s->bound);
		free(s->tracked_variables);
		free(s->pin_cause);
		free(s->trace_note);
	}
	state_unref(w->states, s->want);
	state_unref(w->states, s->at_login);
	position_finish(&s->position);
	last_statement_forget(s);
	free(s->trx_key);
	free(s->user);
	free(s->peer);
	free(u);
}
