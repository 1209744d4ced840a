/*
 * A change of the topology under way: SWITCHOVER, FAILOVER, REJOIN or REOPEN, as the thread that makes it sees it.
 *
 * Each kind is a table of steps, run in order. When one fails before the change has become final, what was done is undone
 * in reverse order; later ones only tell what is left to a person. The files of proxy/failover/ alone include this.
 */
#ifndef WYE_PROXY_FAILOVER_CHANGE_H
#define WYE_PROXY_FAILOVER_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/failover/change_server.h"
#include "proxy/failover/changes.h"
#include "proxy/snapshot.h"

/* Seconds. */
#define CHANGE_CONNECT_TIMEOUT 2u
#define CHANGE_ANSWER_MARGIN 5u

struct change;

struct change_step {
	const char *name;
	const char *what;                /* for people */
	bool (*run)(struct change *c);   /* false: c->error says why */
	void (*undo)(struct change *c);  /* NULL: there is nothing; also run for the step that failed, which may be half done */
	bool is_final;                   /* when it has succeeded nothing is undone any more */
};

struct change {
	struct change_request request;
	char lock_name[64];
	uint64_t timeout_us; /* switchover_timeout */
	char replication_user[129], replication_password[256];
	bool own_account;    /* replicas log in as the monitor account does */
	struct library_login login; /* without an address */
	bool (*stopping)(void);

	struct change_server *servers;
	size_t n;
	struct change_server *old;    /* the primary before; of a REJOIN, or a REOPEN, the present one */
	struct change_server *target; /* who takes its place; of a REJOIN who comes back */
	bool old_was_read_only;
	bool holds, fenced, stopped, writable, cut;
	bool locked_out; /* somebody else makes one */
	bool hopeless; /* of a REOPEN: another time will not do either */
	bool already; /* there is nothing to do, and that is no error */
	char *goal;   /* the position that the target has to reach */
	char error[600];   /* why the step failed */
	char advice[1200]; /* what a person has to do; empty: nothing */
	char outcome[600]; /* one sentence about what was done */
};

/* Says why a step failed. */
bool change_fail(struct change *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a sentence about what is left to a person. */
void change_advise(struct change *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row of stats_changes beside those of the steps. */
void change_tell(struct change *c, const char *step, const char *server, bool ok, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Runs the table. True when everything was done, as far as it has to be. */
bool change_run(struct change *c, const struct change_step *steps, size_t n);

extern const struct change_step switchover_steps[], failover_steps[], rejoin_steps[], reopen_steps[];
extern const size_t switchover_n, failover_n, rejoin_n, reopen_n;

/* ---- steps that several kinds have (change_steps.c) ---- */
bool step_examine(struct change *c); /* reach the servers, read what they say, check privileges */
bool step_lock(struct change *c);
void undo_lock(struct change *c);
bool step_hold(struct change *c); /* new transactions wait; those under way end */
void undo_hold(struct change *c);
bool step_fence(struct change *c); /* `old` takes no writes */
void undo_fence(struct change *c);
bool step_promote(struct change *c);
void undo_promote(struct change *c);
bool step_appoint(struct change *c); /* wye and its clients go on with the target */
bool step_repoint(struct change *c); /* other replicas follow the target */

bool change_fence(struct change *c, struct change_server *s);
bool change_make_writable(struct change_server *s); /* false with s->error */
/* `s`, which follows nobody or somebody else, follows `source` from here on, logging in anew. */
bool change_follow(struct change *c, struct change_server *s, const struct change_server *source, bool demote);
bool change_still_locked(struct change *c);

#endif
