/*
 * The end of a statement: what it changed becomes the session's state, and the connection goes back to its pool unless
 * something ties the session to it.
 */
#include <assert.h>
#include <string.h>

#include "protocol/tracker.h"
#include "proxy/backend/pool.h"
#include "proxy/learned.h"
#include "proxy/log.h"
#include "proxy/session/session.h"
#include "proxy/topology.h"

bool session_in_trx(const struct session *s)
{
	return s->pinned && ((s->status & STATUS_IN_TRANS) || s->trx_unknown);
}

/* ---- what the server told ---- */

static void note_variable(struct session *s, const struct tracker_entry *e, bool apply_state)
{
	if (view_equal(e->name, view_of("last_gtid"))) {
		freshness_note_position(s, FLAVOR_MARIADB, e->value);
		return;
	}
	/* A routine has set it: nobody could read that in the statement's text. */
	if (!apply_state)
		return;
	struct worker *w = s->worker;
	struct run *r = s->run;
	const struct state *from = r->next ? r->next : s->want;
	struct state *next = state_set_shown(w->states, from, e->name, e->value);
	if (!next)
		r->next_unknown = true;
	state_unref(w->states, next ? r->next : NULL);
	if (next)
		r->next = next;
}

static void note_schema(struct session *s, struct view schema)
{
	struct run *r = s->run;
	const struct state *expected = r->next ? r->next : s->want;
	if (view_equal(state_schema_of(expected), schema))
		return;
	struct state *next = state_schema(s->worker->states, expected, schema);
	if (!next) {
		r->next_unknown = true;
		return;
	}
	state_unref(s->worker->states, r->next);
	r->next = next;
}

void finish_note_trackers(struct session *s, struct view trackers, bool apply_state)
{
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, trackers);
	while (tracker_next(&it, &e)) {
		switch (e.type) {
		case TRACK_SYSTEM_VARIABLES:
			note_variable(s, &e, apply_state);
			break;
		case TRACK_SCHEMA:
			note_schema(s, e.value);
			break;
		case TRACK_GTIDS:
			freshness_note_position(s, FLAVOR_MYSQL, e.value);
			break;
		default:
			break;
		}
	}
}

/* ---- giving back ---- */

static void remember_last(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	backend_keep(b, s);
	s->last = b;
	bool wrote = r->flags & (CLASS_WRITES | CLASS_CALLS | CLASS_SETS_LAST_INSERT_ID | CLASS_MULTI);
	if (wrote && (!ok || r->reply.insert_id || (r->flags & (CLASS_CALLS | CLASS_MULTI | CLASS_SETS_LAST_INSERT_ID)))) {
		if (s->insert_id_at && s->insert_id_at != b)
			s->insert_id_at->keeps_insert_id = false;
		/* Should the connection be lost: what nearly every statement makes of LAST_INSERT_ID(). */
		if (r->reply.insert_id)
			s->insert_id = r->reply.insert_id;
		s->insert_id_at = b;
		b->keeps_insert_id = true;
	}
}

static void set_pinned(struct session *s, struct backend *b)
{
	if (b == s->pinned)
		return;
	if (b && !s->pinned) {
		stat_add(&s->worker->stats->pinned, 1);
		s->pinned_since = worker_now(s->worker);
	} else if (!b) {
		stat_sub(&s->worker->stats->pinned, 1);
	}
	s->pinned = b;
}

static void give_back(struct session *s, struct backend *b)
{
	if (s->pinned == b)
		set_pinned(s, NULL);
	pool_give(b);
}

void finish_unpin(struct session *s)
{
	struct backend *b = s->pinned;
	if (b && !session_in_trx(s) && !s->pins)
		give_back(s, b);
}

void finish_last_statement(struct session *s)
{
	if (!(s->pins & PIN_LAST_STATEMENT))
		return;
	s->pins &= ~(uint32_t)PIN_LAST_STATEMENT;
	finish_unpin(s);
}

void finish_release_all(struct session *s)
{
	struct backend *in_work = s->backend, *pinned = s->pinned;
	struct run *r = s->run;
	if (s->state == SESSION_CLOSING && r && r->waiting_since) {
		stat_sub(&s->worker->stats->queued, 1);
		r->waiting_since = 0;
	}
	s->backend = NULL;
	set_pinned(s, NULL);
	/* In the middle of an answer, of a transaction, or with state that only it holds: closing is the clean-up. */
	if (in_work && in_work != pinned && r && !r->sent && !r->n_errands) {
		pool_give(in_work); /* it was handed over a moment ago */
	} else if (in_work) {
		/* A server goes on with a statement whose client has closed its connection, unless it is told. */
		if (r && r->sent && !conn_is_broken(&in_work->conn))
			pool_kill(in_work, false);
		in_work->session = NULL;
		backend_discard(in_work);
	}
	if (pinned && pinned != in_work) {
		pinned->session = NULL;
		backend_discard(pinned);
	}
}

void finish_reset(struct session *s)
{
	struct worker *w = s->worker;
	prepared_close_all(s);
	if (s->pinned) {
		struct backend *b = s->pinned;
		bool open = session_in_trx(s);
		set_pinned(s, NULL);
		if (open)
			b->conn.error = UV_ECANCELED; /* closing rolls back */
		b->dirty = true;
		pool_give(b);
	}
	s->pins = 0;
	s->trx_unknown = false;
	s->status = STATUS_AUTOCOMMIT;
	while (!LIST_EMPTY(&s->kept))
		backend_keep(LIST_FIRST(&s->kept), NULL);
	s->insert_id = 0;
	hints_forget(s);
	struct view schema = state_schema_of(s->want);
	struct state *reset = state_schema(w->states, s->at_login, schema);
	if (reset) {
		state_unref(w->states, s->want);
		s->want = reset;
	}
	routing_state_changed(s);
}

/* ---- the end ---- */

static void apply_state(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	if (ok && r->next) {
		struct state *next = r->next;
		r->next = NULL;
		state_unref(w->states, s->want);
		s->want = next;
		/* What one server has accepted, it accepts again. */
		worker_accept_state(w, next, b->pool->key.slot);
		backend_set_have(b, state_ref(next));
		routing_state_changed(s);
	} else if (!ok && r->next && (r->flags & (CLASS_MULTI | CLASS_CALLS))) {
		r->next_unknown = true; /* how far it came is not known */
	}
	if (r->next_unknown && (ok || (r->flags & CLASS_MULTI)))
		s->pins |= PIN_SESSION_VARIABLE;
}

static void apply_pins(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	if (!ok && !(r->flags & CLASS_MULTI)) {
		prepared_finished(s, b, false);
		return;
	}
	uint32_t before = s->pins;
	s->pins = (s->pins & ~r->pins_released) | r->pins_added;
	prepared_finished(s, b, ok);
	/* Warnings are there until the next statement, on this connection only. */
	if (ok && r->reply.warnings && (!s->pinned || s->pinned == b) && (r->command == CMD_QUERY || prepared_executes(r->command)))
		s->pins |= PIN_LAST_STATEMENT;
	if (s->pins & ~before)
		b->dirty |= (s->pins & ~(uint32_t)PIN_LAST_STATEMENT) != 0;
	if (r->pin_cause && (s->pins & ~before)) {
		free(s->pin_cause);
		s->pin_cause = r->pin_cause;
		r->pin_cause = NULL;
	}
	for (unsigned i = 0; i < PIN_COUNT; i++)
		if ((s->pins & ~before) & (1u << i))
			stat_add(&s->worker->stats->pins[i], 1);
}

/* After an ERR nobody has told what the transaction has become. */
static void note_transaction(struct session *s, bool was_in_trx, bool ok)
{
	struct run *r = s->run;
	if (r->reply.has_status && ok)
		s->trx_unknown = false;
	if (!ok)
		s->trx_unknown = was_in_trx || s->autocommit_off || (r->flags & (CLASS_BEGINS | CLASS_MULTI));
}

/* Something may be committed whose position no tracker told. */
static void note_position(struct session *s, bool was_in_trx, bool ok)
{
	struct run *r = s->run;
	if (r->on_replica)
		return;
	if (!ok && ((r->flags & (CLASS_MULTI | CLASS_CALLS)) ||
		    ((r->flags & CLASS_MAY_COMMIT_IMPLICITLY) && (was_in_trx || (r->flags & CLASS_DDL)))))
		freshness_note_unknown(s);
	/* A function that writes, called from a SELECT of a client that knows no OK after rows. */
	if (ok && r->reply.kind == REPLY_EOF && (r->reason == REASON_UNKNOWN_FUNCTION || (r->flags & CLASS_CALLS)))
		freshness_note_unknown(s);
}

enum step finish_statement(struct session *s, bool ok)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	assert(b);
	s->backend = NULL;
	if (r->own) {
		give_back(s, b);
		return session_enter(s, SESSION_LOGIN);
	}
	bool was_in_trx = session_in_trx(s);
	apply_state(s, b, ok);
	hints_statement_ended(s, ok);
	apply_pins(s, b, ok);
	if (r->flags & CLASS_DDL_CATALOG) {
		topology_request_objects();
		learned_forget();
	}
	if (ok && r->refusal && !r->on_replica)
		learned_note(r->learned_key, r->refusal, worker_now(s->worker),
			     s->worker->snapshot->settings->learned_timeout / 1000);
	note_transaction(s, was_in_trx, ok);
	note_position(s, was_in_trx, ok);
	freshness_note_read(s);
	bool released = ok && (r->flags & CLASS_RELEASES);
	if (!conn_is_broken(&b->conn))
		remember_last(s, b, ok);
	bool in_trx = ok ? (s->status & STATUS_IN_TRANS) != 0 : was_in_trx;
	if (b == s->pinned || !s->pinned) {
		if (in_trx || s->trx_unknown || s->pins)
			set_pinned(s, b);
		else
			give_back(s, b);
	} else {
		pool_give(b);
	}
	run_end(s);
	if (released)
		return session_fail(s, END_RELEASED);
	return session_enter(s, SESSION_COMMAND);
}

/* ---- a lost server ---- */

static enum step tell_lost(struct session *s, const char *name, bool had_pins)
{
	struct run *r = s->run;
	if (r->own) {
		r->failed_code = 2013;
		strcpy(r->failed_sqlstate, "HY000");
		r->failed_text = strdup("wye: lost the connection to the server during the login");
		return session_enter(s, SESSION_LOGIN);
	}
	bool wrote = !r->on_replica && (r->flags & (CLASS_WRITES | CLASS_DDL | CLASS_CALLS | CLASS_COMMITS));
	bool at_packet_end = !r->forwarded || (!r->reply.left && !r->reply.continues);
	if (!at_packet_end || r->large)
		return session_fail(s, END_SERVER_LOST);
	if (r->forwarded)
		r->client_seq = (uint8_t)(r->reply.seq + 1);
	session_answer_error(s, 2013, "HY000", "wye: lost the connection to %s during the statement%s", name,
		     r->sent && wrote ? "; whether it was executed is not known" : "");
	run_end(s);
	/* Temporary tables, locks and variables went with it: only a new session can be right. */
	return had_pins ? session_fail(s, END_SERVER_LOST) : session_enter(s, SESSION_COMMAND);
}

enum step finish_lost_server(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	struct worker *w = s->worker;
	unsigned slot = b->pool->key.slot;
	const struct server_info *server = snapshot_server_by_slot(w->snapshot, slot);
	char name[280];
	snprintf(name, sizeof name, "%s", server ? server->name : "a server");
	log_info("backend-lost", "session=%u server=%s error=\"%s\" sent=%d", s->id, name,
		 b->conn.error ? uv_strerror(b->conn.error) : "", r->sent);
	topology_suspect(slot);
	if (!b->conn.error)
		b->conn.error = UV_ECONNRESET;
	bool was_pinned = b == s->pinned;
	/* What only the pinned connection held is gone; warnings and counts are nobody's loss. */
	bool had_pins = was_pinned && (s->pins & ~(uint32_t)PIN_LAST_STATEMENT);
	bool again = !was_pinned && !r->forwarded && !r->large && (r->replayable || !r->sent) && !r->own;
	if (!again && r->own && !r->forwarded)
		again = r->attempts < 4;
	if (again) {
		stat_add(&w->stats->retried, 1);
		return run_again(s, false);
	}
	s->backend = NULL;
	if (was_pinned) {
		set_pinned(s, NULL);
		s->pins = 0;
		s->trx_unknown = false;
		s->status &= (uint16_t)~(STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY);
	}
	pool_give(b);
	if (!r->on_replica && r->sent)
		freshness_note_unknown(s);
	return tell_lost(s, name, had_pins);
}
