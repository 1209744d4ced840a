/* Result sets as the console writes them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/packet.h"
#include "protocol/reply.h"
#include "protocol/resultset.h"

#define EOF_STYLE CAP_PROTOCOL_41
#define OK_STYLE  (CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF)

static const struct resultset_column columns[] = {
    {"id", RESULTSET_INTEGER, false}, {"share", RESULTSET_DOUBLE, false}, {"name", RESULTSET_TEXT, false}};
static const struct resultset_cell cells[] = {{.kind = CELL_INTEGER, .integer = -5},
                                              {.kind = CELL_DOUBLE, .number = 0.1},
                                              {.kind = CELL_TEXT, .text = {(const uint8_t *)"abc", 3}}};

static struct buf out;
static uint8_t seq;

static void begin(size_t max)
{
	buf_finish(&out);
	buf_init(&out, max);
	seq = 1;
}

static int finish(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

/* The payload of the last packet. */
static struct view last(void)
{
	struct packet p = {{NULL, 0}, 0, 0, false};
	for (size_t at = 0; at < buf_len(&out); at += p.size)
		assert_int_equal(packet_next(buf_data(&out) + at, buf_len(&out) - at, 0, &p), PACKET_OK);
	return p.payload;
}

/* Walks what was written as a client would; gives the walker for its counts. */
static struct reply walk(uint8_t command, uint32_t caps)
{
	struct reply r;
	enum reply_result got;
	size_t at = 0, n;
	reply_begin(&r, command, caps, 0);
	while ((got = reply_walk(&r, buf_data(&out) + at, buf_len(&out) - at, &n)) < REPLY_DONE && n)
		at += n;
	assert_int_equal(got, REPLY_DONE);
	assert_int_equal(at, buf_len(&out));
	assert_int_equal(r.seq, (uint8_t)(seq - 1));
	return r;
}

static void test_the_walker_finds_the_end_of_every_answer_in_both_styles(void **state)
{
	(void)state;
	static const uint32_t styles[] = {EOF_STYLE, OK_STYLE};
	for (size_t i = 0; i < 2; i++) {
		for (int binary = 0; binary < 2; binary++) {
			begin(100000);
			assert_true(resultset_begin(&out, &seq, styles[i], columns, 3, 2));
			for (unsigned k = 0; k < 300; k++)
				assert_true(resultset_row(&out, &seq, columns, 3, cells, binary));
			assert_true(resultset_end(&out, &seq, styles[i], 2, 4));
			struct reply r = walk(binary ? CMD_STMT_EXECUTE : CMD_QUERY, styles[i]);
			assert_int_equal(r.rows, 300);
			assert_int_equal(r.columns, 3);
			assert_int_equal(r.status, 2);
			assert_int_equal(r.warnings, 4);
		}
		begin(100000);
		assert_true(resultset_fields(&out, &seq, styles[i], columns, 3, 2));
		walk(CMD_FIELD_LIST, styles[i]);
		for (unsigned params = 0; params < 3; params++) {
			for (unsigned n = 0; n < 3; n++) {
				begin(100000);
				assert_true(resultset_prepared(&out, &seq, styles[i], 77, columns, n,
				                               (uint16_t)params, 2));
				struct reply r = walk(CMD_STMT_PREPARE, styles[i]);
				assert_int_equal(r.statement_id, 77);
				assert_int_equal(r.columns, n);
				assert_int_equal(r.params, params);
			}
		}
	}
}

static void test_a_definition_has_every_field(void **state)
{
	(void)state;
	static const uint8_t want[] = {3,  'd', 'e', 'f', 0, 0, 0, 2,    'i', 'd', 0, 0x0C,
	                               63, 0,   21,  0,   0, 0, 8, 0x80, 0,   0,   0, 0};
	begin(1000);
	assert_true(resultset_begin(&out, &seq, OK_STYLE, columns, 1, 2));
	assert_true(view_equal(last(), (struct view){want, sizeof want}));
}

static void test_an_extended_definition_says_that_there_is_nothing_more(void **state)
{
	(void)state;
	static const struct resultset_column id = {"id", RESULTSET_INTEGER, true};
	static const uint8_t want[] = {3,  'd', 'e', 'f', 0, 0, 0, 2, 'i',  'd', 0, 0, 0x0C,
	                               63, 0,   21,  0,   0, 0, 8, 0x80, 0,   0, 0, 0};
	begin(1000);
	assert_true(resultset_begin(&out, &seq, OK_STYLE, &id, 1, 2));
	assert_true(view_equal(last(), (struct view){want, sizeof want}));
}

static void check_row(const struct resultset_column *c, const struct resultset_cell *cell, bool binary,
                      const void *want, size_t len)
{
	begin(1000);
	assert_true(resultset_row(&out, &seq, c, 1, cell, binary));
	assert_int_equal(last().len, len);
	assert_memory_equal(last().p, want, len);
}

static void test_cells_take_the_form_of_their_column(void **state)
{
	(void)state;
	static const struct resultset_cell null = {.kind = CELL_NULL},
	                                   text = {.kind = CELL_TEXT, .text = {(const uint8_t *)"12x", 3}},
	                                   half = {.kind = CELL_DOUBLE, .number = 0.5},
	                                   third = {.kind = CELL_DOUBLE, .number = 1.0 / 3},
	                                   endless = {.kind = CELL_DOUBLE, .number = INFINITY},
	                                   huge = {.kind = CELL_DOUBLE, .number = -1e300},
	                                   least = {.kind = CELL_INTEGER, .integer = INT64_MIN},
	                                   empty = {.kind = CELL_TEXT};
	const struct resultset_column *integer = &columns[0], *number = &columns[1], *name = &columns[2];
	check_row(integer, &null, false, "\xFB", 1);
	check_row(integer, &text, false,
	          "\x02"
	          "12",
	          3);
	check_row(integer, &half, false,
	          "\x01"
	          "0",
	          2);
	check_row(integer, &huge, false,
	          "\x14"
	          "-9223372036854775808",
	          21);
	check_row(integer, &least, false,
	          "\x14"
	          "-9223372036854775808",
	          21);
	check_row(integer, &empty, false,
	          "\x01"
	          "0",
	          2);
	check_row(number, &text, false,
	          "\x02"
	          "12",
	          3);
	check_row(number, &half, false,
	          "\x03"
	          "0.5",
	          4);
	check_row(number, &third, false,
	          "\x13"
	          "0.33333333333333331",
	          20);
	check_row(number, &endless, false, "\xFB", 1);
	check_row(name, &half, false,
	          "\x03"
	          "0.5",
	          4);
	check_row(name, &empty, false, "\x00", 1);
	check_row(name, &endless, true, "\x00\x04", 2);
	check_row(integer, &null, true, "\x00\x04", 2);
	check_row(integer, &text, true, "\x00\x00\x0C\0\0\0\0\0\0\0", 10);
	check_row(number, &half, true, "\x00\x00\0\0\0\0\0\0\xE0\x3F", 10);
	check_row(name, &least, true,
	          "\x00\x00\x14"
	          "-9223372036854775808",
	          23);
}

static void test_nulls_are_marked_in_the_bitmap_of_a_wide_row(void **state)
{
	(void)state;
	struct resultset_column wide[20];
	struct resultset_cell row[20];
	for (unsigned i = 0; i < 20; i++) {
		wide[i] = columns[2];
		row[i] = (struct resultset_cell){.kind = i % 3 ? CELL_NULL : CELL_TEXT};
	}
	begin(1000);
	assert_true(resultset_row(&out, &seq, wide, 20, row, true));
	assert_int_equal(last().len, 1 + 3 + 7);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(last().p[1 + (i + 2) / 8] >> (i + 2) % 8 & 1, i % 3 != 0);
}

static void test_a_full_buf_takes_the_last_packet_back(void **state)
{
	(void)state;
	begin(100000);
	assert_true(resultset_begin(&out, &seq, EOF_STYLE, columns, 3, 2));
	size_t head = buf_len(&out);
	assert_true(resultset_row(&out, &seq, columns, 3, cells, true));
	size_t row = buf_len(&out);
	for (size_t max = 0; max < head; max++) {
		begin(max);
		assert_false(resultset_begin(&out, &seq, EOF_STYLE, columns, 3, 2));
		last();
	}
	for (size_t max = head; max < row; max++) {
		begin(max);
		assert_true(resultset_begin(&out, &seq, EOF_STYLE, columns, 3, 2));
		assert_false(resultset_row(&out, &seq, columns, 3, cells, true));
		assert_int_equal(buf_len(&out), head);
		assert_false(resultset_row(&out, &seq, columns, 3, cells, false) && max < head + 4);
	}
}

static void test_a_result_has_columns(void **state)
{
	(void)state;
	begin(1000);
	assert_false(resultset_begin(&out, &seq, OK_STYLE, columns, 0, 2));
	assert_false(resultset_begin(&out, &seq, OK_STYLE, columns, 4097, 2));
	assert_int_equal(buf_len(&out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_walker_finds_the_end_of_every_answer_in_both_styles),
	    cmocka_unit_test(test_a_definition_has_every_field),
	    cmocka_unit_test(test_an_extended_definition_says_that_there_is_nothing_more),
	    cmocka_unit_test(test_cells_take_the_form_of_their_column),
	    cmocka_unit_test(test_nulls_are_marked_in_the_bitmap_of_a_wide_row),
	    cmocka_unit_test(test_a_full_buf_takes_the_last_packet_back),
	    cmocka_unit_test(test_a_result_has_columns),
	};
	return cmocka_run_group_tests(tests, NULL, finish);
}
