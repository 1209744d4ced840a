/*
 * UTF-8 (RFC 3629) as it may come from clients, whose names and statements may be any bytes.
 */
#ifndef WYE_PROXY_UTF8_H
#define WYE_PROXY_UTF8_H

#include <stddef.h>

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, for a byte that begins no character */

/* The length of the well-formed character at the front, or 0. */
size_t utf8_character(const unsigned char *p, size_t len);

#endif
