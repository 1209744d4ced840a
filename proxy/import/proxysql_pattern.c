#include "proxy/import/proxysql_pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *begin(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);
	if (!out)
		abort();
	return out;
}

static void head(FILE *out, bool caseless, bool negated)
{
	if (!caseless)
		fputs("(?-i)", out);
	if (negated)
		fputs("\\A(?!.*(?:", out);
}

/* ---- digests ---- */

/* The character that a pattern's byte or escape stands for; 0: something else. *len is what it takes. */
static char literal_at(const char *p, size_t *len)
{
	*len = *p == '\\' && p[1] ? 2 : 1;
	if (*p == '\\')
		return ispunct((unsigned char)p[1]) ? p[1] : '\0';
	return strchr("^$.[]|()?*+{}\\", *p) ? '\0' : *p;
}

/* "\(\?,\?\)" and its like: a list of nothing but literals; the length, or 0. */
static size_t list_at(const char *p)
{
	size_t len, n = 0;
	if (literal_at(p, &len) != '(')
		return 0;
	for (n = len; p[n]; n += len) {
		char c = literal_at(p + n, &len);
		if (c == ')')
			return n + len;
		if (p[n] != '.' && (!c || !strchr("?,. ", c)))
			return 0;
	}
	return 0;
}

static size_t class_at(const char *p)
{
	size_t n = 1;
	n += p[n] == '^';
	n += p[n] == ']';
	while (p[n] && p[n] != ']')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return n + (p[n] == ']');
}

static bool is_quantified(const char *p)
{
	return *p && strchr("?*+{", *p);
}

/* Blanks may stand around what is not a part of a word. `blanks`: the pattern allows some here already. */
static bool put_loose(FILE *out, const char *p, size_t len, char c, bool blanks)
{
	bool quantified = is_quantified(p + len);
	fputs(quantified ? "(?:" : "", out);
	fputs(blanks && !quantified ? "" : " *", out);
	if (c != ' ')
		fprintf(out, "%.*s *", (int)len, p);
	fputs(quantified ? ")" : "", out);
	return !quantified;
}

char *proxysql_digest_pattern(const char *pattern, bool caseless, bool negated)
{
	char *text = NULL;
	size_t size, len;
	bool blanks = false;
	FILE *out = begin(&text, &size);
	head(out, caseless, negated);
	for (const char *p = pattern; *p; p += len) {
		size_t list = list_at(p);
		char c = literal_at(p, &len);
		bool before = blanks;
		blanks = false;
		if (list && !is_quantified(p + list)) {
			len = list;
			fputs(" *\\((?:\\.\\.\\.|[?,. ]*)\\) *", out);
			blanks = true;
		} else if (*p == '[') {
			len = class_at(p);
			fwrite(p, 1, len, out);
		} else if (c && strchr(" =<>!,()+-*/%;?", c)) {
			blanks = put_loose(out, p, len, c, before);
		} else {
			fwrite(p, 1, len, out);
			if (*p == '(' && p[1] == '?') { /* (?: and its like: no literals */
				len = 2;
				fputc('?', out);
				while (p[len] && strchr("imsx-:=!<>P#|", p[len]))
					fputc(p[len++], out);
			} else if (*p == '{') {
				while (p[len] && p[len - 1] != '}')
					fputc(p[len++], out);
			}
		}
	}
	fputs(negated ? "))" : "", out);
	fclose(out);
	return text;
}

char *proxysql_text_pattern(const char *pattern, bool caseless, bool negated)
{
	char *text = NULL;
	size_t size;
	FILE *out = begin(&text, &size);
	head(out, caseless, negated);
	fprintf(out, "%s%s", pattern, negated ? "))" : "");
	fclose(out);
	return text;
}

char *proxysql_replacement(const char *replacement)
{
	char *text = NULL;
	size_t size;
	FILE *out = begin(&text, &size);
	for (const char *p = replacement; *p; p++) {
		if (*p == '\\' && isdigit((unsigned char)p[1]))
			fprintf(out, "${%c}", *++p);
		else if (*p == '\\' && p[1] == '\\')
			fputc(*++p, out);
		else if (*p == '$')
			fputs("$$", out);
		else
			fputc(*p, out);
	}
	fclose(out);
	return text;
}

/* ---- examples ---- */

/* A few of the texts that a pattern matches: each of its alternatives once. */
struct texts {
	char *all[PROXYSQL_EXAMPLES_MAX];
	size_t n;
};

static void free_texts(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->all[i]);
	t->n = 0;
}

static void add_text(struct texts *t, const char *a, const char *b)
{
	if (t->n < PROXYSQL_EXAMPLES_MAX && asprintf(&t->all[t->n++], "%s%s", a, b) < 0)
		abort();
}

static struct texts read_alternatives(const char **p, unsigned depth);

/* What one character, escape, class or group stands for. *p is moved behind it. */
static struct texts read_atom(const char **p, unsigned depth)
{
	struct texts t = {0};
	size_t len;
	char c = literal_at(*p, &len), one[2] = {c, '\0'};
	const char *at = *p;
	*p += len;
	if (*at == '(') {
		bool looks = at[1] == '?' && strchr("=!<", at[2]);
		if (at[1] == '?')
			*p += 1 + strspn(*p + 1, "imsx-:=!<");
		t = read_alternatives(p, depth + 1);
		*p += **p == ')';
		if (looks || (at[1] == '?' && (*p)[-2] != ':' && !t.n)) {
			free_texts(&t);
			add_text(&t, "", "");
		}
	} else if (*at == '[') {
		*p = at + class_at(at);
		one[0] = at[1] == '^' || at[1] == '\\' ? 'a' : at[1];
		add_text(&t, one, "");
	} else if (*at == '\\' && !c) {
		add_text(&t, at[1] == 's' ? " " : at[1] == 'd' ? "1" : at[1] == 'b' ? "" : "a", "");
	} else if (*at == '.') {
		add_text(&t, is_quantified(*p) ? " " : "a", "");
	} else {
		add_text(&t, c ? one : "", "");
	}
	return t;
}

static void skip_quantifier(const char **p)
{
	while (is_quantified(*p)) {
		const char *end = **p == '{' ? strchr(*p, '}') : NULL;
		*p = end ? end + 1 : *p + 1;
	}
}

static struct texts read_sequence(const char **p, unsigned depth)
{
	struct texts t = {0};
	add_text(&t, "", "");
	while (**p && **p != '|' && **p != ')') {
		struct texts atom = read_atom(p, depth), both = {0};
		skip_quantifier(p);
		for (size_t i = 0; i < t.n; i++)
			for (size_t k = 0; k < atom.n; k++)
				add_text(&both, t.all[i], atom.all[k]);
		free_texts(&t);
		free_texts(&atom);
		t = both;
	}
	return t;
}

static struct texts read_alternatives(const char **p, unsigned depth)
{
	struct texts t = {0};
	if (depth > 20) {
		*p += strlen(*p);
		return t;
	}
	for (;;) {
		struct texts one = read_sequence(p, depth);
		for (size_t i = 0; i < one.n; i++)
			add_text(&t, one.all[i], "");
		free_texts(&one);
		if (**p != '|')
			return t;
		++*p;
	}
}

size_t proxysql_examples(const char *pattern, char *examples[PROXYSQL_EXAMPLES_MAX])
{
	const char *p = pattern;
	struct texts t = read_alternatives(&p, 0);
	memcpy(examples, t.all, t.n * sizeof *examples);
	return t.n;
}

/* ---- addresses ---- */

char *proxysql_address(const char *address)
{
	char *text = NULL;
	unsigned n[3] = {0}, parts = 0;
	int used = 0;
	size_t len = strlen(address);
	if (!strchr(address, '%') && !strchr(address, '_'))
		return strdup(address);
	if (len < 2 || strcmp(address + len - 2, ".%") != 0)
		return NULL;
	for (const char *p = address; parts < 3 && (used = 0, sscanf(p, "%3u.%n", &n[parts], &used)) == 1 && used; p += used)
		parts++;
	size_t dots = 0;
	for (const char *p = address; *p; p++)
		dots += *p == '.';
	if (!parts || parts != dots || asprintf(&text, "%u.%u.%u.0/%u", n[0], n[1], n[2], parts * 8) < 0)
		return NULL;
	return text;
}
