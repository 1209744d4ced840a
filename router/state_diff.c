#include "router/state_item.h"
#include "router/state_value.h"

/* The SET statement as far as it is written. */
struct set_statement {
	struct buf *sql;
	bool begun, ok;
	bool system; /* something else than a user variable is in it */
};

static void add_text(struct set_statement *st, const void *text, size_t len)
{
	st->ok = st->ok && buf_append(st->sql, text, len);
}

static void add_literal(struct set_statement *st, const char *text)
{
	add_text(st, text, strlen(text));
}

static void add_separator(struct set_statement *st)
{
	add_literal(st, st->begun ? ", " : "SET ");
	st->begun = true;
}

/* A user variable's name may need its quotes: any printable byte may be in it. */
static void add_name(struct set_statement *st, struct view name)
{
	struct view bare = {name.p + 1, name.len - 1};
	if (name.p[0] != '@' || value_is_name(bare)) {
		add_text(st, name.p, name.len);
		return;
	}
	add_literal(st, "@`");
	for (size_t i = 0; i < bare.len; i++)
		add_text(st, bare.p[i] == '`' ? "``" : (const char *)&bare.p[i], bare.p[i] == '`' ? 2 : 1);
	add_literal(st, "`");
}

static void add_value(struct set_statement *st, const struct item *i)
{
	add_separator(st);
	st->system |= i->name.p[0] != '@';
	add_name(st, i->name);
	add_literal(st, "=");
	add_text(st, i->value.p, i->value.len);
}

/* MySQL 9.7 sets these two to 0 for DEFAULT, whatever their global value is. */
static void add_default(struct set_statement *st, const struct item *i)
{
	add_separator(st);
	st->system = true;
	add_text(st, i->name.p, i->name.len);
	if (item_is(i, "foreign_key_checks") || item_is(i, "unique_checks")) {
		add_literal(st, "=@@global.");
		add_text(st, i->name.p, i->name.len);
	} else {
		add_literal(st, "=DEFAULT");
	}
}

static bool in_charset_group(const struct item *i)
{
	return i->kind == ITEM_BASE || i->kind == ITEM_CHARSET;
}

/* The part of the content that holds the character set group. */
static struct view charset_part(const struct state *s)
{
	struct view rest = state_content(s), part = {rest.p, 0}, before = rest;
	struct item i;
	while (item_next(&rest, &i)) {
		if (in_charset_group(&i) && !part.len)
			part.p = before.p;
		if (in_charset_group(&i))
			part.len = (size_t)(rest.p - part.p);
		before = rest;
	}
	return part;
}

/* The whole group is set whenever anything in it differs: its members set each other. */
static void add_charsets(struct set_statement *st, struct view group)
{
	struct item i;
	bool more = item_next(&group, &i);
	add_separator(st);
	st->system = true;
	if (more && i.kind == ITEM_BASE) {
		add_literal(st, item_is(&i, BASE_NAMES) ? "NAMES " : "CHARACTER SET ");
		add_text(st, i.value.p, i.value.len);
		more = item_next(&group, &i);
	} else {
		add_literal(st, "NAMES DEFAULT");
	}
	for (; more; more = item_next(&group, &i))
		add_value(st, &i);
}

static bool variable_next(struct view *rest, struct item *out)
{
	while (item_next(rest, out))
		if (out->kind == ITEM_VARIABLE)
			return true;
	return false;
}

/* Both lists side by side: what only `have` has goes back to its default (removed), or what `want` has
 * otherwise is set. The defaults are all written first, since a variable may have a twin. */
static void add_variables(struct set_statement *st, const struct state *have, const struct state *want,
                          bool removed)
{
	struct view x = state_content(have), y = state_content(want);
	struct item a, b;
	bool more_a = variable_next(&x, &a), more_b = variable_next(&y, &b);
	while (more_a || more_b) {
		int c = !more_a ? 1 : !more_b ? -1 : item_compare(&a, &b);
		if (c < 0 && removed)
			add_default(st, &a);
		if (!removed && (c > 0 || (!c && !view_equal(a.value, b.value))))
			add_value(st, &b);
		if (c <= 0)
			more_a = variable_next(&x, &a);
		if (c >= 0)
			more_b = variable_next(&y, &b);
	}
}

/* Nothing brings a user variable back to what it was before it was set: at NULL it still has the type and
 * collation of its last value, which show in answers. */
bool state_leaves_users(const struct state *have, const struct state *want)
{
	struct item old, now;
	if (have == want || !have->users)
		return false;
	for (struct view rest = state_content(have); variable_next(&rest, &old);) {
		if (old.name.p[0] != '@')
			continue;
		if (!state_find(want, ITEM_VARIABLE, old.name, &now) ||
		    (view_equal(now.value, view_of("NULL")) && !view_equal(old.value, now.value)))
			return true;
	}
	return false;
}

unsigned state_diff(const struct state *have, const struct state *want, struct buf *sql)
{
	if (have == want)
		return DIFF_NONE;
	unsigned diff = DIFF_NONE;
	struct view had = state_schema_of(have), wants = state_schema_of(want);
	if (!view_equal(had, wants)) {
		if (!wants.len)
			return DIFF_RESET;
		diff = DIFF_SCHEMA;
	}
	if (state_leaves_users(have, want))
		return DIFF_RESET;
	if (!view_equal(state_role_of(have), state_role_of(want)))
		diff |= DIFF_ROLE;
	size_t len = buf_len(sql);
	struct set_statement st = {sql, false, true, false};
	struct view group = charset_part(want);
	if (!view_equal(charset_part(have), group) ||
	    ((diff & DIFF_SCHEMA) && state_charset_is_of_schema(want)))
		add_charsets(&st, group);
	add_variables(&st, have, want, true);
	add_variables(&st, have, want, false);
	if (!st.ok) {
		sql->end = sql->start + len;
		return DIFF_RESET;
	}
	return st.begun ? diff | DIFF_SET | (st.system ? 0 : DIFF_USER) : diff;
}
