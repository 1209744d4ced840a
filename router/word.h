/*
 * The index of all words wye knows: keywords, reserved words and built-in functions, found by the bytes of a word.
 *
 * A word of up to 16 bytes is compared as two integers, with the case bit of every byte set; that keeps letters,
 * digits, '_' and '$' apart, and words of the table hold nothing else. Built once when the program starts, then constant.
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
#define WORD_MAX 40u /* no word of the table is longer */

struct word {
	uint64_t lo, hi;  /* bytes 0-7 and 8-15, zeros behind the word, WORD_FOLD set in all */
	const char *name; /* upper case; not terminated */
	uint8_t len;
	uint8_t reserved;            /* RESERVED_... */
	uint16_t keyword;            /* enum keyword */
	bool in_grammar;             /* not only the name of a function: the servers' lexers know it */
	uint8_t form[2], class[2];   /* as a function, by flavor: enum function_form, enum function_class */
	uint32_t since[2];
};

/* NULL when it is not in the table. lo and hi: the first 16 bytes of p[0..len), zeros behind. */
const struct word *word_find(uint64_t lo, uint64_t hi, const uint8_t *p, size_t len);

/* The same for a text that is not a token. */
const struct word *word_of(const uint8_t *p, size_t len);

#endif
