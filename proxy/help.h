/*
 * `wye help [TOPIC]`: what a person needs at the shell, generated from the tables that the program runs on wherever
 * there is one.
 */
#ifndef WYE_PROXY_HELP_H
#define WYE_PROXY_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct help_command {
	const char *word;  /* that begins it */
	const char *usage; /* what follows `wye` */
	const char *help;  /* or NULL */
};

/* Index from 0, NULL past the last. */
const struct help_command *help_command(size_t index);

extern const char help_summary[], help_addresses[]; /* sentences */

/* NULL is the overview; the pages of proxy/manual/manual.h are topics too. False, with nothing written, when there is
 * no such topic. */
bool help_print(FILE *out, const char *topic);

/* The topic that was probably meant, or NULL. */
const char *help_nearest(const char *topic);

/* The topics, blank-separated. */
const char *help_topics(void);

#endif
