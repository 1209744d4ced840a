/* A session as bytes: what is written is read, and nothing else is. */
#include "proxy/upgrade/session_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "router/state.h"

static void write_one(struct buf *out, struct buf *statements)
{
	static const uint8_t types[] = {3, 0, 253, 0};
	struct session_record_statement s = {.id = 7, .local = true, .params = 2, .columns = 3, .types_hash = UINT64_MAX,
					     .state = view_of("state"), .sql = view_of("SELECT ?, ?"),
					     .types = {types, sizeof types}};
	buf_init(out, SESSION_RECORD_MAX);
	buf_init(statements, SESSION_RECORD_MAX);
	assert_true(session_record_add_statement(&s, statements));
	s.id = 8;
	s.local = false;
	s.data_lost = true;
	s.types.len = 0;
	assert_true(session_record_add_statement(&s, statements));
	struct session_record r = {.id = 1000000003, .flags = SESSION_WROTE | SESSION_HAS_ERROR, .caps = UINT32_MAX,
				   .mariadb_caps = 4, .listen_route = 2, .compression = 1, .compression_level = 3,
				   .failed_changes = 1, .status = 2, .watched_ms_ago = 77, .account = 1ull << 63,
				   .commands = 5, .bytes_in = 6, .bytes_out = 7, .insert_id = UINT64_MAX, .last_rows = 9,
				   .last_affected = -1, .user = view_of("app"), .peer = view_of("127.0.0.1:5"),
				   .want = view_of("want"), .at_login = view_of("at"), .hints = view_of("h"),
				   .position = view_of("0-1-5"), .error_code = 1146, .error_sqlstate = view_of("42S02"),
				   .error_text = view_of("no"), .next_statement = 9, .last_statement = 8,
				   .statements = {buf_data(statements), buf_len(statements)}};
	assert_true(session_record_write(&r, out));
}

static void test_what_is_written_is_read(void **state)
{
	(void)state;
	struct buf out, statements;
	struct session_record r;
	struct session_record_statement s;
	write_one(&out, &statements);
	assert_true(session_record_read((struct view){buf_data(&out), buf_len(&out)}, &r));
	assert_int_equal(r.id, 1000000003);
	assert_int_equal(r.flags, SESSION_WROTE | SESSION_HAS_ERROR);
	assert_int_equal(r.caps, UINT32_MAX);
	assert_int_equal(r.compression_level, 3);
	assert_true(r.account == 1ull << 63 && r.insert_id == UINT64_MAX && r.last_affected == -1);
	assert_true(view_equal(r.user, view_of("app")) && view_equal(r.want, view_of("want")));
	assert_int_equal(r.login_hints.len, 0);
	assert_true(view_equal(r.error_sqlstate, view_of("42S02")));
	struct view rest = r.statements;
	assert_true(session_record_next_statement(&rest, &s));
	assert_true(s.id == 7 && s.local && !s.data_lost && s.types.len == 4 && s.types_hash == UINT64_MAX);
	assert_true(session_record_next_statement(&rest, &s));
	assert_true(s.id == 8 && !s.local && s.data_lost && view_equal(s.sql, view_of("SELECT ?, ?")));
	assert_false(session_record_next_statement(&rest, &s));
	buf_finish(&out);
	buf_finish(&statements);
}

static void test_what_is_cut_or_too_long_is_no_record(void **state)
{
	(void)state;
	struct buf out, statements;
	struct session_record r;
	write_one(&out, &statements);
	for (size_t n = 0; n < buf_len(&out); n++) {
		uint8_t *cut = malloc(n + 1); /* so that a sanitizer sees what is read behind it */
		memcpy(cut, buf_data(&out), n);
		assert_false(session_record_read((struct view){cut, n}, &r));
		free(cut);
	}
	assert_true(buf_append(&out, "x", 1));
	assert_false(session_record_read((struct view){buf_data(&out), buf_len(&out)}, &r));
	buf_finish(&out);
	buf_finish(&statements);
}

static void test_a_state_comes_back_from_its_content_and_from_nothing_else(void **state)
{
	(void)state;
	struct state_table *here = state_table_create(), *there = state_table_create();
	struct state *none = state_initial(here);
	struct state *a = state_set(here, none, view_of("sql_mode"), view_of("'ANSI'"));
	struct state *b = state_set(here, a, view_of("@mine"), view_of("5"));
	struct state *c = state_schema(here, b, view_of("gr\xc3\xbcn"));
	struct view content = state_content(c), v;
	struct state *same = state_restore(there, content);
	assert_non_null(same);
	assert_true(view_equal(state_schema_of(same), view_of("gr\xc3\xbcn")));
	assert_true(state_has_user(same, view_of("MINE")));
	assert_true(state_get(same, view_of("sql_mode"), &v) && view_equal(v, view_of("'ANSI'")));
	struct state *empty = state_restore(there, state_content(none));
	assert_int_equal(state_entries(empty), 0);
	uint8_t *bytes = malloc(content.len);
	for (size_t n = 1; n < content.len; n++) {
		memcpy(bytes, content.p, content.len);
		struct state *cut = state_restore(there, (struct view){bytes, n});
		state_unref(there, cut); /* it may end with an item */
		bytes[n] ^= 0x80;
		struct state *other = state_restore(there, (struct view){bytes, content.len});
		assert_ptr_not_equal(other, same);
		state_unref(there, other);
	}
	free(bytes);
	state_unref(there, same);
	state_unref(there, empty);
	state_unref(here, none);
	state_unref(here, a);
	state_unref(here, b);
	state_unref(here, c);
	state_table_destroy(here);
	state_table_destroy(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_what_is_cut_or_too_long_is_no_record),
		cmocka_unit_test(test_a_state_comes_back_from_its_content_and_from_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
