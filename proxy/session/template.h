/*
 * A prepared statement's text, shared by every session of a worker that prepares it under the same state, and by every
 * backend that has it. Names in it are bound to the schema that was current when it was prepared.
 */
#ifndef WYE_PROXY_SESSION_TEMPLATE_H
#define WYE_PROXY_SESSION_TEMPLATE_H

#include <stdint.h>
#include <uthash.h>

#include "proxy/worker.h"
#include "router/state.h"

struct template {
	unsigned references;
	struct state *state; /* as it was at PREPARE, without user variables */
	uint64_t hash;
	size_t len;
	uint16_t params;
	uint16_t columns;
	bool alone;            /* in no chain: one client statement's own */
	struct template *next; /* in the table's chain */
	uint8_t sql[];
};

struct template *template_get(struct worker *w, struct view sql, struct state *state); /* a reference */
/* The same for one client statement alone, so that it shares no statement of a server with others. */
struct template *template_copy(struct template *t);
struct template *template_ref(struct template *t);
void template_unref(struct worker *w, struct template *t);

#endif
