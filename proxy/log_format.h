/* A record as a line, as text or as JSON: pure. */
#ifndef WYE_PROXY_LOG_FORMAT_H
#define WYE_PROXY_LOG_FORMAT_H

#include "proxy/log_queue.h"

#define LOG_FORMATTED_MAX (8u * LOG_LINE_MAX) /* JSON writes some bytes as six */

/* With the line's end; `journal`: with the priority in front that systemd reads, and without the time that it adds
 * itself. Returns the bytes, at most LOG_FORMATTED_MAX. */
size_t log_format_record(const struct log_record *r, enum log_format format, bool journal, char *out);

#endif
