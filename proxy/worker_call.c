#include "proxy/worker_call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/worker.h"

#define WAIT_MS 500

/* Let go of by both sides. */
struct call {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned references;
	bool done;
	void (*fn)(struct worker *w, void *arg);
	_Alignas(max_align_t) unsigned char arg[];
};

/* The lock is held. */
static void drop(struct call *c)
{
	bool last = --c->references == 0;
	pthread_mutex_unlock(&c->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->answered);
	free(c);
}

static void run(struct worker *w, void *arg)
{
	struct call *c = arg;
	pthread_mutex_lock(&c->lock);
	c->fn(w, c->arg);
	c->done = true;
	pthread_cond_signal(&c->answered);
	drop(c);
}

bool worker_call(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg, size_t size)
{
	struct call *c = malloc(sizeof *c + size);
	if (!c)
		return false;
	*c = (struct call){.references = 2, .fn = fn};
	memcpy(c->arg, arg, size);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->answered, NULL);
	worker_post(w, run, c);
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&c->lock);
	while (!c->done && pthread_cond_timedwait(&c->answered, &c->lock, &until) == 0)
		;
	bool done = c->done;
	if (done)
		memcpy(arg, c->arg, size);
	drop(c);
	return done;
}
