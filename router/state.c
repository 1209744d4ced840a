#include "router/state.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "router/state_item.h"
#include "router/state_value.h"

struct state_table {
	struct state *states;
	struct buf next;  /* the content of the state being made */
	struct buf value; /* a value being written */
	struct buf name;
};

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

static struct view written(const struct buf *b)
{
	return buf_len(b) ? (struct view){buf_data(b), buf_len(b)} : view_of("");
}

/* The state with this content. NULL without memory for it: it is as large as the client made it. */
static struct state *intern(struct state_table *t, struct view content, unsigned entries, bool users)
{
	struct state *s;
	HASH_FIND(hh, t->states, content.p, content.len, s);
	if (s)
		return state_ref(s);
	s = malloc(sizeof *s + content.len);
	if (!s)
		return NULL;
	*s = (struct state){.refs = 1, .entries = entries, .users = users, .len = content.len};
	if (content.len)
		memcpy(s->content, content.p, content.len);
	struct item i;
	if (state_find(s, ITEM_SCHEMA, (struct view){NULL, 0}, &i))
		s->schema = i.value;
	HASH_ADD_KEYPTR(hh, t->states, s->content, s->len, s);
	return s;
}

struct state *state_initial(struct state_table *t)
{
	struct state *s = intern(t, view_of(""), 0, false);
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

static bool is_user(const struct item *i)
{
	return i->kind == ITEM_VARIABLE && i->name.p[0] == '@';
}

static bool supersedes(const struct item *put, const struct item *old)
{
	if (put->kind == ITEM_BASE)
		return old->kind == ITEM_BASE || old->kind == ITEM_CHARSET;
	return put->kind == old->kind && (view_equal(put->name, old->name) || are_twins(put, old));
}

/* The next item that is, or is not, a user variable. */
static bool next_of(struct view *rest, struct item *out, bool user)
{
	while (item_next(rest, out))
		if (is_user(out) == user)
			return true;
	return false;
}

/* The state with this item instead of those it supersedes; without a value only those are left out. */
static struct state *edit(struct state_table *t, const struct state *s, const struct item *put)
{
	buf_reset(&t->next);
	bool ok = true, done = !put->value.p, users = false;
	unsigned entries = 0;
	struct item old;
	for (struct view rest = state_content(s); ok && item_next(&rest, &old);) {
		if (supersedes(put, &old))
			continue;
		if (!done && item_compare(put, &old) < 0) {
			ok = item_write(&t->next, put);
			done = true;
			users |= is_user(put);
			entries++;
		}
		ok = ok && item_write(&t->next, &old);
		users |= is_user(&old);
		entries++;
	}
	if (!done) {
		ok = ok && item_write(&t->next, put);
		users |= is_user(put);
		entries++;
	}
	if (!ok || entries > STATE_ENTRIES_MAX)
		return NULL;
	return intern(t, written(&t->next), entries, users);
}

struct state *state_with_users_of(struct state_table *t, struct state *s, const struct state *users)
{
	if (s == users || (!s->users && !users->users))
		return state_ref(s);
	buf_reset(&t->next);
	unsigned entries = 0;
	bool ok = true;
	struct view rest_a = state_content(s), rest_b = state_content(users);
	struct item a, b;
	bool more_a = next_of(&rest_a, &a, false), more_b = next_of(&rest_b, &b, true);
	while (ok && (more_a || more_b)) {
		bool from_a = more_a && (!more_b || item_compare(&a, &b) < 0);
		ok = item_write(&t->next, from_a ? &a : &b);
		entries++;
		if (from_a)
			more_a = next_of(&rest_a, &a, false);
		else
			more_b = next_of(&rest_b, &b, true);
	}
	return ok && entries <= STATE_ENTRIES_MAX ? intern(t, written(&t->next), entries, users->users)
	                                          : NULL;
}

struct state *state_without_users(struct state_table *t, struct state *s)
{
	if (!s->users)
		return state_ref(s);
	struct state *none = state_initial(t);
	struct state *without = state_with_users_of(t, s, none);
	state_unref(t, none);
	if (!without)
		abort(); /* smaller than what there was */
	return without;
}

/* The same with the value that was written to t->value. */
static struct state *edit_written(struct state_table *t, const struct state *s, enum item_kind kind,
                                  struct view name)
{
	struct item put = {kind, name, written(&t->value)};
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
static bool are_in_conflict(const struct state *s, struct view name)
{
	return (view_equal(name, view_of("max_join_size")) &&
	        state_has(s, ITEM_VARIABLE, "sql_big_selects")) ||
	       (view_equal(name, view_of("sql_big_selects")) && state_has(s, ITEM_VARIABLE, "max_join_size"));
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
	out->name = written(&t->name);
	out->kind = is_among(out->name, charset_group) ? ITEM_CHARSET : ITEM_VARIABLE;
	return name.len > out->is_user && !is_among(out->name, not_carried);
}

/* MySQL sets these to 0 for DEFAULT, whatever their global value is (9.7: seen); MariaDB does not. */
static const char *const no_default[] = {"foreign_key_checks", "unique_checks", NULL};

static struct state *set_default(struct state_table *t, const struct state *s, const struct target *target)
{
	struct item put = {target->kind, target->name, {NULL, 0}};
	if (target->is_user || is_among(target->name, no_default))
		return NULL;
	/* After SET NAMES, one of the group at its default is something to remember. */
	if (target->kind == ITEM_CHARSET &&
	    (state_has(s, ITEM_BASE, BASE_NAMES) || state_has(s, ITEM_BASE, BASE_CHARACTER_SET)))
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
	if (state_has(s, ITEM_CHARSET, "collation_connection"))
		return false; /* its name need not begin with that of a character set */
	bool connection = state_find(s, ITEM_CHARSET, view_of("character_set_connection"), &i);
	if (!connection && !state_find(s, ITEM_BASE, view_of(BASE_NAMES), &i))
		return false;
	/* 'charset', or 'charset' COLLATE 'collation' */
	if (!i.value.len || i.value.p[0] != '\'')
		return false;
	const uint8_t *end = memchr(i.value.p + 1, '\'', i.value.len - 1);
	*charset = (struct view){i.value.p + 1, (size_t)(end - i.value.p - 1)};
	const uint8_t *second = memchr(end + 1, '\'', (size_t)(i.value.p + i.value.len - end - 1));
	if (second)
		*collation = unquoted((struct view){second, (size_t)(i.value.p + i.value.len - second)});
	bool converted = connection || state_has(s, ITEM_CHARSET, "character_set_client");
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
	struct item old;
	if (!state_find(s, target->kind, target->name, &old))
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

/* Digits alone are an integer, and with a point they are a decimal: what else it is must be said. */
static bool write_user_number(struct buf *out, enum user_value kind, struct view text)
{
	bool point = memchr(text.p, '.', text.len) != NULL;
	bool exponent = memchr(text.p, 'e', text.len) != NULL;
	bool ok = kind == USER_DOUBLE || !exponent;
	switch (kind) {
	case USER_INTEGER:
		/* The literal behind this sign would be an unsigned number. */
		if (view_equal(text, view_of("-9223372036854775808")))
			return write_bytes(out, "-9223372036854775807-1", 22);
		return ok && !point && write_bytes(out, text.p, text.len);
	case USER_UNSIGNED:
		return ok && !point && write_bytes(out, "CAST(", 5) && write_bytes(out, text.p, text.len) &&
		       write_bytes(out, " AS UNSIGNED)", 13);
	case USER_DECIMAL:
		if (ok && point)
			return write_bytes(out, text.p, text.len);
		return ok && write_bytes(out, "CAST(", 5) && write_bytes(out, text.p, text.len) &&
		       write_bytes(out, " AS DECIMAL(65,0))", 18);
	case USER_DOUBLE:
		return write_bytes(out, text.p, text.len) && (exponent || write_bytes(out, "e0", 2));
	case USER_STRING:
		break;
	}
	return false;
}

/* A NULL that came from data has a type all the same. */
static bool write_user_null(struct buf *out, enum user_value kind, struct view charset, struct view collation)
{
	static const char *const texts[] = {
	    [USER_INTEGER] = "CAST(NULL AS SIGNED)",
	    [USER_UNSIGNED] = "CAST(NULL AS UNSIGNED)",
	    [USER_DECIMAL] = "CAST(NULL AS DECIMAL(65,0))",
	    [USER_DOUBLE] = "NULL+0e0",
	};
	if (kind != USER_STRING)
		return write_bytes(out, texts[kind], strlen(texts[kind]));
	if (value_is_word(charset, "binary"))
		return write_bytes(out, "NULL", 4);
	return value_is_name(charset) && write_bytes(out, "CAST(NULL AS CHAR CHARACTER SET ", 32) &&
	       write_bytes(out, charset.p, charset.len) && write_bytes(out, ") COLLATE ", 10) &&
	       value_write_name(out, collation);
}

static bool write_user_value(struct buf *out, enum user_value kind, struct view text, struct view charset,
                             struct view collation)
{
	if (!text.p)
		return write_user_null(out, kind, charset, collation);
	if (kind == USER_STRING)
		return value_write_charset_string(out, charset, collation, text);
	return value_form_of(text) == FORM_NUMBER && write_user_number(out, kind, text);
}

struct state *state_set_user(struct state_table *t, const struct state *s, struct view name,
                             enum user_value kind, struct view text, struct view charset,
                             struct view collation)
{
	struct target target;
	if (!target_of(t, name, &target) || !target.is_user)
		return NULL;
	buf_reset(&t->value);
	bool ok = write_user_value(&t->value, kind, text, charset, collation);
	return ok ? edit_written(t, s, target.kind, target.name) : NULL;
}

struct state *state_forget(struct state_table *t, const struct state *s, struct view name)
{
	struct target target;
	if (!target_of(t, name, &target))
		return NULL;
	struct item put = {target.kind, target.name, {NULL, 0}};
	return edit(t, s, &put);
}

/* A variable that held a value before keeps its type and collation when it is set to NULL, which shows; so
 * NULL is carried only for one that held none. */
static struct state *set_user_word(struct state_table *t, const struct state *s, const struct target *target,
                                   struct view word)
{
	struct item old, put = {ITEM_VARIABLE, target->name, word};
	if (value_is_word(word, "null")) {
		put.value = view_of("NULL");
		bool is_set = state_find(s, ITEM_VARIABLE, target->name, &old);
		return is_set && !view_equal(old.value, put.value) ? NULL : edit(t, s, &put);
	}
	return value_is_word(word, "true") || value_is_word(word, "false") ? edit(t, s, &put) : NULL;
}

static struct state *set_word(struct state_table *t, const struct state *s, const struct target *target,
                              struct view word)
{
	if (target->is_user)
		return set_user_word(t, s, target, word);
	if (value_is_word(word, "default"))
		return set_default(t, s, target);
	if (is_among(target->name, flag_variables) || are_in_conflict(s, target->name))
		return NULL;
	if (is_among(target->name, charset_names) && !value_is_word(word, "null"))
		return set_charset_name(t, s, target, word);
	buf_reset(&t->value);
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
			next = set_string(t, s, &target, written(&text), none);
		buf_finish(&text);
		return next;
	}
	case FORM_BAD:
		break;
	}
	return NULL;
}

struct state *state_set_shown(struct state_table *t, const struct state *s, struct view name,
                              struct view text)
{
	struct view none = {NULL, 0};
	if (!text.len && view_equal(name, view_of("character_set_results")))
		return state_set(t, s, name, view_of("NULL")); /* the only one that may be NULL */
	if (value_form_of(text) == FORM_NUMBER)
		return state_set(t, s, name, text);
	return state_set_string(t, s, name, text, none);
}

/* --- what has a syntax of its own --- */

struct state *state_names(struct state_table *t, const struct state *s, struct view charset,
                          struct view collation)
{
	struct item put = {ITEM_BASE, view_of(BASE_NAMES), {NULL, 0}};
	if (!charset.len)
		return collation.len ? NULL : edit(t, s, &put);
	buf_reset(&t->value);
	bool ok = !is_wide(charset) && value_write_name(&t->value, charset);
	if (ok && collation.len)
		ok = write_bytes(&t->value, " COLLATE ", 9) && value_write_name(&t->value, collation);
	return ok ? edit_written(t, s, ITEM_BASE, view_of(BASE_NAMES)) : NULL;
}

struct state *state_character_set(struct state_table *t, const struct state *s, struct view charset)
{
	buf_reset(&t->value);
	if (!charset.len || is_wide(charset) || !value_write_name(&t->value, charset))
		return NULL;
	return edit_written(t, s, ITEM_BASE, view_of(BASE_CHARACTER_SET));
}

struct state *state_schema(struct state_table *t, const struct state *s, struct view schema)
{
	struct item put = {ITEM_SCHEMA, {NULL, 0}, {schema.len ? schema.p : NULL, schema.len}};
	if (state_charset_is_of_schema(s) && !view_equal(schema, state_schema_of(s)))
		return NULL;
	return edit(t, s, &put);
}

struct state *state_schema_moved(struct state_table *t, const struct state *s, struct view schema, bool *ask)
{
	struct item base, old;
	*ask = state_charset_is_of_schema(s) && !view_equal(schema, state_schema_of(s));
	if (!*ask || !state_find(s, ITEM_BASE, view_of(BASE_CHARACTER_SET), &base))
		return state_schema(t, s, schema);
	base.name = view_of(BASE_NAMES);
	struct state *at = edit(t, s, &base);
	for (struct view rest = state_content(s); at && item_next(&rest, &old);) {
		if (old.kind != ITEM_CHARSET)
			continue;
		struct state *next = edit(t, at, &old);
		state_unref(t, at);
		at = next;
	}
	struct state *next = at ? state_schema(t, at, schema) : NULL;
	state_unref(t, at);
	return next;
}

#define ROLE_MAX 400u /* bytes of SET ROLE's list that are carried */

struct state *state_role(struct state_table *t, const struct state *s, struct view roles)
{
	struct item put = {ITEM_ROLE, {NULL, 0}, {NULL, 0}};
	if (roles.len > ROLE_MAX)
		return NULL;
	for (size_t i = 0; i < roles.len; i++)
		if (roles.p[i] < 0x20 || roles.p[i] >= 0x7F || roles.p[i] == '\\')
			return NULL;
	if (!value_is_word(roles, "default") && roles.len)
		put.value = roles;
	return edit(t, s, &put);
}

struct state *state_after_reset(struct state_table *t, const struct state *s)
{
	struct state *empty = state_initial(t);
	struct state *role = state_role(t, empty, state_role_of(s));
	struct state *next = role ? state_schema(t, role, state_schema_of(s)) : NULL;
	state_unref(t, empty);
	state_unref(t, role);
	if (!next)
		abort(); /* smaller than what there was */
	return next;
}

/* --- from another process --- */

/* What is sent to servers as SQL is printable ASCII; a schema's name goes as it is. */
static bool is_printable(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] < 0x20 || v.p[i] >= 0x7F)
			return false;
	return true;
}

static bool read_item(struct reader *r, struct item *i)
{
	i->kind = (enum item_kind)read_u8(r);
	size_t name_len = read_u8(r), value_len = read_u32(r);
	i->name = read_bytes(r, name_len);
	i->value = read_bytes(r, value_len);
	bool named = i->kind != ITEM_SCHEMA && i->kind != ITEM_ROLE;
	return !r->bad && i->kind <= ITEM_VARIABLE && i->value.len && named == (i->name.len != 0) && is_printable(i->name) &&
	       (i->kind == ITEM_SCHEMA || is_printable(i->value));
}

struct state *state_restore(struct state_table *t, struct view content)
{
	struct reader r = reader_of(content.p, content.len);
	struct item before, i;
	bool users = false;
	unsigned entries = 0;
	for (; reader_left(&r); before = i) {
		if (!read_item(&r, &i) || (entries && item_compare(&before, &i) >= 0) || ++entries > STATE_ENTRIES_MAX)
			return NULL;
		users |= is_user(&i);
	}
	if (r.bad || content.len > STATE_BYTES_MAX)
		return NULL;
	return intern(t, content.len ? content : view_of(""), entries, users);
}

/* --- questions --- */

struct view state_schema_of(const struct state *s)
{
	return s->schema;
}

struct view state_role_of(const struct state *s)
{
	struct item i;
	struct view none = {NULL, 0};
	return state_find(s, ITEM_ROLE, none, &i) ? i.value : none;
}

bool state_get(const struct state *s, struct view name, struct view *value)
{
	struct item i;
	for (struct view rest = state_content(s); item_next(&rest, &i);)
		if (i.kind != ITEM_SCHEMA && i.kind != ITEM_ROLE && view_equal(i.name, name)) {
			*value = i.value;
			return true;
		}
	return false;
}

bool state_has_user(const struct state *s, struct view name)
{
	struct item i;
	if (!s->users)
		return false;
	for (struct view rest = state_content(s); item_next(&rest, &i);)
		if (is_user(&i) && i.name.len == name.len + 1 &&
		    strncasecmp((const char *)i.name.p + 1, (const char *)name.p, name.len) == 0)
			return true;
	return false;
}

unsigned state_entries(const struct state *s)
{
	return s->entries;
}
