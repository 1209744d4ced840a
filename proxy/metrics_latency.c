/* The times of statements as histograms, from what stats_latency is made of. */
#include "proxy/metrics_parts.h"

#include <string.h>

#include "proxy/metrics_text.h"
#include "proxy/statements.h"

/* The buckets' ends: every doubling from 32 us to 34 s. They are ends of the finer buckets that are counted in
 * (proxy/histogram.h), so that nothing is guessed. */
#define FIRST_POWER 5u
#define LAST_POWER 25u

#define DURATION "wye_statement_duration_seconds"
#define PART "wye_statement_part_seconds"

struct series {
	const char *family, *server, *label, *value;
};

static void write_histogram(FILE *out, const struct series *is, const uint64_t counts[HISTOGRAM_BUCKETS],
			    uint64_t zeros, uint64_t sum_us)
{
	char name[64], le[32];
	unsigned i = 0;
	uint64_t below = zeros;
	snprintf(name, sizeof name, "%s_bucket", is->family);
	for (unsigned power = FIRST_POWER; power <= LAST_POWER; power++) {
		for (; i < HISTOGRAM_BUCKETS && histogram_from(i + 1) <= 1ull << power; i++)
			below += counts[i];
		snprintf(le, sizeof le, "%.9g", (double)(1ull << power) / 1e6);
		metric_begin(out, name, "server", is->server, is->label, is->value, "le", le, NULL);
		metric_count(out, below);
	}
	for (; i < HISTOGRAM_BUCKETS; i++)
		below += counts[i];
	metric_begin(out, name, "server", is->server, is->label, is->value, "le", "+Inf", NULL);
	metric_count(out, below);
	snprintf(name, sizeof name, "%s_sum", is->family);
	metric_begin(out, name, "server", is->server, is->label, is->value, NULL);
	metric_value(out, (double)sum_us / 1e6);
	snprintf(name, sizeof name, "%s_count", is->family);
	metric_begin(out, name, "server", is->server, is->label, is->value, NULL);
	metric_count(out, below);
}

/* Of all workers; false: there were none. */
static bool read_class(int slot, enum statement_class class, struct statement_times_read *sum)
{
	static _Thread_local struct statement_times_read one;
	memset(sum, 0, sizeof *sum);
	for (unsigned w = 0; w < stats_workers(); w++)
		if (statement_class_read(stats_statements(w), slot, class, &one))
			statement_times_join(sum, &one);
	return sum->statements;
}

static void write_durations(FILE *out, int slot, const char *server)
{
	static _Thread_local struct statement_times_read t;
	for (unsigned class = 0; class < STATEMENT_CLASS_COUNT; class++) {
		const struct series is = {DURATION, server, "class", statement_class_name((enum statement_class)class)};
		if (read_class(slot, (enum statement_class)class, &t))
			write_histogram(out, &is, t.histograms[PART_ALL], 0, t.sum_us[PART_ALL]);
	}
}

static void write_parts(FILE *out, int slot, const char *server)
{
	static const char *const names[PARTS] = {
		[PART_SERVER] = "server", [PART_OWN] = "own", [PART_QUEUE] = "queue"};
	static _Thread_local struct statement_times_read sum, one;
	memset(&sum, 0, sizeof sum);
	for (unsigned class = 0; class < STATEMENT_CLASS_COUNT; class++)
		if (read_class(slot, (enum statement_class)class, &one))
			statement_times_join(&sum, &one);
	for (unsigned part = 0; sum.statements && part < PARTS; part++) {
		if (part == PART_ALL)
			continue;
		const struct series is = {PART, server, "part", names[part]};
		uint64_t zeros = 0;
		if (part == PART_QUEUE) { /* those that did not wait are not in it */
			zeros = sum.statements;
			for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
				zeros -= sum.histograms[part][i] < zeros ? sum.histograms[part][i] : zeros;
		}
		write_histogram(out, &is, sum.histograms[part], zeros, sum.sum_us[part]);
	}
}

void metrics_write_latency(FILE *out, const struct snapshot *s)
{
	metric_describe(out, DURATION, "histogram", "server,class",
			"From a statement's arrival to the end of its answer, by the server that ran it and the kind of statement.");
	write_durations(out, STATEMENT_NO_SERVER, METRIC_SERVER_SELF);
	for (unsigned i = 0; i < s->n_servers; i++)
		write_durations(out, (int)s->servers[i].slot, s->servers[i].name);
	metric_describe(out, PART, "histogram", "server,part",
			"What that is made of: time in a queue, of the server, and wye's own.");
	write_parts(out, STATEMENT_NO_SERVER, METRIC_SERVER_SELF);
	for (unsigned i = 0; i < s->n_servers; i++)
		write_parts(out, (int)s->servers[i].slot, s->servers[i].name);
}
