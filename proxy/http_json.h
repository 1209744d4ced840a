/* One of the console's tables as JSON: an array of objects, one a row. */
#ifndef WYE_PROXY_HTTP_JSON_H
#define WYE_PROXY_HTTP_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/console/console_catalog.h"

/* A string with its quotes; what is not UTF-8 becomes U+FFFD. */
void json_write_text(FILE *out, const char *text, size_t len);

/* False, with what is wrong in e, when the statement cannot be run; out may then hold a part. */
bool json_write_rows(FILE *out, struct console_catalog *c, const char *sql, struct console_error *e);

#endif
