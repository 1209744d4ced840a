/* Rows for stats_sessions: every worker is asked on its own thread, and waited for only so long. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"
#include "proxy/stats.h"

#define WAIT_MS 500

struct gathering {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned references; /* the asker and each worker that has not answered */
	unsigned pending;
	size_t total, filled, room;
	struct session_row *rows; /* its own, so that a late worker writes nowhere else */
};

static void drop(struct gathering *g)
{
	bool last = --g->references == 0;
	pthread_mutex_unlock(&g->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->answered);
	free(g->rows);
	free(g);
}

static void copy_text(char *out, size_t size, struct view v)
{
	size_t n = v.len < size - 1 ? v.len : size - 1;
	memcpy(out, v.p ? v.p : (const uint8_t *)"", n);
	out[n] = '\0';
}

static void fill(struct session_row *row, const struct session *s)
{
	const struct worker *w = s->worker;
	memset(row, 0, sizeof *row);
	row->id = s->id;
	row->worker = w->index;
	snprintf(row->user, sizeof row->user, "%s", s->user ? s->user : "");
	snprintf(row->client, sizeof row->client, "%s", s->peer ? s->peer : "");
	copy_text(row->schema, sizeof row->schema, state_schema_of(s->want));
	snprintf(row->state, sizeof row->state, "%s", session_state_name(s->state));
	const struct backend *b = s->backend ? s->backend : s->pinned;
	const struct server_info *server = b ? snapshot_server_by_slot(w->snapshot, b->pool->key.slot) : NULL;
	if (server)
		snprintf(row->server, sizeof row->server, "%.79s", server->name);
	size_t at = 0;
	for (unsigned i = 0; i < PIN_COUNT; i++)
		if ((s->pins & (1u << i)) && at < sizeof row->pins - 1)
			at += (size_t)snprintf(row->pins + at, sizeof row->pins - at, "%s%s", at ? " " : "",
					       pin_name((enum pin_index)i));
	if (s->pins && s->pin_cause)
		snprintf(row->pin_cause, sizeof row->pin_cause, "%.*s", (int)sizeof row->pin_cause - 1, s->pin_cause);
	row->since_us = (worker_now(w) - s->since) * 1000;
	row->pinned_us = s->pinned ? (worker_now(w) - s->pinned_since) * 1000 : 0;
	row->commands = s->commands;
}

static void answer(struct worker *w, void *arg)
{
	struct gathering *g = arg;
	struct session *s;
	pthread_mutex_lock(&g->lock);
	TAILQ_FOREACH(s, &w->sessions, link) {
		g->total++;
		if (g->filled < g->room)
			fill(&g->rows[g->filled++], s);
	}
	g->pending--;
	pthread_cond_signal(&g->answered);
	drop(g);
}

size_t stats_sessions_copy(struct session_row *rows, size_t n)
{
	struct gathering *g = calloc(1, sizeof *g);
	if (!g)
		return 0;
	g->rows = calloc(n ? n : 1, sizeof *g->rows);
	if (!g->rows) {
		free(g);
		return 0;
	}
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->answered, NULL);
	g->room = n;
	g->pending = workers_count();
	g->references = g->pending + 1;
	for (unsigned i = 0; i < workers_count(); i++)
		worker_post(worker_at(i), answer, g);
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&g->lock);
	while (g->pending && pthread_cond_timedwait(&g->answered, &g->lock, &until) == 0)
		;
	memcpy(rows, g->rows, g->filled * sizeof *rows);
	size_t total = g->total;
	drop(g);
	return total;
}
