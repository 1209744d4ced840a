#include "proxy/session/admission.h"

#include "proxy/session/session.h"

#define LONG_MS 5u
/* A rate is believed when so many have run. */
#define ENOUGH_DONE 1000u

static struct gate *gate_of(struct session *s)
{
	return &s->worker->gates[s->run->gate - 1];
}

static void admit(struct gate *g, struct session *s)
{
	s->run->gate_waits = false;
	s->run->gate_since = worker_now(s->worker);
	TAILQ_INSERT_TAIL(&g->inside, s, run->gate_link);
	g->n_inside++;
}

static void admit_next(struct gate *g)
{
	struct session *s;
	while (g->n_inside < g->most.limit && (s = TAILQ_FIRST(&g->line))) {
		TAILQ_REMOVE(&g->line, s, run->gate_link);
		admit(g, s);
		session_wake(s);
	}
}

/* It goes on, but does not count any more. */
static void release(struct gate *g, struct session *s)
{
	TAILQ_REMOVE(&g->inside, s, run->gate_link);
	g->n_inside--;
	s->run->gate = 0;
}

static void on_long(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	uint64_t now = worker_now(w), soonest = UINT64_MAX;
	for (unsigned slot = 0; slot < SERVERS_MAX; slot++) {
		struct gate *g = &w->gates[slot];
		struct session *first;
		if (TAILQ_EMPTY(&g->line))
			continue;
		while ((first = TAILQ_FIRST(&g->inside)) && now - first->run->gate_since >= LONG_MS)
			release(g, first);
		admit_next(g);
		if (!TAILQ_EMPTY(&g->line) && (first = TAILQ_FIRST(&g->inside)) && first->run->gate_since < soonest)
			soonest = first->run->gate_since;
	}
	if (soonest != UINT64_MAX)
		uv_timer_start(timer, on_long, soonest + LONG_MS - now, 0);
}

static void wait(struct gate *g, struct session *s)
{
	struct worker *w = s->worker;
	s->run->gate_waits = true;
	TAILQ_INSERT_TAIL(&g->line, s, run->gate_link);
	g->waited++;
	if (!uv_is_active((const uv_handle_t *)&w->gate_timer))
		uv_timer_start(&w->gate_timer, on_long, LONG_MS, 0);
}

bool admission_enter(struct session *s, unsigned slot)
{
	struct run *r = s->run;
	if (r->gate && r->gate == slot + 1)
		return !r->gate_waits;
	admission_leave(s);
	if (!r->replayable || s->pinned || !s->worker->snapshot->settings->admission)
		return true;
	struct gate *g = &s->worker->gates[slot];
	r->gate = (uint8_t)(slot + 1);
	if (g->n_inside < g->most.limit && TAILQ_EMPTY(&g->line))
		admit(g, s);
	else
		wait(g, s);
	return !r->gate_waits;
}

void admission_leave(struct session *s)
{
	struct run *r = s->run;
	if (!r->gate)
		return;
	struct gate *g = gate_of(s);
	if (r->gate_waits) {
		TAILQ_REMOVE(&g->line, s, run->gate_link);
		r->gate_waits = false;
		r->gate = 0;
		return;
	}
	release(g, s);
	g->done++;
	admit_next(g);
}

/* ---- how many ---- */

void admissions_adapt(struct worker *w)
{
	uint64_t now = worker_now(w);
	for (unsigned slot = 0; slot < SERVERS_MAX; slot++) {
		struct gate *g = &w->gates[slot];
		if (!g->done)
			g->since = now;
		if (g->done < ENOUGH_DONE && (g->waited || !g->done))
			continue;
		/* Nearly all had to wait: what they met is the limit. */
		if (g->waited > g->done / 2 && now > g->since)
			admission_limit_step(&g->most, 1000 * 1000 * (uint64_t)g->done / (now - g->since));
		g->done = g->waited = 0;
		g->since = now;
		admit_next(g);
	}
}

void admissions_init(struct worker *w)
{
	for (unsigned slot = 0; slot < SERVERS_MAX; slot++) {
		TAILQ_INIT(&w->gates[slot].inside);
		TAILQ_INIT(&w->gates[slot].line);
		admission_limit_init(&w->gates[slot].most);
	}
	uv_timer_init(&w->loop, &w->gate_timer);
	w->gate_timer.data = w;
}
