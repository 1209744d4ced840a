/* Statements by digest and kind, their times, and the memory that any number of digests takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "proxy/errors_seen.h"
#include "proxy/statements.h"

#define DIGESTS 1000u
#define MANY 5000000u

static struct tally_ticket row_of(struct statements *t, uint64_t digest, int slot)
{
	struct tally_ticket ticket;
	static struct statement_id id;
	if (tally_find(t->digests, statement_key(digest, 1, slot), &ticket))
		return ticket;
	id.digest = digest;
	id.slot = slot;
	snprintf(id.text, sizeof id.text, "SELECT c%llu FROM t", (unsigned long long)digest);
	return tally_add(t->digests, statement_key(digest, 1, slot), &id, (size_t)(slot + 1));
}

static struct statement_done done_in(uint64_t us, int slot)
{
	struct statement_done done = {.slot = slot, .class = STATEMENT_READ, .now_us = 1000 + us, .rows_sent = 2};
	done.part_us[PART_ALL] = us;
	done.part_us[PART_SERVER] = us - us / 10;
	done.part_us[PART_OWN] = us / 10;
	return done;
}

static long resident_kib(void)
{
	long size, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (!statm || fscanf(statm, "%ld %ld", &size, &resident) != 2)
		fail_msg("no /proc/self/statm");
	fclose(statm);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_a_percentile_is_near_the_time_it_stands_for(void **state)
{
	(void)state;
	uint64_t counts[HISTOGRAM_BUCKETS] = {0};
	for (uint64_t us = 1; us <= 100000; us++)
		counts[histogram_bucket(us)]++;
	assert_in_range(histogram_percentile(counts, 0, 0.5), 48000, 52000);
	assert_in_range(histogram_percentile(counts, 0, 0.99), 94000, 107000);
	assert_in_range(histogram_percentile(counts, 100000, 0.75), 48000, 52000);
	assert_int_equal(histogram_percentile(counts, 900000, 0.5), 0);
	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(histogram_from(i)), i);
		assert_int_equal(histogram_bucket(histogram_from(i + 1) - 1), i);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_one_statement_is_counted_by_digest_and_by_kind(void **state)
{
	(void)state;
	struct statements t;
	static struct statement_times_read times;
	static struct statement_counts_read counts;
	static struct statement_id id;
	uint64_t key;
	assert_true(statements_init(&t, DIGESTS));
	struct statement_done done = done_in(500, 3);
	done.failed = true;
	done.rows_affected = 7;
	statement_note(&t, row_of(&t, 42, 3), &done);
	done = done_in(100, 3);
	statement_note(&t, row_of(&t, 42, 3), &done);
	assert_true(statement_class_read(&t, 3, STATEMENT_READ, &times));
	assert_int_equal(times.statements, 2);
	assert_int_equal(times.errors, 1);
	assert_int_equal(times.max_us, 500);
	assert_false(statement_class_read(&t, 3, STATEMENT_WRITE, &times));
	assert_true(tally_read(t.digests, 0, &key, &id, &counts));
	assert_int_equal(id.digest, 42);
	assert_int_equal(counts.times.sum_us[PART_ALL], 600);
	assert_int_equal(counts.min_us, 100);
	assert_int_equal(counts.rows_sent, 4);
	assert_int_equal(counts.rows_affected, 7);
	assert_int_equal(statement_percentile(&counts.times, PART_QUEUE, 0.99), 0);
	assert_in_range(statement_percentile(&counts.times, PART_ALL, 0.99), 448, 500);
	statements_forget(&t, 41);
	assert_true(tally_read(t.digests, 0, &key, &id, &counts));
	statements_forget(&t, 42);
	assert_false(tally_read(t.digests, 0, &key, &id, &counts));
	assert_true(statement_class_read(&t, 3, STATEMENT_READ, &times));
	statements_forget(&t, 0);
	assert_false(statement_class_read(&t, 3, STATEMENT_READ, &times));
	statements_finish(&t);
}

static void test_memory_is_flat_however_many_digests_there_are(void **state)
{
	(void)state;
	struct statements t;
	static struct statement_counts_read counts;
	static struct statement_id id;
	uint64_t key, all = 0;
	assert_true(statements_init(&t, DIGESTS));
	long before = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		struct statement_done done = done_in(50 + i % 1000, (int)(i % 3) - 1);
		statement_note(&t, row_of(&t, 1 + i, done.slot), &done);
		if (i == MANY / 100)
			before = resident_kib();
	}
	assert_in_range(resident_kib() - before, 0, 256);
	for (size_t i = 0; i < tally_rows(t.digests); i++)
		if (tally_read(t.digests, i, &key, &id, &counts))
			all += counts.times.statements;
	assert_int_equal(all, MANY);
	assert_int_equal(tally_folded(t.digests), MANY - DIGESTS);
	statements_finish(&t);
}

static void assert_shown(uint16_t code, const char *text, const char *shown)
{
	char out[256];
	error_text_without_data(code, view_of(text), out, sizeof out);
	assert_string_equal(out, shown);
}

static void test_what_may_be_data_is_not_in_the_text_of_an_error(void **state)
{
	(void)state;
	assert_shown(1062, "Duplicate entry 'O'Neill' for key 'person.name'", "Duplicate entry '?' for key 'person.name'");
	assert_shown(1062, "Duplicate entry 'a' for key 'b' for key 'c'", "Duplicate entry '?' for key 'c'");
	assert_shown(1146, "Table 'app.t' doesn't exist", "Table 'app.t' doesn't exist");
	assert_shown(1366, "Incorrect integer value: 'it's mine' for column `a`.`t`.`v` at row 1",
		     "Incorrect integer value: '?' for column `a`.`t`.`v` at row 1");
	assert_shown(1064, "You have an error in your SQL syntax; near 'FROM t WHERE pin = '123'' at line 1",
		     "You have an error in your SQL syntax; near '?'");
	assert_shown(1292, "Truncated incorrect DOUBLE value: 'cut he", "Truncated incorrect DOUBLE value: '?'");
	assert_shown(1644, "", "");
}

static void test_errors_are_counted_by_server_account_and_code(void **state)
{
	(void)state;
	struct tally *t = errors_seen_create();
	struct tally_ticket row;
	struct error_id id = {.slot = 1, .code = 1062, .user = "app"};
	static struct error_counts_read counts;
	uint64_t key;
	assert_false(error_seen_before(t, 1, "app", 1062, &row));
	error_seen_note(t, error_seen_add(t, &id), 77, 1000);
	assert_true(error_seen_before(t, 1, "app", 1062, &row));
	error_seen_note(t, row, 78, 2000);
	assert_false(error_seen_before(t, -1, "app", 1062, &row));
	assert_false(error_seen_before(t, 1, "shop", 1062, &row));
	assert_false(error_seen_before(t, 1, "app", 1146, &row));
	assert_true(tally_read(t, 0, &key, &id, &counts));
	assert_int_equal(counts.errors, 2);
	assert_int_equal(counts.first_us, 1000);
	assert_int_equal(counts.last_us, 2000);
	assert_int_equal(counts.digest, 78);
	tally_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_percentile_is_near_the_time_it_stands_for),
		cmocka_unit_test(test_one_statement_is_counted_by_digest_and_by_kind),
		cmocka_unit_test(test_memory_is_flat_however_many_digests_there_are),
		cmocka_unit_test(test_what_may_be_data_is_not_in_the_text_of_an_error),
		cmocka_unit_test(test_errors_are_counted_by_server_account_and_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
