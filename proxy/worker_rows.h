/*
 * Rows from all workers, for the console: each worker is asked on its own thread, and waited for only so long.
 *
 * A worker that answers late writes nowhere that anybody still looks at. Control thread only.
 */
#ifndef WYE_PROXY_WORKER_ROWS_H
#define WYE_PROXY_WORKER_ROWS_H

#include <stddef.h>

struct worker;
struct worker_rows;

/* From the filler: a cleared row to be filled; NULL when there is no place for it, and it only counts. */
void *worker_rows_next(struct worker_rows *rows);

/* Fills at most n rows of this size, returns how many there were. */
size_t worker_rows_copy(void (*fill)(struct worker *w, struct worker_rows *rows), size_t size, void *out, size_t n);

#endif
