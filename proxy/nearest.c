#include "proxy/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64 /* longer ones are compared by their beginning */

static char folded(char c)
{
	return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

/* Levenshtein's distance where swapping two neighbours, the commonest slip, counts once. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++)
		before[j] = above[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			bool same = folded(a[i - 1]) == folded(b[j - 1]);
			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
			    folded(a[i - 2]) == folded(b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[m];
}

static bool begins_with(const char *name, const char *word)
{
	size_t n = strlen(word);
	return n >= 3 && strncasecmp(name, word, n) == 0;
}

const char *nearest_name(const char *word, const char *(*name_at)(const void *arg, size_t index), const void *arg)
{
	const char *best = NULL;
	unsigned best_distance = (unsigned)(strnlen(word, WORD_MAX) / 3) + 1;
	const char *name;
	for (size_t i = 0; (name = name_at(arg, i)); i++) {
		unsigned d = begins_with(name, word) ? 1 : distance(word, name);
		if (d < best_distance || (d == best_distance && !best)) {
			best = name;
			best_distance = d;
		}
	}
	return best;
}

static const char *word_at(const void *arg, size_t index)
{
	return ((const char *const *)arg)[index];
}

const char *nearest_word(const char *word, const char *const *words)
{
	return nearest_name(word, word_at, words);
}
