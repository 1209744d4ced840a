/* ProxySQL's patterns in wye's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/import/proxysql_pattern.h"
#include "router/pattern.h"

static bool matches(char *pattern, const char *text)
{
	char error[200];
	struct pattern *p = pattern_compile(pattern, error, sizeof error);
	if (!p)
		fail_msg("%s: %s", pattern, error);
	struct pattern_room *room = pattern_room_create();
	bool yes = pattern_match(p, room, view_of(text)) == PATTERN_YES;
	pattern_room_destroy(room);
	pattern_destroy(p);
	free(pattern);
	return yes;
}

static bool on_digest(const char *pattern, const char *text)
{
	return matches(proxysql_digest_pattern(pattern, true, false), text);
}

static void test_a_pattern_on_a_digest_matches_with_wyes_blanks(void **state)
{
	(void)state;
	assert_true(on_digest("^SELECT c FROM sbtest1 WHERE id=\\?$", "SELECT c FROM sbtest1 WHERE ID = ?"));
	assert_false(on_digest("^SELECT c FROM sbtest1 WHERE id=\\?$", "SELECT c FROM sbtest1 WHERE ID = ? AND a = ?"));
	assert_true(on_digest("INSERT INTO t \\(a,b\\) VALUES \\(\\?,\\?\\)", "INSERT INTO t(a, b) VALUES (...)"));
	assert_true(on_digest("WHERE x IN \\(\\?,\\?,...\\)", "SELECT a FROM t WHERE x IN (...)"));
	assert_true(on_digest("^SELECT a,b FROM t", "SELECT a, b FROM t"));
	assert_true(on_digest("^(?:SELECT|SHOW) +[a-z,]+ FROM", "SELECT a FROM t"));
	assert_true(on_digest("a{2,3}=?", "aa"));
	assert_true(on_digest("^SELECT.*FOR UPDATE$", "SELECT a FROM t FOR UPDATE"));
}

static void test_case_and_negation_are_kept(void **state)
{
	(void)state;
	assert_true(matches(proxysql_digest_pattern("from T", false, false), "x from T"));
	assert_false(matches(proxysql_digest_pattern("from T", false, false), "x FROM T"));
	assert_true(matches(proxysql_text_pattern("^SELECT", true, true), "UPDATE t SET a = 'SELECT'"));
	assert_false(matches(proxysql_text_pattern("^SELECT", true, true), "select 1"));
	assert_false(matches(proxysql_text_pattern("carts", true, true), "SELECT 1\nFROM carts"));
}

static void takes(char *made, const char *expected)
{
	if (expected)
		assert_string_equal(made, expected);
	else
		assert_null(made);
	free(made);
}

static void test_references_are_written_as_wye_has_them(void **state)
{
	(void)state;
	takes(proxysql_replacement("new_\\1 costs $5"), "new_${1} costs $$5");
	takes(proxysql_replacement("a\\\\b"), "a\\b");
}

static void test_an_address_becomes_a_range_where_there_is_one(void **state)
{
	(void)state;
	takes(proxysql_address("10.1.2.3"), "10.1.2.3");
	takes(proxysql_address("10.%"), "10.0.0.0/8");
	takes(proxysql_address("10.1.%"), "10.1.0.0/16");
	takes(proxysql_address("10.1.2.%"), "10.1.2.0/24");
	takes(proxysql_address("10.1%"), NULL);
	takes(proxysql_address("%"), NULL);
	takes(proxysql_address("web_.%"), NULL);
}

static void gives(const char *pattern, const char *const *expected)
{
	char *examples[PROXYSQL_EXAMPLES_MAX];
	size_t n = proxysql_examples(pattern, examples), i = 0;
	for (; i < n; i++) {
		assert_non_null(expected[i]);
		assert_string_equal(examples[i], expected[i]);
		free(examples[i]);
	}
	assert_null(expected[i]);
}

static void test_a_pattern_tells_by_each_alternative_what_it_is_for(void **state)
{
	(void)state;
	gives("^SELECT a FROM t WHERE id=\\?$", (const char *[]){"SELECT a FROM t WHERE id=?", NULL});
	gives("^SELECT.*(carts|FOR UPDATE)", (const char *[]){"SELECT carts", "SELECT FOR UPDATE", NULL});
	gives("^\\s*(?:INSERT|UPDATE)\\b", (const char *[]){" INSERT", " UPDATE", NULL});
	gives("[xyz]+\\d(?=a)b", (const char *[]){"x1b", NULL});
}

/* Whatever a pattern is, nothing is read behind its end. */
static void test_broken_patterns_end(void **state)
{
	(void)state;
	static const char *const broken[] = {"", "(", "((((", "[", "[^", "[]", "\\", "a{", "(?", "(?:", "|", "a|", "()", "*", ")", "a)b",
					     "\\(\\?,", "(?<"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		char *examples[PROXYSQL_EXAMPLES_MAX];
		size_t n = proxysql_examples(broken[i], examples);
		while (n)
			free(examples[--n]);
		free(proxysql_digest_pattern(broken[i], true, true));
		free(proxysql_replacement(broken[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pattern_on_a_digest_matches_with_wyes_blanks),
		cmocka_unit_test(test_case_and_negation_are_kept),
		cmocka_unit_test(test_references_are_written_as_wye_has_them),
		cmocka_unit_test(test_an_address_becomes_a_range_where_there_is_one),
		cmocka_unit_test(test_a_pattern_tells_by_each_alternative_what_it_is_for),
		cmocka_unit_test(test_broken_patterns_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
