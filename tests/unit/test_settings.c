/* The table of settings: defaults, units, bounds and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/settings.h"

static char error[320];

static size_t index_of(const char *name)
{
	for (size_t i = 0; settings_info(i); i++)
		if (strcmp(settings_info(i)->name, name) == 0)
			return i;
	fail_msg("no setting %s", name);
	return 0;
}

static void test_every_default_is_written_as_it_is_formatted(void **state)
{
	(void)state;
	struct settings s;
	settings_default(&s);
	for (size_t i = 0; settings_info(i); i++) {
		char text[600];
		settings_format(&s, i, text, sizeof text);
		assert_string_equal(text, settings_info(i)->default_text);
		assert_true(*settings_info(i)->description);
		assert_true(*settings_info(i)->unit);
	}
	assert_int_equal(s.max_lag, 10000000);
	assert_int_equal(s.max_packet, 1 << 30);
	assert_int_equal(s.consistency, CONSISTENCY_SESSION);
	assert_true(s.client_tls);
}

static void test_values_are_taken_with_units_and_a_bare_number_has_the_rows_unit(void **state)
{
	static const struct {
		const char *name, *value, *formatted;
	} cases[] = {
		{"max_lag", "500ms", "500ms"},
		{"max_lag", "7", "7s"},
		{"monitor_interval", "250", "250ms"},
		{"idle_timeout", "90m", "90m"},
		{"idle_timeout", "0", "0"},
		{"max_packet", "64M", "64M"},
		{"max_packet", "67108864", "64M"},
		{"max_packet", "64MiB", "64M"},
		{"max_lag", "1.5s", "1500ms"},
		{"client_tls", "NO", "off"},
		{"consistency", "Global", "global"},
		{"MAX_LAG", "1m", "1m"},
		{"server_ca", "/etc/ca.pem", "/etc/ca.pem"},
	};
	(void)state;
	struct settings s;
	settings_default(&s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[600], lower[32] = "";
		for (size_t k = 0; cases[i].name[k]; k++)
			lower[k] = (char)(cases[i].name[k] | 0x20);
		for (size_t k = 0; lower[k]; k++)
			if (cases[i].name[k] == '_')
				lower[k] = '_';
		assert_true(settings_set(&s, cases[i].name, cases[i].value, error, sizeof error));
		settings_format(&s, index_of(lower), text, sizeof text);
		assert_string_equal(text, cases[i].formatted);
	}
}

static void test_a_refusal_says_what_is_wrong_and_changes_nothing(void **state)
{
	static const struct {
		const char *name, *value, *says;
	} cases[] = {
		{"max_lagg", "1s", "did you mean 'max_lag'"},
		{"nonsense_here", "1", "there is no setting 'nonsense_here'"},
		{"max_lag", "soon", "'soon' is not a time; allowed: 10ms to 365d, for example 10s"},
		{"max_lag", "10x", "is not a time"},
		{"max_lag", "-1", "is not a time"},
		{"max_lag", "0x10", "is not a time"},
		{"max_lag", "", "is not a time"},
		{"max_lag", "1e999", "is out of range"},
		{"max_lag", "nan", "is not a time"},
		{"max_packet", "5", "out of range; allowed: 1M to 1G"},
		{"max_packet", "5Mx", "is not a size"},
		{"threads", "65", "allowed: 0 to 64"},
		{"threads", "4s", "is not a number"},
		{"client_tls", "maybe", "allowed: on, off"},
		{"consistency", "sesion", "did you mean 'session'"},
		{"consistency", "x", "allowed: eventual|session|global|primary"},
	};
	(void)state;
	struct settings s, before;
	settings_default(&s);
	before = s;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_false(settings_set(&s, cases[i].name, cases[i].value, error, sizeof error));
		if (!strstr(error, cases[i].says))
			fail_msg("%s=%s: %s", cases[i].name, cases[i].value, error);
	}
	char longer[1000];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_false(settings_set(&s, "server_version", longer, error, sizeof error));
	assert_non_null(strstr(error, "at most 63"));
	assert_memory_equal(&s, &before, sizeof s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_default_is_written_as_it_is_formatted),
		cmocka_unit_test(test_values_are_taken_with_units_and_a_bare_number_has_the_rows_unit),
		cmocka_unit_test(test_a_refusal_says_what_is_wrong_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
