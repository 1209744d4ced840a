/*
 * Lookouts: the few reads that wait on a replica, at its own word, for what all reads that lack something wait for.
 *
 * MySQL wakes every session that waits for a position at every commit, whatever it waits for, which costs the replica
 * about 10 us each: with 32 of them it needs more than twice as long for a transaction, falls behind, and is waited for
 * all the more. So each worker lets a few wait there at a time. The others stand by in wye, with no connection, and go on
 * as soon as a look at the positions, or a lookout's answer, tells that theirs is reached. MariaDB wakes whom it concerns:
 * there everybody is a lookout.
 */
#ifndef WYE_PROXY_SESSION_LOOKOUT_H
#define WYE_PROXY_SESSION_LOOKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/worker.h"

struct session;
struct server_info;

void lookouts_init(struct worker *w);

/* The read in work may wait on that replica; else it stands by, and is woken when it is worth to choose anew. */
bool lookout_enter(struct session *s, const struct server_info *server);

/* It neither waits there nor stands by any more. Whoever stood by and can go on now is woken. */
void lookout_leave(struct session *s);

#endif
