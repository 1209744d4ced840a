/*
 * Accounts whose sessions have changed global variables of the primary, or its plugins, a short while ago.
 *
 * No server tells its replicas of such a change. Who has made it looks for what it does, in the same session or in
 * others that begin after it: for observe_timeout the reads of the account prefer the primary, which has it. The
 * table is of fixed size and takes no lock; accounts that fall on one place share it.
 */
#ifndef WYE_PROXY_GLOBAL_CHANGES_H
#define WYE_PROXY_GLOBAL_CHANGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A session of this account has made one. Times are of a monotonic clock, in ms. Any thread. */
void global_changes_note(uint64_t account_id, uint64_t now_ms);

bool global_changes_look(uint64_t account_id, uint64_t now_ms, uint64_t timeout_ms);
extern _Atomic bool global_changes_any;

/* True while its reads prefer the primary. Cheap while nobody has changed anything. */
static inline bool global_changes_apply(uint64_t account_id, uint64_t now_ms, uint64_t timeout_ms)
{
	return atomic_load_explicit(&global_changes_any, memory_order_relaxed) &&
	       global_changes_look(account_id, now_ms, timeout_ms);
}

#endif
