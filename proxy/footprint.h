/* What of the process stays in memory. */
#ifndef WYE_PROXY_FOOTPRINT_H
#define WYE_PROXY_FOOTPRINT_H

/* Gives back what only the start has needed: freed heap, and the pages of program and libraries that were touched. Those
 * are files' and never written to, so that a page which is needed again is mapped again from the file cache. (Breakpoints
 * that a debugger has written into them before are lost.) */
void footprint_settle(void);

#endif
