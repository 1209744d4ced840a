/*
 * Whether one server serves, decided look by look with hysteresis: pure.
 *
 * A replica leaves at once when it cannot be reached, when its applier stopped, or when it is further behind
 * than max_lag. A lost link to its source counts only while the source itself answers: a dead primary must
 * not take the reads down with it. It returns after two good looks in a row, and from lagging only below half
 * of max_lag. A primary is up or down, nothing else.
 */
#ifndef WYE_PROXY_TOPOLOGY_HEALTH_H
#define WYE_PROXY_TOPOLOGY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/monitor_look.h"
#include "proxy/snapshot.h"

struct health {
	enum server_state state;
	char reason[160];
	/* Private. */
	unsigned good;      /* good looks in a row */
	unsigned link_lost; /* looks in a row without a link to the source */
};

struct health_input {
	const struct look *look;
	const struct look_channel *channel; /* the source it follows in this cluster, or NULL */
	bool is_replica;                    /* by the last decision on roles */
	bool attached;                      /* its line of sources leads to the primary */
	bool primary_up;
	uint64_t max_lag; /* us */
};

/* Takes one new look into account. */
void health_note(struct health *h, const struct health_input *in);

/* It has become primary, or ceased to be: what held it back as a replica is of no account. */
void health_role_changed(struct health *h, const struct look *look);

#endif
