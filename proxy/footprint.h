/* What of the process stays in memory. */
#ifndef WYE_PROXY_FOOTPRINT_H
#define WYE_PROXY_FOOTPRINT_H

#include <uv.h>

/* Gives back what only the start has needed: freed heap, and the pages of program and libraries that were touched. Those
 * are files' and never written to, so that a page which is needed again is mapped again from the file cache. (Breakpoints
 * that a debugger has written into them before are lost.)
 *
 * From then on, on a loop of the calling thread's: again whenever the process rests and has touched much since, as a first
 * TLS handshake or a look at the console does. Returns 0 or a code of libuv's; the timer is closed with the loop's other
 * handles. */
int footprint_settle(uv_loop_t *loop);

#endif
