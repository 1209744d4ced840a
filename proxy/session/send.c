/* Sending the command in work: errands and statement in one write. */
#include <string.h>

#include "proxy/backend/pipeline.h"
#include "proxy/backend/pool.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"

#define OTHER_BACKENDS_MAX 16u

/* This connection cannot be brought into the session's state: another one, or a new one, can. */
static enum step other_backend(struct session *s)
{
	struct backend *b = s->backend;
	s->backend = NULL;
	if (b == s->pinned)
		return session_fail(s, END_SERVER_LOST);
	b->session = NULL;
	backend_discard(b);
	s->run->n_errands = 0;
	if (++s->run->attempts > OTHER_BACKENDS_MAX)
		return session_fail(s, END_SERVER_PROTOCOL);
	return session_enter(s, SESSION_WANT_BACKEND);
}

static void count_statement(struct session *s)
{
	struct run *r = s->run;
	struct worker_stats *stats = s->worker->stats;
	if (r->sent || r->own)
		return;
	stat_add(&stats->servers[r->slot].statements, 1);
	stat_add(&stats->servers[r->slot].running, 1);
	r->running_at = r->slot;
	if (r->timed || (s->worker->snapshot->settings->balance == BALANCE_LEAST_LATENCY && !r->wait))
		r->sent_us = uv_hrtime() / 1000;
	statistics_sent(s);
	if (!r->counted) {
		stat_add(&stats->routes[r->route][r->reason], 1);
		if (r->mirror)
			mirror_copy(s);
	}
	r->counted = true;
}

/* The rest of a large command follows from the client as it comes. */
static enum step begin_upload(struct session *s)
{
	struct run *r = s->run;
	r->upload_left = 0;
	r->upload_last = false;
	conn_command_begins(&s->backend->conn);
	return session_enter(s, SESSION_UPLOAD);
}

/* Errands have been answered before (a large command is never written behind them). */
static enum step send_large(struct session *s, struct buf *out)
{
	struct run *r = s->run;
	size_t len;
	uint8_t *packet = (uint8_t *)(uintptr_t)conn_input(&s->client, &len);
	size_t skip;
	if (r->statement && !prepared_rewrite(s, packet, len, out, &skip))
		return session_fail(s, END_NO_MEMORY);
	return begin_upload(s);
}

static bool has_answer(uint8_t command)
{
	return command != CMD_STMT_CLOSE && command != CMD_STMT_SEND_LONG_DATA;
}

enum written { WRITTEN, NOT_WRITTEN, UNFIT };

/* Errands and the statement in one write. UNFIT: this connection cannot take it. */
static enum written write_all(struct session *s, struct buf *out)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	size_t size, skip = 0;
	uint8_t *packet = rules_packet(s, &size);
	if (r->statement && !prepared_rewrite(s, packet, size, out, &skip))
		return UNFIT;
	if (r->translated) {
		if (!connection_ids_packet(s, packet, out))
			return UNFIT;
		skip = size;
	}
	uv_buf_t parts[2] = {uv_buf_init((char *)buf_data(out), (unsigned)buf_len(out)),
			     uv_buf_init((char *)packet + skip, (unsigned)(size - skip))};
	bool sent = conn_send_commands(&b->conn, buf_len(out) ? parts : parts + 1, (buf_len(out) > 0) + (skip < size));
	stat_add(&s->worker->stats->servers[r->slot].bytes_sent, buf_len(out) + size - skip);
	return sent ? WRITTEN : NOT_WRITTEN;
}

static enum step send_command(struct session *s, struct buf *out)
{
	struct run *r = s->run;
	count_statement(s);
	r->sent = true;
	if (replay_concerns(s))
		replay_sent(s);
	if (r->large)
		return send_large(s, out);
	enum written written = write_all(s, out);
	if (written == UNFIT)
		return other_backend(s);
	/* What may run again elsewhere, or here once there is room, stays in the client's input until the answer begins. */
	if (!r->replayable && r->command != CMD_STMT_PREPARE) {
		conn_consume(&s->client, r->size);
		r->size = 0;
	}
	if (written == NOT_WRITTEN)
		return finish_lost_server(s);
	if (!has_answer(r->command) && !r->n_errands)
		return finish_statement(s, true);
	return session_enter(s, SESSION_REPLY);
}

/* Nothing needs to be done there first, or it goes elsewhere after all. */
enum step send_behind(struct session *s, struct backend *b)
{
	struct run *r = s->run;
	struct buf *out = &s->worker->scratch;
	buf_reset(out);
	s->backend = b;
	bool fits = errands_collect(s, out) == ERRANDS_NONE;
	r->timed = false;
	if (fits) {
		count_statement(s);
		r->sent = true;
		conn_cork(&b->conn);
		fits = write_all(s, out) == WRITTEN;
	}
	s->backend = NULL;
	if (!fits) {
		r->alone = true;
		return run_anew(s);
	}
	session_enter(s, SESSION_PIPELINED);
	pipeline_join(b, s, r->command);
	return STEP_WAIT;
}

enum step send_statement(struct session *s)
{
	struct run *r = s->run;
	struct buf *out = &s->worker->scratch;
	/* Known before a byte is written: it has not left wye. */
	if (conn_is_broken(&s->backend->conn))
		return finish_lost_server(s);
	buf_reset(out);
	if (!r->ask && !r->saves_own)
		prepared_needs(s);
	enum errands_result got = errands_collect(s, out);
	if (got == ERRANDS_PIPELINE && s->run->large)
		got = ERRANDS_FIRST;
	switch (got) {
	case ERRANDS_IMPOSSIBLE:
		return other_backend(s);
	case ERRANDS_FIRST:
		errands_begin(s);
		if (!conn_send_command(&s->backend->conn, buf_data(out), buf_len(out)))
			return finish_lost_server(s);
		return session_enter(s, SESSION_PREPARE_BACKEND);
	case ERRANDS_PIPELINE:
	case ERRANDS_NONE:
		break;
	}
	errands_begin(s);
	return r->own ? finish_statement(s, true) : send_command(s, out);
}
