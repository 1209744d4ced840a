/*
 * The rules of the lexer. re2c makes a state machine of what tells tokens apart; the bodies of words, strings and
 * comments, which are long and uniform, are left to the loops of lexer_scan.h.
 */
#include "router/lexer.h"

#include <string.h>

#include "router/lexer_comment.h"
#include "router/lexer_scan.h"
#include "router/lexer_short.h"
#include "router/sql_mode.h"

/* Reading never passes the limit: there the machine sees a zero, and asks whether it is the end. */
#define YYPEEK() (cursor < limit ? *cursor : 0)
#define YYSKIP() ++cursor
#define YYBACKUP() marker = cursor
#define YYRESTORE() cursor = marker
#define YYLESSTHAN(n) ((size_t)(limit - cursor) < (n))

void lexer_init(struct lexer *lx, struct view text, const struct dialect *dialect)
{
	static const uint8_t nothing[1];
	memset(lx, 0, sizeof *lx);
	lx->start = lx->cursor = text.len ? text.p : nothing;
	lx->limit = lx->start + text.len;
	lx->dialect = *dialect;
	/* Servers take one NUL at the end for the terminator of the text. */
	if (text.len && lx->limit[-1] == 0)
		lx->limit--;
}

/* The length of the character at p where one of two bytes may hold ASCII; 0 when the pair is no character, which
 * servers read in different ways. */
static size_t wide_length(enum text_charset charset, const uint8_t *p, const uint8_t *limit)
{
	uint8_t a = p[0];
	if (a < 0x80)
		return 1;
	if (charset == TEXT_SJIS && a >= 0xA1 && a <= 0xDF)
		return 1;
	if (limit - p < 2)
		return 0;
	uint8_t b = p[1];
	bool low = b >= 0x40 && b <= 0x7E;
	switch (charset) {
	case TEXT_GBK:
		return a >= 0x81 && a <= 0xFE && (low || (b >= 0x80 && b <= 0xFE)) ? 2 : 0;
	case TEXT_SJIS:
		return ((a >= 0x81 && a <= 0x9F) || (a >= 0xE0 && a <= 0xFC)) && (low || (b >= 0x80 && b <= 0xFC)) ? 2
														 : 0;
	case TEXT_BIG5:
		return a >= 0xA1 && a <= 0xF9 && (low || (b >= 0xA1 && b <= 0xFE)) ? 2 : 0;
	case TEXT_GB18030:
		if (a < 0x81 || a > 0xFE)
			return 0;
		if (low || (b >= 0x80 && b <= 0xFE))
			return 2;
		return limit - p >= 4 && b >= 0x30 && b <= 0x39 && p[2] >= 0x81 && p[2] <= 0xFE && p[3] >= 0x30 &&
				       p[3] <= 0x39
			       ? 4
			       : 0;
	case TEXT_ASCII_SAFE:
		return 1;
	}
	return 1;
}

/* Moves to the next quote or, if it counts, backslash; in a character set with wide characters one by one. */
static const uint8_t *to_quote(struct lexer *lx, const uint8_t *p, uint8_t quote, uint8_t escape)
{
	if (lx->dialect.charset == TEXT_ASCII_SAFE)
		return scan_either(p, lx->limit, quote, escape);
	while (p < lx->limit && *p != quote && *p != escape) {
		size_t n = wide_length(lx->dialect.charset, p, lx->limit);
		if (!n)
			lx->unreadable = true;
		p += n ? n : 1;
	}
	return p;
}

/* p is behind the opening quote. Gives what is behind the closing one; without one, the end of the text. */
static const uint8_t *quoted(struct lexer *lx, struct token *t, const uint8_t *p, uint8_t quote, bool escapes)
{
	uint8_t escape = escapes ? '\\' : quote;
	t->quote = quote;
	for (;;) {
		p = to_quote(lx, p, quote, escape);
		if (p >= lx->limit)
			break;
		bool doubled = lx->limit - p > 1 && p[1] == quote;
		if (*p == quote && !doubled)
			return p + 1;
		if (*p == quote) {
			t->escaped = true;
			p += 2;
		} else if (lx->limit - p > 1) {
			/* The byte behind a backslash may begin a wide character. */
			size_t n = p[1] < 0x80 ? 1 : wide_length(lx->dialect.charset, p + 1, lx->limit);
			t->escaped = true;
			if (!n)
				lx->unreadable = true;
			p += 1 + (n ? n : 1);
		} else {
			break;
		}
	}
	lx->unreadable = true;
	return lx->limit;
}

/* MySQL's $$text$$ and $tag$text$tag$; NULL when the word at p is only a word. */
static const uint8_t *dollar_text(struct lexer *lx, const uint8_t *p)
{
	const uint8_t *tag = p + 1;
	if (lx->dialect.flavor != FLAVOR_MYSQL || lx->dialect.version < 80032)
		return NULL;
	while (tag < lx->limit && *tag != '$' && is_word_byte(*tag))
		tag++;
	if (tag >= lx->limit || *tag != '$')
		return NULL;
	size_t n = (size_t)(tag + 1 - p);
	const uint8_t *end = memmem(tag + 1, (size_t)(lx->limit - tag - 1), p, n);
	if (end)
		return end + n;
	lx->unreadable = true;
	return lx->limit;
}

static const uint8_t *user_variable(struct lexer *lx, struct token *t, const uint8_t *p)
{
	if (p < lx->limit && (*p == '`' || *p == '\'' || *p == '"')) {
		bool escapes = *p != '`' && !(lx->dialect.sql_mode & MODE_NO_BACKSLASH_ESCAPES) &&
			       !(*p == '"' && (lx->dialect.sql_mode & MODE_ANSI_QUOTES));
		return quoted(lx, t, p + 1, *p, escapes);
	}
	while (p < lx->limit && (is_word_byte(*p) || *p == '.'))
		p++;
	return p;
}

/* A name with wide characters may end elsewhere. */
void lexer_wide_word(struct lexer *lx, const struct token *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->p[i] >= 0x80)
			lx->unreadable = true;
}

static void word(struct lexer *lx, struct token *t)
{
	lexer_word_at(lx, t, t->p);
}

static void string(struct lexer *lx, struct token *t, const uint8_t *body, bool escapes)
{
	t->kind = TOKEN_STRING;
	lx->cursor = quoted(lx, t, body, body[-1], escapes && !(lx->dialect.sql_mode & MODE_NO_BACKSLASH_ESCAPES));
}

static void name(struct lexer *lx, struct token *t, const uint8_t *body)
{
	t->kind = TOKEN_QUOTED;
	lx->cursor = quoted(lx, t, body, body[-1], false);
	if (!t->escaped && lx->cursor > body)
		t->word = word_of(body, (size_t)(lx->cursor - body - 1));
}

/* A number may turn out to be a word that begins with digits. */
static void number(struct lexer *lx, struct token *t, const uint8_t *end, bool may_be_word)
{
	if (may_be_word && end < lx->limit && is_word_byte(*end)) {
		word(lx, t);
		return;
	}
	t->kind = TOKEN_NUMBER;
	lx->cursor = end;
}

static void punctuation(struct lexer *lx, struct token *t, int kind, const uint8_t *end)
{
	t->kind = kind;
	lx->cursor = end;
}

/* The token at the cursor; false when there was only a comment or the end of one. */
static bool token_at(struct lexer *lx, struct token *t)
{
	const uint8_t *cursor = lx->cursor, *limit = lx->limit, *marker = cursor;
	t->p = cursor;

	/*!re2c
	re2c:api = custom;
	re2c:yyfill:enable = 0;
	re2c:eof = 0;
	re2c:define:YYCTYPE = "uint8_t";

	digit    = [0-9];
	hex      = [0-9a-fA-F];
	exponent = [eE] [-+]? digit+;
	first    = [A-Za-z_$\x80-\xFF];
	blank    = [ \t\n\v\f\r];

	$        { t->kind = TOKEN_END; return true; }
	blank+   { lx->cursor = cursor; return false; }

	"#"      { lexer_line_comment(lx, cursor); return false; }
	"--"     {
	           /* Only before a blank, a control character or the end: 5--5 is 10. */
	           if (cursor < limit && *cursor > ' ' && *cursor != 0x7F) {
	                   punctuation(lx, t, '-', t->p + 1);
	                   return true;
	           }
	           lexer_line_comment(lx, cursor);
	           return false;
	         }
	[/][*]   { lexer_comment(lx); return false; }
	[*][/]   {
	           if (lx->in_executable) {
	                   lx->in_executable = false;
	                   lx->cursor = cursor;
	                   return false;
	           }
	           punctuation(lx, t, '*', t->p + 1);
	           return true;
	         }

	"'"      { string(lx, t, cursor, true); return true; }
	[nN] "'" { string(lx, t, cursor, true); return true; }
	[xXbB] "'" { string(lx, t, cursor, false); t->kind = TOKEN_NUMBER; return true; }
	["]      {
	           if (lx->dialect.sql_mode & MODE_ANSI_QUOTES)
	                   name(lx, t, cursor);
	           else
	                   string(lx, t, cursor, true);
	           return true;
	         }
	"`"      { name(lx, t, cursor); return true; }
	first    {
	           const uint8_t *end = *t->p == '$' ? dollar_text(lx, t->p) : NULL;
	           if (!end) {
	                   word(lx, t);
	                   return true;
	           }
	           t->kind = TOKEN_STRING;
	           lx->cursor = end;
	           return true;
	         }

	digit+                      { number(lx, t, cursor, true); return true; }
	"0x" hex+ | "0b" [01]+      { number(lx, t, cursor, true); return true; }
	digit+ exponent             { number(lx, t, cursor, false); return true; }
	digit+ "." digit* exponent? { number(lx, t, cursor, false); return true; }
	"." digit+ exponent?        {
	           /* t.5a: behind a word the dot joins names. */
	           if (lx->last_kind == TOKEN_WORD && !t->space_before)
	                   punctuation(lx, t, '.', t->p + 1);
	           else
	                   number(lx, t, cursor, false);
	           return true;
	         }

	"@@"     { punctuation(lx, t, TOKEN_SYSTEM_VAR, cursor); return true; }
	"@"      { t->kind = TOKEN_USER_VAR; lx->cursor = user_variable(lx, t, cursor); return true; }
	":="     { punctuation(lx, t, TOKEN_ASSIGN, cursor); return true; }
	"<=>" | "<=" | ">=" | "<>" | "!=" | "<<" | ">>" | "||" | "&&" | "->" | "->>"
	         { punctuation(lx, t, TOKEN_OPERATOR, cursor); return true; }
	[-+*/%=<>!~^&|(),;:.?{}] { punctuation(lx, t, *t->p, cursor); return true; }

	*        { lx->unreadable = true; punctuation(lx, t, TOKEN_BAD, cursor); return true; }
	*/
}

const uint8_t lexer_shortcuts[256] = {
	['A'] = SHORT_WORD, ['C' ... 'M'] = SHORT_WORD, ['O' ... 'W'] = SHORT_WORD, ['Y' ... 'Z'] = SHORT_WORD,
	['a'] = SHORT_WORD, ['c' ... 'm'] = SHORT_WORD, ['o' ... 'w'] = SHORT_WORD, ['y' ... 'z'] = SHORT_WORD,
	['_'] = SHORT_WORD, [0x80 ... 0xFF] = SHORT_WORD,
	/* N'text', x'41', b'01' */
	['n'] = SHORT_PREFIX, ['N'] = SHORT_PREFIX, ['x'] = SHORT_PREFIX, ['X'] = SHORT_PREFIX,
	['b'] = SHORT_PREFIX, ['B'] = SHORT_PREFIX,
	[','] = SHORT_PUNCTUATION, ['('] = SHORT_PUNCTUATION, [')'] = SHORT_PUNCTUATION, ['='] = SHORT_PUNCTUATION,
	[';'] = SHORT_PUNCTUATION,
	/* 0x1F and 0b1 begin with 0 */
	['1' ... '9'] = SHORT_DIGIT,
};

void lexer_next_any(struct lexer *lx, struct token *t)
{
	t->escaped = false;
	t->quote = 0;
	t->word = NULL;
	if (lx->last_kind == TOKEN_JOINING_DOT && lx->cursor < lx->limit && is_word_byte(*lx->cursor)) {
		/* t.1a is a name behind a dot, though it begins with a digit. */
		t->p = lx->cursor;
		word(lx, t);
	} else {
		while (!token_at(lx, t))
			t->space_before = true;
	}
	t->len = (size_t)(lx->cursor - t->p);
	if (t->kind == TOKEN_END) {
		t->p = lx->limit;
		t->len = 0;
		if (lx->in_executable)
			lx->unreadable = true;
	}
	bool joins = t->kind == '.' && lx->last_kind == TOKEN_WORD && !t->space_before;
	lx->last_kind = joins ? TOKEN_JOINING_DOT : t->kind;
	lx->last_word = t->word;
}

void lexer_next(struct lexer *lx, struct token *t)
{
	lexer_next_short(lx, t);
}

struct view token_inside(const struct token *t)
{
	struct view v = {t->p, t->len};
	bool quotable = t->kind == TOKEN_STRING || t->kind == TOKEN_QUOTED || t->kind == TOKEN_USER_VAR;
	if (!quotable || !t->quote)
		return t->kind == TOKEN_USER_VAR ? (struct view){v.p + 1, v.len - 1} : v;
	while (v.len && *v.p != t->quote) {
		v.p++;
		v.len--;
	}
	v.p++;
	v.len--;
	/* An unfinished one has no closing quote. */
	if (v.len && v.p[v.len - 1] == t->quote)
		v.len--;
	return v;
}

static uint8_t unescaped(uint8_t c)
{
	switch (c) {
	case '0':
		return 0;
	case 'b':
		return '\b';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'Z':
		return 26;
	default:
		return c;
	}
}

size_t token_decode(const struct token *t, const struct dialect *dialect, uint8_t *out)
{
	struct view in = token_inside(t);
	uint8_t quote = in.len < t->len ? t->quote : 0;
	bool escapes = quote == '\'' || quote == '"';
	size_t n = 0;
	if (t->kind == TOKEN_QUOTED || (dialect->sql_mode & MODE_NO_BACKSLASH_ESCAPES))
		escapes = false;
	for (size_t i = 0; i < in.len; i++) {
		if (escapes && in.p[i] == '\\' && i + 1 < in.len) {
			/* \% and \_ keep their backslash outside of patterns. */
			if (in.p[i + 1] == '%' || in.p[i + 1] == '_')
				out[n++] = '\\';
			out[n++] = unescaped(in.p[++i]);
		} else {
			out[n++] = in.p[i];
			if (quote && in.p[i] == quote)
				i++;
		}
	}
	return n;
}
