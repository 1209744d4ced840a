/* The tables about statements by digest, their times by server and kind, and the errors they met. */
#include "proxy/console/console_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>
#include <uv.h>

#include "proxy/errors_seen.h"
#include "proxy/snapshot.h"
#include "proxy/statements.h"
#include "proxy/stats.h"

/* A row of several workers' tables, added up. Those for others have their number for a key. */
struct joined {
	uint64_t key;
	UT_hash_handle hh;
	bool is_others;
	union {
		struct statement_id statement;
		struct error_id error;
	} id;
	union {
		struct statement_counts_read statement;
		struct error_counts_read error;
	} counts;
};

static struct joined *joined_of(struct joined **all, uint64_t key, const struct joined *like)
{
	struct joined *j;
	HASH_FIND(hh, *all, &key, sizeof key, j);
	if (j)
		return j;
	j = malloc(sizeof *j);
	if (!j)
		abort();
	*j = *like;
	j->key = key;
	memset(&j->counts, 0, sizeof j->counts);
	HASH_ADD(hh, *all, key, sizeof j->key, j);
	return j;
}

/* Every row of one worker's table, with join(sum, row) for each; others begin at the row of that number. */
static void join_tally(struct joined **all, const struct tally *t, size_t others, void (*join)(struct joined *, const struct joined *))
{
	struct joined *row = malloc(sizeof *row);
	if (!row)
		abort();
	size_t n = tally_rows(t);
	for (size_t i = 0; i < n; i++) {
		uint64_t key;
		if (!tally_read(t, i, &key, &row->id, &row->counts))
			continue;
		row->is_others = i >= n - others;
		if (row->is_others)
			key = i - (n - others);
		join(joined_of(all, key, row), row);
	}
	free(row);
}

static void forget_joined(struct joined **all)
{
	struct joined *j, *next;
	HASH_ITER(hh, *all, j, next) {
		HASH_DEL(*all, j);
		free(j);
	}
}

/* ---- values ---- */

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* A moment of the monotonic clock. */
static void row_moment(struct table_rows *rows, uint64_t us)
{
	rows_time(rows, us ? now_us() - (int64_t)(uv_hrtime() / 1000 - us) : 0);
}

static void row_server(struct table_rows *rows, const struct snapshot *s, int64_t slot)
{
	const struct server_info *server = s && slot >= 0 ? snapshot_server_by_slot(s, (unsigned)slot) : NULL;
	char gone[32];
	snprintf(gone, sizeof gone, "(gone: %d)", (int)slot);
	rows_text_or_null(rows, server ? server->name : slot >= 0 ? gone : "");
}

static void row_digest(struct table_rows *rows, uint64_t digest)
{
	char text[20];
	snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
	rows_text_or_null(rows, digest ? text : "");
}

static void row_percentile(struct table_rows *rows, const struct statement_times_read *t, enum statement_part part,
			   double share)
{
	rows_count(rows, statement_percentile(t, part, share));
}

/* ---- stats_statements ---- */

#define TIMES                                                                                                          \
	{"time_us", COLUMN_INTEGER, "all of their time, us: from the arrival of each to the end of its answer"},       \
	{"queue_us", COLUMN_INTEGER, "of that, waiting for a connection, or for a replica to have what they must see"}, \
	{"own_us", COLUMN_INTEGER, "of that, spent in wye"},                                                           \
	{"server_us", COLUMN_INTEGER, "of that, from being sent to a server to the end of its answer"},                \
	{"avg_us", COLUMN_INTEGER, "time of one"},                                                                     \
	{"max_us", COLUMN_INTEGER, "the longest"},                                                                     \
	{"p50_us", COLUMN_INTEGER, "half of them took no longer"},                                                     \
	{"p95_us", COLUMN_INTEGER, "95 % took no longer"},                                                             \
	{"p99_us", COLUMN_INTEGER, "99 % took no longer"},                                                             \
	{"queue_p50_us", COLUMN_INTEGER, "the same of the time in queue"},                                             \
	{"queue_p95_us", COLUMN_INTEGER, "95 %"},                                                                      \
	{"queue_p99_us", COLUMN_INTEGER, "99 %"},                                                                      \
	{"own_p50_us", COLUMN_INTEGER, "the same of the time spent in wye"},                                           \
	{"own_p95_us", COLUMN_INTEGER, "95 %"},                                                                        \
	{"own_p99_us", COLUMN_INTEGER, "99 %"},                                                                        \
	{"server_p50_us", COLUMN_INTEGER, "the same of the server's time"},                                            \
	{"server_p95_us", COLUMN_INTEGER, "95 %"},                                                                     \
	{"server_p99_us", COLUMN_INTEGER, "99 %"}

static void row_of_times(struct table_rows *rows, const struct statement_times_read *t)
{
	static const enum statement_part parts[] = {PART_ALL, PART_QUEUE, PART_OWN, PART_SERVER};
	static const double shares[] = {0.5, 0.95, 0.99};
	for (unsigned i = 0; i < PARTS; i++)
		rows_count(rows, t->sum_us[parts[i]]);
	rows_count(rows, t->statements ? t->sum_us[PART_ALL] / t->statements : 0);
	rows_count(rows, t->max_us);
	for (unsigned i = 0; i < PARTS; i++)
		for (unsigned k = 0; k < 3; k++)
			row_percentile(rows, t, parts[i], shares[k]);
}

static const struct table_column stats_statements_columns[] = {
	{"digest", COLUMN_TEXT, "the statement's digest, a hash; 'others': those least used, folded into one row"},
	{"text", COLUMN_TEXT, "the statement without its literals, at most 1024 bytes"},
	{"schema", COLUMN_TEXT, "the default schema it ran in"},
	{"user", COLUMN_TEXT, "account"},
	{"server", COLUMN_TEXT, "where it ran; NULL: wye has answered it"},
	{"statements", COLUMN_INTEGER, "how often it ran"},
	{"errors", COLUMN_INTEGER, "how often it failed"},
	{"rows_sent", COLUMN_INTEGER, "rows answered"},
	{"rows_affected", COLUMN_INTEGER, "rows changed"},
	{"bytes_received", COLUMN_INTEGER, "bytes from clients"},
	{"bytes_sent", COLUMN_INTEGER, "bytes to clients"},
	TIMES,
	{"min_us", COLUMN_INTEGER, "the shortest"},
	{"first_seen", COLUMN_TEXT, "UTC"},
	{"last_seen", COLUMN_TEXT, "UTC"},
};

static void join_statement(struct joined *sum, const struct joined *row)
{
	statement_counts_join(&sum->counts.statement, &row->counts.statement);
}

static void row_of_statement(struct table_rows *rows, const struct snapshot *s, const struct joined *j)
{
	const struct statement_counts_read *c = &j->counts.statement;
	if (j->is_others) {
		rows_text(rows, "others");
		rows_text(rows, "(those least used)");
		rows_null(rows);
		rows_null(rows);
	} else {
		row_digest(rows, j->id.statement.digest);
		rows_text(rows, j->id.statement.text);
		rows_text_or_null(rows, j->id.statement.schema);
		rows_text(rows, j->id.statement.user);
	}
	row_server(rows, s, j->is_others ? (int64_t)j->key - 1 : j->id.statement.slot);
	rows_count(rows, c->times.statements);
	rows_count(rows, c->times.errors);
	rows_count(rows, c->rows_sent);
	rows_count(rows, c->rows_affected);
	rows_count(rows, c->bytes_received);
	rows_count(rows, c->bytes_sent);
	row_of_times(rows, &c->times);
	rows_count(rows, c->min_us);
	row_moment(rows, c->first_us);
	row_moment(rows, c->last_us);
}

static void produce_stats_statements(struct table_rows *rows)
{
	struct joined *all = NULL, *j, *next;
	struct snapshot *s = snapshot_get();
	for (unsigned w = 0; w < stats_workers(); w++)
		join_tally(&all, stats_statements(w)->digests, SERVERS_MAX + 1, join_statement);
	HASH_ITER(hh, all, j, next)
		if (j->counts.statement.times.statements)
			row_of_statement(rows, s, j);
	forget_joined(&all);
	snapshot_unref(s);
}

const struct console_table table_stats_statements = {"stats_statements",
						     "what ran, by digest: how often, how long, with what result",
						     COLUMNS(stats_statements_columns), produce_stats_statements, false};

/* ---- stats_latency ---- */

static const struct table_column stats_latency_columns[] = {
	{"server", COLUMN_TEXT, "where statements ran; NULL: wye has answered them"},
	{"class", COLUMN_TEXT, "their kind: read, primary-read, write, definition, transaction or session"},
	{"statements", COLUMN_INTEGER, "how many"},
	{"errors", COLUMN_INTEGER, "how many failed"},
	TIMES,
};

static void row_of_class(struct table_rows *rows, const struct snapshot *s, int slot, enum statement_class class)
{
	struct statement_times_read *sum = calloc(2, sizeof *sum);
	if (!sum)
		abort();
	for (unsigned w = 0; w < stats_workers(); w++)
		if (statement_class_read(stats_statements(w), slot, class, &sum[1]))
			statement_times_join(&sum[0], &sum[1]);
	if (sum->statements) {
		row_server(rows, s, slot);
		rows_text(rows, statement_class_name(class));
		rows_count(rows, sum->statements);
		rows_count(rows, sum->errors);
		row_of_times(rows, sum);
	}
	free(sum);
}

static void produce_stats_latency(struct table_rows *rows)
{
	struct snapshot *s = snapshot_get();
	for (int slot = STATEMENT_NO_SERVER; slot < SERVERS_MAX; slot++)
		for (unsigned class = 0; class < STATEMENT_CLASS_COUNT; class++)
			row_of_class(rows, s, slot, (enum statement_class)class);
	snapshot_unref(s);
}

const struct console_table table_stats_latency = {"stats_latency", "times by server and kind of statement",
						  COLUMNS(stats_latency_columns), produce_stats_latency, false};

static const struct table_column latency_columns[] = {
	{"server", COLUMN_TEXT, "where statements ran"},
	{"class", COLUMN_TEXT, "their kind"},
	{"from_us", COLUMN_INTEGER, "the least time counted"},
	{"to_us", COLUMN_INTEGER, "and below which"},
	{"statements", COLUMN_INTEGER, "how many"},
};

static void rows_of_histogram(struct table_rows *rows, const struct snapshot *s, int slot, enum statement_class class)
{
	uint64_t counts[HISTOGRAM_BUCKETS] = {0};
	struct statement_times_read *t = malloc(sizeof *t);
	if (!t)
		abort();
	for (unsigned w = 0; w < stats_workers(); w++)
		if (statement_class_read(stats_statements(w), slot, class, t))
			for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
				counts[i] += t->histograms[PART_ALL][i];
	free(t);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!counts[i])
			continue;
		row_server(rows, s, slot);
		rows_text(rows, statement_class_name(class));
		rows_count(rows, histogram_from(i));
		rows_count(rows, histogram_from(i + 1));
		rows_count(rows, counts[i]);
	}
}

static void produce_latency(struct table_rows *rows)
{
	struct snapshot *s = snapshot_get();
	for (int slot = STATEMENT_NO_SERVER; slot < SERVERS_MAX; slot++)
		for (unsigned class = 0; class < STATEMENT_CLASS_COUNT; class++)
			rows_of_histogram(rows, s, slot, (enum statement_class)class);
	snapshot_unref(s);
}

const struct console_table table_latency = {"console_latency", "statements by server, kind and time",
					    COLUMNS(latency_columns), produce_latency, true};

/* ---- stats_errors ---- */

static const struct table_column stats_errors_columns[] = {
	{"server", COLUMN_TEXT, "who answered so; NULL: wye itself, or many"},
	{"user", COLUMN_TEXT, "account"},
	{"code", COLUMN_INTEGER, "error; NULL: those seen least, folded into one row"},
	{"sqlstate", COLUMN_TEXT, "its SQLSTATE"},
	{"errors", COLUMN_INTEGER, "how many"},
	{"first_seen", COLUMN_TEXT, "UTC"},
	{"last_seen", COLUMN_TEXT, "UTC"},
	{"digest", COLUMN_TEXT, "of the last statement that met it (stats_statements); NULL: none did"},
	{"text", COLUMN_TEXT, "what the first one said, without what may be data"},
	{"statement", COLUMN_TEXT, "the first statement that met it, without its literals"},
};

static void join_error(struct joined *sum, const struct joined *row)
{
	error_counts_join(&sum->counts.error, &row->counts.error);
}

static void row_of_error(struct table_rows *rows, const struct snapshot *s, const struct joined *j)
{
	const struct error_id *id = &j->id.error;
	row_server(rows, s, j->is_others ? STATEMENT_NO_SERVER : id->slot);
	rows_text_or_null(rows, j->is_others ? "" : id->user);
	if (j->is_others)
		rows_null(rows);
	else
		rows_count(rows, id->code);
	rows_text_or_null(rows, j->is_others ? "" : id->sqlstate);
	rows_count(rows, j->counts.error.errors);
	row_moment(rows, j->counts.error.first_us);
	row_moment(rows, j->counts.error.last_us);
	row_digest(rows, j->counts.error.digest);
	rows_text(rows, j->is_others ? "(those seen least)" : id->text);
	rows_text_or_null(rows, j->is_others ? "" : id->statement);
}

static void produce_stats_errors(struct table_rows *rows)
{
	struct joined *all = NULL, *j, *next;
	struct snapshot *s = snapshot_get();
	for (unsigned w = 0; w < stats_workers(); w++)
		join_tally(&all, stats_errors_seen(w), 1, join_error);
	HASH_ITER(hh, all, j, next)
		if (j->counts.error.errors)
			row_of_error(rows, s, j);
	forget_joined(&all);
	snapshot_unref(s);
}

const struct console_table table_stats_errors = {"stats_errors", "errors that clients were answered with, by server, account and code",
						 COLUMNS(stats_errors_columns), produce_stats_errors, false};
