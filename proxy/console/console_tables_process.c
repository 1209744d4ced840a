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

static const struct table_column settings_columns[] = {
	{"name", COLUMN_TEXT, "setting"},
	{"value", COLUMN_TEXT, "in force"},
	{"default", COLUMN_TEXT, "without any configuration"},
	{"unit", COLUMN_TEXT, "of a bare number, or the words allowed"},
	{"applies", COLUMN_TEXT, "a change applies: at once, or at restart"},
	{"description", COLUMN_TEXT, "what it does"},
};

static void produce_settings(struct table_rows *rows)
{
	struct snapshot *s = snapshot_get();
	const struct options *o = console_options();
	const struct settings *now = s ? s->settings : o ? &o->settings : NULL;
	const struct setting_info *info;
	for (size_t i = 0; now && (info = settings_info(i)); i++) {
		char value[600];
		settings_format(now, i, value, sizeof value);
		rows_text(rows, info->name);
		rows_text(rows, value);
		rows_text(rows, info->default_text);
		rows_text(rows, info->unit);
		rows_text(rows, info->needs_restart ? "at restart" : "at once");
		rows_text(rows, info->description);
	}
	snapshot_unref(s);
}

const struct console_table table_settings = {"settings", "the settings in force; SET name = value changes one",
					     COLUMNS(settings_columns), produce_settings, false};

static const struct table_column users_columns[] = {
	{"name", COLUMN_TEXT, "user name"},
	{"has_password", COLUMN_INTEGER, "1: a password was given with it"},
};

static void produce_users(struct table_rows *rows)
{
	const struct options *o = console_options();
	for (size_t i = 0; o && i < o->n_users; i++) {
		rows_text(rows, o->users[i].name);
		rows_integer(rows, o->users[i].has_password);
	}
}

const struct console_table table_users = {"users",
					  "accounts given by hand; without any, those of the primary are used",
					  COLUMNS(users_columns), produce_users, false};
