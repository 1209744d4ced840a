/* The rest of an answer that nobody wants any more: a read that was sent behind a wait that failed. */
#include <stdlib.h>

#include "protocol/reply.h"
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

void pool_drain_more(struct backend *b)
{
	for (;;) {
		size_t len, n;
		const uint8_t *data = conn_input(&b->conn, &len);
		switch (reply_walk(b->draining, data, len, &n)) {
		case REPLY_PASS:
		case REPLY_PACKET:
			conn_consume(&b->conn, n);
			continue;
		case REPLY_PARTIAL:
			if (conn_is_broken(&b->conn))
				finish(b);
			return;
		case REPLY_DONE:
			finish(b);
			return;
		case REPLY_BAD:
			b->conn.error = UV_EPROTO;
			finish(b);
			return;
		}
	}
}
