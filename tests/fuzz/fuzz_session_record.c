/* Any bytes as a session from another process: what is read is within them, and written again it is the same; what a state
 * is made from is one. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/upgrade/session_record.h"
#include "router/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_state(struct state_table *t, struct view content)
{
	struct state *s = state_restore(t, content);
	struct buf sql;
	if (!s)
		return;
	struct view again = state_content(s);
	assert(again.len == content.len && (!again.len || !memcmp(again.p, content.p, again.len)));
	assert(state_entries(s) <= STATE_ENTRIES_MAX);
	struct state *none = state_initial(t);
	buf_init(&sql, 1u << 20);
	(void)state_diff(none, s, &sql);
	buf_finish(&sql);
	state_unref(t, none);
	state_unref(t, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_table *t = state_table_create();
	struct session_record r;
	struct session_record_statement one;
	check_state(t, (struct view){data, size});
	if (session_record_read((struct view){data, size}, &r)) {
		struct buf out, statements;
		buf_init(&out, SESSION_RECORD_MAX);
		buf_init(&statements, SESSION_RECORD_MAX);
		check_state(t, r.want);
		for (struct view rest = r.statements; session_record_next_statement(&rest, &one);)
			assert(session_record_add_statement(&one, &statements));
		assert(buf_len(&statements) == r.statements.len);
		r.statements = (struct view){buf_data(&statements), buf_len(&statements)};
		assert(session_record_write(&r, &out));
		assert(buf_len(&out) == size && memcmp(buf_data(&out), data, size) == 0);
		buf_finish(&out);
		buf_finish(&statements);
	}
	state_table_destroy(t);
	return 0;
}
