/*
 * A worker: one thread, one libuv loop, its clients' sessions and its own pools of backends.
 *
 * Other threads reach it by worker_post (a function run on its thread) and by publishing a snapshot; it shares nothing
 * else. Sessions that may go on (a backend became free, the snapshot changed) are put on its wake list, which is
 * drained after the callback that woke them: no step ever runs another session's.
 */
#ifndef WYE_PROXY_WORKER_H
#define WYE_PROXY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "protocol/buf.h"
#include "proxy/admission_limit.h"
#include "proxy/errors_seen.h"
#include "proxy/options.h"
#include "proxy/pace.h"
#include "proxy/snapshot.h"
#include "proxy/statements.h"
#include "proxy/stats.h"
#include "router/balance.h"
#include "router/classify.h"
#include "router/state.h"

#define WORKER_READ_BUFFER (128u << 10)

struct session;
struct run;
struct rule_matcher;
SLIST_HEAD(run_list, run);
struct pool;
TAILQ_HEAD(session_list, session);

/* How many reads run on a server at once. */
struct gate {
	struct session_list inside, line; /* those that count, and who waits; the longest first */
	unsigned n_inside;
	struct admission_limit most;
	unsigned done, waited; /* since then: */
	uint64_t since;        /* ms */
};
struct backend;
TAILQ_HEAD(pool_list, pool);
TAILQ_HEAD(backend_list, backend);

/* A (state, server) pair that a server has accepted: such a state may be sent in one write with a statement. User
 * variables, which nothing refuses, are no part of it. */
#define WORKER_ACCEPTED 512
#define WORKER_TEMPLATES 4096 /* chains of prepared statements' texts */
struct template;
struct accepted_state {
	struct state *state;
	unsigned slot;
};

/* A server whose rooms (proxy/backend/room.h) are full, as one worker's pools see it. */
struct place {
	struct pool_list short_of;   /* pools with sessions that wait because no more connections may be opened */
	/* The question whether another worker can give one up goes from worker to worker and comes back. While it is
	 * under way (asking) the rest stands still. */
	bool asking;
	bool given;                  /* the answer: one was, or will be */
	bool only_account;           /* one of this account's: its own limit is reached */
	bool urgent;                 /* also one that was used a moment ago */
	unsigned worker, slot;       /* who asks, for which server */
	uint64_t account_id;
	uint64_t asked_at;           /* ms: when it came back last */
};

/* What the last login made of these: most make the same. */
struct login_state {
	uint64_t snapshot; /* its number */
	uint32_t caps;
	uint16_t collation;
	bool exempt;
	struct state *first, *after_reset; /* NULL: there was none */
};

struct worker {
	unsigned index;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t tick;
	uv_prepare_t prepare;
	uint64_t woke, clock;  /* ns, for worker_woke() and worker_clock(); 0: not read in this turn */
	unsigned clock_uses;   /* of it in this turn */
	uint8_t *read_buffer;   /* every socket of this worker reads into it */
	uint8_t *plain_buffer;  /* TLS decrypts into this one */
	uint8_t *cipher_buffer; /* and encrypts into this one */
	uint8_t *unpack_buffer; /* what was compressed is decompressed into this one */
	uint8_t *pack_buffer;   /* and compressed into this one: one packet */
	struct compress_encoder *encoder;
	struct buf scratch;    /* what is put together for one write */
	struct classify_scratch *classify_scratch;
	struct rule_matcher *rule_matcher; /* made with the first statement that meets rules */

	struct snapshot *snapshot;
	uint64_t snapshots; /* how many there have been */
	struct state_table *states;
	struct accepted_state accepted[WORKER_ACCEPTED];
	struct login_state login_state;
	struct template *templates[WORKER_TEMPLATES];
	struct pool *pools;    /* a hash over (slot, account, capabilities) */
	unsigned backends[SERVERS_MAX]; /* connections of this worker to each server */
	struct place places[SERVERS_MAX];
	struct backend_list leaving;    /* connections that the server is to close, longest first */
	struct balance *balance;
	uint32_t latency_us[SERVERS_MAX]; /* of reads, from here to their answer's end; kept for least_latency only */
	unsigned uneven_reads; /* that stayed on a server beyond its share, since: */
	uint64_t uneven_since; /* ms */
	uint64_t random;       /* state of a small generator; not for secrets */

	struct pace pace;

	struct gate gates[SERVERS_MAX]; /* proxy/session/admission.h */
	uv_timer_t gate_timer;
	unsigned lookouts[SERVERS_MAX]; /* proxy/session/lookout.h: reads that wait there, */
	struct session_list standing_by; /* and those that wait here, longest first */
	uv_timer_t listen_timer;

	struct backend_list pipelines;  /* proxy/backend/pipeline.h */
	struct backend_list unsent;     /* ... those whose output is held back until the loop sleeps */
	uv_timer_t pipeline_timer;
	struct short_reads *short_reads;
	bool mirrors_due;               /* proxy/backend/mirror.h: copies of statements are to be sent */

	struct session_list sessions;   /* all of them */
	struct session_list waiting;    /* for a backend, oldest first */
	unsigned spilled;               /* reads that run on the primary because no replica could serve them */
	struct session_list logging_in; /* oldest first */
	_Atomic unsigned unfinished;    /* clients that have not logged in yet; other workers look at it */
	struct session_list idle;       /* waiting for a command, longest first */
	struct session_list wake;       /* to be run before the loop sleeps */
	struct session_list timed;      /* whose statement is to be stopped after a time */
	uv_timer_t deadline;            /* the soonest of them */
	struct run_list spare_runs;     /* for the commands to come */
	unsigned n_spare_runs;
	struct session_list to_ask;     /* tied by nothing but values that can be asked for */
	unsigned n_sessions;
	unsigned n_limited;             /* sessions with a wait_timeout of their own */
	_Atomic unsigned load;          /* sessions here or on their way: where new clients go */
	uint64_t last_sequences; /* the last number that a session has got for what it takes from sequences */
	uint32_t next_session;
	bool ids_used_up;       /* and begun anew: the next one may be in use */
	bool draining;
	bool hands_over;        /* sessions that may go to another process (proxy/session/moving.c) */
	bool deaf;              /* it does not watch the listening sockets */
	struct watch *watches; /* the listening sockets as this loop sees them */
	uint64_t drain_until;           /* loop time in ms */

	pthread_mutex_t inbox_lock;
	STAILQ_HEAD(, worker_message) inbox;
	_Atomic bool snapshot_changed;

	struct worker_stats *stats;
	struct statements statements;
	struct tally *errors_seen;
};

/* Starts n workers; each listens on every socket given by listener_open. 0 or UV_E*. */
int workers_start(unsigned n, const struct options *options);

/* Graceful: no new clients, sessions end at their next statement boundary outside a transaction, at most drain_us
 * later all the same. workers_join ends what is left and the threads: nobody may post to a worker after it. */
void workers_drain(uint64_t drain_us);
void workers_join(void);

/* Whether new clients are taken. Where they are not, whoever connects waits in the socket's own queue. */
void workers_listen(bool on);

/* Nobody takes new clients, and all that were taken have their sessions: the number that each worker would give the next one.
 * False: not yet, ask again. */
bool workers_next_sessions(uint32_t next[WORKERS_MAX]);
/* Before workers_start: they go on from these, so that no id is given twice. */
void workers_begin_sessions(const uint32_t next[WORKERS_MAX]);

/* From here on sessions go to another process where they can. */
void workers_leave(void);

/* After workers_drain: no worker watches the listening sockets any more, they may be closed. */
bool workers_have_stopped_listening(void);

/* True when no session is left in any worker. */
bool workers_idle(void);

unsigned workers_count(void);
struct worker *worker_at(unsigned index);

/* Runs fn(worker, arg) on the worker's thread, soon. Any thread. */
void worker_post(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg);

/* An accepted client for this worker. Any thread. */
struct new_client;
void worker_give_client(struct worker *w, int fd, bool unix_socket, enum listen_route route);

/* The worker with the fewest sessions. */
struct worker *worker_least_loaded(void);

static inline uint64_t worker_now(const struct worker *w)
{
	return uv_now(&w->loop); /* ms; read once a loop turn */
}

/* Finer, of the same clock as uv_hrtime(), in ns, for what is measured with every statement. When the loop had something
 * to do again, read at its first use in a turn: what is there by then has come by then. */
static inline uint64_t worker_woke(struct worker *w)
{
	if (!w->woke)
		w->woke = w->clock = uv_hrtime();
	return w->woke;
}

/* ... and now: while a turn has much to do, some uses share one reading. */
#define WORKER_CLOCK_EXACT 4u
#define WORKER_CLOCK_SHARE 8u
static inline uint64_t worker_clock(struct worker *w)
{
	unsigned uses = w->clock_uses++;
	if (uses < WORKER_CLOCK_EXACT || uses % WORKER_CLOCK_SHARE == 0)
		w->clock = uv_hrtime();
	return w->clock;
}

uint64_t worker_random(struct worker *w);

/* A reference to a state another part may compare with: was it accepted by this server before? */
bool worker_state_accepted(struct worker *w, struct state *state, unsigned slot);
void worker_accept_state(struct worker *w, struct state *state, unsigned slot);

#endif
