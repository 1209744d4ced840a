#include "proxy/backend/mirror.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/stmt.h"
#include "proxy/backend/pool.h"
#include "proxy/session/template.h"
#include "proxy/worker.h"

STAILQ_HEAD(mirror_queue, mirror_job);

/* What waits for each server, of all workers. */
static struct {
	_Atomic unsigned statements;
	_Atomic size_t bytes;
} queued[SERVERS_MAX];

/* ---- one job ---- */

void mirror_count(struct rule_count *count, enum mirror_outcome outcome)
{
	stat_add(&count->mirror[outcome], 1);
}

void mirror_free(struct mirror_job *job)
{
	state_unref(job->worker->states, job->want);
	template_unref(job->worker, job->template);
	rule_set_unref(job->rules);
	free(job);
}

static void end(struct mirror_job *job, enum mirror_outcome outcome)
{
	mirror_count(job->count, outcome);
	mirror_free(job);
}

/* ---- the queue ---- */

static struct mirror_job *take_first(struct pool *pool)
{
	struct mirror_job *job = STAILQ_FIRST(pool->mirror);
	if (!job)
		return NULL;
	STAILQ_REMOVE_HEAD(pool->mirror, link);
	atomic_fetch_sub_explicit(&queued[job->slot].statements, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&queued[job->slot].bytes, job->len, memory_order_relaxed);
	return job;
}

static void drop_all(struct pool *pool, enum mirror_outcome outcome)
{
	struct mirror_job *job;
	while ((job = take_first(pool)))
		end(job, outcome);
}

static bool has_room(const struct worker *w, const struct mirror_job *job, unsigned slot)
{
	return atomic_load_explicit(&queued[slot].statements, memory_order_relaxed) <
		       w->snapshot->settings->mirror_queue &&
	       atomic_load_explicit(&queued[slot].bytes, memory_order_relaxed) + job->len <= MIRROR_QUEUED_BYTES;
}

static void put_last(struct pool *pool, struct mirror_job *job)
{
	if (!pool->mirror) {
		pool->mirror = malloc(sizeof *pool->mirror);
		if (!pool->mirror)
			abort();
		STAILQ_INIT(pool->mirror);
	}
	job->slot = pool->key.slot;
	job->since = worker_now(pool->worker);
	atomic_fetch_add_explicit(&queued[job->slot].statements, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&queued[job->slot].bytes, job->len, memory_order_relaxed);
	STAILQ_INSERT_TAIL(pool->mirror, job, link);
}

void mirror_send(struct worker *w, const struct server_info *server, const struct session *s, struct mirror_job *job)
{
	if (server->state == SERVER_STATE_DOWN) {
		end(job, MIRROR_SERVER_DOWN);
		return;
	}
	struct pool *pool = pool_for_mirror(w, server, s, state_schema_of(job->want).len == 0);
	if (worker_now(w) < pool->retry_at) {
		end(job, MIRROR_UNREACHED);
	} else if (!has_room(w, job, pool->key.slot)) {
		end(job, MIRROR_QUEUE_FULL);
	} else {
		put_last(pool, job);
		w->mirrors_due = true;
	}
}

/* ---- what is sent ---- */

static bool put(struct mirror_job *job, struct buf *out, uint8_t command, struct view before, struct view text)
{
	uint8_t seq = 0;
	size_t begin = packet_begin(out);
	if (begin == SIZE_MAX || !write_u8(out, command) || !write_bytes(out, before.p, before.len) ||
	    !write_bytes(out, text.p, text.len) || !packet_end(out, begin, &seq) ||
	    job->steps == sizeof job->commands)
		return false;
	if (command != CMD_STMT_CLOSE)
		job->commands[job->steps++] = command;
	return true;
}

static const struct view nothing = {NULL, 0};

/* Where query attributes are in effect there must be a word of them: none, in one set. */
static bool put_text(const struct backend *b, struct mirror_job *job, struct buf *out, struct view sql)
{
	const struct view none = {(const uint8_t *)"\0\1", 2};
	return put(job, out, CMD_QUERY, b->caps & CAP_QUERY_ATTRIBUTES ? none : nothing, sql);
}

/* From what the last copy has left there to this one's session. Roles are not copied. */
static bool put_state(struct backend *b, struct mirror_job *job, struct buf *out)
{
	struct worker *w = job->worker;
	struct state *have = state_ref(b->have);
	struct buf sql;
	bool done = true;
	if (b->lent && have != job->want) {
		state_unref(w->states, have);
		have = state_after_reset(w->states, b->have);
		done = put(job, out, CMD_RESET_CONNECTION, nothing, nothing);
	}
	buf_init(&sql, STATE_BYTES_MAX * 2);
	unsigned diff = state_diff(have, job->want, &sql);
	done = done && !(diff & (DIFF_RESET | DIFF_ROLE));
	if (done && (diff & DIFF_SCHEMA))
		done = put(job, out, CMD_INIT_DB, nothing, state_schema_of(job->want));
	if (done && (diff & DIFF_SET))
		done = put_text(b, job, out, (struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	state_unref(w->states, have);
	return done && put_text(b, job, out, view_of("SET SESSION TRANSACTION READ ONLY"));
}

static bool put_statement(const struct backend *b, struct mirror_job *job, struct buf *out)
{
	const struct template *t = job->template;
	if (!t)
		return put_text(b, job, out, (struct view){job->command, job->len});
	return !((b->caps ^ job->caps) & CAP_QUERY_ATTRIBUTES) &&
	       put(job, out, CMD_STMT_PREPARE, nothing, (struct view){t->sql, t->len});
}

/* It is prepared: its execution, and its end, which has no answer. */
static bool put_execution(struct mirror_job *job, struct buf *out, uint32_t id)
{
	uint8_t number[4];
	put_u32(number, id);
	return stmt_set_id(job->command, job->len, id) &&
	       put(job, out, CMD_STMT_EXECUTE, nothing, (struct view){job->command + 1, job->len - 1}) &&
	       put(job, out, CMD_STMT_CLOSE, nothing, (struct view){number, sizeof number});
}

static void await(struct backend *b)
{
	struct mirror_job *job = b->mirrored;
	reply_begin(b->draining, job->commands[job->step], b->caps, b->mariadb_caps);
	if (b->conn.packed)
		reply_repair_numbers(b->draining, 0);
}

static void begin(struct backend *b, struct mirror_job *job)
{
	struct buf *out = &job->worker->scratch;
	struct pool *pool = b->pool;
	pool_move(b, BACKEND_BUSY);
	b->task = TASK_MIRROR;
	b->mirrored = job;
	b->has_warnings = true;
	if (!b->draining && !(b->draining = malloc(sizeof *b->draining)))
		abort();
	job->step = job->steps = 0;
	buf_reset(out);
	if (!put_state(b, job, out) || !put_statement(b, job, out) ||
	    !conn_send_command(&b->conn, buf_data(out), buf_len(out))) {
		backend_discard(b); /* mirror_lost() counts it */
		return;
	}
	pool->counts.reused += b->lent;
	b->lent = true;
	conn_set_reading(&b->conn, true);
	await(b);
}

/* ---- connections ---- */

static bool may_open_another(const struct pool *pool)
{
	return pool->n_idle + pool->n_busy + pool->n_connecting < pool->worker->snapshot->settings->mirror_connections &&
	       worker_now(pool->worker) >= pool->retry_at && pool_may_open(pool);
}

/* One more, where those that are being opened are fewer than the copies that wait. */
static void open_for(struct pool *pool)
{
	enum pool_shortage shortage;
	unsigned waiting = 0;
	const struct mirror_job *job;
	STAILQ_FOREACH(job, pool->mirror, link)
		if (++waiting > pool->n_connecting)
			break;
	if (waiting > pool->n_connecting && may_open_another(pool) && pool_enter_rooms(pool, &shortage))
		pool_open(pool);
}

void mirror_go_on(struct pool *pool)
{
	struct mirror_job *job;
	while (!STAILQ_EMPTY(pool->mirror)) {
		struct backend *b = TAILQ_FIRST(&pool->idle);
		if (!b)
			break;
		if (pool_has_gone(b))
			backend_discard(b);
		else if ((job = take_first(pool)))
			begin(b, job);
	}
	if (!STAILQ_EMPTY(pool->mirror) && !pool->worker->draining)
		open_for(pool);
}

void mirrors_flush(struct worker *w)
{
	w->mirrors_due = false;
	for (struct pool *pool = w->pools; pool; pool = pool->hh.next)
		if (!mirror_is_idle(pool))
			mirror_go_on(pool);
}

void mirror_cannot(struct pool *pool)
{
	drop_all(pool, MIRROR_UNREACHED);
}

/* ---- answers ---- */

static void finish(struct backend *b, enum mirror_outcome outcome)
{
	struct mirror_job *job = b->mirrored;
	b->mirrored = NULL;
	b->task = TASK_NONE;
	free(b->draining);
	b->draining = NULL;
	end(job, outcome);
	struct pool *pool = b->pool;
	pool_give(b);
	mirror_go_on(pool);
}

void mirror_lost(struct backend *b)
{
	struct mirror_job *job = b->mirrored;
	b->mirrored = NULL;
	end(job, MIRROR_LOST);
}

/* The answer to one step has ended. True: another one is due. */
static bool next_step(struct backend *b)
{
	struct mirror_job *job = b->mirrored;
	const struct reply *answer = b->draining;
	bool last = ++job->step == job->steps, failed = answer->kind == REPLY_ERR;
	bool prepared = last && job->template && job->commands[job->step - 1] == CMD_STMT_PREPARE;
	if (failed && !last)
		b->conn.error = UV_ECANCELED; /* nobody knows what it holds now */
	if (failed || (last && !prepared)) {
		finish(b, failed ? MIRROR_ERROR : MIRROR_DONE);
		return false;
	}
	if (prepared) {
		struct buf *out = &job->worker->scratch;
		buf_reset(out);
		if (!put_execution(job, out, answer->statement_id) ||
		    !conn_send_command(&b->conn, buf_data(out), buf_len(out))) {
			backend_discard(b);
			return false;
		}
	}
	if (job->step + 1 == job->steps)
		backend_set_have(b, state_ref(job->want));
	await(b);
	return true;
}

void mirror_run(struct backend *b)
{
	enum reply_result got;
	while ((got = pool_walk_answer(b)) == REPLY_DONE)
		if (!next_step(b))
			return;
	if (got == REPLY_BAD)
		finish(b, MIRROR_LOST);
}

/* ---- with time ---- */

static void stop_late(struct pool *pool, uint64_t most)
{
	struct backend *b, *next;
	for (b = TAILQ_FIRST(&pool->busy); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if (b->task != TASK_MIRROR || worker_now(pool->worker) - b->since < most)
			continue;
		struct mirror_job *job = b->mirrored;
		b->mirrored = NULL;
		end(job, MIRROR_STOPPED);
		pool_kill(b, false);
		backend_discard(b);
	}
}

void mirror_sweep(struct pool *pool)
{
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	uint64_t most = pool->worker->snapshot->settings->mirror_timeout / 1000, now = worker_now(pool->worker);
	const struct mirror_job *first;
	stop_late(pool, most);
	if (!server || server->state == SERVER_STATE_DOWN)
		drop_all(pool, MIRROR_SERVER_DOWN);
	while ((first = STAILQ_FIRST(pool->mirror)) && now - first->since >= most)
		end(take_first(pool), MIRROR_TOO_LATE);
	mirror_go_on(pool);
}

bool mirror_is_idle(const struct pool *pool)
{
	return !pool->mirror || STAILQ_EMPTY(pool->mirror);
}

void mirror_forget(struct pool *pool)
{
	if (pool->mirror)
		drop_all(pool, MIRROR_UNREACHED);
	free(pool->mirror);
	pool->mirror = NULL;
}
