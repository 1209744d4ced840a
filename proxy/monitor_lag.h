/*
 * How far replicas are behind, told by positions alone: no clock of a server, no privilege, no
 * Seconds_Behind.
 *
 * The primary's monitor notes each new position of the primary with the time it was first seen; a replica's
 * lag is the age of the oldest of them that it has not applied yet. That is the staleness a reader meets,
 * whatever the reason: a slow applier, a link that says "Yes" while nothing comes, a large transaction in
 * transit. It is exact to the interval between two looks at the primary.
 *
 * A replica counts as measurable ("anchored") once it has held any position noted since the start: one that
 * never does is either further behind than this history reaches, or has a gap for good, and other measures
 * must do. All functions lock; any thread.
 */
#ifndef WYE_PROXY_MONITOR_LAG_H
#define WYE_PROXY_MONITOR_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "router/gtid.h"

struct lag_history;

/* Where one replica stands in it. Zeroed is a good start. */
struct lag_reader {
	uint64_t epoch;
	uint64_t next; /* number of the first position not known to be applied */
	bool anchored;
	int64_t delay_us; /* by the last read: the age of the newest position that was new to it then; -1: none was */
};

struct lag_history *lag_history_create(void);
void lag_history_destroy(struct lag_history *h);

/* Another primary: what was noted is of no more use. */
void lag_history_restart(struct lag_history *h);

void lag_history_note(struct lag_history *h, const struct gtid_set *position, int64_t now_us);

/* The lag of a replica that has applied this, in microseconds; -1 while it is not anchored. */
int64_t lag_history_read(struct lag_history *h, struct lag_reader *reader, const struct gtid_set *applied,
                         int64_t now_us);

#endif
