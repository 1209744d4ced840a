/*
 * Values that a statement's text does not tell: SET x = an expression, SELECT ... INTO @v, locks that may be
 * released.
 *
 * They tie the session to the connection that has them, until they have been asked for there: a value that
 * can be set again is carried from then on, and the pin ends. System variables are asked for ahead of the
 * next command, which may depend on them (sql_mode steers the lexer); all of them when the session has been
 * idle for a while, or as soon as another waits for a connection. Never between a statement and what reads
 * its warnings or counts.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/attributes.h"
#include "protocol/packet.h"
#include "protocol/row.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/session/effects.h"
#include "proxy/session/read_only.h"
#include "proxy/session/session.h"
#include "router/state_value.h"

#define IDLE_MS      150u /* without a command, before a session is asked on its own account */
#define ANSWER_MAX   (256u << 10)
#define QUESTION_MAX (64u << 10)
#define USER_COLUMNS 4u /* of one user variable: value, character set, collation, bytes */

struct read_back {
	struct backend *at;   /* that is asked */
	struct bound *names;  /* for what */
	bool beside;          /* not the one that ties the session: lent, and the names are of this question alone */
	struct reply reply;
	struct buf answer;
	unsigned columns;
	bool overflowed;
};

/* ---- who can be asked ---- */

static bool askable(const struct bound *b, enum bound_kind kind)
{
	return b->count[kind] && !b->unknown[kind];
}

/* Every pin but those of transactions, and what the next statement ends anyway, is one that an answer may
 * end. */
static bool could_be_free(const struct session *s, uint32_t ending)
{
	const struct bound *b = s->bound;
	if (!b || !s->pinned)
		return false;
	uint32_t answered = (askable(b, BOUND_VARIABLE) ? (uint32_t)PIN_READ_BACK : 0) |
	                    (askable(b, BOUND_USER_VARIABLE) ? (uint32_t)PIN_USER_VARIABLE : 0) |
	                    (askable(b, BOUND_LOCK) && b->ask_locks ? (uint32_t)PIN_USER_LOCK : 0);
	return s->pins && !(s->pins & ~(answered | ending));
}

bool read_back_would_free(const struct session *s)
{
	return could_be_free(s, 0) && !session_in_trx(s) && !conn_is_broken(&s->pinned->conn);
}

void read_back_watch(struct session *s)
{
	bool wanted = s->state != SESSION_CLOSING && could_be_free(s, 0);
	if (wanted == s->to_ask || s->supposed)
		return;
	s->to_ask = wanted;
	s->ask_now = false;
	if (wanted)
		TAILQ_INSERT_TAIL(&s->worker->to_ask, s, ask_link);
	else
		TAILQ_REMOVE(&s->worker->to_ask, s, ask_link);
}

void sessions_read_back(struct worker *w, int slot)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->to_ask, ask_link)
	{
		if (s->ask_now || s->state != SESSION_COMMAND || !read_back_would_free(s))
			continue;
		bool wanted =
		    slot < 0 ? worker_now(w) - s->since >= IDLE_MS : (int)s->pinned->pool->key.slot == slot;
		if (!wanted)
			continue;
		s->ask_now = true;
		session_wake(s);
	}
}

static bool is_on_replica(const struct session *s)
{
	const struct server_info *server =
	    snapshot_server_by_slot(s->worker->snapshot, s->pinned->pool->key.slot);
	return server && server->role == SERVER_REPLICA;
}

/* The answer would free the session for a command that needs another connection than the one it is tied to.
 */
static bool frees_for_other(const struct session *s)
{
	return could_be_free(s, PIN_LAST_STATEMENT) && !session_in_trx(s) &&
	       !conn_is_broken(&s->pinned->conn);
}

/* A READ ONLY transaction is to go on at the primary, and its variables with it. */
static bool is_due_before_move(const struct session *s)
{
	return could_be_free(s, PIN_LAST_STATEMENT) && read_only_on_replica(s);
}

static bool is_due_for_text(struct session *s, struct view payload, bool must, bool on_replica)
{
	struct view sql = {payload.p + 1, payload.len - 1};
	struct query_attributes unused;
	if ((s->caps & CAP_QUERY_ATTRIBUTES) && !query_attributes_parse(payload, &unused, &sql))
		return false; /* no server will see it */
	struct dialect dialect = routing_dialect(s);
	/* Where it is off, a read begins a transaction, which must be on the connection that holds the session. */
	struct context context = {.schema = state_schema_of(s->want), .pins = s->pins, .autocommit_off = s->autocommit_off};
	static _Thread_local struct classification c;
	classify(sql, &dialect, &context, s->worker->classify_scratch, &c);
	bool reads_last = c.flags & CLASS_READS_LAST;
	if (!reads_last && (must || (on_replica && c.route != ROUTE_REPLICA)))
		return true;
	if (reads_last && on_replica && routing_ties_to_primary(c.flags, c.pins_added))
		return true; /* what it reads is made again there */
	/* Whether what it sets can be carried is not known yet. */
	uint32_t pins = c.pins_added | (c.n_effects ? PIN_SESSION_VARIABLE : 0);
	if (is_due_before_move(s))
		return read_only_has_no_place(c.flags, c.reason, pins, c.n_effects > 0) ||
		       (c.flags & (CLASS_DDL | CLASS_BEGINS));
	if (!reads_last)
		return false;
	/* It will give variables their values where the last statement ran. */
	return (c.flags & CLASS_SETS_USER_VARIABLE) && s->last && s->last != s->pinned && frees_for_other(s);
}

bool read_back_is_due(struct session *s, uint8_t command, struct view payload)
{
	if (!s->bound || !s->pinned || conn_is_broken(&s->pinned->conn))
		return false;
	/* An XA transaction that has ended refuses to be asked; the others end with a reset only. */
	bool must = askable(s->bound, BOUND_VARIABLE) && !(s->pins & (PIN_XA | PIN_UNKNOWN | PIN_OVERSIZED));
	bool frees = frees_for_other(s), moves = is_due_before_move(s);
	if (!must && !frees && !moves)
		return false;
	bool on_replica = frees && is_on_replica(s);
	switch (command) {
	case CMD_QUERY:
		return is_due_for_text(s, payload, must, on_replica);
	case CMD_FIELD_LIST: /* it adds to the warnings, and is answered by the connection that has the values */
		return on_replica || moves;
	case CMD_STMT_PREPARE:
	case CMD_STMT_EXECUTE:
	case CMD_STMT_BULK_EXECUTE:
		return must || on_replica || moves;
	default: /* nothing that depends on a value; COM_INIT_DB leaves the warnings, which a question would not */
		return false;
	}
}

/* ---- the question ---- */

static bool text(struct buf *out, const char *t)
{
	return buf_append(out, t, strlen(t));
}

static bool quoted(struct buf *out, struct view name)
{
	bool ok = text(out, "@`");
	for (size_t i = 0; ok && i < name.len; i++)
		ok = (name.p[i] != '`' || text(out, "`")) && buf_append(out, &name.p[i], 1);
	return ok && text(out, "`");
}

/* The columns for one name; how many, 0 when there is nothing to ask. */
static unsigned ask(struct buf *out, const struct bound_name *n)
{
	bool ok;
	switch (n->kind) {
	case BOUND_VARIABLE:
		ok = text(out, "@@") && buf_append(out, n->name.p, n->name.len);
		return ok ? 1 : 0;
	case BOUND_USER_VARIABLE:
		ok = quoted(out, n->name) && text(out, ",CHARSET(") && quoted(out, n->name) &&
		     text(out, "),COLLATION(") && quoted(out, n->name) && text(out, "),HEX(") &&
		     quoted(out, n->name) && text(out, ")");
		return ok ? USER_COLUMNS : 0;
	case BOUND_LOCK:
		ok = text(out, "IS_USED_LOCK(") && value_write_string(out, n->name) &&
		     text(out, ")=CONNECTION_ID()");
		return ok ? 1 : 0;
	default:
		return 0;
	}
}

static bool is_asked(const struct bound *b, const struct bound_name *n)
{
	switch (n->kind) {
	case BOUND_VARIABLE:
	case BOUND_USER_VARIABLE:
		return true;
	case BOUND_LOCK:
		return b->ask_locks;
	default:
		return false;
	}
}

static bool write_question(struct session *s, struct buf *out)
{
	struct bound_name n;
	struct read_back *rb = s->reading;
	/* Where query attributes are in effect there must be a word of them: none, in one set. */
	size_t n_none = rb->at->caps & CAP_QUERY_ATTRIBUTES ? 2 : 0;
	bool ok = write_u8(out, CMD_QUERY) && write_bytes(out, "\0\1", n_none) && text(out, "SELECT ");
	for (size_t at = 0; ok && bound_next(rb->names, &at, &n);) {
		if (!is_asked(rb->names, &n))
			continue;
		ok = !rb->columns || text(out, ",");
		unsigned columns = ok ? ask(out, &n) : 0;
		ok = columns > 0;
		rb->columns += columns;
	}
	return ok;
}

/* ---- the answer ---- */

static bool unhex(struct view hex, struct buf *out)
{
	for (size_t i = 0; i < hex.len; i++) {
		uint8_t c = hex.p[i];
		uint8_t digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
		if (digit == 16)
			return false;
		if (i & 1)
			buf_data(out)[buf_len(out) - 1] |= digit;
		else if (!write_u8(out, (uint8_t)(digit << 4)))
			return false;
	}
	return !(hex.len & 1);
}

/* A variable that nobody has set yet is shown as NULL in a column wider than the widest value (MariaDB), or not as wide as
 * that (MySQL: as many characters of the connection's set as fit into 65535 bytes): not one that was set to NULL. */
static bool is_set(const struct row_cell *cell)
{
	bool narrow = cell->width >= 65532 && cell->width <= 65535;
	return cell->text.p || cell->kind != ROW_STRING || (cell->width != 16777216 && !narrow);
}

static struct state *user_value(struct worker *w, const struct state *from, struct view name,
                                const struct row_cell *cells)
{
	static const enum user_value kinds[] = {
	    [ROW_INTEGER] = USER_INTEGER, [ROW_UNSIGNED] = USER_UNSIGNED, [ROW_DECIMAL] = USER_DECIMAL,
	    [ROW_DOUBLE] = USER_DOUBLE,   [ROW_STRING] = USER_STRING,
	};
	uint8_t with_at[UINT8_MAX];
	struct buf bytes;
	struct view shown = cells[0].text;
	if (cells[0].kind == ROW_OTHER || !cells[1].text.p || !cells[2].text.p || name.len >= sizeof with_at)
		return NULL;
	with_at[0] = '@';
	memcpy(with_at + 1, name.p, name.len);
	if (!is_set(&cells[0]))
		return state_forget(w->states, from, (struct view){with_at, name.len + 1});
	buf_init(&bytes, STATE_BYTES_MAX);
	bool ok = true;
	if (shown.p && cells[0].kind == ROW_STRING) {
		ok = cells[3].text.p && unhex(cells[3].text, &bytes);
		shown = buf_len(&bytes) ? (struct view){buf_data(&bytes), buf_len(&bytes)} : view_of("");
	}
	struct state *next = ok ? state_set_user(w->states, from, (struct view){with_at, name.len + 1},
	                                         kinds[cells[0].kind], shown, cells[1].text, cells[2].text)
	                        : NULL;
	buf_finish(&bytes);
	return next;
}

/* It has the character set that SET NAMES gave it. Set by itself it would lose the collation, which shows in the
 * definitions of columns. */
static bool is_as_named(const struct state *from, struct view name, struct view charset)
{
	struct view v;
	if (name.len < 14 || memcmp(name.p, "character_set_", 14) != 0 || state_get(from, name, &v) ||
	    !state_get(from, view_of("names"), &v))
		return false;
	return v.len >= charset.len + 2 && v.p[0] == '\'' && v.p[charset.len + 1] == '\'' &&
	       memcmp(v.p + 1, charset.p, charset.len) == 0;
}

static struct state *system_value(struct worker *w, const struct state *from, struct view name,
                                  const struct row_cell *cell)
{
	struct view none = {NULL, 0};
	if (!cell->text.p)
		return view_equal(name, view_of("character_set_results"))
		           ? state_set(w->states, from, name, view_of("NULL"))
		           : NULL;
	return cell->kind == ROW_STRING ? state_set_string(w->states, from, name, cell->text, none)
	                                : state_set(w->states, from, name, cell->text);
}

/* One name with its cells: moves *at on, which begins with `first`; false when its value cannot be carried. */
static bool learn(struct session *s, const struct bound_name *n, const struct row_cell *cells,
                  const struct state *first, struct state **at)
{
	struct worker *w = s->worker;
	const struct state *from = *at ? *at : first;
	struct bound_name collation;
	bool renamed = bound_find(s->reading->names, BOUND_VARIABLE, view_of("collation_connection"), &collation);
	if (n->kind == BOUND_VARIABLE && !renamed && cells->text.p && is_as_named(from, n->name, cells->text))
		return true;
	struct state *next = n->kind == BOUND_VARIABLE ? system_value(w, from, n->name, cells)
	                                               : user_value(w, from, n->name, cells);
	if (!next)
		return false;
	state_unref(w->states, *at);
	*at = next;
	return true;
}

static void tie(struct session *s, bool variable, bool user_variable)
{
	bound_forget(s->bound, BOUND_VARIABLE);
	if (variable)
		s->pins |= PIN_SESSION_VARIABLE;
	/* Those that a trigger has set are still nobody's to ask for. */
	if (user_variable || s->bound->unknown[BOUND_USER_VARIABLE])
		effects_unknown(s, BOUND_USER_VARIABLE);
	else
		bound_forget(s->bound, BOUND_USER_VARIABLE);
	s->bound->ask_locks = false;
	if (variable || user_variable)
		s->pinned->dirty = true;
}

static bool is_held(const struct row_cell *cell)
{
	return cell->text.len == 1 && cell->text.p[0] == '1';
}

/* Those that were released are forgotten: only the ones still held are put back. */
static void keep_locks(struct session *s, struct bound *held)
{
	struct bound_name n;
	if (!s->bound->ask_locks || s->bound->unknown[BOUND_LOCK])
		return;
	bound_forget(s->bound, BOUND_LOCK);
	for (size_t at = 0; bound_next(held, &at, &n);)
		bound_add(s->bound, &n);
}

/* The connection has what it has told besides what it had; the session may have set more, elsewhere. */
static void take_over(struct session *s, struct state *next, struct state *have)
{
	struct worker *w = s->worker;
	struct backend *b = s->reading->at;
	if (have)
		backend_set_have(b, have);
	if (!next)
		return;
	state_unref(w->states, s->want);
	s->want = next;
	if (next == have)
		worker_accept_state(w, next, b->pool->key.slot);
	routing_state_changed(s);
}

/* They are the session's from here on, and go along: the connection that ties it has older ones. */
static void carry_along(struct session *s, bool all)
{
	struct bound_name n;
	struct read_back *rb = s->reading;
	rb->at->dirty |= !all;
	for (size_t at = 0; s->bound && bound_next(rb->names, &at, &n);)
		bound_remove(s->bound, &n);
}

static void learn_all(struct session *s, const struct row_cell *cells)
{
	struct read_back *rb = s->reading;
	struct bound_name n;
	struct bound held;
	struct state *next = NULL, *have = NULL;
	bool variable = false, user_variable = false;
	bound_init(&held);
	for (size_t at = 0; bound_next(rb->names, &at, &n);) {
		if (!is_asked(rb->names, &n))
			continue;
		if (n.kind == BOUND_LOCK && is_held(cells))
			bound_add(&held, &n);
		if (n.kind != BOUND_LOCK && !(learn(s, &n, cells, s->want, &next) && learn(s, &n, cells, rb->at->have, &have)))
			*(n.kind == BOUND_VARIABLE ? &variable : &user_variable) = true;
		cells += n.kind == BOUND_USER_VARIABLE ? USER_COLUMNS : 1;
	}
	take_over(s, next, have);
	if (rb->beside)
		carry_along(s, !user_variable);
	else
		keep_locks(s, &held);
	bound_finish(&held);
	if (!rb->beside)
		tie(s, variable, user_variable);
}

/* ---- the steps ---- */

void read_back_end(struct session *s)
{
	read_back_watch(s);
	if (s->reading) {
		buf_finish(&s->reading->answer);
		if (s->reading->beside)
			effects_free(&s->reading->names);
	}
	free(s->reading);
	s->reading = NULL;
}

static enum step done(struct session *s, bool answered)
{
	struct read_back *rb = s->reading;
	struct row_cell *cells = calloc(rb->columns ? rb->columns : 1, sizeof *cells);
	if (!cells)
		abort();
	struct view answer = {buf_data(&rb->answer), buf_len(&rb->answer)};
	struct backend *beside = rb->beside ? rb->at : NULL;
	last_statement_forget_counts(s, rb->at);
	if (answered && !rb->overflowed && row_read(answer, rb->at->caps, rb->at->mariadb_caps, cells, rb->columns))
		learn_all(s, cells);
	else if (beside)
		beside->dirty = true;
	else
		tie(s, s->bound->count[BOUND_VARIABLE] > 0, s->bound->count[BOUND_USER_VARIABLE] > 0);
	free(cells);
	s->backend = NULL;
	effects_settle(s);
	read_back_end(s);
	if (beside)
		pool_give(beside);
	finish_unpin(s);
	return session_enter(s, SESSION_COMMAND);
}

static enum step ask_at(struct session *s, struct backend *b, struct bound *names)
{
	struct buf out;
	uint8_t seq = 0;
	s->ask_now = false;
	s->backend = b;
	s->reading = calloc(1, sizeof *s->reading);
	if (!s->reading)
		abort();
	s->reading->at = b;
	s->reading->names = names;
	s->reading->beside = b != s->pinned;
	buf_init(&s->reading->answer, ANSWER_MAX);
	reply_begin(&s->reading->reply, CMD_QUERY, b->caps, b->mariadb_caps);
	if (b->conn.packed)
		reply_repair_numbers(&s->reading->reply, 0);
	session_enter(s, SESSION_READ_BACK);
	buf_init(&out, QUESTION_MAX);
	size_t begin = packet_begin(&out);
	bool sent = begin != SIZE_MAX && write_question(s, &out) && packet_end(&out, begin, &seq) &&
	            conn_send(&b->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return sent ? STEP_AGAIN : done(s, false);
}

enum step read_back_begin(struct session *s)
{
	return ask_at(s, s->pinned, s->bound);
}

enum step read_back_beside(struct session *s, struct backend *b, struct bound *names)
{
	return ask_at(s, b, names);
}

enum step read_back_step(struct session *s)
{
	struct read_back *rb = s->reading;
	struct conn *c = &s->backend->conn;
	for (;;) {
		size_t len, n;
		const uint8_t *data = conn_input(c, &len);
		switch (reply_walk(&rb->reply, data, len, &n)) {
		case REPLY_PACKET:
		case REPLY_PASS:
			if (!rb->overflowed && !buf_append(&rb->answer, data, n))
				rb->overflowed = true;
			if (rb->reply.has_status && !rb->beside)
				s->status = rb->reply.status;
			rb->at->has_warnings |= rb->reply.kind == REPLY_ERR;
			conn_consume(c, n);
			continue;
		case REPLY_DONE:
			return done(s, rb->reply.kind != REPLY_ERR);
		case REPLY_PARTIAL:
			return c->error ? done(s, false) : STEP_WAIT;
		case REPLY_BAD:
			c->error = UV_EPROTO;
			return done(s, false);
		}
	}
}
