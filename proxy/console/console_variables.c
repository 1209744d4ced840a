#include "proxy/console/console_variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/config/config_change.h"
#include "proxy/console/console_table.h"
#include "proxy/nearest.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

static const struct {
	const char *name, *value;
} variables[] = {
	{"auto_increment_increment", "1"},
	{"auto_increment_offset", "1"},
	{"autocommit", "1"},
	{"character_set_client", "utf8mb4"},
	{"character_set_connection", "utf8mb4"},
	{"character_set_database", "utf8mb4"},
	{"character_set_filesystem", "binary"},
	{"character_set_results", "utf8mb4"},
	{"character_set_server", "utf8mb4"},
	{"character_set_system", "utf8mb3"},
	{"collation_connection", "utf8mb4_general_ci"},
	{"collation_database", "utf8mb4_general_ci"},
	{"collation_server", "utf8mb4_general_ci"},
	{"default_storage_engine", "wye"},
	{"error_count", "0"},
	{"foreign_key_checks", "1"},
	{"group_concat_max_len", "1048576"},
	{"have_ssl", "DISABLED"},
	{"init_connect", ""},
	{"interactive_timeout", "28800"},
	{"license", "MIT"},
	{"lower_case_file_system", "OFF"},
	{"lower_case_table_names", "0"},
	{"max_allowed_packet", "1048576"},
	{"max_execution_time", "0"},
	{"net_buffer_length", "16384"},
	{"net_read_timeout", "30"},
	{"net_write_timeout", "60"},
	{"performance_schema", "0"},
	{"profiling", "0"},
	{"protocol_version", "10"},
	{"query_cache_size", "0"},
	{"query_cache_type", "OFF"},
	{"sql_auto_is_null", "0"},
	{"sql_log_bin", "1"},
	{"sql_mode", ""},
	{"sql_notes", "1"},
	{"sql_quote_show_create", "1"},
	{"sql_safe_updates", "0"},
	{"sql_select_limit", "18446744073709551615"},
	{"system_time_zone", "UTC"},
	{"time_zone", "SYSTEM"},
	{"transaction_isolation", "REPEATABLE-READ"},
	{"transaction_read_only", "0"},
	{"tx_isolation", "REPEATABLE-READ"},
	{"tx_read_only", "0"},
	{"unique_checks", "1"},
	{"version", CONSOLE_SERVER_VERSION},
	{"version_comment", "wye " WYE_VERSION " admin console"},
	{"version_compile_machine", "any"},
	{"version_compile_os", "Linux"},
	{"wait_timeout", "28800"},
	{"warning_count", "0"},
};

#define N_VARIABLES (sizeof variables / sizeof *variables)

static const char *variable_value(const char *name)
{
	for (size_t i = 0; i < N_VARIABLES; i++)
		if (strcasecmp(variables[i].name, name) == 0)
			return variables[i].value;
	return NULL;
}

bool console_variable_is_session(const char *name)
{
	return variable_value(name);
}

static bool setting_value(const char *name, char *value, size_t value_size)
{
	struct config *c = config_visible();
	int index = settings_index(name);
	bool found = c && index >= 0;
	if (found)
		settings_format(&c->settings, (size_t)index, value, value_size);
	config_unref(c);
	return found;
}

bool console_variable_get(const char *name, char *value, size_t value_size, bool *is_number)
{
	const char *fixed = variable_value(name);
	if (fixed)
		snprintf(value, value_size, "%s", fixed);
	else if (!setting_value(name, value, value_size))
		return false;
	*is_number = *value && strlen(value) < 19 && value[strspn(value, "0123456789")] == '\0';
	return true;
}

static const char *name_at(const void *unused, size_t index)
{
	(void)unused;
	if (index < N_VARIABLES)
		return variables[index].name;
	const struct setting_info *info = settings_info(index - N_VARIABLES);
	return info ? info->name : NULL;
}

const char *console_variable_nearest(const char *name)
{
	return nearest_name(name, name_at, NULL);
}

static const struct table_column name_value_columns[] = {
	{"Variable_name", COLUMN_TEXT, "name"},
	{"Value", COLUMN_TEXT, "value"},
};

static void produce_variables(struct table_rows *rows)
{
	const char *name;
	for (size_t i = 0; (name = name_at(NULL, i)); i++) {
		char value[600];
		bool is_number;
		if (!console_variable_get(name, value, sizeof value, &is_number))
			continue;
		rows_text(rows, name);
		rows_text(rows, value);
	}
}

const struct console_table table_variables = {"console_variables", "variables that clients ask for, and the settings",
					      COLUMNS(name_value_columns), produce_variables, true};

static void row_of_status(struct table_rows *rows, const char *name, uint64_t value)
{
	char text[32];
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	rows_text(rows, name);
	rows_text(rows, text);
}

static uint64_t now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static uint64_t started;

__attribute__((constructor)) static void note_start(void)
{
	started = now_s();
}

static void produce_status(struct table_rows *rows)
{
	uint64_t clients = 0, accepted = 0, commands = 0, received = 0, sent = 0, refused = 0, running = 0;
	for (unsigned w = 0; w < stats_workers(); w++) {
		const struct worker_stats *s = stats_worker(w);
		clients += stat_get(&s->clients);
		accepted += stat_get(&s->accepted);
		commands += stat_get(&s->commands);
		received += stat_get(&s->bytes_from_clients);
		sent += stat_get(&s->bytes_to_clients);
		refused += stat_get(&s->logins_refused);
		for (unsigned slot = 0; slot < SERVERS_MAX; slot++)
			running += stat_get(&s->servers[slot].running);
	}
	row_of_status(rows, "Aborted_connects", refused);
	row_of_status(rows, "Bytes_received", received);
	row_of_status(rows, "Bytes_sent", sent);
	row_of_status(rows, "Connections", accepted);
	row_of_status(rows, "Flush_commands", 0);
	row_of_status(rows, "Open_tables", 0);
	row_of_status(rows, "Opened_tables", 0);
	row_of_status(rows, "Queries", commands);
	row_of_status(rows, "Questions", commands);
	row_of_status(rows, "Slow_queries", 0);
	row_of_status(rows, "Threads_connected", clients);
	row_of_status(rows, "Threads_running", running);
	row_of_status(rows, "Uptime", now_s() > started ? now_s() - started : 1);
	rows_text(rows, "Ssl_cipher");
	rows_text(rows, "");
}

const struct console_table table_status = {"console_status", "counters under the names that MySQL has for them",
					   COLUMNS(name_value_columns), produce_status, true};
