/* SWITCHOVER: the primary and one of its replicas change places, and nothing is lost. */
#include "proxy/failover/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/failover/plan.h"

static int wanted(struct change *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->servers[i].name, c->request.server) == 0)
			return (int)i;
	return -1;
}

static bool old_is_fit(struct change *c)
{
	if (!c->old->read)
		return change_fail(c, "the primary %s cannot be reached: %.200s; FAILOVER replaces one that is dead", c->old->name,
				   c->old->error.text);
	if (c->old->follows)
		return change_fail(c, "%s replicates from somebody itself", c->old->name);
	if (!c->old->log_bin || !c->old->gtid)
		return change_fail(c, "%s keeps no binary log with GTIDs", c->old->name);
	return true;
}

static bool plan(struct change *c)
{
	char why[600];
	int named = *c->request.server ? wanted(c) : -1;
	if (!old_is_fit(c))
		return false;
	if (*c->request.server && named < 0)
		return change_fail(c, "there is no server %s; SHOW SERVERS lists them", c->request.server);
	int to = plan_target(c->servers, c->n, (size_t)(c->old - c->servers), named, false, why, sizeof why);
	if (to < 0)
		return change_fail(c, "%s", why);
	c->target = &c->servers[to];
	struct history here = change_server_history(c->target), there = change_server_history(c->old);
	/* What it has beyond what the primary had a moment later was never on the primary. */
	if (!change_server_read_position(c->old))
		return change_fail(c, "%s: %s", c->old->name, c->old->error.text);
	there = change_server_history(c->old);
	int64_t errants = errants_between(&here, &there, why, sizeof why);
	if (errants)
		return change_fail(c, "%s has %lld transactions that the primary lacks: %.300s", c->target->name, (long long)errants, why);
	c->old_was_read_only = c->old->read_only;
	return true;
}

/* Everything that the old one has committed, and it commits nothing more. */
static bool catch_up(struct change *c)
{
	unsigned seconds = (unsigned)((c->timeout_us + 999999) / 1000000);
	if (!change_server_read_position(c->old))
		return change_fail(c, "%s: %s", c->old->name, c->old->error.text);
	size_t size = strlen(c->old->position) + 128;
	char *sql = malloc(size);
	if (!sql)
		abort();
	words_wait(sql, size, c->target->flavor, c->old->position, seconds);
	bool reached = change_server_says(c->target, sql);
	free(sql);
	if (reached)
		return true;
	return change_fail(c, "%s has not applied everything within %u s (switchover_timeout)%s%s", c->target->name, seconds,
			   *c->target->error.text ? ": " : "", c->target->error.text);
}

static bool rejoin_old(struct change *c)
{
	struct history old, new;
	char which[300];
	if (!change_server_read_position(c->old) || !change_server_read_position(c->target)) {
		change_advise(c, "%s follows nobody: REJOIN '%s'", c->old->name, c->old->name);
		return change_fail(c, "%s or %s was lost", c->old->name, c->target->name);
	}
	old = change_server_history(c->old);
	new = change_server_history(c->target);
	int64_t errants = errants_between(&old, &new, which, sizeof which);
	if (errants) {
		change_advise(c, "%s has %lld transactions that the new primary lacks (%.200s): REJOIN '%s' FORCE, or make it anew",
			      c->old->name, (long long)errants, which, c->old->name);
		return change_fail(c, "%s has transactions that the new primary lacks: %.200s", c->old->name, which);
	}
	if (change_follow(c, c->old, c->target, true))
		return true;
	change_advise(c, "%s does not follow the new primary (%.300s): REJOIN '%s' when that is mended", c->old->name, c->error,
		      c->old->name);
	return false;
}

const struct change_step switchover_steps[] = {
	{"examine", "the servers were reached, and the privileges are there", step_examine, NULL, false},
	{"lock", "nobody else changes the topology", step_lock, undo_lock, false},
	{"plan", "it can become primary", plan, NULL, false},
	{"hold", "new transactions wait, the old ones have ended", step_hold, undo_hold, false},
	{"fence", "the old primary is read-only", step_fence, undo_fence, false},
	{"catch-up", "the new primary has applied everything", catch_up, NULL, false},
	{"promote", "the new primary may be written", step_promote, undo_promote, false},
	{"appoint", "clients go on with the new primary", step_appoint, NULL, true},
	{"repoint", "the other replicas follow it", step_repoint, NULL, false},
	{"rejoin", "the old primary follows it", rejoin_old, NULL, false},
};
const size_t switchover_n = sizeof switchover_steps / sizeof *switchover_steps;
