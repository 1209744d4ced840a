/*
 * Errands: what a backend must be told ahead of a session's statement, and eating the answers.
 *
 * They are written in front of the statement, in the same write. Where a statement that cannot be taken back would run
 * in a state that this server has never accepted before, the errands go first and alone.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

/* A position of very many ranges; one that is longer is not waited for on this connection or any other. */
#define WAIT_SQL_MAX (256u << 10)
/* A SIGNAL with an error of wye's own, whose text it bounds. */
#define LAST_SQL_MAX (8u << 10)
#define LAST_ID_SQL "SELECT LAST_INSERT_ID() LIMIT 1"
/* The longest answer with one value: a set of very many ranges. */
#define VALUE_MAX (1u << 20)

static bool add(struct session *s, struct buf *out, enum errand_kind kind, uint8_t command, struct view text)
{
	struct run *r = s->run;
	assert(r->n_errands < ERRANDS_MAX);
	uint8_t seq = 0;
	/* Where query attributes are in effect there must be a word of them: none, in one set. */
	struct view none = command == CMD_QUERY && s->backend->caps & CAP_QUERY_ATTRIBUTES
				   ? (struct view){(const uint8_t *)"\0\1", 2}
				   : (struct view){NULL, 0};
	size_t begin = packet_begin(out);
	if (begin == SIZE_MAX || !write_u8(out, command) || !write_bytes(out, none.p, none.len) ||
	    !write_bytes(out, text.p, text.len) ||
	    !packet_end(out, begin, &seq))
		return false;
	r->errands[r->n_errands++] = kind;
	return true;
}

static uint8_t command_of(enum errand_kind kind)
{
	switch (kind) {
	case ERRAND_RESET:
		return CMD_RESET_CONNECTION;
	case ERRAND_OPTION:
		return CMD_SET_OPTION;
	case ERRAND_SCHEMA:
		return CMD_INIT_DB;
	case ERRAND_PREPARE:
		return CMD_STMT_PREPARE;
	default:
		return CMD_QUERY;
	}
}

static enum flavor flavor_of(const struct session *s, unsigned slot)
{
	const struct server_info *server = snapshot_server_by_slot(s->worker->snapshot, slot);
	return server ? server->flavor : FLAVOR_MYSQL;
}

/* The state that the statement must find: its template's while it is being prepared, else the session's. A reference.
 * Nothing unselects a schema: what was prepared in one runs there for a session that has none any more. */
static struct state *target_state(const struct session *s)
{
	struct template *t = s->run->preparing;
	struct view schema = state_schema_of(s->backend->have);
	struct state *target = NULL;
	if (t)
		target = state_with_users_of(s->worker->states, t->state, s->want);
	else if (s->run->statement && schema.len && !state_schema_of(s->want).len)
		target = state_schema(s->worker->states, s->want, schema);
	return target ? target : state_ref(s->want);
}

/* MariaDB has no word for the role that the login gave. */
static bool add_role(struct session *s, struct buf *out, struct view role)
{
	char text[512];
	if (!role.len && flavor_of(s, (unsigned)s->run->slot) == FLAVOR_MARIADB)
		return false;
	int n = snprintf(text, sizeof text, "SET ROLE %.*s", role.len ? (int)role.len : 7,
			 role.len ? (const char *)role.p : "DEFAULT");
	return n < (int)sizeof text && add(s, out, ERRAND_ROLE, CMD_QUERY, view_of(text));
}

static bool collect_state(struct session *s, struct buf *out, struct state *have, struct state *want, unsigned *diff)
{
	struct buf sql;
	buf_init(&sql, STATE_BYTES_MAX * 2);
	*diff = state_diff(have, want, &sql);
	bool done = !(*diff & DIFF_RESET);
	if (done && (*diff & DIFF_ROLE))
		done = add_role(s, out, state_role_of(want));
	if (done && (*diff & DIFF_SCHEMA))
		done = add(s, out, ERRAND_SCHEMA, CMD_INIT_DB, state_schema_of(want));
	if (done && (*diff & DIFF_SET))
		done = add(s, out, ERRAND_STATE, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	return done;
}

static bool add_wait(struct session *s, struct buf *out)
{
	struct buf sql;
	buf_init(&sql, WAIT_SQL_MAX);
	bool done = freshness_wait_sql(s, &sql) &&
		    add(s, out, ERRAND_WAIT, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	return done;
}

static bool add_trackers(struct session *s, struct buf *out, const struct state *want)
{
	struct buf sql;
	buf_init(&sql, STATE_BYTES_MAX);
	bool in_trx = s->backend == s->pinned && session_in_trx(s);
	bool done = trackers_sql(want, flavor_of(s, (unsigned)s->run->slot), in_trx, &sql) &&
		    add(s, out, ERRAND_TRACKERS, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	return done;
}

static bool add_last(struct session *s, struct buf *out)
{
	struct buf sql;
	buf_init(&sql, LAST_SQL_MAX);
	bool done = last_statement_again(s, &sql) &&
		    add(s, out, ERRAND_LAST, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_reset(&sql);
	bool signals = s->own_error && s->run->reason != REASON_FOUND_ROWS && !last_statement_again_leaves(s, s->backend);
	if (done && signals)
		done = last_statement_signal(s, &sql) &&
		       add(s, out, ERRAND_SIGNAL, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	/* Rows, or an error, have left -1 as ROW_COUNT(). SET leaves 0, and FOUND_ROWS() as it is; DO would not, on MySQL.
	 * After an error that is still to be told there was one only on MariaDB, whose SET leaves that too. */
	if (done && s->last_affected == 0 && (s->run->reads_found_rows || signals))
		done = add(s, out, ERRAND_LAST, CMD_QUERY, view_of("SET @@sql_notes=@@sql_notes"));
	buf_finish(&sql);
	return done;
}

static bool add_error(struct session *s, struct buf *out)
{
	struct buf sql;
	buf_init(&sql, LAST_SQL_MAX);
	bool done = last_statement_signal(s, &sql) &&
		    add(s, out, ERRAND_SIGNAL, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	s->run->carries_error = true;
	return done;
}

static bool add_count(struct session *s, struct buf *out)
{
	struct buf sql;
	buf_init(&sql, LAST_SQL_MAX);
	bool done = last_statement_count(s, &sql) &&
		    add(s, out, ERRAND_CLEAR, CMD_QUERY, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	return done;
}

/* What is waited for, or asked, may send the statement elsewhere: it has not begun before that is known. */
static bool add_begin(struct session *s, struct buf *out, bool *ahead)
{
	struct run *r = s->run;
	if (!r->wait && !r->ask)
		return add(s, out, ERRAND_BEGIN, CMD_QUERY, begin_sql(s));
	*ahead = false;
	return true;
}

/* A write whose schema must change first, or whose state this server has not accepted yet, is not sent blindly. */
static bool is_safe_ahead(struct session *s, unsigned diff, struct state *want)
{
	struct run *r = s->run;
	if (!diff || r->replayable)
		return true;
	bool users_only = (diff & DIFF_USER) && !(diff & DIFF_ROLE);
	return !(diff & DIFF_SCHEMA) && (users_only || worker_state_accepted(s->worker, want, (unsigned)r->slot));
}

/* The session's own statements see what they left; another's must not. Nothing else takes a user variable away. */
static bool needs_reset(const struct session *s, const struct state *want)
{
	const struct backend *b = s->backend;
	if (s->run->chosen_pinned)
		return false;
	/* Nothing of this session was left here, so nothing must be seen: no warnings, no counts, no status. */
	bool reads_last = (s->run->flags & CLASS_READS_LAST) && b != s->last && b != s->insert_id_at && !s->run->was_reset;
	return b->stale || reads_last || sequences_in_the_way(s, b) || state_leaves_users(b->have, want);
}

/* COM_SET_OPTION's argument, two bytes: 0 is on, 1 is off. */
static struct view view_of_option(bool multi_statements)
{
	static const uint8_t on[2] = {0, 0}, off[2] = {1, 0};
	return (struct view){multi_statements ? on : off, 2};
}

/* A SET would leave nothing of the warnings that are to be read, and user variables can wait where none is read. */
static bool leaves_users_behind(const struct session *s, const struct state *have, const struct state *want)
{
	const struct run *r = s->run;
	bool reads_users = (r->flags & CLASS_READS_USER_VARIABLE) && r->reason != REASON_WARNINGS;
	if (!(r->flags & CLASS_READS_LAST) || s->warned_at != s->backend || r->next || reads_users)
		return false;
	struct buf sql;
	buf_init(&sql, STATE_BYTES_MAX * 2);
	unsigned diff = state_diff(have, want, &sql);
	buf_finish(&sql);
	return diff == (DIFF_SET | DIFF_USER) || (r->beside && diff == DIFF_RESET);
}

static enum errands_result collect(struct session *s, struct buf *out)
{
	struct worker *w = s->worker;
	struct run *r = s->run;
	struct backend *b = s->backend;
	char text[64];
	bool done = true;
	unsigned diff = DIFF_NONE;
	struct state *have = b->have, *want = target_state(s);
	r->n_errands = r->at_errand = 0;
	state_unref(w->states, r->errand_state);
	r->errand_state = NULL;
	bool reset = needs_reset(s, want);
	if (r->save_for)
		done = add(s, out, ERRAND_SAVE_ID, CMD_QUERY, view_of(LAST_ID_SQL));
	if (r->saves_own) {
		state_unref(w->states, want);
		return done ? ERRANDS_FIRST : ERRANDS_IMPOSSIBLE;
	}
	if (reset && b->init_unknown)
		return state_unref(w->states, want), ERRANDS_IMPOSSIBLE;
	if (reset) {
		done = done && add(s, out, ERRAND_RESET, CMD_RESET_CONNECTION, (struct view){NULL, 0});
		r->errands_reset = true;
		have = state_after_reset(w->states, b->have);
	} else {
		state_ref(have);
	}
	if (have != want && !reset && leaves_users_behind(s, have, want)) {
		state_unref(w->states, want);
		want = state_ref(have);
	}
	bool multi = s->caps & CAP_MULTI_STATEMENTS;
	if (b->multi_statements != multi)
		done = done && add(s, out, ERRAND_OPTION, CMD_SET_OPTION, view_of_option(multi));
	if (have != want)
		done = done && collect_state(s, out, have, want, &diff);
	if (have != want || reset)
		r->errand_state = state_ref(want);
	/* Behind what the client may have asked to be told, which must not keep wye from being told. */
	if (b->fresh || reset || (have != want && trackers_differ(have, want)))
		done = done && add_trackers(s, out, want);
	bool sets_id = insert_id_matters(s) && !insert_id_is_there(s, b, reset);
	if (sets_id) {
		snprintf(text, sizeof text, "SET last_insert_id=%llu", (unsigned long long)s->insert_id);
		done = done && add(s, out, ERRAND_INSERT_ID, CMD_QUERY, view_of(text));
	}
	/* What is set here, or begun, leaves counts of its own. */
	bool begins = s->begun != BEGUN_NOT && !r->own && !r->beside && !r->kill_asks;
	bool counts = last_statement_is_counted(s) && (r->n_errands > 0 || (begins && s->last_affected < 0));
	bool lost = counts || last_statement_is_lost(s, b);
	bool begins_ahead = true;
	if (begins && lost && !r->wait && !r->ask)
		done = done && add_begin(s, out, &begins_ahead);
	if (lost)
		done = done && add_last(s, out);
	else if (last_statement_is_carried(s, b))
		done = done && add_error(s, out);
	else if (last_statement_is_in_the_way(s, b))
		done = done && add(s, out, ERRAND_CLEAR, CMD_QUERY, view_of(LAST_STATEMENT_NONE));
	/* A reset takes the prepared statements away, too: it must be known to be done before this one is made again. */
	bool ahead = is_safe_ahead(s, diff, want) && !(reset && r->statement);
	state_unref(w->states, have);
	state_unref(w->states, want);
	if (r->wait) {
		done = done && add_wait(s, out);
		ahead = ahead && r->replayable; /* or its answer could not be dropped */
	}
	if (r->ask) {
		done = done && add(s, out, ERRAND_ASK, CMD_QUERY, freshness_ask_sql(s));
		ahead = false;
	}
	if (r->kill_asks) {
		done = done && add(s, out, ERRAND_KILL, CMD_QUERY, view_of(r->kill_sql));
		ahead = false;
	} else if (begins && !(lost && !r->wait && !r->ask))
		done = done && add_begin(s, out, &ahead);
	else if (!lost && last_statement_count_is_apart(s, b))
		done = done && add_count(s, out);
	uint64_t given = replay_insert_id(s);
	if (given) {
		snprintf(text, sizeof text, "SET insert_id=%llu", (unsigned long long)given);
		done = done && add(s, out, ERRAND_GIVEN_ID, CMD_QUERY, view_of(text));
	}
	if (r->preparing && r->command != CMD_STMT_PREPARE) {
		done = done && add(s, out, ERRAND_PREPARE, CMD_STMT_PREPARE,
				   (struct view){r->preparing->sql, r->preparing->len});
		ahead = false;
	}
	if (!done)
		return ERRANDS_IMPOSSIBLE;
	if (!r->n_errands)
		return ERRANDS_NONE;
	return ahead && !r->own ? ERRANDS_PIPELINE : ERRANDS_FIRST;
}

/* One that cannot be brought into the session's state is to be closed: what its keeper may want is asked for before. */
static bool save_at_least(struct session *s, struct buf *out)
{
	struct run *r = s->run;
	if (!r->save_for || r->own || r->kill_asks)
		return false;
	buf_reset(out);
	r->n_errands = 0;
	r->errands_reset = false;
	state_unref(s->worker->states, r->errand_state);
	r->errand_state = NULL;
	return add(s, out, ERRAND_SAVE_ID, CMD_QUERY, view_of(LAST_ID_SQL));
}

enum errands_result errands_collect(struct session *s, struct buf *out)
{
	enum errands_result got = collect(s, out);
	return got == ERRANDS_IMPOSSIBLE && save_at_least(s, out) ? ERRANDS_FIRST : got;
}

/* ---- answers ---- */

static void note_failure(struct run *r, enum errand_kind kind, struct view payload, uint32_t caps)
{
	struct err_packet e;
	if (r->failed_code || !err_parse(payload, caps, &e))
		return;
	r->failed_code = e.code ? e.code : 1105;
	r->failed_errand = kind;
	memcpy(r->failed_sqlstate, e.sqlstate, sizeof r->failed_sqlstate);
	r->failed_text = strndup((const char *)e.message.p, e.message.len);
}

enum cell { CELL_NOT_HERE, NO_CELL, CELL_HERE };

/* The one value of a result set that must be here as a whole; NONE: an error, the value NULL, or too long. */
static enum cell first_value(const uint8_t *data, size_t len, uint32_t caps, struct view *value)
{
	unsigned row = caps & CAP_DEPRECATE_EOF ? 2 : 3;
	enum packet_result got;
	struct packet p;
	enum cell found = NO_CELL;
	for (unsigned i = 0; (got = packet_next(data, len, VALUE_MAX, &p)) == PACKET_OK; i++) {
		bool is_err = p.payload.len && p.payload.p[0] == HEADER_ERR;
		if (is_err && i <= row)
			return NO_CELL;
		bool is_end = p.payload.len && p.payload.len < 0xFFFFFF && p.payload.p[0] == HEADER_EOF;
		if (i == row && is_end)
			return NO_CELL;
		if (i == row) {
			struct reader r = reader_of(p.payload.p, p.payload.len);
			*value = read_lenenc_str(&r); /* bad when it is NULL */
			found = r.bad ? NO_CELL : CELL_HERE;
		}
		if (i > row)
			return found;
		data += p.size;
		len -= p.size;
	}
	return got == PACKET_PARTIAL ? CELL_NOT_HERE : NO_CELL;
}

static uint64_t number_of(struct view digits)
{
	uint64_t n = 0;
	for (size_t at = 0; at < digits.len && digits.p[at] >= '0' && digits.p[at] <= '9'; at++)
		n = n * 10 + (uint64_t)(digits.p[at] - '0');
	return n;
}

bool errand_first_value(const uint8_t *data, size_t len, uint32_t caps, uint64_t *value, bool *told)
{
	struct view text;
	enum cell found = first_value(data, len, caps, &text);
	*told = found == CELL_HERE;
	if (*told)
		*value = number_of(text);
	return found != CELL_NOT_HERE;
}

static bool has_value(enum errand_kind kind)
{
	return kind == ERRAND_SAVE_ID || kind == ERRAND_WAIT || kind == ERRAND_ASK || kind == ERRAND_KILL;
}

static void take_value(struct session *s, enum errand_kind kind, const struct view *value)
{
	if (kind == ERRAND_WAIT)
		freshness_waited(s, value);
	else if (kind == ERRAND_ASK)
		freshness_answered(s, value);
	else if (kind == ERRAND_KILL)
		kill_take_answer(s, value);
	else
		insert_id_saved(s->run, s->backend, value ? number_of(*value) : 0, value != NULL);
}

static void errand_done(struct session *s, enum errand_kind kind)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	switch (kind) {
	case ERRAND_RESET:
		backend_was_reset(b);
		r->was_reset = true;
		break;
	case ERRAND_LAST:
		if (s->rows_at == b && s->last_affected != 0)
			s->rows_at = NULL;
		if (last_statement_again_leaves(s, b))
			break;
		b->has_warnings = s->own_error != NULL;
		if (s->warned_at == b)
			s->warned_at = NULL;
		break;
	case ERRAND_SIGNAL:
		b->has_warnings = true;
		if (r->carries_error)
			s->warned_at = b;
		break;
	case ERRAND_INSERT_ID:
		b->insert_id = s->insert_id;
		b->insert_id_known = !r->failed_code;
		break;
	case ERRAND_TRACKERS:
		b->fresh = false;
		break;
	case ERRAND_WAIT:
		r->wait = r->late; /* once is enough, also when the statement is sent later */
		break;
	case ERRAND_BEGIN:
		if (r->reply.kind == REPLY_OK)
			begin_done(s);
		break;
	case ERRAND_OPTION:
		b->multi_statements = s->caps & CAP_MULTI_STATEMENTS;
		break;
	case ERRAND_PREPARE:
		if (!r->failed_code) {
			r->preparing->params = r->reply.params;
			prepared_register(b, r->preparing, r->reply.statement_id);
		}
		break;
	default:
		break;
	}
}

static void all_done(struct session *s)
{
	struct run *r = s->run;
	/* A PREPARE is the last errand and changes no state: what came before it holds. */
	if ((r->failed_code && r->failed_errand != ERRAND_PREPARE) || !r->errand_state)
		return;
	worker_accept_state(s->worker, r->errand_state, (unsigned)r->slot);
	backend_set_have(s->backend, r->errand_state);
	r->errand_state = NULL;
}

static void begin_answer(struct run *r, struct backend *b)
{
	uint8_t command = r->at_errand < r->n_errands ? command_of(r->errands[r->at_errand]) : r->command;
	reply_begin(&r->reply, command, b->caps, b->mariadb_caps);
	if (b->conn.packed)
		reply_repair_numbers(&r->reply, 0);
}

enum reply_result errands_eat(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	while (r->at_errand < r->n_errands) {
		enum errand_kind kind = r->errands[r->at_errand];
		size_t len, n;
		const uint8_t *data = conn_input(&b->conn, &len);
		if (has_value(kind) && r->reply.bytes == 0) {
			struct view value;
			enum cell found = first_value(data, len, b->caps, &value);
			if (found == CELL_NOT_HERE)
				return REPLY_PARTIAL;
			take_value(s, kind, found == CELL_HERE ? &value : NULL);
		}
		enum reply_result got = reply_walk(&r->reply, data, len, &n);
		switch (got) {
		case REPLY_PACKET:
			/* A SET of the session's state warns again: of a variable that is deprecated, for one. */
			b->has_warnings |= r->reply.kind == REPLY_ERR || (r->reply.kind == REPLY_OK && r->reply.warnings);
			if (r->reply.kind == REPLY_ERR && !has_value(kind) && kind != ERRAND_SIGNAL)
				note_failure(r, kind, (struct view){data + PACKET_HEADER, n - PACKET_HEADER}, b->caps);
			if (kind == ERRAND_PREPARE && r->reply.kind == REPLY_PREPARE_OK)
				errand_done(s, kind);
			conn_consume(&b->conn, n);
			break;
		case REPLY_PASS:
			conn_consume(&b->conn, n);
			break;
		case REPLY_DONE:
			if (kind != ERRAND_PREPARE)
				errand_done(s, kind);
			r->at_errand++;
			begin_answer(r, b);
			break;
		default:
			return got;
		}
	}
	all_done(s);
	return REPLY_DONE;
}

void errands_begin(struct session *s)
{
	begin_answer(s->run, s->backend);
}
