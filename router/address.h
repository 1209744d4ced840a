/*
 * Ranges of client addresses: 10.0.0.0/8, 192.168.1.7, fd00::/16, or `unix` for clients of a Unix socket.
 */
#ifndef WYE_ROUTER_ADDRESS_H
#define WYE_ROUTER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 addresses lie in IPv6's ::ffff:0:0/96, so that a client over either is the same. */
struct address {
	bool local; /* a Unix socket */
	uint8_t bytes[16];
};

struct address_range {
	struct address first;
	unsigned bits; /* of it that count, 0 to 128 */
};

/* An address as text, without a port, or "unix". False: it is none. */
bool address_parse(struct address *a, const char *text);

/* Of one that is no Unix socket's; INET6_ADDRSTRLEN bytes suffice. */
void address_text(const struct address *a, char *text, size_t text_size);

/* False: `error` says what is allowed. Bits behind the range's must be zero: 10.0.0.1/8 is a slip. */
bool address_range_parse(struct address_range *r, const char *text, char *error, size_t error_size);

/* Ranges with commas between them and spaces where one likes; an empty text has none. */
bool address_list_check(const char *list, char *error, size_t error_size);
bool address_list_has(const char *list, const struct address *a); /* of one that was checked */

bool address_is_v4(const struct address *a);
bool address_in_range(const struct address *a, const struct address_range *r);

#endif
