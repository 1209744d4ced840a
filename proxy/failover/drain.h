/*
 * What this wye's sessions do on one server: asked of every worker. Not for the workers' own threads.
 */
#ifndef WYE_PROXY_FAILOVER_DRAIN_H
#define WYE_PROXY_FAILOVER_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRAIN_TIED_MAX 1024u

struct drain_use {
	unsigned busy;   /* sessions with a statement, a transaction or table locks there */
	unsigned n_tied; /* those whose state binds them to a connection there, and the server's numbers of these: */
	uint32_t tied[DRAIN_TIED_MAX];
};

/* Every worker that answers has seen the newest snapshot when it counts. False: one did not answer. */
bool drain_look(unsigned slot, struct drain_use *out);

/* Until nobody is busy there, or the time is over: then false. `stopping` ends the wait, too. */
bool drain_wait(unsigned slot, uint64_t timeout_us, bool (*stopping)(void), struct drain_use *out);

#endif
