/* What a session has on its pinned connection by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "router/bound.h"

static struct bound b;

static int create(void **state)
{
	(void)state;
	bound_init(&b);
	return 0;
}

static int destroy(void **state)
{
	(void)state;
	bound_finish(&b);
	return 0;
}

static struct bound_name named(enum bound_kind kind, const char *schema, const char *name)
{
	return (struct bound_name){.kind = kind, .schema = view_of(schema), .name = view_of(name)};
}

static void add(enum bound_kind kind, const char *schema, const char *name)
{
	struct bound_name n = named(kind, schema, name);
	bound_add(&b, &n);
}

static void take_away(enum bound_kind kind, const char *schema, const char *name)
{
	struct bound_name n = named(kind, schema, name);
	bound_remove(&b, &n);
}

/* All names, as "kind:schema.name " each. */
static void expect(const char *expected)
{
	char got[400] = "";
	struct bound_name n;
	for (size_t at = 0; bound_next(&b, &at, &n);)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%d:%.*s.%.*s ", n.kind,
		         (int)n.schema.len, (const char *)n.schema.p, (int)n.name.len, (const char *)n.name.p);
	assert_string_equal(got, expected);
}

static void test_a_kind_is_there_until_its_last_name_goes(void **state)
{
	(void)state;
	assert_false(bound_has(&b, BOUND_TEMPORARY));
	add(BOUND_TEMPORARY, "app", "t");
	add(BOUND_HANDLER, "", "t");
	add(BOUND_TEMPORARY, "app", "u");
	add(BOUND_TEMPORARY, "app", "t");
	expect("2:.t 0:app.u 0:app.t ");
	take_away(BOUND_TEMPORARY, "app", "u");
	take_away(BOUND_TEMPORARY, "app", "no such");
	assert_true(bound_has(&b, BOUND_TEMPORARY));
	take_away(BOUND_TEMPORARY, "app", "t");
	assert_false(bound_has(&b, BOUND_TEMPORARY));
	assert_true(bound_has(&b, BOUND_HANDLER));
	expect("2:.t ");
}

static void test_tables_are_told_apart_by_schema_and_case_other_names_are_not(void **state)
{
	(void)state;
	add(BOUND_TEMPORARY, "a", "t");
	take_away(BOUND_TEMPORARY, "b", "t");
	take_away(BOUND_TEMPORARY, "a", "T");
	assert_true(bound_has(&b, BOUND_TEMPORARY));
	add(BOUND_PREPARED, "", "Stmt");
	take_away(BOUND_PREPARED, "", "sTMT");
	assert_false(bound_has(&b, BOUND_PREPARED));
}

static void test_what_is_known_of_a_name_is_found_again(void **state)
{
	(void)state;
	struct bound_name n = named(BOUND_PREPARED, "", "s"), found;
	n.harmless = true;
	bound_add(&b, &n);
	assert_true(bound_find(&b, BOUND_PREPARED, view_of("S"), &found));
	assert_true(found.harmless);
	n.harmless = false;
	bound_add(&b, &n);
	assert_true(bound_find(&b, BOUND_PREPARED, view_of("s"), &found));
	assert_false(found.harmless);
	assert_false(bound_find(&b, BOUND_HANDLER, view_of("s"), &found));
}

static void test_too_many_names_or_none_make_a_kind_unknown(void **state)
{
	(void)state;
	char name[16];
	for (unsigned i = 0; i < BOUND_NAMES_MAX; i++) {
		snprintf(name, sizeof name, "t%u", i);
		add(BOUND_TEMPORARY, "", name);
	}
	assert_false(b.unknown[BOUND_TEMPORARY]);
	add(BOUND_TEMPORARY, "", "one more");
	assert_true(b.unknown[BOUND_TEMPORARY] && bound_has(&b, BOUND_TEMPORARY));
	expect("");
	/* Nothing but forgetting all of them ends that. */
	add(BOUND_TEMPORARY, "", "another");
	take_away(BOUND_TEMPORARY, "", "another");
	assert_true(bound_has(&b, BOUND_TEMPORARY));
	bound_forget(&b, BOUND_TEMPORARY);
	assert_false(bound_has(&b, BOUND_TEMPORARY));
	add(BOUND_LOCK, "", "");
	assert_true(b.unknown[BOUND_LOCK]);
}

static void test_names_that_do_not_fit_make_their_kind_unknown(void **state)
{
	(void)state;
	static char long_name[BOUND_BYTES_MAX / 2];
	memset(long_name, 'x', sizeof long_name - 1);
	add(BOUND_LOCK, "", long_name);
	assert_false(b.unknown[BOUND_LOCK]);
	add(BOUND_HANDLER, "", long_name);
	assert_true(b.unknown[BOUND_HANDLER]);
	assert_false(b.unknown[BOUND_LOCK]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_kind_is_there_until_its_last_name_goes),
	    TEST(test_tables_are_told_apart_by_schema_and_case_other_names_are_not),
	    TEST(test_what_is_known_of_a_name_is_found_again),
	    TEST(test_too_many_names_or_none_make_a_kind_unknown),
	    TEST(test_names_that_do_not_fit_make_their_kind_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
