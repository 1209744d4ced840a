/* ProxySQL's patterns in wye's words: its digests' texts, its references in replacements, its wild cards of addresses. */
#ifndef WYE_PROXY_IMPORT_PROXYSQL_PATTERN_H
#define WYE_PROXY_IMPORT_PROXYSQL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* What rules ask for is compared with wye's digest's text, which has blanks where ProxySQL's may have none, and (...) for a
 * list of literals: blanks and punctuation in the pattern match with or without blanks. To be freed. */
char *proxysql_digest_pattern(const char *pattern, bool caseless, bool negated);

/* The same for a pattern on the statement's own text, which both see alike. To be freed. */
char *proxysql_text_pattern(const char *pattern, bool caseless, bool negated);

/* \1 becomes $1, and $ becomes $$. To be freed. */
char *proxysql_replacement(const char *replacement);

/* Texts that the pattern matches, as far as one can tell by each of its alternatives: "^SELECT a FROM t WHERE id=\?$" ->
 * SELECT a FROM t WHERE id=?. Gives how many; to be freed. */
#define PROXYSQL_EXAMPLES_MAX 24
size_t proxysql_examples(const char *pattern, char *examples[PROXYSQL_EXAMPLES_MAX]);

/* 10.1.% becomes 10.1.0.0/16. NULL when wye has no such range; to be freed. */
char *proxysql_address(const char *address);

#endif
