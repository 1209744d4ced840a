/*
 * The index of all words wye knows: keywords, reserved words and built-in functions, found by the bytes of a
 * word.
 *
 * A word of up to 16 bytes is compared as two integers, with the case bit of every byte set; that keeps
 * letters, digits, '_' and '$' apart, and words of the table hold nothing else. Built once when the program
 * starts, then constant.
 */
#ifndef WYE_ROUTER_WORD_H
#define WYE_ROUTER_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/flavor.h"
#include "router/functions.h"
#include "router/keywords.h"

#define WORD_FOLD 0x2020202020202020ull
#define WORD_MAX  40u /* no word of the table is longer */

struct word {
	uint64_t lo, hi;  /* bytes 0-7 and 8-15, zeros behind the word, WORD_FOLD set in all */
	const char *name; /* upper case; not terminated */
	uint8_t len;
	uint8_t reserved; /* RESERVED_... */
	uint16_t keyword; /* enum keyword */
	bool in_grammar;  /* not only the name of a function: the servers' lexers know it */
	bool acts;        /* means something wherever it stands in a statement */
	bool opens_list;  /* IN, VALUES, VALUE, ROW: digests fold what is in the parenthesis behind */
	uint8_t form[2], class[2]; /* as a function, by flavor: enum function_form, enum function_class */
	uint32_t since[2];
};

/* The index: a slot holds the place of its word plus one, 0 is empty, and above it another part of the word's hash, so
 * that names which are no words seldom need a look at one. */
#define WORD_SLOTS 4096u
struct word_slot {
	uint16_t place, tag;
};
extern struct word word_table[];
extern struct word_slot word_slots[WORD_SLOTS];

static inline uint64_t word_hash(uint64_t lo, uint64_t hi, size_t len)
{
	return (lo ^ (hi * 0x9E3779B97F4A7C15ull) ^ len) * 0xD6E8FEB86659FD93ull;
}

/* Bytes after the 16th, without regard to case. */
bool word_tail_equal(const struct word *w, const uint8_t *p);

/* NULL when it is not in the table. lo and hi: the first 16 bytes of p[0..len), zeros behind. */
static inline const struct word *word_find(uint64_t lo, uint64_t hi, const uint8_t *p, size_t len)
{
	lo |= WORD_FOLD;
	hi |= WORD_FOLD;
	uint64_t hash = word_hash(lo, hi, len);
	uint16_t tag = (uint16_t)(hash >> 36);
	for (unsigned slot = (unsigned)(hash >> 52); word_slots[slot].place; slot = (slot + 1) % WORD_SLOTS) {
		if (word_slots[slot].tag != tag)
			continue;
		const struct word *w = &word_table[word_slots[slot].place - 1];
		if (w->lo == lo && w->hi == hi && w->len == len && (len <= 16 || word_tail_equal(w, p)))
			return w;
	}
	return NULL;
}

/* The same for a text that is not a token. */
const struct word *word_of(const uint8_t *p, size_t len);

#endif
