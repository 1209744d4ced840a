/*
 * FAILOVER: a dead primary is replaced by the most advanced of its replicas.
 *
 * That it is dead is not wye's word alone: the way between the two may be cut. Its replicas are asked to connect to it
 * anew; while one of them can, it lives, and nothing is done.
 */
#include "proxy/failover/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/failover/plan.h"
#include "proxy/topology_change.h"

/* How long a replica may take to connect to a primary that lives. */
#define PROBE_TRIES 40
#define PROBE_EVERY_MS 50

static void rest_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static bool is_replica_of(const struct change_server *s, const struct change_server *old)
{
	return s != old && s->source == (int)old->slot && !s->by_hand;
}

/* A primary that answers is no case for this, however it does. */
static bool is_dead(struct change *c)
{
	if (!c->old->connection)
		return true;
	return change_fail(c, "%s answers: SWITCHOVER replaces a primary that lives", c->old->name);
}

/* A link that says it runs may only not have noticed: it is made anew. */
static bool begin_probe(struct change_server *s)
{
	if (!change_server_read_status(s))
		return false;
	if (s->io != LINK_RUNNING)
		return true;
	return change_server_act(s, ACT_STOP_IO) && change_server_act(s, ACT_START_IO) && change_server_read_status(s);
}

static unsigned connected(struct change *c)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		n += is_replica_of(s, c->old) && s->read && change_server_read_status(s) && s->io == LINK_RUNNING;
	}
	return n;
}

/* Refused at once, an attempt has failed; one without an answer is waited for. */
static bool all_refused(const struct change *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct change_server *s = &c->servers[i];
		if (is_replica_of(s, c->old) && s->read && s->io == LINK_CONNECTING && !*s->link_error)
			return false;
	}
	return true;
}

static bool confirm(struct change *c)
{
	struct plan_view view = {.replicas = 0};
	char why[200];
	if (!is_dead(c))
		return false;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		view.replicas += is_replica_of(s, c->old);
		view.reached += is_replica_of(s, c->old) && s->read && begin_probe(s);
	}
	for (unsigned i = 0; i < PROBE_TRIES; i++) {
		view.connected = connected(c);
		if (view.connected || all_refused(c))
			break;
		rest_ms(PROBE_EVERY_MS);
	}
	if (plan_is_confirmed(&view, why, sizeof why))
		return true;
	return change_fail(c, "%s may be alive: %s", c->old->name, why);
}

/* From here on the old primary, should it live, reaches no replica any more. A thread that waits for an answer to its SYN takes
 * seconds to stop: all of them are told before the first is waited for. */
static bool cut(struct change *c)
{
	c->cut = true;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (is_replica_of(s, c->old) && s->read)
			s->read = change_server_begin(s, ACT_STOP_IO);
	}
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (is_replica_of(s, c->old) && s->read)
			s->read = change_server_end(s) && change_server_read_status(s) && change_server_read_position(s);
	}
	return true;
}

static void undo_cut(struct change *c)
{
	char sql[CHANGE_SQL_MAX];
	for (size_t i = 0; c->cut && i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (!is_replica_of(s, c->old) || !s->connection || change_server_act(s, ACT_START_IO))
			continue;
		words_act(sql, s->flavor, s->version, ACT_START_IO, s->channel);
		change_advise(c, "%s does not replicate: run there %.100s", s->name, sql);
	}
	c->cut = false;
}

static bool choose(struct change *c)
{
	char why[600];
	int named = -1;
	for (size_t i = 0; *c->request.server && i < c->n; i++)
		if (strcmp(c->servers[i].name, c->request.server) == 0)
			named = (int)i;
	if (*c->request.server && named < 0)
		return change_fail(c, "there is no server %s; SHOW SERVERS lists them", c->request.server);
	/* Of what the old one is nothing is known but what its replicas have in common. */
	for (size_t i = 0; i < c->n; i++)
		if (is_replica_of(&c->servers[i], c->old) && c->servers[i].read)
			c->old->flavor = c->servers[i].flavor;
	int to = plan_target(c->servers, c->n, (size_t)(c->old - c->servers), named, true, why, sizeof why);
	if (to < 0)
		return change_fail(c, "%s", why);
	c->target = &c->servers[to];
	if (!topology_hold(c->old->slot, "a failover is under way"))
		return change_fail(c, "wye is being stopped");
	c->holds = true;
	return true;
}

static bool apply(struct change *c)
{
	struct change_server *s = c->target;
	unsigned seconds = (unsigned)((c->timeout_us + 999999) / 1000000);
	if (!*s->received)
		return true;
	size_t size = strlen(s->received) + 128;
	char *sql = malloc(size);
	if (!sql)
		abort();
	words_wait(sql, size, s->flavor, s->received, seconds);
	bool reached = change_server_says(s, sql);
	free(sql);
	if (reached)
		return true;
	return change_fail(c, "%s has not applied its relay log within %u s (switchover_timeout)%s%s", s->name, seconds,
			   *s->error.text ? ": " : "", s->error.text);
}

/* Its look-up by the monitor failed; a way that is open again would let it be written by others. */
static bool fence_old(struct change *c)
{
	if (!change_server_open(c->old, &c->login))
		return true; /* it is when it comes back */
	return change_fence(c, c->old) || change_fail(c, "%s lives, and could not be made read-only", c->old->name);
}

const struct change_step failover_steps[] = {
	{"examine", "the servers were reached, and the privileges are there", step_examine, NULL, false},
	{"lock", "nobody else changes the topology", step_lock, undo_lock, false},
	{"confirm", "the replicas have lost the primary as well", confirm, NULL, false},
	{"cut", "the replicas take nothing from it any more", cut, undo_cut, false},
	{"choose", "it has the most of what the primary had", choose, undo_hold, false},
	{"apply", "it has applied everything that it has received", apply, NULL, false},
	{"promote", "the new primary may be written", step_promote, undo_promote, false},
	{"appoint", "clients go on with the new primary", step_appoint, NULL, true},
	{"repoint", "the other replicas follow it", step_repoint, NULL, false},
	{"fence", "the old primary is read-only, or not there", fence_old, NULL, false},
};
const size_t failover_n = sizeof failover_steps / sizeof *failover_steps;
