/* Payloads of prepared statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/stmt.h"

#define VIEW(array) ((struct view){array, sizeof array})

static void test_prepare_ok_with_and_without_its_later_fields(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 0, 6, 0, 0, 7, 0, 0};
	struct stmt_prepare_ok ok;
	assert_true(stmt_prepare_ok_parse((struct view){bytes, 12}, 0, &ok));
	assert_int_equal(ok.id, 0x04030201);
	assert_int_equal(ok.columns, 5);
	assert_int_equal(ok.params, 6);
	assert_int_equal(ok.warnings, 7);
	assert_true(ok.has_definitions);
	assert_true(stmt_prepare_ok_parse((struct view){bytes, 10}, 0, &ok));
	assert_false(stmt_prepare_ok_parse((struct view){bytes, 11}, 0, &ok));
	assert_true(stmt_prepare_ok_parse((struct view){bytes, 13}, CAP_OPTIONAL_RESULTSET_METADATA, &ok));
	assert_false(ok.has_definitions);
	for (size_t len = 0; len < 10; len++)
		assert_false(stmt_prepare_ok_parse((struct view){bytes, len}, 0, &ok));
}

static void test_the_number_is_replaced_in_place(void **state)
{
	(void)state;
	uint8_t close[] = {CMD_STMT_CLOSE, 1, 0, 0, 0};
	uint32_t id;
	assert_true(stmt_id(VIEW(close), &id));
	assert_int_equal(id, 1);
	assert_true(stmt_set_id(close, sizeof close, 0xA0B0C0D0));
	assert_true(stmt_id(VIEW(close), &id));
	assert_int_equal(id, 0xA0B0C0D0);
	assert_int_equal(close[0], CMD_STMT_CLOSE);
	assert_false(stmt_set_id(close, 4, 1));
	assert_false(stmt_id((struct view){close, 4}, &id));
}

/* Two parameters, a cursor: with the types and without. */
static const uint8_t with_types[] = {
    CMD_STMT_EXECUTE, 9, 0, 0, 0, 1, 1, 0, 0, 0, 0x02, 1, 3, 0, 0xFD, 0x80, 'v', 'w'};
static const uint8_t without[] = {CMD_STMT_EXECUTE, 9, 0, 0, 0, 1, 1, 0, 0, 0, 0x02, 0, 'v', 'w'};

static void test_execute_is_taken_apart(void **state)
{
	(void)state;
	struct stmt_execute e;
	assert_true(stmt_execute_parse(VIEW(with_types), 2, 0, &e));
	assert_int_equal(e.id, 9);
	assert_int_equal(e.flags, STMT_CURSOR_READ_ONLY);
	assert_int_equal(e.iterations, 1);
	assert_int_equal(e.params, 2);
	assert_int_equal(e.null_bitmap.len, 1);
	assert_int_equal(*e.null_bitmap.p, 2);
	assert_true(e.types_bound);
	assert_true(view_equal(e.types, (struct view){with_types + 12, 4}));
	assert_true(view_equal(e.values, view_of("vw")));
	assert_true(stmt_execute_parse(VIEW(without), 2, 0, &e));
	assert_false(e.types_bound);
	assert_int_equal(e.types.len, 0);
	assert_true(view_equal(e.values, view_of("vw")));
	assert_true(stmt_execute_parse((struct view){without, 10}, 0, 0, &e));
	assert_int_equal(e.null_bitmap.len, 0);
	for (size_t len = 0; len < 16; len++)
		assert_false(stmt_execute_parse((struct view){with_types, len}, 2, 0, &e));
	assert_false(stmt_execute_parse(VIEW(without), 1000, 0, &e));
}

static void test_execute_with_query_attributes(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {CMD_STMT_EXECUTE,
	                                9,
	                                0,
	                                0,
	                                0,
	                                STMT_PARAM_COUNT_AVAILABLE,
	                                1,
	                                0,
	                                0,
	                                0,
	                                2,
	                                0,
	                                1,
	                                3,
	                                0,
	                                0,
	                                0xFD,
	                                0,
	                                4,
	                                'n',
	                                'a',
	                                'm',
	                                'e',
	                                'v'};
	struct stmt_execute e;
	assert_true(stmt_execute_parse(VIEW(bytes), 1, CAP_QUERY_ATTRIBUTES, &e));
	assert_int_equal(e.params, 2);
	assert_int_equal(e.types.len, 10);
	assert_true(view_equal(e.values, view_of("v")));
	assert_false(stmt_execute_parse(VIEW(bytes), 3, CAP_QUERY_ATTRIBUTES, &e)); /* fewer than it has */
	for (size_t len = 0; len < sizeof bytes - 1; len++)
		assert_false(stmt_execute_parse((struct view){bytes, len}, 1, CAP_QUERY_ATTRIBUTES, &e));
}

/* What the functions make of a payload without types: the whole of it. */
static void splice_types(struct buf *b, struct view payload, unsigned params, struct view types)
{
	size_t replaced;
	assert_true(stmt_front_with_types(b, payload, params, 0, types, &replaced));
	assert_true(buf_append(b, payload.p + replaced, payload.len - replaced));
}

static void test_remembered_types_are_put_where_they_belong(void **state)
{
	(void)state;
	struct buf b;
	struct stmt_types t;
	size_t replaced;
	buf_init(&b, 100);
	assert_true(stmt_types_find(VIEW(with_types), 2, 0, &t));
	assert_true(t.bound);
	splice_types(&b, VIEW(without), 2, t.types);
	assert_true(view_equal((struct view){buf_data(&b), buf_len(&b)}, VIEW(with_types)));
	buf_reset(&b);
	/* What has its own, or needs none. */
	static const uint8_t other[] = {1, 1, 2, 2};
	assert_false(stmt_front_with_types(&b, VIEW(with_types), 2, 0, VIEW(other), &replaced));
	assert_false(stmt_front_with_types(&b, (struct view){without, 10}, 0, 0, (struct view){NULL, 0}, &replaced));
	/* Types of another statement. */
	assert_false(stmt_front_with_types(&b, VIEW(without), 2, 0, (struct view){other, 2}, &replaced));
	assert_false(stmt_front_with_types(&b, VIEW(without), 2, 0, (struct view){NULL, 0}, &replaced));
	assert_false(stmt_front_with_types(&b, VIEW(without), 1, 0, VIEW(other), &replaced));
	assert_false(stmt_front_with_types(&b, (struct view){without, 11}, 2, 0, VIEW(other), &replaced));
	assert_int_equal(buf_len(&b), 0);
	buf_finish(&b);
	buf_init(&b, 15);
	assert_false(stmt_front_with_types(&b, VIEW(without), 2, 0, VIEW(other), &replaced));
	assert_int_equal(buf_len(&b), 0);
	buf_finish(&b);
}

/* Two rows of two parameters: a byte of indicator and, when that is 0, the value, each. */
static const uint8_t bulk_with[] = {CMD_STMT_BULK_EXECUTE, 9, 0, 0, 0, 0xC0, 0, 1, 0, 2, 0x80, 0, 'v', 1, 0, 'w', 1};
static const uint8_t bulk_without[] = {CMD_STMT_BULK_EXECUTE, 9, 0, 0, 0, 0x40, 0, 0, 'v', 1, 0, 'w', 1};

static void test_bulk_execute_is_taken_apart_and_gets_its_types(void **state)
{
	(void)state;
	struct stmt_bulk bulk;
	struct stmt_types t;
	struct buf b;
	assert_true(stmt_bulk_parse(VIEW(bulk_with), 2, &bulk));
	assert_int_equal(bulk.id, 9);
	assert_int_equal(bulk.flags, STMT_BULK_TYPES | STMT_BULK_UNIT_RESULTS);
	assert_int_equal(bulk.types.len, 4);
	assert_int_equal(bulk.rows.len, 6);
	assert_true(stmt_types_find(VIEW(bulk_with), 2, CAP_QUERY_ATTRIBUTES, &t));
	assert_true(t.bound);
	assert_int_equal(t.at, 7);
	buf_init(&b, 100);
	splice_types(&b, VIEW(bulk_without), 2, t.types);
	assert_true(view_equal((struct view){buf_data(&b), buf_len(&b)}, VIEW(bulk_with)));
	buf_finish(&b);
	for (size_t len = 0; len < 11; len++)
		assert_false(stmt_bulk_parse((struct view){bulk_with, len}, 2, &bulk));
	assert_false(stmt_bulk_parse(VIEW(with_types), 2, &bulk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prepare_ok_with_and_without_its_later_fields),
	    cmocka_unit_test(test_the_number_is_replaced_in_place),
	    cmocka_unit_test(test_execute_is_taken_apart),
	    cmocka_unit_test(test_execute_with_query_attributes),
	    cmocka_unit_test(test_remembered_types_are_put_where_they_belong),
	    cmocka_unit_test(test_bulk_execute_is_taken_apart_and_gets_its_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
