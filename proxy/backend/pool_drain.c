/* The rest of an answer that nobody wants any more: a read that was sent behind a wait that failed. */
#include <stdlib.h>

#include "proxy/backend/pool.h"
#include "proxy/worker.h"

void pool_drain(struct backend *b, const struct reply *at)
{
	b->session = NULL;
	b->since = worker_now(b->pool->worker);
	b->task = TASK_DRAIN;
	b->has_warnings = true; /* or may have, when nobody has looked */
	b->draining = malloc(sizeof *b->draining);
	if (!b->draining)
		abort();
	*b->draining = *at;
	conn_set_reading(&b->conn, true);
	pool_drain_more(b);
}

static void finish(struct backend *b)
{
	free(b->draining);
	b->draining = NULL;
	b->task = TASK_NONE;
	pool_give(b);
}

enum reply_result pool_walk_answer(struct backend *b)
{
	for (;;) {
		size_t len, n;
		const uint8_t *data = conn_input(&b->conn, &len);
		enum reply_result got = reply_walk(b->draining, data, len, &n);
		if (got == REPLY_PASS || got == REPLY_PACKET) {
			conn_consume(&b->conn, n);
			if (b->draining->kind == REPLY_LOCAL_INFILE)
				b->conn.error = UV_EPROTO; /* nobody has it */
			continue;
		}
		if (got == REPLY_BAD)
			b->conn.error = UV_EPROTO;
		return got == REPLY_PARTIAL && conn_is_broken(&b->conn) ? REPLY_BAD : got;
	}
}

void pool_drain_more(struct backend *b)
{
	if (pool_walk_answer(b) != REPLY_PARTIAL)
		finish(b);
}
