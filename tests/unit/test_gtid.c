/* Sets of GTIDs: their text, and their arithmetic against one done number by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/gtid.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct gtid_set set_of(enum flavor flavor, const char *text)
{
	struct gtid_set s;
	gtid_set_init(&s, flavor);
	assert_int_equal(gtid_set_parse(&s, view_of(text)), GTID_OK);
	return s;
}

static void assert_text(const struct gtid_set *s, const char *expect)
{
	struct buf b;
	buf_init(&b, 1u << 20);
	assert_true(gtid_set_write(s, &b));
	assert_true(buf_append(&b, "", 1));
	assert_string_equal((const char *)buf_data(&b), expect);
	buf_finish(&b);
}

static void assert_written(enum flavor flavor, const char *text, const char *expect)
{
	struct gtid_set s = set_of(flavor, text);
	assert_text(&s, expect);
	gtid_set_finish(&s);
}

static void assert_bad(enum flavor flavor, const char *text)
{
	struct gtid_set s = set_of(flavor, flavor == FLAVOR_MYSQL ? A ":7" : "0-1-7");
	if (gtid_set_parse(&s, view_of(text)) != GTID_BAD)
		fail_msg("accepted: %s", text);
	assert_text(&s, flavor == FLAVOR_MYSQL ? A ":7" : "0-1-7");
	gtid_set_finish(&s);
}

static void test_mysql_text_is_read_as_the_servers_write_it(void **state)
{
	(void)state;
	assert_written(FLAVOR_MYSQL, "", "");
	assert_written(FLAVOR_MYSQL, A ":1", A ":1");
	assert_written(FLAVOR_MYSQL, A ":394-395", A ":394-395");
	assert_written(FLAVOR_MYSQL, B ":1-3,\n" A ":1-170:blue:1", A ":1-170:blue:1," B ":1-3");
	assert_written(FLAVOR_MYSQL, "3E11FA47-71CA-11E1-9E33-C80AA9429562:BLUE:1", A ":blue:1");
	assert_written(FLAVOR_MYSQL, A ":blue:1-3:green:5", A ":blue:1-3:green:5");
	assert_written(FLAVOR_MYSQL, A ":blue:1-3:5:green:5:7-8", A ":blue:1-3:5:green:5:7-8");
	assert_written(FLAVOR_MYSQL, A ":5-9:1-3", A ":1-3:5-9");
	assert_written(FLAVOR_MYSQL, A ":1-3:4-6:2-5", A ":1-6");
	assert_written(FLAVOR_MYSQL, " , " A " : 1 - 3 ,, " A ":5 ,", A ":1-3:5");
	assert_written(FLAVOR_MYSQL, A ":9223372036854775807", A ":9223372036854775807");
	assert_written(FLAVOR_MYSQL, A ":_a234567890123456789012345678901:1",
	               A ":_a234567890123456789012345678901:1");
}

static void test_mysql_text_that_is_no_set_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = {"x",
	                                  A,
	                                  A ":",
	                                  A ":0",
	                                  A ":3-1",
	                                  A ":1-",
	                                  A ":-1",
	                                  A ":blue",
	                                  A ":blue:",
	                                  A ":blue:1:red",
	                                  A ":9223372036854775808",
	                                  A ":99999999999999999999999",
	                                  A ":1 2",
	                                  A ":1;",
	                                  A ":_a2345678901234567890123456789012:1",
	                                  "3e11fa47-71ca-11e1-9e33-c80aa942956:1",
	                                  "3e11fa4771ca-11e1-9e33-c80aa94295622-:1",
	                                  "3e11fa47-71ca-11e1-9e33-c80aa942956g:1",
	                                  "0-1-5",
	                                  A ":1,x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_bad(FLAVOR_MYSQL, bad[i]);
}

static void test_mariadb_text_keeps_the_highest_number_of_each_domain(void **state)
{
	(void)state;
	assert_written(FLAVOR_MARIADB, "", "");
	assert_written(FLAVOR_MARIADB, "0-1-100", "0-1-100");
	assert_written(FLAVOR_MARIADB, "5-2-7, 0-1-100", "0-1-100,5-2-7");
	assert_written(FLAVOR_MARIADB, "0-1-100,0-2-101,0-3-50", "0-2-101");
	assert_written(FLAVOR_MARIADB, "0-1-0", "");
	assert_written(FLAVOR_MARIADB, "4294967295-4294967295-9223372036854775807",
	               "4294967295-4294967295-9223372036854775807");
	static const char *const bad[] = {"0",
	                                  "0-1",
	                                  "0-1-",
	                                  "-1-1",
	                                  "4294967296-1-1",
	                                  "0-1-5-6",
	                                  "0-1-5 6",
	                                  "0-1-99999999999999999999",
	                                  A ":1",
	                                  "0-1-x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_bad(FLAVOR_MARIADB, bad[i]);
}

static void test_a_text_with_too_many_ranges_is_refused(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1u << 20);
	assert_true(buf_append(&b, A, sizeof A - 1));
	char part[32];
	for (unsigned i = 0; i <= GTID_RANGES_MAX; i++) {
		struct gtid_set s;
		gtid_set_init(&s, FLAVOR_MYSQL);
		if (i == GTID_RANGES_MAX) {
			assert_int_equal(gtid_set_parse(&s, (struct view){buf_data(&b), buf_len(&b)}),
			                 GTID_OK);
			assert_int_equal(gtid_set_ranges(&s), GTID_RANGES_MAX);
		}
		int n = snprintf(part, sizeof part, ":%u", 2 * i + 1);
		assert_true(buf_append(&b, part, (size_t)n));
		if (i == GTID_RANGES_MAX)
			assert_int_equal(gtid_set_parse(&s, (struct view){buf_data(&b), buf_len(&b)}),
			                 GTID_BAD);
		gtid_set_finish(&s);
	}
	buf_finish(&b);
}

static void test_one_untagged_range_allocates_nothing(void **state)
{
	(void)state;
	struct gtid_set s = set_of(FLAVOR_MYSQL, A ":1-5"), more = set_of(FLAVOR_MYSQL, A ":6");
	assert_int_equal(s.cap, 0);
	assert_true(gtid_set_union(&s, &more));
	assert_int_equal(s.cap, 0);
	assert_text(&s, A ":1-6");
	struct gtid_set apart = set_of(FLAVOR_MYSQL, A ":8");
	assert_true(gtid_set_union(&s, &apart));
	assert_text(&s, A ":1-6:8");
	struct gtid_set hole = set_of(FLAVOR_MYSQL, A ":7");
	assert_true(gtid_set_union(&s, &hole));
	assert_text(&s, A ":1-8");
	assert_int_equal(s.cap, 0);
	gtid_set_finish(&s);
}

static void test_a_full_buf_gets_no_part_of_a_set(void **state)
{
	(void)state;
	struct gtid_set s = set_of(FLAVOR_MYSQL, A ":1-5," B ":1");
	struct buf b;
	buf_init(&b, 60);
	assert_true(buf_append(&b, "x", 1));
	assert_false(gtid_set_write(&s, &b));
	assert_int_equal(buf_len(&b), 1);
	buf_finish(&b);
	gtid_set_finish(&s);
}

static void test_mariadb_sets_compare_by_domain_number_and_server(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool contains, forked;
	} cases[] = {
	    {"0-1-10", "0-1-10", true, false},
	    {"0-1-10", "0-2-9", true, false},
	    {"0-1-10", "0-2-10", false, true},
	    {"0-1-10", "0-1-11", false, false},
	    {"0-1-10", "1-1-1", false, false},
	    {"0-1-10,1-1-5", "1-1-5", true, false},
	    {"0-1-10,1-1-5", "0-1-3,1-2-5", false, true},
	    {"0-1-10", "", true, false},
	    {"", "0-1-1", false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct gtid_set a = set_of(FLAVOR_MARIADB, cases[i].a),
		                b = set_of(FLAVOR_MARIADB, cases[i].b);
		assert_int_equal(gtid_set_contains(&a, &b), cases[i].contains);
		assert_int_equal(gtid_set_forked(&a, &b), cases[i].forked);
		assert_int_equal(gtid_set_forked(&b, &a), cases[i].forked);
		gtid_set_finish(&a);
		gtid_set_finish(&b);
	}
}

static void test_mariadb_arithmetic_works_on_whole_domains(void **state)
{
	(void)state;
	struct gtid_set a = set_of(FLAVOR_MARIADB, "0-1-10,1-1-5"),
	                b = set_of(FLAVOR_MARIADB, "0-2-12,2-1-1");
	assert_true(gtid_set_union(&a, &b));
	assert_text(&a, "0-2-12,1-1-5,2-1-1");
	struct gtid_set c = set_of(FLAVOR_MARIADB, "0-1-20,1-1-5");
	assert_true(gtid_set_intersect(&a, &c));
	assert_text(&a, "0-2-12,1-1-5");
	assert_true(gtid_set_subtract(&c, &a));
	assert_text(&c, "0-1-20");
	gtid_set_finish(&a);
	gtid_set_finish(&b);
	gtid_set_finish(&c);
}

static void test_sets_of_two_flavors_do_not_mix(void **state)
{
	(void)state;
	struct gtid_set a = set_of(FLAVOR_MYSQL, A ":1"), b = set_of(FLAVOR_MARIADB, "0-1-1"), none;
	gtid_set_init(&none, FLAVOR_MYSQL);
	assert_false(gtid_set_union(&a, &b));
	assert_false(gtid_set_subtract(&a, &b));
	assert_false(gtid_set_intersect(&a, &b));
	assert_false(gtid_set_contains(&a, &b));
	assert_true(gtid_set_contains(&b, &none));
	assert_true(gtid_set_union(&none, &b));
	assert_text(&none, "0-1-1");
	gtid_set_finish(&none);
}

static void test_closing_joins_near_ranges_and_keeps_far_ones_apart(void **state)
{
	(void)state;
	struct gtid_set a = set_of(FLAVOR_MYSQL, A ":10"), b = set_of(FLAVOR_MYSQL, A ":15");
	assert_true(gtid_set_union_closing(&a, &b, 4, 3));
	assert_text(&a, A ":10-15");
	struct gtid_set far = set_of(FLAVOR_MYSQL, A ":1000:2000:5000:90000," B ":7");
	assert_true(gtid_set_union_closing(&a, &far, 4, 3));
	assert_text(&a, A ":10-2000:5000:90000," B ":7");
	struct gtid_set end = set_of(FLAVOR_MYSQL, A ":9223372036854775807");
	assert_true(gtid_set_union_closing(&a, &end, 0, 1));
	assert_text(&a, A ":10-9223372036854775807," B ":7");
	gtid_set_finish(&a);
	gtid_set_finish(&far);
}

/* Three sources, numbers 1 to 20, as bits: what the arithmetic must agree with. */
#define SOURCES 3
static const char *const names[SOURCES] = {A, A ":blue", B};

static struct gtid_set from_bits(const uint32_t bits[SOURCES])
{
	char text[4096] = "";
	size_t n = 0;
	for (int s = 0; s < SOURCES; s++)
		for (int i = 1; i <= 20; i++)
			if (bits[s] >> i & 1)
				n += (size_t)snprintf(text + n, sizeof text - n, "%s:%d,", names[s], i);
	return set_of(FLAVOR_MYSQL, text);
}

static void assert_bits(const struct gtid_set *s, const uint32_t bits[SOURCES])
{
	struct gtid_set expect = from_bits(bits);
	assert_true(gtid_set_equal(s, &expect));
	assert_true(gtid_set_equal(&expect, s));
	gtid_set_finish(&expect);
}

static uint32_t some_bits(void)
{
	uint32_t r = (uint32_t)rand();
	switch (rand() % 4) {
	case 0:
		return 0;
	case 1:
		return r & (uint32_t)rand() & 0x1FFFFE;
	case 2:
		return (r | (uint32_t)rand()) & 0x1FFFFE;
	default:
		return r & 0x1FFFFE;
	}
}

static void test_arithmetic_agrees_with_sets_of_single_numbers(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 3000; round++) {
		uint32_t x[SOURCES], y[SOURCES], sum[SOURCES], rest[SOURCES], both[SOURCES];
		bool contains = true;
		for (int s = 0; s < SOURCES; s++) {
			x[s] = some_bits();
			y[s] = round & 1 ? some_bits() : x[s] & some_bits();
			sum[s] = x[s] | y[s];
			rest[s] = x[s] & ~y[s];
			both[s] = x[s] & y[s];
			contains &= !(y[s] & ~x[s]);
		}
		struct gtid_set a = from_bits(x), b = from_bits(y), c;
		assert_int_equal(gtid_set_contains(&a, &b), contains);
		gtid_set_init(&c, FLAVOR_MYSQL);
		assert_true(gtid_set_copy(&c, &a));
		assert_true(gtid_set_equal(&a, &c));
		assert_true(gtid_set_union(&c, &b));
		assert_bits(&c, sum);
		assert_true(gtid_set_copy(&c, &a));
		assert_true(gtid_set_subtract(&c, &b));
		assert_bits(&c, rest);
		assert_true(gtid_set_intersect(&a, &b));
		assert_bits(&a, both);
		gtid_set_finish(&a);
		gtid_set_finish(&b);
		gtid_set_finish(&c);
	}
}

static void test_ranges_can_be_taken_out_and_put_together_again(void **state)
{
	(void)state;
	struct gtid_set a = set_of(FLAVOR_MYSQL, A ":1-3:7:blue:1," B ":2"), b;
	struct gtid_row rows[8];
	unsigned n = gtid_set_ranges(&a);
	assert_int_equal(n, 4);
	for (unsigned i = 0; i < n; i++)
		rows[n - 1 - i] = gtid_set_range(&a, i);
	gtid_set_init(&b, FLAVOR_MYSQL);
	assert_true(gtid_set_assign(&b, FLAVOR_MYSQL, rows, n));
	assert_true(gtid_set_equal(&a, &b));
	rows[0].range.first = 0;
	assert_false(gtid_set_assign(&b, FLAVOR_MYSQL, rows, n));
	assert_true(gtid_set_equal(&a, &b));
	gtid_set_finish(&a);
	gtid_set_finish(&b);
}

static void test_one_servers_own_transactions_can_be_kept_alone(void **state)
{
	(void)state;
	struct gtid_set a = set_of(FLAVOR_MYSQL, A ":1-3:7:blue:1," B ":2");
	struct gtid_set own = set_of(FLAVOR_MYSQL, A ":1-3:7:blue:1");
	struct gtid_row first = gtid_set_range(&own, 0);
	assert_true(gtid_set_keep_source(&a, first.range.hi, first.range.lo));
	assert_true(gtid_set_equal(&a, &own));
	assert_true(gtid_set_keep_source(&a, 1, 2));
	assert_true(gtid_set_is_empty(&a));
	gtid_set_finish(&a);
	gtid_set_finish(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mysql_text_is_read_as_the_servers_write_it),
	    cmocka_unit_test(test_mysql_text_that_is_no_set_is_refused_and_changes_nothing),
	    cmocka_unit_test(test_mariadb_text_keeps_the_highest_number_of_each_domain),
	    cmocka_unit_test(test_a_text_with_too_many_ranges_is_refused),
	    cmocka_unit_test(test_one_untagged_range_allocates_nothing),
	    cmocka_unit_test(test_a_full_buf_gets_no_part_of_a_set),
	    cmocka_unit_test(test_mariadb_sets_compare_by_domain_number_and_server),
	    cmocka_unit_test(test_mariadb_arithmetic_works_on_whole_domains),
	    cmocka_unit_test(test_sets_of_two_flavors_do_not_mix),
	    cmocka_unit_test(test_closing_joins_near_ranges_and_keeps_far_ones_apart),
	    cmocka_unit_test(test_arithmetic_agrees_with_sets_of_single_numbers),
	    cmocka_unit_test(test_ranges_can_be_taken_out_and_put_together_again),
	    cmocka_unit_test(test_one_servers_own_transactions_can_be_kept_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
