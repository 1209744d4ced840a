/* The table about connections to servers by account. */
#include "proxy/console/console_table.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/control_call.h"
#include "proxy/scratch.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

#define POOLS_MAX 20000
#define WAIT_MS 1000

struct look {
	struct pool_row *rows;
	size_t n;
};

/* Only the control thread may ask the workers. */
static void gather(void *arg)
{
	struct look *l = arg;
	size_t there = stats_pools_copy(l->rows, POOLS_MAX);
	l->n = there < POOLS_MAX ? there : POOLS_MAX;
}

static int by_account(const void *a, const void *b)
{
	const struct pool_row *x = a, *y = b;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	int order = strcmp(x->user, y->user);
	return order ? order : x->mirrors - y->mirrors;
}

static void add(struct pool_row *sum, const struct pool_row *row)
{
	sum->idle += row->idle;
	sum->busy += row->busy;
	sum->connecting += row->connecting;
	sum->waiting += row->waiting;
	sum->opened += row->opened;
	sum->reused += row->reused;
	sum->waits += row->waits;
	if (row->waited_max_ms > sum->waited_max_ms)
		sum->waited_max_ms = row->waited_max_ms;
	for (unsigned i = 0; i < CLOSED_COUNT; i++)
		sum->closed[i] += row->closed[i];
}

static const struct table_column stats_pools_columns[] = {
	{"server", COLUMN_TEXT, "host:port"},
	{"user", COLUMN_TEXT, "account"},
	{"idle", COLUMN_INTEGER, "connections nobody uses"},
	{"busy", COLUMN_INTEGER, "connections lent to sessions"},
	{"connecting", COLUMN_INTEGER, "connections being opened"},
	{"waiting", COLUMN_INTEGER, "sessions that wait for a connection"},
	{"opened", COLUMN_INTEGER, "connections ever opened"},
	{"reused", COLUMN_INTEGER, "how often one was lent again"},
	{"waits", COLUMN_INTEGER, "how often a session had to wait"},
	{"waited_max_ms", COLUMN_INTEGER, "how long one waited at most"},
#define X(name, word, help) {"closed_" word, COLUMN_INTEGER, help},
	CLOSED_REASONS(X)
#undef X
	{"mirrors", COLUMN_INTEGER, "1: connections for copies of statements (rules)"},
};

static void write_row(struct table_rows *rows, const char *server, const struct pool_row *p)
{
	rows_text(rows, server);
	rows_text(rows, p->user);
	rows_count(rows, p->idle);
	rows_count(rows, p->busy);
	rows_count(rows, p->connecting);
	rows_count(rows, p->waiting);
	rows_count(rows, p->opened);
	rows_count(rows, p->reused);
	rows_count(rows, p->waits);
	rows_count(rows, p->waited_max_ms);
	for (unsigned i = 0; i < CLOSED_COUNT; i++)
		rows_count(rows, p->closed[i]);
	rows_integer(rows, p->mirrors);
}

static void produce_stats_pools(struct table_rows *rows)
{
	struct look l = {.rows = scratch_take(POOLS_MAX * sizeof *l.rows)};
	if (!control_call(gather, &l, WAIT_MS))
		l.n = 0;
	struct snapshot *s = snapshot_get();
	qsort(l.rows, l.n, sizeof *l.rows, by_account);
	for (size_t i = 0, next; s && i < l.n; i = next) {
		for (next = i + 1; next < l.n && by_account(&l.rows[i], &l.rows[next]) == 0; next++)
			add(&l.rows[i], &l.rows[next]);
		const struct server_info *server = snapshot_server_by_slot(s, l.rows[i].slot);
		if (server)
			write_row(rows, server->name, &l.rows[i]);
	}
	snapshot_unref(s);
	scratch_give(l.rows, POOLS_MAX * sizeof *l.rows);
}

const struct console_table table_stats_pools = {"stats_pools", "connections to servers, by account",
						COLUMNS(stats_pools_columns), produce_stats_pools, false};
