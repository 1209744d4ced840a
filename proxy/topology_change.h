/*
 * What a change of the topology asks of the control thread, and what makes the control thread ask for one.
 *
 * Any thread but the workers'; the calls wait for the control thread, and are false when it has stopped.
 */
#ifndef WYE_PROXY_TOPOLOGY_CHANGE_H
#define WYE_PROXY_TOPOLOGY_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/failover/change_server.h"
#include "proxy/settings.h"
#include "proxy/snapshot.h"

struct change_picture {
	struct change_server servers[SERVERS_MAX]; /* what the control thread knows of each real member */
	size_t n;
	int primary;         /* index of the primary by role, up or not; -1: there is none */
	bool primary_usable; /* it is up and may be written */
	struct library_login login; /* without an address; its texts live as long as the process */
	struct settings settings;
};

bool topology_picture(struct change_picture *out);

/* From here on nothing new begins on the server of this slot, and what only a primary can run waits. A heartbeat is not
 * written meanwhile. */
bool topology_hold(unsigned slot, const char *why);
bool topology_hold_end(void);
/* A primary that its start made read-only is not opened, so that nobody is to wait for that. */
bool topology_leave_closed(void);

/* Slot of the primary that is held, or closed and about to be opened, and why; -1: there is none. Of the control thread. */
int topology_held(const char **why);

/* This server is the primary as soon as a look shows that it may be; all are looked at. */
bool topology_appoint(unsigned slot);
bool topology_appoint_end(void); /* whether or not it has become that */
bool topology_is_primary(unsigned slot); /* it is, and may be written */
bool topology_look_at_all(void);
uint64_t topology_looks(unsigned slot); /* how many have come of it */

#endif
