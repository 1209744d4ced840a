/*
 * REJOIN: a server follows the primary, again or anew: an old primary that came back, a replica that was left behind.
 *
 * It is read-only from the first moment. What it has and the primary lacks would diverge in silence: then it is kept out,
 * unless a person insists.
 */
#include "proxy/failover/change.h"

#include <stdio.h>
#include <string.h>

#include "proxy/events.h"

static bool find(struct change *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->servers[i].name, c->request.server) == 0)
			c->target = &c->servers[i];
	if (!c->target)
		return change_fail(c, "there is no server %s; SHOW SERVERS lists them", c->request.server);
	if (c->target == c->old)
		return change_fail(c, "%s is the primary", c->target->name);
	if (!c->old->read)
		return change_fail(c, "the primary %s cannot be reached: %.200s", c->old->name, c->old->error.text);
	if (!c->target->read)
		return change_fail(c, "%s cannot be reached: %.200s", c->target->name, c->target->error.text);
	if (c->target->flavor != c->old->flavor)
		return change_fail(c, "%s is of another kind than the primary", c->target->name);
	if (c->target->follows && c->target->source == (int)c->old->slot && c->target->sql && c->target->io == LINK_RUNNING) {
		c->already = true;
		snprintf(c->outcome, sizeof c->outcome, "%s follows %s already", c->target->name, c->old->name);
	}
	return true;
}

static bool fence(struct change *c)
{
	struct history there = change_server_history(c->target), here = change_server_history(c->old);
	/* A stranger that is writable may be so for good reason. */
	if (c->request.automatic && !c->target->deposed && !errants_akin(&there, &here))
		return change_fail(c, "%s shares no transaction with the primary: it is left alone", c->target->name);
	return change_fence(c, c->target);
}

static bool compare(struct change *c)
{
	char which[400];
	/* The primary last: what it has had by then is more than enough. */
	if (!change_server_read_position(c->target) || !change_server_read_position(c->old))
		return change_fail(c, "%s or %s was lost", c->target->name, c->old->name);
	struct history there = change_server_history(c->target), here = change_server_history(c->old);
	int64_t errants = errants_between(&there, &here, which, sizeof which);
	if (!errants)
		return true;
	event_note(LOG_LEVEL_ERROR, "errant-transactions", c->target->name, "%s%lld transactions are here and not on the primary: %.170s",
		   there.flavor == FLAVOR_MARIADB ? "up to " : "", (long long)errants, errants < 0 ? "the sets cannot be compared" : which);
	if (c->request.force)
		return true;
	change_advise(c,
		      "%s stays read-only and follows nobody: look at what its transactions did, then make it anew from a backup of "
		      "the primary, or REJOIN '%s' FORCE, which leaves those rows there",
		      c->target->name, c->target->name);
	return change_fail(c, "%s has %lld transactions that the primary lacks: %.300s", c->target->name, (long long)errants, which);
}

/* MariaDB follows from where the histories parted; its own binary log knows later numbers, and has to go. */
static bool forget_errants(struct change *c)
{
	struct history there = change_server_history(c->target), here = change_server_history(c->old);
	char which[400], position[900], sql[1000];
	if (there.flavor != FLAVOR_MARIADB || !errants_between(&there, &here, which, sizeof which))
		return true;
	if (!errants_fork(&there, &here, position, sizeof position))
		return change_fail(c, "it cannot be told where %s left the primary's history", c->target->name);
	snprintf(sql, sizeof sql, "SET GLOBAL gtid_slave_pos = '%s'", position);
	if (!change_server_run(c->target, "RESET MASTER") || !change_server_run(c->target, sql))
		return change_fail(c, "%s: %s", c->target->name, c->target->error.text);
	return true;
}

static bool follow(struct change *c)
{
	struct change_server *s = c->target;
	char which[400];
	struct history there = change_server_history(s), here = change_server_history(c->old);
	bool was_primary = !s->follows, errants = errants_between(&there, &here, which, sizeof which) != 0;
	if (s->follows && !change_server_act(s, ACT_STOP))
		return change_fail(c, "%s does not stop replicating: %s", s->name, s->error.text);
	if (errants && !forget_errants(c))
		return false;
	if (change_follow(c, s, c->old, was_primary && !errants))
		return true;
	change_advise(c, "%s is read-only and does not replicate: mend that, and REJOIN '%s' again", s->name, s->name);
	return false;
}

const struct change_step rejoin_steps[] = {
	{"examine", "the servers were reached, and the privileges are there", step_examine, NULL, false},
	{"lock", "nobody else changes the topology", step_lock, undo_lock, false},
	{"find", "it can be reached, and so can the primary", find, NULL, false},
	{"fence", "it is read-only", fence, NULL, false},
	{"compare", "it has nothing that the primary lacks, or a person insists", compare, NULL, false},
	{"follow", "it follows the primary", follow, NULL, true},
};
const size_t rejoin_n = sizeof rejoin_steps / sizeof *rejoin_steps;
