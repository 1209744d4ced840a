/* Framing, byte readers and the bounded byte queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/packet.h"

static void test_a_packet_is_partial_until_its_last_byte(void **state)
{
	(void)state;
	uint8_t wire[] = {3, 0, 0, 7, 'a', 'b', 'c', 9};
	struct packet p;
	for (size_t n = 0; n < 7; n++)
		assert_int_equal(packet_next(wire, n, 0, &p), PACKET_PARTIAL);
	assert_int_equal(packet_next(wire, sizeof wire, 0, &p), PACKET_OK);
	assert_int_equal(p.size, 7);
	assert_int_equal(p.seq, 7);
	assert_memory_equal(p.payload.p, "abc", 3);
}

static void test_a_length_above_the_bound_is_refused_from_the_header(void **state)
{
	(void)state;
	uint8_t wire[] = {0, 1, 0, 0};
	struct packet p;
	assert_int_equal(packet_next(wire, sizeof wire, 255, &p), PACKET_BAD);
	assert_int_equal(packet_next(wire, sizeof wire, 256, &p), PACKET_PARTIAL);
}

static void check_split(size_t len, size_t packets)
{
	struct buf b;
	buf_init(&b, 64u << 20);
	uint8_t *payload = malloc(len);
	assert_non_null(payload);
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	uint8_t seq = 250;
	assert_true(packet_append(&b, &seq, payload, len));
	assert_int_equal(seq, (uint8_t)(250 + packets));
	size_t at = 0, seen = 0;
	struct packet p = {.continues = true};
	for (uint8_t expect = 250; p.continues; expect++) {
		assert_int_equal(packet_next(buf_data(&b), buf_len(&b), 0, &p), PACKET_OK);
		assert_int_equal(p.seq, expect);
		assert_memory_equal(p.payload.p, payload + at, p.payload.len);
		at += p.payload.len;
		seen++;
		buf_consume(&b, p.size);
	}
	assert_int_equal(at, len);
	assert_int_equal(seen, packets);
	assert_int_equal(buf_len(&b), 0);
	buf_finish(&b);
	free(payload);
}

static void test_large_payloads_are_cut_and_an_exact_multiple_ends_with_an_empty_packet(void **state)
{
	(void)state;
	check_split(PACKET_MAX_PAYLOAD - 1, 1);
	check_split(PACKET_MAX_PAYLOAD, 2);
	check_split(PACKET_MAX_PAYLOAD + 1, 2);
	check_split(2 * (size_t)PACKET_MAX_PAYLOAD, 3);
}

static void test_a_full_buf_takes_no_part_of_a_packet(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	uint8_t seq = 0;
	assert_true(packet_append(&b, &seq, "12", 2));
	assert_false(packet_append(&b, &seq, "12345", 5));
	assert_int_equal(buf_len(&b), 6);
	assert_int_equal(seq, 1);
	buf_finish(&b);
}

static void test_a_reader_never_passes_its_end(void **state)
{
	(void)state;
	uint8_t wire[] = {0xFC, 5, 0, 'a', 'b'};
	struct reader r = reader_of(wire, sizeof wire);
	struct view v = read_lenenc_str(&r);
	assert_true(r.bad);
	assert_int_equal(v.len, 0);
	assert_int_equal(read_u32(&r), 0);
	r = reader_of("abc", 3);
	read_cstr(&r);
	assert_true(r.bad);
	uint8_t huge[] = {0xFE, 255, 255, 255, 255, 255, 255, 255, 255};
	r = reader_of(huge, sizeof huge);
	read_lenenc_str(&r);
	assert_true(r.bad);
}

static void test_lenenc_round_trips_at_every_width(void **state)
{
	(void)state;
	static const uint64_t values[] = {0, 250, 251, 65535, 65536, 16777215, 16777216, UINT64_MAX};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf b;
		buf_init(&b, 16);
		assert_true(write_lenenc(&b, values[i]));
		struct reader r = reader_of(buf_data(&b), buf_len(&b));
		assert_true(read_lenenc(&r, NULL) == values[i]);
		assert_false(r.bad);
		assert_int_equal(reader_left(&r), 0);
		buf_finish(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_packet_is_partial_until_its_last_byte),
		cmocka_unit_test(test_a_length_above_the_bound_is_refused_from_the_header),
		cmocka_unit_test(test_large_payloads_are_cut_and_an_exact_multiple_ends_with_an_empty_packet),
		cmocka_unit_test(test_a_full_buf_takes_no_part_of_a_packet),
		cmocka_unit_test(test_a_reader_never_passes_its_end),
		cmocka_unit_test(test_lenenc_round_trips_at_every_width),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
