/*
 * The compressed protocol in a connection: between TLS and the packets. conn.c calls it where a connection has it, and
 * lends it what it does itself.
 */
#ifndef WYE_PROXY_CONN_PACKED_H
#define WYE_PROXY_CONN_PACKED_H

#include "proxy/conn.h"

/* ---- what conn.c calls ---- */

/* Bytes from the socket, or from TLS. */
void conn_packed_read(struct conn *c, const uint8_t *data, size_t n);
/* What was kept while reading was off. */
void conn_packed_pump(struct conn *c);
bool conn_packed_is_left(const struct conn *c);
/* It stands between two packets, or is not compressed. */
bool conn_packed_is_between(const struct conn *c);
bool conn_packed_sendv(struct conn *c, const uv_buf_t *parts, unsigned n);
void conn_packed_destroy(struct conn *c);

/* ---- and what it calls there ---- */

void conn_fail(struct conn *c, int error);
void conn_offer(struct conn *c, const uint8_t *data, size_t n);           /* plain bytes for the owner */
bool conn_send_below(struct conn *c, const uv_buf_t *parts, unsigned n);  /* through TLS, or as they are */

#endif
