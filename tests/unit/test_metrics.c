/* The text that Prometheus reads: well-formed, complete, and right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/metrics.h"
#include "proxy/metrics_text.h"
#include "tests/unit/console_fakes.h"

static char *text, *reference;

/* A read on the first replica. */
static void note(unsigned worker, uint64_t us, uint64_t queue_us)
{
	const struct statement_done done = {.slot = 1, .class = STATEMENT_READ, .now_us = 1,
					    .part_us = {[PART_ALL] = us, [PART_SERVER] = us - queue_us, [PART_QUEUE] = queue_us}};
	struct statement_id id = {.digest = 9, .slot = 1, .text = "SELECT ?"};
	struct tally_ticket ticket;
	if (!tally_find(fake_statements[worker].digests, 9, &ticket))
		ticket = tally_add(fake_statements[worker].digests, 9, &id, 2);
	statement_note(&fake_statements[worker], ticket, &done);
}

static int write_all(void **state)
{
	size_t size;
	(void)state;
	fake_start();
	fake_settings.proxysql_metrics = true;
	fake_publish(SERVER_STATE_UP);
	note(0, 40, 0);
	note(0, 1000, 300);
	note(1, 70000000, 0);
	event_note(LOG_LEVEL_DEBUG, "server-up", "db0:3306", "answers");
	event_note(LOG_LEVEL_DEBUG, "server-up", "db1:3306", "answers");
	FILE *out = open_memstream(&text, &size);
	metric_reference = open_memstream(&reference, &size);
	metrics_write(out);
	fclose(metric_reference);
	metric_reference = NULL;
	fclose(out);
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	free(text);
	free(reference);
	config_stop();
	return 0;
}

static void test_every_sample_follows_the_help_and_type_of_its_name(void **state)
{
	(void)state;
	bool typed = false, histogram = false;
	char name[128] = "", seen[16384] = "", *copy = strdup(text), *rest = copy, *line;
	assert_int_equal(text[strlen(text) - 1], '\n');
	while ((line = strsep(&rest, "\n")) && (*line || rest)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 7, " "), line + 7);
			char key[130];
			snprintf(key, sizeof key, "|%s|", name);
			assert_null(strstr(seen, key)); /* a name is described once */
			strcat(seen, key);
			typed = false;
			assert_true(strlen(line) > 8 + strlen(name));
			continue;
		}
		char begin[160];
		snprintf(begin, sizeof begin, "# TYPE %s ", name);
		if (strncmp(line, begin, strlen(begin)) == 0) {
			const char *type = line + strlen(begin);
			bool counts = strcmp(type, "counter") == 0;
			histogram = strcmp(type, "histogram") == 0;
			assert_true(counts || histogram || strcmp(type, "gauge") == 0);
			assert_int_equal(counts, strcmp(name + strlen(name) - 6, "_total") == 0);
			typed = true;
			continue;
		}
		size_t n = strlen(name);
		assert_true(typed && strncmp(line, name, n) == 0);
		n += histogram ? strcspn(line + n, " {") : 0;
		assert_true(line[n] == ' ' || line[n] == '{');
		char *value = strrchr(line, ' '), *end;
		strtod(value + 1, &end);
		assert_true(end > value + 1 && !*end);
	}
	free(copy);
}

/* The names of the labels in {a="x",b="y"}, as the reference lists them; le is the histogram's own. */
static void labels_of(const char *sample, char *out)
{
	const char *at = strchr(sample, '{');
	*out = '\0';
	while (at && *at != '}') {
		size_t n = strcspn(++at, "=");
		if (n != 2 || strncmp(at, "le", 2) != 0)
			sprintf(out + strlen(out), "%s%.*s", *out ? ", " : "", (int)n, at);
		for (at += n + 2; *at != '"'; at++)
			at += *at == '\\';
		at++;
	}
}

static void test_every_sample_has_the_labels_that_the_reference_tells(void **state)
{
	char *copy = strdup(text), *rest = copy, *line, name[128] = "", labels[256], row[512];
	unsigned samples = 0;
	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "# TYPE ", 7) == 0)
			snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 7, " "), line + 7);
		if (!*line || *line == '#')
			continue;
		labels_of(line, labels);
		snprintf(row, sizeof row, "| `%s` | ", name);
		const char *told = strstr(reference, row);
		assert_non_null(told);
		told = strstr(told + strlen(row), " | ") + 3;
		if (strncmp(told, labels, strlen(labels)) != 0 || strncmp(told + strlen(labels), " | ", 3) != 0)
			fail_msg("%s: labels '%s', but the reference says %.60s", name, labels, told);
		samples++;
	}
	assert_true(samples > 50);
	free(copy);
}

static void test_counters_of_all_workers_are_added_up(void **state)
{
	static const char *const lines[] = {
		"\nwye_statements_total{route=\"replica\",reason=\"read\"} 15\n",
		"\nwye_statements_total{route=\"primary\",reason=\"write\"} 4\n",
		"\nwye_clients_connected 2\n",
		"\nwye_server_up{server=\"db0:3306\"} 1\n",
		"\nwye_server_primary{server=\"db0:3306\"} 1\n",
		"\nwye_server_takes_reads{server=\"db2:3306\"} 0\n",
		"\nwye_server_lag_seconds{server=\"db1:3306\"} 1.500000\n",
		"\nwye_server_statements_total{server=\"db1:3306\"} 10\n",
		"\nwye_connections{server=\"db1:3306\",state=\"used\"} 3\n",
		"\nwye_build_info{version=\"",
		"\nprocess_open_fds ",
		"\nwye_ready 1\n",
		"\nwye_events_total{kind=\"server-up\",level=\"debug\"} ",
		"\nwye_server_state{server=\"db2:3306\",state=\"lagging\"} 1\n",
		"\nproxysql_connpool_conns{endpoint=\"db1:3306\",hostgroup=\"20\",status=\"used\"} 3\n",
		"\nproxysql_connpool_conns_status{endpoint=\"db2:3306\",hostgroup=\"20\"} 2\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(text, lines[i]))
			fail_msg("missing: %s", lines[i]);
	assert_null(strstr(text, "wye_server_lag_seconds{server=\"db0:3306\"}")); /* not known */
	assert_null(strstr(text, "process_resident_memory_bytes 0\n"));
}

static void test_a_histogram_counts_each_time_once_and_in_all_larger_buckets(void **state)
{
	static const char *const lines[] = {
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"3.2e-05\"} 0\n",
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"6.4e-05\"} 1\n",
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"0.000512\"} 1\n",
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"0.001024\"} 2\n",
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"33.554432\"} 2\n",
		"wye_statement_duration_seconds_bucket{server=\"db1:3306\",class=\"read\",le=\"+Inf\"} 3\n",
		"wye_statement_duration_seconds_count{server=\"db1:3306\",class=\"read\"} 3\n",
		"wye_statement_part_seconds_bucket{server=\"db1:3306\",part=\"queue\",le=\"3.2e-05\"} 2\n",
		"wye_statement_part_seconds_bucket{server=\"db1:3306\",part=\"queue\",le=\"0.000512\"} 3\n",
		"wye_statement_part_seconds_count{server=\"db1:3306\",part=\"queue\"} 3\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(text, lines[i]))
			fail_msg("missing: %s", lines[i]);
	const char *sum = strstr(text, "wye_statement_duration_seconds_sum{server=\"db1:3306\",class=\"read\"} ");
	assert_true(sum && fabs(atof(strchr(sum, '}') + 2) - 70.00104) < 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_histogram_counts_each_time_once_and_in_all_larger_buckets, write_all,
						free_all),
		cmocka_unit_test_setup_teardown(test_every_sample_follows_the_help_and_type_of_its_name, write_all,
						free_all),
		cmocka_unit_test_setup_teardown(test_every_sample_has_the_labels_that_the_reference_tells, write_all, free_all),
		cmocka_unit_test_setup_teardown(test_counters_of_all_workers_are_added_up, write_all, free_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
