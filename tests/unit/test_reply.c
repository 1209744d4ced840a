/* The walker over answers: every shape, whole, byte by byte, and cut in two at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "protocol/reply.h"

#define EOF_STYLE CAP_PROTOCOL_41
#define OK_STYLE  (CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF | CAP_SESSION_TRACK)

/* ---- building answers ---- */

static struct buf wire;
static uint8_t seq;

static void begin(void)
{
	buf_finish(&wire);
	buf_init(&wire, 128u << 20);
	seq = 1;
}

static void put(const void *payload, size_t len)
{
	assert_true(packet_append(&wire, &seq, payload, len));
}

#define PUT(...)                                                                                             \
	do {                                                                                                 \
		const uint8_t bytes_[] = {__VA_ARGS__};                                                      \
		put(bytes_, sizeof bytes_);                                                                  \
	} while (0)

static void put_ok(uint32_t caps, uint16_t status)
{
	struct ok_packet ok = {.affected = 7, .insert_id = 300, .status = status, .warnings = 2};
	assert_true(ok_write(&wire, &seq, caps, &ok));
}

static void put_end(uint32_t caps, uint16_t status)
{
	assert_true(eof_write(&wire, &seq, caps, status, 1));
}

static void put_err(uint16_t code)
{
	assert_true(err_write(&wire, &seq, CAP_PROTOCOL_41, code, "42S02", "no such thing"));
}

static void put_definitions(uint32_t caps, unsigned n, uint16_t status)
{
	for (unsigned i = 0; i < n; i++)
		PUT(3, 'd', 'e', 'f', 0, 0, 0, 1, 'c', 0, 0x0C, 45, 0, 1, 0, 0, 0, 0xFD, 0, 0, 0, 0, 0);
	if (!(caps & CAP_DEPRECATE_EOF))
		put_end(caps, status);
}

static void put_rows(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		PUT(1, 'a', 0xFB, 2, 'x', (uint8_t)('0' + i));
}

static void put_result(uint32_t caps, unsigned rows, uint16_t status)
{
	PUT(3);
	put_definitions(caps, 3, status);
	put_rows(rows);
	put_end(caps, status);
}

/* ---- walking ---- */

static char events[4096];

static void event(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void event(const char *format, ...)
{
	size_t at = strlen(events);
	va_list args;
	va_start(args, format);
	vsnprintf(events + at, sizeof events - at, format, args);
	va_end(args);
}

static void packet_event(const struct reply *r)
{
	switch (r->kind) {
	case REPLY_OK:
		event("ok(%x,%d,%d)", r->status, (int)r->affected, (int)r->insert_id);
		break;
	case REPLY_ERR:
		event("err(%d,%s)", r->error, r->sqlstate);
		break;
	case REPLY_EOF:
		event("%s(%x)", r->after_definitions ? "defs-eof" : "eof", r->status);
		break;
	case REPLY_END:
		event("end(%x)", r->status);
		break;
	case REPLY_COLUMN_COUNT:
		event("columns(%d%s)", (int)r->columns, r->has_definitions ? "" : ",cached");
		break;
	case REPLY_LOCAL_INFILE:
		event("infile");
		break;
	case REPLY_PREPARE_OK:
		event("prepared(%d,%d,%d)", (int)r->statement_id, (int)r->params, (int)r->columns);
		break;
	case REPLY_PROGRESS:
		event("progress");
		break;
	case REPLY_STRING:
		event("string");
		break;
	case REPLY_AUTH:
		event("auth");
		break;
	default:
		fail();
	}
	event(r->more ? "+ " : " ");
	assert_int_equal(r->has_status, r->kind == REPLY_OK || r->kind == REPLY_END || r->kind == REPLY_EOF);
}

static void flush_passed(size_t *passed)
{
	if (*passed)
		event("pass(%zu) ", *passed);
	*passed = 0;
}

/* Gives the bytes up to `arrived` until the walker wants more. Returns false when nothing more will come of
 * it. */
static bool feed(struct reply *r, size_t arrived, size_t *off, size_t *passed)
{
	for (;;) {
		size_t len = arrived - *off, n = 99;
		uint8_t *copy =
		    len < 65536 ? malloc(len ? len : 1) : NULL; /* so that a read beyond it is seen */
		const uint8_t *exact =
		    copy ? memcpy(copy, buf_data(&wire) + *off, len) : buf_data(&wire) + *off;
		enum reply_result got = reply_walk(r, exact, len, &n);
		assert_true(n <= len);
		assert_int_equal(n > 0, got == REPLY_PASS || got == REPLY_PACKET);
		*off += n;
		if (got == REPLY_PASS)
			*passed += n;
		else if (got != REPLY_PARTIAL)
			flush_passed(passed);
		if (got == REPLY_PACKET) {
			size_t size = PACKET_HEADER + get_u24(exact);
			assert_int_equal(n, size);
			assert_int_equal(r->seq, exact[3]);
			packet_event(r);
			if (r->kind == REPLY_LOCAL_INFILE || r->kind == REPLY_AUTH)
				reply_local_sent(r);
		}
		free(copy);
		if (got == REPLY_PARTIAL)
			return true;
		if (got == REPLY_DONE || got == REPLY_BAD) {
			event(got == REPLY_DONE ? "done" : "bad");
			assert_int_equal(reply_walk(r, NULL, 0, &n), got);
			return false;
		}
	}
}

static struct reply walked;

/* Walks the answer arriving in steps: first up to `cut`, then `step` bytes at a time. */
static void walk(uint8_t command, uint32_t caps, uint32_t mariadb_caps, size_t cut, size_t step)
{
	size_t len = buf_len(&wire), off = 0, passed = 0;
	*events = 0;
	reply_begin(&walked, command, caps, mariadb_caps);
	for (size_t arrived = cut;; arrived = len - arrived < step ? len : arrived + step) {
		if (!feed(&walked, arrived, &off, &passed))
			break;
		if (arrived == len) {
			flush_passed(&passed);
			event("partial");
			break;
		}
	}
	assert_int_equal(walked.bytes, off);
}

static void expect(uint8_t command, uint32_t caps, uint32_t mariadb_caps, const char *want)
{
	size_t len = buf_len(&wire);
	walk(command, caps, mariadb_caps, len, 1);
	assert_string_equal(events, want);
	walk(command, caps, mariadb_caps, 0, 1);
	assert_string_equal(events, want);
	for (size_t cut = 0; cut <= len; cut++) {
		walk(command, caps, mariadb_caps, cut, len);
		assert_string_equal(events, want);
	}
	buf_finish(&wire);
}

/* ---- the shapes ---- */

static void test_an_ok_is_the_whole_answer(void **state)
{
	(void)state;
	begin();
	put_ok(EOF_STYLE, 2);
	expect(CMD_QUERY, EOF_STYLE, 0, "ok(2,7,300) done");
	begin();
	put_ok(OK_STYLE, 2);
	expect(CMD_PING, OK_STYLE, 0, "ok(2,7,300) done");
	assert_int_equal(walked.warnings, 2);
}

static void test_an_error_is_the_whole_answer_to_anything(void **state)
{
	(void)state;
	static const uint8_t commands[] = {
	    CMD_QUERY,      CMD_PING,       CMD_STMT_PREPARE, CMD_STMT_FETCH,  CMD_FIELD_LIST,
	    CMD_STATISTICS, CMD_SET_OPTION, CMD_CHANGE_USER,  CMD_BINLOG_DUMP, 0x77};
	for (size_t i = 0; i < sizeof commands; i++) {
		begin();
		put_err(1146);
		expect(commands[i], OK_STYLE, MCAP_PROGRESS, "err(1146,42S02) done");
	}
}

static void test_a_result_set_in_both_styles(void **state)
{
	(void)state;
	begin();
	put_result(EOF_STYLE, 4, 0x22);
	expect(CMD_QUERY, EOF_STYLE, 0, "columns(3) pass(81) defs-eof(22) pass(40) eof(22) done");
	assert_int_equal(walked.rows, 4);
	assert_int_equal(walked.results, 1);
	assert_int_equal(walked.warnings, 1);
	begin();
	put_result(OK_STYLE, 4, 0x22);
	expect(CMD_QUERY, OK_STYLE, 0, "columns(3) pass(121) end(22) done");
	assert_int_equal(walked.rows, 4);
	begin();
	put_result(OK_STYLE, 0, 0x22);
	expect(CMD_PROCESS_INFO, OK_STYLE, 0, "columns(3) pass(81) end(22) done");
}

static void test_a_result_may_have_more_columns_than_any_table(void **state)
{
	(void)state;
	begin();
	PUT(0xFD, 0xA1, 0x09, 0x01);
	put_definitions(OK_STYLE, 68001, 0);
	put_rows(1);
	put_end(OK_STYLE, 2);
	walk(CMD_QUERY, OK_STYLE, 0, buf_len(&wire), 1);
	assert_memory_equal(events, "columns(68001) pass(", 20);
	assert_non_null(strstr(events, "done"));
	assert_int_equal(walked.rows, 1);
}

static void test_binary_rows_pass_like_text_rows(void **state)
{
	(void)state;
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	PUT(0x00, 0x00, 0xFE, 0xFF, 1, 2, 3, 4, 5, 6);
	PUT(0x00, 0x04);
	put_end(OK_STYLE, 2);
	expect(CMD_STMT_EXECUTE, OK_STYLE, 0, "columns(1) pass(47) end(2) done");
	assert_int_equal(walked.rows, 2);
}

static void test_results_follow_each_other_while_the_server_says_so(void **state)
{
	(void)state;
	for (int style = 0; style < 2; style++) {
		uint32_t caps = style ? OK_STYLE : EOF_STYLE;
		begin();
		put_ok(caps, STATUS_MORE_RESULTS);
		put_result(caps, 1, STATUS_MORE_RESULTS | STATUS_PS_OUT_PARAMS);
		put_result(caps, 0, STATUS_MORE_RESULTS);
		put_ok(caps, 2);
		expect(CMD_QUERY, caps, 0,
		       style ? "ok(8,7,300)+ columns(3) pass(91) end(1008)+ columns(3) pass(81) end(8)+ "
		               "ok(2,7,300) done"
		             : "ok(8,7,300)+ columns(3) pass(81) defs-eof(1008)+ pass(10) eof(1008)+ "
		               "columns(3) pass(81) defs-eof(8)+ eof(8)+ ok(2,7,300) done");
		assert_int_equal(walked.results, 2);
		assert_int_equal(walked.rows, 1);
		assert_int_equal(walked.rows_before, 1); /* the last set is empty */
	}
}

static void test_an_error_ends_the_answer_wherever_it_comes(void **state)
{
	(void)state;
	begin();
	put_result(OK_STYLE, 1, STATUS_MORE_RESULTS);
	put_err(1064);
	put_ok(OK_STYLE, 2); /* of the next command */
	expect(CMD_QUERY, OK_STYLE, 0, "columns(3) pass(91) end(8)+ err(1064,42S02) done");
	begin();
	PUT(2);
	put_definitions(EOF_STYLE, 2, 2);
	put_rows(3);
	put_err(1317);
	expect(CMD_QUERY, EOF_STYLE, 0, "columns(2) pass(54) defs-eof(2) pass(30) err(1317,42S02) done");
	begin();
	PUT(2);
	PUT(3, 'd', 'e', 'f');
	put_err(1);
	expect(CMD_QUERY, EOF_STYLE, 0, "columns(2) pass(8) err(1,42S02) done");
}

static void test_an_error_without_a_state_is_read(void **state)
{
	(void)state;
	begin();
	PUT(0xFF, 0x10, 0x04, 'T', 'o', 'o', ' ', 'm', 'a', 'n', 'y');
	expect(CMD_QUERY, OK_STYLE, 0, "err(1040,HY000) done");
}

static void test_a_cursor_has_no_rows_until_they_are_fetched(void **state)
{
	(void)state;
	begin();
	PUT(1);
	put_definitions(EOF_STYLE, 1, STATUS_CURSOR_EXISTS);
	put_ok(EOF_STYLE, 0);
	expect(CMD_STMT_EXECUTE, EOF_STYLE, 0, "columns(1) pass(27) defs-eof(40) done");
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	put_end(OK_STYLE, STATUS_CURSOR_EXISTS);
	expect(CMD_STMT_EXECUTE, OK_STYLE, 0, "columns(1) pass(27) end(40) done");
	for (int style = 0; style < 2; style++) {
		uint32_t caps = style ? OK_STYLE : EOF_STYLE;
		begin();
		put_rows(2);
		put_end(caps, STATUS_CURSOR_EXISTS |
		                  STATUS_MORE_RESULTS); /* a stale flag: nothing follows a FETCH */
		expect(CMD_STMT_FETCH, caps, 0, style ? "pass(20) end(48) done" : "pass(20) eof(48) done");
	}
}

static void test_prepare_with_any_number_of_definitions(void **state)
{
	(void)state;
	static const struct {
		uint8_t params, columns;
		const char *eof_style, *ok_style;
	} cases[] = {
	    {0, 0, "prepared(9,0,0) done", "prepared(9,0,0) done"},
	    {2, 0, "prepared(9,2,0) pass(54) defs-eof(2) done", "prepared(9,2,0) pass(54) done"},
	    {0, 1, "prepared(9,0,1) pass(27) defs-eof(2) done", "prepared(9,0,1) pass(27) done"},
	    {2, 1, "prepared(9,2,1) pass(54) defs-eof(2) pass(27) defs-eof(2) done",
	     "prepared(9,2,1) pass(81) done"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int style = 0; style < 2; style++) {
			uint32_t caps = style ? OK_STYLE : EOF_STYLE;
			begin();
			PUT(0, 9, 0, 0, 0, cases[i].columns, 0, cases[i].params, 0, 0, 0, 0);
			if (cases[i].params)
				put_definitions(caps, cases[i].params, 2);
			if (cases[i].columns)
				put_definitions(caps, cases[i].columns, 2);
			expect(CMD_STMT_PREPARE, caps, 0, style ? cases[i].ok_style : cases[i].eof_style);
			assert_int_equal(walked.rows, 0);
		}
	}
	begin();
	PUT(0, 9, 0, 0, 0, 5, 0, 5, 0, 0, 0, 0, 0);
	expect(CMD_STMT_PREPARE, OK_STYLE | CAP_OPTIONAL_RESULTSET_METADATA, 0, "prepared(9,5,5) done");
}

static void test_definitions_that_the_peer_has_are_left_out(void **state)
{
	(void)state;
	begin();
	PUT(3, 0);
	put_rows(1);
	put_end(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE | CAP_OPTIONAL_RESULTSET_METADATA, 0,
	       "columns(3,cached) pass(10) end(2) done");
	begin();
	PUT(3, 1);
	put_definitions(OK_STYLE, 3, 0);
	put_end(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE | CAP_OPTIONAL_RESULTSET_METADATA, 0, "columns(3) pass(81) end(2) done");
	begin();
	PUT(2, 0);
	put_end(EOF_STYLE, 2);
	put_rows(1);
	put_end(EOF_STYLE, 2);
	expect(CMD_STMT_EXECUTE, EOF_STYLE, MCAP_CACHE_METADATA,
	       "columns(2,cached) defs-eof(2) pass(10) eof(2) done");
	begin();
	PUT(2); /* a text result of the same connection has no such byte */
	put_definitions(OK_STYLE, 2, 0);
	put_end(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE, MCAP_CACHE_METADATA, "columns(2) pass(54) end(2) done");
}

static void test_a_local_file_may_be_asked_for_in_any_statement(void **state)
{
	(void)state;
	begin();
	put_ok(OK_STYLE, STATUS_MORE_RESULTS);
	PUT(0xFB, '/', 't', 'm', 'p');
	seq = (uint8_t)(seq + 5); /* the client's packets */
	put_ok(OK_STYLE, STATUS_MORE_RESULTS);
	PUT(0xFB, 'x');
	seq = (uint8_t)(seq + 2);
	put_err(1083);
	expect(CMD_QUERY, OK_STYLE, 0, "ok(8,7,300)+ infile ok(8,7,300)+ infile err(1083,42S02) done");
}

static void test_while_a_file_is_due_the_walker_waits(void **state)
{
	(void)state;
	struct reply r;
	size_t n;
	const uint8_t bytes[] = {2, 0, 0, 1, 0xFB, 'f', 7, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0};
	reply_begin(&r, CMD_QUERY, OK_STYLE, 0);
	assert_int_equal(reply_walk(&r, NULL, 0, &n), REPLY_PARTIAL);
	reply_local_sent(&r); /* nothing was asked for: no effect */
	assert_int_equal(reply_walk(&r, bytes, sizeof bytes, &n), REPLY_PACKET);
	assert_int_equal(n, 6);
	assert_int_equal(reply_walk(&r, bytes + 6, 11, &n), REPLY_PARTIAL);
	reply_local_sent(&r);
	assert_int_equal(reply_walk(&r, bytes + 6, 11, &n), REPLY_PACKET);
	assert_int_equal(r.kind, REPLY_OK);
	assert_true(reply_is_done(&r));
}

static void test_the_lesser_commands(void **state)
{
	(void)state;
	begin();
	put("Uptime: 1", 9);
	expect(CMD_STATISTICS, OK_STYLE, 0, "string done");
	begin();
	put_end(EOF_STYLE, 2);
	expect(CMD_SET_OPTION, EOF_STYLE, 0, "eof(2) done");
	begin();
	put_end(OK_STYLE, 2);
	expect(CMD_SET_OPTION, OK_STYLE, 0, "end(2) done");
	begin();
	put_end(EOF_STYLE, 2); /* a plain EOF all the same */
	expect(CMD_DEBUG, OK_STYLE, 0, "eof(2) done");
	begin();
	put_ok(OK_STYLE, 2);
	expect(CMD_SHUTDOWN, OK_STYLE, 0, "ok(2,7,300) done");
	for (int style = 0; style < 2; style++) {
		uint32_t caps = style ? OK_STYLE : EOF_STYLE;
		begin();
		put_definitions(OK_STYLE, 3, 0);
		put_end(caps, 2);
		expect(CMD_FIELD_LIST, caps, 0, style ? "pass(81) end(2) done" : "pass(81) eof(2) done");
	}
	begin();
	PUT(0xFE, 'p', 'l', 'u', 'g', 'i', 'n', 0, 1, 2, 3);
	seq++;
	PUT(0x01, 3);
	put_ok(OK_STYLE, 2);
	expect(CMD_CHANGE_USER, OK_STYLE, 0, "auth auth ok(2,7,300) done");
	begin();
	PUT(0, 1, 2, 3);
	PUT(0, 0xFE, 0xFF);
	expect(CMD_BINLOG_DUMP_GTID, OK_STYLE, 0, "pass(15) partial");
}

static void test_a_command_without_an_answer_is_done_at_once(void **state)
{
	(void)state;
	static const uint8_t commands[] = {CMD_QUIT, CMD_STMT_CLOSE, CMD_STMT_SEND_LONG_DATA};
	for (size_t i = 0; i < sizeof commands; i++) {
		begin();
		put_ok(OK_STYLE, 2); /* of the next command */
		expect(commands[i], OK_STYLE, 0, "done");
	}
}

static void test_progress_reports_may_come_anywhere(void **state)
{
	(void)state;
	begin();
	PUT(0xFF, 0xFF, 0xFF, 1, 2, 0, 0, 0, 1, 'x');
	PUT(0xFF, 0xFF, 0xFF, 1, 2, 0, 0, 0, 1, 'x');
	put_ok(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE, MCAP_PROGRESS, "progress progress ok(2,7,300) done");
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	put_rows(1);
	PUT(0xFF, 0xFF, 0xFF, 1, 2, 0, 0, 0, 1, 'x');
	put_rows(1);
	put_end(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE, MCAP_PROGRESS, "columns(1) pass(37) progress pass(10) end(2) done");
	begin();
	PUT(0xFF, 0xFF, 0xFF, 1, 2, 0, 0, 0, 1, 'x');
	expect(CMD_QUERY, OK_STYLE, 0, "err(65535,HY000) done");
}

static void test_what_is_not_the_protocol_is_refused(void **state)
{
	(void)state;
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	seq++;
	put_end(OK_STYLE, 2);
	expect(CMD_QUERY, OK_STYLE, 0, "columns(1) pass(27) bad"); /* a jump in the numbers */
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	put_rows(2);
	seq++;
	put_rows(1);
	expect(CMD_QUERY, OK_STYLE, 0, "columns(1) pass(47) bad");
	begin();
	PUT(0xFE, 0, 0, 2, 0);
	expect(CMD_QUERY, OK_STYLE, 0, "bad");
	begin();
	PUT(0xFE, 0, 0, 0, 1, 0, 0, 0, 0); /* 16 million columns */
	expect(CMD_QUERY, OK_STYLE, 0, "bad");
	begin();
	PUT(1, 1);
	expect(CMD_QUERY, OK_STYLE, 0, "bad");
	begin();
	put("", 0);
	expect(CMD_QUERY, OK_STYLE, 0, "bad");
	begin();
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	put("", 0);
	expect(CMD_QUERY, OK_STYLE, 0, "columns(1) pass(27) bad");
	begin();
	PUT(1);
	PUT(0xFE, 0, 0, 2, 0);
	expect(CMD_QUERY, EOF_STYLE, 0, "columns(1) bad"); /* an end in the place of a definition */
	begin();
	PUT(0xFF, 1);
	expect(CMD_QUERY, OK_STYLE, 0, "bad");
	begin();
	PUT(0, 1, 0, 0);
	expect(CMD_STMT_PREPARE, OK_STYLE, 0, "bad");
	begin();
	PUT(5);
	expect(CMD_PING, OK_STYLE, 0, "bad");
	begin();
	put_ok(OK_STYLE, 0);
	expect(CMD_CLONE, OK_STYLE, 0, "bad");
}

static void test_a_packet_to_look_at_has_a_bound_known_from_its_header(void **state)
{
	(void)state;
	struct reply r;
	size_t n;
	const uint8_t fits[] = {0, 0, 0x10, 1, 0xFF}, over[] = {1, 0, 0x10, 1, 0xFF};
	reply_begin(&r, CMD_QUERY, OK_STYLE, 0);
	assert_int_equal(reply_walk(&r, fits, sizeof fits, &n), REPLY_PARTIAL);
	reply_begin(&r, CMD_QUERY, OK_STYLE, 0);
	assert_int_equal(reply_walk(&r, over, sizeof over, &n), REPLY_BAD);
}

static void test_numbers_wrap_after_255(void **state)
{
	(void)state;
	begin();
	seq = 250;
	PUT(1);
	put_definitions(OK_STYLE, 1, 0);
	for (int i = 0; i < 60; i++)
		put_rows(10);
	put_end(OK_STYLE, 2);
	walk(CMD_QUERY, OK_STYLE, 0, buf_len(&wire), 1);
	assert_string_equal(events, "columns(1) pass(6027) end(2) done");
	assert_int_equal(walked.rows, 600);
	walk(CMD_QUERY, OK_STYLE, 0, 0, 7);
	assert_string_equal(events, "columns(1) pass(6027) end(2) done");
	buf_finish(&wire);
}

/* A row of `len` bytes that begins with the length of a field of more than 16 MiB, its second packet with FE.
 */
static void put_huge_row(size_t len)
{
	uint8_t *row = calloc(1, len);
	assert_non_null(row);
	row[0] = 0xFE;
	if (len > PACKET_MAX_PAYLOAD)
		row[PACKET_MAX_PAYLOAD] = 0xFE;
	if (len > 2 * (size_t)PACKET_MAX_PAYLOAD)
		row[2 * (size_t)PACKET_MAX_PAYLOAD] = 0xFF;
	put(row, len);
	free(row);
}

static void test_rows_over_16_mib_are_never_taken_for_an_end(void **state)
{
	(void)state;
	static const size_t sizes[] = {PACKET_MAX_PAYLOAD, PACKET_MAX_PAYLOAD + 1, PACKET_MAX_PAYLOAD + 5,
	                               2 * (size_t)PACKET_MAX_PAYLOAD, 2 * (size_t)PACKET_MAX_PAYLOAD + 3};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (int style = 0; style < 2; style++) {
			uint32_t caps = style ? OK_STYLE : EOF_STYLE;
			begin();
			PUT(1);
			put_definitions(caps, 1, 2);
			put_rows(1);
			size_t before = buf_len(&wire);
			put_huge_row(sizes[i]);
			size_t row = buf_len(&wire) - before;
			put_rows(1);
			put_end(caps, 2);
			char want[200];
			if (style)
				snprintf(want, sizeof want, "columns(1) pass(%zu) end(2) done", row + 47);
			else
				snprintf(want, sizeof want,
				         "columns(1) pass(27) defs-eof(2) pass(%zu) eof(2) done", row + 20);
			walk(CMD_QUERY, caps, 0, buf_len(&wire), 1);
			assert_string_equal(events, want);
			assert_int_equal(walked.rows, 3);
			for (size_t cut = before + PACKET_HEADER + PACKET_MAX_PAYLOAD - 2, k = 0; k < 12;
			     k++) {
				walk(CMD_QUERY, caps, 0, cut + k < buf_len(&wire) ? cut + k : 0, 12u << 20);
				assert_string_equal(events, want);
			}
		}
	}
	buf_finish(&wire);
}

static void test_answers_to_commands_sent_together_are_told_apart(void **state)
{
	(void)state;
	begin();
	put_ok(OK_STYLE, 2);
	size_t first = buf_len(&wire);
	seq = 1;
	put_result(OK_STYLE, 2, 2);
	struct reply r;
	size_t n;
	reply_begin(&r, CMD_RESET_CONNECTION, OK_STYLE, 0);
	assert_int_equal(reply_walk(&r, buf_data(&wire), buf_len(&wire), &n), REPLY_PACKET);
	assert_int_equal(n, first);
	assert_int_equal(reply_walk(&r, buf_data(&wire) + n, buf_len(&wire) - n, &n), REPLY_DONE);
	buf_consume(&wire, first);
	expect(CMD_QUERY, OK_STYLE, 0, "columns(3) pass(101) end(2) done");
}

/* Two results, numbered as a server does it over the compressed protocol: with a jump between them. */
static void test_numbers_with_jumps_are_put_right(void **state)
{
	(void)state;
	static const uint8_t due[] = {3, 4, 5, 6, 7, 8};
	uint8_t bytes[] = {
		1, 0, 0, 1, 1,                            /* one column */
		2, 0, 0, 2, 'd', 'f',                     /* its definition */
		2, 0, 0, 3, 1, '1',                       /* a row */
		7, 0, 0, 9, 0xFE, 0, 0, 10, 0, 0, 0,      /* the end, and more to come */
		1, 0, 0, 77, 1,                           /* another */
		2, 0, 0, 78, 'd', 'f',
	};
	for (size_t piece = 1; piece <= sizeof bytes; piece++) {
		struct reply r;
		size_t at = 0, given = 0, n;
		uint8_t copy[sizeof bytes];
		memcpy(copy, bytes, sizeof bytes);
		reply_begin(&r, CMD_QUERY, CAP_PROTOCOL_41 | CAP_DEPRECATE_EOF, 0);
		reply_repair_numbers(&r, 2);
		while (given < sizeof copy) {
			given = given + piece < sizeof copy ? given + piece : sizeof copy;
			enum reply_result got;
			while ((got = reply_walk(&r, copy + at, given - at, &n)) == REPLY_PASS || got == REPLY_PACKET)
				at += n;
			assert_int_equal(got, REPLY_PARTIAL);
		}
		assert_int_equal(at, sizeof copy);
		size_t i = 0;
		for (at = 0; at < sizeof copy; at += 4u + copy[at])
			assert_int_equal(copy[at + 3], due[i++]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_ok_is_the_whole_answer),
	    cmocka_unit_test(test_an_error_is_the_whole_answer_to_anything),
	    cmocka_unit_test(test_a_result_set_in_both_styles),
	    cmocka_unit_test(test_a_result_may_have_more_columns_than_any_table),
	    cmocka_unit_test(test_binary_rows_pass_like_text_rows),
	    cmocka_unit_test(test_results_follow_each_other_while_the_server_says_so),
	    cmocka_unit_test(test_an_error_ends_the_answer_wherever_it_comes),
	    cmocka_unit_test(test_an_error_without_a_state_is_read),
	    cmocka_unit_test(test_a_cursor_has_no_rows_until_they_are_fetched),
	    cmocka_unit_test(test_prepare_with_any_number_of_definitions),
	    cmocka_unit_test(test_definitions_that_the_peer_has_are_left_out),
	    cmocka_unit_test(test_a_local_file_may_be_asked_for_in_any_statement),
	    cmocka_unit_test(test_while_a_file_is_due_the_walker_waits),
	    cmocka_unit_test(test_the_lesser_commands),
	    cmocka_unit_test(test_a_command_without_an_answer_is_done_at_once),
	    cmocka_unit_test(test_progress_reports_may_come_anywhere),
	    cmocka_unit_test(test_what_is_not_the_protocol_is_refused),
	    cmocka_unit_test(test_a_packet_to_look_at_has_a_bound_known_from_its_header),
	    cmocka_unit_test(test_numbers_wrap_after_255),
	    cmocka_unit_test(test_rows_over_16_mib_are_never_taken_for_an_end),
	    cmocka_unit_test(test_answers_to_commands_sent_together_are_told_apart),
	    cmocka_unit_test(test_numbers_with_jumps_are_put_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
