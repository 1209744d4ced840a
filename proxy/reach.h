/*
 * Why a server cannot be reached, found out by hand: resolve, connect, look at the first bytes.
 *
 * The client libraries blur a refused connection, a silent one and a foreign protocol into one another
 * (Connector/C says 2002 "(115)" to a refusal). This is asked only after they failed, since a server counts a
 * greeting that nobody answers as a fault of the client's host. Blocking, bounded by the time-out for each
 * step.
 */
#ifndef WYE_PROXY_REACH_H
#define WYE_PROXY_REACH_H

#include <stddef.h>
#include <sys/socket.h>

#include "proxy/options.h"

enum reach {
	REACH_GREETS,       /* it greets as a MySQL server does */
	REACH_UNKNOWN_HOST, /* the name has no address */
	REACH_REFUSED,      /* refused, or no way there: known at once */
	REACH_SILENT,       /* no connection or no greeting in time */
	REACH_CLOSED,       /* accepted, then closed without a word */
	REACH_FOREIGN,      /* speaks something else */
};

/* `text` becomes what to tell a person. */
enum reach reach_server(const struct endpoint *at, unsigned timeout_ms, char *text, size_t text_size);

/* The first address of the name, without connecting: 0, or getaddrinfo's error. */
int reach_resolve(const struct endpoint *at, struct sockaddr_storage *address, socklen_t *len);

#endif
