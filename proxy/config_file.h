/*
 * The configuration file (`--config FILE`): one sqlite database with the tables that people also see on the console.
 *
 * A file that does not exist is created with the tables, empty, readable by its owner only since it may hold
 * passwords. What it says is applied below the environment and the command line.
 */
#ifndef WYE_PROXY_CONFIG_FILE_H
#define WYE_PROXY_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/options.h"

/* Adds the file's settings, servers and users to the options. False: `error` is one line that names the file, and the
 * row where there is one. */
bool config_file_read(struct options *o, const char *path, char *error, size_t error_size)
	__attribute__((warn_unused_result));

#endif
