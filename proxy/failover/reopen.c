/*
 * REOPEN: a primary that was started again may be written again.
 *
 * Servers start read-only, so that one whose place was taken meanwhile takes no write. A primary whose place nobody has taken,
 * because it was back sooner, or because all of them were down together, would stay so for ever. It is opened when all the
 * others are here, follow it, and have nothing that it lacks; and when its start made it read-only: what somebody has set is
 * left alone.
 */
#include "proxy/failover/change.h"

#include <stdio.h>

static bool follows_without_more(struct change *c, const struct change_server *s)
{
	char which[400];
	if (!s->read)
		return change_fail(c, "%s cannot be reached: it may have taken the place of %s", s->name, c->old->name);
	if (!s->follows || s->source != (int)c->old->slot)
		return change_fail(c, "%s does not follow %s", s->name, c->old->name);
	struct history there = change_server_history(s), here = change_server_history(c->old);
	int64_t errants = errants_between(&there, &here, which, sizeof which);
	return !errants || change_fail(c, "%s has %lld transactions that %s lacks: %.300s", s->name, (long long)errants,
				       c->old->name, which);
}

static bool all_follow(struct change *c)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (s == c->old || s->mirror)
			continue;
		if (!follows_without_more(c, s))
			return false;
		n++;
	}
	return n || change_fail(c, "nobody follows %s", c->old->name);
}

/* https://mariadb.com/kb/en/information-schema-system_variables-table/,
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-variables-info-table.html */
static bool somebody_set_it(struct change_server *s)
{
	return !change_server_says(s, s->flavor == FLAVOR_MARIADB
					  ? "SELECT COUNT(*) = 0 FROM information_schema.SYSTEM_VARIABLES"
					    " WHERE VARIABLE_NAME = 'READ_ONLY' AND GLOBAL_VALUE_ORIGIN = 'SQL'"
					  : "SELECT COUNT(*) = 0 FROM performance_schema.variables_info"
					    " WHERE VARIABLE_NAME IN ('read_only', 'super_read_only') AND VARIABLE_SOURCE = 'DYNAMIC'");
}

static bool is_left(struct change *c)
{
	struct change_server *s = c->target = c->old;
	if (!s->read)
		return change_fail(c, "%s cannot be reached: %.200s", s->name, s->error.text);
	c->hopeless = s->follows || somebody_set_it(s);
	if (s->follows)
		return change_fail(c, "%s follows another server", s->name);
	if (!s->read_only) {
		c->already = true;
		snprintf(c->outcome, sizeof c->outcome, "%s may be written already", s->name);
		return true;
	}
	if (c->hopeless)
		change_fail(c, "%s was made read-only by somebody, and not by its start", s->name);
	else if (all_follow(c))
		return true;
	change_advise(c, "%s stays read-only: SWITCHOVER to another server, or run there SET GLOBAL read_only = 0", s->name);
	return false;
}

static bool reopen(struct change *c)
{
	if (!change_make_writable(c->old))
		return change_fail(c, "%s: %s", c->old->name, c->old->error.text);
	snprintf(c->outcome, sizeof c->outcome, "it was started read-only, nobody has taken its place, and it may be written again");
	return true;
}

const struct change_step reopen_steps[] = {
	{"examine", "the servers were reached, and the privileges are there", step_examine, NULL, false},
	{"lock", "nobody else changes the topology", step_lock, undo_lock, false},
	{"compare", "all others follow it, and have nothing that it lacks", is_left, NULL, false},
	{"reopen", "it may be written", reopen, NULL, true},
};
const size_t reopen_n = sizeof reopen_steps / sizeof *reopen_steps;
