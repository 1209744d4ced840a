#include "proxy/metrics.h"

#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_rules.h"
#include "proxy/events.h"
#include "proxy/learned.h"
#include "proxy/metrics_parts.h"
#include "proxy/metrics_text.h"
#include "proxy/pause.h"
#include "proxy/ready.h"
#include "proxy/statements.h"

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
	{"wye_transaction_replays_total", "counter", "Open transactions run again after their server was lost.",
	 offsetof(struct worker_stats, replays)},
	{"wye_transaction_replays_done_total", "counter", "Such transactions that were answered as before.",
	 offsetof(struct worker_stats, replays_done)},
	{"wye_transaction_replays_differed_total", "counter", "Such transactions that were answered otherwise.",
	 offsetof(struct worker_stats, replays_differed)},
	{"wye_waits_total", "counter", "Reads sent to a replica behind a wait for what they must see.",
	 offsetof(struct worker_stats, waits)},
	{"wye_waits_late_total", "counter", "Such reads that ran elsewhere, since the wait was in vain.",
	 offsetof(struct worker_stats, waits_late)},
	{"wye_position_asks_total", "counter", "Servers asked for their position ahead of a read.",
	 offsetof(struct worker_stats, asks)},
	{"wye_pipelined_total", "counter", "Short reads written behind another on its connection.",
	 offsetof(struct worker_stats, pipelined)},
	{"wye_pipelined_again_total", "counter", "Those that ran again on another connection.",
	 offsetof(struct worker_stats, pipelined_again)},
	{"wye_sessions_queued", "gauge", "Sessions waiting for a connection now.",
	 offsetof(struct worker_stats, queued)},
	{"wye_held_bytes", "gauge", "Bytes of commands that wait for a primary now.",
	 offsetof(struct worker_stats, held_bytes)},
	{"wye_sessions_pinned", "gauge", "Sessions tied to a connection now.", offsetof(struct worker_stats, pinned)},
};

static void write_workers(FILE *out)
{
	for (size_t i = 0; i < sizeof of_workers / sizeof *of_workers; i++) {
		metric_describe(out, of_workers[i].name, of_workers[i].type, "", of_workers[i].help);
		metric_begin(out, of_workers[i].name, NULL);
		metric_count(out, metrics_worker_sum(of_workers[i].offset));
	}
}

static void write_routes(FILE *out)
{
	metric_describe(out, "wye_statements_total", "counter", "route,reason",
			"Statements by the decision where they run, and its reason.");
	for (unsigned route = 0; route < ROUTE_COUNT; route++)
		for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
			size_t at = (route * REASON_COUNT + reason) * sizeof(_Atomic uint64_t);
			uint64_t sum = metrics_worker_sum(offsetof(struct worker_stats, routes) + at);
			if (!sum)
				continue;
			metric_begin(out, "wye_statements_total", "route", route_name((enum route)route), "reason",
				     reason_name((enum reason)reason), NULL);
			metric_count(out, sum);
		}
}

static void write_pins(FILE *out)
{
	metric_describe(out, "wye_pins_total", "counter", "cause", "How often sessions were tied to a connection, by cause.");
	for (unsigned pin = 0; pin < PIN_COUNT; pin++) {
		metric_begin(out, "wye_pins_total", "cause", pin_name((enum pin_index)pin), NULL);
		metric_count(out, metrics_worker_sum(offsetof(struct worker_stats, pins) + pin * sizeof(_Atomic uint64_t)));
	}
}

/* ---- what wye has learned, and counts of ---- */

static void write_rules(FILE *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} of_rules[] = {
		{"wye_rule_hits_total", "Statements that a rule matched.", offsetof(struct rule_totals, hits)},
		{"wye_rule_changed_total", "Of these it changed something, or would have, had it not been a dry run.",
		 offsetof(struct rule_totals, changed)},
		{"wye_rule_failed_total", "A pattern gave up, or what a rewrite made was too long: no match.",
		 offsetof(struct rule_totals, failed)},
	};
	struct config *c = config_get();
	for (size_t k = 0; k < sizeof of_rules / sizeof *of_rules; k++) {
		metric_describe(out, of_rules[k].name, "counter", "rule", of_rules[k].help);
		for (unsigned i = 0; c && c->rule_set && i < c->rule_set->n; i++) {
			char id[16];
			struct rule_totals totals = rule_totals(&c->rule_set->rules[i]);
			snprintf(id, sizeof id, "%u", c->rule_set->rules[i].id);
			metric_begin(out, of_rules[k].name, "rule", id, NULL);
			metric_count(out, *(const uint64_t *)((const char *)&totals + of_rules[k].offset));
		}
	}
	metric_describe(out, "wye_rule_mirror_total", "counter", "rule,outcome",
			"Statements of rules that mirror, by what became of the copy.");
	for (unsigned i = 0; c && c->rule_set && i < c->rule_set->n; i++) {
		char id[16];
		struct rule_totals totals = rule_totals(&c->rule_set->rules[i]);
		snprintf(id, sizeof id, "%u", c->rule_set->rules[i].id);
		for (unsigned k = 0; c->rule_set->rules[i].mirror && k < MIRROR_OUTCOME_COUNT; k++) {
			metric_begin(out, "wye_rule_mirror_total", "rule", id, "outcome",
				     mirror_outcome_name((enum mirror_outcome)k), NULL);
			metric_count(out, totals.mirror[k]);
		}
	}
	config_unref(c);
}

static void write_statements_known(FILE *out)
{
	uint64_t folded = 0;
	struct learned_row *learned = calloc(LEARNED_MAX, sizeof *learned);
	if (!learned)
		abort();
	size_t n = learned_copy(learned, LEARNED_MAX, uv_hrtime() / 1000000);
	free(learned);
	for (unsigned w = 0; w < stats_workers(); w++)
		folded += tally_folded(stats_statements(w)->digests);
	metric_plain(out, "wye_learned_statements", "gauge",
		     "Statements that a replica has refused and that go to the primary since.", (double)n);
	metric_plain(out, "wye_digests_folded_total", "counter",
		     "Rows of stats_statements that made room for others.", (double)folded);
}

static void write_events(FILE *out)
{
	struct event_count counts[EVENT_KINDS_MAX];
	size_t n = events_counts(counts);
	metric_describe(out, "wye_events_total", "counter", "kind,level", "What happened (stats_events), by kind and level.");
	for (size_t i = 0; i < n; i++) {
		metric_begin(out, "wye_events_total", "kind", counts[i].kind, "level",
			     log_level_name(counts[i].level), NULL);
		metric_count(out, counts[i].events);
	}
}

static void write_logs(FILE *out)
{
	static const struct {
		const char *why;
		size_t offset;
	} losses[] = {{"queue-full", offsetof(struct log_counts, dropped)},
		      {"repeated", offsetof(struct log_counts, repeated)},
		      {"not-written", offsetof(struct log_counts, failed)}};
	struct log_counts counts[LOG_STREAMS];
	metric_describe(out, "wye_log_lines_total", "counter", "stream",
			"Lines written to the log, the slow log and the audit.");
	for (unsigned i = 0; i < LOG_STREAMS; i++) {
		log_counts_read((enum log_stream)i, &counts[i]);
		metric_begin(out, "wye_log_lines_total", "stream", log_stream_name((enum log_stream)i), NULL);
		metric_count(out, counts[i].lines);
	}
	metric_describe(out, "wye_log_lines_lost_total", "counter", "stream,why",
			"Lines left out: the queue was full, log_rate, or they could not be written.");
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
			metric_begin(out, "wye_log_lines_lost_total", "stream", log_stream_name((enum log_stream)i),
				     "why", losses[k].why, NULL);
			metric_count(out, *(const uint64_t *)((const char *)&counts[i] + losses[k].offset));
		}
}

static void write_state(FILE *out, const struct snapshot *s)
{
	char why[200];
	metric_plain(out, "wye_ready", "gauge", "1: as /readyz, there is a primary that answers and may be written.",
		     ready_now(why, sizeof why));
	metric_plain(out, "wye_draining", "gauge", "1: wye is about to end.", ready_is_draining());
	metric_plain(out, "wye_paused", "gauge", "1: statements wait, PAUSE was asked for.", pause_is_on());
	if (s)
		metric_plain(out, "wye_clients_max", "gauge", "Clients that the setting max_connections allows.",
			     (double)s->settings->max_connections);
}

static void write_all(FILE *out, const struct snapshot *s)
{
	write_state(out, s);
	write_routes(out);
	write_workers(out);
	write_pins(out);
	write_rules(out);
	write_statements_known(out);
	write_events(out);
	write_logs(out);
	if (s) {
		metrics_write_servers(out, s);
		metrics_write_latency(out, s);
		metrics_write_errors(out, s);
	}
	metrics_write_process(out);
	if (s && s->settings->proxysql_metrics)
		metrics_write_proxysql(out, s);
}

void metrics_write(FILE *out)
{
	struct snapshot *s = snapshot_get();
	write_all(out, s);
	snapshot_unref(s);
}

void metrics_describe(FILE *reference)
{
	struct settings settings;
	settings_default(&settings);
	settings.proxysql_metrics = true;
	const struct snapshot nothing = {.settings = &settings};
	FILE *samples = fopen("/dev/null", "we");
	if (!samples)
		abort();
	metric_reference = reference;
	write_all(samples, &nothing);
	metric_reference = NULL;
	fclose(samples);
}
