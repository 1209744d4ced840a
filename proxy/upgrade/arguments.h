/*
 * The command line as it was given, for the process that an upgrade starts: the passwords in it are wiped from argv once
 * they are read. Kept in locked memory that no core dump holds.
 */
#ifndef WYE_PROXY_UPGRADE_ARGUMENTS_H
#define WYE_PROXY_UPGRADE_ARGUMENTS_H

#include <stdbool.h>

#include "protocol/wire.h"

/* Before anything else looks at them; argv stays the caller's, and is what `ps` shows. */
void arguments_keep(int argc, char **argv);

char **arguments_shown(void); /* argv, with what is wiped by now; the first is the program */

/* All but the program's name, each with its NUL: what a successor is told. */
struct view arguments_told(void);

/* The command line in the place of one's own, valid until the next one is taken; text is as arguments_told() gives it, and is
 * copied. False: malformed. */
bool arguments_take(struct view text, int *argc, char ***argv);

#endif
