/*
 * /api/v1: the console's tables as JSON, what the dashboard asks for, and EXPLAIN ROUTE. All of it only reads.
 *
 *	/api/v1                              what there is
 *	/api/v1/TABLE?order=COLUMN&limit=N   a table: an array of objects, one a row; order=-COLUMN: the largest first
 *	/api/v1/overview                     one moment of everything that the dashboard draws, an object
 *	/api/v1/statements?order=-time_us    statements by digest, those of all servers and accounts as one
 *	/api/v1/pinned                       sessions that are tied to a connection, the longest first
 *	/api/v1/explain?statement=SQL&user=U&database=D&client=ADDRESS
 *
 * What is wrong is an object with one member, "error": a sentence.
 */
#ifndef WYE_PROXY_HTTP_API_H
#define WYE_PROXY_HTTP_API_H

#include "proxy/console/console_catalog.h"
#include "proxy/http_page.h"

#define HTTP_API "/api/v1"
#define EXPLAIN_STATEMENT_MAX (8u << 10)

/* `path` is what follows HTTP_API and its slash, empty: nothing. The catalog is the HTTP thread's own. */
void api_write(struct page *p, struct console_catalog *catalog, const char *path);

/* For people who have lost their way: a line each. */
void api_list(FILE *out);

#endif
