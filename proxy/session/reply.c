/*
 * The server's answer: eaten as far as it belongs to errands, passed on as far as it is the client's.
 *
 * Bytes go from the worker's read buffer to the client's socket in the longest runs there are; only a packet that must
 * look different to the client (an OK with trackers it did not ask for, a statement's number) interrupts a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "proxy/backend/pool.h"
#include "proxy/learned.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

#define OLD_RIGHTS_MS 1000u /* a connection so old, refused for lack of rights, may be older than the grant */

/* MySQL had closed the connection for its idleness before it read anything of ours; nothing was done. To MariaDB the number
 * means something else (a trigger that another is to follow is not there), and an answer has another sequence number, which
 * is not to be seen over the compressed protocol. */
static bool is_good_bye(const struct session *s, uint16_t code)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	return code == 4031 && any && any->flavor == FLAVOR_MYSQL &&
	       (s->backend->conn.packed || s->run->reply.seq == 0);
}

/* The server is stopping, or somebody has killed the connection: what was open on it is rolled back. */
static bool is_shutdown(uint16_t code)
{
	return code == 1053 || code == 1927;
}

/* ---- a failed errand ---- */

static enum step answer_failure(struct session *s)
{
	struct run *r = s->run;
	if (r->own)
		return finish_statement(s, false);
	if (r->command == CMD_STMT_SEND_LONG_DATA)
		prepared_data_lost(s);
	else
		session_answer_error(s, r->failed_code, r->failed_sqlstate, "%s", r->failed_text ? r->failed_text : "");
	return finish_statement(s, false);
}

static enum step errand_failed(struct session *s)
{
	struct run *r = s->run;
	if (is_good_bye(s, r->failed_code) || (s->replay && is_shutdown(r->failed_code))) {
		s->backend->conn.error = UV_ECONNRESET;
		return finish_lost_server(s);
	}
	bool usable = r->failed_errand == ERRAND_PREPARE && !r->sent;
	if (!usable)
		s->backend->conn.error = UV_ECANCELED; /* nobody knows what it holds now: it is not used again */
	bool may_repeat = !r->sent || r->replayable;
	if (r->on_replica && may_repeat && s->backend != s->pinned)
		return run_again(s, true);
	return answer_failure(s);
}

#define TOO_MANY_STATEMENTS 1461

/* On the same connection, after others on this server were closed. */
static enum step prepare_again(struct session *s)
{
	struct run *r = s->run;
	r->failed_code = 0;
	free(r->failed_text);
	r->failed_text = NULL;
	prepared_make_room(s);
	return send_statement(s);
}

/* ---- a wait in vain ---- */

/* The replica does not have what the session must see: what it answers to the statement is nobody's. */
static enum step waited_in_vain(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	if (r->sent) {
		s->backend = NULL;
		pool_drain(b, &r->reply);
	}
	r->waited = true;
	return run_anew(s);
}

/* The last insert id was all that was wanted of this connection. */
static enum step go_elsewhere(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	s->backend = NULL;
	r->saves_own = false;
	r->slot = -1;
	r->n_errands = r->at_errand = 0;
	pool_give(b);
	return session_enter(s, SESSION_WANT_BACKEND);
}

enum step prepare_backend_step(struct session *s)
{
	struct run *r = s->run;
	switch (errands_eat(s)) {
	case REPLY_DONE:
		break;
	case REPLY_PARTIAL:
		return s->backend->conn.error ? finish_lost_server(s) : STEP_WAIT;
	default:
		s->backend->conn.error = UV_EPROTO;
		return finish_lost_server(s);
	}
	if (r->failed_code == TOO_MANY_STATEMENTS && !r->made_room)
		return prepare_again(s);
	if (r->failed_code)
		return errand_failed(s);
	if (r->saves_own)
		return go_elsewhere(s);
	if (r->own)
		return finish_statement(s, true);
	if (r->kill_asks)
		return kill_was_told(s);
	if (r->late)
		return waited_in_vain(s);
	if (r->ask)
		return run_anew(s);
	if (r->preparing && r->command != CMD_STMT_PREPARE) {
		template_unref(s->worker, r->preparing);
		r->preparing = NULL;
	}
	return send_statement(s);
}

/* ---- misroutes that heal ---- */

/* A replica says that it must not, or that it does not know yet what the primary knows. */
static bool is_misroute(uint16_t code)
{
	static const uint16_t codes[] = {
		1290, 1792, 1836, 3100,             /* read-only */
		1146, 1049, 1051, 1054, 1072, 1091, /* table, database, column, key: not there yet */
		1305, 1356, 1449,                   /* routine, view, definer */
		1044, 1045, 1142, 1143, 1227, 1370, /* rights granted a moment ago */
	};
	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* ---- passing on ---- */

static bool pass_on(struct session *s, const uint8_t *data, size_t n)
{
	struct run *r = s->run;
	if (!n || r->replays)
		return true;
	/* Before its client can know, and say so elsewhere. */
	if (!r->told && reply_is_done(&r->reply))
		finish_tell_others(s, r->reply.kind != REPLY_ERR);
	if (!r->forwarded) {
		r->forwarded = true;
		if (r->size) {
			conn_consume(&s->client, r->size);
			r->size = 0;
		}
	}
	s->bytes_out += n;
	stat_add(&s->worker->stats->bytes_to_clients, n);
	return conn_send(&s->client, data, n);
}

static void note_ok(struct session *s, const uint8_t *packet, size_t n)
{
	struct ok_packet ok;
	if (!(s->run->reply.status & STATUS_SESSION_STATE_CHANGED))
		return;
	if (ok_parse((struct view){packet + PACKET_HEADER, n - PACKET_HEADER}, s->backend->caps, &ok))
		trackers_note(s, ok.trackers);
}

enum packet_verdict { PACKET_PASS, PACKET_REPLACED, PACKET_HEAL, PACKET_REPEAT, PACKET_PREPARE_AGAIN, PACKET_BROKEN };

/* The end of SHOW WARNINGS behind a row of wye's own. The end is in the scratch already, or the packet as it is. */
static enum packet_verdict with_trace(struct session *s, const uint8_t *packet, size_t n, bool in_scratch)
{
	struct buf *out = &s->worker->scratch;
	struct buf end;
	uint8_t seq = packet[3];
	buf_init(&end, REPLY_CONTROL_MAX + PACKET_HEADER);
	bool made = in_scratch ? buf_append(&end, buf_data(out), buf_len(out)) : buf_append(&end, packet, n);
	buf_reset(out);
	made = made && trace_add_row(s, out, &seq);
	if (made)
		buf_data(&end)[3] = seq;
	made = made && buf_append(out, buf_data(&end), buf_len(&end));
	buf_finish(&end);
	return made ? PACKET_REPLACED : PACKET_BROKEN;
}

/* In a READ ONLY transaction the primary refuses a write for the transaction's sake, a replica for its own. */
static bool is_read_only_refusal(const struct session *s)
{
	const struct run *r = s->run;
	return r->on_replica && (r->reply.error == 1290 || r->reply.error == 1836) &&
	       (session_in_trx(s) || r->began != BEGUN_NOT) &&
	       (s->status & STATUS_IN_TRANS_READONLY);
}

static enum packet_verdict as_on_the_primary(struct session *s)
{
	struct buf *out = &s->worker->scratch;
	uint8_t seq = s->run->reply.seq;
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	const char *text = any && any->flavor == FLAVOR_MYSQL ? "Cannot execute statement in a READ ONLY transaction."
				 : "Cannot execute statement in a READ ONLY transaction";
	last_statement_failed(s, 1792, "25006", text);
	s->run->error_is_own = true;
	buf_reset(out);
	return err_write(out, &seq, s->caps, 1792, "25006", "%s", text) ? PACKET_REPLACED : PACKET_BROKEN;
}

/* The number of a statement that is not there, as the client gave it: "... handler (n) given to ...". */
static enum packet_verdict with_own_number(struct session *s, struct view payload)
{
	struct buf *out = &s->worker->scratch;
	struct err_packet e;
	uint8_t seq = s->run->reply.seq;
	if (!err_parse(payload, s->backend->caps, &e))
		return PACKET_BROKEN;
	const char *text = (const char *)e.message.p, *end = text + e.message.len;
	const char *from = memchr(text, '(', e.message.len);
	const char *to = from ? memchr(from, ')', (size_t)(end - from)) : NULL;
	if (!to)
		return PACKET_PASS;
	buf_reset(out);
	return err_write(out, &seq, s->caps, e.code, e.sqlstate, "%.*s(%u%.*s", (int)(from - text), text, s->run->unknown_id,
			 (int)(end - to), to)
		       ? PACKET_REPLACED
		       : PACKET_BROKEN;
}

/* The KILL that its timeout sent has come through. */
static enum packet_verdict as_timed_out(struct session *s)
{
	struct buf *out = &s->worker->scratch;
	uint8_t seq = s->run->reply.seq;
	const char *sqlstate;
	char text[160];
	uint16_t code = hints_timeout_error(s, &sqlstate, text, sizeof text);
	buf_reset(out);
	return err_write(out, &seq, s->caps, code, sqlstate, "%s", text) ? PACKET_REPLACED : PACKET_BROKEN;
}

/* Of the transaction that another connection holds this one knows nothing. */
static void tell_transaction(struct session *s, uint8_t *packet, size_t n)
{
	const uint16_t known = STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY | STATUS_AUTOCOMMIT;
	struct run *r = s->run;
	size_t at = r->reply.kind == REPLY_EOF ? PACKET_HEADER + 3 : ok_status_at(packet, n);
	if (!r->beside || at + 2 > n)
		return;
	r->reply.status = (uint16_t)((r->reply.status & ~known) | (s->status & known));
	packet[at] = (uint8_t)r->reply.status;
	packet[at + 1] = (uint8_t)(r->reply.status >> 8);
}

/* One packet that the walker reports. REPLACED: w->scratch holds what the client is to get in its place. */
/* What SET STATEMENT sets is over with its statement, whose answer still tells it. */
static void note_status(struct session *s)
{
	const uint16_t modes = STATUS_ANSI_QUOTES | STATUS_NO_BACKSLASH_ESCAPES;
	uint16_t before = s->status;
	s->status = s->run->reply.status;
	if (s->run->flags & CLASS_SET_VAR)
		s->status = (uint16_t)((s->status & ~modes) | (before & modes));
}

static enum packet_verdict on_packet(struct session *s, uint8_t *packet, size_t n)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	switch (r->reply.kind) {
	case REPLY_ERR:
		if (!r->forwarded && (is_good_bye(s, r->reply.error) || (s->replay && is_shutdown(r->reply.error))))
			return PACKET_BROKEN;
		if (pipelined_must_repeat(s))
			return PACKET_REPEAT;
		stat_add(&w->stats->servers[r->slot].errors, 1);
		s->backend->has_warnings = true; /* whoever's it will be next */
		if (r->on_replica && r->replayable && !r->forwarded && is_misroute(r->reply.error))
			return PACKET_HEAL;
		if (r->timed_out && r->reply.error == 1317)
			return as_timed_out(s);
		if (r->reply.error == TOO_MANY_STATEMENTS && r->command == CMD_STMT_PREPARE && !r->made_room)
			return PACKET_PREPARE_AGAIN;
		last_statement_keep_error(s, (struct view){packet + PACKET_HEADER, n - PACKET_HEADER});
		statistics_error_packet(s, (struct view){packet + PACKET_HEADER, n - PACKET_HEADER});
		if (r->unknown_statement && r->reply.error == 1243)
			return with_own_number(s, (struct view){packet + PACKET_HEADER, n - PACKET_HEADER});
		return is_read_only_refusal(s) ? as_on_the_primary(s) : PACKET_PASS;
	case REPLY_OK:
	case REPLY_END: {
		tell_transaction(s, packet, n);
		note_status(s);
		if (trace_is_on(s))
			trace_count(s, packet, n);
		note_ok(s, packet, n);
		if (pipelined_must_repeat(s))
			return PACKET_REPEAT;
		/* Of what a statement asks to be told, its own answer is the first to tell. */
		bool asks = (r->flags & CLASS_SETS_TRACKERS) && r->next;
		struct ok_filter filter = {.client_caps = s->caps, .keep = asks ? trackers_kept(r->next) : s->tracked,
					   .keep_variable = trackers_keep_variable, .arg = s};
		bool due = trace_is_on(s) && r->reply.kind == REPLY_END && trace_is_due(s);
		if (!ok_needs_rewrite(packet, n, s->backend->caps, &filter))
			return due ? with_trace(s, packet, n, false) : PACKET_PASS;
		buf_reset(&w->scratch);
		if (!ok_rewrite(&w->scratch, packet, n, s->backend->caps, &filter))
			return PACKET_BROKEN;
		return due ? with_trace(s, packet, n, true) : PACKET_REPLACED;
	}
	case REPLY_EOF:
		tell_transaction(s, packet, n);
		note_status(s);
		if (!r->reply.after_definitions && pipelined_must_repeat(s))
			return PACKET_REPEAT;
		if (!trace_is_on(s) || r->reply.after_definitions)
			return PACKET_PASS;
		trace_count(s, packet, n);
		return trace_is_due(s) ? with_trace(s, packet, n, false) : PACKET_PASS;
	case REPLY_PREPARE_OK:
		return prepared_answered(s, packet + PACKET_HEADER, n - PACKET_HEADER) ? PACKET_PASS : PACKET_BROKEN;
	default:
		return PACKET_PASS;
	}
}

/* The file that the server asks for: the client's packets go to the server, then the answer goes on. */
static enum step begin_file(struct session *s)
{
	s->run->upload_left = 0;
	s->run->upload_last = false;
	conn_answer_begins(&s->backend->conn, true);
	return session_enter(s, SESSION_UPLOAD);
}

/* What it was is remembered when the primary has answered it. */
static void note_refusal(struct session *s)
{
	struct run *r = s->run;
	if (!r->refusal)
		r->refusal = calloc(1, sizeof *r->refusal);
	if (!r->refusal)
		return;
	struct view schema = state_schema_of(s->want);
	r->refusal->code = r->reply.error;
	r->refusal->digest = r->digest;
	snprintf(r->refusal->schema, sizeof r->refusal->schema, "%.*s", (int)schema.len, (const char *)schema.p);
	routing_digest_text(s, r->refusal->text, sizeof r->refusal->text);
}

/* Rights on a database, and on all, are a connection's as they were at its login. */
static bool has_old_rights(const struct session *s)
{
	uint16_t code = s->run->reply.error;
	return (code == 1044 || code == 1045 || code == 1142 || code == 1143 || code == 1227 || code == 1370) &&
	       worker_now(s->worker) - s->backend->born > OLD_RIGHTS_MS;
}

static enum step heal(struct session *s)
{
	struct run *r = s->run;
	if (has_old_rights(s) || r->sets_several) /* a part may be set there */
		s->backend->killed = true; /* not lent again */
	stat_add(&s->worker->stats->healed, 1);
	note_refusal(s);
	bool writes = learned_is_read_only(r->reply.error);
	enum step step = run_again(s, true);
	/* What a replica may not do must not be done twice by the primary. */
	if (writes && s->run) {
		r->replayable = false;
		r->flags |= CLASS_WRITES | CLASS_CALLS;
	}
	return step;
}

/* Runs the walker over what is there. *passed: bytes of it that may be forgotten. */
static enum step walk(struct session *s, uint8_t *data, size_t len, size_t *passed)
{
	struct run *r = s->run;
	size_t from = 0, at = r->answer_held, n;
	r->answer_held = 0;
	for (;;) {
		enum reply_result got = reply_walk(&r->reply, data + at, len - at, &n);
		*passed = at;
		switch (got) {
		case REPLY_PASS:
			if (r->replay_at)
				answer_sum_bytes(&r->sum, data + at, n);
			at += n;
			continue;
		case REPLY_PACKET:
			if (r->replay_at)
				answer_sum_packet(&r->sum, &r->reply, data + at, n);
			switch (on_packet(s, data + at, n)) {
			case PACKET_PASS:
				break;
			case PACKET_REPLACED:
				if (!pass_on(s, data + from, at - from) ||
				    !pass_on(s, buf_data(&s->worker->scratch), buf_len(&s->worker->scratch))) {
					*passed = at + n;
					return session_fail(s, END_CLIENT_GONE);
				}
				from = at + n;
				break;
			case PACKET_HEAL:
				/* Nothing follows an ERR: with it the connection is at rest and can be lent again. */
				conn_consume(&s->backend->conn, at + n);
				*passed = 0;
				return heal(s);
			case PACKET_REPEAT:
				conn_consume(&s->backend->conn, at + n);
				*passed = 0;
				return pipelined_repeat(s);
			case PACKET_PREPARE_AGAIN:
				conn_consume(&s->backend->conn, at + n);
				*passed = 0;
				return prepare_again(s);
			case PACKET_BROKEN:
				s->backend->conn.error = UV_EPROTO;
				return finish_lost_server(s);
			}
			at += n;
			if (r->reply.kind != REPLY_LOCAL_INFILE)
				continue;
			*passed = at;
			return pass_on(s, data + from, at - from) ? begin_file(s) : session_fail(s, END_CLIENT_GONE);
		case REPLY_PARTIAL:
			r->client_seq = (uint8_t)(r->reply.seq + 1);
			if (pipelined_holds(s, at)) {
				r->answer_held = at;
				*passed = 0;
				return STEP_WAIT;
			}
			return pass_on(s, data + from, at - from) ? STEP_WAIT : session_fail(s, END_CLIENT_GONE);
		case REPLY_DONE:
			return pass_on(s, data + from, at - from) ? STEP_AGAIN : session_fail(s, END_CLIENT_GONE);
		case REPLY_BAD:
			s->backend->conn.error = UV_EPROTO;
			return finish_lost_server(s);
		}
	}
}

enum step reply_step(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	if (r->at_errand < r->n_errands) {
		switch (errands_eat(s)) {
		case REPLY_DONE:
			break;
		case REPLY_PARTIAL:
			return b->conn.error ? finish_lost_server(s) : STEP_WAIT;
		default:
			b->conn.error = UV_EPROTO;
			return finish_lost_server(s);
		}
		if (r->failed_code)
			return errand_failed(s);
		if (r->late)
			return waited_in_vain(s);
	}
	if (conn_is_full(&s->client) && !b->conn.error)
		return STEP_WAIT;
	size_t len, passed = 0;
	uint8_t *data = (uint8_t *)(uintptr_t)conn_input(&b->conn, &len);
	uint64_t before = r->reply.bytes;
	enum step step = walk(s, data, len, &passed);
	if (s->backend != b) /* it was lost, or given back to run the statement elsewhere */
		return step;
	stat_add(&s->worker->stats->servers[r->slot].bytes_received, r->reply.bytes - before);
	conn_consume(&b->conn, passed);
	if (step == STEP_WAIT && s->state == SESSION_REPLY && b->conn.error)
		return finish_lost_server(s);
	if (step == STEP_AGAIN && s->state == SESSION_REPLY && reply_is_done(&r->reply))
		return finish_statement(s, r->reply.kind != REPLY_ERR);
	return step;
}
