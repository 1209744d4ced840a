/* What one request of the HTTP side is answered with. The parts that write answers share this (http_NOUN.c). */
#ifndef WYE_PROXY_HTTP_PAGE_H
#define WYE_PROXY_HTTP_PAGE_H

#include <stddef.h>
#include <stdio.h>

#define HTTP_TEXT "text/plain; charset=utf-8"
#define HTTP_JSON "application/json"

struct MHD_Connection;
struct asset;

struct page {
	struct MHD_Connection *connection;
	FILE *out;                 /* the body goes there */
	unsigned status;
	const char *type;
	const struct asset *asset; /* instead of a body: a file of the dashboard */
};

/* A value of the query string, its escapes undone; NULL: it is not there. */
const char *page_argument(const struct page *p, const char *name);

#endif
