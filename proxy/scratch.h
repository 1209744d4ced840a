/*
 * Memory for one look at something that may be as large as it can get: pages that nothing is written to cost nothing, and
 * all of them are given back at once. The heap would keep what it once had, and clear all of it the next time.
 */
#ifndef WYE_PROXY_SCRATCH_H
#define WYE_PROXY_SCRATCH_H

#include <stddef.h>

void *scratch_take(size_t size); /* zeros */
void scratch_give(void *memory, size_t size);

#endif
