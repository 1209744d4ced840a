/*
 * Who is primary, and who is its replica: a pure decision over the last looks at all servers.
 *
 * The primary is the one server that may be written and follows nobody. It is kept as long as it is that;
 * another one is followed only when the present one is gone, became read-only or follows the other, and only
 * if the other is known to have been its replica or has followers of its own: a stray server that happens to
 * be writable, such as an old primary that came back, must never get a write. Between two that could be it,
 * none is chosen. Roles given by hand are obeyed.
 *
 * While nobody may be written, the head of the followers stays the primary: read-only for a while, it still
 * answers what only a primary can, and refuses writes in its own words.
 */
#ifndef WYE_PROXY_TOPOLOGY_ROLES_H
#define WYE_PROXY_TOPOLOGY_ROLES_H

#include <stdbool.h>

#include "proxy/options.h"
#include "proxy/snapshot.h"

#define ROLE_NO_SERVER    (-1)
#define ROLE_OTHER_SERVER (-2) /* one that is not a member */

/* What is known of one server. Of one that does not answer: what it said last. */
struct role_view {
	const char *name;
	enum server_role_option by_hand;
	bool known; /* it answered at least once: the rest means something */
	bool up;    /* it answered the last look */
	bool writable;
	int source;       /* index of the member it is set to replicate from, or one of the above */
	bool linked;      /* it is connected to its source, or tries to be: it has not been promoted */
	bool was_replica; /* at an earlier look it was a replica of the present primary */
};

struct role_decision {
	int primary;      /* index of the primary, also when it is down or read-only; or ROLE_NO_SERVER */
	bool usable;      /* the primary is up and may be written */
	bool read_only;   /* it is up, follows nobody, and is read-only: it answers for itself, refusals included */
	int rival;        /* another server that may be written and follows nobody, or ROLE_NO_SERVER */
	char reason[160]; /* why there is none to use */
	enum server_role roles[SERVERS_MAX];
	bool attached[SERVERS_MAX]; /* a replica whose line of sources leads to the primary */
};

/* `present` is the last decision's primary. */
void roles_decide(const struct role_view *views, unsigned n, int present, struct role_decision *out);

#endif
