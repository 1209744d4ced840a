#include <stdio.h>
#include <string.h>

#include "proxy/accounts_load.h"
#include "proxy/config/config_change.h"
#include "proxy/generation.h"
#include "proxy/topology_state.h"

/* Requests that come within this time of the last answer are answered together. */
#define GAP_US 100000
/* A server that does not answer in this time is not waited for: another one has the accounts as well. What was changed
 * through here a moment ago it may not have yet: the primary is asked again and again for that, and only for so long. */
#define PATIENCE_US 1500000
#define PATIENCE_AFTER_CHANGE_US 8000000

static _Atomic uint64_t requested;

uint64_t topology_accounts_requested(void)
{
	return atomic_load(&requested);
}

uint64_t topology_request_accounts(void)
{
	uint64_t ticket = atomic_fetch_add(&requested, 1) + 1;
	if (topology.loop)
		uv_async_send(&topology.news);
	return ticket;
}

static bool can_be_asked(const struct member *m)
{
	return m->monitor && member_is_real(m) && m->option.role != SERVER_ROLE_MIRROR && m->known && topology_member_up(m) &&
	       !topology.accounts.tried[m->slot];
}

/* The primary, else a replica that replicates, else whoever answers. */
static struct member *whom_to_ask(void)
{
	struct member *best = topology_primary();
	if (best && can_be_asked(best))
		return best;
	best = NULL;
	for (unsigned i = 0; i < topology.members.n; i++) {
		struct member *m = topology.members.all[i];
		if (can_be_asked(m) && (!best || (m->takes_reads && !best->takes_reads)))
			best = m;
	}
	return best;
}

static void finish(struct accounts_state *a)
{
	a->asking = false;
	a->settled = true;
	a->answered = a->in_flight;
	a->ended_us = topology.now_us;
	a->next_us = topology.now_us + (int64_t)topology.settings.accounts_interval;
}

/* With nobody left to ask, the old accounts are the answer: whoever waits for it must not wait for ever. */
static void give_up(struct accounts_state *a)
{
	struct config *config = config_get();
	if (!a->set)
		a->set = accounts_by_hand(config);
	config_unref(config);
	finish(a);
}

/* Whom others would let in is perhaps no account any more. */
static bool only_primary_knows(const struct accounts_state *a)
{
	return a->changed_us && topology.now_us - a->changed_us < PATIENCE_AFTER_CHANGE_US &&
	       a->error.failure != LIBRARY_MISSING_GRANT;
}

static void ask_again_soon(struct accounts_state *a)
{
	a->asking = false;
	a->ended_us = topology.now_us;
}

static void ask(struct accounts_state *a)
{
	struct member *m = whom_to_ask();
	if (only_primary_knows(a) && (!m || m != topology_primary())) {
		ask_again_soon(a);
		return;
	}
	if (!m) {
		give_up(a);
		return;
	}
	a->asking = true;
	a->asked_slot = m->slot;
	a->asked_us = topology.now_us;
	monitor_want_accounts(m->monitor, a->in_flight);
}

static void note_failure(struct accounts_state *a, const struct member *m, const struct library_error *error)
{
	bool same = a->error.failure == error->failure && strcmp(a->error.text, error->text) == 0;
	a->error = *error;
	snprintf(a->error_server, sizeof a->error_server, "%s", m->name);
	if (same)
		return;
	char grant[512] = "";
	if (error->failure == LIBRARY_MISSING_GRANT)
		monitor_grant(monitor_words_of(m->look.flavor, m->look.version), DUTY_ACCOUNTS,
		              m->look.account, grant, sizeof grant);
	topology_note(LOG_LEVEL_WARNING, *grant ? "grant-missing" : "accounts-failed", m->name, "%s%s%s",
	              *grant ? monitor_purpose(DUTY_ACCOUNTS) : error->text, *grant ? ", run: " : "", grant);
}

static void install(struct accounts_state *a, const struct member *m, struct account_set *set)
{
	a->error = (struct library_error){.failure = LIBRARY_OK};
	if (!account_set_equal(a->set, set)) {
		topology_note(LOG_LEVEL_INFO, "accounts-loaded", m->name, "%zu accounts",
		              account_set_size(set));
		account_set_unref(a->set);
		a->set = account_set_ref(set);
	}
	finish(a);
}

static void take_answers(struct accounts_state *a)
{
	for (unsigned i = 0; i < topology.members.n; i++) {
		struct member *m = topology.members.all[i];
		struct monitor_accounts got;
		if (!m->monitor || !monitor_take_accounts(m->monitor, &got))
			continue;
		bool wanted = a->asking && got.ticket == a->in_flight && a->asked_slot == m->slot;
		if (wanted && got.set) {
			install(a, m, got.set);
		} else if (wanted) {
			note_failure(a, m, &got.error);
			a->tried[i] = true;
			ask(a);
		}
		account_set_unref(got.set);
	}
}

static void note_change(struct accounts_state *a)
{
	if (generation_accounts_ticket() <= a->answered)
		a->changed_us = 0;
	else if (!a->changed_us)
		a->changed_us = topology.now_us;
}

static int64_t patience_us(const struct accounts_state *a)
{
	return a->changed_us ? PATIENCE_AFTER_CHANGE_US : PATIENCE_US;
}

void topology_accounts_turn(void)
{
	struct accounts_state *a = &topology.accounts;
	note_change(a);
	take_answers(a);
	if (a->asking && (topology.now_us - a->asked_us > patience_us(a) ||
	                  !topology_member_up(topology.members.all[a->asked_slot]))) {
		a->tried[a->asked_slot] = true;
		ask(a);
	}
	if (a->asking)
		return;
	bool asked_for = atomic_load(&requested) > a->answered && topology.now_us - a->ended_us >= GAP_US;
	if (!asked_for && topology.now_us < a->next_us)
		return;
	memset(a->tried, 0, sizeof a->tried);
	a->in_flight = atomic_load(&requested);
	note_change(a); /* there may be one since this turn began */
	ask(a);
}
