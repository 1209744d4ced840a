/*
 * Pipelines: short reads of several sessions, written one behind the other on one connection.
 *
 * A server that has the statements of many clients spends more on changing between their connections than on running
 * them. So when several connections of a pool are busy, a read that is known to be short is not given another one: it is
 * written behind one that is being answered, where it finds the same state. The server runs them without a pause, wye
 * writes several at once and reads several answers at once, and hands them out in order.
 *
 *	backend ── session          whose answer is coming, as without a pipeline
 *	   └────── entries[0..n)    who is next; NULL: the session has left, its answer is dropped
 *
 * Nobody stands here whose statement could not be run again elsewhere, unnoticed. Whoever waits for one before that is
 * slower than many others, or longer than PIPELINE_WAIT_MS, does so, and so does everybody when the connection is lost. What one of them would
 * find on its connection afterwards (warnings, an error) the next one takes away: an answer that has any is not passed
 * on, its statement is run again on a connection of its own (proxy/session/pipelined.c).
 */
#ifndef WYE_PROXY_BACKEND_PIPELINE_H
#define WYE_PROXY_BACKEND_PIPELINE_H

#include "proxy/backend/pool.h"

#define PIPELINE_MOST    32u /* statements on one connection at once */
#define PIPELINE_WAIT_MS 200u

struct pipeline_entry {
	struct session *session;
	uint32_t cost; /* us */
	uint8_t command;
};

struct pipeline {
	struct pipeline_entry entries[PIPELINE_MOST];
	unsigned first, n;
	uint32_t cost;            /* us: of all of them */
	unsigned unsent;          /* statements that lie in the connection's output */
	TAILQ_ENTRY(backend) link; /* the worker's list of those that have one */
	TAILQ_ENTRY(backend) unsent_link; /* ... and of those whose output is held back */
};

/* Behind whom the session's read may be written; NULL: it takes a connection as others do. */
struct backend *pipeline_find(struct pool *pool, const struct session *s);

/* The session's statement of this kind has been sent on b, whose output was held back (conn_cork). */
void pipeline_join(struct backend *b, struct session *s, uint8_t command);

static inline unsigned pipeline_waits(const struct backend *b)
{
	return b->pipeline ? b->pipeline->n : 0;
}

/* The answer before the first entry's has ended, or is of no account any more: b is the next one's. */
void pipeline_next(struct backend *b);

/* The session wants its answer no more. */
void pipeline_leave(struct session *s);

/* b is lost: whoever waits goes elsewhere. */
void pipeline_abandon(struct backend *b);
void pipeline_free(struct backend *b);

void pipelines_init(struct worker *w);
void pipelines_flush(struct worker *w); /* before the loop sleeps: sends what was held back */

#endif
