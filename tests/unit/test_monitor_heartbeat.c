/* How far behind a replica is by the beats it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/monitor_heartbeat.h"

#define SECOND INT64_C(1000000)

static void test_who_has_the_newest_beat_is_not_behind(void **state)
{
	(void)state;
	assert_int_equal(heartbeat_behind(10 * SECOND, 10 * SECOND, SECOND, 10 * SECOND + 5), 0);
	/* The primary stands still: nobody is late for that. */
	assert_int_equal(heartbeat_behind(10 * SECOND, 10 * SECOND, SECOND, 60 * SECOND), 0);
}

static void test_who_lacks_beats_is_behind_by_the_age_of_the_first_of_them(void **state)
{
	(void)state;
	assert_int_equal(heartbeat_behind(10 * SECOND, 15 * SECOND, SECOND, 15 * SECOND), 4 * SECOND);
	/* The next one has only just been written. */
	assert_int_equal(heartbeat_behind(10 * SECOND, 11 * SECOND, SECOND, 11 * SECOND), 0);
}

static void test_the_tables_name_is_quoted(void **state)
{
	(void)state;
	char quoted[HEARTBEAT_QUOTED_MAX];
	assert_true(heartbeat_quote("wye.heart`beat", quoted));
	assert_string_equal(quoted, "`wye`.`heart``beat`");
	assert_false(heartbeat_quote("heartbeat", quoted));
	assert_false(heartbeat_quote(".heartbeat", quoted));
	assert_false(heartbeat_quote("wye.", quoted));
	assert_false(heartbeat_quote("a.b.c", quoted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_has_the_newest_beat_is_not_behind),
		cmocka_unit_test(test_who_lacks_beats_is_behind_by_the_age_of_the_first_of_them),
		cmocka_unit_test(test_the_tables_name_is_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
