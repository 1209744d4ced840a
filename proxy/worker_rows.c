#include "proxy/worker_rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/scratch.h"
#include "proxy/worker.h"

#define WAIT_MS 500

struct worker_rows {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned references; /* the asker and each worker that has not answered */
	unsigned pending;
	size_t size, total, filled, room;
	void (*fill)(struct worker *w, struct worker_rows *rows);
	char *rows; /* its own, so that a late worker writes nowhere else */
};

static void drop(struct worker_rows *g)
{
	bool last = --g->references == 0;
	pthread_mutex_unlock(&g->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->answered);
	scratch_give(g->rows, g->room * g->size);
	free(g);
}

void *worker_rows_next(struct worker_rows *g)
{
	g->total++;
	return g->filled < g->room ? g->rows + g->size * g->filled++ : NULL;
}

static void answer(struct worker *w, void *arg)
{
	struct worker_rows *g = arg;
	pthread_mutex_lock(&g->lock);
	g->fill(w, g);
	g->pending--;
	pthread_cond_signal(&g->answered);
	drop(g);
}

size_t worker_rows_copy(void (*fill)(struct worker *w, struct worker_rows *rows), size_t size, void *out, size_t n)
{
	struct worker_rows *g = calloc(1, sizeof *g);
	if (!g)
		return 0;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->answered, NULL);
	g->size = size;
	g->room = n;
	g->rows = scratch_take(n * size);
	g->fill = fill;
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
	memcpy(out, g->rows, g->filled * size);
	size_t total = g->total;
	drop(g);
	return total;
}
