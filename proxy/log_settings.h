/* What the settings say about the logs, put into force: at start, and whenever they change. */
#ifndef WYE_PROXY_LOG_SETTINGS_H
#define WYE_PROXY_LOG_SETTINGS_H

#include "proxy/settings.h"

void log_configure(const struct settings *s);

/* The files, once. False: one line in error. */
bool log_open_files(const struct settings *s, char *error, size_t error_size);

#endif
