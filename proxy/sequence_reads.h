/*
 * Whether anybody asks for what his connection has taken from a sequence last: MariaDB's LASTVAL() and PREVIOUS VALUE FOR.
 *
 * Most applications that have sequences never do, and then nothing need be done for those values. From the first time
 * on, in a statement or in the text of a routine or a view, sessions keep what they take to themselves
 * (proxy/session/sequences.c). It is never forgotten.
 */
#ifndef WYE_PROXY_SEQUENCE_READS_H
#define WYE_PROXY_SEQUENCE_READS_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic bool sequence_reads_any;

/* Any thread. */
static inline bool sequence_reads_happen(void)
{
	return atomic_load_explicit(&sequence_reads_any, memory_order_relaxed);
}

void sequence_reads_note(void);

#endif
