/*
 * A session on its way to another process (proxy/upgrade/): between two commands, outside a transaction, with nothing that
 * ties it to a connection, and plain on the wire.
 *
 *	COMMAND ──> MOVING ──taken──> closed here        there:  (arrives) ──> MOVING ──told that it was taken──> COMMAND
 *	   ^           │
 *	   └──refused──┘
 *
 * Nothing is read from the client in MOVING, so what it sends meanwhile waits in the socket, which both processes have then.
 * The one that it leaves closes its own when the other has said that it has the session; the other reads from it only when
 * that is said, so that whichever of them dies, no byte is lost.
 *
 * What is not carried: which connections it had, and so its LAST_INSERT_ID() is what the last insert told of it, as when a
 * connection is lost; warnings, of which a session that has rested for a second has read what it wanted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/backend/backend.h"
#include "proxy/backend/room.h"
#include "proxy/generation.h"
#include "proxy/global_changes.h"
#include "proxy/positions.h"
#include "proxy/sequence_reads.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"
#include "proxy/shared_position.h"
#include "proxy/upgrade/moving_session.h"
#include "proxy/upgrade/predecessor.h"
#include "proxy/upgrade/session_record.h"
#include "proxy/upgrade/successor.h"

/* ---- may it? ---- */

bool moving_may(struct session *s)
{
	if (s->state != SESSION_COMMAND || s->must_stay || s->run || s->backend || s->login || s->begun != BEGUN_NOT ||
	    s->saving || s->replay || s->took_sequence || s->worker->draining || !conn_can_move(&s->client))
		return false;
	bool rested = worker_now(s->worker) - s->since >= WARNINGS_KEPT_MS;
	if (s->pins == PIN_LAST_STATEMENT && s->warned && rested && !session_in_trx(s))
		finish_last_statement(s);
	return !s->pinned && !s->pins && !s->bound && !s->reading;
}

void sessions_move(struct worker *w)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->idle, queue)
		if (moving_may(s))
			session_wake(s);
}

/* ---- what is told of it ---- */

static bool write_statements(const struct session *s, struct buf *out)
{
	unsigned n = 0;
	for (const struct client_statement *c = s->statements; c; c = c->hh.next) {
		const struct template *t = c->template;
		struct session_record_statement one = {.id = c->id, .local = c->local, .data_lost = c->data_lost,
			.params = t->params, .columns = t->columns, .types_hash = c->types_hash,
			.state = state_content(t->state), .sql = {t->sql, t->len}, .types = {c->types, c->types_len}};
		if (++n > SESSION_STATEMENTS_MAX || !session_record_add_statement(&one, out))
			return false;
	}
	return true;
}

static uint32_t flags_of(const struct session *s)
{
	return (s->unix_socket ? SESSION_UNIX_SOCKET : 0) | (s->skips_init_connect ? SESSION_SKIPS_INIT_CONNECT : 0) |
	       (s->called ? SESSION_CALLED : 0) | (s->wrote ? SESSION_WROTE : 0) |
	       (s->reads_sequences ? SESSION_READS_SEQUENCES : 0) | (s->shown_early ? SESSION_SHOWN_EARLY : 0) |
	       (s->position.unknown ? SESSION_POSITION_UNKNOWN : 0);
}

static uint64_t insert_id_of(const struct session *s)
{
	const struct backend *at = s->insert_id_at;
	return at && at->insert_id_known ? at->insert_id : s->insert_id;
}

/* False: it would be too long. */
static bool write_record(const struct session *s, struct buf *out)
{
	struct buf hints, login_hints, position, statements;
	int level;
	buf_init(&hints, 4096);
	buf_init(&login_hints, 4096);
	buf_init(&position, 1u << 20);
	buf_init(&statements, SESSION_RECORD_MAX);
	bool fine = hints_write(s->hints, &hints) && hints_write(s->login_hints, &login_hints) &&
		    gtid_set_write(&s->position.seen, &position) && write_statements(s, &statements);
	struct session_record r = {
		.id = s->id, .flags = flags_of(s), .caps = s->caps, .mariadb_caps = s->mariadb_caps,
		.listen_route = (uint8_t)s->listen_route, .compression = (uint8_t)conn_compression(&s->client, &level),
		.compression_level = (uint8_t)level, .failed_changes = s->failed_changes, .status = s->status,
		.watched_ms_ago = s->watched_ms ? (uint32_t)(worker_now(s->worker) - s->watched_ms) + 1 : 0,
		.account = s->account_id, .commands = s->commands, .bytes_in = s->bytes_in, .bytes_out = s->bytes_out,
		.insert_id = insert_id_of(s), .user = view_of(s->user), .peer = view_of(s->peer), .attributes = {s->attributes, s->attributes_len},
		.want = state_content(s->want), .at_login = state_content(s->at_login),
		.hints = {buf_data(&hints), buf_len(&hints)}, .login_hints = {buf_data(&login_hints), buf_len(&login_hints)},
		.position = {buf_data(&position), buf_len(&position)}, .next_statement = s->next_statement,
		.last_statement = s->last_statement, .statements = {buf_data(&statements), buf_len(&statements)},
	};
	last_statement_tell(s, &r);
	fine = fine && session_record_write(&r, out);
	buf_finish(&hints);
	buf_finish(&login_hints);
	buf_finish(&position);
	buf_finish(&statements);
	return fine;
}

/* ---- it leaves ---- */

static enum step stay(struct session *s)
{
	s->must_stay = true;
	return STEP_AGAIN;
}

void moving_answered(struct worker *w, void *arg)
{
	struct moving_session *m = arg;
	struct session *s = session_find(w, m->id);
	bool taken = m->taken, arrives = m->arrives;
	moving_session_free(m);
	if (!s || s->state != SESSION_MOVING)
		return;
	if (arrives) { /* the process that it comes from knows that it is here */
		session_enter(s, SESSION_COMMAND);
		session_run(s);
		return;
	}
	if (taken) {
		s->end = END_MOVED;
		s->audited = false; /* it has not logged out */
		session_close(s);
		return;
	}
	stay(s);
	session_enter(s, SESSION_COMMAND);
	session_run(s);
}

enum step moving_begin(struct session *s)
{
	struct moving_session *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	/* What it has read since it last wrote is known by the next look, there as here. */
	if (!freshness_settle_idle(s))
		position_note_unknown(&s->position);
	m->id = s->id;
	m->worker = s->worker;
	m->account = s->account_id;
	buf_init(&m->record, SESSION_RECORD_MAX);
	m->file = write_record(s, &m->record) ? conn_copy_socket(&s->client) : -1;
	if (m->file < 0) {
		moving_session_free(m);
		return stay(s);
	}
	session_enter(s, SESSION_MOVING);
	if (successor_take(m))
		return STEP_WAIT;
	moving_session_free(m);
	session_enter(s, SESSION_COMMAND);
	return stay(s);
}

enum step moving_step(struct session *s)
{
	(void)s;
	return STEP_WAIT;
}

/* ---- it arrives ---- */

static bool restore_statements(struct session *s, struct view rest)
{
	struct worker *w = s->worker;
	struct session_record_statement one;
	while (session_record_next_statement(&rest, &one)) {
		struct state *state = state_restore(w->states, one.state);
		if (!state || prepared_find(s, one.id))
			return state_unref(w->states, state), false;
		struct template *t = template_get(w, one.sql, state);
		state_unref(w->states, state);
		t->params = one.params;
		t->columns = one.columns;
		struct client_statement *c = prepared_restore(s, one.id, t);
		template_unref(w, t);
		c->local = one.local;
		c->data_lost = one.data_lost;
		c->types_hash = one.types_hash;
		c->types = one.types.len ? malloc(one.types.len) : NULL;
		c->types_len = c->types ? one.types.len : 0;
		if (c->types)
			memcpy(c->types, one.types.p, one.types.len);
	}
	return true;
}

static bool restore_state(struct session *s, const struct session_record *r)
{
	struct worker *w = s->worker;
	struct state *want = state_restore(w->states, r->want), *at_login = state_restore(w->states, r->at_login);
	if (!want || !at_login) {
		state_unref(w->states, want);
		state_unref(w->states, at_login);
		return false;
	}
	state_unref(w->states, s->want);
	state_unref(w->states, s->at_login);
	s->want = want;
	s->at_login = at_login;
	routing_state_changed(s);
	return true;
}

/* Whoever shares its causal key there may have written while it was there. */
static void join_key(const struct session *s, const struct session_hints *h)
{
	struct view key = hints_causal_key(h), untold = {NULL, 0};
	if (key.len)
		shared_position_note(s->account_id, key, s->position.seen.flavor, untold);
}

static bool restore_position(struct session *s, const struct session_record *r)
{
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	struct gtid_set seen;
	freshness_begin(s, server ? server->flavor : FLAVOR_MYSQL);
	gtid_set_init(&seen, s->position.seen.flavor);
	bool fine = gtid_set_parse(&seen, r->position) == GTID_OK;
	if (fine)
		position_note_set(&s->position, &seen);
	gtid_set_finish(&seen);
	s->shown_early = r->flags & SESSION_SHOWN_EARLY;
	if (r->flags & SESSION_POSITION_UNKNOWN) {
		position_note_unknown(&s->position);
		s->bound_number = positions_number();
	}
	join_key(s, s->hints);
	return fine;
}

static void restore_counters(struct session *s, const struct session_record *r)
{
	uint64_t now = worker_now(s->worker);
	s->commands = r->commands;
	s->bytes_in = r->bytes_in;
	s->bytes_out = r->bytes_out;
	s->watched_ms = r->watched_ms_ago && now >= r->watched_ms_ago ? now - (r->watched_ms_ago - 1) : 0;
	s->status = r->status;
	s->failed_changes = r->failed_changes;
	s->insert_id = r->insert_id;
	s->next_statement = r->next_statement;
	s->last_statement = r->last_statement;
	s->called = r->flags & SESSION_CALLED;
	s->wrote = r->flags & SESSION_WROTE;
	s->reads_sequences = r->flags & SESSION_READS_SEQUENCES;
	if (s->reads_sequences)
		sequence_reads_note();
	last_statement_restore(s, r);
}

/* It is in, whatever the limits: it was before. */
static void enter_rooms(struct session *s)
{
	room_force(room_of_clients());
	s->counted = true;
	s->account_clients = room_of_account(s->account_id, ROOM_CLIENTS);
	room_force(s->account_clients);
}

/* What a proxy ahead of wye has told of it, if one did. */
static void restore_peer(struct session *s, struct view peer)
{
	char text[256];
	snprintf(text, sizeof text, "%.*s", (int)(peer.len & 0xFF), (const char *)peer.p);
	session_come_from(s, text);
}

static bool restore(struct session *s, const struct session_record *r, uint64_t account)
{
	s->caps = r->caps;
	s->mariadb_caps = r->mariadb_caps;
	s->account_id = account;
	s->generation = generation_now();
	s->audited = true;
	restore_peer(s, r->peer);
	s->user = strndup(r->user.p ? (const char *)r->user.p : "", r->user.len);
	s->skips_init_connect = r->flags & SESSION_SKIPS_INIT_CONNECT;
	enter_rooms(s);
	attributes_restore(s, r->attributes);
	s->hints = hints_restore(r->hints);
	s->login_hints = hints_restore(r->login_hints);
	if (r->compression &&
	    !conn_start_compression(&s->client, (enum compress_algorithm)r->compression, r->compression_level))
		return false;
	if (!restore_state(s, r) || !restore_position(s, r) || !restore_statements(s, r->statements))
		return false;
	restore_counters(s, r);
	return true;
}

void moving_arrive(struct worker *w, void *arg)
{
	struct moving_session *m = arg;
	struct session_record r;
	struct view bytes = {buf_data(&m->record), buf_len(&m->record)};
	struct session *s = NULL;
	int file = m->file;
	m->file = -1;
	if (!session_record_read(bytes, &r) || r.listen_route > LISTEN_REPLICA || r.compression > COMPRESS_ZSTD ||
	    session_find(w, r.id))
		close(file);
	else
		atomic_fetch_add_explicit(&w->load, 1, memory_order_relaxed),
			s = session_new(w, file, r.flags & SESSION_UNIX_SOCKET, (enum listen_route)r.listen_route, r.id);
	if (s)
		session_enter(s, SESSION_MOVING);
	m->taken = s && restore(s, &r, m->account);
	if (s && !m->taken) {
		s->end = END_MOVED;
		s->audited = false;
		session_close(s);
	}
	m->arrives = true;
	if (!predecessor_tell(m))
		moving_session_free(m);
}
