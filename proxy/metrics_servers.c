/* The servers: their state, and the connections to them. */
#include "proxy/metrics_parts.h"

#include <stddef.h>

#include "proxy/metrics_text.h"
#include "proxy/positions.h"

/* ---- what each is; roles are no labels of the rest: a switchover must not end one series and begin another ---- */

static double is_up(const struct server_info *s)
{
	return s->state != SERVER_STATE_DOWN && s->state != SERVER_STATE_NEW;
}

static double is_primary(const struct server_info *s)
{
	return s->role == SERVER_PRIMARY;
}

static double is_replica(const struct server_info *s)
{
	return s->role == SERVER_REPLICA;
}

static double takes_reads(const struct server_info *s)
{
	return s->takes_reads;
}

static double is_drained(const struct server_info *s)
{
	return s->drained;
}

static double is_read_only(const struct server_info *s)
{
	return s->read_only;
}

static double weight(const struct server_info *s)
{
	return s->weight;
}

static double since(const struct server_info *s)
{
	return (double)s->since_us / 1e6;
}

static double in_flight(const struct server_info *s)
{
	return (double)metrics_server_sum(s, offsetof(struct server_counters, running));
}

static double waiting(const struct server_info *s)
{
	return (double)metrics_server_sum(s, offsetof(struct server_counters, waiting));
}

static const struct {
	const char *name, *help;
	double (*value)(const struct server_info *s);
} gauges[] = {
	{"wye_server_up", "1: the server answers.", is_up},
	{"wye_server_primary", "1: it takes the writes.", is_primary},
	{"wye_server_replica", "1: it replicates from another.", is_replica},
	{"wye_server_takes_reads", "1: a replica that serves reads.", takes_reads},
	{"wye_server_drained", "1: an administrator has taken it out of the pool.", is_drained},
	{"wye_server_read_only", "The server's own read_only.", is_read_only},
	{"wye_server_weight", "Its share of reads.", weight},
	{"wye_server_state_change_timestamp_seconds", "When its role or state changed last, Unix time.", since},
	{"wye_server_in_flight", "Statements running on the server now.", in_flight},
	{"wye_server_waiting", "Sessions that wait for a connection to the server now.", waiting},
};

static void write_gauges(FILE *out, const struct snapshot *s)
{
	for (size_t k = 0; k < sizeof gauges / sizeof *gauges; k++) {
		metric_describe(out, gauges[k].name, "gauge", "server", gauges[k].help);
		for (unsigned i = 0; i < s->n_servers; i++) {
			metric_begin(out, gauges[k].name, "server", s->servers[i].name, NULL);
			metric_value(out, gauges[k].value(&s->servers[i]));
		}
	}
}

static void write_state(FILE *out, const struct snapshot *s)
{
	metric_describe(out, "wye_server_state", "gauge", "server,state", "1: the state that the server is in.");
	for (unsigned i = 0; i < s->n_servers; i++)
		for (unsigned state = SERVER_STATE_NEW; state <= SERVER_STATE_LAGGING; state++) {
			metric_begin(out, "wye_server_state", "server", s->servers[i].name, "state",
				     server_state_name((enum server_state)state), NULL);
			metric_count(out, s->servers[i].state == state);
		}
}

static void write_lag(FILE *out, const struct snapshot *s)
{
	metric_describe(out, "wye_server_lag_seconds", "gauge", "server",
			"How far behind the primary; missing while not known.");
	for (unsigned i = 0; i < s->n_servers; i++) {
		if (s->servers[i].lag_us < 0)
			continue;
		metric_begin(out, "wye_server_lag_seconds", "server", s->servers[i].name, NULL);
		fprintf(out, "%.6f\n", (double)s->servers[i].lag_us / 1e6);
	}
	metric_describe(out, "wye_server_catch_up_seconds", "gauge", "server",
			"What a replica lately needed to apply what the primary had committed; missing while not known.");
	for (unsigned i = 0; i < s->n_servers; i++) {
		uint32_t us = positions_catch_up_us(s->servers[i].slot);
		if (s->servers[i].role != SERVER_REPLICA || us == POSITIONS_NEVER)
			continue;
		metric_begin(out, "wye_server_catch_up_seconds", "server", s->servers[i].name, NULL);
		fprintf(out, "%.6f\n", us / 1e6);
	}
}

/* ---- what went there, and the connections ---- */

static const struct {
	const char *name, *help;
	size_t offset;
} counters[] = {
	{"wye_server_statements_total", "Statements of clients sent to the server.",
	 offsetof(struct server_counters, statements)},
	{"wye_server_errors_total", "Errors the server answered them with.",
	 offsetof(struct server_counters, errors)},
	{"wye_server_sent_bytes_total", "Bytes sent to the server.", offsetof(struct server_counters, bytes_sent)},
	{"wye_server_received_bytes_total", "Bytes received from the server.",
	 offsetof(struct server_counters, bytes_received)},
	{"wye_server_connects_total", "Connections made to the server.", offsetof(struct server_counters, connects)},
	{"wye_server_connect_failures_total", "Connections to the server that failed.",
	 offsetof(struct server_counters, connect_failures)},
	{"wye_server_lost_total", "Connections that broke while a session used them.",
	 offsetof(struct server_counters, lost)},
	{"wye_server_connections_reused_total", "Connections lent again, after their first time.",
	 offsetof(struct server_counters, reused)},
	{"wye_server_waits_total", "How often a session had to wait for a connection.",
	 offsetof(struct server_counters, waits)},
};

static void write_counters(FILE *out, const struct snapshot *s)
{
	for (size_t k = 0; k < sizeof counters / sizeof *counters; k++) {
		metric_describe(out, counters[k].name, "counter", "server", counters[k].help);
		for (unsigned i = 0; i < s->n_servers; i++) {
			metric_begin(out, counters[k].name, "server", s->servers[i].name, NULL);
			metric_count(out, metrics_server_sum(&s->servers[i], counters[k].offset));
		}
	}
}

static void write_connections(FILE *out, const struct snapshot *s)
{
	static const struct {
		const char *state;
		size_t offset;
	} states[] = {{"used", offsetof(struct server_counters, used)},
		      {"idle", offsetof(struct server_counters, idle)}};
	metric_describe(out, "wye_connections", "gauge", "server,state", "Connections to servers now.");
	for (unsigned i = 0; i < s->n_servers; i++)
		for (size_t k = 0; k < 2; k++) {
			metric_begin(out, "wye_connections", "server", s->servers[i].name, "state", states[k].state, NULL);
			metric_count(out, metrics_server_sum(&s->servers[i], states[k].offset));
		}
	metric_plain(out, "wye_server_connections_max", "gauge",
		     "Connections to one server that the setting server_max_connections allows.",
		     (double)s->settings->server_max_connections);
	metric_describe(out, "wye_connections_closed_total", "counter", "server,reason",
			"Connections to servers that were closed, by reason.");
	for (unsigned i = 0; i < s->n_servers; i++)
		for (unsigned reason = 0; reason < CLOSED_COUNT; reason++) {
			size_t offset = offsetof(struct server_counters, closed) + reason * sizeof(_Atomic uint64_t);
			metric_begin(out, "wye_connections_closed_total", "server", s->servers[i].name, "reason",
				     closed_reason_name(reason), NULL);
			metric_count(out, metrics_server_sum(&s->servers[i], offset));
		}
}

void metrics_write_servers(FILE *out, const struct snapshot *s)
{
	write_gauges(out, s);
	write_state(out, s);
	write_lag(out, s);
	write_counters(out, s);
	write_connections(out, s);
}
