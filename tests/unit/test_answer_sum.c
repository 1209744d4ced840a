/* Sums of answers: what a client can see counts, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/constants.h"
#include "proxy/answer_sum.h"

#define CAPS (CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF)

struct bytes {
	uint8_t data[512];
	size_t len;
};

static void put(struct bytes *b, uint8_t seq, const void *payload, size_t n)
{
	const uint8_t header[4] = {(uint8_t)n, 0, 0, seq};
	memcpy(b->data + b->len, header, sizeof header);
	memcpy(b->data + b->len + sizeof header, payload, n);
	b->len += sizeof header + n;
}

static struct bytes rows(const char *first, const char *second, uint8_t status, uint8_t warnings)
{
	struct bytes b = {.len = 0};
	const uint8_t end[] = {0xFE, 0, 0, status, 0, warnings, 0};
	put(&b, 1, "\1", 1);
	put(&b, 2, "\3def a column's definition", 25);
	put(&b, 3, first, strlen(first));
	put(&b, 4, second, strlen(second));
	put(&b, 5, end, sizeof end);
	return b;
}

static struct bytes ok(uint8_t affected, uint8_t insert_id, uint8_t status, uint8_t warnings)
{
	struct bytes b = {.len = 0};
	const uint8_t payload[] = {0, affected, insert_id, status, 0, warnings, 0};
	put(&b, 1, payload, sizeof payload);
	return b;
}

static struct bytes err(uint8_t code, const char *text)
{
	struct bytes b = {.len = 0};
	uint8_t payload[64] = {0xFF, code, 4, '#', '4', '2', '0', '0', '0'};
	memcpy(payload + 9, text, strlen(text));
	put(&b, 1, payload, 9 + strlen(text));
	return b;
}

/* As a session does it, with the bytes coming `step` at a time. */
static struct answer_sum sum_of(struct bytes b, size_t step)
{
	struct answer_sum a = {0};
	struct reply r;
	size_t at = 0, here = 0, n;
	reply_begin(&r, CMD_QUERY, CAPS, 0);
	for (;;) {
		enum reply_result got = reply_walk(&r, b.data + at, here - at, &n);
		if (got == REPLY_PARTIAL) {
			assert_true(here < b.len);
			here = here + step < b.len ? here + step : b.len;
			continue;
		}
		if (got == REPLY_DONE)
			return a;
		assert_true(got == REPLY_PASS || got == REPLY_PACKET);
		if (got == REPLY_PASS)
			answer_sum_bytes(&a, b.data + at, n);
		else
			answer_sum_packet(&a, &r, b.data + at, n);
		at += n;
	}
}

static bool same(struct bytes a, struct bytes b)
{
	struct answer_sum x = sum_of(a, sizeof a.data), y = sum_of(b, sizeof b.data);
	return answer_sum_is_same(&x, &y);
}

static void test_where_the_bytes_are_cut_makes_no_difference(void **state)
{
	(void)state;
	struct bytes b = rows("\2ab", "\3cde", STATUS_AUTOCOMMIT, 0);
	struct answer_sum whole = sum_of(b, b.len);
	for (size_t step = 1; step < b.len; step++) {
		struct answer_sum cut = sum_of(b, step);
		assert_true(answer_sum_is_same(&whole, &cut));
	}
}

static void test_rows_are_the_same_byte_by_byte(void **state)
{
	(void)state;
	assert_true(same(rows("\2ab", "\2cd", 0, 0), rows("\2ab", "\2cd", 0, 0)));
	assert_false(same(rows("\2ab", "\2cd", 0, 0), rows("\2ab", "\2ce", 0, 0)));
	assert_false(same(rows("\2ab", "\2cd", 0, 0), rows("\2cd", "\2ab", 0, 0)));
	assert_false(same(rows("\2ab", "\2cd", 0, 0), rows("\2ab", "\3cdd", 0, 0)));
}

static void test_status_and_warnings_may_differ(void **state)
{
	(void)state;
	assert_true(same(rows("\2ab", "\2cd", STATUS_IN_TRANS, 0), rows("\2ab", "\2cd", STATUS_AUTOCOMMIT, 3)));
	assert_true(same(ok(1, 7, STATUS_IN_TRANS, 0), ok(1, 7, STATUS_AUTOCOMMIT, 1)));
}

static void test_affected_rows_count_and_insert_ids_are_apart(void **state)
{
	(void)state;
	assert_false(same(ok(1, 7, 0, 0), ok(2, 7, 0, 0)));
	assert_true(same(ok(1, 7, 0, 0), ok(1, 8, 0, 0)));
	assert_int_equal(sum_of(ok(1, 7, 0, 0), 64).insert_id, 7);
	assert_int_equal(sum_of(ok(1, 8, 0, 0), 64).insert_id, 8);
}

static void test_errors_are_the_same_by_number_and_state_and_not_by_text(void **state)
{
	(void)state;
	assert_true(same(err(0x1E, "one text"), err(0x1E, "another")));
	assert_false(same(err(0x1E, "one text"), err(0x1F, "one text")));
	assert_false(same(err(0x1E, ""), ok(0, 0, 0, 0)));
	assert_int_equal(sum_of(err(0x1E, ""), 64).error, 0x41E);
}

static void test_what_wye_answers_is_as_a_server_would(void **state)
{
	(void)state;
	struct answer_sum own = {0}, server = sum_of(ok(0, 0, STATUS_AUTOCOMMIT, 0), 64);
	answer_sum_ok(&own);
	assert_true(answer_sum_is_same(&own, &server));
	struct answer_sum own_error = {0}, error = sum_of(err(0x1E, "text"), 64);
	answer_sum_error(&own_error, 0x41E, "42000");
	assert_true(answer_sum_is_same(&own_error, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_the_bytes_are_cut_makes_no_difference),
		cmocka_unit_test(test_rows_are_the_same_byte_by_byte),
		cmocka_unit_test(test_status_and_warnings_may_differ),
		cmocka_unit_test(test_affected_rows_count_and_insert_ids_are_apart),
		cmocka_unit_test(test_errors_are_the_same_by_number_and_state_and_not_by_text),
		cmocka_unit_test(test_what_wye_answers_is_as_a_server_would),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
