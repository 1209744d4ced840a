/*
 * Binary prepared statements. A client's numbers are wye's own; on each backend a statement is prepared when it is
 * first needed there. Routed by its text at every execution, as if it were sent as text.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/stmt.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

#define PER_BACKEND 200u      /* prepared on one backend; the least recently used is closed beyond */
#define PER_SESSION 100000u   /* of one client */

/* ---- the client's statements ---- */

struct client_statement *prepared_find(struct session *s, uint32_t id)
{
	struct client_statement *c;
	if (id == STMT_LAST_PREPARED)
		id = s->last_statement;
	HASH_FIND(hh, s->statements, &id, sizeof id, c);
	return c;
}

struct client_statement *prepared_add(struct session *s, struct template *t)
{
	struct client_statement *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	do
		c->id = ++s->next_statement;
	while (!c->id || c->id == STMT_LAST_PREPARED);
	c->template = template_ref(t);
	HASH_ADD(hh, s->statements, id, sizeof c->id, c);
	s->last_statement = c->id;
	return c;
}

void prepared_close(struct session *s, struct client_statement *c)
{
	HASH_DEL(s->statements, c);
	template_unref(s->worker, c->template);
	free(c->types);
	free(c);
}

void prepared_close_all(struct session *s)
{
	struct client_statement *c, *next;
	HASH_ITER(hh, s->statements, c, next)
		prepared_close(s, c);
}

/* Cursors and long data live on one connection. */
static bool is_bound(const struct client_statement *c)
{
	return c->cursor || c->long_data;
}

void prepared_update_pin(struct session *s)
{
	bool any = false;
	for (struct client_statement *c = s->statements; c && !any; c = c->hh.next)
		any = is_bound(c);
	if (any)
		s->pins |= PIN_CURSOR;
	else
		s->pins &= ~(uint32_t)PIN_CURSOR;
}

void prepared_finished(struct session *s, bool ok)
{
	struct run *r = s->run;
	struct client_statement *c = r->statement;
	if (!c)
		return;
	switch (r->command) {
	case CMD_STMT_EXECUTE:
		c->cursor = ok && (s->status & STATUS_CURSOR_EXISTS);
		c->long_data = false;
		break;
	case CMD_STMT_FETCH:
		c->cursor = c->cursor && ok && !(s->status & STATUS_LAST_ROW_SENT);
		break;
	case CMD_STMT_RESET:
		c->cursor = c->long_data = false;
		break;
	case CMD_STMT_SEND_LONG_DATA:
		c->long_data = true;
		break;
	default:
		return;
	}
	prepared_update_pin(s);
}

/* ---- on the backend ---- */

static void close_on_backend(struct backend *b, uint32_t id)
{
	uint8_t packet[PACKET_HEADER + 5] = {5, 0, 0, 0, CMD_STMT_CLOSE};
	put_u32(packet + PACKET_HEADER + 1, id);
	conn_send(&b->conn, packet, sizeof packet);
}

static void make_room(struct backend *b)
{
	if (b->n_statements < PER_BACKEND)
		return;
	struct backend_statement *oldest = b->statements;
	for (struct backend_statement *s = b->statements; s; s = s->hh.next)
		if (s->used < oldest->used)
			oldest = s;
	close_on_backend(b, oldest->id);
	backend_statement_remove(b, oldest);
}

void prepared_register(struct backend *b, struct template *t, uint32_t id)
{
	struct backend_statement *old = backend_statement_find(b, t);
	if (old) {
		close_on_backend(b, old->id);
		backend_statement_remove(b, old);
	}
	make_room(b);
	backend_statement_add(b, t, id);
}

bool prepared_answered(struct session *s, uint8_t *payload, size_t len)
{
	struct run *r = s->run;
	r->preparing->params = r->reply.params;
	r->preparing->columns = (uint16_t)r->reply.columns;
	prepared_register(s->backend, r->preparing, r->reply.statement_id);
	struct client_statement *c = prepared_add(s, r->preparing);
	return stmt_set_id(payload, len, c->id);
}

bool prepared_needs(struct session *s)
{
	struct run *r = s->run;
	if (!r->statement || r->command == CMD_STMT_PREPARE)
		return false;
	if (backend_statement_find(s->backend, r->statement->template))
		return false;
	r->preparing = template_ref(r->statement->template);
	return true;
}

static uint64_t hash_of(struct view types)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < types.len; i++)
		h = (h ^ types.p[i]) * 1099511628211u;
	return h | 1;
}

static void remember_types(struct client_statement *c, struct view types)
{
	uint64_t hash = hash_of(types);
	if (hash == c->types_hash)
		return;
	uint8_t *copy = malloc(types.len);
	if (!copy)
		abort();
	memcpy(copy, types.p, types.len);
	free(c->types);
	c->types = copy;
	c->types_len = types.len;
	c->types_hash = hash;
}

/* The server remembers the types of the last execution on its own statement, which may have been another session's. */
static bool with_types(struct session *s, struct backend_statement *b, struct view payload, struct buf *out,
		       bool *in_place)
{
	struct client_statement *c = s->run->statement;
	struct stmt_execute e;
	unsigned params = c->template->params;
	if (!params)
		return true;
	if (!stmt_execute_parse(payload, params, s->backend->caps, &e))
		return true; /* the server will say what is wrong with it */
	if (e.types_bound) {
		remember_types(c, e.types);
		b->types_hash = c->types_hash;
		return true;
	}
	if (b->types_hash == c->types_hash || !c->types_len)
		return true;
	if (s->run->large)
		return false;
	*in_place = false;
	uint8_t seq = 0;
	size_t begin = packet_begin(out);
	b->types_hash = c->types_hash;
	return begin != SIZE_MAX &&
	       stmt_execute_with_types(out, payload, params, s->backend->caps,
				       (struct view){c->types, c->types_len}) &&
	       packet_end(out, begin, &seq);
}

bool prepared_rewrite(struct session *s, uint8_t *packet, size_t size, struct buf *out, bool *in_place)
{
	struct run *r = s->run;
	struct backend_statement *b = backend_statement_find(s->backend, r->statement->template);
	uint8_t *payload = packet + PACKET_HEADER;
	if (!b || !stmt_set_id(payload, size - PACKET_HEADER, b->id))
		return false;
	b->used = worker_now(s->worker);
	*in_place = true;
	if (r->command != CMD_STMT_EXECUTE)
		return true;
	return with_types(s, b, (struct view){payload, size - PACKET_HEADER}, out, in_place);
}

/* ---- the client's commands ---- */

static enum step unknown(struct session *s, uint32_t id, const char *function)
{
	bool large = s->run->large;
	bool silent = s->run->command == CMD_STMT_CLOSE || s->run->command == CMD_STMT_SEND_LONG_DATA;
	bool sent = silent || session_answer_error(s, 1243, "HY000", "Unknown prepared statement handler (%u) given to %s", id,
					   function);
	run_end(s);
	return sent && !large ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_PROTOCOL);
}

/* A PREPARE changes nothing: what the text does, its executions will do. */
static enum step on_prepare(struct session *s, struct view payload)
{
	struct run *r = s->run;
	struct view sql = {payload.p + 1, payload.len - 1};
	routing_classify(s, sql);
	state_unref(s->worker->states, r->next);
	r->next = NULL;
	r->next_unknown = false;
	r->pins_added = r->pins_released = 0;
	r->flags &= CLASS_USES_TEMPORARY;
	if (r->route != ROUTE_REPLICA)
		r->route = ROUTE_PRIMARY;
	r->replayable = !session_in_trx(s);
	r->preparing = template_get(s->worker, sql, s->want);
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_execute(struct session *s, struct client_statement *c)
{
	struct run *r = s->run;
	struct template *t = c->template;
	routing_classify(s, (struct view){t->sql, t->len});
	if (r->route == ROUTE_LOCAL)
		r->route = ROUTE_PRIMARY;
	if (r->large) {
		r->replayable = false;
		r->pins_added |= PIN_OVERSIZED; /* the types it was executed with are on that connection */
	}
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_long_data(struct session *s)
{
	struct run *r = s->run;
	r->route = ROUTE_PRIMARY;
	r->reason = REASON_WRITE;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_reset(struct session *s, struct client_statement *c)
{
	if (is_bound(c)) {
		s->run->route = ROUTE_PIN;
		s->run->reason = REASON_PINNED;
		return session_enter(s, SESSION_WANT_BACKEND);
	}
	bool sent = session_answer_ok(s);
	run_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

static enum step on_fetch(struct session *s, struct client_statement *c)
{
	if (!c->cursor) {
		bool sent = session_answer_error(s, 1421, "HY000", "The statement (%u) has no open cursor.", c->id);
		run_end(s);
		return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
	}
	s->run->route = ROUTE_PIN;
	s->run->reason = REASON_PINNED;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_close(struct session *s, struct client_statement *c)
{
	if (is_bound(c) && s->pinned) {
		struct backend_statement *b = backend_statement_find(s->pinned, c->template);
		if (b) {
			close_on_backend(s->pinned, b->id);
			backend_statement_remove(s->pinned, b);
		}
	}
	prepared_close(s, c);
	run_end(s);
	prepared_update_pin(s);
	finish_unpin(s);
	return session_enter(s, SESSION_COMMAND);
}

enum step prepared_command(struct session *s, uint8_t command, struct view payload)
{
	static const char *const functions[256] = {
		[CMD_STMT_EXECUTE] = "mysqld_stmt_execute",
		[CMD_STMT_RESET] = "mysqld_stmt_reset",
		[CMD_STMT_FETCH] = "mysqld_stmt_fetch",
	};
	if (command == CMD_STMT_PREPARE)
		return on_prepare(s, payload);
	uint32_t id = 0;
	struct client_statement *c = stmt_id(payload, &id) ? prepared_find(s, id) : NULL;
	if (!c)
		return unknown(s, id, functions[command] ? functions[command] : "wye");
	s->run->statement = c;
	switch (command) {
	case CMD_STMT_EXECUTE:
		return on_execute(s, c);
	case CMD_STMT_SEND_LONG_DATA:
		return on_long_data(s);
	case CMD_STMT_RESET:
		return on_reset(s, c);
	case CMD_STMT_FETCH:
		return on_fetch(s, c);
	default:
		return on_close(s, c);
	}
}
