/*
 * The inner loops of the lexer: where a word, a string or a comment ends, 16 bytes at a time.
 *
 * Every function reads only inside [p, limit).
 */
#ifndef WYE_ROUTER_LEXER_SCAN_H
#define WYE_ROUTER_LEXER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool is_word_byte(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' || c == '$' || c >= 0x80;
}

/* Up to 16 bytes at p, zeros behind limit. start: the first byte that may be read. */
static inline void load_bytes(const uint8_t *start, const uint8_t *p, const uint8_t *limit, uint64_t *lo, uint64_t *hi)
{
	size_t left = (size_t)(limit - p);
	if (left >= 16) {
		memcpy(lo, p, 8);
		memcpy(hi, p + 8, 8);
	} else if (limit - start >= 16) {
		/* The last 16 bytes of the text, moved down; a copy of varying length would cost more. */
		uint64_t a, b;
		unsigned shift = (unsigned)(16 - left) * 8;
		memcpy(&a, limit - 16, 8);
		memcpy(&b, limit - 8, 8);
		unsigned __int128 both = ((unsigned __int128)b << 64 | a) >> (shift & 127);
		*lo = left ? (uint64_t)both : 0;
		*hi = left ? (uint64_t)(both >> 64) : 0;
	} else {
		uint8_t bytes[16] = {0};
		memcpy(bytes, p, left);
		memcpy(lo, bytes, 8);
		memcpy(hi, bytes + 8, 8);
	}
}

/* How many of the 16 bytes, from the first, belong to a word. */
static inline unsigned word_bytes(uint64_t lo, uint64_t hi)
{
#ifdef __SSE2__
	__m128i v = _mm_set_epi64x((long long)hi, (long long)lo);
	__m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_other = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('_')), _mm_cmpeq_epi8(v, _mm_set1_epi8('$')));
	/* The sign bit of v itself marks the bytes above ASCII. */
	unsigned mask = (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(is_letter, is_digit), _mm_or_si128(is_other, v)));
	return (unsigned)__builtin_ctz(~mask);
#else
	uint8_t bytes[16];
	unsigned n = 0;
	memcpy(bytes, &lo, 8);
	memcpy(bytes + 8, &hi, 8);
	while (n < 16 && is_word_byte(bytes[n]))
		n++;
	return n;
#endif
}

/* The length of the word at p; its first 16 bytes, zeros behind. */
static inline size_t scan_word(const uint8_t *start, const uint8_t *p, const uint8_t *limit, uint64_t *lo, uint64_t *hi)
{
	load_bytes(start, p, limit, lo, hi);
	unsigned n = word_bytes(*lo, *hi);
	if (n < 8) {
		*lo &= ((uint64_t)1 << (n * 8)) - 1;
		*hi = 0;
	} else if (n < 16) {
		*hi &= ((uint64_t)1 << ((n - 8) * 8)) - 1;
	} else {
		const uint8_t *q = p + 16;
		while (q < limit && is_word_byte(*q))
			q++;
		return (size_t)(q - p);
	}
	return n;
}

/* The first a or b in [p, limit), or limit. */
static inline const uint8_t *scan_either(const uint8_t *p, const uint8_t *limit, uint8_t a, uint8_t b)
{
#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8((char)a), vb = _mm_set1_epi8((char)b);
	for (; limit - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));
		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < limit && *p != a && *p != b)
		p++;
	return p;
}

/* Behind the next "*" "/", or NULL. */
static inline const uint8_t *scan_comment_end(const uint8_t *p, const uint8_t *limit)
{
	while (limit - p >= 2) {
		const uint8_t *star = memchr(p, '*', (size_t)(limit - p - 1));
		if (!star)
			return NULL;
		if (star[1] == '/')
			return star + 2;
		p = star + 1;
	}
	return NULL;
}

/* Behind the line, or limit. */
static inline const uint8_t *scan_line_end(const uint8_t *p, const uint8_t *limit)
{
	const uint8_t *end = memchr(p, '\n', (size_t)(limit - p));
	return end ? end + 1 : limit;
}

#endif
