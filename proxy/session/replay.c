#include "proxy/session/replay.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "protocol/packet.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/session/replay_record.h"
#include "proxy/topology.h"

/* A transaction is begun anew so often, because of locks or since the next server was lost as well. */
#define ATTEMPTS_MAX 10u
/* So long after there is a new primary, statements that are not part of a replay let replays go first. */
#define GATE_US 5000000
/* Those that hold locks already less, and once: a replay may be waiting for just these. */
#define GATE_HOLDING_MS 300u

/* Replays under way in all workers: until the last is done, whoever has not begun yet would take locks and numbers that
 * they need. And when the first of them lost its connection, us of the epoch: a primary that has been one since before
 * is no new one, and what it has of locks and numbers, it has. */
static _Atomic unsigned open_replays;
static _Atomic int64_t first_lost_us;

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void count(struct replay *rp)
{
	if (!rp->counted && atomic_fetch_add_explicit(&open_replays, 1, memory_order_relaxed) == 0)
		atomic_store_explicit(&first_lost_us, now_us(), memory_order_relaxed);
	rp->counted = true;
}

static void uncount(struct session *s)
{
	struct replay *rp = s->replay;
	if (rp->counted && atomic_fetch_sub_explicit(&open_replays, 1, memory_order_relaxed) == 1)
		sessions_wake_all(&s->worker->waiting); /* those of other workers look again at their next tick */
	rp->counted = false;
}

void replay_forget(struct session *s)
{
	struct replay *rp = s->replay;
	if (!rp)
		return;
	uncount(s);
	s->replay = NULL;
	replay_record_destroy(s->worker, rp);
}

/* ---- recording ---- */

static bool is_open(const struct session *s)
{
	return session_in_trx(s) || (s->pinned && (s->pins & PIN_SET_TRANSACTION));
}

void replay_sent(struct session *s)
{
	struct run *r = s->run;
	r->sum = (struct answer_sum){0};
	if (r->replay_at || r->own || r->beside || (s->replay && s->replay->failed))
		return;
	bool begins = replay_record_begins(r);
	if (s->replay && !is_open(s))
		replay_forget(s);
	if (!s->replay && is_open(s) && !begins)
		return; /* how it began is not known */
	if (!s->replay)
		s->replay = replay_record_create(s);
	if (s->replay && (!s->replay->refused || begins))
		r->replay_at = replay_record_add(s);
}

/* The statement was killed, or took too long, and is undone by that: the transaction is as if it had not been there. It
 * would hardly fail again. */
static bool left_nothing(const struct run *r, uint16_t error)
{
	return !(r->flags & CLASS_MULTI) && (error == 1317 || error == 1969 || error == 3024);
}

/* A deadlock; a lock wait that has ended, which does the same under innodb_rollback_on_timeout; no room for locks; a row
 * that has changed since the snapshot (MariaDB, innodb_snapshot_isolation). */
static bool rolled_back(uint16_t error)
{
	return error == 1213 || error == 1205 || error == 1206 || error == 1020;
}

/* A statement of the client's own. */
static void note_answer(struct session *s, bool ok)
{
	struct replay *rp = s->replay;
	struct run *r = s->run;
	uint16_t error = r->reply.kind == REPLY_ERR ? r->reply.error : 0;
	bool begins = replay_record_begins(r);
	if (!is_open(s)) {
		replay_forget(s);
		return;
	}
	if (r->replay_at)
		replay_record_answered(rp, r->replay_at, &r->sum);
	if (r->replay_at && (left_nothing(r, error) || (!ok && begins)))
		replay_record_drop_last(s->worker, rp);
	if (ok && begins && r->replay_at)
		replay_record_begin_with_last(s); /* what was before it is committed */
	else if (rolled_back(error) || (ok && r->noted))
		replay_record_refuse(s->worker, rp); /* what is open now is another; or something of it is committed already */
	if (!replay_record_can_repeat(s))
		replay_record_refuse(s->worker, rp);
}

/* ---- the verdict on an answer ---- */

/* A number that others have taken, or that comes from another counter: it is asked for. What was given a number by the
 * client would have the same. */
static bool gives_numbers(struct replay *rp, const struct replay_step *step, const struct answer_sum *sum)
{
	if (!answer_sum_is_same(sum, &step->sum) || step->gives_id || !step->sum.insert_id)
		return false;
	uint64_t digest = step->digest;
	for (unsigned i = 0; i < rp->n; i++)
		if (rp->steps[i].digest == digest)
			rp->steps[i].gives_id = rp->steps[i].sum.insert_id != 0;
	return true;
}

/* Locks that another replay holds, or a primary that is just being made or unmade. */
static bool may_pass(uint16_t error)
{
	static const uint16_t codes[] = {1205, 1213, 1290, 1792, 1836, 3100};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == error)
			return true;
	return false;
}

/* `why`: it is an error of wye's own; NULL: what a server has answered. */
static void judge(struct session *s, const struct answer_sum *sum, const char *why)
{
	struct replay *rp = s->replay;
	const struct replay_step *step = &rp->steps[s->run->replay_at - 1];
	if (rp->verdict != REPLAY_SAME)
		return;
	if (answer_sum_is_same(sum, &step->sum) && sum->insert_id == step->sum.insert_id)
		return;
	if (gives_numbers(rp, step, sum)) {
		rp->verdict = REPLAY_AGAIN;
	} else if (may_pass(sum->error) && ++rp->attempts <= ATTEMPTS_MAX) {
		rp->verdict = REPLAY_AGAIN;
	} else {
		log_info("replay-failed", "session=%u statement=%u error=%u text=\"%s\"", s->id, s->run->replay_at, sum->error,
			 why ? why : "");
		replay_record_fail(rp, why ? why : "it was run again, and a statement was answered otherwise than before");
		stat_add(&s->worker->stats->replays_differed, !why);
	}
}

void replay_answered(struct session *s, bool ok)
{
	if (s->run->replays)
		judge(s, &s->run->sum, NULL);
	else if (!s->replay->failed)
		note_answer(s, ok);
}

bool replay_own_answer(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct answer_sum sum = {0};
	if (code)
		answer_sum_error(&sum, code, sqlstate);
	else
		answer_sum_ok(&sum);
	judge(s, &sum, code ? text : NULL);
	return true;
}

uint64_t replay_insert_id(const struct session *s)
{
	const struct run *r = s->run;
	if (!r->replays || r->preparing)
		return 0;
	const struct replay_step *step = &s->replay->steps[r->replay_at - 1];
	return step->gives_id ? step->sum.insert_id : 0;
}

/* ---- a lost connection ---- */

static void become(struct session *s, struct state *state)
{
	state_ref(state);
	state_unref(s->worker->states, s->want);
	s->want = state;
	routing_state_changed(s);
}

/* From the first statement on, in the state that it found. */
static enum step from_the_beginning(struct session *s)
{
	struct replay *rp = s->replay;
	rp->at = 0;
	rp->at_work = true;
	rp->verdict = REPLAY_SAME;
	become(s, rp->want);
	begin_set(s, rp->begun);
	s->insert_id = rp->insert_id;
	return session_enter(s, SESSION_COMMAND);
}

static enum step begin(struct session *s, struct backend *lost)
{
	struct replay *rp = s->replay;
	if (!rp->at_work) {
		state_unref(s->worker->states, rp->want_now);
		rp->want_now = state_ref(s->want);
		stat_add(&s->worker->stats->replays, 1);
	}
	count(rp);
	rp->replayed = true;
	finish_lost_backend(s, lost);
	enum step step = from_the_beginning(s);
	if (++rp->attempts > ATTEMPTS_MAX)
		replay_record_fail(rp, "it was run again, and its connection lost, too often");
	return step;
}

/* The command is read from the client's input once more, as if it had not come yet. */
static void put_back(struct session *s)
{
	struct run *r = s->run;
	if (r->size) {
		s->commands--;
		s->bytes_in -= r->size;
		stat_sub(&s->worker->stats->commands, 1);
		stat_sub(&s->worker->stats->bytes_from_clients, r->size);
	}
	r->size = 0;
	r->times.began = 0;
}

bool replay_begin(struct session *s, enum step *step)
{
	struct replay *rp = s->replay;
	struct run *r = s->run;
	struct backend *lost = s->backend;
	if (!rp || rp->refused || rp->failed || r->forwarded || r->large || r->own)
		return false;
	bool of_transaction = s->pinned ? lost == s->pinned : r->replay_at == 1;
	bool is_there = !r->sent || r->replay_at || r->size;
	if (!r->replays && (!of_transaction || !is_there))
		return false;
	if (!r->replays) {
		rp->interrupted = r->replay_at && !r->size;
		rp->times = r->times;
		if (r->replay_at && !rp->interrupted)
			replay_record_drop_last(s->worker, rp);
		put_back(s);
	}
	run_end(s);
	*step = begin(s, lost);
	return true;
}

/* ---- at work ---- */

bool replay_is_due(const struct session *s)
{
	const struct replay *rp = s->replay;
	if (rp->at_work)
		return true;
	return !rp->refused && !rp->failed && s->pinned && conn_is_broken(&s->pinned->conn);
}

/* The client waits for nothing: the server it had been using is gone. */
static enum step begin_between_commands(struct session *s)
{
	unsigned slot = s->pinned->pool->key.slot;
	log_info("backend-lost", "session=%u between statements of a transaction", s->id);
	topology_suspect(slot);
	s->replay->interrupted = false;
	return begin(s, s->pinned);
}

static void leave_connection(struct session *s)
{
	if (s->pinned) {
		s->pinned->conn.error = UV_ECANCELED; /* closing rolls back */
		finish_lost_backend(s, s->pinned);
	}
	begin_forget(s);
}

static bool answer_failure(struct session *s)
{
	return session_answer_error(s, 1213, "40001",
				    "wye: the transaction lost its server and is rolled back (%s); try restarting transaction",
				    s->replay->why ? s->replay->why : "");
}

/* What began it is undone; what the client has set in it stays set, as it does after any ROLLBACK. */
static enum step give_up(struct session *s)
{
	struct replay *rp = s->replay;
	leave_connection(s);
	become(s, rp->want_now);
	rp->at_work = false;
	uncount(s);
	if (!rp->interrupted)
		return session_enter(s, SESSION_COMMAND); /* the next command is told: replay_tells() */
	struct run *r = run_begin(s, replay_record_packet(rp, rp->n - 1)[PACKET_HEADER]);
	r->times = rp->times;
	bool sent = answer_failure(s);
	run_end(s);
	replay_forget(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

static enum step run_step(struct session *s, unsigned i, bool for_client)
{
	struct replay *rp = s->replay;
	struct replay_step *step = &rp->steps[i];
	const uint8_t *packet = replay_record_packet(rp, i);
	struct run *r = run_begin(s, packet[PACKET_HEADER]);
	r->rewritten = malloc(step->len);
	if (!r->rewritten)
		abort();
	memcpy(r->rewritten, packet, step->len);
	r->rewritten_size = step->len;
	r->replay_at = i + 1;
	r->replays = !for_client;
	r->counted = true;
	if (for_client)
		r->times = rp->times;
	struct view payload = {r->rewritten + PACKET_HEADER, step->len - PACKET_HEADER};
	return step->statement ? prepared_execute(s, step->statement, payload) : command_run(s, r->command, payload);
}

static enum step done(struct session *s)
{
	struct replay *rp = s->replay;
	rp->at_work = false;
	uncount(s);
	stat_add(&s->worker->stats->replays_done, 1);
	log_info("replay-done", "session=%u statements=%u", s->id, rp->n);
	if (!rp->interrupted)
		return session_enter(s, SESSION_COMMAND);
	rp->interrupted = false;
	return run_step(s, rp->n - 1, true);
}

enum step replay_go_on(struct session *s)
{
	struct replay *rp = s->replay;
	if (!rp->at_work)
		return begin_between_commands(s);
	switch (rp->verdict) {
	case REPLAY_SAME:
		break;
	case REPLAY_AGAIN:
		leave_connection(s);
		return from_the_beginning(s);
	case REPLAY_FAILED:
		return give_up(s);
	}
	unsigned answered = rp->n - rp->interrupted;
	return rp->at < answered ? run_step(s, rp->at++, false) : done(s);
}

/* ROLLBACK asks for what has happened already. */
static bool is_rollback(struct view payload)
{
	static const char word[] = "rollback";
	size_t len = sizeof word - 1;
	if (payload.len < 1 + len || strncasecmp((const char *)payload.p + 1, word, len) != 0)
		return false;
	for (size_t i = 1 + len; i < payload.len; i++)
		if (!strchr(" \t\r\n;", payload.p[i]))
			return false;
	return true;
}

/* It has no answer, is answered by wye whatever the session's state, or gives up the transaction. */
static bool can_be_told(uint8_t command)
{
	static const uint8_t others[] = {CMD_QUIT, CMD_PING, CMD_STMT_CLOSE, CMD_STMT_SEND_LONG_DATA, CMD_CHANGE_USER,
					 CMD_RESET_CONNECTION};
	return !memchr(others, command, sizeof others);
}

bool replay_tells(struct session *s, struct view payload, enum step *step)
{
	struct run *r = s->run;
	bool large = !r->size;
	if (!s->replay->failed || !can_be_told(r->command))
		return false;
	if (r->command == CMD_QUERY && !large && is_rollback(payload)) {
		replay_forget(s);
		return false;
	}
	bool sent = answer_failure(s);
	replay_forget(s);
	run_end(s);
	if (large) /* the rest of it is still coming, and cannot be told from commands */
		*step = session_fail(s, END_SERVER_LOST);
	else
		*step = sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
	return true;
}

/* For long enough that replays have had their turn, or not yet. */
static bool has_new_primary(const struct snapshot *snapshot)
{
	if (snapshot->primary < 0)
		return false;
	int64_t since = snapshot->servers[snapshot->primary].since_us, now = now_us();
	return since >= atomic_load_explicit(&first_lost_us, memory_order_relaxed) && now >= since && now - since < GATE_US;
}

bool replay_waits_for_others(struct session *s)
{
	struct run *r = s->run;
	if (!atomic_load_explicit(&open_replays, memory_order_relaxed) || r->replays || r->own)
		return false;
	bool replayed = s->replay && s->replay->replayed, holds = session_in_trx(s);
	bool begins = !holds && (r->route == ROUTE_PRIMARY || s->begun == BEGUN_READ_WRITE);
	if ((!replayed && !begins) || !has_new_primary(s->worker->snapshot))
		return false;
	if (!holds)
		return true;
	if (!s->replay->gated_since)
		s->replay->gated_since = worker_now(s->worker);
	return worker_now(s->worker) - s->replay->gated_since < GATE_HOLDING_MS;
}
