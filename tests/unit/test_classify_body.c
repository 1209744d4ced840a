/* What a stored function's body and a view's query tell of what they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "router/classify.h"

static const struct dialect mysql = {.flavor = FLAVOR_MYSQL, .version = 90704};
static const struct dialect mariadb = {.flavor = FLAVOR_MARIADB, .version = 110809};

static enum object_access function_access(const struct catalog *c, struct view schema, struct view name)
{
	(void)c;
	if (!view_equal(schema, view_of("d")))
		return OBJECT_UNKNOWN;
	return view_equal(name, view_of("good"))  ? OBJECT_READS
	       : view_equal(name, view_of("bad")) ? OBJECT_WRITES
	                                          : OBJECT_UNKNOWN;
}

static enum object_access relation_access(const struct catalog *c, struct view schema, struct view name)
{
	(void)c;
	return view_equal(schema, view_of("d")) && view_equal(name, view_of("v_bad")) ? OBJECT_WRITES
	                                                                             : OBJECT_UNKNOWN;
}

static const struct catalog catalog = {.function = function_access, .relation = relation_access};

static void check_functions(const char *const *bodies, size_t n, enum object_access expected)
{
	struct context context = {.catalog = &catalog, .schema = view_of("d")};
	for (size_t i = 0; i < n; i++) {
		enum object_access a = classify_function(view_of(bodies[i]), &mysql, &context);
		enum object_access b = classify_function(view_of(bodies[i]), &mariadb, &context);
		if (a != expected || b != expected)
			fail_msg("%d and %d, not %d: %s", (int)a, (int)b, (int)expected, bodies[i]);
	}
}
#define CHECK(expected, ...)                                                                                 \
	do {                                                                                                 \
		static const char *const bodies[] = {__VA_ARGS__};                                           \
		check_functions(bodies, sizeof bodies / sizeof *bodies, expected);                           \
	} while (0)

static void test_bodies_that_only_read(void **state)
{
	(void)state;
	CHECK(OBJECT_READS, "RETURN 1", "RETURN (SELECT COUNT(*) FROM t)", "RETURN good(1) + d.good(2)",
	      "BEGIN DECLARE a, b INT DEFAULT 0; SET a = 1; WHILE a < 3 DO SET a = a + 1; END WHILE; RETURN a; END",
	      "BEGIN DECLARE done INT DEFAULT 0; DECLARE n INT; DECLARE c CURSOR FOR SELECT id FROM t;"
	      " DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1; OPEN c; FETCH c INTO n; CLOSE c; RETURN n; END",
	      "BEGIN DECLARE x VARCHAR(20); SELECT name INTO x FROM t LIMIT 1; RETURN REPLACE(x, 'a', 'b'); END",
	      "BEGIN IF a > 1 THEN RETURN 'INSERT INTO t'; ELSE RETURN CASE WHEN b THEN 1 ELSE 2 END; END IF; END");
}

static void test_bodies_that_write(void **state)
{
	(void)state;
	CHECK(OBJECT_WRITES, "BEGIN INSERT INTO t VALUES (1); RETURN 1; END", "BEGIN UPDATE t SET a=1; RETURN 1; END",
	      "BEGIN REPLACE t VALUES (1); RETURN 1; END", "RETURN bad()", "BEGIN SET @x = 1; RETURN 1; END",
	      "RETURN GET_LOCK('a', 1)", "RETURN (SELECT id FROM t FOR UPDATE)", "RETURN LAST_INSERT_ID()",
	      "RETURN (SELECT 1 FROM d.v_bad)", "RETURN @@server_id", "RETURN CONNECTION_ID()");
}

static void test_bodies_that_may_do_anything(void **state)
{
	(void)state;
	CHECK(OBJECT_UNKNOWN, "BEGIN CALL p(); RETURN 1; END", "RETURN other()", "BEGIN SET sort_buffer_size = 1; RETURN 1; END",
	      "BEGIN CREATE TEMPORARY TABLE x (a INT); RETURN 1; END", "RETURN 'unfinished", "RETURN other.good(1)",
	      "BEGIN DECLARE a INT; SET a = 1, b = 2; PREPARE s FROM 'x'; RETURN 1; END");
}

static void test_views(void **state)
{
	(void)state;
	struct context context = {.catalog = &catalog, .schema = view_of("d")};
	static const char *const good[] = {"select `d`.`t`.`a` AS `a` from `d`.`t`", "select `d`.`good`() AS `x`",
	                                   "select 'nextval(x)' AS `x`"};
	static const char *const bad[] = {"select `d`.`bad`() AS `x`", "select `v`.`a` AS `a` from `d`.`v_bad` `v`",
	                                  "select `d`.`unheard_of`() AS `x`", "select 1 AS `a` for update",
	                                  "select nextval(`d`.`s`) AS `x`"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (classify_view(view_of(good[i]), &mariadb, &context) != OBJECT_READS)
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (classify_view(view_of(bad[i]), &mariadb, &context) != OBJECT_WRITES)
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bodies_that_only_read),
	    cmocka_unit_test(test_bodies_that_write),
	    cmocka_unit_test(test_bodies_that_may_do_anything),
	    cmocka_unit_test(test_views),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
