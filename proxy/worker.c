#include "proxy/worker.h"

#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/backend/mirror.h"
#include "proxy/backend/pipeline.h"
#include "proxy/backend/pool.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/session/admission.h"
#include "proxy/session/lookout.h"
#include "proxy/session/session.h"
#include "proxy/shared_position.h"
#include "proxy/short_reads.h"
#include "proxy/upgrade/moving_session.h"
#include "router/rules.h"

#define TICK_MS 100
#define SCRATCH_MAX (32u << 20)
#define ACCEPT_AT_ONCE 16
#define SWEEP_EVERY 10 /* ticks */

struct worker_message {
	STAILQ_ENTRY(worker_message) link;
	void (*fn)(struct worker *w, void *arg);
	void *arg;
};

struct new_client {
	int fd;
	bool unix_socket;
	enum listen_route route;
};

struct watch { /* a listening socket as one worker sees it */
	uv_poll_t poll;
	const struct listener *listener;
	struct worker *worker;
	bool rests; /* until the next tick: there was no file for the next client */
};

static struct worker *workers[WORKERS_MAX];
static unsigned n_workers;
static _Atomic unsigned n_not_listening;
static _Atomic unsigned n_told;                 /* workers that have told: */
static _Atomic uint32_t next_sessions[WORKERS_MAX];
static uint32_t first_sessions[WORKERS_MAX];
static bool asked_for_next;
static pthread_barrier_t all_stopped;

unsigned workers_count(void)
{
	return n_workers;
}

struct worker *worker_at(unsigned index)
{
	return workers[index];
}

unsigned stats_workers(void)
{
	return n_workers;
}

const struct worker_stats *stats_worker(unsigned index)
{
	return workers[index]->stats;
}

struct worker *worker_least_loaded(void)
{
	struct worker *least = workers[0];
	for (unsigned i = 1; i < n_workers; i++)
		if (atomic_load_explicit(&workers[i]->load, memory_order_relaxed) <
		    atomic_load_explicit(&least->load, memory_order_relaxed))
			least = workers[i];
	return least;
}

uint64_t worker_random(struct worker *w)
{
	return balance_random(&w->random);
}

/* ---- states that servers have accepted ---- */

static struct accepted_state *accepted_at(struct worker *w, const struct state *state, unsigned slot)
{
	uint64_t h = ((uint64_t)(uintptr_t)state >> 4) * 0x9E3779B97F4A7C15u + slot * 0xC2B2AE3D27D4EB4Fu;
	return &w->accepted[(h >> 32) % WORKER_ACCEPTED];
}

bool worker_state_accepted(struct worker *w, struct state *state, unsigned slot)
{
	struct state *system = state_without_users(w->states, state);
	const struct accepted_state *a = accepted_at(w, system, slot);
	bool accepted = a->state == system && a->slot == slot;
	state_unref(w->states, system);
	return accepted;
}

void worker_accept_state(struct worker *w, struct state *state, unsigned slot)
{
	struct state *system = state_without_users(w->states, state);
	struct accepted_state *a = accepted_at(w, system, slot);
	state_unref(w->states, a->state);
	a->state = system;
	a->slot = slot;
}

/* ---- messages from other threads ---- */

void worker_post(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg)
{
	struct worker_message *m = malloc(sizeof *m);
	if (!m)
		abort();
	m->fn = fn;
	m->arg = arg;
	pthread_mutex_lock(&w->inbox_lock);
	STAILQ_INSERT_TAIL(&w->inbox, m, link);
	pthread_mutex_unlock(&w->inbox_lock);
	uv_async_send(&w->async);
}

/* A server that answers nobody may never answer: reads that wait for it run elsewhere. */
static void leave_dead_servers(struct worker *w, const struct snapshot *old)
{
	for (unsigned i = 0; i < w->snapshot->n_servers; i++) {
		const struct server_info *server = &w->snapshot->servers[i];
		const struct server_info *before = snapshot_server_by_slot(old, server->slot);
		if (server->state == SERVER_STATE_DOWN && before && before->state != SERVER_STATE_DOWN)
			sessions_leave_server(w, server->slot);
	}
}

static void take_snapshot(struct worker *w)
{
	struct snapshot *old = w->snapshot;
	w->snapshot = snapshot_get();
	w->snapshots++;
	leave_dead_servers(w, old);
	snapshot_unref(old);
	/* Whoever waits for a server, or for accounts, may go on now. */
	sessions_wake_all(&w->waiting);
	sessions_wake_all(&w->logging_in);
}

static void on_async(uv_async_t *async)
{
	struct worker *w = async->data;
	if (atomic_exchange(&w->snapshot_changed, false))
		take_snapshot(w);
	pthread_mutex_lock(&w->inbox_lock);
	STAILQ_HEAD(, worker_message) taken;
	STAILQ_INIT(&taken);
	STAILQ_CONCAT(&taken, &w->inbox);
	pthread_mutex_unlock(&w->inbox_lock);
	struct worker_message *m;
	while ((m = STAILQ_FIRST(&taken))) {
		STAILQ_REMOVE_HEAD(&taken, link);
		m->fn(w, m->arg);
		free(m);
	}
}

static void told_of_snapshot(void)
{
	for (unsigned i = 0; i < n_workers; i++) {
		atomic_store(&workers[i]->snapshot_changed, true);
		uv_async_send(&workers[i]->async);
	}
}

/* ---- clients ---- */

static void take_client(struct worker *w, void *arg)
{
	struct new_client *c = arg;
	if (w->draining)
		close(c->fd);
	else
		session_create(w, c->fd, c->unix_socket, c->route);
	if (w->draining)
		atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
	free(c);
}

void worker_give_client(struct worker *w, int fd, bool unix_socket, enum listen_route route)
{
	struct new_client *c = malloc(sizeof *c);
	if (!c)
		abort();
	*c = (struct new_client){fd, unix_socket, route};
	worker_post(w, take_client, c);
}

/* What has failed for want of something is not tried again at once, which would be all that this loop does. */
static void accept_failed(struct watch *watch, int error)
{
	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	log_warning("accept-failed", "listener=%s error=\"%s\"", watch->listener->name, strerror(error));
	uv_poll_stop(&watch->poll);
	watch->rests = true;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
	(void)events;
	struct watch *watch = poll->data;
	struct worker *w = watch->worker;
	if (status < 0)
		return;
	for (unsigned i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(watch->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE) && logins_give_way(w))
			continue;
		if (fd < 0) {
			accept_failed(watch, errno);
			return;
		}
		struct worker *least = worker_least_loaded();
		stat_add(&w->stats->accepted, 1);
		atomic_fetch_add_explicit(&least->load, 1, memory_order_relaxed);
		if (least == w)
			session_create(w, fd, watch->listener->unix_socket, watch->listener->route);
		else
			worker_give_client(least, fd, watch->listener->unix_socket, watch->listener->route);
	}
}

/* ---- time ---- */

static void end_loop(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void drain_sessions(struct worker *w)
{
	if (!w->draining)
		return;
	bool late = worker_now(w) >= w->drain_until;
	struct session *s, *next;
	for (s = TAILQ_FIRST(&w->sessions); s; s = next) {
		next = TAILQ_NEXT(s, link);
		bool resting = s->state == SESSION_COMMAND && !s->pinned && !s->client.view_len;
		if (late || resting || s->state == SESSION_LOGIN) {
			s->end = END_DRAINED;
			session_close(s);
		}
	}
	if (TAILQ_EMPTY(&w->sessions))
		pools_close(w);
}

static void accept_again(struct worker *w)
{
	for (size_t i = 0; i < listeners_count(); i++) {
		struct watch *watch = &w->watches[i];
		if (watch->rests && !w->deaf && !w->draining)
			uv_poll_start(&watch->poll, UV_READABLE, on_acceptable);
		watch->rests = false;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	static _Thread_local unsigned ticks;
	accept_again(w);
	sessions_check_times(w);
	sessions_read_back(w, -1);
	sessions_wake_all(&w->waiting);
	pools_grow(w);
	admissions_adapt(w);
	pace_period(&w->pace, TICK_MS);
	if (++ticks % SWEEP_EVERY == 0)
		pools_sweep(w);
	if (w->index == 0)
		shared_position_sweep(worker_now(w));
	if (w->hands_over)
		sessions_move(w);
	drain_sessions(w);
}

/* While much is going on and all of it takes long, what comes next may as well come together. */
static void rest(struct worker *w)
{
	uint64_t us = w->snapshot ? pace_turn(&w->pace, w->snapshot->settings->coalesce) : 0;
	if (!us)
		return;
	struct timespec pause = {.tv_nsec = (long)us * 1000};
	nanosleep(&pause, NULL);
	stat_add(&w->stats->pauses, 1);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct worker *w = prepare->data;
	sessions_run_woken(w);
	pipelines_flush(w);
	if (w->mirrors_due)
		mirrors_flush(w);
	rest(w);
	w->woke = 0;
	w->clock_uses = 0;
}

/* ---- threads ---- */

static void watch_listeners(struct worker *w)
{
	struct watch *watches = w->watches;
	for (size_t i = 0; i < listeners_count(); i++) {
		watches[i].listener = listener_at(i);
		watches[i].worker = w;
		watches[i].poll.data = &watches[i];
		if (uv_poll_init(&w->loop, &watches[i].poll, watches[i].listener->fd) == 0)
			uv_poll_start(&watches[i].poll, UV_READABLE, on_acceptable);
	}
}

static void worker_finish(struct worker *w)
{
	uv_walk(&w->loop, end_loop, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < WORKER_ACCEPTED; i++)
		state_unref(w->states, w->accepted[i].state);
	state_unref(w->states, w->login_state.first);
	state_unref(w->states, w->login_state.after_reset);
	state_table_destroy(w->states);
	uv_loop_close(&w->loop);
	buf_finish(&w->scratch);
	snapshot_unref(w->snapshot);
	w->snapshot = NULL;
}

static void worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];
	snprintf(name, sizeof name, "w%u", w->index);
	log_thread_name(name);
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	watch_listeners(w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	/* Until then another worker may send this one a message. */
	pthread_barrier_wait(&all_stopped);
	worker_finish(w);
}

static int worker_init(struct worker *w, unsigned index, const struct options *options)
{
	w->index = index;
	w->next_session = first_sessions[index];
	w->read_buffer = malloc(WORKER_READ_BUFFER);
	w->plain_buffer = malloc(WORKER_READ_BUFFER);
	w->cipher_buffer = malloc(WORKER_READ_BUFFER);
	w->unpack_buffer = malloc(WORKER_READ_BUFFER);
	w->pack_buffer = malloc(COMPRESS_ROOM);
	w->encoder = compress_encoder_create();
	w->watches = calloc(LISTENERS_MAX, sizeof *w->watches);
	w->stats = aligned_alloc(64, (sizeof *w->stats + 63) / 64 * 64);
	w->classify_scratch = calloc(1, sizeof *w->classify_scratch);
	w->balance = calloc(1, sizeof *w->balance);
	if (!w->watches || !w->read_buffer || !w->plain_buffer || !w->cipher_buffer || !w->stats || !w->classify_scratch ||
	    !w->balance || !w->unpack_buffer || !w->pack_buffer || !w->encoder ||
	    !statements_init(&w->statements, options->settings.statement_digests) ||
	    !(w->errors_seen = errors_seen_create()))
		return UV_ENOMEM;
	memset(w->stats, 0, sizeof *w->stats);
	buf_init(&w->scratch, SCRATCH_MAX);
	w->states = state_table_create();
	RAND_bytes((unsigned char *)&w->random, sizeof w->random);
	pools_init(w);
	TAILQ_INIT(&w->sessions);
	TAILQ_INIT(&w->waiting);
	TAILQ_INIT(&w->logging_in);
	TAILQ_INIT(&w->idle);
	TAILQ_INIT(&w->wake);
	TAILQ_INIT(&w->timed);
	TAILQ_INIT(&w->to_ask);
	SLIST_INIT(&w->spare_runs);
	STAILQ_INIT(&w->inbox);
	pthread_mutex_init(&w->inbox_lock, NULL);
	int failed = uv_loop_init(&w->loop);
	if (failed)
		return failed;
	uv_async_init(&w->loop, &w->async, on_async);
	w->async.data = w;
	uv_timer_init(&w->loop, &w->tick);
	w->tick.data = w;
	uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
	uv_timer_init(&w->loop, &w->deadline);
	w->deadline.data = w;
	admissions_init(w);
	pipelines_init(w);
	lookouts_init(w);
	uv_prepare_init(&w->loop, &w->prepare);
	w->prepare.data = w;
	uv_prepare_start(&w->prepare, on_prepare);
	w->snapshot = snapshot_get();
	w->snapshots++;
	assert(w->snapshot);
	return 0;
}

int workers_start(unsigned n, const struct options *options)
{
	assert(n >= 1 && n <= WORKERS_MAX);
	for (unsigned i = 0; i < n; i++) {
		workers[i] = calloc(1, sizeof *workers[i]);
		int failed = workers[i] ? worker_init(workers[i], i, options) : UV_ENOMEM;
		if (failed)
			return failed;
	}
	n_workers = n;
	pthread_barrier_init(&all_stopped, NULL, n);
	snapshot_on_publish(told_of_snapshot);
	uv_thread_options_t thread = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = 512u << 10};
	for (unsigned i = 0; i < n; i++) {
		atomic_store(&workers[i]->snapshot_changed, true);
		uv_async_send(&workers[i]->async);
		int failed = uv_thread_create_ex(&workers[i]->thread, &thread, worker_main, workers[i]);
		if (failed)
			return failed;
	}
	return 0;
}

/* Everything ends now; whoever posts to this worker must have stopped before. */
static void stop(struct worker *w, void *arg)
{
	(void)arg;
	struct session *s, *next;
	w->draining = true;
	for (s = TAILQ_FIRST(&w->sessions); s; s = next) {
		next = TAILQ_NEXT(s, link);
		s->end = END_DRAINED;
		session_close(s);
	}
	pools_close(w);
	uv_stop(&w->loop);
}

static void begin_to_leave(struct worker *w, void *arg)
{
	(void)arg;
	w->hands_over = true;
	sessions_move(w);
}

void workers_leave(void)
{
	for (unsigned i = 0; i < n_workers; i++)
		worker_post(workers[i], begin_to_leave, NULL);
}

/* ---- who accepts ---- */

static void stop_listening(struct worker *w, void *arg)
{
	(void)arg;
	if (w->deaf)
		return;
	w->deaf = true;
	for (size_t i = 0; i < listeners_count(); i++)
		uv_poll_stop(&w->watches[i].poll);
	atomic_fetch_add(&n_not_listening, 1);
}

static void listen_again(struct worker *w, void *arg)
{
	(void)arg;
	if (!w->deaf || w->draining)
		return;
	w->deaf = false;
	for (size_t i = 0; i < listeners_count(); i++)
		uv_poll_start(&w->watches[i].poll, UV_READABLE, on_acceptable);
	atomic_fetch_sub(&n_not_listening, 1);
}

void workers_listen(bool on)
{
	atomic_store(&n_told, 0);
	asked_for_next = false;
	for (unsigned i = 0; i < n_workers; i++)
		worker_post(workers[i], on ? listen_again : stop_listening, NULL);
}

static void tell_next(struct worker *w, void *arg)
{
	(void)arg;
	atomic_store(&next_sessions[w->index], w->next_session);
	atomic_fetch_add(&n_told, 1);
}

/* Clients that one worker has accepted for another are in the other's inbox ahead of what is posted once all have stopped. */
bool workers_next_sessions(uint32_t next[WORKERS_MAX])
{
	if (!workers_have_stopped_listening())
		return false;
	if (!asked_for_next) {
		asked_for_next = true;
		for (unsigned i = 0; i < n_workers; i++)
			worker_post(workers[i], tell_next, NULL);
	}
	if (atomic_load(&n_told) < n_workers)
		return false;
	for (unsigned i = 0; i < n_workers; i++)
		next[i] = atomic_load(&next_sessions[i]);
	return true;
}

void workers_begin_sessions(const uint32_t next[WORKERS_MAX])
{
	memcpy(first_sessions, next, sizeof first_sessions);
}

static void drain(struct worker *w, void *arg)
{
	uint64_t ms = (uint64_t)(uintptr_t)arg;
	uint64_t until = worker_now(w) + ms;
	if (w->draining) {
		if (until < w->drain_until)
			w->drain_until = until;
	} else {
		w->draining = true;
		w->drain_until = until;
		stop_listening(w, NULL);
		for (struct session *s = TAILQ_FIRST(&w->sessions); s; s = TAILQ_NEXT(s, link))
			session_wake(s);
	}
	drain_sessions(w);
}

bool workers_have_stopped_listening(void)
{
	return atomic_load(&n_not_listening) == n_workers;
}

void workers_drain(uint64_t drain_us)
{
	for (unsigned i = 0; i < n_workers; i++)
		worker_post(workers[i], drain, (void *)(uintptr_t)(drain_us / 1000));
}

bool workers_idle(void)
{
	for (unsigned i = 0; i < n_workers; i++)
		if (stat_get(&workers[i]->stats->clients))
			return false;
	return true;
}

/* One that came after the loop had ended. */
static void drop_message(struct worker_message *m)
{
	if (m->fn == moving_arrive || m->fn == moving_answered) {
		moving_session_free(m->arg);
	} else if (m->fn == take_client) {
		close(((struct new_client *)m->arg)->fd);
		free(m->arg);
	}
	free(m);
}

void workers_join(void)
{
	snapshot_on_publish(NULL);
	for (unsigned i = 0; i < n_workers; i++)
		worker_post(workers[i], stop, NULL);
	for (unsigned i = 0; i < n_workers; i++)
		uv_thread_join(&workers[i]->thread);
	for (unsigned i = 0; i < n_workers; i++) {
		struct worker *w = workers[i];
		struct worker_message *m;
		while ((m = STAILQ_FIRST(&w->inbox))) {
			STAILQ_REMOVE_HEAD(&w->inbox, link);
			drop_message(m);
		}
		free(w->watches);
		free(w->read_buffer);
		free(w->plain_buffer);
		free(w->cipher_buffer);
		free(w->unpack_buffer);
		free(w->pack_buffer);
		compress_encoder_destroy(w->encoder);
		rule_matcher_destroy(w->rule_matcher);
		free(w->classify_scratch);
		runs_forget(w);
		free(w->balance);
		free(w->stats);
		statements_finish(&w->statements);
		tally_destroy(w->errors_seen);
		short_reads_destroy(w->short_reads);
		free(w);
		workers[i] = NULL;
	}
	pthread_barrier_destroy(&all_stopped);
	n_workers = 0;
}
