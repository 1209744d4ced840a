/* The client's next command: what wye answers itself, what it refuses, and what goes to a server. */
#include <stdio.h>
#include <string.h>

#include "protocol/command.h"
#include "protocol/packet.h"
#include "proxy/session/effects.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"

static enum step answered(struct session *s, bool sent)
{
	run_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

static enum step to_server(struct session *s)
{
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_quit(struct session *s, struct view payload)
{
	(void)payload;
	return session_fail(s, END_QUIT);
}

/* An answer without a statement tells what only the server knows: whether a transaction is over that an error has met,
 * and how many warnings are still there (MySQL). It leaves them, and a ROW_COUNT() of its own. */
static bool is_told_by_server(const struct session *s)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	bool counted = s->own_error && any && any->flavor == FLAVOR_MYSQL; /* in the answer */
	return (s->trx_unknown && s->pinned) || (s->pins & PIN_LAST_STATEMENT) || s->warned_at || counted;
}

static enum step ask_server(struct session *s)
{
	s->run->flags = CLASS_READS_LAST;
	s->run->route = ROUTE_PIN;
	s->run->reason = REASON_WARNINGS;
	return to_server(s);
}

static enum step on_ping(struct session *s, struct view payload)
{
	(void)payload;
	return is_told_by_server(s) ? ask_server(s) : answered(s, session_answer_ok(s));
}

static enum step on_refused(struct session *s, struct view payload)
{
	(void)payload;
	return answered(s, session_answer_error(s, 1047, "08S01",
					"%s cannot go through wye: connect to the server itself for replication streams",
					command_info(s->run->command)->name));
}

static enum step on_unknown(struct session *s, struct view payload)
{
	(void)payload;
	return answered(s, session_answer_error(s, 1047, "08S01", "Unknown command"));
}

enum step command_kill(struct session *s)
{
	struct run *r = s->run;
	if (r->kill_id != KILL_UNKNOWN)
		return kill_session(s, r->kill_id == KILL_OWN ? s->id : r->kill_id, r->kill_query);
	if (r->kill_user)
		return kill_user(s);
	return r->kill_sql ? kill_ask_value(s) : to_server(s);
}

static enum step on_query(struct session *s, struct view payload)
{
	struct run *r = s->run;
	struct view sql;
	if (!attributes_of_query(s, payload, &sql))
		return answered(s, session_answer_error(s, 1835, "HY000", "Malformed communication packet"));
	sql = routing_classify(s, sql);
	if (r->route == ROUTE_DENY)
		return rules_deny(s);
	if (r->route == ROUTE_LOCAL) {
		char id[16];
		snprintf(id, sizeof id, "%u", s->id);
		return answered(s, session_answer_row(s, "CONNECTION_ID()", id, true, false));
	}
	bool sent;
	if ((r->flags & CLASS_READS_LAST) && last_statement_answer(s, sql, &sent))
		return answered(s, sent);
	enum step step;
	if (begin_answers(s, &step))
		return step;
	if ((r->flags & (CLASS_KILL | CLASS_MULTI)) == CLASS_KILL)
		return command_kill(s);
	return connection_ids_translate(s, sql) ? STEP_WAIT : to_server(s);
}

static enum step on_init_db(struct session *s, struct view payload)
{
	struct run *r = s->run;
	/* Unlike USE it leaves warnings and counts as they are. */
	r->flags = CLASS_READS_LAST;
	r->route = ROUTE_SESSION;
	r->reason = REASON_USE;
	r->next = effects_schema(s, s->want, (struct view){payload.p + 1, payload.len - 1});
	return to_server(s);
}

/* Answers of one server, for which the primary stands: FIELD_LIST, STATISTICS, PROCESS_INFO, DEBUG, REFRESH. */
static enum step on_primary(struct session *s, struct view payload)
{
	(void)payload;
	s->run->route = ROUTE_PRIMARY;
	s->run->reason = s->run->command == CMD_FIELD_LIST ? REASON_READ : REASON_SERVER_SPECIFIC;
	return to_server(s);
}

static enum step on_process_kill(struct session *s, struct view payload)
{
	if (payload.len < 5)
		return on_unknown(s, payload);
	return kill_session(s, get_u32(payload.p + 1), false);
}

/* A pipelined client may set and unset it between statements; the backends follow with their next errands. */
static enum step on_set_option(struct session *s, struct view payload)
{
	if (payload.len < 3 || get_u16(payload.p + 1) > 1)
		return on_unknown(s, payload);
	if (get_u16(payload.p + 1) == 0)
		s->caps |= CAP_MULTI_STATEMENTS;
	else
		s->caps &= ~CAP_MULTI_STATEMENTS;
	return is_told_by_server(s) ? ask_server(s) : answered(s, session_answer_eof(s));
}

/* What the session's connection still holds (locks, a transaction) must be gone when the client reads the answer. */
static enum step on_reset_connection(struct session *s, struct view payload)
{
	(void)payload;
	if (s->pinned && !conn_is_broken(&s->pinned->conn)) {
		s->run->route = ROUTE_PIN;
		s->run->reason = REASON_PINNED;
		return to_server(s);
	}
	finish_reset(s);
	return answered(s, session_answer_ok(s));
}

static enum step on_change_user(struct session *s, struct view payload)
{
	if (s->failed_changes >= 3)
		return on_unknown(s, payload);
	login_change_user(s, payload);
	run_end(s);
	return s->login ? session_enter(s, SESSION_LOGIN) : session_fail(s, END_CLIENT_PROTOCOL);
}

static enum step on_statement(struct session *s, struct view payload)
{
	return prepared_command(s, s->run->command, payload);
}

static enum step (*const handlers[256])(struct session *s, struct view payload) = {
	[CMD_QUIT] = on_quit,
	[CMD_INIT_DB] = on_init_db,
	[CMD_QUERY] = on_query,
	[CMD_FIELD_LIST] = on_primary,
	[CMD_REFRESH] = on_primary,
	[CMD_SHUTDOWN] = on_primary,
	[CMD_STATISTICS] = on_primary,
	[CMD_PROCESS_INFO] = on_primary,
	[CMD_PROCESS_KILL] = on_process_kill,
	[CMD_DEBUG] = on_primary,
	[CMD_PING] = on_ping,
	[CMD_CHANGE_USER] = on_change_user,
	[CMD_BINLOG_DUMP] = on_refused,
	[CMD_TABLE_DUMP] = on_refused,
	[CMD_REGISTER_SLAVE] = on_refused,
	[CMD_BINLOG_DUMP_GTID] = on_refused,
	[CMD_STMT_PREPARE] = on_statement,
	[CMD_STMT_EXECUTE] = on_statement,
	[CMD_STMT_SEND_LONG_DATA] = on_statement,
	[CMD_STMT_CLOSE] = on_statement,
	[CMD_STMT_RESET] = on_statement,
	[CMD_STMT_FETCH] = on_statement,
	[CMD_STMT_BULK_EXECUTE] = on_statement,
	[CMD_SET_OPTION] = on_set_option,
	[CMD_RESET_CONNECTION] = on_reset_connection,
};

/* A command of 16 MiB and more is passed on as it comes: where it goes must follow from its first bytes. */
static enum step on_large(struct session *s, uint8_t command, struct view front)
{
	struct run *r = s->run;
	struct view sql;
	r->large = true;
	switch (command) {
	case CMD_QUERY:
		if (s->worker->snapshot->rules && attributes_of_query(s, front, &sql) && rules_deny_front(s, sql))
			return rules_deny(s);
		r->route = ROUTE_PRIMARY;
		r->reason = REASON_UNREADABLE;
		r->flags = CLASS_WRITES | CLASS_UNLEXED;
		r->pins_added = PIN_OVERSIZED;
		return to_server(s);
	case CMD_STMT_EXECUTE:
	case CMD_STMT_BULK_EXECUTE:
	case CMD_STMT_SEND_LONG_DATA:
		return prepared_command(s, command, front);
	default:
		session_answer_error(s, 1153, "08S01", "Got a packet bigger than wye passes on for %s",
			     command_info(command)->name);
		return session_fail(s, END_CLIENT_PROTOCOL);
	}
}

/* MariaDB closes connections whose transaction rests for longer than the session has allowed; its client reads that as it
 * would without wye. */
static bool transaction_timed_out(const struct session *s)
{
	static const char *const limits[] = {"idle_transaction_timeout", "idle_readonly_transaction_timeout",
					     "idle_write_transaction_timeout"};
	struct view v;
	if (!s->pinned || !conn_is_broken(&s->pinned->conn) || !session_in_trx(s))
		return false;
	for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++)
		if (state_get(s->want, view_of(limits[i]), &v) && !(v.len == 1 && v.p[0] == '0'))
			return true;
	return false;
}

enum step command_run(struct session *s, uint8_t command, struct view payload)
{
	return (handlers[command] ? handlers[command] : on_unknown)(s, payload);
}

enum step command_step(struct session *s)
{
	size_t len;
	if (transaction_timed_out(s))
		return session_fail(s, END_IDLE_TIMEOUT);
	if (s->replay && replay_is_due(s))
		return replay_go_on(s);
	const uint8_t *data = conn_input(&s->client, &len);
	if (s->worker->draining && !s->pinned && !len)
		return session_fail(s, END_DRAINED);
	if (s->worker->hands_over && !len && moving_may(s))
		return moving_begin(s);
	if (s->ask_now && !len && read_back_would_free(s))
		return read_back_begin(s);
	if (len < PACKET_HEADER)
		return STEP_WAIT;
	size_t size = get_u24(data);
	if (data[3] != 0)
		return session_answer_error(s, 1156, "08S01", "Got packets out of order"), session_fail(s, END_CLIENT_PROTOCOL);
	if (size == 0)
		return session_answer_error(s, 1047, "08S01", "Unknown command"), session_fail(s, END_CLIENT_PROTOCOL);
	bool large = size == PACKET_MAX_PAYLOAD;
	if (!large && size > s->worker->snapshot->settings->max_packet) {
		session_answer_error(s, 1153, "08S01", "Got a packet bigger than 'max_packet' bytes");
		return session_fail(s, END_CLIENT_PROTOCOL);
	}
	if (len < PACKET_HEADER + (large ? SESSION_LARGE_FRONT : size))
		return STEP_WAIT;
	uint8_t command = data[PACKET_HEADER];
	struct view payload = {data + PACKET_HEADER, large ? SESSION_LARGE_FRONT : size};
	if (read_back_is_due(s, command, payload))
		return read_back_begin(s);
	s->ask_now = false;
	s->commands++;
	stat_add(&s->worker->stats->commands, 1);
	stat_add(&s->worker->stats->bytes_from_clients, PACKET_HEADER + size);
	s->bytes_in += PACKET_HEADER + size;
	conn_answer_begins(&s->client, len == PACKET_HEADER + size);
	struct run *r = run_begin(s, command);
	statistics_begin(s, large ? 0 : PACKET_HEADER + size);
	r->size = large ? 0 : PACKET_HEADER + size;
	enum step step;
	if (s->replay && replay_tells(s, payload, &step))
		return step;
	if (large)
		return on_large(s, command, payload);
	return command_run(s, command, payload);
}
