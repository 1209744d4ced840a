/* Reading one row of a small answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "protocol/constants.h"
#include "protocol/packet.h"
#include "protocol/row.h"

static struct buf b;
static uint8_t seq;

static int create(void **state)
{
	(void)state;
	buf_init(&b, 1u << 16);
	seq = 1;
	return 0;
}

static int destroy(void **state)
{
	(void)state;
	buf_finish(&b);
	return 0;
}

static void packet(const void *payload, size_t len)
{
	assert_true(packet_append(&b, &seq, payload, len));
}

static void definition(uint8_t type, uint16_t flags, bool extended)
{
	size_t begin = packet_begin(&b);
	for (unsigned i = 0; i < (extended ? 7u : 6u); i++)
		assert_true(write_lenenc_str(&b, view_of("def")));
	assert_true(write_u8(&b, 12) && write_u16(&b, 45) && write_u32(&b, 100) && write_u8(&b, type) &&
	            write_u16(&b, flags) && write_u8(&b, 0) && write_u16(&b, 0));
	assert_true(packet_end(&b, begin, &seq));
}

static void answer(uint32_t caps, bool extended)
{
	packet("\x04", 1);
	definition(8, 0x80, extended);
	definition(8, 0xA0, extended);
	definition(246, 0x80, extended);
	definition(251, 0, extended);
	if (!(caps & CAP_DEPRECATE_EOF))
		packet("\xFE\0\0\x02\0", 5);
	packet("\x02-5\x01\x37\xFB\0", 7);
	packet("\xFE\0\0\x02\0\0\0", caps & CAP_DEPRECATE_EOF ? 7 : 5);
}

static struct view whole(void)
{
	return (struct view){buf_data(&b), buf_len(&b)};
}

static void expect_row(uint32_t caps, uint32_t mariadb_caps)
{
	struct row_cell cells[4];
	assert_true(row_read(whole(), caps, mariadb_caps, cells, 4));
	assert_int_equal(cells[0].kind, ROW_INTEGER);
	assert_int_equal(cells[1].kind, ROW_UNSIGNED);
	assert_int_equal(cells[2].kind, ROW_DECIMAL);
	assert_int_equal(cells[3].kind, ROW_STRING);
	assert_true(view_equal(cells[0].text, view_of("-5")));
	assert_true(view_equal(cells[1].text, view_of("7")));
	assert_null(cells[2].text.p);
	assert_non_null(cells[3].text.p);
	assert_int_equal(cells[3].text.len, 0);
}

static void test_the_first_row_is_read_in_either_form_of_the_protocol(void **state)
{
	(void)state;
	answer(0, false);
	expect_row(0, 0);
	buf_reset(&b);
	answer(CAP_DEPRECATE_EOF, false);
	expect_row(CAP_DEPRECATE_EOF, 0);
	buf_reset(&b);
	answer(0, true);
	expect_row(0, MCAP_EXTENDED_METADATA);
}

static void test_what_is_cut_short_anywhere_is_no_row(void **state)
{
	(void)state;
	struct row_cell cells[4];
	answer(0, false);
	size_t row_end = buf_len(&b) - 9;
	for (size_t len = 0; len < row_end; len++)
		assert_false(row_read((struct view){buf_data(&b), len}, 0, 0, cells, 4));
	assert_false(row_read(whole(), 0, 0, cells, 3));
}

static void test_an_error_and_an_empty_result_are_no_row(void **state)
{
	(void)state;
	struct row_cell cells[1];
	packet("\xFF\x01\x02no", 5);
	assert_false(row_read(whole(), 0, 0, cells, 1));
	buf_reset(&b);
	packet("\x01", 1);
	definition(8, 0, false);
	packet("\xFE\0\0\x02\0", 5);
	packet("\xFE\0\0\x02\0", 5);
	assert_false(row_read(whole(), 0, 0, cells, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_first_row_is_read_in_either_form_of_the_protocol),
	    TEST(test_what_is_cut_short_anywhere_is_no_row),
	    TEST(test_an_error_and_an_empty_result_are_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
