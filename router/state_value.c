#include "router/state_value.h"

#include <stdlib.h>

#define FLAGS_MAX 64

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_name_byte(uint8_t c)
{
	return is_digit(c) || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool is_printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7F;
}

static struct view behind(struct view v, size_t n)
{
	return (struct view){v.p + n, v.len - n};
}

static bool starts(struct view v, size_t at, char c)
{
	return at < v.len && lower(v.p[at]) == (uint8_t)c;
}

static size_t digits(struct view v, size_t at)
{
	size_t n = at;
	while (n < v.len && is_digit(v.p[n]))
		n++;
	return n - at;
}

/* [+-] digits [. digits] [e [+-] digits] */
static bool is_decimal(struct view v)
{
	size_t at = starts(v, 0, '-') || starts(v, 0, '+');
	size_t n = digits(v, at), fraction = 0;
	at += n;
	if (starts(v, at, '.')) {
		fraction = digits(v, ++at);
		at += fraction;
	}
	if (!n && !fraction)
		return false;
	if (starts(v, at, 'e')) {
		at++;
		at += starts(v, at, '-') || starts(v, at, '+');
		n = digits(v, at);
		at += n;
		if (!n)
			return false;
	}
	return at == v.len;
}

static bool is_of_digits(struct view v, bool hex)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = lower(v.p[i]);
		if (!(hex ? is_digit(c) || (c >= 'a' && c <= 'f') : c == '0' || c == '1'))
			return false;
	}
	return true;
}

/* 0x1F, x'1F', 0b101, b'101' */
static bool is_bytes(struct view v)
{
	if (v.len > 2 && v.p[0] == '0' && (v.p[1] == 'x' || v.p[1] == 'b')) /* 0X is a name */
		return is_of_digits(behind(v, 2), v.p[1] == 'x');
	bool hex = starts(v, 0, 'x');
	if (v.len < 3 || (!hex && !starts(v, 0, 'b')) || v.p[1] != '\'' || v.p[v.len - 1] != '\'')
		return false;
	struct view inside = {v.p + 2, v.len - 3};
	return is_of_digits(inside, hex) && !(hex && inside.len & 1);
}

static bool is_quoted(struct view v)
{
	if (v.len < 2 || v.p[0] != '\'' || v.p[v.len - 1] != '\'')
		return false;
	for (size_t i = 1; i < v.len - 1; i++) {
		if (!is_printable(v.p[i]) || v.p[i] == '\\')
			return false;
		if (v.p[i] == '\'' && (++i == v.len - 1 || v.p[i] != '\''))
			return false;
	}
	return true;
}

bool value_is_name(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_name_byte(text.p[i]))
			return false;
	return text.len > 0 && text.len <= 64;
}

bool value_is_word(struct view text, const char *word)
{
	size_t i = 0;
	while (i < text.len && word[i] && lower(text.p[i]) == lower((uint8_t)word[i]))
		i++;
	return i == text.len && !word[i];
}

enum value_form value_form_of(struct view sql)
{
	if (!sql.len)
		return FORM_BAD;
	if (is_quoted(sql))
		return FORM_STRING;
	if (is_decimal(sql) || is_bytes(sql))
		return FORM_NUMBER;
	return value_is_name(sql) && !is_digit(sql.p[0]) ? FORM_WORD : FORM_BAD;
}

static bool write_text(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text));
}

static bool is_plain(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_printable(text.p[i]) || text.p[i] == '\\')
			return false;
	return text.len > 0;
}

static bool is_ascii(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] & 0x80)
			return false;
	return true;
}

static bool write_hex(struct buf *out, struct view text)
{
	static const char hex[] = "0123456789ABCDEF";
	bool ok = write_text(out, "x'");
	for (size_t i = 0; ok && i < text.len; i++)
		ok = write_u8(out, (uint8_t)hex[text.p[i] >> 4]) &&
		     write_u8(out, (uint8_t)hex[text.p[i] & 15]);
	return ok && write_u8(out, '\'');
}

/* A backslash depends on NO_BACKSLASH_ESCAPES, and MariaDB's EMPTY_STRING_IS_NULL takes '' for NULL but not
 * x''. */
static bool write_quoted(struct buf *out, struct view text)
{
	if (!is_plain(text))
		return write_hex(out, text);
	bool ok = write_u8(out, '\'');
	for (size_t i = 0; ok && i < text.len; i++)
		ok = (text.p[i] != '\'' || write_u8(out, '\'')) && write_u8(out, text.p[i]);
	return ok && write_u8(out, '\'');
}

bool value_write_string(struct buf *out, struct view text)
{
	return is_ascii(text) && write_quoted(out, text);
}

bool value_write_charset_string(struct buf *out, struct view charset, struct view collation, struct view text)
{
	if (!value_is_name(charset) || (collation.len && !value_is_name(collation)))
		return false;
	bool ok = write_u8(out, '_') && buf_append(out, charset.p, charset.len);
	ok = ok && (is_plain(text) || write_u8(out, ' ')) && write_quoted(out, text);
	if (ok && collation.len)
		ok = write_text(out, " COLLATE ") && value_write_name(out, collation);
	return ok;
}

bool value_write_name(struct buf *out, struct view name)
{
	bool ok = value_is_name(name) && write_u8(out, '\'');
	for (size_t i = 0; ok && i < name.len; i++)
		ok = write_u8(out, lower(name.p[i]));
	return ok && write_u8(out, '\'');
}

bool value_read_string(struct buf *out, struct view sql)
{
	bool ok = is_quoted(sql);
	for (size_t i = 1; ok && i < sql.len - 1; i++) {
		ok = write_u8(out, sql.p[i]);
		i += sql.p[i] == '\'';
	}
	return ok;
}

/* --- flags --- */

struct flag {
	struct view name, value;
};

struct flags {
	unsigned n;
	struct flag flag[FLAGS_MAX];
};

static int compare_text(struct view a, struct view b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return lower(a.p[i]) - lower(b.p[i]);
	return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_flags(const void *a, const void *b)
{
	return compare_text(((const struct flag *)a)->name, ((const struct flag *)b)->name);
}

/* name=on|off|default; the last one of a name counts. */
static bool flag_set(struct flags *f, struct view part)
{
	const uint8_t *equals = memchr(part.p, '=', part.len);
	if (!equals)
		return false;
	struct flag flag = {{part.p, (size_t)(equals - part.p)}, behind(part, (size_t)(equals - part.p) + 1)};
	if (!value_is_name(flag.name) || !value_is_name(flag.value))
		return false;
	unsigned i = 0;
	while (i < f->n && compare_text(f->flag[i].name, flag.name))
		i++;
	if (i == FLAGS_MAX)
		return false;
	f->flag[i] = flag;
	f->n += i == f->n;
	return true;
}

static bool flags_read(struct flags *f, struct view text)
{
	for (bool more = text.len > 0; more;) {
		const uint8_t *comma = memchr(text.p, ',', text.len);
		struct view part = {text.p, comma ? (size_t)(comma - text.p) : text.len};
		more = comma != NULL;
		if (more)
			text = behind(text, part.len + 1);
		if (value_is_word(part, "default"))
			f->n = 0;
		else if (!flag_set(f, part))
			return false;
	}
	return true;
}

bool value_merge_flags(struct buf *out, struct view before, struct view text)
{
	struct flags f = {.n = 0};
	if (before.len >= 2)
		before = (struct view){before.p + 1, before.len - 2}; /* the quotes */
	if (!flags_read(&f, before) || !flags_read(&f, text))
		return false;
	unsigned kept = 0;
	for (unsigned i = 0; i < f.n; i++)
		if (!value_is_word(f.flag[i].value, "default"))
			f.flag[kept++] = f.flag[i];
	qsort(f.flag, kept, sizeof *f.flag, compare_flags);
	bool ok = !kept || write_text(out, "'default");
	for (unsigned i = 0; ok && i < kept; i++) {
		const struct flag *flag = &f.flag[i];
		ok = write_u8(out, ',');
		for (size_t k = 0; ok && k < flag->name.len; k++)
			ok = write_u8(out, lower(flag->name.p[k]));
		ok = ok && write_text(out, value_is_word(flag->value, "on") ? "=on" : "=off") &&
		     (value_is_word(flag->value, "on") || value_is_word(flag->value, "off"));
	}
	return ok && (!kept || write_u8(out, '\''));
}
