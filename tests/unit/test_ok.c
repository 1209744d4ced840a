/* OK, ERR and EOF: read, written, and filtered for a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "protocol/tracker.h"

#define EOF_STYLE   CAP_PROTOCOL_41
#define TRACKED     (CAP_PROTOCOL_41 | CAP_SESSION_TRACK | CAP_DEPRECATE_EOF)
#define VIEW(array) ((struct view){array, sizeof array})

static struct buf out;
static uint8_t seq;

static void begin(size_t max)
{
	buf_finish(&out);
	buf_init(&out, max);
	seq = 5;
}

static struct view payload(void)
{
	struct packet p;
	assert_int_equal(packet_next(buf_data(&out), buf_len(&out), 0, &p), PACKET_OK);
	assert_int_equal(p.size, buf_len(&out));
	assert_int_equal(p.seq, 5);
	return p.payload;
}

static int finish(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

static void test_an_ok_is_read_as_a_server_wrote_it(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0,   3,   0xFC, 0x2C, 1,  2, 0x40, 1, 0,   4,
	                                'R', 'o', 'w',  's',  10, 1, 3,    2, 'd', 'b', /* schema */
	                                2,   1,   '1',  77,   0};
	struct ok_packet ok;
	assert_true(ok_parse(VIEW(bytes), TRACKED, &ok));
	assert_int_equal(ok.affected, 3);
	assert_int_equal(ok.insert_id, 300);
	assert_int_equal(ok.status, 0x4002);
	assert_int_equal(ok.warnings, 1);
	assert_true(view_equal(ok.info, view_of("Rows")));
	assert_int_equal(ok.trackers.len, 10);
	for (size_t len = 0; len < sizeof bytes; len++) {
		uint8_t *cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut, bytes, len);
		/* Whole only without the block, or without text and block. */
		assert_int_equal(ok_parse((struct view){cut, len}, TRACKED, &ok), len == 9 || len == 14);
		free(cut);
	}
}

static void test_text_without_a_length_is_taken_as_it_is_when_nothing_is_tracked(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0, 0, 0, 2, 0, 0, 0, 'R', 'o', 'w', 's'};
	struct ok_packet ok;
	assert_true(ok_parse(VIEW(bytes), EOF_STYLE, &ok));
	assert_true(view_equal(ok.info, view_of("Rows")));
	assert_false(ok_parse(VIEW(bytes), TRACKED, &ok));
}

static void test_the_short_form_with_fe_is_an_eof_and_not_an_ok(void **state)
{
	(void)state;
	static const uint8_t eof[] = {0xFE, 1, 0, 2, 0}, end[] = {0xFE, 0, 0, 2, 0, 1, 0};
	struct ok_packet ok;
	struct eof_packet e;
	assert_false(ok_parse(VIEW(eof), TRACKED, &ok));
	assert_true(eof_parse(VIEW(eof), &e));
	assert_int_equal(e.warnings, 1);
	assert_int_equal(e.status, 2);
	assert_false(eof_parse(VIEW(end), &e));
	assert_true(ok_parse(VIEW(end), TRACKED, &ok));
	assert_int_equal(ok.header, HEADER_EOF);
	assert_int_equal(ok.warnings, 1);
	assert_int_equal(ok.status, 2);
	assert_false(eof_parse((struct view){NULL, 0}, &e));
	assert_false(ok_parse((struct view){NULL, 0}, TRACKED, &ok));
}

static void test_errors_with_and_without_a_state(void **state)
{
	(void)state;
	static const uint8_t early[] = {0xFF, 0x10, 4, 'T', 'o', 'o'};
	static const uint8_t late[] = {0xFF, 0x28, 4, '#', '4', '2', '0', '0', '0', 'n', 'o'};
	static const uint8_t hash[] = {0xFF, 0x28, 4, '#', '4', '2'};
	struct err_packet err;
	assert_true(err_parse(VIEW(early), 0, &err));
	assert_int_equal(err.code, 1040);
	assert_string_equal(err.sqlstate, "HY000");
	assert_true(view_equal(err.message, view_of("Too")));
	assert_true(err_parse(VIEW(late), CAP_PROTOCOL_41, &err));
	assert_string_equal(err.sqlstate, "42000");
	assert_true(view_equal(err.message, view_of("no")));
	assert_true(err_parse(VIEW(late), 0, &err));
	assert_true(view_equal(err.message, view_of("#42000no")));
	assert_true(err_parse(VIEW(hash), CAP_PROTOCOL_41, &err));
	assert_true(view_equal(err.message, view_of("#42")));
	assert_false(err_parse((struct view){late, 2}, CAP_PROTOCOL_41, &err));
	assert_true(err_parse((struct view){late, 9}, CAP_PROTOCOL_41, &err));
	assert_int_equal(err.message.len, 0);
}

static void test_what_is_written_reads_back(void **state)
{
	(void)state;
	static const uint8_t block[] = {1, 3, 2, 'd', 'b'};
	static const uint8_t headers[] = {HEADER_OK, HEADER_EOF};
	for (size_t i = 0; i < 2; i++) {
		struct ok_packet ok = {.affected = 70000,
		                       .insert_id = UINT64_MAX,
		                       .status = 2,
		                       .warnings = 9,
		                       .header = headers[i],
		                       .info = view_of("text"),
		                       .trackers = VIEW(block)};
		struct ok_packet got;
		begin(1000);
		assert_true(ok_write(&out, &seq, TRACKED, &ok));
		assert_int_equal(seq, 6);
		assert_true(ok_parse(payload(), TRACKED, &got));
		assert_int_equal(got.header, headers[i]);
		assert_int_equal(got.affected, 70000);
		assert_true(got.insert_id == UINT64_MAX);
		assert_int_equal(got.status, 0x4002);
		assert_int_equal(got.warnings, 9);
		assert_true(view_equal(got.info, ok.info));
		assert_true(view_equal(got.trackers, ok.trackers));
	}
}

static void test_a_client_without_tracking_gets_no_block_and_no_bit(void **state)
{
	(void)state;
	static const uint8_t block[] = {1, 3, 2, 'd', 'b'};
	struct ok_packet ok = {.status = 0x4002, .trackers = VIEW(block)}, got;
	begin(1000);
	assert_true(ok_write(&out, &seq, EOF_STYLE, &ok));
	assert_int_equal(payload().len, 7);
	assert_true(ok_parse(payload(), TRACKED, &got));
	assert_int_equal(got.status, 2);
}

static void test_rows_end_in_the_form_the_client_knows(void **state)
{
	(void)state;
	static const uint8_t eof[] = {0xFE, 3, 0, 2, 0}, end[] = {0xFE, 0, 0, 2, 0, 3, 0};
	begin(1000);
	assert_true(eof_write(&out, &seq, EOF_STYLE, 2, 3));
	assert_true(view_equal(payload(), VIEW(eof)));
	begin(1000);
	assert_true(eof_write(&out, &seq, TRACKED, 2, 3));
	assert_true(view_equal(payload(), VIEW(end)));
}

static void test_an_error_is_cut_between_characters(void **state)
{
	(void)state;
	struct err_packet err;
	begin(1000);
	assert_true(err_write(&out, &seq, TRACKED, 1064, "42000", "near '%s' at %d", "x", 3));
	assert_true(err_parse(payload(), TRACKED, &err));
	assert_int_equal(err.code, 1064);
	assert_string_equal(err.sqlstate, "42000");
	assert_true(view_equal(err.message, view_of("near 'x' at 3")));
	begin(1000);
	assert_true(err_write(&out, &seq, 0, 1040, "08004", "Too many"));
	assert_true(err_parse(payload(), 0, &err));
	assert_true(view_equal(err.message, view_of("Too many")));

	static const struct {
		const char *tail;
		size_t keeps; /* of 511 */
	} cuts[] = {{"aaaa", 511},
	            {"a\xC3\xA9", 511},
	            {"aa\xC3\xA9", 510},
	            {"a\xE2\x82\xAC", 509},
	            {"\xE2\x82\xAC", 511},
	            {"\xF0\x9F\x98\x80", 508},
	            {"\x80\x80\x80\x80", 511}};
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		char text[600];
		memset(text, 'b', 508);
		strcpy(text + 508, cuts[i].tail);
		strcat(text, "more");
		begin(1000);
		assert_true(err_write(&out, &seq, TRACKED, 1, "HY000", "%s", text));
		assert_true(err_parse(payload(), TRACKED, &err));
		assert_int_equal(err.message.len, cuts[i].keeps);
	}
}

static void test_a_full_buf_gets_nothing_by_halves(void **state)
{
	(void)state;
	static const uint8_t block[] = {1, 3, 2, 'd', 'b'};
	struct ok_packet ok = {.status = 2, .info = view_of("text"), .trackers = VIEW(block)};
	for (size_t max = 0; max < 22; max++) {
		begin(max);
		assert_false(ok_write(&out, &seq, TRACKED, &ok));
		assert_int_equal(buf_len(&out), 0);
		assert_int_equal(seq, 5);
		begin(max);
		assert_false(err_write(&out, &seq, TRACKED, 1, "HY000", "twenty-two bytes"));
		assert_int_equal(buf_len(&out), 0);
	}
	begin(22);
	assert_true(ok_write(&out, &seq, TRACKED, &ok));
}

/* ---- filtering ---- */

/* What a backend that tracks a lot answers to a write that also changed a few things. */
static const uint8_t rich[] = {
    0, 14, 8,   's', 'q', 'l', '_', 'm', 'o', 'd', 'e', 4,   'A', 'N', 'S', 'I', /* ours */
    0, 14, 10,  'a', 'u', 't', 'o', 'c', 'o', 'm', 'm', 'i', 't', 2,   'O', 'N', /* everyone's */
    1, 3,  2,   'd', 'b',                                                        /* everyone's */
    2, 1,  '1',                                                                  /* ours */
    3, 5,  0,   3,   'u', ':', '1',                                              /* ours */
    5, 9,  8,   'T', '_', '_', '_', '_', '_', '_', '_',                          /* ours */
};

static struct buf backend;

static void backend_says(uint8_t header, const uint8_t *block, size_t len)
{
	buf_finish(&backend);
	buf_init(&backend, 1000);
	struct ok_packet ok = {
	    .header = header, .affected = 1, .status = 2, .info = view_of("ok"), .trackers = {block, len}};
	uint8_t number = 5;
	assert_true(ok_write(&backend, &number, TRACKED, &ok));
}

static bool unchanged(const struct ok_filter *f)
{
	begin(1000);
	assert_true(ok_rewrite(&out, buf_data(&backend), buf_len(&backend), TRACKED, f));
	bool same = view_equal((struct view){buf_data(&out), buf_len(&out)},
	                       (struct view){buf_data(&backend), buf_len(&backend)});
	assert_int_equal(!same, ok_needs_rewrite(buf_data(&backend), buf_len(&backend), TRACKED, f));
	return same;
}

static bool any_variable(void *arg, struct view name)
{
	++*(int *)arg;
	return name.len > 0;
}

static void test_a_client_sees_what_servers_track_by_default(void **state)
{
	(void)state;
	struct ok_filter f = {.client_caps = TRACKED, .keep = OK_KEEP_DEFAULT};
	static const uint8_t headers[] = {HEADER_OK, HEADER_EOF};
	for (size_t i = 0; i < 2; i++) {
		backend_says(headers[i], rich, sizeof rich);
		assert_false(unchanged(&f));
		struct ok_packet ok;
		assert_true(ok_parse(payload(), TRACKED, &ok));
		assert_int_equal(ok.header, headers[i]);
		assert_int_equal(ok.status, 0x4002);
		assert_true(view_equal(ok.info, view_of("ok")));
		assert_int_equal(ok.trackers.len, 21);
		assert_memory_equal(ok.trackers.p, rich + 16, 21);
	}
	buf_finish(&backend);
}

static void test_a_client_that_asked_for_more_sees_more(void **state)
{
	(void)state;
	int asked = 0;
	struct ok_filter f = {
	    .client_caps = TRACKED, .keep = ~0u, .keep_variable = any_variable, .arg = &asked};
	backend_says(HEADER_OK, rich, sizeof rich);
	assert_true(unchanged(&f));
	assert_true(asked >= 2);
	f.keep &= ~OK_KEEP(TRACK_GTIDS);
	assert_false(unchanged(&f));
	struct ok_packet ok;
	assert_true(ok_parse(payload(), TRACKED, &ok));
	assert_int_equal(ok.trackers.len, sizeof rich - 7);
	buf_finish(&backend);
}

static void test_with_nothing_left_the_block_and_its_bit_go(void **state)
{
	(void)state;
	struct ok_filter f = {.client_caps = TRACKED, .keep = OK_KEEP_DEFAULT};
	backend_says(HEADER_OK, rich + 37, sizeof rich - 37);
	assert_false(unchanged(&f));
	struct ok_packet ok;
	assert_true(ok_parse(payload(), TRACKED, &ok));
	assert_int_equal(ok.status, 2);
	assert_int_equal(ok.trackers.len, 0);
	assert_int_equal(payload().len, 10);

	f.client_caps = EOF_STYLE;
	f.keep = ~0u;
	backend_says(HEADER_OK, rich, sizeof rich);
	assert_false(unchanged(&f));
	assert_int_equal(payload().len, 10);
	assert_true(ok_parse(payload(), EOF_STYLE, &ok));
	assert_int_equal(ok.status, 2);
	assert_true(view_equal(ok.info, view_of("ok")));
	buf_finish(&backend);
}

static void test_an_ok_that_tracks_nothing_passes_byte_by_byte(void **state)
{
	(void)state;
	struct ok_filter f = {.client_caps = TRACKED};
	backend_says(HEADER_OK, NULL, 0);
	assert_true(unchanged(&f));
	f.client_caps = EOF_STYLE;
	assert_true(unchanged(&f));
	backend_says(HEADER_EOF, NULL, 0);
	assert_false(unchanged(&f)); /* this client knows only the plain EOF */
	assert_int_equal(payload().len, 5);
	buf_finish(&backend);
}

static void test_a_malformed_block_is_dropped(void **state)
{
	(void)state;
	static const uint8_t broken[] = {1, 3, 2, 'd', 'b', 1, 9};
	struct ok_filter f = {.client_caps = TRACKED, .keep = OK_KEEP_DEFAULT};
	backend_says(HEADER_OK, broken, sizeof broken);
	assert_false(unchanged(&f));
	assert_int_equal(payload().len, 10);
	buf_finish(&backend);
}

static void test_what_is_no_ok_is_not_rewritten(void **state)
{
	(void)state;
	static const uint8_t eof[] = {5, 0, 0, 1, 0xFE, 0, 0, 2, 0}, err[] = {3, 0, 0, 1, 0xFF, 1, 1};
	struct ok_filter f = {.client_caps = TRACKED};
	begin(1000);
	assert_false(ok_rewrite(&out, eof, sizeof eof, TRACKED, &f));
	assert_false(ok_rewrite(&out, err, sizeof err, TRACKED, &f));
	assert_false(ok_rewrite(&out, err, 2, TRACKED, &f));
	assert_true(ok_needs_rewrite(err, sizeof err, TRACKED, &f));
	assert_int_equal(buf_len(&out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_ok_is_read_as_a_server_wrote_it),
	    cmocka_unit_test(test_text_without_a_length_is_taken_as_it_is_when_nothing_is_tracked),
	    cmocka_unit_test(test_the_short_form_with_fe_is_an_eof_and_not_an_ok),
	    cmocka_unit_test(test_errors_with_and_without_a_state),
	    cmocka_unit_test(test_what_is_written_reads_back),
	    cmocka_unit_test(test_a_client_without_tracking_gets_no_block_and_no_bit),
	    cmocka_unit_test(test_rows_end_in_the_form_the_client_knows),
	    cmocka_unit_test(test_an_error_is_cut_between_characters),
	    cmocka_unit_test(test_a_full_buf_gets_nothing_by_halves),
	    cmocka_unit_test(test_a_client_sees_what_servers_track_by_default),
	    cmocka_unit_test(test_a_client_that_asked_for_more_sees_more),
	    cmocka_unit_test(test_with_nothing_left_the_block_and_its_bit_go),
	    cmocka_unit_test(test_an_ok_that_tracks_nothing_passes_byte_by_byte),
	    cmocka_unit_test(test_a_malformed_block_is_dropped),
	    cmocka_unit_test(test_what_is_no_ok_is_not_rewritten),
	};
	return cmocka_run_group_tests(tests, NULL, finish);
}
