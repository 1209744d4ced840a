/*
 * The PROXY protocol's header, versions 1 (a line) and 2 (binary): what a proxy ahead of us says of whose bytes follow.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 *
 * Neither version begins as a client's first packet can, whose fourth byte is the sequence number 1 and whose length is
 * far below what the first three would mean. Nothing is consumed, the same bytes may be shown again with more behind them.
 */
#ifndef WYE_PROTOCOL_PROXY_HEADER_H
#define WYE_PROTOCOL_PROXY_HEADER_H

#include <stdint.h>

#include "protocol/packet.h"
#include "protocol/wire.h"

#define PROXY_HEADER_LINE_MAX 107u                 /* of version 1, its CR LF included */
#define PROXY_HEADER_MAX      (16u + UINT16_MAX)   /* of version 2, which tells its length */

/* Whether a header stands at the front of the bytes; UNCLEAR: too few of them are here. */
enum proxy_header_sign { PROXY_HEADER_ABSENT, PROXY_HEADER_UNCLEAR, PROXY_HEADER_PRESENT };
enum proxy_header_sign proxy_header_sign(struct view bytes);

enum proxy_client {
	PROXY_CLIENT_SAME, /* the one who is connected: the proxy speaks for itself, or does not know */
	PROXY_CLIENT_UNIX, /* of a Unix socket of the proxy's machine */
	PROXY_CLIENT_IP,
};

struct proxy_header {
	size_t size; /* bytes of it; the client's own follow */
	enum proxy_client client;
	uint8_t address[16]; /* IPv4 in IPv6's ::ffff:0:0/96 */
	uint16_t port;
};

/* Of bytes that begin with a header. BAD: it is none after all; PARTIAL: some of it is missing. */
enum packet_result proxy_header_parse(struct view bytes, struct proxy_header *out);

#endif
