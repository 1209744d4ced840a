/*
 * Patterns of rules: PCRE2, compiled once and run by many threads, in a time that has a bound.
 *
 * Letters match in either case and a dot matches the end of a line too, as people expect of SQL; (?-i) and (?-s) in a
 * pattern take that back. Texts are bytes, whatever their character set. A pattern that needs more steps than
 * PATTERN_STEPS_MAX for a text gives up, and does not match: a few hundred microseconds at most.
 */
#ifndef WYE_ROUTER_PATTERN_H
#define WYE_ROUTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/buf.h"
#include "protocol/wire.h"

#define PATTERN_MAX       2048u   /* bytes of one */
#define PATTERN_TEXT_MAX  65536u  /* of a text, more is not looked at */
#define PATTERN_STEPS_MAX 100000u

struct pattern;

/* Room that a match needs: of one thread at a time. */
struct pattern_room;
struct pattern_room *pattern_room_create(void);
void pattern_room_destroy(struct pattern_room *room);

/* NULL: `error` says what is wrong and at which byte, counted from 1. */
struct pattern *pattern_compile(const char *text, char *error, size_t error_size);
void pattern_destroy(struct pattern *p);

/* Whether the replacement's references ($1, ${name}, $$) are to groups that the pattern has. */
bool pattern_check_replacement(const struct pattern *p, const char *with, char *error, size_t error_size);

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_GAVE_UP };
enum pattern_result pattern_match(const struct pattern *p, struct pattern_room *room, struct view text);

/* Appends the text with every match replaced. GAVE_UP also where the text is longer than PATTERN_TEXT_MAX, or what it would
 * become has no room in `out`; nothing is appended then. */
enum pattern_result pattern_replace(const struct pattern *p, struct pattern_room *room, struct view text, const char *with,
                                    struct buf *out);

#endif
