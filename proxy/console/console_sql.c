#include "proxy/console/console_sql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/console/console_variables.h"

#define VARIABLE_CALL "mysql_variable('"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Past a comment, or the same pointer when there is none. */
static const char *skip_comment(const char *p)
{
	bool line = *p == '#' || (p[0] == '-' && p[1] == '-' && (!p[2] || isspace((unsigned char)p[2])));
	if (line)
		return p + strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return p;
	const char *end = strstr(p + 2, "*/");
	return end ? end + 2 : p + strlen(p);
}

const char *sql_skip(const char *sql)
{
	for (;;) {
		const char *p = sql;
		while (isspace((unsigned char)*p))
			p++;
		p = skip_comment(p);
		if (p == sql)
			return p;
		sql = p;
	}
}

bool sql_at_end(const char *sql)
{
	while (*(sql = sql_skip(sql)) == ';')
		sql++;
	return !*sql;
}

/* The character that a backslash and c stand for. */
static char unescaped(char c)
{
	static const char from[] = "0bnrtZ", to[] = {'\0', '\b', '\n', '\r', '\t', 0x1A};
	const char *at = strchr(from, c);
	return at && c ? to[at - from] : c;
}

/* Reads a quoted text, calling put for each character of it; the pointer past it, NULL when it does not end. */
static const char *read_quoted(const char *p, bool (*put)(void *arg, char c), void *arg)
{
	char quote = *p++;
	for (;; p++) {
		if (!*p)
			return NULL;
		if (*p == quote) {
			if (p[1] != quote)
				return p + 1;
			p++;
		} else if (*p == '\\' && quote != '`' && p[1]) {
			if (!put(arg, unescaped(*++p)))
				return NULL;
			continue;
		}
		if (!put(arg, *p))
			return NULL;
	}
}

struct text {
	char *p;
	size_t len, size;
};

static bool put_fixed(void *arg, char c)
{
	struct text *t = arg;
	if (!c || t->len + 1 >= t->size)
		return false;
	t->p[t->len++] = c;
	return true;
}

static bool take_quoted(const char **sql, char *out, size_t out_size)
{
	struct text t = {out, 0, out_size};
	const char *end = read_quoted(*sql, put_fixed, &t);
	if (!end)
		return false;
	out[t.len] = '\0';
	*sql = end;
	return true;
}

static bool take_span(const char **sql, const char *p, size_t len, char *out, size_t out_size)
{
	if (!len || len >= out_size)
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	*sql = p + len;
	return true;
}

bool sql_word(const char **sql, char *word, size_t word_size)
{
	const char *p = sql_skip(*sql);
	size_t len = 0;
	if (*p == '`') {
		if (!take_quoted(&p, word, word_size))
			return false;
		*sql = p;
		return true;
	}
	while (is_word(p[len]))
		len++;
	return take_span(sql, p, len, word, word_size);
}

bool sql_take(const char **sql, const char *word)
{
	const char *p = sql_skip(*sql);
	size_t len = strlen(word);
	if (strncasecmp(p, word, len) != 0 || (is_word(word[len - 1]) && is_word(p[len])))
		return false;
	*sql = p + len;
	return true;
}

/* Up to a blank, comma or semicolon that is not within parentheses. */
static size_t expression_len(const char *p)
{
	size_t depth = 0, len = 0;
	for (; p[len]; len++) {
		if (!depth && strchr(",; \t\r\n", p[len]))
			break;
		depth += p[len] == '(';
		depth -= depth && p[len] == ')';
	}
	return len;
}

bool sql_value(const char **sql, char *value, size_t value_size)
{
	const char *p = sql_skip(*sql);
	if (*p == '\'' || *p == '"' || *p == '`') {
		if (!take_quoted(&p, value, value_size))
			return false;
		*sql = p;
		return true;
	}
	return take_span(sql, p, expression_len(p), value, value_size);
}

/* ---- the translation ---- */

static bool put_growing(void *arg, char c)
{
	struct text *t = arg;
	if (t->len + 1 >= t->size) {
		t->size = t->size ? t->size * 2 : 256;
		t->p = realloc(t->p, t->size);
		if (!t->p)
			abort();
	}
	t->p[t->len++] = c;
	t->p[t->len] = '\0';
	return true;
}

static bool put_in_string(void *arg, char c)
{
	if (c == '\'')
		put_growing(arg, c);
	return !c || put_growing(arg, c); /* sqlite's texts cannot hold a NUL in a literal */
}

static void put_all(struct text *t, const char *s)
{
	while (*s)
		put_growing(t, *s++);
}

static const char *translate_string(struct text *t, const char *p)
{
	put_growing(t, '\'');
	p = read_quoted(p, put_in_string, t);
	put_growing(t, '\'');
	return p;
}

static const char *copy_name(struct text *t, const char *p)
{
	const char *end = strchr(p + 1, '`');
	while (end && end[1] == '`')
		end = strchr(end + 2, '`');
	for (; end && p <= end; p++)
		put_growing(t, *p);
	return end ? p : NULL;
}

static const char *translate_variable(struct text *t, const char *p)
{
	put_all(t, VARIABLE_CALL);
	while (*p == '@')
		put_growing(t, *p++);
	for (; is_word(*p) || *p == '.' || *p == '`'; p++)
		if (*p != '`')
			put_growing(t, *p);
	put_all(t, "')");
	return p;
}

/* _utf8mb4'text' and N'text': everything is UTF-8 here. */
static bool is_introducer(const char *p, size_t len)
{
	const char *after = sql_skip(p + len);
	return (*after == '\'' || *after == '"') && (*p == '_' || (len == 1 && (*p == 'N' || *p == 'n')));
}

static const char *copy_word(struct text *t, const char *p)
{
	size_t len = 0;
	while (is_word(p[len]))
		len++;
	if (!is_introducer(p, len))
		for (size_t i = 0; i < len; i++)
			put_growing(t, p[i]);
	return p + len;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

/* schema.table: the console's tables have no schema, those of a server's own schemas have it in their names. Past what
 * was translated, or NULL when this is no such name. */
static const char *translate_qualified(struct text *t, const char *p)
{
	static const char *const own[] = {CONSOLE_SCHEMA, "main", "stats", "disk", "monitor", NULL};
	static const char *const others[] = {"information_schema", "performance_schema", "mysql", "sys", NULL};
	char schema[32], table[65];
	if ((!is_word(*p) && *p != '`') || (t->len && (t->p[t->len - 1] == '.' || is_word(t->p[t->len - 1]))) ||
	    !sql_word(&p, schema, sizeof schema) || *p != '.')
		return NULL;
	if (is_one_of(schema, own))
		return p + 1;
	p++;
	if (!is_one_of(schema, others) || !sql_word(&p, table, sizeof table))
		return NULL;
	put_growing(t, '"');
	put_all(t, schema);
	put_growing(t, '.');
	put_all(t, table);
	put_growing(t, '"');
	return p;
}

static const char *translate_one(struct text *t, const char *p)
{
	const char *after = sql_skip(p);
	if (after != p) {
		put_growing(t, ' ');
		return after;
	}
	if (*p == '\'' || *p == '"')
		return translate_string(t, p);
	const char *past = translate_qualified(t, p);
	if (past)
		return past;
	if (*p == '`')
		return copy_name(t, p);
	if (*p == '@')
		return translate_variable(t, p);
	if (is_word(*p))
		return copy_word(t, p);
	put_growing(t, *p);
	return p + 1;
}

char *sql_to_sqlite(const char *sql, char *error, size_t error_size)
{
	struct text t = {0};
	const char *p = sql;
	const char *wrong = NULL;
	put_growing(&t, ' ');
	while (!wrong && *p && *p != ';') {
		/* sqlite's own parameters; MySQL's clients ask `select $$` and rely on the error. */
		if (*p == '$' || *p == ':')
			wrong = "a name cannot begin with '$' or ':'";
		else if (!(p = translate_one(&t, p)))
			wrong = "a string or a quoted name does not end";
	}
	if (!wrong && !sql_at_end(p))
		wrong = "one statement at a time, please";
	if (!wrong)
		return t.p;
	snprintf(error, error_size, "%s", wrong);
	free(t.p);
	return NULL;
}

/* The text of a literal, when the name is one from its first to its last byte. */
static bool name_of_literal(const char *name, char *out, size_t out_size)
{
	struct text t = {out, 0, out_size};
	const char *end = *name == '\'' && out_size ? read_quoted(name, put_fixed, &t) : NULL;
	if (!end || *end || strchr(name, '\\'))
		return false;
	out[t.len] = '\0';
	return true;
}

void sql_column_name(const char *sqlite_name, char *out, size_t out_size)
{
	size_t len = strlen(sqlite_name), head = strlen(VARIABLE_CALL);
	if (strncmp(sqlite_name, VARIABLE_CALL, head) == 0 && len > head + 2 && !strchr(sqlite_name + head, ' ') &&
	    strcmp(sqlite_name + len - 2, "')") == 0)
		snprintf(out, out_size, "%.*s", (int)(len - head - 2), sqlite_name + head);
	else if (!name_of_literal(sqlite_name, out, out_size))
		snprintf(out, out_size, "%s", sqlite_name);
}
