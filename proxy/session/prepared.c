/*
 * The client's prepared statements. Their numbers are wye's own; on each backend a statement is prepared when it is
 * first needed there (prepared_backend.c). Routed by its text at every execution, as if it were sent as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/stmt.h"
#include "proxy/session/effects.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

/* ---- the client's statements ---- */

struct client_statement *prepared_find(struct session *s, uint32_t id)
{
	struct client_statement *c;
	if (id == STMT_LAST_PREPARED)
		id = s->last_statement;
	HASH_FIND(hh, s->statements, &id, sizeof id, c);
	return c;
}

struct client_statement *prepared_restore(struct session *s, uint32_t id, struct template *t)
{
	struct client_statement *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->id = id;
	c->template = template_ref(t);
	HASH_ADD(hh, s->statements, id, sizeof c->id, c);
	return c;
}

struct client_statement *prepared_add(struct session *s, struct template *t)
{
	do
		s->last_statement = ++s->next_statement;
	while (!s->last_statement || s->last_statement == STMT_LAST_PREPARED);
	return prepared_restore(s, s->last_statement, t);
}

void prepared_close(struct session *s, struct client_statement *c)
{
	if (c->id == s->last_statement)
		s->last_statement = 0;
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

bool prepared_executes(uint8_t command)
{
	return command == CMD_STMT_EXECUTE || command == CMD_STMT_BULK_EXECUTE;
}

void prepared_finished(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	struct client_statement *c = r->statement;
	if (r->command == CMD_STMT_PREPARE && !ok)
		s->last_statement = 0; /* what a pipelined EXECUTE of the last one would mean is not there */
	if (!c)
		return;
	switch (r->command) {
	case CMD_STMT_EXECUTE:
	case CMD_STMT_BULK_EXECUTE:
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
	struct backend_statement *there = backend_statement_find(b, c->template);
	if (there)
		there->bound_by = is_bound(c) ? c : NULL;
	prepared_update_pin(s);
}

void prepared_data_lost(struct session *s)
{
	if (s->run->statement)
		s->run->statement->data_lost = true;
}

/* ---- the client's commands ---- */

static bool is_mysql(const struct session *s)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	return any && any->flavor == FLAVOR_MYSQL;
}

/* No server has given a statement such a number. */
#define NO_STATEMENT 0x70000000u

/* A server says so as well, and leaves the error beside those of the last statement, if it is one that does (MySQL). */
static enum step unknown_to_server(struct session *s, struct view payload, uint32_t id)
{
	struct run *r = s->run;
	uint8_t *number = (uint8_t *)(uintptr_t)payload.p + 1;
	r->unknown_statement = true;
	r->unknown_id = id;
	if (id < NO_STATEMENT || id == STMT_LAST_PREPARED)
		put_u32(number, NO_STATEMENT);
	r->flags = CLASS_READS_LAST;
	r->route = ROUTE_PIN;
	r->reason = REASON_WARNINGS;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step unknown(struct session *s, struct view payload, uint32_t id, const char *function)
{
	bool large = s->run->large;
	bool silent = s->run->command == CMD_STMT_CLOSE || s->run->command == CMD_STMT_SEND_LONG_DATA;
	if (!silent && !large && payload.len >= 5)
		return unknown_to_server(s, payload, id);
	bool sent = silent || session_answer_error(s, 1243, "HY000", "Unknown prepared statement handler (%u) given to %s", id,
					   is_mysql(s) ? "mysql_stmt_precheck" : function);
	run_end(s);
	return sent && !large ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_PROTOCOL);
}

static enum step answered(struct session *s, bool sent)
{
	run_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

/* CONNECTION_ID(), which no server knows. */
static enum step prepare_local(struct session *s, struct view sql)
{
	struct template *t = template_get(s->worker, sql, s->want);
	struct client_statement *c = prepared_add(s, t);
	c->local = true;
	template_unref(s->worker, t);
	return answered(s, session_answer_prepared(s, c->id, "CONNECTION_ID()", true));
}

static enum step execute_local(struct session *s)
{
	char id[16];
	snprintf(id, sizeof id, "%u", s->id);
	return answered(s, session_answer_row(s, "CONNECTION_ID()", id, true, true));
}

static enum step on_prepare(struct session *s, struct view payload)
{
	struct run *r = s->run;
	struct view sql = routing_classify(s, (struct view){payload.p + 1, payload.len - 1});
	if (r->route == ROUTE_DENY)
		return rules_deny(s);
	if (r->route == ROUTE_LOCAL)
		return prepare_local(s, sql);
	effects_of_prepare(s);
	r->flags &= CLASS_USES_TEMPORARY;
	if (r->route != ROUTE_REPLICA || r->to_primary)
		r->route = ROUTE_PRIMARY;
	r->replayable = !session_in_trx(s);
	struct state *system = state_without_users(s->worker->states, s->want);
	r->preparing = template_get(s->worker, sql, system);
	state_unref(s->worker->states, system);
	return session_enter(s, SESSION_WANT_BACKEND);
}

/* Whether a cursor is asked for: the flags stand right behind the number. */
static bool asks_for_cursor(struct view payload)
{
	return payload.p[0] == CMD_STMT_EXECUTE && payload.len > 5 &&
	       (payload.p[5] & (STMT_CURSOR_READ_ONLY | STMT_CURSOR_FOR_UPDATE | STMT_CURSOR_SCROLLABLE));
}

static enum step on_execute(struct session *s, struct client_statement *c, struct view payload)
{
	struct run *r = s->run;
	struct template *t = c->template;
	if (c->local)
		return execute_local(s);
	if (c->data_lost) {
		c->data_lost = false;
		return answered(s, session_answer_error(s, ERROR_UNREACHABLE, "08S01",
							"wye: lost the connection with the parameters' long data"));
	}
	if (!c->long_data)
		attributes_of_execute(s, payload, t->params);
	(void)routing_classify(s, (struct view){t->sql, t->len});
	if (r->route == ROUTE_DENY)
		return rules_deny(s);
	if (r->flags & CLASS_KILL)
		return command_kill(s);
	/* Writes between FETCHes belong on the connection that the cursor ties the session to. */
	if (r->route == ROUTE_LOCAL || (r->route == ROUTE_REPLICA && asks_for_cursor(payload)))
		r->route = ROUTE_PRIMARY;
	if (r->large) {
		struct stmt_types types;
		r->replayable = false;
		/* Types that cannot be read are on that connection alone. */
		if (!stmt_types_find(payload, t->params, s->caps, &types))
			r->pins_added |= PIN_OVERSIZED;
	}
	return session_enter(s, SESSION_WANT_BACKEND);
}

enum step prepared_execute(struct session *s, struct client_statement *c, struct view payload)
{
	s->run->statement = c;
	return on_execute(s, c, payload);
}

static enum step on_long_data(struct session *s)
{
	struct run *r = s->run;
	r->route = ROUTE_PRIMARY;
	r->reason = REASON_PINNED;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_reset(struct session *s, struct client_statement *c)
{
	c->data_lost = false;
	if (is_bound(c)) {
		s->run->route = ROUTE_PIN;
		s->run->reason = REASON_PINNED;
		return session_enter(s, SESSION_WANT_BACKEND);
	}
	if (is_mysql(s)) { /* its counts begin anew; MariaDB's stay */
		last_statement_forget(s);
		finish_last_statement(s);
		s->warned_at = NULL;
	}
	return answered(s, session_answer_ok(s));
}

static enum step on_fetch(struct session *s, struct client_statement *c)
{
	if (!c->cursor)
		return answered(s, session_answer_error(s, 1421, "HY000", "The statement (%u) has no open cursor%s", c->id,
						    is_mysql(s) ? "." : ""));
	s->run->route = ROUTE_PIN;
	s->run->reason = REASON_PINNED;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_close(struct session *s, struct client_statement *c)
{
	if (is_bound(c) && s->pinned)
		prepared_close_at(s->pinned, c->template);
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
		[CMD_STMT_BULK_EXECUTE] = "mysqld_stmt_execute",
		[CMD_STMT_RESET] = "mysqld_stmt_reset",
		[CMD_STMT_FETCH] = "mysqld_stmt_fetch",
	};
	if (command == CMD_STMT_PREPARE)
		return on_prepare(s, payload);
	uint32_t id = 0;
	struct client_statement *c = stmt_id(payload, &id) ? prepared_find(s, id) : NULL;
	if (!c)
		return unknown(s, payload, id, functions[command] ? functions[command] : "wye");
	s->run->statement = c;
	switch (command) {
	case CMD_STMT_EXECUTE:
	case CMD_STMT_BULK_EXECUTE:
		return on_execute(s, c, payload);
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
