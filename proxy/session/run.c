/* One command in work: from the first look at it to the end of its answer. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/backend/pipeline.h"
#include "proxy/backend/pool.h"
#include "proxy/session/admission.h"
#include "proxy/session/effects.h"
#include "proxy/session/lookout.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"
#include "proxy/topology.h"

#define ATTEMPTS_MAX 8u
#define SPARE_RUNS_MAX 128u

static void stop_running(struct session *s)
{
	reads_unspill(s);
	if (s->run->running_at >= 0)
		stat_sub(&s->worker->stats->servers[s->run->running_at].running, 1);
	s->run->running_at = -1;
	s->run->sent_us = 0;
}

/* Before it stops running. */
static void note_latency(struct session *s)
{
	struct run *r = s->run;
	if (!r->sent_us || r->running_at < 0 || r->route != ROUTE_REPLICA)
		return;
	uint32_t *average = &s->worker->latency_us[r->running_at];
	uint64_t us = uv_hrtime() / 1000 - r->sent_us;
	*average = balance_ewma(*average, us < UINT32_MAX ? (uint32_t)us : UINT32_MAX);
}

/* ---- runs are used again: no statement allocates one ---- */

static struct run *take_spare(struct worker *w)
{
	struct run *r = SLIST_FIRST(&w->spare_runs);
	if (!r) {
		r = malloc(sizeof *r);
		if (!r)
			abort();
		return r;
	}
	SLIST_REMOVE_HEAD(&w->spare_runs, spare);
	w->n_spare_runs--;
	return r;
}

static void give_spare(struct worker *w, struct run *r)
{
	if (w->n_spare_runs == SPARE_RUNS_MAX) {
		free(r);
		return;
	}
	SLIST_INSERT_HEAD(&w->spare_runs, r, spare);
	w->n_spare_runs++;
}

void runs_forget(struct worker *w)
{
	struct run *r;
	while ((r = SLIST_FIRST(&w->spare_runs))) {
		SLIST_REMOVE_HEAD(&w->spare_runs, spare);
		free(r);
	}
	w->n_spare_runs = 0;
}

struct run *run_begin(struct session *s, uint8_t command)
{
	assert(!s->run);
	struct run *r = take_spare(s->worker);
	memset(r, 0, sizeof *r);
	r->command = command;
	r->came_at = worker_now(s->worker);
	r->slot = r->running_at = r->wanted_slot = -1;
	r->client_seq = 1;
	s->run = r;
	return r;
}

void run_end(struct session *s)
{
	struct run *r = s->run;
	if (!r)
		return;
	note_latency(s);
	if (r->sent && !r->own)
		pace_note(&s->worker->pace, worker_now(s->worker) - r->came_at);
	statistics_end(s);
	if (r->behind)
		pipeline_leave(s);
	stop_running(s);
	hints_run_ends(s);
	pool_leave_line(s);
	admission_leave(s);
	lookout_leave(s);
	s->run = NULL;
	if (r->size && s->state != SESSION_CLOSING)
		conn_consume(&s->client, r->size);
	insert_id_not_saved(r);
	state_unref(s->worker->states, r->next);
	state_unref(s->worker->states, r->errand_state);
	template_unref(s->worker, r->preparing);
	if (r->splice)
		splice_finish(r->splice);
	free(r->splice);
	effects_free(&r->bind);
	effects_free(&r->unbind);
	free(r->hints);
	free(r->rewritten);
	free(r->denied);
	mirror_run_ends(r);
	freshness_run_ends(r);
	free(r->failed_text);
	free(r->pin_cause);
	free(r->log_text);
	free(r->kill_sql);
	free(r->kill_user);
	free(r->kill_host);
	free(r->translated);
	free(r->refusal);
	give_spare(s->worker, r);
}

/* What was begun of it is of no account any more. */
static enum step choose_anew(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	if (b) {
		begin_undo(s);
		s->backend = NULL;
		if (b == s->pinned)
			finish_leave_pinned(s);
		pool_give(b);
	}
	stop_running(s);
	admission_leave(s);
	lookout_leave(s);
	insert_id_not_saved(r);
	r->slot = -1;
	r->sent = r->wait = r->ask = r->late = false;
	r->pipelines = r->lost_before = false;
	r->answer_held = 0;
	r->n_errands = r->at_errand = 0;
	r->errands_reset = r->was_reset = false;
	state_unref(s->worker->states, r->errand_state);
	r->errand_state = NULL;
	if (r->command != CMD_STMT_PREPARE) {
		template_unref(s->worker, r->preparing);
		r->preparing = NULL;
	}
	free(r->failed_text);
	r->failed_text = NULL;
	r->failed_code = 0;
	return session_enter(s, SESSION_WANT_BACKEND);
}

enum step run_anew(struct session *s)
{
	assert(!s->run->forwarded && (s->run->replayable || !s->run->sent));
	return choose_anew(s);
}

enum step run_again(struct session *s, bool to_primary)
{
	struct run *r = s->run;
	assert(!r->forwarded && (r->replayable || !r->sent));
	if (r->slot >= 0 && r->slot < 32)
		r->tried |= 1u << r->slot;
	if (++r->attempts >= ATTEMPTS_MAX)
		to_primary = true;
	if (r->attempts > 2 * ATTEMPTS_MAX) {
		struct backend *b = s->backend;
		begin_undo(s);
		s->backend = NULL;
		if (b)
			pool_give(b);
		return session_fail(s, END_SERVER_LOST);
	}
	r->to_primary |= to_primary;
	return choose_anew(s);
}
