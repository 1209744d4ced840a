/*
 * PAUSE and RESUME: while wye is paused, statements outside a transaction wait, at most queue_timeout, and nothing new is
 * sent to any server. Sessions that a connection is tied to go on, so that what has begun can end.
 */
#ifndef WYE_PROXY_PAUSE_H
#define WYE_PROXY_PAUSE_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic bool pause_state;

static inline bool pause_is_on(void)
{
	return atomic_load_explicit(&pause_state, memory_order_relaxed);
}

/* Whoever waits is run again when it is over. False: it was so already. Any thread but the workers'. */
bool pause_set(bool on);

#endif
