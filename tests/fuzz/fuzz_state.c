/* Any names and values: two states are made of steps, and what is sent between them is one SET of whole
 * tokens that no SQL mode reads otherwise. A line is a step: S|D|T|N|C|U name|value; a line "--" begins the
 * second state. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "router/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view take_until(struct view *rest, char end)
{
	const uint8_t *found = rest->len ? memchr(rest->p, end, rest->len) : NULL;
	struct view part = {rest->p, found ? (size_t)(found - rest->p) : rest->len};
	size_t taken = part.len + (found != NULL);
	*rest = (struct view){rest->p + taken, rest->len - taken};
	return part;
}

static struct state *step(struct state_table *t, struct state *s, struct view line)
{
	if (!line.len)
		return s;
	uint8_t what = line.p[0];
	struct view rest = {line.p + 1, line.len - 1};
	struct view name = take_until(&rest, '|'), value = rest, none = {NULL, 0};
	struct state *next = NULL;
	switch (what) {
	case 'S':
		next = state_set(t, s, name, value);
		break;
	case 'D':
		next = state_set_default(t, s, name);
		break;
	case 'T':
		next = state_set_string(t, s, name, value, none);
		break;
	case 'I':
		next = state_set_string(t, s, name, value, view_of("latin1"));
		break;
	case 'N':
		next = state_names(t, s, name, value);
		break;
	case 'C':
		next = state_character_set(t, s, name);
		break;
	case 'U':
		next = state_schema(t, s, name);
		break;
	case 'R':
		next = state_after_reset(t, s);
		break;
	default:
		break;
	}
	if (!next)
		return s;
	state_unref(t, s);
	return next;
}

static struct state *state_of(struct state_table *t, struct view *rest)
{
	struct state *s = state_initial(t);
	for (int steps = 0; rest->len && steps < 1000; steps++) {
		struct view line = take_until(rest, '\n');
		if (view_equal(line, view_of("--")))
			break;
		s = step(t, s, line);
	}
	assert(state_entries(s) <= STATE_ENTRIES_MAX);
	return s;
}

static void check_sql(struct view sql)
{
	uint8_t quote = 0;
	assert(sql.len > 4 && !memcmp(sql.p, "SET ", 4));
	for (size_t i = 0; i < sql.len; i++) {
		uint8_t c = sql.p[i];
		assert(c >= 0x20 && c < 0x7F);
		assert(quote == '`' || c != '\\');
		assert(quote || (c != ';' && c != '"' && c != '#' && c != '/' && c != '('));
		if (quote ? c == quote : c == '\'' || c == '`')
			quote = quote ? 0 : c;
	}
	assert(!quote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_table *t = state_table_create();
	struct view rest = {data, size};
	struct state *have = state_of(t, &rest), *want = state_of(t, &rest);
	struct buf sql;
	buf_init(&sql, 1u << 20);
	unsigned diff = state_diff(have, want, &sql);
	assert((diff == DIFF_NONE) == (have == want));
	assert(!(diff & DIFF_SET) == !buf_len(&sql));
	if (diff & DIFF_SET)
		check_sql((struct view){buf_data(&sql), buf_len(&sql)});
	buf_finish(&sql);
	state_unref(t, have);
	state_unref(t, want);
	state_table_destroy(t);
	return 0;
}
