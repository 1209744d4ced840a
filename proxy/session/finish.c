/*
 * The end of a statement: what it changed becomes the session's state, and the connection goes back to its pool unless
 * something ties the session to it.
 */
#include <assert.h>
#include <string.h>

#include "proxy/backend/pipeline.h"
#include "proxy/backend/pool.h"
#include "proxy/generation.h"
#include "proxy/global_changes.h"
#include "proxy/learned.h"
#include "proxy/log.h"
#include "proxy/session/effects.h"
#include "proxy/session/read_only.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"
#include "proxy/topology.h"

bool session_in_trx(const struct session *s)
{
	return s->pinned && ((s->status & STATUS_IN_TRANS) || s->trx_unknown);
}

/* ---- giving back ---- */

static void remember_last(struct session *s, struct backend *b, bool ok)
{
	backend_keep(b, s);
	/* Preparing one leaves what the last statement has left, where that is, unless it fails. */
	bool leaves = ok ? s->run->command == CMD_STMT_PREPARE : last_statement_keeps_count(s);
	if (!leaves)
		s->last = b;
	insert_id_after(s, b, ok);
	sequences_after(s, b);
}

static void set_pinned(struct session *s, struct backend *b)
{
	if (s->supposed)
		s->pinned = b;
	read_back_watch(s);
	if (b == s->pinned)
		return;
	if (b && !s->pinned) {
		stat_add(&s->worker->stats->pinned, 1);
		s->pinned_since = worker_now(s->worker);
	} else if (!b) {
		stat_sub(&s->worker->stats->pinned, 1);
	}
	s->pinned = b;
	read_back_watch(s);
}

static void lend_back(const struct session *s, struct backend *b)
{
	if (!s->supposed)
		pool_give(b);
}

static void give_back(struct session *s, struct backend *b)
{
	if (s->pinned == b)
		set_pinned(s, NULL);
	lend_back(s, b);
}

void finish_unpin(struct session *s)
{
	struct backend *b = s->pinned;
	if (b && !session_in_trx(s) && !s->pins)
		give_back(s, b);
}

void finish_leave_pinned(struct session *s)
{
	set_pinned(s, NULL);
	s->pins &= ~(uint32_t)PIN_LAST_STATEMENT;
}

void finish_last_statement(struct session *s)
{
	if (!(s->pins & PIN_LAST_STATEMENT))
		return;
	s->pins &= ~(uint32_t)PIN_LAST_STATEMENT;
	read_back_watch(s);
	finish_unpin(s);
}

bool sessions_let_go(struct worker *w, unsigned slot)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->idle, queue) {
		if (worker_now(w) - s->since < WARNINGS_KEPT_MS)
			return false;
		if (s->pinned && s->pinned->slot == slot && s->pins == PIN_LAST_STATEMENT && s->warned &&
		    !session_in_trx(s) && s->state == SESSION_COMMAND) {
			finish_last_statement(s);
			return true;
		}
	}
	return false;
}

void finish_release_all(struct session *s)
{
	struct backend *in_work = s->backend, *pinned = s->pinned;
	struct run *r = s->run;
	bool clean = pinned != in_work && !session_in_trx(s) && !(s->pins & ~(uint32_t)(PIN_LAST_STATEMENT | PIN_SEQUENCE));
	if (s->state == SESSION_CLOSING && r)
		want_backend_ends(s);
	s->backend = NULL;
	set_pinned(s, NULL);
	/* In the middle of an answer, of a transaction, or with state that only it holds: closing is the clean-up. */
	if (in_work && in_work != pinned && r && !r->sent && !r->n_errands) {
		pool_give(in_work); /* it was handed over a moment ago */
	} else if (in_work && r && r->sent && pipeline_waits(in_work) && !conn_is_broken(&in_work->conn)) {
		conn_consume(&in_work->conn, r->answer_held);
		pool_drain(in_work, &r->reply); /* others stand behind it */
	} else if (in_work) {
		/* A server goes on with a statement whose client has closed its connection, unless it is told. */
		if (r && r->sent && !conn_is_broken(&in_work->conn))
			pool_kill(in_work, false);
		in_work->session = NULL;
		backend_discard(in_work);
	}
	if (pinned && clean) {
		pool_give(pinned);
	} else if (pinned && pinned != in_work) {
		pinned->session = NULL;
		backend_discard(pinned);
	}
}

/* MariaDB goes back to the character set of the login, MySQL to its own default. Takes the reference. */
static struct state *with_charsets_after_reset(struct session *s, struct state *reset)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	struct view none = {NULL, 0};
	if (!any || any->flavor != FLAVOR_MYSQL)
		return reset;
	struct state *next = state_names(s->worker->states, reset, none, none);
	if (!next)
		return reset;
	state_unref(s->worker->states, reset);
	return next;
}

/* What others may wait for is not left to the reset ahead of the connection's next use. */
#define PINS_SEEN_BY_OTHERS                                                                                            \
	((uint32_t)(PIN_TABLE_LOCK | PIN_USER_LOCK | PIN_BACKUP_LOCK | PIN_XA | PIN_HANDLER | PIN_ROUTINE | PIN_UNKNOWN))
/* Nor what a reset may leave: a role or a schema that is not known. */
#define PINS_NOT_RESET ((uint32_t)(PIN_ROLE | PIN_SESSION_VARIABLE))

static void let_go_of_pinned(struct session *s)
{
	struct backend *b = s->pinned;
	if (!b)
		return;
	if (session_in_trx(s) || (s->pins & (PINS_SEEN_BY_OTHERS | PINS_NOT_RESET)))
		b->conn.error = UV_ECANCELED; /* closing rolls back and unlocks */
	set_pinned(s, NULL);
	b->dirty = true;
	pool_give(b);
}

void finish_reset(struct session *s)
{
	struct worker *w = s->worker;
	prepared_close_all(s);
	replay_forget(s);
	let_go_of_pinned(s);
	s->pins = 0;
	effects_free(&s->bound);
	s->called = s->wrote = false;
	sequences_forget(s);
	s->watched_ms = 0;
	s->trx_unknown = false;
	s->begun = BEGUN_NOT;
	s->status = STATUS_AUTOCOMMIT;
	while (!LIST_EMPTY(&s->kept))
		backend_keep(LIST_FIRST(&s->kept), NULL);
	if (s->saving)
		s->saving->save_for = NULL; /* its answer is nobody's */
	s->saving = NULL;
	s->insert_id = 0;
	s->last_affected = 0; /* FOUND_ROWS() stays */
	last_statement_forget(s);
	hints_forget(s);
	/* Schema and role survive it on every server. */
	struct state *role = state_role(w->states, s->at_login, state_role_of(s->want));
	struct state *reset = role ? state_schema(w->states, role, state_schema_of(s->want)) : NULL;
	state_unref(w->states, role);
	reset = reset ? with_charsets_after_reset(s, reset) : NULL;
	if (reset) {
		state_unref(w->states, s->want);
		s->want = reset;
	}
	routing_state_changed(s);
}

/* ---- the end ---- */

/* After an ERR nobody has told what the transaction has become. */
static void note_transaction(struct session *s, struct backend *b, bool was_in_trx, bool ok)
{
	struct run *r = s->run;
	bool was_may_be_committed = s->trx_unknown && s->trx_may_be_committed;
	if (r->reply.has_status && ok)
		s->trx_unknown = false;
	if (!ok)
		s->trx_unknown = was_in_trx || s->autocommit_off || (r->flags & (CLASS_BEGINS | CLASS_MULTI));
	/* The servers commit what came before a definition, and then refuse that. */
	bool ends = r->flags & (CLASS_COMMITS | CLASS_MAY_COMMIT_IMPLICITLY);
	s->trx_may_be_committed = s->trx_unknown && (was_may_be_committed || (was_in_trx && ends));
	/* A BEGIN that a replica refused, or a read that failed there under autocommit=0, must not tie the session to it: nothing
	 * is lost with its connection, save for what may tie the session already. */
	bool begins = (r->flags & CLASS_BEGINS) || (s->autocommit_off && !(r->flags & CLASS_MULTI));
	bool free = b != s->pinned || !(s->pins & ~(uint32_t)PIN_LAST_STATEMENT);
	if (!ok && r->on_replica && begins && !was_in_trx && free) {
		b->conn.error = UV_ECANCELED;
		s->trx_unknown = false;
		s->pins &= ~(uint32_t)PIN_LAST_STATEMENT; /* its error is kept here */
	}
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
	/* A function that writes, RETURNING, ANALYZE TABLE: rows for a client that knows no OK behind them. */
	bool may_write = r->reason == REASON_UNKNOWN_FUNCTION ||
			 (r->flags & (CLASS_WRITES | CLASS_CALLS | CLASS_MAY_COMMIT_IMPLICITLY));
	if (ok && r->reply.kind == REPLY_EOF && may_write)
		freshness_note_unknown(s);
}

void finish_tell_others(struct session *s, bool ok)
{
	struct run *r = s->run;
	r->told = true;
	if (r->own || r->command == CMD_RESET_CONNECTION)
		return;
	if (ok && (r->flags & CLASS_NEW_CONNECTIONS))
		generation_changed(r->reason != REASON_SET_GLOBAL || (r->flags & (CLASS_DDL | CLASS_MULTI)));
	if (ok && (r->flags & CLASS_CHANGES_GLOBAL))
		global_changes_note(s->account_id, worker_now(s->worker));
	if (r->flags & CLASS_DDL_CATALOG) {
		topology_request_objects();
		learned_forget();
	}
	note_position(s, session_in_trx(s) || r->began != BEGUN_NOT, ok);
}

/* The connection that the session held has answered COM_RESET_CONNECTION. */
static enum step was_reset(struct session *s, struct backend *b, bool ok)
{
	set_pinned(s, NULL);
	if (!ok || b->init_unknown || (s->pins & PINS_NOT_RESET))
		b->conn.error = UV_ECANCELED;
	backend_was_reset(b);
	backend_set_have(b, state_after_reset(s->worker->states, b->have));
	b->fresh = true;
	finish_reset(s);
	pool_give(b);
	run_end(s);
	return session_enter(s, SESSION_COMMAND);
}

/* It has read what is left of the last statement, and has set user variables to that at most. */
static enum step was_beside(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	struct bound *names = r->bind;
	s->last_was_own = false;
	if (trace_is_on(s))
		trace_statement(s);
	hints_statement_ended(s, ok);
	last_statement_note(s, b, ok);
	if (!conn_is_broken(&b->conn))
		remember_last(s, b, ok);
	r->bind = NULL;
	run_end(s);
	if (ok && names)
		return read_back_beside(s, b, names);
	b->dirty |= names != NULL;
	effects_free(&names);
	pool_give(b);
	return session_enter(s, SESSION_COMMAND);
}

bool finish_apply(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	bool was_in_trx = session_in_trx(s) || r->began != BEGUN_NOT;
	s->last_was_own = false;
	if (ok && r->reads_counters)
		s->watched_ms = worker_now(s->worker);
	effects_apply(s, b, ok);
	if (trace_is_on(s))
		trace_statement(s);
	hints_statement_ended(s, ok);
	if (ok && r->refusal && !r->on_replica)
		learned_note(r->learned_key, r->refusal, worker_now(s->worker),
			     s->worker->snapshot->settings->learned_timeout / 1000);
	last_statement_note(s, b, ok);
	note_transaction(s, b, was_in_trx, ok);
	if (!ok)
		read_only_goes_on(s);
	freshness_note_read(s);
	bool released = ok && ((r->flags & CLASS_RELEASES) || begin_completion_releases(s));
	if (released)
		b->conn.error = UV_ECONNRESET; /* the server closes it, soon */
	if (!conn_is_broken(&b->conn))
		remember_last(s, b, ok);
	bool in_trx = ok ? (s->status & STATUS_IN_TRANS) != 0 : was_in_trx;
	if (ok && read_only_is_over(s, b))
		in_trx = false;
	if (b == s->pinned || !s->pinned) {
		if (in_trx || s->trx_unknown || s->pins)
			set_pinned(s, b);
		else
			give_back(s, b);
	} else {
		if (in_trx)
			b->conn.error = UV_ECANCELED; /* a routine has begun it: closing rolls back */
		lend_back(s, b);
	}
	return released;
}

enum step finish_statement(struct session *s, bool ok)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	assert(b);
	s->backend = NULL;
	/* GET DIAGNOSTICS of a condition that is not there sets nothing, and warns. */
	if (r->diagnoses && r->reply.kind == REPLY_OK && r->reply.warnings) {
		effects_free(&r->bind);
		r->pins_added &= ~(uint32_t)PIN_USER_VARIABLE;
	}
	if (r->own) {
		give_back(s, b);
		return session_enter(s, SESSION_LOGIN);
	}
	if (r->command == CMD_RESET_CONNECTION)
		return was_reset(s, b, ok);
	if (r->beside)
		return was_beside(s, b, ok);
	/* What wye must be told is said again, together with what the client wants now. */
	b->fresh |= (r->flags & CLASS_SETS_TRACKERS) != 0;
	if (!r->told)
		finish_tell_others(s, ok);
	if (ok && r->kill_may)
		kill_user_sessions(s);
	pipelined_note(s, b);
	bool released = finish_apply(s, b, ok);
	if (s->replay)
		replay_answered(s, ok);
	run_end(s);
	if (released)
		return session_fail(s, END_RELEASED);
	return session_enter(s, SESSION_COMMAND);
}

/* ---- a lost server ---- */

enum lost {
	LOST_NOTHING,     /* it can be done again, by the client */
	LOST_ROLLED_BACK, /* a transaction that was to be rolled back, and is */
	LOST_TRANSACTION, /* and with it what came before: its connection's end has rolled that back */
	LOST_IN_DOUBT,    /* it may have been done, and with it what came before be committed */
	LOST_COMMIT_IN_DOUBT,
};

/* A transaction is open on b, or was to begin there: BEGIN, or autocommit=0. */
static bool is_in_trx(const struct session *s, const struct backend *b)
{
	return (b == s->pinned && session_in_trx(s)) || s->run->began != BEGUN_NOT || s->begun != BEGUN_NOT ||
	       s->autocommit_off;
}

static enum lost what_is_lost(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	bool in_trx = is_in_trx(s, b), open = b == s->pinned && session_in_trx(s), sent = r->sent && !r->on_replica;
	bool writes = r->flags & (CLASS_WRITES | CLASS_DDL | CLASS_CALLS);
	bool may_commit = (r->flags & CLASS_MAY_COMMIT_IMPLICITLY) && (open || writes);
	if ((sent && (r->flags & CLASS_COMMITS)) || (open && s->trx_unknown && s->trx_may_be_committed))
		return LOST_COMMIT_IN_DOUBT;
	if (sent && (may_commit || (writes && !in_trx)))
		return LOST_IN_DOUBT;
	bool rolls_back = (r->flags & CLASS_ROLLS_BACK) && !(r->flags & (CLASS_BEGINS | CLASS_MULTI | CLASS_RELEASES));
	if (in_trx && rolls_back && !r->forwarded && r->reason == REASON_COMMIT)
		return LOST_ROLLED_BACK;
	return in_trx ? LOST_TRANSACTION : LOST_NOTHING;
}

static void answer_lost(struct session *s, const char *name, enum lost lost)
{
	switch (lost) {
	case LOST_NOTHING:
		session_answer_error(s, ERROR_UNREACHABLE, "08S01", "wye: lost the connection to %s during the statement", name);
		break;
	case LOST_ROLLED_BACK:
		session_answer_ok(s);
		break;
	case LOST_TRANSACTION:
		session_answer_error(s, 1213, "40001",
				     "wye: lost the connection to %s, which has rolled the transaction back; try restarting "
				     "transaction",
				     name);
		break;
	case LOST_IN_DOUBT:
	case LOST_COMMIT_IN_DOUBT:
		session_answer_error(s, ERROR_UNREACHABLE, "08007",
				     "wye: lost the connection to %s during the statement; whether it was executed%s is not "
				     "known",
				     name, lost == LOST_COMMIT_IN_DOUBT ? ", and the transaction committed," : "");
		break;
	}
}

static enum step tell_lost(struct session *s, const char *name, enum lost lost, bool had_pins)
{
	struct run *r = s->run;
	if (r->own) {
		r->failed_code = ERROR_UNREACHABLE;
		strcpy(r->failed_sqlstate, "08S01");
		r->failed_text = strdup("wye: lost the connection to the server during the login");
		return session_enter(s, SESSION_LOGIN);
	}
	bool at_packet_end = !r->forwarded || (!r->reply.left && !r->reply.continues);
	if (!at_packet_end || r->large)
		return session_fail(s, END_SERVER_LOST);
	if (r->forwarded)
		r->client_seq = (uint8_t)(r->reply.seq + 1);
	if (r->command == CMD_STMT_SEND_LONG_DATA)
		prepared_data_lost(s);
	else
		answer_lost(s, name, lost);
	run_end(s);
	/* Temporary tables, locks and variables went with it: only a new session can be right. */
	return had_pins ? session_fail(s, END_SERVER_LOST) : session_enter(s, SESSION_COMMAND);
}

void finish_lost_backend(struct session *s, struct backend *b)
{
	if (!b->conn.error)
		b->conn.error = UV_ECONNRESET;
	if (b == s->backend)
		s->backend = NULL;
	begin_forget(s);
	if (b == s->pinned) {
		set_pinned(s, NULL);
		s->pins = 0;
		effects_free(&s->bound);
		s->trx_unknown = false;
	}
	pool_give(b);
}

/* Nothing of the statement in work was done, and nothing that it needs was on the connection alone. */
static bool may_go_elsewhere(const struct session *s, bool had_pins)
{
	const struct run *r = s->run;
	if (r->forwarded || r->large || r->own)
		return false;
	if (s->backend != s->pinned)
		return r->replayable || !r->sent;
	return !r->sent && !had_pins && !session_in_trx(s) && !(r->flags & CLASS_READS_LAST);
}

/* COM_RESET_CONNECTION: what it was to undo on the connection went with that. */
static enum step was_reset_by_loss(struct session *s, struct backend *b)
{
	finish_lost_backend(s, b);
	finish_reset(s);
	bool sent = session_answer_ok(s);
	run_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
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
	/* What only the pinned connection held is gone; warnings and counts are nobody's loss. */
	bool had_pins = b == s->pinned && (s->pins & ~(uint32_t)PIN_LAST_STATEMENT);
	bool again = may_go_elsewhere(s, had_pins);
	if (!again && r->own && !r->forwarded)
		again = r->attempts < 4;
	if (again) {
		stat_add(&w->stats->retried, 1);
		return run_again(s, false);
	}
	if (r->command == CMD_RESET_CONNECTION && !r->forwarded)
		return was_reset_by_loss(s, b);
	enum lost lost = what_is_lost(s, b);
	enum step step;
	if ((lost == LOST_NOTHING || lost == LOST_TRANSACTION) && replay_begin(s, &step))
		return step;
	finish_lost_backend(s, b);
	if (!s->pinned)
		replay_forget(s);
	if (!r->on_replica && r->sent)
		freshness_note_unknown(s);
	return tell_lost(s, name, lost, had_pins);
}
