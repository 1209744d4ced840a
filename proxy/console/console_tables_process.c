/* The tables about the process: what happened, memory, and the settings it runs with. */
#include "proxy/console/console_table.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/events.h"
#include "proxy/snapshot.h"

#define EVENTS_MAX 512

static const struct table_column stats_events_columns[] = {
	{"number", COLUMN_INTEGER, "counts from 1"},
	{"time", COLUMN_TEXT, "when, UTC"},
	{"level", COLUMN_TEXT, "error, warning, info or debug"},
	{"kind", COLUMN_TEXT, "what, a fixed word"},
	{"server", COLUMN_TEXT, "host:port, where it is about one"},
	{"text", COLUMN_TEXT, "what happened and why"},
};

static void produce_stats_events(struct table_rows *rows)
{
	struct event *events = calloc(EVENTS_MAX, sizeof *events);
	if (!events)
		abort();
	size_t n = events_copy(events, EVENTS_MAX);
	for (size_t i = 0; i < n; i++) {
		rows_count(rows, events[i].number);
		rows_time(rows, events[i].time_us);
		rows_text(rows, log_level_name(events[i].level));
		rows_text(rows, events[i].kind);
		rows_text_or_null(rows, events[i].server);
		rows_text(rows, events[i].text);
	}
	free(events);
}

const struct console_table table_stats_events = {"stats_events", "what happened and why, the newest last",
						 COLUMNS(stats_events_columns), produce_stats_events, false};

static const struct table_column stats_logs_columns[] = {
	{"log", COLUMN_TEXT, "log, slow or audit"},
	{"file", COLUMN_TEXT, "where it goes; NULL: standard error, or the log"},
	{"lines", COLUMN_INTEGER, "written"},
	{"bytes", COLUMN_INTEGER, "of them"},
	{"dropped", COLUMN_INTEGER, "lines that found the queue full"},
	{"repeated", COLUMN_INTEGER, "lines beyond log_rate"},
	{"failed", COLUMN_INTEGER, "lines that could not be written"},
};

static void produce_stats_logs(struct table_rows *rows)
{
	for (int i = 0; i < LOG_STREAMS; i++) {
		struct log_counts c;
		log_counts_read((enum log_stream)i, &c);
		rows_text(rows, log_stream_name((enum log_stream)i));
		rows_text_or_null(rows, c.path);
		rows_count(rows, c.lines);
		rows_count(rows, c.bytes);
		rows_count(rows, c.dropped);
		rows_count(rows, c.repeated);
		rows_count(rows, c.failed);
	}
}

const struct console_table table_stats_logs = {"stats_logs", "the logs: where they go, what was written and what was not",
					       COLUMNS(stats_logs_columns), produce_stats_logs, false};

static const struct table_column stats_memory_columns[] = {
	{"name", COLUMN_TEXT, "what for"},
	{"bytes", COLUMN_INTEGER, "bytes"},
};

static void row_of_memory(struct table_rows *rows, const char *name, uint64_t bytes)
{
	rows_text(rows, name);
	rows_count(rows, bytes);
}

static void produce_stats_memory(struct table_rows *rows)
{
	unsigned long long size, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (statm && fscanf(statm, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (statm)
		fclose(statm);
	row_of_memory(rows, "resident", resident * (uint64_t)sysconf(_SC_PAGESIZE));
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	struct mallinfo2 heap = mallinfo2();
	row_of_memory(rows, "heap", heap.uordblks + heap.hblkhd);
	row_of_memory(rows, "heap_free", heap.fordblks);
#endif
	row_of_memory(rows, "sqlite", (uint64_t)sqlite3_memory_used());
}

const struct console_table table_stats_memory = {"stats_memory", "memory of the process",
						 COLUMNS(stats_memory_columns), produce_stats_memory, false};
