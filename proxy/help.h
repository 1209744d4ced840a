/*
 * `wye help [TOPIC]`: what a person needs at the shell, generated from the tables that the program runs on wherever
 * there is one.
 */
#ifndef WYE_PROXY_HELP_H
#define WYE_PROXY_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* NULL is the overview. False, with nothing written, when there is no such topic. */
bool help_print(FILE *out, const char *topic);

/* The topic that was probably meant, or NULL. */
const char *help_nearest(const char *topic);

/* The topics, blank-separated. */
const char *help_topics(void);

#endif
