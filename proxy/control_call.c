#include "proxy/control_call.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

/* A call lives on its caller's stack. Waiting -> (running -> done | taken back by the caller): once it runs, the
 * caller waits for its end, however long that takes; before, it may take it off the list. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	enum { CALL_WAITING, CALL_RUNNING, CALL_DONE, CALL_REFUSED } state;
	STAILQ_ENTRY(call) link;
};

struct post {
	void (*fn)(void *arg);
	void *arg;
	STAILQ_ENTRY(post) link;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static STAILQ_HEAD(, call) calls = STAILQ_HEAD_INITIALIZER(calls);
static STAILQ_HEAD(, post) posts = STAILQ_HEAD_INITIALIZER(posts);
static bool running;
static uv_thread_t control_thread;
static uv_async_t wake;

static void finish(struct call *c, int state)
{
	c->state = state;
	pthread_cond_broadcast(&changed);
}

static void run_posts(void)
{
	struct post *p;
	for (;;) {
		pthread_mutex_lock(&lock);
		p = STAILQ_FIRST(&posts);
		if (p)
			STAILQ_REMOVE_HEAD(&posts, link);
		pthread_mutex_unlock(&lock);
		if (!p)
			return;
		p->fn(p->arg);
		free(p);
	}
}

static void on_wake(uv_async_t *unused)
{
	(void)unused;
	run_posts();
	pthread_mutex_lock(&lock);
	struct call *c;
	while ((c = STAILQ_FIRST(&calls))) {
		STAILQ_REMOVE_HEAD(&calls, link);
		c->state = CALL_RUNNING;
		pthread_mutex_unlock(&lock);
		c->fn(c->arg);
		pthread_mutex_lock(&lock);
		finish(c, CALL_DONE);
	}
	pthread_mutex_unlock(&lock);
}

int control_call_start(uv_loop_t *loop)
{
	int failed = uv_async_init(loop, &wake, on_wake);
	if (failed)
		return failed;
	uv_unref((uv_handle_t *)&wake);
	control_thread = uv_thread_self();
	pthread_mutex_lock(&lock);
	running = true;
	pthread_mutex_unlock(&lock);
	return 0;
}

void control_call_stop(void)
{
	pthread_mutex_lock(&lock);
	bool was_running = running;
	running = false;
	struct call *c;
	while ((c = STAILQ_FIRST(&calls))) {
		STAILQ_REMOVE_HEAD(&calls, link);
		finish(c, CALL_REFUSED);
	}
	pthread_mutex_unlock(&lock);
	run_posts();
	if (was_running)
		uv_close((uv_handle_t *)&wake, NULL);
}

bool control_post(void (*fn)(void *arg), void *arg)
{
	struct post *p = malloc(sizeof *p);
	if (!p)
		abort();
	*p = (struct post){.fn = fn, .arg = arg};
	pthread_mutex_lock(&lock);
	bool alive = running;
	if (alive) {
		STAILQ_INSERT_TAIL(&posts, p, link);
		uv_async_send(&wake);
	}
	pthread_mutex_unlock(&lock);
	if (!alive)
		free(p);
	return alive;
}

static struct timespec after(unsigned timeout_ms)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += timeout_ms / 1000;
	t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static bool wait_for(struct call *c, unsigned timeout_ms)
{
	struct timespec until = after(timeout_ms);
	while (c->state == CALL_WAITING)
		if (pthread_cond_timedwait(&changed, &lock, &until) != 0 && c->state == CALL_WAITING) {
			STAILQ_REMOVE(&calls, c, call, link);
			return false;
		}
	while (c->state == CALL_RUNNING)
		pthread_cond_wait(&changed, &lock);
	return c->state == CALL_DONE;
}

bool control_call(void (*fn)(void *arg), void *arg, unsigned timeout_ms)
{
	struct call c = {.fn = fn, .arg = arg, .state = CALL_WAITING};
	pthread_mutex_lock(&lock);
	bool alive = running;
	uv_thread_t self = uv_thread_self();
	if (alive && uv_thread_equal(&self, &control_thread)) {
		pthread_mutex_unlock(&lock);
		fn(arg);
		return true;
	}
	bool done = false;
	if (alive) {
		STAILQ_INSERT_TAIL(&calls, &c, link);
		uv_async_send(&wake);
		done = wait_for(&c, timeout_ms);
	}
	pthread_mutex_unlock(&lock);
	return done;
}
