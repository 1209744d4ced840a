/*
 * Counters of the data path: each worker owns one block and is its only writer; readers add the blocks up.
 *
 * Increments are plain loads and stores of relaxed atomics: no lock, no shared cache line.
 */
#ifndef WYE_PROXY_STATS_H
#define WYE_PROXY_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "proxy/snapshot.h"
#include "router/classify.h"
#include "router/reason.h"

#define WORKERS_MAX 64

/* Why a connection to a server was closed: name, word, and what people read about it. */
#define CLOSED_REASONS(X)                                                                                              \
	X(IDLE, "idle", "closed: unused for pool_idle_timeout")                                                        \
	X(AGE, "age", "closed: older than pool_max_age, or than a change of accounts or global variables")             \
	X(ROOM, "room", "closed while idle: others needed one, and no more might be opened")                           \
	X(SERVER, "server", "closed by the server while idle")                                                         \
	X(LOST, "lost", "lost while a session used it")                                                                \
	X(FAILED, "failed", "could not connect or log in")                                                             \
	X(SESSION, "session", "closed: its session left what only that cleans up, such as an open transaction")        \
	X(KILLED, "killed", "ended by KILL, or its client went away in the middle of a statement")                     \
	X(SHUTDOWN, "shutdown", "closed because wye stops")
enum closed_reason {
#define X(name, word, help) CLOSED_##name,
	CLOSED_REASONS(X)
#undef X
		CLOSED_COUNT
};

struct server_counters {
	_Atomic uint64_t statements;      /* of clients, sent there */
	_Atomic uint64_t errors;          /* ERR packets answered to them */
	_Atomic uint64_t bytes_sent, bytes_received;
	_Atomic uint64_t connects, connect_failures;
	_Atomic uint64_t lost;            /* connections that broke while lent */
	_Atomic uint64_t idle, used;      /* gauges: connections now */
	_Atomic uint64_t running;         /* gauge: statements sent and not answered */
	_Atomic uint64_t reused;          /* lent again after its first time */
	_Atomic uint64_t waits;           /* sessions that had to wait for one */
	_Atomic uint64_t waiting;         /* gauge: and do now */
	_Atomic uint64_t closed[CLOSED_COUNT];
};

struct worker_stats {
	_Atomic uint64_t routes[ROUTE_COUNT][REASON_COUNT]; /* statements by decision */
	struct server_counters servers[SERVERS_MAX];
	_Atomic uint64_t clients;          /* gauge: connected and logged in or logging in */
	_Atomic uint64_t accepted, logins, logins_refused, sessions_ended;
	_Atomic uint64_t commands, bytes_from_clients, bytes_to_clients;
	_Atomic uint64_t healed;           /* misroutes repaired on the primary */
	_Atomic uint64_t hints_ignored;    /* words of hints that were not understood, servers that are not known */
	_Atomic uint64_t timeouts;         /* statements stopped after the time that a hint gave them */
	_Atomic uint64_t retried;          /* statements run again after a server was lost */
	_Atomic uint64_t replays;          /* transactions run again after their server was lost */
	_Atomic uint64_t replays_done;     /* ... that were answered the same */
	_Atomic uint64_t replays_differed; /* ... that were not: their clients got an error */
	_Atomic uint64_t waits;            /* reads sent to wait on a replica */
	_Atomic uint64_t waits_late;       /* those that waited in vain */
	_Atomic uint64_t asks;             /* servers asked for their position ahead of a read */
	_Atomic uint64_t pauses;           /* in which events could gather */
	_Atomic uint64_t pipelined;        /* reads written behind another on its connection */
	_Atomic uint64_t pipelined_again;  /* those that ran again on another */
	_Atomic uint64_t queued;           /* gauge: sessions waiting for a connection */
	_Atomic uint64_t held_bytes;       /* gauge: of commands that wait for a primary */
	_Atomic uint64_t pinned;           /* gauge: sessions tied to a connection */
	_Atomic uint64_t pins[PIN_COUNT];  /* pins taken, by cause */
};

static inline void stat_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void stat_sub(_Atomic uint64_t *counter, uint64_t n)
{
	stat_add(counter, (uint64_t)0 - n);
}

static inline uint64_t stat_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)counter, memory_order_relaxed);
}

/* How many workers there are, and the block of one. Any thread, after start. */
unsigned stats_workers(void);
const struct worker_stats *stats_worker(unsigned index);
struct statements;
const struct statements *stats_statements(unsigned index);

/* Those of a digest (0: all, and the times by class) begin anew in every worker. Control thread only; bounded wait. */
void stats_statements_forget(uint64_t digest);
struct tally;
const struct tally *stats_errors_seen(unsigned index);
void stats_errors_forget(void);

/* One row a session for stats_sessions, gathered by asking each worker's thread. */
struct session_row {
	uint64_t id;
	unsigned worker;
	char user[80], client[80], schema[80];
	char state[24];
	char server[80];      /* where its connection is, or empty */
	char pins[128];       /* names of what pins it, blank-separated */
	char pin_cause[128];  /* digest text of the statement that pinned it */
	uint64_t since_us;    /* us since the last command began or ended */
	uint64_t pinned_us;   /* us since it was pinned, 0 when it is not */
	uint64_t commands;
};

/* Fills at most n rows, returns how many sessions there were. Control thread only; bounded wait for the workers. */
size_t stats_sessions_copy(struct session_row *rows, size_t n);

/* Ends the session, or only the statement that it runs, whoever's it is, as soon as its worker comes to it. False: no
 * session can have that id. */
bool stats_session_kill(uint64_t id, bool query_only);

/* One row a pool for stats_pools, likewise: an account on a server has several, one at least in each worker. */
struct pool_row {
	unsigned slot;
	char user[80];
	bool mirrors; /* for copies of statements (rules' mirror) */
	uint64_t idle, busy, connecting, waiting; /* now */
	uint64_t opened, reused, waits, waited_max_ms;
	uint64_t closed[CLOSED_COUNT];
};
size_t stats_pools_copy(struct pool_row *rows, size_t n);
const char *closed_reason_name(enum closed_reason reason);

#endif
