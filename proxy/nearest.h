/*
 * The nearest right word to a wrong one, for every message that refuses a name.
 */
#ifndef WYE_PROXY_NEAREST_H
#define WYE_PROXY_NEAREST_H

#include <stddef.h>

/* Among name_at(arg, 0), name_at(arg, 1), ... up to the first NULL: the one that a slip of the fingers away from
 * `word` (letters' case, '-' and '_' do not count), or that begins with it. NULL when none is near. */
const char *nearest_name(const char *word, const char *(*name_at)(const void *arg, size_t index), const void *arg);

/* The same over an array that ends with NULL. */
const char *nearest_word(const char *word, const char *const *words);

#endif
