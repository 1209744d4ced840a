#include "proxy/global_changes.h"

#define PLACES 256u

_Atomic bool global_changes_any;
static _Atomic uint64_t changed_ms[PLACES]; /* 0: never */

/* Account ids are hashes. */
static _Atomic uint64_t *place_of(uint64_t account_id)
{
	return &changed_ms[account_id % PLACES];
}

void global_changes_note(uint64_t account_id, uint64_t now_ms)
{
	atomic_store(place_of(account_id), now_ms ? now_ms : 1);
	atomic_store(&global_changes_any, true);
}

bool global_changes_look(uint64_t account_id, uint64_t now_ms, uint64_t timeout_ms)
{
	uint64_t at = atomic_load_explicit(place_of(account_id), memory_order_relaxed);
	/* Another worker's clock may be a little ahead. */
	return at && (now_ms < at ? timeout_ms > 0 : now_ms - at < timeout_ms);
}
