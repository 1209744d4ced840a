/* Asking one worker something, on its own thread, and waiting for it only so long. */
#ifndef WYE_PROXY_WORKER_CALL_H
#define WYE_PROXY_WORKER_CALL_H

#include <stdbool.h>
#include <stddef.h>

struct worker;

/* fn gets a copy of the argument, which is copied back when it has answered. False: it has not, yet; what it does later
 * nobody sees. Not for the worker's own thread. */
bool worker_call(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg, size_t size);

#endif
