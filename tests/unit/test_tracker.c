/* Session-state blocks as servers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/tracker.h"

#define VIEW(array) ((struct view){array, sizeof array})

static void check(const struct tracker_entry *e, uint8_t type, const char *name, const char *value)
{
	assert_int_equal(e->type, type);
	assert_true(view_equal(e->name, view_of(name)));
	assert_true(view_equal(e->value, view_of(value)));
}

static const uint8_t every_type[] = {
    0, 8, 4,   'm', 'o', 'd', 'e', 2,   'o', 'n', /* a variable */
    1, 5, 4,   't', 'e', 's', 't',                /* the schema */
    1, 1, 0,                                      /* no schema any more */
    2, 1, '1',                                    /* something changed: the bare character */
    3, 6, 0,   4,   'u', ':', '1', '2',           /* GTIDs: encoding, text */
    4, 4, 3,   'S', 'E', 'T',                     /* characteristics of the transaction */
    4, 1, 0,                                      /* none */
    5, 9, 8,   'T', '_', '_', '_', '_', '_', '_', 'L', 77, 2, 'x', 'y', /* not known */
};

static void test_every_type_is_read_in_its_own_form(void **state)
{
	(void)state;
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, VIEW(every_type));
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SYSTEM_VARIABLES, "mode", "on");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SCHEMA, "", "test");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SCHEMA, "", "");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_STATE_CHANGE, "", "1");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_GTIDS, "", "u:12");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_TRX_CHARACTERISTICS, "", "SET");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_TRX_CHARACTERISTICS, "", "");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_TRX_STATE, "", "T______L");
	assert_int_equal(e.value.len, TRACKER_TRX_LETTERS);
	assert_int_equal(e.value.p[TRACKER_TRX_LOCKED_TABLES], 'L');
	assert_true(tracker_next(&it, &e));
	check(&e, 77, "", "xy");
	assert_false(tracker_next(&it, &e));
	assert_false(it.bad);
}

static void test_written_again_the_block_is_the_same(void **state)
{
	(void)state;
	struct tracker_iter it;
	struct tracker_entry e;
	struct buf b;
	buf_init(&b, 1000);
	tracker_begin(&it, VIEW(every_type));
	while (tracker_next(&it, &e)) {
		size_t before = buf_len(&b);
		assert_true(tracker_write(&b, &e));
		assert_int_equal(buf_len(&b) - before, tracker_size(&e));
	}
	assert_int_equal(buf_len(&b), sizeof every_type);
	assert_memory_equal(buf_data(&b), every_type, sizeof every_type);
	buf_finish(&b);
}

static void test_several_variables_in_one_entry_come_one_by_one(void **state)
{
	(void)state;
	static const uint8_t block[] = {0, 8, 1, 'a', 1, '1', 1, 'b', 1, '2', 0, 0, 0, 4, 1, 'c', 1, '3'};
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, VIEW(block));
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SYSTEM_VARIABLES, "a", "1");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SYSTEM_VARIABLES, "b", "2");
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_SYSTEM_VARIABLES, "c", "3");
	assert_false(tracker_next(&it, &e));
	assert_false(it.bad);
}

static void test_a_state_change_with_a_length_is_read_too(void **state)
{
	(void)state;
	static const uint8_t block[] = {2, 2, 1, '1'};
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, VIEW(block));
	assert_true(tracker_next(&it, &e));
	check(&e, TRACK_STATE_CHANGE, "", "1");
}

static void test_an_empty_block_holds_nothing(void **state)
{
	(void)state;
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, (struct view){NULL, 0});
	assert_false(tracker_next(&it, &e));
	assert_false(it.bad);
}

static void test_a_malformed_block_ends_with_bad_set(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[8];
		size_t len;
	} blocks[] = {
	    {{1}, 1},               /* no length */
	    {{1, 5, 4, 't'}, 4},    /* shorter than it says */
	    {{1, 2, 4, 't'}, 4},    /* the inner length passes the outer */
	    {{0, 2, 1, 'a'}, 4},    /* a name without a value */
	    {{2, 0}, 2},            /* no character */
	    {{2, 2, 0, '1'}, 4},    /* nor one behind its length */
	    {{3, 3, 1, 1, 'x'}, 5}, /* an encoding that does not exist */
	    {{5, 0xFB}, 2},         /* NULL for a length */
	    {{5, 0xFE, 255, 255, 255, 255, 255, 255}, 8},
	};
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		struct tracker_iter it;
		struct tracker_entry e;
		tracker_begin(&it, (struct view){blocks[i].bytes, blocks[i].len});
		assert_false(tracker_next(&it, &e));
		assert_true(it.bad);
		assert_false(tracker_next(&it, &e));
	}
}

static void test_cut_anywhere_a_block_gives_no_more_than_its_whole_entries(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof every_type; len++) {
		uint8_t *cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut, every_type, len);
		struct tracker_iter it;
		struct tracker_entry e;
		unsigned n = 0;
		tracker_begin(&it, (struct view){cut, len});
		while (tracker_next(&it, &e))
			n++;
		assert_true(n < 9);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_type_is_read_in_its_own_form),
	    cmocka_unit_test(test_written_again_the_block_is_the_same),
	    cmocka_unit_test(test_several_variables_in_one_entry_come_one_by_one),
	    cmocka_unit_test(test_a_state_change_with_a_length_is_read_too),
	    cmocka_unit_test(test_an_empty_block_holds_nothing),
	    cmocka_unit_test(test_a_malformed_block_ends_with_bad_set),
	    cmocka_unit_test(test_cut_anywhere_a_block_gives_no_more_than_its_whole_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
