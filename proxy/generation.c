#include "proxy/generation.h"

#include <stdatomic.h>

#include "proxy/login_failures.h"
#include "proxy/topology.h"

static _Atomic uint64_t generation, ticket;

uint64_t generation_now(void)
{
	return atomic_load(&generation);
}

uint64_t generation_accounts_ticket(void)
{
	return atomic_load(&ticket);
}

void generation_changed(bool accounts)
{
	if (accounts)
		login_failures_end_all();
	/* Told before it is asked for: who answers must know that it is because of a change. */
	uint64_t mine = accounts ? topology_accounts_requested() + 1 : 0, known = atomic_load(&ticket);
	while (known < mine && !atomic_compare_exchange_weak(&ticket, &known, mine))
		;
	if (accounts)
		topology_request_accounts();
	atomic_fetch_add(&generation, 1);
}
