/*
 * Wrong passwords by the address they came from: whoever guesses is slowed down, at wye's port and at its console.
 *
 * A time begins with an address's first failure; within it so many are let through and then every login from there is
 * refused, the right password too, or guessing would go on. Of IPv6 the network of 64 bits counts, which one host can have
 * whole. The table is of fixed size and takes no lock; of addresses that fall on one place, which nobody outside can tell,
 * the last is counted. Clients of Unix sockets are this machine's own and not counted.
 */
#ifndef WYE_PROXY_ADDRESS_FAILURES_H
#define WYE_PROXY_ADDRESS_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "router/address.h"

/* All may be called from any thread; now_ms is of one monotonic clock, within_us the time they are counted for. Returns
 * how many there are now. */
unsigned address_failures_add(const struct address *a, uint64_t within_us, uint64_t now_ms);
unsigned address_failures(const struct address *a, uint64_t within_us, uint64_t now_ms);

#endif
