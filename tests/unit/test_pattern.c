/* Patterns of rules, their replacements, and their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/pattern.h"

static char error[256];
static struct pattern_room *room;

static struct pattern *compiled(const char *text)
{
	struct pattern *p = pattern_compile(text, error, sizeof error);
	if (!p)
		fail_msg("%s: %s", text, error);
	return p;
}

static enum pattern_result match(const char *pattern, const char *text)
{
	struct pattern *p = compiled(pattern);
	enum pattern_result got = pattern_match(p, room, view_of(text));
	pattern_destroy(p);
	return got;
}

static void test_letters_match_in_either_case_and_a_dot_matches_every_byte(void **state)
{
	(void)state;
	assert_int_equal(match("^select .*from", "SELECT 1\nFROM t"), PATTERN_YES);
	assert_int_equal(match("(?-i)^select", "SELECT 1"), PATTERN_NO);
	assert_int_equal(match("^.$", "\xff"), PATTERN_YES);
	assert_int_equal(match("^$", ""), PATTERN_YES);
}

static void test_a_bad_pattern_is_refused_with_its_position(void **state)
{
	(void)state;
	assert_null(pattern_compile("a(b", error, sizeof error));
	assert_string_equal(error, "missing closing parenthesis, at byte 4");
	assert_null(pattern_compile("(*UTF)a", error, sizeof error));
	char *longer = malloc(PATTERN_MAX + 2);
	memset(longer, 'a', PATTERN_MAX + 1);
	longer[PATTERN_MAX + 1] = '\0';
	assert_null(pattern_compile(longer, error, sizeof error));
	free(longer);
}

static void test_a_pattern_without_end_gives_up(void **state)
{
	(void)state;
	static const char *const patterns[] = {"(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"};
	char *text = malloc(PATTERN_TEXT_MAX + 1);
	memset(text, 'a', PATTERN_TEXT_MAX);
	text[PATTERN_TEXT_MAX - 1] = '!';
	text[PATTERN_TEXT_MAX] = '\0';
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		assert_int_equal(match(patterns[i], text), PATTERN_GAVE_UP);
	free(text);
}

static void test_replacements_name_groups_that_there_are(void **state)
{
	(void)state;
	static const struct {
		const char *with;
		bool fine;
	} rows[] = {{"$1 ${one} $one $$ $0", true}, {"a\\b", true}, {"$2", false}, {"$", false},   {"${1", false},
	            {"${two}", false},              {"$x", false},  {"${}", false}, {"$*", false}, {"$99999999999999999999", false}};
	struct pattern *p = compiled("a(?<one>b)");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (pattern_check_replacement(p, rows[i].with, error, sizeof error) != rows[i].fine)
			fail_msg("%s", rows[i].with);
	assert_false(pattern_check_replacement(p, "ab$2", error, sizeof error));
	assert_string_equal(error, "the pattern has no such group (a dollar sign is written $$), at byte 3");
	pattern_destroy(p);
}

static void test_every_match_is_replaced_and_what_has_no_room_is_not(void **state)
{
	(void)state;
	struct buf out;
	struct pattern *p = compiled("\\bold(\\d)");
	buf_init(&out, 64);
	assert_int_equal(pattern_replace(p, room, view_of("SELECT * FROM old1, OLD2"), "new$1$$", &out), PATTERN_YES);
	assert_true(view_equal((struct view){buf_data(&out), buf_len(&out)}, view_of("SELECT * FROM new1$, new2$")));
	size_t len = buf_len(&out);
	assert_int_equal(pattern_replace(p, room, view_of("SELECT 1"), "new", &out), PATTERN_NO);
	assert_int_equal(pattern_replace(p, room, view_of("old1 old2 old3 old4 old5"), "much longer than it was", &out),
	                 PATTERN_GAVE_UP);
	assert_int_equal(buf_len(&out), len);
	buf_finish(&out);
	pattern_destroy(p);
}

static int set_up(void **state)
{
	(void)state;
	room = pattern_room_create();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pattern_room_destroy(room);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters_match_in_either_case_and_a_dot_matches_every_byte),
		cmocka_unit_test(test_a_bad_pattern_is_refused_with_its_position),
		cmocka_unit_test(test_a_pattern_without_end_gives_up),
		cmocka_unit_test(test_replacements_name_groups_that_there_are),
		cmocka_unit_test(test_every_match_is_replaced_and_what_has_no_room_is_not),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
