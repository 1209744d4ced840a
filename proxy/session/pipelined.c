/*
 * Short reads behind others' (proxy/backend/pipeline.h), as the session has it: which they are, and which answers are not
 * passed on.
 */
#include "proxy/backend/pipeline.h"
#include "proxy/session/session.h"
#include "proxy/short_reads.h"

/* Nobody else's read waits while a long statement is being sent. */
#define STATEMENT_MOST (16u << 10)
/* What of an answer is kept until all of it is here; a short read's is not longer. */
#define HELD_MOST (256u << 10)

/* It changes nothing, asks for nothing that belongs to its connection or to the moment, and may run anywhere again. */
static bool is_plain(const struct session *s)
{
	const struct run *r = s->run;
	if (r->route != ROUTE_REPLICA || r->reason != REASON_READ || r->flags != CLASS_TOUCHES_TABLE || !r->uses_tables)
		return false;
	if (!r->replayable || r->own || r->large || r->size > STATEMENT_MOST || r->next || r->next_unknown || r->bind || r->unbind)
		return false;
	if (r->pins_added || r->pins_released || r->runs_routine || r->ask_locks || r->sets_state || r->diagnoses)
		return false;
	return !r->statement || !(r->statement->cursor || r->statement->long_data);
}

/* Nothing has to be done or known before it. */
static bool is_ready(const struct session *s)
{
	const struct run *r = s->run;
	return !s->pinned && s->begun == BEGUN_NOT && !r->wait && !r->ask && !r->save_for && !r->saves_own && !r->preparing &&
	       !r->kill_asks && !r->explanation && !r->translated && !r->timeout && !trace_is_on(s);
}

bool pipelined_may(struct session *s)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	r->timed = false;
	if (w->snapshot->settings->pipeline_depth < 2 || r->alone || !is_plain(s) || !is_ready(s))
		return false;
	r->timed = short_reads_asks(w->short_reads, r->digest);
	r->cost = short_reads_cost(w->short_reads, r->digest, worker_now(w));
	return r->cost > 0;
}

enum step pipelined_step(struct session *s)
{
	struct run *r = s->run;
	if (r->behind)
		return STEP_WAIT;
	r->alone = true;
	stat_add(&s->worker->stats->pipelined_again, 1);
	return r->lost_before ? run_again(s, false) : run_anew(s);
}

bool pipelined_must_repeat(const struct session *s)
{
	const struct run *r = s->run;
	const struct backend *b = s->backend;
	if (!r->pipelines || r->forwarded || b->killed || !pipeline_waits(b))
		return false;
	return r->reply.kind == REPLY_ERR || r->reply.warnings || (r->reply.status & STATUS_IN_TRANS) || r->state_changed;
}

enum step pipelined_repeat(struct session *s)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	if (r->state_changed || (r->reply.kind != REPLY_ERR && (r->reply.status & STATUS_IN_TRANS)))
		s->backend->killed = true; /* who stands behind it has found what nobody knows */
	short_reads_refuse(w->short_reads, r->digest, worker_now(w));
	stat_add(&w->stats->pipelined_again, 1);
	r->alone = true;
	r->pipelines = false;
	r->answer_held = 0;
	return run_anew(s);
}

bool pipelined_holds(const struct session *s, size_t n)
{
	const struct run *r = s->run;
	return r->pipelines && !r->forwarded && n < HELD_MOST && pipeline_waits(s->backend);
}

void pipelined_note(struct session *s, struct backend *b)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	b->pool->answered++;
	if (r->reply.bytes > SHORT_READS_BYTES && (r->pipelines || r->timed)) {
		short_reads_refuse(w->short_reads, r->digest, worker_now(w));
	} else if (r->timed && r->sent_us && !r->n_errands && r->reply.kind != REPLY_ERR) {
		uint64_t us = uv_hrtime() / 1000 - r->sent_us;
		short_reads_note(w->short_reads, r->digest, us > b->rtt_us ? us - b->rtt_us : 0, b->pool->n_busy);
	}
}
