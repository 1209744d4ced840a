/* The tables about statements and clients: routes with their reasons, pins, workers. */
#include "proxy/console/console_table.h"

#include <stdio.h>
#include <uv.h>

#include "proxy/learned.h"
#include "proxy/stats.h"

static const struct table_column stats_routes_columns[] = {
	{"route", COLUMN_TEXT, "where statements went: replica, primary, session, pin, local or deny"},
	{"reason", COLUMN_TEXT, "why, a fixed word"},
	{"statements", COLUMN_INTEGER, "how many"},
};

static void produce_stats_routes(struct table_rows *rows)
{
	for (unsigned route = 0; route < ROUTE_COUNT; route++)
		for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
			uint64_t statements = 0;
			for (unsigned w = 0; w < stats_workers(); w++)
				statements += stat_get(&stats_worker(w)->routes[route][reason]);
			if (!statements)
				continue;
			rows_text(rows, route_name((enum route)route));
			rows_text(rows, reason_name((enum reason)reason));
			rows_count(rows, statements);
		}
}

const struct console_table table_stats_routes = {"stats_routes", "statements by route and reason",
						 COLUMNS(stats_routes_columns), produce_stats_routes, false};

static const struct table_column stats_pins_columns[] = {
	{"cause", COLUMN_TEXT, "what ties a session to one connection"},
	{"pins", COLUMN_INTEGER, "how often that happened"},
};

static void produce_stats_pins(struct table_rows *rows)
{
	for (unsigned pin = 0; pin < PIN_COUNT; pin++) {
		uint64_t pins = 0;
		for (unsigned w = 0; w < stats_workers(); w++)
			pins += stat_get(&stats_worker(w)->pins[pin]);
		rows_text(rows, pin_name((enum pin_index)pin));
		rows_count(rows, pins);
	}
}

const struct console_table table_stats_pins = {"stats_pins", "how often sessions were tied to a connection, by cause",
					       COLUMNS(stats_pins_columns), produce_stats_pins, false};

static const struct table_column stats_learned_columns[] = {
	{"digest", COLUMN_TEXT, "the statement's digest, a hash"},
	{"schema", COLUMN_TEXT, "the default schema it ran in"},
	{"kind", COLUMN_TEXT, "why a replica refused it: read-only, or unknown-object"},
	{"code", COLUMN_INTEGER, "the error of the replica"},
	{"healed", COLUMN_INTEGER, "how often it was refused, and answered by the primary"},
	{"hits", COLUMN_INTEGER, "how often it went to the primary at once"},
	{"left_ms", COLUMN_INTEGER, "until it is tried on a replica again, ms"},
	{"text", COLUMN_TEXT, "the digest's text"},
};

static void produce_stats_learned(struct table_rows *rows)
{
	static struct learned_row learned[LEARNED_MAX];
	size_t n = learned_copy(learned, LEARNED_MAX, uv_hrtime() / 1000000);
	for (size_t i = 0; i < n; i++) {
		char digest[20];
		snprintf(digest, sizeof digest, "%016llx", (unsigned long long)learned[i].digest);
		rows_text(rows, digest);
		rows_text(rows, learned[i].schema);
		rows_text(rows, learned[i].read_only ? "read-only" : "unknown-object");
		rows_count(rows, learned[i].code);
		rows_count(rows, learned[i].healed);
		rows_count(rows, learned[i].hits);
		rows_count(rows, learned[i].left_ms);
		rows_text(rows, learned[i].text);
	}
}

const struct console_table table_stats_learned = {"stats_learned",
						  "statements that a replica refused and that go to the primary since",
						  COLUMNS(stats_learned_columns), produce_stats_learned, false};

static const struct table_column stats_workers_columns[] = {
	{"worker", COLUMN_INTEGER, "number"},
	{"clients", COLUMN_INTEGER, "clients connected now"},
	{"accepted", COLUMN_INTEGER, "clients that ever connected"},
	{"logins", COLUMN_INTEGER, "logins that succeeded"},
	{"logins_refused", COLUMN_INTEGER, "logins that were refused"},
	{"sessions_ended", COLUMN_INTEGER, "sessions that ended"},
	{"commands", COLUMN_INTEGER, "commands of clients"},
	{"bytes_from_clients", COLUMN_INTEGER, "bytes received from clients"},
	{"bytes_to_clients", COLUMN_INTEGER, "bytes sent to clients"},
	{"healed", COLUMN_INTEGER, "misroutes repaired on the primary"},
	{"retried", COLUMN_INTEGER, "statements run again after a server was lost"},
	{"replays", COLUMN_INTEGER, "open transactions run again after their server was lost"},
	{"replays_done", COLUMN_INTEGER, "such transactions that were answered as before, and went on"},
	{"replays_differed", COLUMN_INTEGER, "such transactions that were answered otherwise, and got error 1213"},
	{"waits", COLUMN_INTEGER, "reads sent to a replica behind a wait for what they must see"},
	{"waits_late", COLUMN_INTEGER, "such reads that ran elsewhere, since the wait was in vain"},
	{"asks", COLUMN_INTEGER, "servers asked for their position ahead of a read"},
	{"hints_ignored", COLUMN_INTEGER, "words of hints that were not understood, servers that are not known"},
	{"timeouts", COLUMN_INTEGER, "statements stopped after the time that a hint gave them"},
	{"pauses", COLUMN_INTEGER, "turns of the loop that let packets gather first (coalesce)"},
	{"pipelined", COLUMN_INTEGER, "short reads written behind another on its connection"},
	{"pipelined_again", COLUMN_INTEGER, "those that ran again on another, since the one before was long or they had warnings"},
	{"queued", COLUMN_INTEGER, "sessions waiting for a connection now"},
	{"pinned", COLUMN_INTEGER, "sessions tied to a connection now"},
	{"held_bytes", COLUMN_INTEGER, "bytes of commands that wait for a primary now"},
};

static void produce_stats_workers(struct table_rows *rows)
{
	for (unsigned w = 0; w < stats_workers(); w++) {
		const struct worker_stats *s = stats_worker(w);
		rows_integer(rows, w);
		rows_count(rows, stat_get(&s->clients));
		rows_count(rows, stat_get(&s->accepted));
		rows_count(rows, stat_get(&s->logins));
		rows_count(rows, stat_get(&s->logins_refused));
		rows_count(rows, stat_get(&s->sessions_ended));
		rows_count(rows, stat_get(&s->commands));
		rows_count(rows, stat_get(&s->bytes_from_clients));
		rows_count(rows, stat_get(&s->bytes_to_clients));
		rows_count(rows, stat_get(&s->healed));
		rows_count(rows, stat_get(&s->retried));
		rows_count(rows, stat_get(&s->replays));
		rows_count(rows, stat_get(&s->replays_done));
		rows_count(rows, stat_get(&s->replays_differed));
		rows_count(rows, stat_get(&s->waits));
		rows_count(rows, stat_get(&s->waits_late));
		rows_count(rows, stat_get(&s->asks));
		rows_count(rows, stat_get(&s->hints_ignored));
		rows_count(rows, stat_get(&s->timeouts));
		rows_count(rows, stat_get(&s->pauses));
		rows_count(rows, stat_get(&s->pipelined));
		rows_count(rows, stat_get(&s->pipelined_again));
		rows_count(rows, stat_get(&s->queued));
		rows_count(rows, stat_get(&s->pinned));
		rows_count(rows, stat_get(&s->held_bytes));
	}
}

const struct console_table table_stats_workers = {"stats_workers", "the worker threads: clients, logins, commands",
						  COLUMNS(stats_workers_columns), produce_stats_workers, false};
