/*
 * The statement in work as the statistics see it: its times, its digest's row, how it ended.
 *
 * The row is looked up when the statement is sent, as long as its text can still be read for a digest that is new; it is
 * counted when the run ends. A statement that is run again elsewhere counts once, where it was answered.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/ok.h"
#include "proxy/errors_seen.h"
#include "proxy/session/session.h"
#include "proxy/statements.h"
#include "router/digest.h"

#define LARGE_TEXT "(16 MiB and more: not read)"

static bool is_on(const struct session *s)
{
	return s->worker->snapshot->settings->statement_statistics;
}

void statistics_begin(struct session *s, size_t size)
{
	struct run *r = s->run;
	if (!is_on(s) || (r->command != CMD_QUERY && !prepared_executes(r->command)))
		return;
	r->times.began = worker_woke(s->worker);
	r->times.bytes = size;
	r->times.out_before = s->bytes_out;
}

void statistics_wait_begins(struct session *s)
{
	if (s->run->times.began)
		s->run->times.queue_since = worker_clock(s->worker);
}

void statistics_wait_ends(struct session *s)
{
	struct run_times *t = &s->run->times;
	if (t->queue_since)
		t->queue += worker_clock(s->worker) - t->queue_since;
	t->queue_since = 0;
}

void statistics_waited(struct session *s, uint64_t us)
{
	struct run_times *t = &s->run->times;
	t->queue += us * 1000;
	if (t->sent)
		t->sent += us * 1000;
}

/* The row of its digest on this server, a new one if need be. */
static void find_row(struct session *s, int slot)
{
	struct run *r = s->run;
	const char *user = s->user ? s->user : "";
	if (!s->user_hash)
		s->user_hash = digest_mix_bytes(0, (const uint8_t *)user, strlen(user));
	uint64_t key = statement_key(r->learned_key, s->user_hash, slot);
	if (tally_find(s->worker->statements.digests, key, &r->times.digest))
		return;
	static _Thread_local struct statement_id id;
	struct view schema = state_schema_of(s->want);
	memset(&id, 0, sizeof id);
	id.digest = r->digest;
	id.slot = slot;
	snprintf(id.schema, sizeof id.schema, "%.*s", (int)schema.len, (const char *)schema.p);
	snprintf(id.user, sizeof id.user, "%s", user);
	if (r->large && !r->statement)
		strcpy(id.text, LARGE_TEXT);
	else if (r->size || r->statement) /* else its bytes are gone, and others may be in their place */
		routing_digest_text(s, id.text, sizeof id.text);
	r->times.digest = tally_add(s->worker->statements.digests, key, &id, (size_t)(slot + 1));
}

void statistics_sent(struct session *s)
{
	struct run_times *t = &s->run->times;
	if (!t->began)
		return;
	find_row(s, s->run->slot);
	statement_log_keep(s);
	t->sent = worker_clock(s->worker);
}

static enum statement_class class_of(const struct run *r)
{
	if (r->flags & CLASS_DDL)
		return STATEMENT_DEFINITION;
	if (r->flags & (CLASS_WRITES | CLASS_CALLS))
		return STATEMENT_WRITE;
	if (r->flags & (CLASS_BEGINS | CLASS_COMMITS | CLASS_ROLLS_BACK))
		return STATEMENT_TRANSACTION;
	if (r->route == ROUTE_SESSION)
		return STATEMENT_SESSION;
	return r->route == ROUTE_REPLICA ? STATEMENT_READ : STATEMENT_PRIMARY_READ;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void statistics_end(struct session *s)
{
	struct run *r = s->run;
	struct run_times *t = &r->times;
	if (!t->began || r->own || (!r->digest && !r->large))
		return;
	statistics_wait_ends(s);
	int slot = r->sent && r->slot >= 0 ? r->slot : STATEMENT_NO_SERVER;
	if (slot == STATEMENT_NO_SERVER) {
		find_row(s, slot);
		if (r->size || r->statement)
			statement_log_keep(s);
	}
	/* What the server has answered was there when wye woke up; passing it on is wye's own time. */
	uint64_t there = worker_woke(s->worker), now = worker_clock(s->worker), all = now - t->began;
	uint64_t queue = least(t->queue, all), server = 0;
	if (slot >= 0 && now > t->sent)
		server = least(there > t->sent ? there - t->sent : now - t->sent, all - queue);
	bool answered = slot < 0 || s->state != SESSION_CLOSING;
	struct statement_done done = {
		.slot = slot,
		.class = class_of(r),
		.failed = !answered || t->error || (slot >= 0 && r->reply.kind == REPLY_ERR),
		.now_us = now / 1000,
		.rows_sent = slot >= 0 ? r->reply.rows : 0,
		.rows_affected = slot >= 0 ? r->reply.affected : 0,
		.bytes_received = t->bytes,
		.bytes_sent = s->bytes_out - t->out_before,
	};
	done.part_us[PART_ALL] = all / 1000;
	done.part_us[PART_QUEUE] = queue / 1000;
	done.part_us[PART_SERVER] = server / 1000;
	done.part_us[PART_OWN] = (all - queue - server) / 1000;
	statement_note(&s->worker->statements, t->digest, &done);
	statement_log_end(s, &done);
}

void statistics_error(struct session *s, int slot, uint16_t code, const char *sqlstate, struct view text)
{
	struct worker *w = s->worker;
	const struct run *r = s->run;
	struct tally_ticket row;
	if (!w->snapshot || !is_on(s))
		return;
	struct error_id id = {.slot = slot, .code = code};
	snprintf(id.user, sizeof id.user, "%s", s->user ? s->user : "");
	if (!error_seen_before(w->errors_seen, slot, id.user, code, &row)) {
		static _Thread_local struct statement_id statement;
		snprintf(id.sqlstate, sizeof id.sqlstate, "%.5s", sqlstate);
		error_text_without_data(code, text, id.text, sizeof id.text);
		if (r && tally_id(w->statements.digests, r->times.digest, &statement))
			snprintf(id.statement, sizeof id.statement, "%.*s", (int)sizeof id.statement - 1, statement.text);
		row = error_seen_add(w->errors_seen, &id);
	}
	error_seen_note(w->errors_seen, row, r ? r->digest : 0, uv_hrtime() / 1000);
}

void statistics_error_packet(struct session *s, struct view payload)
{
	struct err_packet e;
	if (err_parse(payload, s->backend->caps, &e))
		statistics_error(s, s->run->slot, e.code, e.sqlstate, e.message);
}
