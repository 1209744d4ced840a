/* The compressed protocol: what was written is read, however it is cut; what is not true is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <zlib.h>
#include <zstd.h>

#include "protocol/compress.h"

static const enum compress_algorithm algorithms[] = {COMPRESS_ZLIB, COMPRESS_ZSTD};

enum kind { ALIKE, RANDOM, TEXT, KINDS };

static uint8_t *content(enum kind kind, size_t n)
{
	uint8_t *p = malloc(n + 1);
	unsigned state = 1;
	for (size_t i = 0; i < n; i++) {
		state = state * 1103515245 + 12345;
		p[i] = kind == ALIKE ? 'a' : kind == RANDOM ? (uint8_t)(state >> 16) : (uint8_t)("wye and rows "[i % 13] + (i / 997) % 3);
	}
	return p;
}

/* Everything written, in packets. */
static size_t write_all(enum compress_algorithm algorithm, const uint8_t *p, size_t n, uint8_t *out)
{
	struct compress_encoder *e = compress_encoder_create();
	struct view plain = {p, n};
	size_t len = 0;
	for (uint8_t number = 0; plain.len; number++) {
		size_t size = compress_write(e, algorithm, 3, number, &plain, out + len);
		assert_true(size <= COMPRESS_ROOM);
		assert_int_equal(out[len + 3], number);
		len += size;
	}
	compress_encoder_destroy(e);
	return len;
}

/* What comes of it when input comes in pieces and there is little room. BAD is passed on. */
static enum compress_result read_all(enum compress_algorithm algorithm, const uint8_t *p, size_t n, size_t piece,
				     size_t room, uint8_t *out, size_t *len)
{
	struct compress_reader r;
	enum compress_result got = COMPRESS_OK;
	compress_reader_init(&r, algorithm);
	*len = 0;
	for (size_t at = 0; at < n && got != COMPRESS_BAD;) {
		struct view in = {p + at, n - at < piece ? n - at : piece};
		at += in.len;
		do {
			size_t made;
			got = compress_read(&r, &in, out + *len, room, &made);
			*len += made;
			assert_true(made <= room);
			if (got == COMPRESS_FULL)
				assert_int_equal(made, room);
		} while (got == COMPRESS_FULL);
		if (got == COMPRESS_OK)
			assert_int_equal(in.len, 0);
	}
	if (got == COMPRESS_OK && !r.head_len)
		assert_null(r.stream); /* an idle connection holds nothing */
	bool whole = got == COMPRESS_OK && r.head_len == 0;
	compress_reader_finish(&r);
	return got == COMPRESS_OK && !whole ? COMPRESS_FULL : got;
}

static void check(enum compress_algorithm algorithm, enum kind kind, size_t n, size_t piece, size_t room)
{
	uint8_t *plain = content(kind, n), *packed = malloc(2 * n + COMPRESS_ROOM), *again = malloc(n + room);
	size_t len, got;
	len = write_all(algorithm, plain, n, packed);
	assert_int_equal(read_all(algorithm, packed, len, piece, room, again, &got), COMPRESS_OK);
	assert_int_equal(got, n);
	assert_memory_equal(plain, again, n);
	if (kind != RANDOM && n > 1000)
		assert_true(len < n / 2);
	else
		assert_true(len <= n + (n / COMPRESS_CHUNK + 1) * COMPRESS_HEADER);
	free(plain);
	free(packed);
	free(again);
}

static void test_what_was_written_is_read_however_it_is_cut(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 49, 50, 51, 1000, COMPRESS_CHUNK - 1, COMPRESS_CHUNK, COMPRESS_CHUNK + 1, 300000};
	static const size_t pieces[] = {7, 1000, 1u << 20};
	static const size_t rooms[] = {11, 4096, 1u << 17};
	for (size_t a = 0; a < 2; a++)
		for (enum kind kind = 0; kind < KINDS; kind++)
			for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
				for (size_t j = 0; j < 9; j++)
					check(algorithms[a], kind, sizes[i], pieces[j / 3], rooms[j % 3]);
	check(COMPRESS_ZLIB, TEXT, 1000, 1, 1);
	check(COMPRESS_ZSTD, TEXT, 1000, 1, 1);
}

/* A packet as another program makes it: the lengths are given. */
static size_t packet(uint8_t *out, enum compress_algorithm algorithm, const uint8_t *p, size_t n, size_t said)
{
	uLongf len = compressBound(n) + 1000;
	if (algorithm == COMPRESS_ZLIB)
		assert_int_equal(compress(out + COMPRESS_HEADER, &len, p, n), Z_OK);
	else
		len = ZSTD_compress(out + COMPRESS_HEADER, len, p, n, 3);
	uint8_t head[COMPRESS_HEADER] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), 5,
					 (uint8_t)said, (uint8_t)(said >> 8), (uint8_t)(said >> 16)};
	memcpy(out, head, sizeof head);
	return COMPRESS_HEADER + len;
}

static void test_a_packet_of_16_mib_is_read(void **state)
{
	(void)state;
	size_t n = 0xFFFFFF, got;
	uint8_t *plain = content(TEXT, n), *packed = malloc(n), *again = malloc(n + 65536);
	for (size_t a = 0; a < 2; a++) {
		size_t len = packet(packed, algorithms[a], plain, n, n);
		assert_int_equal(read_all(algorithms[a], packed, len, 65536, 65536, again, &got), COMPRESS_OK);
		assert_int_equal(got, n);
		assert_memory_equal(plain, again, n);
	}
	free(plain);
	free(packed);
	free(again);
}

static void test_lengths_that_are_not_true_are_refused(void **state)
{
	(void)state;
	uint8_t *plain = content(TEXT, 5000), packed[20000], again[20000];
	size_t got;
	for (size_t a = 0; a < 2; a++) {
		static const size_t said[] = {1, 4999, 5001, 0xFFFFFF};
		for (size_t i = 0; i < 4; i++)
			for (size_t piece = 1; piece < 10000; piece *= 30) {
				size_t len = packet(packed, algorithms[a], plain, 5000, said[i]);
				assert_int_equal(read_all(algorithms[a], packed, len, piece, 8192, again, &got),
						 COMPRESS_BAD);
				assert_true(got <= said[i]);
			}
		/* Cut short, and something behind it. */
		size_t len = packet(packed, algorithms[a], plain, 5000, 5000);
		size_t inside = len - COMPRESS_HEADER - 1;
		packed[0] = (uint8_t)inside;
		packed[1] = (uint8_t)(inside >> 8);
		assert_int_equal(read_all(algorithms[a], packed, len - 1, 8192, 8192, again, &got), COMPRESS_BAD);
		len = packet(packed, algorithms[a], plain, 5000, 5000);
		inside = len - COMPRESS_HEADER + 3;
		packed[0] = (uint8_t)inside;
		packed[1] = (uint8_t)(inside >> 8);
		memset(packed + len, 0x55, 3);
		assert_int_equal(read_all(algorithms[a], packed, len + 3, 8192, 8192, again, &got), COMPRESS_BAD);
		/* Damaged. */
		len = packet(packed, algorithms[a], plain, 5000, 5000);
		packed[COMPRESS_HEADER] ^= 0xFF;
		assert_int_equal(read_all(algorithms[a], packed, len, 8192, 8192, again, &got), COMPRESS_BAD);
	}
	free(plain);
}

static void test_frames_of_zstandard_may_follow_each_other(void **state)
{
	(void)state;
	uint8_t *plain = content(TEXT, 3000), packed[20000], again[20000];
	size_t got, len = COMPRESS_HEADER;
	for (size_t i = 0; i < 3; i++)
		len += ZSTD_compress(packed + len, 5000, plain + i * 1000, 1000, 3);
	size_t inside = len - COMPRESS_HEADER;
	uint8_t head[COMPRESS_HEADER] = {(uint8_t)inside, (uint8_t)(inside >> 8), 0, 0, (uint8_t)3000, 3000 >> 8, 0};
	memcpy(packed, head, sizeof head);
	assert_int_equal(read_all(COMPRESS_ZSTD, packed, len, 8192, 8192, again, &got), COMPRESS_OK);
	assert_int_equal(got, 3000);
	assert_memory_equal(again, plain, 3000);
	free(plain);
}

static void test_the_number_read_last_is_known(void **state)
{
	(void)state;
	struct compress_reader r;
	uint8_t out[16];
	size_t n;
	static const uint8_t two[] = {1, 0, 0, 7, 0, 0, 0, 'a', 1, 0, 0, 8, 0, 0, 0, 'b'};
	struct view in = {two, sizeof two};
	compress_reader_init(&r, COMPRESS_ZLIB);
	assert_int_equal(compress_read(&r, &in, out, sizeof out, &n), COMPRESS_OK);
	assert_int_equal(n, 2);
	assert_int_equal(r.number, 8);
	compress_reader_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read_however_it_is_cut),
		cmocka_unit_test(test_a_packet_of_16_mib_is_read),
		cmocka_unit_test(test_lengths_that_are_not_true_are_refused),
		cmocka_unit_test(test_frames_of_zstandard_may_follow_each_other),
		cmocka_unit_test(test_the_number_read_last_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
