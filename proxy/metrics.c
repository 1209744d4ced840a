#include "proxy/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proxy/snapshot.h"
#include "proxy/stats.h"

/* A label's value: backslash, quote and newline are escaped. */
static void write_label(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", out);
		else
			fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void describe(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_plain(FILE *out, const char *name, const char *type, const char *help, double value)
{
	describe(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, value);
}

/* ---- clients: one counter of struct worker_stats each ---- */

static const struct {
	const char *name, *type, *help;
	size_t offset;
} of_workers[] = {
	{"wye_clients_connected", "gauge", "Clients connected now.", offsetof(struct worker_stats, clients)},
	{"wye_clients_accepted_total", "counter", "Clients that connected.", offsetof(struct worker_stats, accepted)},
	{"wye_logins_total", "counter", "Logins of clients that succeeded.", offsetof(struct worker_stats, logins)},
	{"wye_logins_refused_total", "counter", "Logins of clients that were refused.",
	 offsetof(struct worker_stats, logins_refused)},
	{"wye_sessions_ended_total", "counter", "Sessions that ended.",
	 offsetof(struct worker_stats, sessions_ended)},
	{"wye_commands_total", "counter", "Commands of clients.", offsetof(struct worker_stats, commands)},
	{"wye_client_received_bytes_total", "counter", "Bytes received from clients.",
	 offsetof(struct worker_stats, bytes_from_clients)},
	{"wye_client_sent_bytes_total", "counter", "Bytes sent to clients.",
	 offsetof(struct worker_stats, bytes_to_clients)},
	{"wye_hints_ignored_total", "counter", "Words of hints that were not understood, servers that are not known.",
	 offsetof(struct worker_stats, hints_ignored)},
	{"wye_timeouts_total", "counter", "Statements stopped after the time that a hint gave them.",
	 offsetof(struct worker_stats, timeouts)},
	{"wye_healed_total", "counter", "Statements that a replica refused and the primary answered.",
	 offsetof(struct worker_stats, healed)},
	{"wye_retried_total", "counter", "Statements run again after a server was lost.",
	 offsetof(struct worker_stats, retried)},
	{"wye_waits_total", "counter", "Reads sent to a replica behind a wait for what they must see.",
	 offsetof(struct worker_stats, waits)},
	{"wye_waits_late_total", "counter", "Such reads that ran elsewhere, since the wait was in vain.",
	 offsetof(struct worker_stats, waits_late)},
	{"wye_position_asks_total", "counter", "Servers asked for their position ahead of a read.",
	 offsetof(struct worker_stats, asks)},
	{"wye_sessions_queued", "gauge", "Sessions waiting for a connection now.",
	 offsetof(struct worker_stats, queued)},
	{"wye_sessions_pinned", "gauge", "Sessions tied to a connection now.", offsetof(struct worker_stats, pinned)},
};

static uint64_t counter_at(const void *block, size_t offset)
{
	return stat_get((const _Atomic uint64_t *)((const char *)block + offset));
}

static void write_workers(FILE *out)
{
	for (size_t i = 0; i < sizeof of_workers / sizeof *of_workers; i++) {
		uint64_t sum = 0;
		for (unsigned w = 0; w < stats_workers(); w++)
			sum += counter_at(stats_worker(w), of_workers[i].offset);
		describe(out, of_workers[i].name, of_workers[i].type, of_workers[i].help);
		fprintf(out, "%s %" PRIu64 "\n", of_workers[i].name, sum);
	}
}

static void write_routes(FILE *out)
{
	describe(out, "wye_statements_total", "counter",
		 "Statements by the decision where they run, and its reason.");
	for (unsigned route = 0; route < ROUTE_COUNT; route++)
		for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
			uint64_t sum = 0;
			for (unsigned w = 0; w < stats_workers(); w++)
				sum += stat_get(&stats_worker(w)->routes[route][reason]);
			if (sum)
				fprintf(out, "wye_statements_total{route=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
					route_name((enum route)route), reason_name((enum reason)reason), sum);
		}
}

static void write_pins(FILE *out)
{
	describe(out, "wye_pins_total", "counter", "How often sessions were tied to a connection, by cause.");
	for (unsigned pin = 0; pin < PIN_COUNT; pin++) {
		uint64_t sum = 0;
		for (unsigned w = 0; w < stats_workers(); w++)
			sum += stat_get(&stats_worker(w)->pins[pin]);
		fprintf(out, "wye_pins_total{cause=\"%s\"} %" PRIu64 "\n", pin_name((enum pin_index)pin), sum);
	}
}

/* ---- servers ---- */

static void write_server_name(FILE *out, const char *metric, const struct server_info *s)
{
	fprintf(out, "%s{server=\"", metric);
	write_label(out, s->name);
	fputc('"', out);
}

/* Each writes what follows the server's label. */
static void write_up(FILE *out, const struct server_info *s)
{
	fprintf(out, "} %d\n", s->state != SERVER_STATE_DOWN && s->state != SERVER_STATE_NEW);
}

/* Not a label of the others: a switchover must not end one series and begin another. */
static void write_primary(FILE *out, const struct server_info *s)
{
	fprintf(out, "} %d\n", s->role == SERVER_PRIMARY);
}

static void write_takes_reads(FILE *out, const struct server_info *s)
{
	fprintf(out, "} %d\n", s->takes_reads);
}

static void write_in_flight(FILE *out, const struct server_info *s)
{
	uint64_t sum = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		sum += stat_get(&stats_worker(w)->servers[s->slot].running);
	fprintf(out, "} %" PRIu64 "\n", sum);
}

static void write_waiting(FILE *out, const struct server_info *s)
{
	uint64_t sum = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		sum += stat_get(&stats_worker(w)->servers[s->slot].waiting);
	fprintf(out, "} %" PRIu64 "\n", sum);
}

static const struct {
	const char *name, *help;
	void (*write)(FILE *out, const struct server_info *s);
} of_servers[] = {
	{"wye_server_up", "1: the server answers.", write_up},
	{"wye_server_primary", "1: it takes the writes.", write_primary},
	{"wye_server_takes_reads", "1: a replica that serves reads.", write_takes_reads},
	{"wye_server_in_flight", "Statements running on the server now.", write_in_flight},
	{"wye_server_waiting", "Sessions that wait for a connection to the server now.", write_waiting},
};

/* One counter of struct server_counters each, of all workers together. */
static const struct {
	const char *name, *help;
	size_t offset;
} of_pools[] = {
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

static uint64_t server_sum(const struct server_info *s, size_t offset)
{
	uint64_t sum = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		sum += counter_at(&stats_worker(w)->servers[s->slot], offset);
	return sum;
}

static void write_lag(FILE *out, const struct snapshot *s)
{
	describe(out, "wye_server_lag_seconds", "gauge", "How far behind the primary; missing while not known.");
	for (unsigned i = 0; i < s->n_servers; i++) {
		if (s->servers[i].lag_us < 0)
			continue;
		write_server_name(out, "wye_server_lag_seconds", &s->servers[i]);
		fprintf(out, "} %.6f\n", (double)s->servers[i].lag_us / 1e6);
	}
}

static void write_connections(FILE *out, const struct snapshot *s)
{
	static const struct {
		const char *state;
		size_t offset;
	} states[] = {{"used", offsetof(struct server_counters, used)},
		      {"idle", offsetof(struct server_counters, idle)}};
	describe(out, "wye_connections", "gauge", "Connections to servers now.");
	for (unsigned i = 0; i < s->n_servers; i++)
		for (size_t k = 0; k < 2; k++) {
			write_server_name(out, "wye_connections", &s->servers[i]);
			fprintf(out, ",state=\"%s\"} %" PRIu64 "\n", states[k].state,
				server_sum(&s->servers[i], states[k].offset));
		}
}

static void write_closed(FILE *out, const struct snapshot *s)
{
	describe(out, "wye_connections_closed_total", "counter", "Connections to servers that were closed, by reason.");
	for (unsigned i = 0; i < s->n_servers; i++)
		for (unsigned reason = 0; reason < CLOSED_COUNT; reason++) {
			size_t offset = offsetof(struct server_counters, closed) + reason * sizeof(_Atomic uint64_t);
			write_server_name(out, "wye_connections_closed_total", &s->servers[i]);
			fprintf(out, ",reason=\"%s\"} %" PRIu64 "\n", closed_reason_name(reason),
				server_sum(&s->servers[i], offset));
		}
}

static void write_servers(FILE *out, const struct snapshot *s)
{
	for (size_t k = 0; k < sizeof of_servers / sizeof *of_servers; k++) {
		describe(out, of_servers[k].name, "gauge", of_servers[k].help);
		for (unsigned i = 0; i < s->n_servers; i++) {
			write_server_name(out, of_servers[k].name, &s->servers[i]);
			of_servers[k].write(out, &s->servers[i]);
		}
	}
	for (size_t k = 0; k < sizeof of_pools / sizeof *of_pools; k++) {
		describe(out, of_pools[k].name, "counter", of_pools[k].help);
		for (unsigned i = 0; i < s->n_servers; i++) {
			write_server_name(out, of_pools[k].name, &s->servers[i]);
			fprintf(out, "} %" PRIu64 "\n", server_sum(&s->servers[i], of_pools[k].offset));
		}
	}
	write_lag(out, s);
	write_connections(out, s);
	write_closed(out, s);
}

/* ---- the process ---- */

static double resident_bytes(void)
{
	unsigned long long size, pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (statm && fscanf(statm, "%llu %llu", &size, &pages) != 2)
		pages = 0;
	if (statm)
		fclose(statm);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static double open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	double n = 0;
	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

/* The time the process began: boot time plus field 22 of its stat, in clock ticks. */
static double start_seconds(void)
{
	unsigned long long ticks = 0;
	struct timespec wall, boot;
	FILE *stat = fopen("/proc/self/stat", "re");
	if (stat && fscanf(stat,
			   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			   "%*d %llu",
			   &ticks) != 1)
		ticks = 0;
	if (stat)
		fclose(stat);
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)(wall.tv_sec - boot.tv_sec) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void write_process(FILE *out)
{
	describe(out, "wye_info", "gauge", "The version that runs.");
	fputs("wye_info{version=\"" WYE_VERSION "\"} 1\n", out);
	write_plain(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
	write_plain(out, "process_cpu_seconds_total", "counter", "User and system time.", cpu_seconds());
	write_plain(out, "process_open_fds", "gauge", "Open file descriptors.", open_files());
	write_plain(out, "process_start_time_seconds", "gauge", "When the process began, Unix time.",
		    start_seconds());
}

void metrics_write(FILE *out)
{
	struct snapshot *s = snapshot_get();
	write_routes(out);
	write_workers(out);
	write_pins(out);
	if (s)
		write_servers(out, s);
	snapshot_unref(s);
	write_process(out);
}
