/* Rows for stats_sessions. */
#include <stdio.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"
#include "proxy/stats.h"
#include "proxy/worker_rows.h"

static void copy_text(char *out, size_t size, struct view v)
{
	size_t n = v.len < size - 1 ? v.len : size - 1;
	memcpy(out, v.p ? v.p : (const uint8_t *)"", n);
	out[n] = '\0';
}

static void fill(struct session_row *row, const struct session *s)
{
	const struct worker *w = s->worker;
	row->id = s->id;
	row->worker = w->index;
	snprintf(row->user, sizeof row->user, "%s", s->user ? s->user : "");
	snprintf(row->client, sizeof row->client, "%s", s->peer ? s->peer : "");
	copy_text(row->schema, sizeof row->schema, state_schema_of(s->want));
	snprintf(row->state, sizeof row->state, "%s", session_state_name(s->state));
	const struct backend *b = s->backend ? s->backend : s->pinned;
	const struct server_info *server = b ? snapshot_server_by_slot(w->snapshot, b->pool->key.slot) : NULL;
	if (server)
		snprintf(row->server, sizeof row->server, "%.79s", server->name);
	size_t at = 0;
	for (unsigned i = 0; i < PIN_COUNT; i++)
		if ((s->pins & (1u << i)) && at < sizeof row->pins - 1)
			at += (size_t)snprintf(row->pins + at, sizeof row->pins - at, "%s%s", at ? " " : "",
					       pin_name((enum pin_index)i));
	if (s->pins && s->pin_cause)
		snprintf(row->pin_cause, sizeof row->pin_cause, "%.*s", (int)sizeof row->pin_cause - 1, s->pin_cause);
	row->since_us = (worker_now(w) - s->since) * 1000;
	row->pinned_us = s->pinned ? (worker_now(w) - s->pinned_since) * 1000 : 0;
	row->commands = s->commands;
}

static void fill_all(struct worker *w, struct worker_rows *rows)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link) {
		struct session_row *row = worker_rows_next(rows);
		if (row)
			fill(row, s);
	}
}

size_t stats_sessions_copy(struct session_row *rows, size_t n)
{
	return worker_rows_copy(fill_all, sizeof *rows, rows, n);
}
