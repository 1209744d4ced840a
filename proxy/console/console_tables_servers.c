/* The tables about servers: what was given, what is known of each, and the connections to it. */
#include "proxy/console/console_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/positions.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

/* The counters of one server, of all workers together. */
struct server_sum {
	uint64_t statements, errors, bytes_sent, bytes_received, connects, connect_failures, lost, idle, used, running;
};

static void add_worker(struct server_sum *sum, const struct server_counters *c)
{
	sum->statements += stat_get(&c->statements);
	sum->errors += stat_get(&c->errors);
	sum->bytes_sent += stat_get(&c->bytes_sent);
	sum->bytes_received += stat_get(&c->bytes_received);
	sum->connects += stat_get(&c->connects);
	sum->connect_failures += stat_get(&c->connect_failures);
	sum->lost += stat_get(&c->lost);
	sum->idle += stat_get(&c->idle);
	sum->used += stat_get(&c->used);
	sum->running += stat_get(&c->running);
}

static struct server_sum sum_of(unsigned slot)
{
	struct server_sum sum = {0};
	for (unsigned i = 0; i < stats_workers(); i++)
		add_worker(&sum, &stats_worker(i)->servers[slot]);
	return sum;
}

static void row_of_position(struct table_rows *rows, unsigned slot, enum flavor flavor)
{
	struct gtid_set set;
	struct buf text;
	gtid_set_init(&set, flavor);
	buf_init(&text, 1u << 20);
	if (positions_read(slot, &set) && gtid_set_write(&set, &text) &&
	    buf_append(&text, "", 1))
		rows_text(rows, (const char *)buf_data(&text));
	else
		rows_null(rows);
	buf_finish(&text);
	gtid_set_finish(&set);
}

static const struct table_column stats_servers_columns[] = {
	{"server", COLUMN_TEXT, "host:port"},
	{"role", COLUMN_TEXT, "primary, replica, mirror or unknown"},
	{"state", COLUMN_TEXT, "new, up, down, stopped (replication does not run) or lagging (beyond max_lag)"},
	{"reason", COLUMN_TEXT, "why the state is what it is"},
	{"takes_reads", COLUMN_INTEGER, "1: a replica that serves reads"},
	{"drained", COLUMN_INTEGER, "1: an administrator has taken it out of the pool (DRAIN)"},
	{"lag_ms", COLUMN_INTEGER, "how far behind the primary; NULL: not known"},
	{"catch_up_us", COLUMN_INTEGER,
	 "what it lately needed to apply what the primary had committed, or for how long it lacks something now"},
	{"read_only", COLUMN_INTEGER, "the server's own read_only"},
	{"version", COLUMN_TEXT, "as the server's greeting has it"},
	{"flavor", COLUMN_TEXT, "mysql or mariadb"},
	{"weight", COLUMN_INTEGER, "its share of reads"},
	{"source", COLUMN_TEXT, "whom it replicates from"},
	{"since", COLUMN_TEXT, "when role or state changed last, UTC"},
	{"connections_used", COLUMN_INTEGER, "connections lent to sessions"},
	{"connections_idle", COLUMN_INTEGER, "connections nobody uses"},
	{"in_flight", COLUMN_INTEGER, "statements running there now"},
	{"statements", COLUMN_INTEGER, "statements of clients sent there"},
	{"errors", COLUMN_INTEGER, "errors it answered them with"},
	{"bytes_sent", COLUMN_INTEGER, "bytes sent to it"},
	{"bytes_received", COLUMN_INTEGER, "bytes received from it"},
	{"connects", COLUMN_INTEGER, "connections made"},
	{"connect_failures", COLUMN_INTEGER, "connections that failed"},
	{"lost", COLUMN_INTEGER, "connections that broke while a session used them"},
	{"position", COLUMN_TEXT, "transactions it has applied, as far as known"},
};

static void row_of_server(struct table_rows *rows, const struct server_info *s)
{
	struct server_sum sum = sum_of(s->slot);
	rows_text(rows, s->name);
	rows_text(rows, server_role_name(s->role));
	rows_text(rows, server_state_name(s->state));
	rows_text(rows, s->reason);
	rows_integer(rows, s->takes_reads);
	rows_integer(rows, s->drained);
	if (s->lag_us < 0)
		rows_null(rows);
	else
		rows_integer(rows, (s->lag_us + 500) / 1000);
	uint32_t catch_up = positions_catch_up_us(s->slot);
	if (s->role != SERVER_REPLICA || catch_up == POSITIONS_NEVER)
		rows_null(rows);
	else
		rows_integer(rows, catch_up);
	rows_integer(rows, s->read_only);
	rows_text(rows, s->version_text);
	rows_text(rows, s->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql");
	rows_integer(rows, s->weight);
	rows_text_or_null(rows, s->source);
	rows_time(rows, s->since_us);
	rows_count(rows, sum.used);
	rows_count(rows, sum.idle);
	rows_count(rows, sum.running);
	rows_count(rows, sum.statements);
	rows_count(rows, sum.errors);
	rows_count(rows, sum.bytes_sent);
	rows_count(rows, sum.bytes_received);
	rows_count(rows, sum.connects);
	rows_count(rows, sum.connect_failures);
	rows_count(rows, sum.lost);
	row_of_position(rows, s->slot, s->flavor);
}

static void produce_stats_servers(struct table_rows *rows)
{
	struct snapshot *s = snapshot_get();
	for (unsigned i = 0; s && i < s->n_servers; i++)
		row_of_server(rows, &s->servers[i]);
	snapshot_unref(s);
}

const struct console_table table_stats_servers = {"stats_servers", "the servers: role, state and why, lag, counters",
						  COLUMNS(stats_servers_columns), produce_stats_servers, false};
