/* The set of stored functions and views that wye knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/objects.h"

static void put(struct object_set *set, enum object_kind kind, const char *name, enum object_access access)
{
	assert_true(object_set_put(set, kind, view_of("Shop"), view_of(name), access));
}

static enum object_access function_of(const struct object_set *set, const char *schema, const char *name)
{
	const struct catalog *c = object_set_catalog(set);
	return c->function(c, view_of(schema), view_of(name));
}

static void test_names_are_found_in_any_case(void **state)
{
	(void)state;
	struct object_set *set = object_set_create();
	put(set, OBJECT_FUNCTION, "Total", OBJECT_READS);
	assert_int_equal(function_of(set, "shop", "TOTAL"), OBJECT_READS);
	assert_int_equal(function_of(set, "shop", "tota"), OBJECT_UNKNOWN);
	assert_int_equal(function_of(set, "shopt", "otal"), OBJECT_UNKNOWN);
	assert_int_equal(function_of(set, "", "total"), OBJECT_UNKNOWN);
	put(set, OBJECT_FUNCTION, "total", OBJECT_WRITES);
	assert_int_equal(function_of(set, "shop", "total"), OBJECT_WRITES);
	assert_int_equal(object_set_count(set, OBJECT_FUNCTION, OBJECT_READS), 0);
	object_set_unref(set);
}

static void test_names_are_looked_at_only_where_a_view_writes(void **state)
{
	(void)state;
	struct object_set *set = object_set_create();
	put(set, OBJECT_VIEW, "v", OBJECT_READS);
	assert_null(object_set_catalog(set)->relation);
	put(set, OBJECT_VIEW, "w", OBJECT_WRITES);
	const struct catalog *c = object_set_catalog(set);
	assert_int_equal(c->relation(c, view_of("SHOP"), view_of("w")), OBJECT_WRITES);
	assert_int_equal(c->relation(c, view_of("SHOP"), view_of("v")), OBJECT_READS);
	assert_int_equal(function_of(set, "shop", "w"), OBJECT_UNKNOWN);
	object_set_unref(set);
}

static void fill(struct object_set *set, unsigned from, unsigned step)
{
	char name[32];
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "f%u", (from + i * step) % 5000);
		put(set, OBJECT_FUNCTION, name, OBJECT_READS);
	}
}

static void test_equal_sets_need_not_be_built_in_the_same_order(void **state)
{
	(void)state;
	struct object_set *a = object_set_create(), *b = object_set_create();
	fill(a, 0, 1);
	fill(b, 7, 3);
	assert_true(object_set_equal(a, b));
	assert_int_equal(function_of(b, "shop", "f4999"), OBJECT_READS);
	put(b, OBJECT_FUNCTION, "f1", OBJECT_WRITES);
	assert_false(object_set_equal(a, b));
	assert_false(object_set_equal(a, NULL));
	assert_true(object_set_equal(NULL, NULL));
	object_set_unref(a);
	object_set_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_are_found_in_any_case),
	    cmocka_unit_test(test_names_are_looked_at_only_where_a_view_writes),
	    cmocka_unit_test(test_equal_sets_need_not_be_built_in_the_same_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
