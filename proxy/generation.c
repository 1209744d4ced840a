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
	uint64_t mine = accounts ? topology_request_accounts() : 0, known = atomic_load(&ticket);
	while (known < mine && !atomic_compare_exchange_weak(&ticket, &known, mine))
		;
	atomic_fetch_add(&generation, 1);
}
