/*
 * SIGUSR2, in the process that leaves: starts the program again, and hands over to it.
 *
 *	SERVING ──SIGUSR2──> STARTING ──PREPARED──> CLOSING ──────> GOING ──SERVING──> LEAVING ──> the end
 *	   ^                    │                      │               │                  nobody is left,
 *	   └────────────────────┴──────────────────────┴───────────────┘                  or upgrade_timeout
 *	      the new one ended, or took too long: as if nothing had happened
 *
 *	STARTING  the new process has the listening sockets, and looks at the servers; this one serves as ever
 *	CLOSING   the workers stop accepting: who connects now waits in the sockets' own queue, and is not refused
 *	GOING     the new one starts its workers
 *	LEAVING   the new one accepts; sessions here end by themselves, or are handed over when nothing ties them
 *
 * The configuration cannot be changed from STARTING on. All of it is the control thread's.
 */
#ifndef WYE_PROXY_UPGRADE_SUCCESSOR_H
#define WYE_PROXY_UPGRADE_SUCCESSOR_H

#include <stdbool.h>
#include <uv.h>

void successor_init(uv_loop_t *loop);

/* Begins; what keeps it from that is logged. */
void successor_start(void);

/* Another one serves, this one is only here for those that it still has. */
bool successor_serves(void);

/* Takes a session that is to go there; its answer is posted to its worker. False: it cannot go, and stays the caller's. Any
 * thread. */
struct moving_session;
bool successor_take(struct moving_session *m);

/* One that does not serve yet is ended: this process is told to stop. */
void successor_cancel(void);
void successor_stop(void);

#endif
