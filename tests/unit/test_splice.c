/* Bytes put into a command while it passes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/packet.h"
#include "protocol/splice.h"

#define FRONT 7u
#define REPLACED 3u

/* A payload of n bytes as packets, its bytes counting up. */
static void command(struct buf *b, size_t n)
{
	uint8_t seq = 0;
	uint8_t *payload = malloc(n ? n : 1);
	for (size_t i = 0; i < n; i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	buf_init(b, n + 1024);
	assert_true(packet_append(b, &seq, payload, n));
	free(payload);
}

/* The same with its front replaced, made in one go. */
static void expected(struct buf *b, size_t n)
{
	uint8_t seq = 0;
	size_t len = n - REPLACED + FRONT;
	uint8_t *payload = malloc(FRONT + n);
	memset(payload, 0xEE, FRONT);
	for (size_t i = REPLACED; i < n; i++)
		payload[FRONT + i - REPLACED] = (uint8_t)(i * 7 + i / 251);
	buf_init(b, len + 1024);
	assert_true(packet_append(b, &seq, payload, len));
	free(payload);
}

static void check(size_t n, size_t piece)
{
	struct buf in, out, want, front;
	struct splice s;
	uint8_t bytes[FRONT];
	memset(bytes, 0xEE, sizeof bytes);
	buf_init(&front, 1024);
	assert_true(buf_append(&front, bytes, sizeof bytes));
	command(&in, n);
	expected(&want, n);
	buf_init(&out, n + 2048);
	assert_true(buf_append(&in, "next", 4)); /* the next command is not touched */
	splice_begin(&s, &front, REPLACED);
	s.waiting.max = 1u << 20;
	size_t len = buf_len(&in), at = 0, held = 0;
	while (!s.done) {
		size_t used, given = len - at < held + piece ? len - at : held + piece;
		assert_true(splice_feed(&s, buf_data(&in) + at, given, &used, &out));
		assert_true(used || given < len - at);
		held = given - used; /* less than a header */
		at += used;
		assert_true(buf_len(&s.waiting) <= FRONT);
	}
	assert_int_equal(at, len - 4);
	assert_int_equal(buf_len(&out), buf_len(&want));
	assert_memory_equal(buf_data(&out), buf_data(&want), buf_len(&want));
	splice_finish(&s);
	buf_finish(&in);
	buf_finish(&out);
	buf_finish(&want);
}

static void test_small_commands_of_every_cut(void **state)
{
	(void)state;
	for (size_t n = REPLACED; n < 40; n++)
		for (size_t piece = 1; piece < 20; piece++)
			check(n, piece);
}

static void test_commands_about_the_size_of_packets(void **state)
{
	(void)state;
	static const int around[] = {-9, -5, -4, -3, -1, 0, 1, 3, 4, 5, 9};
	for (size_t packets = 1; packets <= 2; packets++)
		for (size_t i = 0; i < sizeof around / sizeof *around; i++)
			check(packets * PACKET_MAX_PAYLOAD + (size_t)(ptrdiff_t)around[i], 1u << 20);
	check(2 * PACKET_MAX_PAYLOAD + 100, 65537);
}

static void test_a_front_that_is_not_in_the_first_packet_is_refused(void **state)
{
	(void)state;
	struct buf front, out;
	struct splice s;
	size_t used;
	buf_init(&front, 16);
	buf_init(&out, 100);
	splice_begin(&s, &front, 5);
	static const uint8_t packet[] = {4, 0, 0, 0, 1, 2, 3, 4};
	assert_false(splice_feed(&s, packet, sizeof packet, &used, &out));
	splice_finish(&s);
	buf_finish(&out);
}

static void test_a_full_output_is_refused(void **state)
{
	(void)state;
	struct buf front, out;
	struct splice s;
	size_t used;
	buf_init(&front, 16);
	buf_init(&out, 6);
	splice_begin(&s, &front, 0);
	static const uint8_t packet[] = {4, 0, 0, 0, 1, 2, 3, 4};
	assert_false(splice_feed(&s, packet, sizeof packet, &used, &out));
	splice_finish(&s);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_commands_of_every_cut),
		cmocka_unit_test(test_commands_about_the_size_of_packets),
		cmocka_unit_test(test_a_front_that_is_not_in_the_first_packet_is_refused),
		cmocka_unit_test(test_a_full_output_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
