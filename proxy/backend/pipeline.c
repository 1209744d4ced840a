#include "proxy/backend/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "proxy/session/session.h"
#include "proxy/short_reads.h"

#define LOOK_AT    16u /* busy connections looked at */
/* An answer is late when so many others of the pool have come meanwhile: a server that is slow with everything has no
 * slow statement. First nobody goes behind it any more, then those who have do leave. */
#define LATE_MS      5u
#define LATE_OTHERS  64u
#define LEAVE_MS     20u
#define LEAVE_OTHERS 128u
#define CROWD_PART 4u
#define SEND_EVERY 8u  /* statements are sent by so many at the latest */

/* ---- joining ---- */

static bool is_late(const struct backend *b, uint64_t ms, uint64_t others)
{
	uint64_t waited = worker_now(b->conn.worker) - b->first_since;
	return waited > PIPELINE_WAIT_MS || (waited > ms && b->pool->answered - b->answered_before > others);
}

/* us: of who is being answered there, and who waits. */
static uint32_t cost_before(const struct backend *b)
{
	return b->session->run->cost + (b->pipeline ? b->pipeline->cost : 0);
}

/* us: where statements take long since there are many, a wait that is small beside that costs none of them much. */
static uint32_t most_together(const struct worker *w)
{
	uint32_t part = pace_usual_us(&w->pace) / CROWD_PART;
	return part > SHORT_READS_TOGETHER_US ? part : SHORT_READS_TOGETHER_US;
}

static bool takes(const struct backend *b, const struct session *s, uint64_t depth)
{
	const struct session *before = b->session;
	const struct run *r = before ? before->run : NULL;
	if (!r || b->task || before->state != SESSION_REPLY || before->backend != b || before->pinned == b)
		return false;
	if (!r->pipelines || r->forwarded || r->at_errand < r->n_errands)
		return false;
	if (b->killed || b->dirty || b->stale || b->fresh || b->keeps_insert_id || b->have != s->want)
		return false;
	if (conn_is_broken(&b->conn) || b->conn.packed || pool_is_too_old(b) || pipeline_waits(b) + 1 >= depth)
		return false;
	if (cost_before(b) + s->run->cost > most_together(b->conn.worker) || is_late(b, LATE_MS, LATE_OTHERS))
		return false;
	return !s->run->statement || backend_statement_find((struct backend *)(uintptr_t)b, s->run->statement->template);
}

static bool has_waited(const struct pool *pool)
{
	uint64_t since = pool_waits_since(pool);
	return since && worker_now(pool->worker) - since > LATE_MS;
}

struct backend *pipeline_find(struct pool *pool, const struct session *s)
{
	const struct settings *settings = pool->worker->snapshot->settings;
	uint64_t depth = settings->pipeline_depth < PIPELINE_MOST ? settings->pipeline_depth : PIPELINE_MOST;
	struct backend *b, *best = NULL;
	unsigned looked = 0;
	if (depth < 2 || pool->n_busy < settings->pipeline_after)
		return NULL;
	/* A connection that is always somebody's next would never come to who waits for one. */
	if (has_waited(pool) || pool_is_outwaited(pool))
		return NULL;
	TAILQ_FOREACH_REVERSE(b, &pool->busy, backend_list, link) {
		if (++looked > LOOK_AT)
			break;
		if ((!best || pipeline_waits(b) < pipeline_waits(best)) && takes(b, s, depth))
			best = b;
	}
	return best;
}

static struct pipeline *pipeline_of(struct backend *b)
{
	struct worker *w = b->conn.worker;
	if (!b->pipeline) {
		b->pipeline = calloc(1, sizeof *b->pipeline);
		if (!b->pipeline)
			abort();
		TAILQ_INSERT_TAIL(&w->pipelines, b, pipeline->link);
	}
	return b->pipeline;
}

static void send_unsent(struct backend *b)
{
	TAILQ_REMOVE(&b->conn.worker->unsent, b, pipeline->unsent_link);
	b->pipeline->unsent = 0;
	conn_uncork(&b->conn);
}

void pipelines_flush(struct worker *w)
{
	struct backend *b;
	while ((b = TAILQ_FIRST(&w->unsent)))
		send_unsent(b);
}

static void on_timer(uv_timer_t *timer);

void pipeline_join(struct backend *b, struct session *s, uint8_t command)
{
	struct worker *w = s->worker;
	struct pipeline *p = pipeline_of(b);
	assert(p->n < PIPELINE_MOST);
	p->entries[(p->first + p->n++) % PIPELINE_MOST] = (struct pipeline_entry){s, s->run->cost, command};
	p->cost += s->run->cost;
	s->run->behind = b;
	stat_add(&w->stats->pipelined, 1);
	if (!p->unsent++)
		TAILQ_INSERT_TAIL(&w->unsent, b, pipeline->unsent_link);
	if (p->unsent == SEND_EVERY)
		send_unsent(b);
	if (!uv_is_active((const uv_handle_t *)&w->pipeline_timer))
		uv_timer_start(&w->pipeline_timer, on_timer, LEAVE_MS / 2, LEAVE_MS / 2);
}

/* ---- one after the other ---- */

static void drop_answer(struct backend *b, uint8_t command)
{
	struct reply reply;
	reply_begin(&reply, command, b->caps, b->mariadb_caps);
	pool_drain(b, &reply);
}

void pipeline_next(struct backend *b)
{
	struct pipeline *p = b->pipeline;
	struct pipeline_entry e = p->entries[p->first];
	struct session *s = e.session;
	assert(p->n);
	p->first = (p->first + 1) % PIPELINE_MOST;
	p->n--;
	p->cost -= e.cost;
	b->first_since = worker_now(b->conn.worker);
	b->answered_before = b->pool->answered;
	if (!s) {
		drop_answer(b, e.command);
		return;
	}
	s->run->behind = NULL;
	backend_keep(b, s);
	b->session = s;
	s->backend = b;
	session_enter(s, SESSION_REPLY);
	errands_begin(s);
	conn_set_reading(&b->conn, true);
	/* Who reads b looks at what is there already; else nobody will. */
	if (!b->in_run || b->conn.more_plain)
		session_wake(s);
}

void pipeline_leave(struct session *s)
{
	struct pipeline *p = s->run->behind->pipeline;
	for (unsigned i = 0; i < p->n; i++) {
		struct pipeline_entry *e = &p->entries[(p->first + i) % PIPELINE_MOST];
		if (e->session == s)
			e->session = NULL;
	}
	s->run->behind = NULL;
}

/* They find out that they stand behind nobody any more: session_pipelined_step. */
static void send_away(struct backend *b, bool lost)
{
	struct pipeline *p = b->pipeline;
	for (unsigned i = 0; i < p->n; i++) {
		struct session *s = p->entries[(p->first + i) % PIPELINE_MOST].session;
		p->entries[(p->first + i) % PIPELINE_MOST].session = NULL;
		if (!s)
			continue;
		s->run->behind = NULL;
		s->run->lost_before = lost;
		session_wake(s);
	}
}

void pipeline_abandon(struct backend *b)
{
	if (!b->pipeline)
		return;
	send_away(b, true);
	b->pipeline->n = 0;
	b->pipeline->cost = 0;
}

void pipeline_free(struct backend *b)
{
	if (!b->pipeline)
		return;
	if (b->pipeline->unsent)
		TAILQ_REMOVE(&b->conn.worker->unsent, b, pipeline->unsent_link);
	TAILQ_REMOVE(&b->conn.worker->pipelines, b, pipeline->link);
	free(b->pipeline);
	b->pipeline = NULL;
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	uint64_t now = worker_now(w);
	bool any = false;
	struct backend *b;
	TAILQ_FOREACH(b, &w->pipelines, pipeline->link) {
		any |= b->pipeline->n > 0;
		if (!b->pipeline->n || !is_late(b, LEAVE_MS, LEAVE_OTHERS))
			continue;
		if (b->session && b->session->run)
			short_reads_strike(w->short_reads, b->session->run->digest, now);
		send_away(b, false);
	}
	if (!any)
		uv_timer_stop(timer);
}

void pipelines_init(struct worker *w)
{
	TAILQ_INIT(&w->pipelines);
	TAILQ_INIT(&w->unsent);
	w->short_reads = short_reads_create();
	uv_timer_init(&w->loop, &w->pipeline_timer);
	w->pipeline_timer.data = w;
}
