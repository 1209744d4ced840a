/* Rows for stats_pools. */
#include <stdio.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/stats.h"
#include "proxy/worker_rows.h"

const char *closed_reason_name(enum closed_reason reason)
{
	static const char *const names[] = {
#define X(name, word, help) [CLOSED_##name] = word,
		CLOSED_REASONS(X)
#undef X
	};
	return names[reason];
}

static void fill(struct pool_row *row, const struct pool *pool)
{
	row->slot = pool->key.slot;
	snprintf(row->user, sizeof row->user, "%s", pool->user);
	row->mirrors = pool->key.mirrors;
	row->idle = pool->n_idle;
	row->busy = pool->n_busy;
	row->connecting = pool->n_connecting;
	row->waiting = pool->n_line;
	row->opened = pool->counts.opened;
	row->reused = pool->counts.reused;
	row->waits = pool->counts.waits;
	row->waited_max_ms = pool->counts.waited_max;
	/* Who waits now may already have waited longest. */
	uint64_t since = pool_waits_since(pool), now = worker_now(pool->worker);
	if (since && now - since > row->waited_max_ms)
		row->waited_max_ms = now - since;
	memcpy(row->closed, pool->counts.closed, sizeof row->closed);
}

static void fill_all(struct worker *w, struct worker_rows *rows)
{
	for (const struct pool *pool = w->pools; pool; pool = pool->hh.next) {
		struct pool_row *row = worker_rows_next(rows);
		if (row)
			fill(row, pool);
	}
}

size_t stats_pools_copy(struct pool_row *rows, size_t n)
{
	return worker_rows_copy(fill_all, sizeof *rows, rows, n);
}
