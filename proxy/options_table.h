/* The rows behind options.c, for the help. */
#ifndef WYE_PROXY_OPTIONS_TABLE_H
#define WYE_PROXY_OPTIONS_TABLE_H

#include <stddef.h>

struct option_row {
	const char *name;     /* without the dashes */
	const char *variable; /* of the environment */
	const char *argument; /* NULL: none is taken */
	const char *help;
};

/* Index from 0, NULL past the last. */
const struct option_row *options_row(size_t index);

#endif
