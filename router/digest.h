/*
 * The digest of a statement: what is left of it when literals, blanks and comments are taken out.
 *
 * Fed with the tokens one after another, it keeps a 64-bit hash and, if asked, writes the text. Literals
 * become '?' (with their sign), the list behind IN and the rows behind VALUES "(...)" where they hold only
 * literals, rows that repeat the one before are dropped, words of the grammar are in upper case (names of
 * native functions are as written, as in MySQL's own digests), blanks are where they are always, and a last
 * ';' is left out. Texts with the same digest have the same hash.
 */
#ifndef WYE_ROUTER_DIGEST_H
#define WYE_ROUTER_DIGEST_H

#include <string.h>

#include "protocol/wire.h"
#include "router/digest_secret.h"
#include "router/lexer.h"

/* Where the digest stood: what is taken back when a list folds. */
struct digest_mark {
	uint64_t hash;
	size_t len;
};

struct digest {
	uint64_t hash;
	enum digest_mode {
		DIGEST_ANY, /* something is held back or open, or the text is wanted: every token is looked at
		             */
		DIGEST_FAST, /* most tokens only add to the hash */
		DIGEST_LIST  /* inside a list of nothing but literals so far, the same for literals and commas
		              */
	} mode;
	uint8_t *text; /* NULL: only the hash */
	size_t capacity, len;
	int last_kind; /* of the last token that counted */
	const struct word *last_word;
	bool semicolon;  /* one was seen that counts only if something follows */
	uint8_t sign;    /* of a number that may follow, or 0 */
	bool comma;      /* between two rows, perhaps */
	bool row_word;   /* ... and the word ROW behind it */
	bool after_row;  /* the last token closed a row of VALUES */
	unsigned depth;  /* of parentheses inside the list being read; 0: none is */
	bool list_plain; /* it holds nothing but literals */
	bool list_is_row;
	struct digest_mark before_list, before_comma;
	size_t list_text;  /* where its parenthesis is in the text */
	uint64_t row_hash; /* of the row before */
	struct digest_secret secret; /* with a text */
};

void digest_init(struct digest *d, uint8_t *text, size_t capacity);
void digest_add_any(struct digest *d, const struct token *t);

static inline uint64_t digest_mix(uint64_t hash, uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(hash ^ a) * (b ^ 0x9E3779B97F4A7C15ull);
	return (uint64_t)m ^ (uint64_t)(m >> 64) ^ hash << 1;
}

/* Of what is as written. */
static inline uint64_t digest_mix_bytes(uint64_t hash, const uint8_t *p, size_t len)
{
	hash = digest_mix(hash, len, 5);
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		hash = digest_mix(hash, v, 6);
	}
	uint64_t v = 0;
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return digest_mix(hash, v, 7);
}

static inline __attribute__((always_inline)) void digest_word(struct digest *d, const struct token *t)
{
	const struct word *w = t->word;
	bool folds = w && w->in_grammar && d->last_kind != '.' && d->last_kind != TOKEN_SYSTEM_VAR;
	uint64_t lo = folds ? w->lo : t->lo, hi = folds ? w->hi : t->hi;
	d->hash = digest_mix(d->hash, lo, hi ^ (uint64_t)t->len << 56 ^ (folds ? 0 : 3));
	d->last_kind = TOKEN_WORD;
	d->last_word = w;
}

/* What stands for a list that held nothing but literals. */
#define DIGEST_PLAIN_LIST 2u

/* The last token closed a row of nothing but literals, of a text that nobody wants to see: another such row behind a
 * comma changes nothing. */
static inline bool digest_repeats_row(const struct digest *d)
{
	return d->after_row && d->row_hash == DIGEST_PLAIN_LIST && !d->text;
}

/* What a literal and a byte of punctuation add. */
#define DIGEST_LITERAL 1u

static inline __attribute__((always_inline)) void digest_add(struct digest *d, const struct token *t)
{
	switch (t->kind) {
	case TOKEN_WORD:
		if (d->mode == DIGEST_FAST && t->len <= 16) {
			digest_word(d, t);
			return;
		}
		break;
	case TOKEN_STRING:
		if (d->last_kind == TOKEN_STRING)
			break;
		/* fallthrough */
	case TOKEN_NUMBER:
	case '?':
		if (d->mode != DIGEST_ANY) {
			d->hash = digest_mix(d->hash, DIGEST_LITERAL, 1);
			d->last_kind = t->kind;
			d->last_word = NULL;
			return;
		}
		break;
	case '(':
		if (d->last_word && d->last_word->opens_list)
			break;
		/* fallthrough */
	case ')':
	case '=':
	case '.':
		if (d->mode != DIGEST_FAST)
			break;
		/* fallthrough */
	case ',':
		if (d->mode != DIGEST_ANY) {
			d->hash = digest_mix(d->hash, (unsigned)t->kind, 2);
			d->last_kind = t->kind;
			d->last_word = NULL;
			return;
		}
		break;
	}
	digest_add_any(d, t);
}

uint64_t digest_hash(const struct digest *d);
struct view digest_text(const struct digest *d);

#endif
