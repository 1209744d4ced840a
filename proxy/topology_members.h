/*
 * The servers of the cluster, given or found: who they are, which names mean the same one, who is whose
 * source.
 *
 * The control thread's. Slots are given in the order of arrival and never again to another address.
 */
#ifndef WYE_PROXY_TOPOLOGY_MEMBERS_H
#define WYE_PROXY_TOPOLOGY_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/monitor.h"
#include "proxy/options.h"
#include "proxy/snapshot.h"
#include "proxy/topology_health.h"
#include "proxy/topology_roles.h"

struct member {
	unsigned slot;
	struct server_option option; /* address, role by hand, weight */
	char name[280];
	bool given; /* by the configuration; else found */
	struct monitor *monitor;

	struct look look; /* the newest; what a failed look could not read is from the one before */
	bool looked;      /* there is a look */
	bool known;       /* one of them was answered */
	bool has_news;    /* a look that health has not seen */

	/* A replica that does not tell its address is looked for beside its source; until the server there
	 * proves to be it, it is hidden, and if it is another one, for ever. */
	bool hidden, refuted;
	bool retired; /* neither given nor told of any more; it keeps its slot, should it return */
	uint32_t expected_id;
	char expected_uuid[40];

	const struct member *same_as; /* another name of that member, or NULL */
	struct health health;
	enum server_role role;
	bool attached, was_replica, takes_reads;
	bool deposed;           /* it was the primary, until another one took its place; it has followed nobody since */
	bool return_refused;    /* that was tried to be mended, since it came back */
	bool drained;           /* by an administrator: it serves no reads */
	int64_t reads_since_us; /* monotonic: when it came back into the pool; 0: it never left it */
	int64_t since_us; /* epoch: when role, state or membership in the pool changed last */
	char role_reason[160];

	unsigned told_missing; /* missing GRANTs that were told */
	bool told_unnamed, told_no_gtid;
};

struct members {
	unsigned n;
	struct member *all[SERVERS_MAX];
};

/* The member at this address; NULL when there is none. */
struct member *members_at(const struct members *ms, const struct endpoint *at);

/* A new one, without a monitor; NULL when there is no slot left. */
struct member *members_add(struct members *ms, const struct server_option *option, bool given);
void members_finish(struct members *ms);

/* It goes, with all that was known of it; its monitor has been stopped. */
void member_retire(struct member *m);

/* Another member says that it belongs to the cluster. */
bool members_tell_of(const struct members *ms, const struct member *m);

/* Counts as a server of its own: neither hidden nor retired nor another name of one. */
bool member_is_real(const struct member *m);

/* After new looks: finds out which members are the same server under several names. */
void members_find_same(struct members *ms);

/* The channel through which it follows somebody of this cluster (or the only one it has), NULL without any.
 */
const struct look_channel *member_channel(const struct members *ms, const struct member *m);

/* The member that a channel comes from, NULL when it is none. */
struct member *members_source(const struct members *ms, const struct member *m,
                              const struct look_channel *channel);

/* Called for each address that a look tells of and that is no member yet. `expected` is set when the address
 * is only a guess. */
typedef void found_fn(const struct endpoint *at, const struct member *by,
                      const struct look_replica *expected);
void members_discover(struct members *ms, struct member *m, found_fn *found);

/* A replica that nobody knows how to reach: its source shows it without an address. NULL when there is none.
 */
const struct look_replica *member_unnamed_replica(const struct members *ms, const struct member *m);

#endif
