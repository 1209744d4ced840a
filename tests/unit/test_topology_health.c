/* When a server serves: look by look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/topology_health.h"

#define SECOND 1000000

static struct health h;
static struct look look;
static struct look_channel channel;
static struct health_input in;

/* A replica that is well, before its first look. */
static int begin(void **state)
{
	(void)state;
	h = (struct health){.state = SERVER_STATE_NEW};
	look = (struct look){.status_known = true};
	channel =
	    (struct look_channel){.io = LINK_RUNNING, .sql = true, .source = {.host = "p", .port = 3306}};
	in = (struct health_input){.look = &look,
	                           .channel = &channel,
	                           .is_replica = true,
	                           .attached = true,
	                           .primary_up = true,
	                           .max_lag = 10 * SECOND};
	return 0;
}

static enum server_state note(void)
{
	health_note(&h, &in);
	return h.state;
}

static enum server_state note_failure(enum library_failure failure)
{
	look.error.failure = failure;
	look.failures++;
	return note();
}

static void test_a_new_server_is_up_after_one_good_look(void **state)
{
	(void)state;
	assert_int_equal(note(), SERVER_STATE_UP);
	assert_string_equal(h.reason, "");
}

static void
test_a_replica_that_cannot_be_reached_leaves_at_once_and_returns_after_two_good_looks(void **state)
{
	(void)state;
	note();
	strcpy(look.error.text, "Connection refused");
	assert_int_equal(note_failure(LIBRARY_REFUSED), SERVER_STATE_DOWN);
	assert_string_equal(h.reason, "Connection refused");
	look.error.failure = LIBRARY_OK;
	assert_int_equal(note(), SERVER_STATE_DOWN);
	assert_int_equal(note(), SERVER_STATE_UP);
}

static void test_a_primary_returns_after_one_good_look(void **state)
{
	(void)state;
	in.is_replica = false;
	note();
	assert_int_equal(note_failure(LIBRARY_REFUSED), SERVER_STATE_DOWN);
	look.error.failure = LIBRARY_OK;
	assert_int_equal(note(), SERVER_STATE_UP);
}

static void test_a_stopped_applier_is_out_at_once_whether_the_primary_lives_or_not(void **state)
{
	(void)state;
	note();
	channel.sql = false;
	strcpy(channel.error, "Duplicate entry");
	assert_int_equal(note(), SERVER_STATE_STOPPED);
	assert_string_equal(h.reason, "its SQL thread is stopped: Duplicate entry");
	begin(NULL);
	in.primary_up = false;
	channel.sql = false;
	assert_int_equal(note(), SERVER_STATE_STOPPED);
}

static void test_a_dead_primary_does_not_empty_the_pool(void **state)
{
	(void)state;
	note();
	in.primary_up = false;
	look.lag_us = 100 * SECOND; /* grows, because what is missing will never come */
	for (unsigned i = 0; i < 100; i++) {
		channel.io = i % 2 ? LINK_CONNECTING : LINK_STOPPED;
		assert_int_equal(note(), SERVER_STATE_UP);
	}
}

static void test_a_stopped_link_counts_while_the_primary_lives(void **state)
{
	(void)state;
	note();
	channel.io = LINK_STOPPED;
	assert_int_equal(note(), SERVER_STATE_STOPPED);
}

static void test_a_link_that_reconnects_is_given_a_look(void **state)
{
	(void)state;
	note();
	channel.io = LINK_CONNECTING;
	assert_int_equal(note(), SERVER_STATE_UP);
	channel.io = LINK_RUNNING;
	assert_int_equal(note(), SERVER_STATE_UP);
	channel.io = LINK_CONNECTING;
	assert_int_equal(note(), SERVER_STATE_UP);
	assert_int_equal(note(), SERVER_STATE_STOPPED);
}

static void test_lag_has_hysteresis(void **state)
{
	(void)state;
	note();
	look.lag_us = 10 * SECOND;
	assert_int_equal(note(), SERVER_STATE_UP);
	look.lag_us = 11 * SECOND;
	assert_int_equal(note(), SERVER_STATE_LAGGING);
	look.lag_us = 9 * SECOND;
	assert_int_equal(note(), SERVER_STATE_LAGGING);
	assert_int_equal(note(), SERVER_STATE_LAGGING);
	look.lag_us = 4 * SECOND;
	assert_int_equal(note(), SERVER_STATE_LAGGING);
	assert_int_equal(note(), SERVER_STATE_UP);
	look.lag_us = 9 * SECOND;
	assert_int_equal(note(), SERVER_STATE_UP);
}

static void test_a_lag_that_swings_around_the_lower_bound_does_not_return(void **state)
{
	(void)state;
	note();
	look.lag_us = 11 * SECOND;
	note();
	for (unsigned i = 0; i < 20; i++) {
		look.lag_us = i % 2 ? 4 * SECOND : 6 * SECOND;
		assert_int_equal(note(), SERVER_STATE_LAGGING);
	}
}

static void test_a_lagging_replica_stays_out_when_the_primary_dies(void **state)
{
	(void)state;
	note();
	look.lag_us = 11 * SECOND;
	note();
	in.primary_up = false;
	look.lag_us = -1;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(note(), SERVER_STATE_LAGGING);
}

static void test_a_replica_of_somebody_else_serves_nobody(void **state)
{
	(void)state;
	note();
	in.attached = false;
	assert_int_equal(note(), SERVER_STATE_STOPPED);
	assert_string_equal(h.reason, "it follows p:3306, which is not under the primary");
}

static void test_a_server_without_a_free_connection_serves_on_for_a_while(void **state)
{
	(void)state;
	note();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(note_failure(LIBRARY_FULL), SERVER_STATE_UP);
	assert_int_equal(note_failure(LIBRARY_FULL), SERVER_STATE_DOWN);
	begin(NULL);
	assert_int_equal(note_failure(LIBRARY_FULL),
	                 SERVER_STATE_DOWN); /* one that never served does not begin so */
}

static void
test_a_replica_whose_status_is_hidden_serves_nobody_but_one_by_hand_without_links_does(void **state)
{
	(void)state;
	look.status_known = false;
	assert_int_equal(note(), SERVER_STATE_STOPPED);
	begin(NULL);
	in.channel = NULL;
	assert_int_equal(note(), SERVER_STATE_UP);
}

static void test_promotion_ends_what_held_a_replica_back(void **state)
{
	(void)state;
	note();
	look.lag_us = 11 * SECOND;
	note();
	health_role_changed(&h, &look);
	assert_int_equal(h.state, SERVER_STATE_UP);
	assert_string_equal(h.reason, "");
}

static void test_a_saw_tooth_of_lag_moves_a_replica_once_each_way_a_tooth(void **state)
{
	(void)state;
	/* Ten minutes of looks, every half second; teeth of a minute from 0 to 30 s and back, with noise. */
	unsigned changes = 0;
	enum server_state before = note();
	for (unsigned i = 0; i < 1200; i++) {
		int64_t at = i % 120 < 60 ? i % 120 : 120 - i % 120;
		look.lag_us = at * SECOND / 2 + (int64_t)(i * 7919 % 11) * SECOND / 5;
		changes += note() != before;
		before = h.state;
	}
	assert_in_range(changes, 2 * 9, 2 * 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_server_is_up_after_one_good_look),
	    TEST(test_a_replica_that_cannot_be_reached_leaves_at_once_and_returns_after_two_good_looks),
	    TEST(test_a_primary_returns_after_one_good_look),
	    TEST(test_a_stopped_applier_is_out_at_once_whether_the_primary_lives_or_not),
	    TEST(test_a_dead_primary_does_not_empty_the_pool),
	    TEST(test_a_stopped_link_counts_while_the_primary_lives),
	    TEST(test_a_link_that_reconnects_is_given_a_look),
	    TEST(test_lag_has_hysteresis),
	    TEST(test_a_lag_that_swings_around_the_lower_bound_does_not_return),
	    TEST(test_a_lagging_replica_stays_out_when_the_primary_dies),
	    TEST(test_a_replica_of_somebody_else_serves_nobody),
	    TEST(test_a_server_without_a_free_connection_serves_on_for_a_while),
	    TEST(test_a_replica_whose_status_is_hidden_serves_nobody_but_one_by_hand_without_links_does),
	    TEST(test_promotion_ends_what_held_a_replica_back),
	    TEST(test_a_saw_tooth_of_lag_moves_a_replica_once_each_way_a_tooth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
