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
	return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' || c == '$' ||
	       c >= 0x80;
}

/* Which of 16 bytes belong to a word, a bit for each. */
#ifdef __SSE2__
static inline unsigned word_mask(__m128i v)
{
	__m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_other =
	    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('_')), _mm_cmpeq_epi8(v, _mm_set1_epi8('$')));
	/* The sign bit of v itself marks the bytes above ASCII. */
	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(_mm_or_si128(is_letter, is_digit), _mm_or_si128(is_other, v)));
}
#endif

/* What keeps the first n of 8 bytes. */
static const uint64_t first_bytes_masks[9] = {
    0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, UINT64_MAX,
};

/* Where the text itself has fewer than 16 bytes. */
static __attribute__((noinline, unused)) size_t scan_word_short(const uint8_t *p, const uint8_t *limit, uint64_t *lo, uint64_t *hi)
{
	uint8_t bytes[16] = {0};
	size_t n = 0;
	for (; n < 16 && p + n < limit && is_word_byte(p[n]); n++)
		bytes[n] = p[n];
	memcpy(lo, bytes, 8);
	memcpy(hi, bytes + 8, 8);
	return n;
}

#ifdef __SSE2__
/* Near the end of the text its last 16 bytes are loaded and moved down. */
static __attribute__((noinline, unused)) size_t scan_word_end(const uint8_t *p, const uint8_t *limit, uint64_t *lo, uint64_t *hi)
{
	unsigned before = (unsigned)(16 - (limit - p));
	uint64_t a, b;
	memcpy(&a, limit - 16, 8);
	memcpy(&b, limit - 8, 8);
	unsigned __int128 both = before < 16 ? ((unsigned __int128)b << 64 | a) >> before * 8 : 0;
	unsigned n =
	    (unsigned)__builtin_ctz(~(word_mask(_mm_loadu_si128((const __m128i *)(limit - 16))) >> before));
	*lo = (uint64_t)both & first_bytes_masks[n < 8 ? n : 8];
	*hi = (uint64_t)(both >> 64) & first_bytes_masks[n < 8 ? 0 : n - 8];
	return n;
}
#endif

/* The length of the word at p; its first 16 bytes, zeros behind. start: the first byte that may be read. */
static inline __attribute__((always_inline)) size_t scan_word(const uint8_t *start, const uint8_t *p, const uint8_t *limit, uint64_t *lo,
                               uint64_t *hi)
{
	size_t n;
#ifdef __SSE2__
	if (limit - p >= 16) {
		n = (size_t)__builtin_ctz(~word_mask(_mm_loadu_si128((const __m128i *)p)));
		uint64_t a, b;
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		*lo = a & first_bytes_masks[n < 8 ? n : 8];
		*hi = b & first_bytes_masks[n < 8 ? 0 : n - 8];
	} else if (limit - start >= 16) {
		n = scan_word_end(p, limit, lo, hi);
	} else {
		n = scan_word_short(p, limit, lo, hi);
	}
#else
	(void)start;
	n = scan_word_short(p, limit, lo, hi);
#endif
	if (n == 16)
		while (p + n < limit && is_word_byte(p[n]))
			n++;
	return n;
}

/* The first a or b in [p, limit), or limit. */
static inline const uint8_t *scan_either(const uint8_t *p, const uint8_t *limit, uint8_t a, uint8_t b)
{
#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8((char)a), vb = _mm_set1_epi8((char)b);
	for (; limit - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		unsigned mask =
		    (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));
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
