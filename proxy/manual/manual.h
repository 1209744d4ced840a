/*
 * The pages of the manual that are made from the tables that the program runs on: `wye help PAGE`, where the page is the
 * name of the file that the build or docs/generate makes of it.
 *
 *	wye.1, wye-settings.7                 man pages
 *	wye.bash                              completion
 *	console.md, settings.md, metrics.md   the references in docs/
 */
#ifndef WYE_PROXY_MANUAL_MANUAL_H
#define WYE_PROXY_MANUAL_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

/* False, with nothing written, when there is no such page. */
bool manual_print(FILE *out, const char *page);

/* A topic of the help as text, to be freed. */
char *manual_topic(const char *topic);

/* The kinds of pages: manual_KIND.c each. */
void manual_write_command_page(FILE *out);
void manual_write_settings_page(FILE *out);
void manual_write_bash(FILE *out);
void manual_write_console_reference(FILE *out);
void manual_write_settings_reference(FILE *out);
void manual_write_metrics_reference(FILE *out);

#endif
