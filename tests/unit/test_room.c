/* How many may be at once, of all workers: who is let in, who is told, and what a server's own limits do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy/backend/room.h"
#include "proxy/stats.h"

unsigned stats_workers(void)
{
	return 3;
}

static void test_a_full_room_lets_nobody_in_until_somebody_leaves(void **state)
{
	(void)state;
	struct room *r = room_of_account(1, 0);
	assert_true(room_enter(r, 2, 0, 10));
	assert_true(room_is_free(r, 2));
	assert_true(room_enter(r, 2, 1, 10));
	assert_false(room_is_free(r, 2));
	assert_false(room_enter(r, 2, 0, 10));
	assert_true(room_enter(r, 0, 0, 10)); /* no limit */
	room_force(r);
	assert_int_equal(room_inside(r), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(room_leave(r), -1);
	assert_int_equal(room_inside(r), 0);
	room_unref(r);
}

static void test_who_has_waited_longest_is_told_and_enters_first(void **state)
{
	(void)state;
	struct room *r = room_of_server(5);
	assert_true(room_enter(r, 1, 0, 10));
	room_want(r, 1, 30);
	room_want(r, 2, 20);
	assert_int_equal(room_wanted(r, 0), 20);
	assert_int_equal(room_wanted(r, 2), 30);
	assert_int_equal(room_leave(r), 2);
	assert_false(room_enter(r, 1, 1, 40));
	assert_false(room_enter(r, 1, 0, 40)); /* who comes only now */
	assert_true(room_enter(r, 1, 2, 40));
	room_want(r, 2, 0);
	assert_int_equal(room_wanted(r, 0), 30);
	assert_int_equal(room_leave(r), 1);
	room_want(r, 1, 0);
	assert_int_equal(room_wanted(r, 0), 0);
	assert_true(room_enter(r, 1, 0, 50));
	assert_int_equal(room_leave(r), -1);
}

static void test_a_server_that_is_full_is_tried_now_and_then_until_it_lets_one_in(void **state)
{
	(void)state;
	struct room *r = room_of_server(6);
	assert_true(room_enter(r, 10, 0, 1000));
	assert_true(room_enter(r, 10, 0, 1000));
	room_leave(r); /* the second was refused */
	assert_true(room_refused(r, 1000));
	assert_true(room_was_refused(r));
	assert_false(room_enter(r, 10, 0, 1001));
	assert_false(room_is_free(r, 10));
	assert_true(room_enter(r, 10, 0, 2000));
	assert_false(room_enter(r, 10, 1, 2001)); /* one at a time */
	room_leave(r);
	assert_false(room_refused(r, 2001)); /* not new */
	room_leave(r);
	assert_true(room_enter(r, 10, 0, 2002)); /* in place of the one that left */
	assert_false(room_accepted(r));
	assert_true(room_enter(r, 10, 0, 3000));
	assert_true(room_accepted(r));
	assert_false(room_was_refused(r));
	assert_true(room_enter(r, 10, 0, 3001));
}

static void test_an_accounts_room_is_one_for_all_who_ask_for_it(void **state)
{
	(void)state;
	struct room *a = room_of_account(7, 1), *same = room_of_account(7, 1), *other = room_of_account(7, 2);
	assert_ptr_equal(a, same);
	assert_ptr_not_equal(a, other);
	assert_ptr_equal(room_ref(a), a);
	assert_true(room_enter(a, 1, 0, 1));
	room_unref(a);
	room_unref(a);
	assert_int_equal(room_inside(same), 1);
	room_queue(same, 1);
	assert_int_equal(room_queued(same), 1);
	room_queue(same, -1);
	assert_int_equal(room_queued(same), 0);
	room_unref(same);
	room_unref(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_room_lets_nobody_in_until_somebody_leaves),
		cmocka_unit_test(test_who_has_waited_longest_is_told_and_enters_first),
		cmocka_unit_test(test_a_server_that_is_full_is_tried_now_and_then_until_it_lets_one_in),
		cmocka_unit_test(test_an_accounts_room_is_one_for_all_who_ask_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
