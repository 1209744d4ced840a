/*
 * Who is to be primary next, and whether that can be: pure, over what was read of the servers.
 */
#ifndef WYE_PROXY_FAILOVER_PLAN_H
#define WYE_PROXY_FAILOVER_PLAN_H

#include "proxy/failover/change_server.h"

/* The replica that takes the place of servers[old]. `wanted` is the one that a person has named, or -1. While the old one
 * lives any replica will catch up, so that the nearest of the healthy is best; of a dead one the most advanced is.
 * -1: none can; `why` says it, of the one that was named or of the one that came closest. */
int plan_target(const struct change_server *servers, size_t n, size_t old, int wanted, bool old_is_dead, char *why, size_t size);

/* Why this one cannot become primary in place of servers[old]: empty when it can. */
void plan_objection(const struct change_server *s, const struct change_server *old, bool old_is_dead, char *why, size_t size);

/* Everything that `b` has received or applied, `a` has. */
bool plan_is_ahead(const struct change_server *a, const struct change_server *b);

/* Every replica that was asked has lost the primary, and those are all that live and at least half of all there are. */
struct plan_view {
	unsigned replicas, reached; /* of servers[old]; that could be asked */
	unsigned connected;         /* of these: still connected to it */
};
bool plan_is_confirmed(const struct plan_view *view, char *why, size_t size);

#endif
