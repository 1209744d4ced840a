/*
 * Admission: how many short reads run on a server at once.
 *
 * A server that is given the reads of many clients at once spends more on changing between them than on running them.
 * So each worker lets in as many as the server runs well, and the others wait in wye, in order, for the fraction of a
 * millisecond until one has ended. Only reads that could run anywhere and at any time stand at this gate: whoever holds
 * a connection for a transaction, or writes, passes. A read that turns out to be long stops counting after LONG_MS, so
 * that long ones never keep short ones waiting, and never each other.
 *
 * How many that are is found by trying: while reads wait all the time, fewer are let in as long as that does not cost
 * throughput, and more as long as that gains some. A gate at which nobody waits costs a few instructions.
 */
#ifndef WYE_PROXY_SESSION_ADMISSION_H
#define WYE_PROXY_SESSION_ADMISSION_H

#include <stdbool.h>

#include "proxy/worker.h"

struct session;

void admissions_init(struct worker *w);

/* The session's read may run on that server; or it stands in line, and is woken when it may. Asked again, the same. */
bool admission_enter(struct session *s, unsigned slot);

/* It neither counts nor waits any more; whoever is next may. */
void admission_leave(struct session *s);

/* Every tick: how many are let in. */
void admissions_adapt(struct worker *w);

#endif
