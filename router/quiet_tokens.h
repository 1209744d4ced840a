/*
 * The short way through tokens that mean nothing for the route: names, words that do not act, commas, '=' and whole
 * numbers, which most of a statement is made of.
 *
 * The lexer's, the digest's and the statement's work on them in one, with what they share in registers; it gives what
 * they would give, and leaves to them whatever it does not know.
 */
#ifndef WYE_ROUTER_QUIET_TOKENS_H
#define WYE_ROUTER_QUIET_TOKENS_H

#include "router/lexer_short.h"
#include "router/plain_list.h"
#include "router/statement.h"

/* What is carried from token to token. `commas`: they are quiet too; `dots`: so is what stands behind one. */
struct quiet {
	const uint8_t *p; /* behind the last one */
	uint64_t hash;
	int last_kind;
	const struct word *last_word;
	const struct word *name; /* the last token's own */
	const uint8_t *start, *limit; /* of the text */
	bool commas, dots;
	uint8_t escape;
};

/* False when the word may act, or is a long one. */
LEXER_INLINE bool quiet_word(struct quiet *q, struct token *t, const uint8_t *p)
{
	uint64_t lo, hi;
	size_t n = scan_word(q->start, p, q->limit, &lo, &hi);
	if (n > 16)
		return false;
	const struct word *w = word_find(lo, hi, p, n);
	if (w && w->acts && q->last_kind != '.')
		return false;
	bool folds = w && w->in_grammar && q->last_kind != '.' && q->last_kind != TOKEN_SYSTEM_VAR;
	uint64_t fold = folds ? WORD_FOLD : 0;
	q->hash = digest_mix(q->hash, lo | fold, (hi | fold) ^ (uint64_t)n << 56 ^ (folds ? 0 : 3));
	q->last_kind = t->kind = TOKEN_WORD;
	q->last_word = t->word = w;
	t->p = p;
	t->len = n;
	q->p = p + n;
	return true;
}

LEXER_INLINE bool quiet_number(struct quiet *q, struct token *t, const uint8_t *p)
{
	const uint8_t *end = p + 1;
	while (end < q->limit && (uint8_t)(*end - '0') < 10)
		end++;
	if (end < q->limit && (*end == '.' || is_word_byte(*end)))
		return false;
	q->hash = digest_mix(q->hash, DIGEST_LITERAL, 1);
	q->last_kind = t->kind = TOKEN_NUMBER;
	q->last_word = t->word = NULL;
	t->p = p;
	t->len = (size_t)(end - p);
	q->p = end;
	return true;
}

LEXER_INLINE void quiet_punctuation(struct quiet *q, struct token *t, const uint8_t *p)
{
	q->hash = digest_mix(q->hash, *p, 2);
	q->last_kind = t->kind = *p;
	q->last_word = t->word = NULL;
	t->p = p;
	t->len = 1;
	q->p = p + 1;
}

/* `name`, without anything doubled in it. */
LEXER_INLINE bool quiet_name(struct quiet *q, struct token *t, const uint8_t *p)
{
	const uint8_t *end = scan_either(p + 1, q->limit, '`', '`');
	if (q->limit - end < 2 || end[1] == '`')
		return false;
	uint64_t lo, hi;
	size_t len = (size_t)(end - p - 1), n = scan_word(q->start, p + 1, q->limit, &lo, &hi);
	/* A word of the table holds nothing but what stands in words. */
	t->word = n == len && n && n <= WORD_MAX ? word_find(lo, hi, p + 1, n) : NULL;
	q->hash = digest_mix_bytes(q->hash, p, len + 2);
	q->last_kind = t->kind = TOKEN_QUOTED;
	q->last_word = NULL;
	t->p = p;
	t->len = len + 2;
	t->quote = '`';
	t->escaped = false;
	q->p = end + 1;
	return true;
}

/* 'text', unless it is joined to the one before. */
LEXER_INLINE bool quiet_string(struct quiet *q, struct token *t, const uint8_t *p)
{
	const uint8_t *end = q->last_kind == TOKEN_STRING ? NULL : plain_string_end(p, q->limit, q->escape);
	if (!end)
		return false;
	q->hash = digest_mix(q->hash, DIGEST_LITERAL, 1);
	q->last_kind = t->kind = TOKEN_STRING;
	q->last_word = t->word = NULL;
	t->p = p;
	t->len = (size_t)(end - p);
	t->quote = '\'';
	t->escaped = true;
	q->p = end;
	return true;
}

/* The dot of a.b, when a name stands behind it. */
LEXER_INLINE bool quiet_dot(struct quiet *q, struct token *t, const uint8_t *p)
{
	bool joins = (q->last_kind == TOKEN_WORD || q->last_kind == TOKEN_QUOTED) && p == q->p && q->limit - p > 2;
	if (!q->dots || !joins)
		return false;
	/* Behind the servers' own schemas the name counts. */
	switch (q->name ? q->name->keyword : KW_OTHER) {
	case KW_INFORMATION_SCHEMA:
	case KW_PERFORMANCE_SCHEMA:
	case KW_MYSQL:
	case KW_SYS:
		return false;
	default:
		break;
	}
	enum shortcut next = (enum shortcut)lexer_shortcuts[p[1]];
	bool word = next == SHORT_WORD || (next == SHORT_PREFIX && p[2] != '\'');
	if (!word && (p[1] != '`' || !memchr(p + 2, '`', (size_t)(q->limit - p - 2))))
		return false;
	quiet_punctuation(q, t, p);
	return true;
}

/* False at a token that is not quiet. */
LEXER_INLINE bool quiet_token(struct quiet *q, struct token *t)
{
	const uint8_t *p = q->p;
	while (p < q->limit && (*p == ' ' || *p == '\n'))
		p++;
	if (p == q->limit)
		return false;
	switch (lexer_shortcuts[*p]) {
	case SHORT_PREFIX:
		if (q->limit - p > 1 && p[1] == '\'')
			return false;
		/* fallthrough */
	case SHORT_WORD:
		return quiet_word(q, t, p);
	case SHORT_DIGIT:
		return quiet_number(q, t, p);
	case SHORT_PUNCTUATION:
		if (*p != '=' && (*p != ',' || !q->commas))
			return false;
		quiet_punctuation(q, t, p);
		return true;
	case SHORT_NONE:
		return *p == '`'    ? quiet_name(q, t, p)
		       : *p == '\'' ? quiet_string(q, t, p)
		       : *p == '.'  ? quiet_dot(q, t, p)
				    : false;
	default:
		return false;
	}
}

/* The current token has been dealt with: passes the quiet ones behind it, and makes the last of them the current one.
 * Only where names need no look. */
LEXER_INLINE void pass_quiet_tokens(struct statement *s, bool commas)
{
	struct lexer *lx = &s->lexer;
	struct digest *d = &s->digest;
	unsigned at = s->at;
	struct quiet q = {
	    .p = lx->cursor,
	    .hash = d->hash,
	    .last_kind = d->last_kind,
	    .last_word = d->last_word,
	    .name = s->ring[at % RING].word,
	    .start = lx->start,
	    .limit = lx->limit,
	    .commas = commas,
	    .dots = !(lx->dialect.sql_mode & MODE_ORACLE),
	    .escape = plain_escape(lx),
	};
	if (d->mode != DIGEST_FAST || lx->last_kind == TOKEN_JOINING_DOT)
		return;
	for (struct token *t; quiet_token(&q, t = &s->ring[(at + 1) % RING]); at++)
		q.name = t->word;
	if (at == s->at)
		return;
	s->at = at;
	lx->cursor = q.p;
	lx->last_kind = d->last_kind = q.last_kind;
	lx->last_word = d->last_word = q.last_word;
	d->hash = q.hash;
}

#endif
