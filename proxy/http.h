/*
 * HTTP: /metrics, /healthz, /readyz, the JSON of /api/v1 (http_api.h) and the dashboard (http_assets.h), in a thread of its
 * own (libmicrohttpd's).
 *
 * It only reads: snapshots, counters, and the console's tables through a database of its own.
 */
#ifndef WYE_PROXY_HTTP_H
#define WYE_PROXY_HTTP_H

#include <stddef.h>

#include "proxy/options.h"

/* 0 (also when HTTP is switched off), or a negative errno with one line in error. */
int http_start(const struct options *options, char *error, size_t n);
void http_leave(void); /* takes no new requests: another process does */
void http_stop(void);

#endif
