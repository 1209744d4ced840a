/*
 * Copies of statements for another server (the rules' `mirror`): sent when there is a connection for them, their answers
 * thrown away.
 *
 * Nobody waits for them. They stand in a queue of their own pool, whose connections are lent to no session, and are
 * dropped rather than kept: when the queue is full, when the server cannot be had, when they have waited too long. Each
 * begins in the state of the session it was copied from, after a SET SESSION TRANSACTION READ ONLY, so that nothing it
 * calls can write.
 */
#ifndef WYE_PROXY_BACKEND_MIRROR_H
#define WYE_PROXY_BACKEND_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proxy/backend/backend.h"
#include "router/rules.h"

#define MIRROR_TEXT_MAX     65536u      /* bytes of a statement that is copied */
#define MIRROR_QUEUED_BYTES (16u << 20) /* that wait for one server, of all workers */

struct mirror_job {
	STAILQ_ENTRY(mirror_job) link;
	struct worker *worker;
	struct rule_set *rules;    /* a reference: whose counts these are */
	struct rule_count *count;
	struct state *want;        /* a reference */
	struct template *template; /* a reference: `command` is its execution, without a number; NULL: `command` is a text */
	uint32_t slot;
	uint32_t caps;             /* of the session: how an execution is written */
	uint64_t since;            /* ms */
	unsigned step, steps;      /* answers that have come, and that are due */
	uint8_t commands[8];       /* what each is the answer to */
	size_t len;
	uint8_t command[];         /* the text, or the payload of an EXECUTE */
};

/* Takes the job (with the slot not set), which waits for a connection to the server or is dropped and counted. */
struct server_info;
struct session;
void mirror_send(struct worker *w, const struct server_info *server, const struct session *s, struct mirror_job *job);
void mirrors_flush(struct worker *w); /* before the loop sleeps, when w->mirrors_due: nobody's statement is kept waiting */
void mirror_free(struct mirror_job *job);
void mirror_count(struct rule_count *count, enum mirror_outcome outcome);

/* ---- from the pool and its connections ---- */
void mirror_go_on(struct pool *pool);  /* a connection has become free: it may be in use again when this returns */
void mirror_cannot(struct pool *pool); /* none could be opened */
void mirror_run(struct backend *b);    /* bytes for one */
void mirror_lost(struct backend *b);   /* one is discarded in the middle */
void mirror_sweep(struct pool *pool);  /* every second or so */
bool mirror_is_idle(const struct pool *pool);
void mirror_forget(struct pool *pool);

#endif
