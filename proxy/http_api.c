#include "proxy/http_api.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/console/console_table.h"
#include "proxy/control_call.h"
#include "proxy/explain.h"
#include "proxy/http_json.h"
#include "proxy/pause.h"
#include "proxy/ready.h"

#define CONTROL_MS 2000
#define LIMIT_MAX 1000000

/* What was written before something went wrong is replaced. */
static void fail(struct page *p, unsigned status, const char *text)
{
	p->status = status;
	p->type = HTTP_JSON;
	rewind(p->out);
	fputs("{\"error\": ", p->out);
	json_write_text(p->out, text, strlen(text));
	fputs("}\n", p->out);
}

static bool write_rows(struct page *p, struct console_catalog *catalog, const char *sql)
{
	struct console_error e;
	p->type = HTTP_JSON;
	if (json_write_rows(p->out, catalog, sql, &e))
		return true;
	fail(p, MHD_HTTP_INTERNAL_SERVER_ERROR, e.text);
	return false;
}

/* ---- order and limit ---- */

/* " ORDER BY ... LIMIT ..." of what was asked for, to be freed with sqlite3_free(); NULL: it was answered that this cannot
 * be. Only a name of the columns gets into the statement. */
static char *order_and_limit(struct page *p, const char *const *columns, size_t n, const char *order_default,
			     const char *limit_default)
{
	const char *order = page_argument(p, "order"), *limit = page_argument(p, "limit");
	char error[200], *end = NULL;
	order = order ? order : order_default;
	limit = limit ? limit : limit_default;
	bool down = order && *order == '-';
	size_t i = 0;
	while (order && i < n && strcasecmp(columns[i], order + down) != 0)
		i++;
	if (order && i == n) {
		snprintf(error, sizeof error, "order: there is no column '%.64s' here", order + down);
		fail(p, MHD_HTTP_BAD_REQUEST, error);
		return NULL;
	}
	long rows = limit ? strtol(limit, &end, 10) : LIMIT_MAX;
	if (limit && (end == limit || *end || rows < 1 || rows > LIMIT_MAX)) {
		fail(p, MHD_HTTP_BAD_REQUEST, "limit: a number of rows, from 1 to 1000000");
		return NULL;
	}
	return order ? sqlite3_mprintf(" ORDER BY \"%w\" %s LIMIT %ld", columns[i], down ? "DESC" : "ASC", rows)
		     : sqlite3_mprintf(" LIMIT %ld", rows);
}

static void write_ordered(struct page *p, struct console_catalog *catalog, const char *select, char *order)
{
	if (!order)
		return;
	char *sql = sqlite3_mprintf("%s%s", select, order);
	sqlite3_free(order);
	if (!sql)
		abort();
	write_rows(p, catalog, sql);
	sqlite3_free(sql);
}

/* ---- tables ---- */

static void write_table(struct page *p, struct console_catalog *catalog, const char *name)
{
	const struct console_table *table = console_table_by_name(name);
	const char *columns[64];
	char text[200];
	if (!table || table->hidden) {
		const char *near = console_table_nearest(name);
		snprintf(text, sizeof text, "There is no table '%.64s'%s%s%s", name, near ? "; did you mean " : "",
			 near ? near : "", near ? "?" : "; " HTTP_API " lists what there is");
		fail(p, MHD_HTTP_NOT_FOUND, text);
		return;
	}
	size_t n = 0;
	while (n < table->n_columns && n < sizeof columns / sizeof *columns) {
		columns[n] = table->columns[n].name;
		n++;
	}
	snprintf(text, sizeof text, "SELECT * FROM \"%s\"", table->name);
	write_ordered(p, catalog, text, order_and_limit(p, columns, n, NULL, NULL));
}

/* ---- statements, by digest alone ---- */

#define STATEMENTS                                                                                                     \
	"SELECT digest, min(text) AS text, sum(statements) AS statements, sum(errors) AS errors, "                     \
	"sum(rows_sent) AS rows_sent, sum(rows_affected) AS rows_affected, sum(bytes_sent) AS bytes_sent, "            \
	"sum(time_us) AS time_us, sum(queue_us) AS queue_us, sum(own_us) AS own_us, sum(server_us) AS server_us, "     \
	"sum(time_us) / max(sum(statements), 1) AS avg_us, max(p99_us) AS p99_us, max(max_us) AS max_us, "             \
	"count(DISTINCT server) AS servers, min(user) AS user, min(schema) AS schema, max(last_seen) AS last_seen "    \
	"FROM stats_statements GROUP BY digest"

static void write_statements(struct page *p, struct console_catalog *catalog)
{
	static const char *const columns[] = {"digest",	   "text",     "statements", "errors",	"rows_sent", "rows_affected",
					      "bytes_sent", "time_us",  "queue_us",   "own_us",	"server_us", "avg_us",
					      "p99_us",	    "max_us",   "servers",    "last_seen"};
	write_ordered(p, catalog, STATEMENTS,
		      order_and_limit(p, columns, sizeof columns / sizeof *columns, "-time_us", "100"));
}

/* ---- sessions with a connection of their own ---- */

static void write_pinned(struct page *p, struct console_catalog *catalog)
{
	write_rows(p, catalog,
		   "SELECT id, user, client, schema, server, state, pins, pin_cause, pinned_ms FROM stats_sessions "
		   "WHERE pins IS NOT NULL ORDER BY pinned_ms DESC LIMIT 50");
}

/* ---- one moment of everything ---- */

static const struct {
	const char *name, *sql;
} overview[] = {
	{"servers",
	 "SELECT server, role, state, reason, takes_reads, drained, lag_ms, catch_up_us, read_only, version, flavor, weight, "
	 "source, since, connections_used, connections_idle, in_flight, statements, errors, bytes_sent, bytes_received, "
	 "connects, connect_failures, lost FROM stats_servers ORDER BY role, server"},
	{"routes", "SELECT route, reason, statements FROM stats_routes"},
	{"latency", "SELECT server, class, group_concat(from_us || ':' || to_us || ':' || statements) AS counts "
		    "FROM console_latency GROUP BY server, class"},
	{"parts", "SELECT server, sum(statements) AS statements, sum(errors) AS errors, sum(queue_us) AS queue_us, "
		  "sum(own_us) AS own_us, sum(server_us) AS server_us FROM stats_latency GROUP BY server"},
	{"pools", "SELECT server, sum(idle) AS idle, sum(busy) AS busy, sum(connecting) AS connecting, "
		  "sum(waiting) AS waiting, sum(opened) AS opened, sum(reused) AS reused, sum(waits) AS waits, "
		  "max(waited_max_ms) AS waited_max_ms, count(*) AS accounts FROM stats_pools GROUP BY server"},
	{"pins", "SELECT cause, pins FROM stats_pins WHERE pins ORDER BY pins DESC"},
	{"workers", "SELECT count(*) AS workers, sum(clients) AS clients, sum(accepted) AS accepted, sum(logins) AS logins, "
		    "sum(logins_refused) AS logins_refused, sum(commands) AS commands, sum(healed) AS healed, "
		    "sum(retried) AS retried, sum(waits) AS waits, sum(waits_late) AS waits_late, sum(queued) AS queued, "
		    "sum(pinned) AS pinned, sum(bytes_from_clients) AS bytes_from_clients, "
		    "sum(bytes_to_clients) AS bytes_to_clients FROM stats_workers"},
	{"events", "SELECT number, time, level, kind, server, text FROM stats_events ORDER BY number DESC LIMIT 60"},
	{"settings", "SELECT name, value FROM settings WHERE name IN ('max_lag', 'server_max_connections', "
		     "'max_connections', 'consistency', 'statement_statistics', 'reads_on_primary')"},
	{"memory", "SELECT name, bytes FROM stats_memory"},
	{"status", "SELECT Variable_name AS name, Value AS value FROM console_status WHERE Variable_name = 'Uptime'"},
};

static void write_overview(struct page *p, struct console_catalog *catalog)
{
	char why[200];
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	bool ready = ready_now(why, sizeof why);
	fprintf(p->out,
		"{\"at_ms\": %lld, \"version\": \"" WYE_VERSION "\", \"ready\": %s, \"draining\": %s, \"paused\": %s, "
		"\"not_ready\": ",
		(long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, ready ? "true" : "false",
		ready_is_draining() ? "true" : "false", pause_is_on() ? "true" : "false");
	json_write_text(p->out, why, strlen(why));
	for (size_t i = 0; i < sizeof overview / sizeof *overview; i++) {
		fprintf(p->out, ",\n\"%s\": ", overview[i].name);
		if (!write_rows(p, catalog, overview[i].sql))
			return;
	}
	fputs("}\n", p->out);
}

/* ---- EXPLAIN ROUTE ---- */

struct question {
	const char *sql;
	struct explain_where where;
	struct explanation *out;
	char error[400];
	bool answered;
};

static void ask(void *arg)
{
	struct question *q = arg;
	q->answered = explain_route(q->sql, &q->where, q->out, q->error, sizeof q->error);
}

static void write_member(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s\"%s\": ", strcmp(name, "route") == 0 ? "{" : ",\n ", name);
	json_write_text(out, value, strlen(value));
}

static void write_explanation(FILE *out, const struct explanation *e)
{
	write_member(out, "route", e->route);
	write_member(out, "reason", e->reason);
	write_member(out, "server", e->server);
	write_member(out, "outcome", e->outcome);
	write_member(out, "consistency", e->consistency);
	write_member(out, "servers", e->servers);
	write_member(out, "hint", e->hint);
	write_member(out, "rules", e->rules);
	write_member(out, "effects", e->effects);
	write_member(out, "pins", e->pins);
	write_member(out, "digest", e->digest);
	write_member(out, "digest_text", e->digest_text);
	write_member(out, "rewritten", e->text);
	fputs("}\n", out);
}

static const char *argument_or_none(const struct page *p, const char *name)
{
	const char *value = page_argument(p, name);
	return value ? value : "";
}

static void write_explain(struct page *p, struct console_catalog *catalog)
{
	(void)catalog;
	struct question q = {.sql = argument_or_none(p, "statement"),
			     .where = {.user = argument_or_none(p, "user"),
				       .schema = argument_or_none(p, "database"),
				       .client = argument_or_none(p, "client"),
				       .after = {argument_or_none(p, "after")},
				       .connection = (uint32_t)strtoul(argument_or_none(p, "connection"), NULL, 10)},
			     .error = "No worker thread has answered in time"};
	q.where.n_after = *q.where.after[0] != '\0';
	if (!q.sql[strspn(q.sql, " \t\r\n;")]) {
		fail(p, MHD_HTTP_BAD_REQUEST, "A statement is missing: " HTTP_API "/explain?statement=SELECT%201");
		return;
	}
	if (strlen(q.sql) > EXPLAIN_STATEMENT_MAX || strlen(q.where.after[0]) > EXPLAIN_STATEMENT_MAX) {
		fail(p, MHD_HTTP_URI_TOO_LONG, "The statement is longer than 8192 bytes; EXPLAIN ROUTE on the console takes it");
		return;
	}
	q.out = calloc(1, sizeof *q.out);
	if (!q.out)
		abort();
	if (control_call(ask, &q, CONTROL_MS) && q.answered) {
		p->type = HTTP_JSON;
		write_explanation(p->out, q.out);
	} else {
		fail(p, q.where.connection ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE, q.error);
	}
	free(q.out);
}

/* ---- which it is ---- */

static const struct {
	const char *name;
	void (*write)(struct page *p, struct console_catalog *catalog);
	const char *help;
} views[] = {
	{"overview", write_overview, "one moment of everything that the dashboard draws"},
	{"statements", write_statements, "statements by digest; ?order=-time_us&limit=100"},
	{"pinned", write_pinned, "sessions that are tied to a connection"},
	{"explain", write_explain, "where a statement would run, and why; ?statement=SQL&user=U&database=D&client=ADDRESS&after=SQL, or &connection=ID"},
};

static void write_index(struct page *p)
{
	const struct console_table *table;
	p->type = HTTP_JSON;
	fputc('[', p->out);
	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		fprintf(p->out, "%s{\"path\": \"" HTTP_API "/%s\", \"description\": \"%s\"}", i ? ",\n " : "\n ",
			views[i].name, views[i].help);
	for (size_t i = 0; (table = console_table_at(i)) && !table->hidden; i++) {
		fprintf(p->out, ",\n {\"path\": \"" HTTP_API "/%s\", \"description\": ", table->name);
		json_write_text(p->out, table->help, strlen(table->help));
		fputc('}', p->out);
	}
	fputs("\n]\n", p->out);
}

void api_list(FILE *out)
{
	const struct console_table *table;
	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		fprintf(out, "  " HTTP_API "/%-20s %s\n", views[i].name, views[i].help);
	for (size_t i = 0; (table = console_table_at(i)) && !table->hidden; i++)
		fprintf(out, "  " HTTP_API "/%-20s %s\n", table->name, table->help);
}

void api_write(struct page *p, struct console_catalog *catalog, const char *path)
{
	if (!*path) {
		write_index(p);
		return;
	}
	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		if (strcmp(views[i].name, path) == 0) {
			views[i].write(p, catalog);
			return;
		}
	write_table(p, catalog, path);
}
