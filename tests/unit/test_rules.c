/* Which rules match a statement, in which order, and what a rule may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/rules.h"

struct row {
	const char *texts[RULE_FIELD_COUNT];
};

static char error[512];
static struct rule_matcher *matcher;
static const char *digest_text;
static unsigned digest_texts_asked_for;

static const char *const *row_at(const void *rows, size_t i)
{
	return ((const struct row *)rows)[i].texts;
}

static struct rule_set *set_of(const struct row *rows, size_t n, const struct rule_set *before)
{
	struct rule_set *set = rule_set_create(row_at, rows, n, before, 1, error, sizeof error);
	if (!set)
		fail_msg("%s", error);
	return set;
}

#define SET_OF(rows) set_of(rows, sizeof(rows) / sizeof *(rows), NULL)

static struct view text_of_digest(void *unused)
{
	(void)unused;
	digest_texts_asked_for++;
	return view_of(digest_text);
}

static struct rule_subject subject_of(const char *text)
{
	static struct address client;
	address_parse(&client, "10.0.0.7");
	return (struct rule_subject){.user = view_of("app"),
				     .schema = view_of("shop"),
				     .text = view_of(text),
				     .client = &client,
				     .class = ROUTE_REPLICA,
				     .digest = 0x1234,
				     .digest_text = text_of_digest};
}

/* The ids of all that match, those that do not continue being no end. */
static const char *all(const struct rule_set *set, const struct rule_subject *s)
{
	static char ids[256];
	struct rule_cursor at = {0};
	const struct rule *r;
	size_t n = 0;
	*ids = '\0';
	while ((r = rules_next(set, &at, s, matcher)))
		n += (size_t)snprintf(ids + n, sizeof ids - n, "%s%u", n ? " " : "", r->id);
	return ids;
}

static void test_rules_match_by_everything_they_ask_for_in_order(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{{[RULE_ID] = "90"}},
		{{[RULE_ID] = "10", [RULE_USER] = "app", [RULE_SCHEMA] = "shop"}},
		{{[RULE_ID] = "11", [RULE_USER] = "APP"}},
		{{[RULE_ID] = "12", [RULE_SCHEMA] = ""}},
		{{[RULE_ID] = "20", [RULE_CLIENT] = "10.0.0.0/24"}},
		{{[RULE_ID] = "21", [RULE_CLIENT] = "10.0.1.0/24"}},
		{{[RULE_ID] = "30", [RULE_CLASS] = "replica"}},
		{{[RULE_ID] = "31", [RULE_CLASS] = "PRIMARY"}},
		{{[RULE_ID] = "40", [RULE_DIGEST] = "0000000000001234"}},
		{{[RULE_ID] = "41", [RULE_DIGEST] = "000000000000123f"}},
		{{[RULE_ID] = "50", [RULE_MATCH_PATTERN] = "from t$"}},
		{{[RULE_ID] = "51", [RULE_MATCH_PATTERN] = "from u$"}},
		{{[RULE_ID] = "60", [RULE_MATCH_DIGEST] = "^SELECT \\? FROM"}},
		{{[RULE_ID] = "70", [RULE_ENABLED] = "0"}},
		{{[RULE_ID] = "15", [RULE_DIGEST] = "0000000000001234", [RULE_USER] = "app"}},
	};
	struct rule_set *set = SET_OF(rows);
	struct rule_subject s = subject_of("SELECT 1 FROM t");
	digest_text = "SELECT ? FROM t";
	assert_string_equal(all(set, &s), "10 15 20 30 40 50 60 90");
	s.user = view_of("other");
	s.schema = view_of("");
	s.class = ROUTE_PRIMARY;
	s.digest = 0x123f;
	s.text = view_of("SELECT 1 FROM u");
	assert_string_equal(all(set, &s), "12 20 31 41 51 60 90");
	rule_set_unref(set);
}

static void test_a_pattern_on_digests_is_run_once_a_digest(void **state)
{
	(void)state;
	static const struct row rows[] = {{{[RULE_ID] = "1", [RULE_MATCH_DIGEST] = "FROM t"}},
					  {{[RULE_ID] = "2", [RULE_MATCH_DIGEST] = "FROM u"}}};
	struct rule_set *set = SET_OF(rows);
	struct rule_subject s = subject_of("");
	digest_texts_asked_for = 0;
	for (int i = 0; i < 10; i++) {
		digest_text = "SELECT ? FROM t";
		s.digest = 1 << 7;
		assert_string_equal(all(set, &s), "1");
		digest_text = "SELECT ? FROM u";
		s.digest = 2 << 7;
		assert_string_equal(all(set, &s), "2");
	}
	assert_int_equal(digest_texts_asked_for, 4);
	rule_set_unref(set);
	/* Another set's patterns are others. */
	set = set_of(rows + 1, 1, NULL);
	assert_string_equal(all(set, &s), "2");
	assert_int_equal(digest_texts_asked_for, 5);
	rule_set_unref(set);
}

static void test_a_subject_that_changed_goes_on_behind_the_rule_that_matched(void **state)
{
	(void)state;
	static const struct row rows[] = {{{[RULE_ID] = "1", [RULE_DIGEST] = "0000000000000005"}},
					  {{[RULE_ID] = "2"}},
					  {{[RULE_ID] = "3", [RULE_DIGEST] = "0000000000000005"}},
					  {{[RULE_ID] = "4", [RULE_DIGEST] = "0000000000000006"}}};
	struct rule_set *set = SET_OF(rows);
	struct rule_subject s = subject_of("");
	struct rule_cursor at = {0};
	s.digest = 5;
	assert_int_equal(rules_next(set, &at, &s, matcher)->id, 1);
	assert_int_equal(rules_next(set, &at, &s, matcher)->id, 2);
	s.digest = 6;
	assert_int_equal(rules_next(set, &at, &s, matcher)->id, 4);
	assert_null(rules_next(set, &at, &s, matcher));
	assert_null(rules_next(set, &at, &s, matcher));
	rule_set_unref(set);
}

static void test_hits_and_patterns_that_give_up_are_counted_and_outlive_the_set(void **state)
{
	(void)state;
	static const struct row rows[] = {{{[RULE_ID] = "1", [RULE_MATCH_PATTERN] = "(a+)+$"}},
					  {{[RULE_ID] = "2", [RULE_COMMENT] = "one"}},
					  {{[RULE_ID] = "3", [RULE_LOG] = "1"}}};
	static const struct row changed[] = {{{[RULE_ID] = "1", [RULE_MATCH_PATTERN] = "(a+)+$"}},
					     {{[RULE_ID] = "2", [RULE_COMMENT] = "two"}},
					     {{[RULE_ID] = "3", [RULE_LOG] = "0"}}};
	struct rule_set *set = SET_OF(rows);
	struct rule_subject s = subject_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	all(set, &s);
	s.worker = -1;
	all(set, &s);
	struct rule_set *next = set_of(changed, 3, set);
	rule_set_unref(set);
	assert_int_equal(next->rules[0].counts->failed, 1);
	assert_int_equal(next->rules[0].counts->hits, 0);
	assert_int_equal(next->rules[1].counts->hits, 1);
	assert_int_equal(next->rules[2].counts->hits, 0);
	rule_set_unref(next);
}

static void test_a_wrong_rule_is_named_with_its_column_and_what_is_allowed(void **state)
{
	(void)state;
	static const struct {
		struct row row;
		const char *says;
	} wrong[] = {
		{{{[RULE_ID] = "0"}}, "id of rule 0 is '0'; allowed: 1 to 1000000000"},
		{{{[RULE_ID] = "7", [RULE_CLASS] = "write"}}, "class of rule 7 is 'write'; allowed: replica, primary"},
		{{{[RULE_ID] = "7", [RULE_MATCH_PATTERN] = "a(b"}},
		 "match_pattern of rule 7 is 'a(b'; missing closing parenthesis, at byte 4"},
		{{{[RULE_ID] = "7", [RULE_MATCH_PATTERN] = "a", [RULE_REWRITE] = "$1"}}, "rewrite of rule 7 is '$1'; the pattern"},
		{{{[RULE_ID] = "7", [RULE_REWRITE] = "x"}}, "with a match_pattern"},
		{{{[RULE_ID] = "7", [RULE_TIMEOUT] = "1 day"}}, "a time such as 500ms"},
		{{{[RULE_ID] = "7", [RULE_TIMEOUT] = ""}}, "a time such as 500ms"},
		{{{[RULE_ID] = "7", [RULE_CONSISTENCY] = "strong"}}, "eventual, session, global or primary"},
		{{{[RULE_ID] = "7", [RULE_ROUTE] = "replicas"}}, "primary, replica, or a server's address"},
		{{{[RULE_ID] = "7", [RULE_DIGEST] = "12"}}, "16 hexadecimal digits"},
		{{{[RULE_ID] = "7", [RULE_CLIENT] = "10.0.0.1/8"}}, "outside its /8"},
		{{{[RULE_ID] = "7", [RULE_LOG] = "yes"}}, "0 or 1"},
		{{{[RULE_ID] = "7", [RULE_DENY] = "no", [RULE_ROUTE] = "primary"}}, "rule 7: deny"},
		{{{[RULE_ID] = "7", [RULE_MIRROR] = "somewhere"}}, "HOST:PORT of a row of servers"},
		{{{[RULE_ID] = "7", [RULE_DENY] = "no", [RULE_MIRROR] = "db9:3306"}}, "rule 7: deny"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct rule_set *set = rule_set_create(row_at, &wrong[i].row, 1, NULL, 1, error, sizeof error);
		if (set || !strstr(error, wrong[i].says))
			fail_msg("%zu: '%s' has not '%s'", i, error, wrong[i].says);
	}
}

static void test_a_thousand_rules_of_other_users_and_digests_cost_little(void **state)
{
	(void)state;
	static struct row rows[1000];
	static char ids[1000][8], users[1000][16], digests[1000][20];
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(ids[i], sizeof ids[i], "%u", i + 1);
		snprintf(users[i], sizeof users[i], "user%u", i);
		snprintf(digests[i], sizeof digests[i], "%016x", i + 1000000);
		rows[i].texts[RULE_ID] = ids[i];
		rows[i].texts[i % 2 ? RULE_USER : RULE_DIGEST] = i % 2 ? users[i] : digests[i];
	}
	struct rule_set *set = SET_OF(rows);
	assert_int_equal(set->n_general, 500);
	assert_int_equal(set->n_by_digest, 500);
	struct rule_subject s = subject_of("SELECT 1");
	assert_string_equal(all(set, &s), "");
	s.user = view_of("user501");
	s.digest = 1000500;
	assert_string_equal(all(set, &s), "501 502");
	rule_set_unref(set);
}

static int set_up(void **state)
{
	(void)state;
	matcher = rule_matcher_create();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rule_matcher_destroy(matcher);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_match_by_everything_they_ask_for_in_order),
		cmocka_unit_test(test_a_pattern_on_digests_is_run_once_a_digest),
		cmocka_unit_test(test_a_subject_that_changed_goes_on_behind_the_rule_that_matched),
		cmocka_unit_test(test_hits_and_patterns_that_give_up_are_counted_and_outlive_the_set),
		cmocka_unit_test(test_a_wrong_rule_is_named_with_its_column_and_what_is_allowed),
		cmocka_unit_test(test_a_thousand_rules_of_other_users_and_digests_cost_little),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
