/*
 * The inside of a list of literals: what bulk inserts and long INs are made of.
 *
 * The way through it is the lexer's, the digest's and the statement's in one, and gives what they would give; whatever
 * is not a plain literal or the comma behind one is left to them.
 */
#ifndef WYE_ROUTER_PLAIN_LIST_H
#define WYE_ROUTER_PLAIN_LIST_H

#include "router/lexer_scan.h"
#include "router/sql_mode.h"
#include "router/statement.h"

static inline bool is_digit_byte(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

/* Behind the digits at p, eight at a time: below ten (less '0') no byte gets its high bit by the addition, and what a carry
 * spoils lies behind the first byte that does. */
static inline const uint8_t *past_digits(const uint8_t *p, const uint8_t *limit)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; limit - p >= 8; p += 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		v ^= 0x3030303030303030u;
		uint64_t others = (v | (v + 0x7676767676767676u)) & 0x8080808080808080u;
		if (others)
			return p + __builtin_ctzll(others) / 8;
	}
#endif
	while (p < limit && is_digit_byte(*p))
		p++;
	return p;
}

/* Behind 123, 1.25 or -4; NULL for any other number. */
static inline const uint8_t *plain_number_end(const uint8_t *p, const uint8_t *limit)
{
	if ((*p == '-' || *p == '+') && ++p == limit)
		return NULL;
	const uint8_t *from = p;
	p = past_digits(p, limit);
	if (p == from)
		return NULL;
	if (p < limit && *p == '.')
		p = past_digits(p + 1, limit);
	return p < limit && (*p == ',' || *p == ')' || *p == ' ') ? p : NULL;
}

/* Behind 'text'; NULL when it does not end. */
static inline const uint8_t *plain_string_end(const uint8_t *p, const uint8_t *limit, uint8_t escape)
{
	for (p++;; p += 2) {
		p = scan_either(p, limit, '\'', escape);
		if (limit - p < 2)
			return NULL;
		if (*p == '\'' && p[1] != '\'')
			return p + 1;
	}
}

static inline bool is_plain_null(const uint8_t *p, const uint8_t *limit)
{
	uint32_t word;
	if (limit - p < 5 || (p[4] != ',' && p[4] != ')'))
		return false;
	memcpy(&word, p, 4);
	return (word | 0x20202020u) == 0x6C6C756Eu; /* "null" */
}

static inline uint8_t plain_escape(const struct lexer *lx)
{
	return lx->dialect.sql_mode & MODE_NO_BACKSLASH_ESCAPES ? '\'' : '\\';
}

/* Behind the literal at p, or NULL. */
static inline const uint8_t *plain_literal_end(const uint8_t *p, const uint8_t *limit, uint8_t escape)
{
	if (*p == '\'')
		return plain_string_end(p, limit, escape);
	return is_plain_null(p, limit) ? p + 4 : plain_number_end(p, limit);
}

static inline const uint8_t *past_blanks(const uint8_t *p, const uint8_t *limit)
{
	while (p < limit && *p == ' ')
		p++;
	return p;
}

/* Behind ", (literal, literal ...)", or NULL. */
static inline const uint8_t *plain_row_end(const uint8_t *p, const uint8_t *limit, uint8_t escape)
{
	p = past_blanks(p, limit);
	if (p == limit || *p != ',')
		return NULL;
	p = past_blanks(p + 1, limit);
	if (p == limit || *p != '(')
		return NULL;
	do {
		p = past_blanks(p + 1, limit);
		if (p == limit || !(p = plain_literal_end(p, limit, escape)))
			return NULL;
		p = past_blanks(p, limit);
	} while (p < limit && *p == ',');
	return p < limit && *p == ')' ? p + 1 : NULL;
}

/* The current token closes a row of literals: passes the rows of literals that follow, of which nothing is left in the
 * digest. */
static inline void pass_plain_rows(struct statement *s)
{
	struct lexer *lx = &s->lexer;
	uint8_t escape = plain_escape(lx);
	const uint8_t *end;
	if (lx->dialect.charset != TEXT_ASCII_SAFE)
		return;
	while ((end = plain_row_end(lx->cursor, lx->limit, escape)))
		lx->cursor = end;
}

/* The current token is a literal or comma inside of such a list: passes those that follow, and makes the last of them
 * the current one. */
static inline void pass_plain_list(struct statement *s)
{
	struct lexer *lx = &s->lexer;
	struct token *t = &s->ring[s->at % RING];
	uint8_t escape = plain_escape(lx);
	const uint8_t *p = lx->cursor, *limit = lx->limit, *token = t->p;
	uint64_t hash = s->digest.hash;
	int last = t->kind;
	if (lx->dialect.charset != TEXT_ASCII_SAFE)
		return;
	for (;;) {
		const uint8_t *q = past_blanks(p, limit), *end;
		if (q == limit)
			break;
		if (last == ',') {
			bool text = *q == '\'';
			end = text ? plain_string_end(q, limit, escape) : plain_number_end(q, limit);
			if (!end)
				break;
			hash = digest_mix(hash, DIGEST_LITERAL, 1);
			last = text ? TOKEN_STRING : TOKEN_NUMBER;
		} else if (*q == ',') {
			end = q + 1;
			hash = digest_mix(hash, ',', 2);
			last = ',';
		} else {
			break;
		}
		token = q;
		p = end;
	}
	if (p == lx->cursor)
		return;
	/* The one before was of the other kind; nobody asks for more of it. */
	int before = last != ',' ? ',' : TOKEN_NUMBER;
	*t = (struct token){.kind = before, .p = token, .len = 0};
	s->ring[++s->at % RING] = (struct token){.kind = last,
	                                         .p = token,
	                                         .len = (size_t)(p - token),
	                                         .escaped = last == TOKEN_STRING,
	                                         .quote = last == TOKEN_STRING ? '\'' : 0};
	lx->cursor = p;
	lx->last_kind = last;
	lx->last_word = NULL;
	s->digest.hash = hash;
	s->digest.last_kind = last;
	s->digest.last_word = NULL;
}

#endif
