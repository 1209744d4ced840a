/*
 * The most used metrics of ProxySQL's endpoint under its names, labels and units, as its console's tables are there too
 * (console_views_proxysql.c): the primary is hostgroup 10, replicas are 20.
 */
#include "proxy/metrics_parts.h"

#include <stddef.h>

#include "proxy/metrics_text.h"
#include "proxy/statements.h"

#define ONLINE 1
#define SHUNNED 2
#define OFFLINE_SOFT 3

#define OF_WORKERS(field) offsetof(struct worker_stats, field)
#define OF_SERVERS(field) offsetof(struct server_counters, field)

static uint64_t of_all_servers(const struct snapshot *s, size_t offset)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < s->n_servers; i++)
		sum += metrics_server_sum(&s->servers[i], offset);
	return sum;
}

/* ---- of the process ---- */

static void write_labelled(FILE *out, const char *name, const char *label, const char *value, uint64_t count)
{
	metric_begin(out, name, label, value, NULL);
	metric_count(out, count);
}

static void write_totals(FILE *out, const struct snapshot *s)
{
	static const char clients[] = "proxysql_client_connections_total", servers[] = "proxysql_server_connections_total";
	static const char frontends[] = "proxysql_queries_frontends_bytes_total";
	static const char backends[] = "proxysql_queries_backends_bytes_total";
	metric_describe(out, clients, "counter", "status", "Clients that connected, and those that were refused.");
	write_labelled(out, clients, "status", "created", metrics_worker_sum(OF_WORKERS(accepted)));
	write_labelled(out, clients, "status", "aborted", metrics_worker_sum(OF_WORKERS(logins_refused)));
	metric_describe(out, servers, "counter", "status", "Connections made to servers, and those that failed or broke.");
	write_labelled(out, servers, "status", "created", of_all_servers(s, OF_SERVERS(connects)));
	write_labelled(out, servers, "status", "aborted",
		       of_all_servers(s, OF_SERVERS(connect_failures)) + of_all_servers(s, OF_SERVERS(lost)));
	metric_describe(out, frontends, "counter", "traffic_flow", "Bytes from and to clients.");
	write_labelled(out, frontends, "traffic_flow", "received", metrics_worker_sum(OF_WORKERS(bytes_from_clients)));
	write_labelled(out, frontends, "traffic_flow", "sent", metrics_worker_sum(OF_WORKERS(bytes_to_clients)));
	metric_describe(out, backends, "counter", "traffic_flow", "Bytes from and to servers.");
	write_labelled(out, backends, "traffic_flow", "received", of_all_servers(s, OF_SERVERS(bytes_received)));
	write_labelled(out, backends, "traffic_flow", "sent", of_all_servers(s, OF_SERVERS(bytes_sent)));
	metric_plain(out, "proxysql_questions_total", "counter", "Commands of clients.",
		     (double)metrics_worker_sum(OF_WORKERS(commands)));
}

static void write_now(FILE *out, const struct snapshot *s)
{
	metric_plain(out, "proxysql_client_connections_connected", "gauge", "Clients connected now.",
		     (double)metrics_worker_sum(OF_WORKERS(clients)));
	metric_plain(out, "proxysql_client_connections_non_idle", "gauge", "Statements running now.",
		     (double)of_all_servers(s, OF_SERVERS(running)));
	metric_plain(out, "proxysql_server_connections_connected", "gauge", "Connections to servers now.",
		     (double)(of_all_servers(s, OF_SERVERS(used)) + of_all_servers(s, OF_SERVERS(idle))));
	metric_plain(out, "proxysql_active_transactions", "gauge", "Sessions tied to a connection now.",
		     (double)metrics_worker_sum(OF_WORKERS(pinned)));
	metric_plain(out, "proxysql_mysql_thread_workers", "gauge", "Worker threads.", stats_workers());
}

/* ---- of each server ---- */

static void begin(FILE *out, const char *name, const struct server_info *s, const char *label, const char *value)
{
	const char *group = s->role == SERVER_PRIMARY ? "10" : "20";
	metric_begin(out, name, "endpoint", s->name, "hostgroup", group, label, value, NULL);
}

static const struct {
	const char *name, *type, *labels, *help, *label, *value;
	size_t offset;
} of_servers[] = {
	{"proxysql_connpool_conns", "gauge", "endpoint,hostgroup,status", "Connections to the server now.", "status", "used", OF_SERVERS(used)},
	{"proxysql_connpool_conns", "", "", "", "status", "free", OF_SERVERS(idle)},
	{"proxysql_connpool_conns_total", "counter", "endpoint,hostgroup,status", "Connections made, and those that failed.", "status", "ok",
	 OF_SERVERS(connects)},
	{"proxysql_connpool_conns_total", "", "", "", "status", "err", OF_SERVERS(connect_failures)},
	{"proxysql_connpool_conns_queries_total", "counter", "endpoint,hostgroup", "Statements sent to the server.", NULL, NULL,
	 OF_SERVERS(statements)},
	{"proxysql_connpool_data_bytes_total", "counter", "endpoint,hostgroup,traffic_flow", "Bytes from and to the server.", "traffic_flow", "recv",
	 OF_SERVERS(bytes_received)},
	{"proxysql_connpool_data_bytes_total", "", "", "", "traffic_flow", "sent", OF_SERVERS(bytes_sent)},
};

static int status_of(const struct server_info *s)
{
	return s->drained ? OFFLINE_SOFT : s->state == SERVER_STATE_UP ? ONLINE : SHUNNED;
}

/* What a statement takes there on average, since the statistics began. */
static uint64_t latency_us(const struct server_info *s)
{
	static _Thread_local struct statement_times_read t;
	uint64_t sum = 0, n = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		for (unsigned class = 0; class < STATEMENT_CLASS_COUNT; class++)
			if (statement_class_read(stats_statements(w), (int)s->slot, (enum statement_class)class, &t)) {
				sum += t.sum_us[PART_SERVER];
				n += t.statements;
			}
	return n ? sum / n : 0;
}

static void write_servers(FILE *out, const struct snapshot *s)
{
	for (size_t k = 0; k < sizeof of_servers / sizeof *of_servers; k++) {
		if (*of_servers[k].type)
			metric_describe(out, of_servers[k].name, of_servers[k].type, of_servers[k].labels, of_servers[k].help);
		for (unsigned i = 0; i < s->n_servers; i++) {
			begin(out, of_servers[k].name, &s->servers[i], of_servers[k].label, of_servers[k].value);
			metric_count(out, metrics_server_sum(&s->servers[i], of_servers[k].offset));
		}
	}
	metric_describe(out, "proxysql_connpool_conns_status", "gauge", "endpoint,hostgroup",
			"State of the server: 1 online, 2 shunned, 3 offline soft.");
	for (unsigned i = 0; i < s->n_servers; i++) {
		begin(out, "proxysql_connpool_conns_status", &s->servers[i], NULL, NULL);
		metric_count(out, (uint64_t)status_of(&s->servers[i]));
	}
	metric_describe(out, "proxysql_connpool_conns_latency_us", "gauge", "endpoint,hostgroup", "What a statement takes there, us.");
	for (unsigned i = 0; i < s->n_servers; i++) {
		begin(out, "proxysql_connpool_conns_latency_us", &s->servers[i], NULL, NULL);
		metric_count(out, latency_us(&s->servers[i]));
	}
}

void metrics_write_proxysql(FILE *out, const struct snapshot *s)
{
	write_totals(out, s);
	write_now(out, s);
	write_servers(out, s);
}
