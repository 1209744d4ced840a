/* Getting the connection that the command in work needs. */
#include <stdio.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/pause.h"
#include "proxy/session/admission.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"
#include "proxy/topology.h"

#define WAIT_PARTS 8u

/* The command ends with an error of wye's own: the client reads it in place of the server's answer. */
static enum step give_up(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct run *r = s->run;
	if (r->own) {
		r->failed_code = code;
		snprintf(r->failed_sqlstate, sizeof r->failed_sqlstate, "%s", sqlstate);
		r->failed_text = strdup(text);
		return session_enter(s, SESSION_LOGIN);
	}
	bool silent = r->command == CMD_STMT_CLOSE || r->command == CMD_STMT_SEND_LONG_DATA;
	if (r->command == CMD_STMT_SEND_LONG_DATA)
		prepared_data_lost(s);
	bool sent = silent || session_answer_error(s, code, sqlstate, "%s", text);
	bool large = r->large;
	run_end(s);
	/* Its bytes are still coming; they cannot be told from commands. */
	if (large)
		return session_fail(s, END_SERVER_LOST);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

/* A replica that keeps a read waiting may be frozen, or its connections busy for long, and so may the primary that keeps a
 * login waiting: another may be quicker. Part of the whole time is spent on each; after the last one the first is asked again. */
static bool try_another(struct session *s)
{
	struct run *r = s->run;
	uint64_t now = worker_now(s->worker);
	if (r->slot < 0 || r->slot >= 32 || r->sent || !(r->on_replica || r->own))
		return false;
	if ((now - s->wanted_since) * 1000 < s->worker->snapshot->settings->queue_timeout / WAIT_PARTS)
		return false;
	/* Asked last, for it takes a turn among the replicas. */
	if (!r->on_replica && !(routing_runs_anywhere(s) && reads_any_replica(s) >= 0))
		return false;
	r->tried = ++r->waits % WAIT_PARTS ? r->tried | 1u << r->slot : 0;
	r->slot = -1;
	s->wanted_since = now;
	return true;
}

/* Waited in vain: for how long, for which server, and why there was no connection. */
static enum step waited_too_long(struct session *s, uint64_t waited_ms)
{
	struct run *r = s->run;
	char text[900], why[480] = "no server has applied what this session has seen, or may be used";
	const struct server_info *server =
		r->slot >= 0 ? snapshot_server_by_slot(s->worker->snapshot, (unsigned)r->slot) : NULL;
	if (pause_is_on() && r->slot < 0)
		snprintf(why, sizeof why, "an administrator has paused wye (PAUSE)");
	if (r->line_of)
		pool_explain(r->line_of, why, sizeof why);
	else if (r->gate_waits)
		snprintf(why, sizeof why, "it runs as many reads as it can (admission)");
	snprintf(text, sizeof text, "wye: waited %.1f s (queue_timeout) in vain for a connection to %s: %s",
		 (double)waited_ms / 1000, server ? server->name : "a server", why);
	want_backend_ends(s);
	return give_up(s, 1040, "08004", text);
}

static void begin_waiting(struct session *s)
{
	struct run *r = s->run;
	uint64_t now = worker_now(s->worker);
	if (r->waiting_since)
		return;
	r->waiting_since = now ? now : 1;
	s->wanted_since = now;
	stat_add(&s->worker->stats->queued, 1);
	statistics_wait_begins(s);
	if (r->slot >= 0)
		sessions_read_back(s->worker, r->slot);
}

static enum step wait_for(struct session *s)
{
	struct run *r = s->run;
	const struct settings *settings = s->worker->snapshot->settings;
	uint64_t now = worker_now(s->worker);
	begin_waiting(s);
	/* Those that failed it may serve the next time that it is woken. */
	if (r->slot < 0)
		r->tried = 0;
	if (!r->queue_since)
		r->queue_since = now ? now : 1;
	if ((now - r->queue_since) * 1000 < settings->queue_timeout)
		return try_another(s) ? STEP_AGAIN : STEP_WAIT;
	return waited_too_long(s, now - r->queue_since);
}

void want_backend_ends(struct session *s)
{
	struct run *r = s->run;
	if (r->waiting_since)
		stat_sub(&s->worker->stats->queued, 1);
	if (r->held_bytes)
		stat_sub(&s->worker->stats->held_bytes, r->held_bytes);
	r->waiting_since = r->queue_since = 0;
	r->held_bytes = 0;
}

static void stop_waiting(struct session *s)
{
	want_backend_ends(s);
	statistics_wait_ends(s);
}

/* What waits for a primary already, in all workers. False: there is no room for this one as well; `why` says which bound
 * it is. */
static bool has_room_to_hold(const struct session *s, size_t bytes, char *why, size_t why_size)
{
	const struct settings *settings = s->worker->snapshot->settings;
	uint64_t queued = 0, held = bytes;
	for (unsigned i = 0; i < stats_workers(); i++) {
		queued += stat_get(&stats_worker(i)->queued);
		held += stat_get(&stats_worker(i)->held_bytes);
	}
	if (settings->queue_max && queued >= settings->queue_max)
		snprintf(why, why_size, "; queue_max = %llu sessions wait already",
			 (unsigned long long)settings->queue_max);
	else if (settings->hold_max_bytes && held > settings->hold_max_bytes)
		snprintf(why, why_size, "; with this one, commands of more than hold_max_bytes = %llu would wait for it",
			 (unsigned long long)settings->hold_max_bytes);
	else
		return true;
	return false;
}

/* Nothing of it was sent, and it can only run on the primary, which cannot be reached, or there is none: another one may
 * be made, or it may come back. False: it has waited for that long enough, or others have filled the queue (`why`). */
static bool hold(struct session *s, char *why, size_t why_size)
{
	struct run *r = s->run;
	const struct settings *settings = s->worker->snapshot->settings;
	uint64_t now = worker_now(s->worker), most = settings->failover_timeout / 1000;
	size_t bytes;
	*why = 0;
	rules_packet(s, &bytes);
	/* A login ends in time to tell its client why. */
	if (r->own && most > settings->login_timeout / 1250)
		most = settings->login_timeout / 1250;
	if (!most || (r->waiting_since && now - r->waiting_since >= most))
		return false;
	if (!r->waiting_since && !has_room_to_hold(s, bytes, why, why_size))
		return false;
	if (!r->held_bytes) {
		r->held_bytes = bytes;
		stat_add(&s->worker->stats->held_bytes, bytes);
	}
	pool_leave_line(s);
	admission_leave(s);
	begin_waiting(s);
	r->slot = -1;
	r->tried = 0;
	r->queue_since = 0;
	/* What is tried from now on: an attempt that failed in this millisecond is not the answer to the next. */
	s->wanted_since = now + 1;
	return true;
}

/* The primary is being replaced: what is not in the middle of something there waits for the next one. */
static bool is_held_back(const struct session *s)
{
	const struct run *r = s->run;
	int held = s->worker->snapshot->held;
	if (held < 0 || r->own || session_in_trx(s) || (s->pinned && (s->pins & (PIN_TABLE_LOCK | PIN_XA))))
		return false;
	if (r->slot >= 0)
		return r->slot == held;
	return s->pinned && (int)s->pinned->slot == held && (s->pins & ~(uint32_t)PIN_LAST_STATEMENT);
}

/* A read that this server cannot take runs on another: one that belongs on a replica, on one that lacks something still,
 * if it is the primary that cannot. So does what only changes the session's state, and a login. */
static bool is_elsewhere(struct session *s)
{
	struct run *r = s->run;
	uint32_t bit = r->slot < 32 ? 1u << r->slot : 0;
	bool moves = r->route == ROUTE_REPLICA || routing_runs_anywhere(s);
	bool has_others = bit ? (r->on_replica || moves) && !(r->tried & bit) : r->on_replica;
	if (!has_others || (r->sent && !r->replayable))
		return false;
	if (bit)
		r->tried |= bit;
	else
		r->to_primary = true;
	reads_unspill(s);
	r->slot = -1;
	r->attempts++;
	return true;
}

static enum step no_primary(struct session *s, const char *text)
{
	char why[160], whole[500];
	if (hold(s, why, sizeof why))
		return STEP_WAIT;
	stop_waiting(s);
	snprintf(whole, sizeof whole, "%s%s", text, why);
	return give_up(s, ERROR_UNREACHABLE, "08S01", whole);
}

static enum step pool_failed(struct session *s, const struct server_info *server, const struct pool *pool)
{
	char text[760], why[160] = "";
	topology_suspect(server->slot);
	if (is_elsewhere(s))
		return STEP_AGAIN;
	if (pool->unreachable && !s->run->on_replica && !s->run->sent && hold(s, why, sizeof why))
		return STEP_WAIT;
	stop_waiting(s);
	snprintf(text, sizeof text, "wye: cannot use %s: %s%s", server->name, pool->error_text, why);
	return give_up(s, pool->error, pool->sqlstate, text);
}

static enum step queue_is_full(struct session *s, const struct server_info *server, const struct pool *pool)
{
	char text[900], why[480];
	stop_waiting(s);
	if (is_elsewhere(s))
		return STEP_AGAIN;
	pool_explain(pool, why, sizeof why);
	snprintf(text, sizeof text, "wye: queue_max = %llu sessions wait for a connection to %s already: %s",
		 (unsigned long long)s->worker->snapshot->settings->queue_max, server->name, why);
	return give_up(s, 1040, "08004", text);
}

enum step want_backend_step(struct session *s)
{
	struct run *r = s->run;
	if (s->backend) {
		stop_waiting(s);
		return send_statement(s);
	}
	char text[320];
	if (r->timed_out) {
		const char *sqlstate;
		uint16_t code = hints_timeout_error(s, &sqlstate, text, sizeof text);
		stop_waiting(s);
		return give_up(s, code, sqlstate, text);
	}
	if (is_held_back(s)) {
		pool_leave_line(s);
		admission_leave(s);
		if (s->pinned && (int)s->pinned->slot == s->worker->snapshot->held)
			return no_primary(s, s->worker->snapshot->primary_reason);
		r->slot = -1;
	}
	if (r->slot < 0) {
		pool_leave_line(s);
		admission_leave(s);
		if (replay_waits_for_others(s)) {
			begin_waiting(s);
			return STEP_WAIT;
		}
		if (pause_is_on() && !s->pinned && !r->own)
			return wait_for(s);
		switch (routing_choose(s, text, sizeof text)) {
		case ROUTING_OK:
			break;
		case ROUTING_WAIT:
			return wait_for(s);
		case ROUTING_NONE:
			if (s->worker->snapshot->primary < 0)
				return no_primary(s, text);
			stop_waiting(s);
			return give_up(s, ERROR_UNREACHABLE, "08S01", text);
		}
		if (s->backend)
			return STEP_AGAIN;
	}
	const struct server_info *server = snapshot_server_by_slot(s->worker->snapshot, (unsigned)r->slot);
	if (!server || server->state == SERVER_STATE_DOWN) {
		pool_leave_line(s);
		admission_leave(s);
		r->slot = -1;
		return STEP_AGAIN;
	}
	const struct pool *pool = NULL;
	if (!r->waiting_since)
		s->wanted_since = worker_now(s->worker);
	if (!admission_enter(s, server->slot))
		return wait_for(s);
	r->pipelines = pipelined_may(s);
	struct backend *b = NULL;
	enum pool_result got = pool_take(s->worker, server, s, &b, &pool);
	if (got != POOL_BEHIND)
		s->backend = b;
	switch (got) {
	case POOL_OK:
		return STEP_AGAIN;
	case POOL_BEHIND:
		stop_waiting(s);
		return send_behind(s, b);
	case POOL_WAIT:
		return wait_for(s);
	case POOL_FAILED:
		return pool_failed(s, server, pool);
	default:
		return queue_is_full(s, server, pool);
	}
}
