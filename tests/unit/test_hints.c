/* What a client may ask of the route, in wye's own words and in those of other proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "router/hints.h"

static struct hints read_comment(const char *text)
{
	struct hints h;
	memset(&h, 0, sizeof h);
	hints_read_comment(&h, view_of(text));
	return h;
}

static void assert_view(struct view v, const char *text)
{
	assert_int_equal(v.len, strlen(text));
	assert_memory_equal(v.p, text, v.len);
}

static void test_a_comment_holds_several_hints(void **state)
{
	(void)state;
	struct hints h = read_comment(" wye: replica, timeout=250ms max_lag = 2 ,causal_key='cart 7'"
	                              " consistency=GLOBAL ");
	assert_true(h.given && h.replica && !h.primary && h.has_max_lag);
	assert_int_equal(h.timeout, 250000);
	assert_int_equal(h.max_lag, 2000000);
	assert_int_equal(h.consistency, HINT_CONSISTENCY_GLOBAL);
	assert_view(h.causal_key, "cart 7");
	assert_int_equal(h.ignored, 0);
	h = read_comment("wye:server=[::1]:3307;primary");
	assert_true(h.primary);
	assert_view(h.server, "[::1]:3307");
}

static void test_times_have_units_and_mean_seconds_without(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t us;
	} times[] = {{"wye: timeout=3", 3000000},    {"wye: timeout=1.5s", 1500000}, {"wye: timeout=7us", 7},
	             {"wye: timeout=2m", 120000000}, {"wye: timeout=0.25", 250000},  {"wye: timeout=1h", 3600000000}};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		assert_int_equal(read_comment(times[i].text).timeout, times[i].us);
}

static void test_what_is_not_understood_is_counted_and_means_nothing(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "wye: primarily",     "wye: timeout=soon",   "wye: timeout=-1",   "wye: timeout=5 parsecs=3",
	    "wye: max_lag=9999h", "wye: consistency=ok", "wye: color=red",    "maxscale begin route to master",
	    ";hostgroup=77",      "#mycat:sql=x", "vt+ ALLOW_SCATTER", "wye: timeout=99999999999999999999s"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct hints h = read_comment(wrong[i]);
		if (!h.given || h.ignored != 1 || h.primary || h.replica || h.has_max_lag || h.consistency)
			fail_msg("%s: ignored %u", wrong[i], h.ignored);
	}
	static const char *const plain[] = {"", " ", "wye", "masters of the universe", "a master", "wyeth: primary",
	                                    "traceparent='00-01',route='primary'", "to", "vt", ";", "NO LOAD"};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		struct hints h = read_comment(plain[i]);
		if (h.given || h.ignored || h.primary || h.replica)
			fail_msg("%s is a hint", plain[i]);
	}
}

static void test_the_spellings_of_other_proxies(void **state)
{
	(void)state;
	static const char *const primaries[] = {
	    "master",          "MASTER",         "FORCE_MASTER", "to master",       "#mode=READWRITE",
	    "#mycat:db_type=master", "maxscale route to master", ";hostgroup=10", "ms=master", "vt+ ROLE=PRIMARY",
	    "SHARDINGSPHERE_HINT: WRITE_ROUTE_ONLY=true", "pgdog_role: primary", "NO LOAD BALANCE", "@writer"};
	static const char *const replicas[] = {"FORCE_SLAVE",     "to slave",         "#mode=READONLY",
	                                       "#mycat:db_type=slave", "maxscale route to slave", ";hostgroup=20",
	                                       "ms=slave",        "vt+ ROLE=REPLICA", "pgdog_role: replica",
	                                       "@reader"};
	for (size_t i = 0; i < sizeof primaries / sizeof *primaries; i++) {
		struct hints h = read_comment(primaries[i]);
		if (!h.primary || h.replica || h.ignored)
			fail_msg("%s", primaries[i]);
	}
	for (size_t i = 0; i < sizeof replicas / sizeof *replicas; i++) {
		struct hints h = read_comment(replicas[i]);
		if (h.primary || !h.replica || h.ignored)
			fail_msg("%s", replicas[i]);
	}
	assert_view(read_comment("maxscale route to server db2").server, "db2");
	assert_view(read_comment("force_node='db2:3306'").server, "db2:3306");
	assert_view(read_comment("to server db2").server, "db2");
	assert_int_equal(read_comment("maxscale max_slave_replication_lag=3").max_lag, 3000000);
	struct hints h = read_comment(";max_lag_ms=1500;query_timeout=20");
	assert_int_equal(h.max_lag, 1500000);
	assert_int_equal(h.timeout, 20000);
	assert_int_equal(read_comment("vt+ QUERY_TIMEOUT_MS=20").timeout, 20000);
}

static void test_a_session_s_wishes_hold_where_the_statement_has_none(void **state)
{
	(void)state;
	struct hints session = {0}, h = read_comment("wye: replica");
	assert_true(hints_set(&session, view_of("route"), view_of("primary")));
	assert_true(hints_set(&session, view_of("consistency"), view_of("eventual")));
	assert_true(hints_set(&session, view_of("timeout"), view_of("2")));
	assert_false(hints_set(&session, view_of("colour"), view_of("red")));
	hints_inherit(&h, &session);
	assert_true(h.replica && !h.primary);
	assert_int_equal(h.consistency, HINT_CONSISTENCY_EVENTUAL);
	assert_int_equal(h.timeout, 2000000);
	assert_true(hints_set(&session, view_of("route"), view_of("auto")));
	assert_true(hints_set(&session, view_of("timeout"), view_of("")));
	assert_true(hints_set(&session, view_of("consistency"), view_of("")));
	assert_true(!session.primary && !session.timeout && !session.consistency);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_comment_holds_several_hints),
	    cmocka_unit_test(test_times_have_units_and_mean_seconds_without),
	    cmocka_unit_test(test_what_is_not_understood_is_counted_and_means_nothing),
	    cmocka_unit_test(test_the_spellings_of_other_proxies),
	    cmocka_unit_test(test_a_session_s_wishes_hold_where_the_statement_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
