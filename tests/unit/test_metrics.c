/* The text that Prometheus reads: well-formed, complete, and right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ctype.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/metrics.h"
#include "tests/unit/console_fakes.h"

static char *text;

static int write_all(void **state)
{
	size_t size;
	(void)state;
	fake_start();
	FILE *out = open_memstream(&text, &size);
	metrics_write(out);
	fclose(out);
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	free(text);
	config_stop();
	return 0;
}

static void test_every_sample_follows_the_help_and_type_of_its_name(void **state)
{
	(void)state;
	char name[128] = "", seen[16384] = "", *copy = strdup(text), *rest = copy, *line;
	bool typed = false;
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
			assert_true(counts || strcmp(type, "gauge") == 0);
			assert_int_equal(counts, strcmp(name + strlen(name) - 6, "_total") == 0);
			typed = true;
			continue;
		}
		size_t n = strlen(name);
		assert_true(typed && strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == '{'));
		char *value = strrchr(line, ' '), *end;
		strtod(value + 1, &end);
		assert_true(end > value + 1 && !*end);
	}
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
		"\nwye_info{version=\"",
		"\nprocess_open_fds ",
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(text, lines[i]))
			fail_msg("missing: %s", lines[i]);
	assert_null(strstr(text, "wye_server_lag_seconds{server=\"db0:3306\"}")); /* not known */
	assert_null(strstr(text, "process_resident_memory_bytes 0\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_sample_follows_the_help_and_type_of_its_name, write_all,
						free_all),
		cmocka_unit_test_setup_teardown(test_counters_of_all_workers_are_added_up, write_all, free_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
