/*
 * The short way to the tokens that statements are made of for the most part: words, commas, whole numbers and
 * strings are told by their first byte, and cut without the machine. It has the same rules; what is not told
 * here is left to it.
 *
 * For the caller that reads whole statements; everyone else calls lexer_next().
 */
#ifndef WYE_ROUTER_LEXER_SHORT_H
#define WYE_ROUTER_LEXER_SHORT_H

#include "router/lexer.h"
#include "router/lexer_scan.h"

/* Compilers find these too large; in the one loop that matters they are not. */
#define LEXER_INLINE static inline __attribute__((always_inline))

enum shortcut { SHORT_NONE, SHORT_WORD, SHORT_PREFIX, SHORT_PUNCTUATION, SHORT_DIGIT };

extern const uint8_t lexer_shortcuts[256];

/* Cuts the token at the cursor by the machine. */
void lexer_next_any(struct lexer *lx, struct token *t);
/* The rest of what a word is under a character set with wide characters. */
void lexer_wide_word(struct lexer *lx, const struct token *t);

LEXER_INLINE void lexer_word_at(struct lexer *lx, struct token *t, const uint8_t *p)
{
	t->kind = TOKEN_WORD;
	t->p = p;
	t->len = scan_word(lx->start, p, lx->limit, &t->lo, &t->hi);
	t->word = t->len <= WORD_MAX ? word_find(t->lo, t->hi, p, t->len) : NULL;
	lx->cursor = p + t->len;
	if (lx->dialect.charset != TEXT_ASCII_SAFE && !t->word)
		lexer_wide_word(lx, t);
}

/* A whole number that ends where it can be seen; else false. */
LEXER_INLINE bool lexer_digits_at(struct lexer *lx, struct token *t, const uint8_t *p)
{
	const uint8_t *q = p + 1, *limit = lx->limit;
	while (q < limit && (uint8_t)(*q - '0') < 10)
		q++;
	if (q < limit && (*q == '.' || is_word_byte(*q)))
		return false;
	t->kind = TOKEN_NUMBER;
	t->p = p;
	t->word = NULL;
	t->len = (size_t)(q - p);
	lx->cursor = q;
	return true;
}

LEXER_INLINE bool lexer_short(struct lexer *lx, struct token *t, const uint8_t *p)
{
	const uint8_t *limit = lx->limit;
	if (p >= limit)
		return false;
	switch (lexer_shortcuts[*p]) {
	case SHORT_PREFIX:
		if (limit - p > 1 && p[1] == '\'')
			return false;
		lexer_word_at(lx, t, p);
		return true;
	case SHORT_WORD:
		lexer_word_at(lx, t, p);
		return true;
	case SHORT_PUNCTUATION:
		t->kind = *p;
		t->p = p;
		t->len = 1;
		t->word = NULL;
		lx->cursor = p + 1;
		return true;
	case SHORT_DIGIT:
		return lx->last_kind != TOKEN_JOINING_DOT && lexer_digits_at(lx, t, p);
	default:
		return false;
	}
}

LEXER_INLINE void lexer_next_short(struct lexer *lx, struct token *t)
{
	const uint8_t *p = lx->cursor;
	bool space = p < lx->limit && *p == ' ';
	t->space_before = space;
	if (!lexer_short(lx, t, p + space)) {
		lexer_next_any(lx, t);
		return;
	}
	lx->last_kind = t->kind;
	lx->last_word = t->word;
}

#endif
