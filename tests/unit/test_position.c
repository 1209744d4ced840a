/* Positions of sessions, and the board one thread writes and many read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "router/position.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct gtid_set set_of(enum flavor flavor, const char *text)
{
	struct gtid_set s;
	gtid_set_init(&s, flavor);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	return s;
}

static void publish(struct position_board *board, enum flavor flavor, const char *text)
{
	struct gtid_set s = set_of(flavor, text);
	position_board_publish(board, &s, 1);
	gtid_set_finish(&s);
}

static struct position position_of(enum flavor flavor, const char *text)
{
	struct position p;
	position_init(&p, flavor);
	(flavor == FLAVOR_MYSQL ? position_note_mysql : position_note_mariadb)(&p, view_of(text));
	assert_false(p.unknown);
	return p;
}

static bool reached(enum flavor flavor, const char *applied, const char *wanted)
{
	struct position_board board = {0};
	publish(&board, flavor, applied);
	struct position p = position_of(flavor, wanted);
	bool yes = position_board_reached(&board, &p);
	position_finish(&p);
	return yes;
}

static void assert_wait(const struct position *p, unsigned timeout_ms, const char *expect)
{
	struct buf b;
	buf_init(&b, 4096);
	assert_true(position_wait_sql(&b, p, timeout_ms));
	assert_true(buf_append(&b, "", 1));
	assert_string_equal((const char *)buf_data(&b), expect);
	buf_finish(&b);
}

static void test_a_session_that_wrote_nothing_may_read_anywhere(void **state)
{
	(void)state;
	struct position_board board = {0};
	struct position p;
	position_init(&p, FLAVOR_MYSQL);
	assert_true(position_is_free(&p));
	assert_true(position_board_reached(&board, &p));
	struct buf b;
	buf_init(&b, 100);
	assert_false(position_wait_sql(&b, &p, 100));
	position_note_mysql(&p, view_of(""));
	assert_true(position_is_free(&p));
}

static void test_an_unknown_position_is_reached_by_none_until_the_next_is_known(void **state)
{
	(void)state;
	struct position_board board = {0};
	publish(&board, FLAVOR_MYSQL, A ":1-10");
	struct position p;
	position_init(&p, FLAVOR_MYSQL);
	position_note_unknown(&p);
	struct buf b;
	buf_init(&b, 100);
	assert_false(position_board_reached(&board, &p));
	assert_false(position_wait_sql(&b, &p, 100));
	assert_false(position_is_free(&p));
	position_note_mysql(&p, view_of(""));
	assert_false(position_board_reached(&board, &p));
	position_note_mysql(&p, view_of(A ":9"));
	assert_true(position_board_reached(&board, &p));
	position_note_mysql(&p, view_of("nonsense"));
	assert_true(p.unknown);
	position_finish(&p);
}

static void test_a_board_is_reached_only_by_what_it_contains(void **state)
{
	(void)state;
	assert_true(reached(FLAVOR_MYSQL, A ":1-10", A ":10"));
	assert_false(reached(FLAVOR_MYSQL, A ":1-10", A ":11"));
	assert_false(reached(FLAVOR_MYSQL, A ":1-10", B ":1"));
	assert_true(reached(FLAVOR_MYSQL, A ":1-10:12," B ":4", A ":12," B ":4"));
	assert_false(reached(FLAVOR_MYSQL, A ":1-10:12", A ":11"));
	assert_true(reached(FLAVOR_MYSQL, A ":1-10:blue:5", A ":blue:5"));
	assert_false(reached(FLAVOR_MYSQL, A ":1-10:blue:5", A ":blue:4"));
	assert_false(reached(FLAVOR_MYSQL, A ":1-10", A ":blue:5"));
	assert_false(reached(FLAVOR_MYSQL, A ":green:5", A ":blue:5"));
	assert_false(reached(FLAVOR_MYSQL, "", A ":1"));
	assert_true(reached(FLAVOR_MARIADB, "0-1-10,1-1-4", "0-1-10"));
	assert_true(reached(FLAVOR_MARIADB, "0-2-11", "0-1-10"));
	assert_false(reached(FLAVOR_MARIADB, "0-2-10", "0-1-10"));
	assert_false(reached(FLAVOR_MARIADB, "0-1-9", "0-1-10"));
	assert_false(reached(FLAVOR_MARIADB, "1-1-10", "0-1-10"));
}

static void test_a_board_of_the_other_flavor_is_never_reached(void **state)
{
	(void)state;
	struct position_board board = {0};
	publish(&board, FLAVOR_MARIADB, "0-1-10");
	struct position p = position_of(FLAVOR_MYSQL, A ":1");
	assert_false(position_board_reached(&board, &p));
}

static void test_a_cleared_board_knows_nothing(void **state)
{
	(void)state;
	struct position_board board = {0};
	struct gtid_set out;
	gtid_set_init(&out, FLAVOR_MYSQL);
	assert_false(position_board_read(&board, &out, NULL));
	publish(&board, FLAVOR_MYSQL, A ":1-10");
	struct position p = position_of(FLAVOR_MYSQL, A ":5");
	assert_true(position_board_reached(&board, &p));
	assert_int_equal(position_board_updated_us(&board), 1);
	position_board_clear(&board);
	assert_false(position_board_reached(&board, &p));
	assert_false(position_board_read(&board, &out, NULL));
	assert_int_equal(position_board_updated_us(&board), 0);
}

static void test_what_is_published_can_be_read_back(void **state)
{
	(void)state;
	static const struct {
		enum flavor flavor;
		const char *text;
	} cases[] = {{FLAVOR_MYSQL, A ":1-10:12:blue:5:7-9:green:1-3," B ":4"},
	             {FLAVOR_MARIADB, "0-1-10,7-3-99"},
	             {FLAVOR_MYSQL, ""}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct position_board board = {0};
		struct gtid_set in = set_of(cases[i].flavor, cases[i].text), out;
		gtid_set_init(&out, FLAVOR_MYSQL);
		position_board_publish(&board, &in, 42);
		uint64_t when;
		assert_true(position_board_read(&board, &out, &when));
		assert_int_equal(when, 42);
		assert_true(gtid_set_equal(&in, &out));
		gtid_set_finish(&in);
		gtid_set_finish(&out);
	}
}

static void test_a_set_too_large_keeps_the_last_ranges_and_claims_nothing_more(void **state)
{
	(void)state;
	struct position_board board = {0};
	char text[20000];
	size_t n = (size_t)snprintf(text, sizeof text, A);
	for (int i = 1; i <= 1000; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, ":%d", 2 * i);
	snprintf(text + n, sizeof text - n, "," B ":1-5");
	publish(&board, FLAVOR_MYSQL, text);
	struct gtid_set whole = set_of(FLAVOR_MYSQL, text), known;
	gtid_set_init(&known, FLAVOR_MYSQL);
	assert_true(position_board_read(&board, &known, NULL));
	assert_true(gtid_set_ranges(&known) > 200);
	assert_true(gtid_set_contains(&whole, &known));
	struct position newest = position_of(FLAVOR_MYSQL, A ":2000," B ":2"),
	                old = position_of(FLAVOR_MYSQL, A ":2");
	assert_true(position_board_reached(&board, &newest));
	assert_false(position_board_reached(&board, &old));
	gtid_set_finish(&whole);
	gtid_set_finish(&known);
	position_finish(&newest);
}

static void test_more_sources_than_fit_are_published_as_unknown(void **state)
{
	(void)state;
	struct position_board board = {0};
	char text[8192];
	size_t n = 0;
	for (int i = 0; i < 102; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%d-1-%d,", i, i + 1);
	publish(&board, FLAVOR_MARIADB, text);
	struct position p = position_of(FLAVOR_MARIADB, "101-1-102");
	assert_true(position_board_reached(&board, &p));
	snprintf(text + n, sizeof text - n, "200-1-1");
	publish(&board, FLAVOR_MARIADB, text);
	assert_false(position_board_reached(&board, &p));
}

static void test_writes_among_those_of_others_stay_one_range(void **state)
{
	(void)state;
	struct position p = position_of(FLAVOR_MYSQL, A ":100");
	char text[100];
	for (int i = 101; i < 5000; i += 7) {
		snprintf(text, sizeof text, A ":%d", i);
		position_note_mysql(&p, view_of(text));
	}
	assert_int_equal(p.seen.cap, 0);
	assert_wait(&p, 100, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":100-4994',0.100)");
	position_note_mysql(&p, view_of(A ":1000001"));
	assert_wait(&p, 1500, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":100-4994:1000001',1.500)");
	for (int i = 2; i < 50; i++) {
		snprintf(text, sizeof text, A ":%d", i * 1000000);
		position_note_mysql(&p, view_of(text));
	}
	assert_true(gtid_set_ranges(&p.seen) <= 4);
	position_finish(&p);
}

static void test_the_wait_is_never_for_ever_on_mysql(void **state)
{
	(void)state;
	struct position p = position_of(FLAVOR_MYSQL, A ":1"), m = position_of(FLAVOR_MARIADB, "0-1-7");
	position_note_mariadb(&m, view_of("1-1-3"));
	assert_wait(&p, 0, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":1',0.001)");
	assert_wait(&m, 0, "SELECT MASTER_GTID_WAIT('0-1-7,1-1-3',0.000)");
	assert_wait(&m, 100, "SELECT MASTER_GTID_WAIT('0-1-7,1-1-3',0.100)");
	struct buf b;
	buf_init(&b, 40);
	assert_false(position_wait_sql(&b, &p, 1));
	assert_int_equal(buf_len(&b), 0);
	buf_finish(&b);
	position_finish(&m);
}

static void test_merging_asks_for_both_and_clamping_forgets_what_was_lost(void **state)
{
	(void)state;
	struct position p = position_of(FLAVOR_MYSQL, A ":5-9"), q = position_of(FLAVOR_MYSQL, B ":1-4");
	position_note_unknown(&q);
	position_merge(&p, &q);
	assert_true(p.unknown);
	position_note_mysql(&p, view_of(A ":9"));
	assert_wait(&p, 1, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":5-9," B ":1-4',0.001)");
	struct gtid_set primary = set_of(FLAVOR_MYSQL, A ":1-7," B ":1-2");
	position_clamp(&p, &primary);
	assert_wait(&p, 1, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":5-7," B ":1-2',0.001)");
	gtid_set_finish(&primary);
	position_finish(&p);
	position_finish(&q);
}

/* Even versions of the set are {A:1-v, B:1-v}, so that a torn read would claim one without the other. */
#define VERSIONS 20000
static struct position_board shared;
static _Atomic uint64_t published, wrong, known;

static void *write_board(void *unused)
{
	(void)unused;
	struct gtid_row rows[2] = {{.range = {1, 1, 1, 1}}, {.range = {2, 2, 1, 1}}};
	struct gtid_set s;
	gtid_set_init(&s, FLAVOR_MYSQL);
	for (uint64_t v = 1; v <= VERSIONS; v++) {
		rows[0].range.last = rows[1].range.last = v;
		bool made = gtid_set_assign(&s, FLAVOR_MYSQL, rows, 2);
		atomic_store(&published, v); /* before: a reader may see the set at once */
		if (made)
			position_board_publish(&shared, &s, v);
		if (v % 1000 == 0)
			position_board_clear(&shared);
	}
	position_board_publish(&shared, &s, VERSIONS);
	gtid_set_finish(&s);
	return NULL;
}

static void *read_board(void *unused)
{
	(void)unused;
	struct gtid_set s;
	gtid_set_init(&s, FLAVOR_MYSQL);
	uint64_t seen = 0;
	for (int i = 0; seen < VERSIONS && i < 50000000; i++) {
		uint64_t when;
		if (!position_board_read(&shared, &s, &when))
			continue;
		atomic_fetch_add(&known, 1);
		struct gtid_row a = gtid_set_range(&s, 0), b = gtid_set_range(&s, 1);
		if (a.range.last != b.range.last || when != a.range.last || when < seen)
			atomic_fetch_add(&wrong, 1);
		seen = when;
		struct position p = {.seen = {.flavor = FLAVOR_MYSQL, .n = 1, .one = {1, 1, 1, 0}}};
		p.seen.one.last = atomic_load(&published) + 1;
		if (position_board_reached(&shared, &p) && atomic_load(&published) < p.seen.one.last)
			atomic_fetch_add(&wrong, 1);
	}
	gtid_set_finish(&s);
	return NULL;
}

static void test_readers_beside_a_writer_never_see_half_a_set(void **state)
{
	(void)state;
	pthread_t writer, readers[3];
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_board, NULL), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_board, NULL), 0);
	pthread_join(writer, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_true(atomic_load(&known) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_session_that_wrote_nothing_may_read_anywhere),
	    cmocka_unit_test(test_an_unknown_position_is_reached_by_none_until_the_next_is_known),
	    cmocka_unit_test(test_a_board_is_reached_only_by_what_it_contains),
	    cmocka_unit_test(test_a_board_of_the_other_flavor_is_never_reached),
	    cmocka_unit_test(test_a_cleared_board_knows_nothing),
	    cmocka_unit_test(test_what_is_published_can_be_read_back),
	    cmocka_unit_test(test_a_set_too_large_keeps_the_last_ranges_and_claims_nothing_more),
	    cmocka_unit_test(test_more_sources_than_fit_are_published_as_unknown),
	    cmocka_unit_test(test_writes_among_those_of_others_stay_one_range),
	    cmocka_unit_test(test_the_wait_is_never_for_ever_on_mysql),
	    cmocka_unit_test(test_merging_asks_for_both_and_clamping_forgets_what_was_lost),
	    cmocka_unit_test(test_readers_beside_a_writer_never_see_half_a_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
