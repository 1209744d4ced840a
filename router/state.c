#include "router/state.h"

#include <assert.h>
#include <stdlib.h>
#define uthash_fatal(message) abort() /* small things: see the rules on memory */
#include <uthash.h>

#include "router/state_value.h"

/*
 * A state's content is one string of items, sorted by kind and name, so that equal states have equal bytes:
 *	kind (1), length of name (1), length of value (4), name, value
 *
 * The character set group is reduced to what holds at the end, since its members set each other: SET NAMES
 *and SET CHARACTER SET replace all of it, character_set_connection and collation_connection replace each
 *other, and what is left does not depend on the order it is set in after the first.
 */
enum item_kind {
	ITEM_SCHEMA,
	ITEM_BASE,    /* SET NAMES or SET CHARACTER SET */
	ITEM_CHARSET, /* character_set_client, character_set_results, one of ..._connection: after the base */
	ITEM_VARIABLE /* system variables, and user variables with their @ */
};

#define ITEM_HEADER 6u

struct item {
	enum item_kind kind;
	struct view name, value;
};

struct state {
	UT_hash_handle hh; /* by content */
	unsigned refs;
	unsigned entries;
	size_t len;
	uint8_t content[];
};

struct state_table {
	struct state *states;
	struct buf next;  /* the content of the state being made */
	struct buf value; /* a value being written */
	struct buf name;
};

static const char *const base_names = "names", *const base_character_set = "character set";

/* --- items --- */

static bool item_next(struct view *rest, struct item *out)
{
	if (!rest->len)
		return false;
	struct reader r = reader_of(rest->p, rest->len);
	out->kind = (enum item_kind)read_u8(&r);
	size_t name_len = read_u8(&r), value_len = read_u32(&r);
	out->name = read_bytes(&r, name_len);
	out->value = read_bytes(&r, value_len);
	assert(!r.bad);
	*rest = (struct view){r.p, reader_left(&r)};
	return true;
}

static bool item_write(struct buf *b, const struct item *i)
{
	return write_u8(b, (uint8_t)i->kind) && write_u8(b, (uint8_t)i->name.len) &&
	       write_u32(b, (uint32_t)i->value.len) && write_bytes(b, i->name.p, i->name.len) &&
	       write_bytes(b, i->value.p, i->value.len);
}

static int item_compare(const struct item *a, const struct item *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	size_t n = a->name.len < b->name.len ? a->name.len : b->name.len;
	int c = n ? memcmp(a->name.p, b->name.p, n) : 0;
	return c ? c : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

static struct view content_of(const struct state *s)
{
	return (struct view){s->content, s->len};
}

static bool item_find(const struct state *s, enum item_kind kind, struct view name, struct item *out)
{
	struct view rest = content_of(s);
	while (item_next(&rest, out))
		if (out->kind == kind && view_equal(out->name, name))
			return true;
	return false;
}

static bool item_is(const struct item *i, const char *name)
{
	return view_equal(i->name, view_of(name));
}

static bool find_base(const struct state *s, struct item *out)
{
	return item_find(s, ITEM_BASE, view_of(base_names), out) ||
	       item_find(s, ITEM_BASE, view_of(base_character_set), out);
}

/* --- the table --- */

struct state_table *state_table_create(void)
{
	struct state_table *t = calloc(1, sizeof *t);
	if (!t)
		abort();
	buf_init(&t->next, STATE_BYTES_MAX);
	buf_init(&t->value, STATE_BYTES_MAX);
	buf_init(&t->name, UINT8_MAX);
	return t;
}

void state_table_destroy(struct state_table *t)
{
	if (!t)
		return;
	assert(!t->states);
	buf_finish(&t->next);
	buf_finish(&t->value);
	buf_finish(&t->name);
	free(t);
}

unsigned state_table_count(const struct state_table *t)
{
	return HASH_COUNT(t->states);
}

/* The state with this content. NULL without memory for it: it is as large as the client made it. */
static struct state *intern(struct state_table *t, struct view content, unsigned entries)
{
	struct state *s;
	HASH_FIND(hh, t->states, content.p, content.len, s);
	if (s)
		return state_ref(s);
	s = malloc(sizeof *s + content.len);
	if (!s)
		return NULL;
	*s = (struct state){.refs = 1, .entries = entries, .len = content.len};
	if (content.len)
		memcpy(s->content, content.p, content.len);
	HASH_ADD_KEYPTR(hh, t->states, s->content, s->len, s);
	return s;
}

struct state *state_initial(struct state_table *t)
{
	struct state *s = intern(t, view_of(""), 0);
	if (!s)
		abort();
	return s;
}

struct state *state_ref(struct state *s)
{
	s->refs++;
	return s;
}

void state_unref(struct state_table *t, struct state *s)
{
	if (!s)
		return;
	assert(s->refs);
	if (--s->refs)
		return;
	HASH_DEL(t->states, s);
	free(s);
}

/* --- changing one point --- */

/* Variables that are one: setting either sets the other. */
static const char *const twins[][2] = {
    {"tx_isolation", "transaction_isolation"},
    {"tx_read_only", "transaction_read_only"},
    {"character_set_server", "collation_server"},
    {"character_set_connection", "collation_connection"},
};

static bool are_twins(const struct item *a, const struct item *b)
{
	for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
		if ((item_is(a, twins[i][0]) && item_is(b, twins[i][1])) ||
		    (item_is(a, twins[i][1]) && item_is(b, twins[i][0])))
			return true;
	return false;
}

static bool supersedes(const struct item *put, const struct item *old)
{
	if (put->kind == ITEM_BASE)
		return old->kind == ITEM_BASE || old->kind == ITEM_CHARSET;
	return put->kind == old->kind && (view_equal(put->name, old->name) || are_twins(put, old));
}

/* The state with this item instead of those it supersedes; without a value only those are left out. */
static struct state *edit(struct state_table *t, const struct state *s, const struct item *put)
{
	buf_reset(&t->next);
	bool ok = true, written = !put->value.p;
	unsigned entries = 0;
	struct item old;
	for (struct view rest = content_of(s); ok && item_next(&rest, &old);) {
		if (supersedes(put, &old))
			continue;
		if (!written && item_compare(put, &old) < 0) {
			ok = item_write(&t->next, put);
			written = true;
			entries++;
		}
		ok = ok && item_write(&t->next, &old);
		entries++;
	}
	if (!written) {
		ok = ok && item_write(&t->next, put);
		entries++;
	}
	if (!ok || entries > STATE_ENTRIES_MAX)
		return NULL;
	struct view content = {buf_len(&t->next) ? buf_data(&t->next) : (const uint8_t *)"",
	                       buf_len(&t->next)};
	return intern(t, content, entries);
}

/* The same with the value that was written to t->value. */
static struct state *edit_written(struct state_table *t, const struct state *s, enum item_kind kind,
                                  struct view name)
{
	struct item put = {kind, name, {buf_data(&t->value), buf_len(&t->value)}};
	return edit(t, s, &put);
}

/* --- variables --- */

static bool is_among(struct view name, const char *const *names)
{
	for (; *names; names++)
		if (view_equal(name, view_of(*names)))
			return true;
	return false;
}

/* Set with SET NAMES and its kin; the values are names of character sets. */
static const char *const charset_group[] = {"character_set_client", "character_set_results",
                                            "character_set_connection", "collation_connection", NULL};

static const char *const charset_names[] = {"character_set_client",
                                            "character_set_results",
                                            "character_set_connection",
                                            "collation_connection",
                                            "character_set_server",
                                            "collation_server",
                                            NULL};

/* These take ON, TRUE and 1 alike. */
static const char *const switches[] = {"autocommit",
                                       "foreign_key_checks",
                                       "unique_checks",
                                       "sql_auto_is_null",
                                       "sql_big_selects",
                                       "sql_buffer_result",
                                       "sql_notes",
                                       "sql_quote_show_create",
                                       "sql_safe_updates",
                                       "sql_warnings",
                                       "transaction_read_only",
                                       "tx_read_only",
                                       NULL};

static const char *const flag_variables[] = {"optimizer_switch", "optimizer_trace",
                                             "optimizer_trace_features", NULL};

/* What these do depends on more than their last value: on the schema at that time, on what SET NAMES makes of
 * them later, on every value before. */
static const char *const not_carried[] = {"character_set_database",
                                          "collation_database",
                                          "character_set_collations",
                                          "default_collation_for_utf8mb4",
                                          "debug",
                                          "debug_dbug",
                                          NULL};

/* Setting the first sets the second; only one of them can be carried. */
static const char *const max_join_size = "max_join_size", *const sql_big_selects = "sql_big_selects";

static bool are_in_conflict(const struct state *s, struct view name)
{
	struct item unused;
	return (view_equal(name, view_of(max_join_size)) &&
	        item_find(s, ITEM_VARIABLE, view_of(sql_big_selects), &unused)) ||
	       (view_equal(name, view_of(sql_big_selects)) &&
	        item_find(s, ITEM_VARIABLE, view_of(max_join_size), &unused));
}

/* Text in these is not made of ASCII's bytes, so that under them nothing else could be set any more. */
static bool is_wide(struct view charset)
{
	static const char *const wide[] = {"ucs2", "utf16", "utf16le", "utf32"};
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (charset.len >= strlen(wide[i]) &&
		    value_is_word((struct view){charset.p, strlen(wide[i])}, wide[i]))
			return true;
	return false;
}

struct target {
	struct view name; /* lower case, in t->name */
	enum item_kind kind;
	bool is_user;
};

static bool target_of(struct state_table *t, struct view name, struct target *out)
{
	buf_reset(&t->name);
	out->is_user = name.len && name.p[0] == '@';
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];
		if (c < 0x20 || c >= 0x7F || !write_u8(&t->name, c >= 'A' && c <= 'Z' ? c | 0x20 : c))
			return false;
		if (!out->is_user && c != '.' && !value_is_name((struct view){&c, 1}))
			return false;
	}
	out->name = (struct view){buf_data(&t->name), buf_len(&t->name)};
	out->kind = is_among(out->name, charset_group) ? ITEM_CHARSET : ITEM_VARIABLE;
	return name.len > out->is_user && !is_among(out->name, not_carried);
}

static struct state *set_default(struct state_table *t, const struct state *s, const struct target *target)
{
	struct item base, put = {target->kind, target->name, {NULL, 0}};
	/* After SET NAMES, one of the group at its default is something to remember. */
	if (target->kind == ITEM_CHARSET && find_base(s, &base))
		put.value = view_of("DEFAULT");
	return edit(t, s, &put);
}

struct state *state_set_default(struct state_table *t, const struct state *s, struct view name)
{
	struct target target;
	return target_of(t, name, &target) ? set_default(t, s, &target) : NULL;
}

static struct view unquoted(struct view v)
{
	return (struct view){v.p + 1, v.len - 2};
}

/* The character set and collation that a string literal has now; both as names. */
static bool literal_charset(const struct state *s, struct view text, struct view *charset,
                            struct view *collation)
{
	struct item i;
	struct view none = {NULL, 0};
	*collation = none;
	if (item_find(s, ITEM_CHARSET, view_of("collation_connection"), &i))
		return false; /* its name need not begin with that of a character set */
	bool connection = item_find(s, ITEM_CHARSET, view_of("character_set_connection"), &i);
	if (!connection && !item_find(s, ITEM_BASE, view_of(base_names), &i))
		return false;
	/* 'charset', or 'charset' COLLATE 'collation' */
	if (!i.value.len || i.value.p[0] != '\'')
		return false;
	const uint8_t *end = memchr(i.value.p + 1, '\'', i.value.len - 1);
	*charset = (struct view){i.value.p + 1, (size_t)(end - i.value.p - 1)};
	const uint8_t *second = memchr(end + 1, '\'', (size_t)(i.value.p + i.value.len - end - 1));
	if (second)
		*collation = unquoted((struct view){second, (size_t)(i.value.p + i.value.len - second)});
	bool converted = connection || item_find(s, ITEM_CHARSET, view_of("character_set_client"), &i);
	for (size_t k = 0; converted && k < text.len; k++)
		if (text.p[k] & 0x80)
			return false;
	return true;
}

static struct state *set_user_string(struct state_table *t, const struct state *s,
                                     const struct target *target, struct view text, struct view introducer)
{
	struct view charset = introducer, collation = {NULL, 0};
	if (!introducer.len && !literal_charset(s, text, &charset, &collation))
		return NULL;
	buf_reset(&t->value);
	if (!value_write_charset_string(&t->value, charset, collation, text))
		return NULL;
	return edit_written(t, s, ITEM_VARIABLE, target->name);
}

/* '1' is not 1 to the servers: they refuse it for a switch. */
static bool write_switch(struct buf *out, struct view word)
{
	if (value_is_word(word, "on") || value_is_word(word, "true") || value_is_word(word, "1"))
		return write_u8(out, '1');
	if (value_is_word(word, "off") || value_is_word(word, "false") || value_is_word(word, "0"))
		return write_u8(out, '0');
	return write_bytes(out, word.p, word.len);
}

static struct state *set_flags(struct state_table *t, const struct state *s, const struct target *target,
                               struct view text)
{
	struct item old = {.value = {NULL, 0}};
	if (!item_find(s, target->kind, target->name, &old))
		old.value = (struct view){NULL, 0};
	buf_reset(&t->value);
	if (!value_merge_flags(&t->value, old.value, text))
		return NULL;
	if (!buf_len(&t->value))
		return set_default(t, s, target);
	return edit_written(t, s, target->kind, target->name);
}

static struct state *set_charset_name(struct state_table *t, const struct state *s,
                                      const struct target *target, struct view charset)
{
	buf_reset(&t->value);
	if (is_wide(charset) || !value_write_name(&t->value, charset))
		return NULL;
	return edit_written(t, s, target->kind, target->name);
}

static struct state *set_string(struct state_table *t, const struct state *s, const struct target *target,
                                struct view text, struct view introducer)
{
	if (target->is_user)
		return set_user_string(t, s, target, text, introducer);
	if (are_in_conflict(s, target->name))
		return NULL;
	if (is_among(target->name, charset_names))
		return set_charset_name(t, s, target, text);
	if (is_among(target->name, flag_variables))
		return set_flags(t, s, target, text);
	buf_reset(&t->value);
	bool is_switch =
	    is_among(target->name, switches) && (value_is_word(text, "on") || value_is_word(text, "off"));
	if (!(is_switch ? write_switch : value_write_string)(&t->value, text))
		return NULL;
	return edit_written(t, s, target->kind, target->name);
}

struct state *state_set_string(struct state_table *t, const struct state *s, struct view name,
                               struct view text, struct view introducer)
{
	struct target target;
	return target_of(t, name, &target) ? set_string(t, s, &target, text, introducer) : NULL;
}

static struct state *set_word(struct state_table *t, const struct state *s, const struct target *target,
                              struct view word)
{
	buf_reset(&t->value);
	bool constant = value_is_word(word, "true") || value_is_word(word, "false");
	bool null = value_is_word(word, "null");
	if (target->is_user && null)
		return set_default(t, s, target);
	if (value_is_word(word, "default"))
		return target->is_user ? NULL : set_default(t, s, target);
	if (target->is_user && !constant)
		return NULL;
	if (is_among(target->name, flag_variables) || are_in_conflict(s, target->name))
		return NULL;
	if (is_among(target->name, charset_names) && !null)
		return set_charset_name(t, s, target, word);
	bool is_switch = is_among(target->name, switches);
	bool ok = is_switch ? write_switch(&t->value, word) : write_bytes(&t->value, word.p, word.len);
	return ok ? edit_written(t, s, target->kind, target->name) : NULL;
}

static struct state *set_number(struct state_table *t, const struct state *s, const struct target *target,
                                struct view number)
{
	if (is_among(target->name, flag_variables) || are_in_conflict(s, target->name))
		return NULL;
	if (view_equal(target->name, view_of("character_set_connection")) ||
	    view_equal(target->name, view_of("collation_connection")))
		return NULL; /* may be a wide one */
	struct item put = {target->kind, target->name, number};
	return edit(t, s, &put);
}

struct state *state_set(struct state_table *t, const struct state *s, struct view name, struct view value_sql)
{
	struct target target;
	struct view none = {NULL, 0};
	if (!target_of(t, name, &target))
		return NULL;
	switch (value_form_of(value_sql)) {
	case FORM_WORD:
		return set_word(t, s, &target, value_sql);
	case FORM_NUMBER:
		return set_number(t, s, &target, value_sql);
	case FORM_STRING: {
		struct buf text;
		buf_init(&text, STATE_BYTES_MAX);
		struct state *next = NULL;
		if (value_read_string(&text, value_sql))
			next =
			    set_string(t, s, &target, (struct view){buf_data(&text), buf_len(&text)}, none);
		buf_finish(&text);
		return next;
	}
	case FORM_BAD:
		break;
	}
	return NULL;
}

/* --- what has a syntax of its own --- */

struct state *state_names(struct state_table *t, const struct state *s, struct view charset,
                          struct view collation)
{
	struct item put = {ITEM_BASE, view_of(base_names), {NULL, 0}};
	if (!charset.len)
		return collation.len ? NULL : edit(t, s, &put);
	buf_reset(&t->value);
	bool ok = !is_wide(charset) && value_write_name(&t->value, charset);
	if (ok && collation.len)
		ok = write_bytes(&t->value, " COLLATE ", 9) && value_write_name(&t->value, collation);
	return ok ? edit_written(t, s, ITEM_BASE, view_of(base_names)) : NULL;
}

struct state *state_character_set(struct state_table *t, const struct state *s, struct view charset)
{
	buf_reset(&t->value);
	if (!charset.len || is_wide(charset) || !value_write_name(&t->value, charset))
		return NULL;
	return edit_written(t, s, ITEM_BASE, view_of(base_character_set));
}

/* After SET CHARACTER SET the connection's character set is the one the schema had then, unless it was set
 * since. */
static bool charset_is_of_schema(const struct state *s)
{
	struct item unused;
	return item_find(s, ITEM_BASE, view_of(base_character_set), &unused) &&
	       !item_find(s, ITEM_CHARSET, view_of("character_set_connection"), &unused) &&
	       !item_find(s, ITEM_CHARSET, view_of("collation_connection"), &unused);
}

struct state *state_schema(struct state_table *t, const struct state *s, struct view schema)
{
	struct item put = {ITEM_SCHEMA, {NULL, 0}, {schema.len ? schema.p : NULL, schema.len}};
	if (charset_is_of_schema(s) && !view_equal(schema, state_schema_of(s)))
		return NULL;
	return edit(t, s, &put);
}

struct state *state_after_reset(struct state_table *t, const struct state *s)
{
	struct state *empty = state_initial(t);
	struct state *next = state_schema(t, empty, state_schema_of(s));
	state_unref(t, empty);
	if (!next)
		abort(); /* smaller than what there was */
	return next;
}

/* --- questions --- */

struct view state_schema_of(const struct state *s)
{
	struct item i;
	struct view none = {NULL, 0};
	return item_find(s, ITEM_SCHEMA, none, &i) ? i.value : none;
}

bool state_get(const struct state *s, struct view name, struct view *value)
{
	struct item i;
	for (struct view rest = content_of(s); item_next(&rest, &i);)
		if (i.kind != ITEM_SCHEMA && view_equal(i.name, name)) {
			*value = i.value;
			return true;
		}
	return false;
}

unsigned state_entries(const struct state *s)
{
	return s->entries;
}

/* --- the difference --- */

struct set_statement {
	struct buf *sql;
	bool begun, ok;
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
	add_name(st, i->name);
	add_literal(st, "=");
	add_text(st, i->value.p, i->value.len);
}

static void add_default(struct set_statement *st, const struct item *i)
{
	add_separator(st);
	add_name(st, i->name);
	add_literal(st, i->name.p[0] == '@' ? "=NULL" : "=DEFAULT");
}

static bool in_charset_group(const struct item *i)
{
	return i->kind == ITEM_BASE || i->kind == ITEM_CHARSET;
}

/* The part of the content that holds the character set group. */
static struct view charset_part(const struct state *s)
{
	struct view rest = content_of(s), part = {rest.p, 0}, before = rest;
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
	if (more && i.kind == ITEM_BASE) {
		add_literal(st, item_is(&i, base_names) ? "NAMES " : "CHARACTER SET ");
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
	struct view x = content_of(have), y = content_of(want);
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
	size_t len = buf_len(sql);
	struct set_statement st = {sql, false, true};
	struct view group = charset_part(want);
	if (!view_equal(charset_part(have), group) || (diff && charset_is_of_schema(want)))
		add_charsets(&st, group);
	add_variables(&st, have, want, true);
	add_variables(&st, have, want, false);
	if (!st.ok) {
		sql->end = sql->start + len;
		return DIFF_RESET;
	}
	return st.begun ? diff | DIFF_SET : diff;
}
