/*
 * A backend: one connection from this worker to a server, in one client account's name.
 *
 *	CONNECTING ──> LOGIN ──> IDLE <──> BUSY (lent to a session)
 *	     │            │         ├─────> LEAVING (the server is to close it)
 *	     └────────────┴─────────┴────────┴──> CLOSING (freed by its close callback)
 *
 * It carries the session state that the server holds for it (`have`), so that the difference to what a session wants
 * can be sent with the statement. Whoever used it last is its keeper: that session gets it back first, because its
 * last insert id, warnings and counts are still there.
 */
#ifndef WYE_PROXY_BACKEND_BACKEND_H
#define WYE_PROXY_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <uthash.h>

#include "proxy/conn.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"
#include "router/state.h"

struct pipeline;
struct pool;
struct reply;
struct session;
struct backend_login;
struct backend_statement;
struct template;

enum backend_task { TASK_NONE, TASK_KILL, TASK_SAVE_ID, TASK_DRAIN, TASK_MIRROR };
/* What clients are told when a server cannot be had or was lost, with SQLSTATE 08S01. The numbers from 2000 on that say so
 * belong to the client libraries: MariaDB's calls an answer malformed that has one. This is a server's own, of one that is
 * being shut down. */
#define ERROR_UNREACHABLE 1053

enum backend_state { BACKEND_CONNECTING, BACKEND_LOGIN, BACKEND_IDLE, BACKEND_BUSY, BACKEND_LEAVING, BACKEND_CLOSING };

struct backend {
	struct conn conn; /* first: a conn's owner is found by its address */
	struct pool *pool;               /* NULL from LEAVING on */
	struct room *account_room;       /* a reference: it is in this room, and in its server's */
	unsigned slot;
	TAILQ_ENTRY(backend) link;       /* the pool's list of its state, or the worker's of those that leave */
	enum backend_state state;
	uint64_t since;                  /* ms of the loop's clock: when it came into this state */
	uint64_t born;                   /* ms: when it was logged in */
	struct backend_login *login;     /* while CONNECTING and LOGIN */
	uint32_t thread_id;              /* the server's: for KILL */
	uint32_t caps, mariadb_caps;     /* in effect on this connection */
	struct state *have;              /* what the server holds for it */
	bool multi_statements;           /* the switch of COM_SET_OPTION, which survives a reset */
	uint64_t init_connect;           /* a hash of what the server's init_connect was at the login */
	bool init_unknown;               /* init_connect left there what no vector describes: a reset would lose it */
	bool fresh;                      /* nothing was set up on it yet (after login or reset) */
	bool dirty;                      /* holds what no vector describes: reset before another session has it */
	bool stale;                      /* that was another session's, or one that has been reset */

	bool killed;                     /* a KILL for it is under way: it is not lent again */
	enum backend_task task;          /* BUSY without a session: what it does on wye's own account */
	struct reply *draining;          /* TASK_DRAIN: where it is in the answer that nobody wants */
	struct mirror_job *mirrored;     /* TASK_MIRROR: the copy that it runs */
	uint32_t kill_thread;            /* the server's id of the connection to be killed, once this one is logged in */
	bool kill_query, kill_was_idle;
	bool lent;                       /* it was lent before */
	uint8_t youth;                   /* how much before pool_max_age it is closed, lest all go at once: 0..255 */
	bool retired;                    /* closed on purpose, for this reason; else it follows from the state */
	enum closed_reason retired_for;

	struct session *session;         /* who has it lent */
	struct pipeline *pipeline;       /* whose reads are written behind its statement (pipeline.h); NULL: none ever was */
	uint64_t first_since;            /* ms: when the statement that it is answering became the first here, */
	uint64_t answered_before;        /* ... and how many the pool had answered by then */
	uint32_t rtt_us;                 /* the way to the server and back, without the server */
	bool in_run;                     /* its input is being looked at */
	struct session *keeper;          /* who had it last, and may still want what it left there */
	LIST_ENTRY(backend) kept;        /* the keeper's list */
	bool has_warnings;               /* of its last statement: nobody else's concern */
	bool keeps_insert_id;            /* the keeper's LAST_INSERT_ID() lives here */
	bool insert_id_known;            /* and whoever's it is, this is it: */
	uint64_t insert_id;
	uint64_t sequences_of;           /* whose values of sequences it may have: session->sequences; 0: nobody's */
	uint64_t sequences_last;         /* who was the last to take any */

	struct backend_statement *statements; /* prepared here, a hash by template */
	unsigned n_statements;
};

/* Starts one for the pool, which has entered the rooms; the pool hears of success or failure (pool_backend_ready,
 * pool_backend_failed). */
struct backend *backend_create(struct pool *pool, const struct server_info *server);

/* The one way to end it, safe to call twice. A session that has it lent must have let go before. */
void backend_discard(struct backend *b);

/* Those that the server has not closed within a second, or all, are closed from here. */
void backends_leave(struct worker *w, bool all);

/* Makes the session the keeper, or nobody (NULL). */
void backend_keep(struct backend *b, struct session *s);

void backend_set_have(struct backend *b, struct state *state); /* takes the reference */
void backend_was_reset(struct backend *b); /* it has answered COM_RESET_CONNECTION; have is set apart */

static inline struct backend *backend_of(struct conn *c)
{
	return (struct backend *)c;
}

/* The login's steps: proxy/backend/login.c. */
void backend_login_begin(struct backend *b, const struct server_info *server);
void backend_login_run(struct backend *b);
void backend_login_end(struct backend *b);

/* Prepared statements on this connection. */
struct backend_statement {
	struct template *template; /* key, a reference */
	uint32_t id;               /* the server's */
	uint64_t types_hash;       /* of the parameter types the server remembers; 0: none */
	uint64_t used;             /* ms */
	const struct client_statement *bound_by; /* whose cursor or long data it holds; compared, never followed */
	UT_hash_handle hh;
};
struct backend_statement *backend_statement_find(struct backend *b, const struct template *t);
struct backend_statement *backend_statement_add(struct backend *b, struct template *t, uint32_t id);
void backend_statement_remove(struct backend *b, struct backend_statement *s);
void backend_statements_forget(struct backend *b); /* a reset closed them all */

#endif
