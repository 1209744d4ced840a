#include "proxy/topology_roles.h"

#include <stdio.h>
#include <string.h>

struct graph {
	const struct role_view *views;
	unsigned n;
	int present;
	bool follows[SERVERS_MAX]; /* is subordinate to its source, wherever the line of sources ends */
	bool in_ring[SERVERS_MAX]; /* its line of sources comes back to it: both ends may be written by turns
	                            */
	bool candidate[SERVERS_MAX];
	unsigned followers[SERVERS_MAX]; /* living members that are set to replicate from it */
};

static bool is_member(const struct graph *g, int index)
{
	return index >= 0 && (unsigned)index < g->n;
}

/* A link that is being kept up makes a replica. One that was stopped makes none, unless the source is alive
 * and takes writes: then somebody stopped it for a while. */
static bool follows_somebody(const struct graph *g, unsigned i)
{
	const struct role_view *v = &g->views[i];
	if (v->source == ROLE_NO_SERVER || !v->known)
		return false;
	if (v->linked)
		return true;
	return is_member(g, v->source) && g->views[v->source].up && g->views[v->source].writable;
}

static bool comes_back(const struct graph *g, unsigned start)
{
	int at = (int)start;
	for (unsigned steps = 0; steps <= g->n; steps++) {
		if (!g->follows[at] || !is_member(g, g->views[at].source))
			return false;
		at = g->views[at].source;
		if (at == (int)start)
			return true;
	}
	return false;
}

/* Apart by hand: neither a primary nor a replica, whatever it says of itself. */
static bool is_mirror(const struct graph *g, unsigned i)
{
	return g->views[i].by_hand == SERVER_ROLE_MIRROR;
}

static bool may_lead(const struct graph *g, unsigned i)
{
	return g->views[i].by_hand != SERVER_ROLE_REPLICA && !is_mirror(g, i);
}

static void build(struct graph *g)
{
	for (unsigned i = 0; i < g->n; i++)
		g->follows[i] = follows_somebody(g, i);
	for (unsigned i = 0; i < g->n; i++) {
		const struct role_view *v = &g->views[i];
		g->in_ring[i] = comes_back(g, i);
		g->candidate[i] = v->known && v->up && v->writable && may_lead(g, i) &&
		                  (!g->follows[i] || g->in_ring[i]);
		if (v->up && !is_mirror(g, i) && is_member(g, v->source) && v->source != (int)i)
			g->followers[v->source]++;
	}
}

static bool is_eligible(const struct graph *g, unsigned i)
{
	return g->candidate[i] &&
	       (g->present == ROLE_NO_SERVER || g->views[i].was_replica || g->followers[i] || g->in_ring[i]);
}

static int first_by_hand(const struct graph *g)
{
	int first = ROLE_NO_SERVER;
	for (unsigned i = 0; i < g->n; i++) {
		if (g->views[i].by_hand != SERVER_ROLE_PRIMARY)
			continue;
		if (g->views[i].up)
			return (int)i;
		if (first == ROLE_NO_SERVER)
			first = (int)i;
	}
	return first;
}

/* The only one of the eligible; among several the only one that has followers; else none, and *rivals names
 * two. */
static int choose(const struct graph *g, int rivals[2])
{
	int only = ROLE_NO_SERVER, led = ROLE_NO_SERVER;
	unsigned n = 0, n_led = 0;
	for (unsigned i = 0; i < g->n; i++) {
		if (!is_eligible(g, i))
			continue;
		only = (int)i;
		if (n < 2)
			rivals[n] = (int)i;
		n++;
		if (g->followers[i]) {
			led = (int)i;
			n_led++;
		}
	}
	if (n == 1)
		return only;
	return n_led == 1 ? led : ROLE_NO_SERVER;
}

/* With nobody to write to: the head of those that follow, dead or read-only, so that its name can be told. */
static int head_of_followers(const struct graph *g)
{
	int head = ROLE_NO_SERVER;
	for (unsigned i = 0; i < g->n; i++) {
		bool leads = g->followers[i] && !g->follows[i] && may_lead(g, i);
		if (leads && (head == ROLE_NO_SERVER || g->followers[i] > g->followers[head]))
			head = (int)i;
	}
	if (head == ROLE_NO_SERVER && g->n == 1 && !g->follows[0] && may_lead(g, 0))
		return 0;
	return head;
}

static void say_why(const struct graph *g, struct role_decision *out, const int rivals[2])
{
	const struct role_view *p = is_member(g, out->primary) ? &g->views[out->primary] : NULL;
	if (is_member(g, rivals[0]) && is_member(g, rivals[1]))
		snprintf(out->reason, sizeof out->reason, "%.55s and %.55s may both be written",
		         g->views[rivals[0]].name, g->views[rivals[1]].name);
	else if (p && !p->up)
		snprintf(out->reason, sizeof out->reason, "%.100s is down", p->name);
	else if (p)
		snprintf(out->reason, sizeof out->reason, "%.100s is read-only", p->name);
	else
		snprintf(out->reason, sizeof out->reason, "no server may be written");
}

static void decide_primary(const struct graph *g, struct role_decision *out)
{
	int rivals[2] = {ROLE_NO_SERVER, ROLE_NO_SERVER};
	out->primary = first_by_hand(g);
	out->usable = is_member(g, out->primary) && g->views[out->primary].up;
	if (out->primary == ROLE_NO_SERVER) {
		bool keep = is_member(g, g->present) && g->candidate[g->present];
		out->primary = keep ? g->present : choose(g, rivals);
		out->usable = out->primary != ROLE_NO_SERVER;
	}
	if (out->primary == ROLE_NO_SERVER) {
		bool still =
		    is_member(g, g->present) && (!g->views[g->present].up || !g->follows[g->present]);
		bool rivalry = rivals[1] != ROLE_NO_SERVER;
		out->primary = still ? g->present : rivalry ? ROLE_NO_SERVER : head_of_followers(g);
	}
	const struct role_view *p = is_member(g, out->primary) ? &g->views[out->primary] : NULL;
	out->read_only = !out->usable && p && p->known && p->up && !p->writable && !g->follows[out->primary];
	if (!out->usable)
		say_why(g, out, rivals);
	out->rival = rivals[1];
	for (unsigned i = 0; i < g->n && out->primary != ROLE_NO_SERVER; i++)
		if (g->candidate[i] && !g->in_ring[i] && (int)i != out->primary)
			out->rival = (int)i;
}

static bool leads_to(const struct graph *g, unsigned start, int goal)
{
	int at = (int)start;
	for (unsigned steps = 0; steps <= g->n && is_member(g, at); steps++) {
		if (at == goal)
			return true;
		at = g->views[at].source;
	}
	return false;
}

static void decide_others(const struct graph *g, struct role_decision *out)
{
	for (unsigned i = 0; i < g->n; i++) {
		const struct role_view *v = &g->views[i];
		bool by_hand = v->by_hand == SERVER_ROLE_REPLICA;
		bool replica = by_hand || (v->known && v->source != ROLE_NO_SERVER && !g->candidate[i]) ||
		               (g->in_ring[i] && v->known);
		out->roles[i] = is_mirror(g, i) ? SERVER_MIRROR : replica ? SERVER_REPLICA : SERVER_UNKNOWN;
		out->attached[i] = out->primary == ROLE_NO_SERVER || leads_to(g, i, out->primary) ||
		                   (by_hand && v->source == ROLE_NO_SERVER);
	}
	if (is_member(g, out->primary))
		out->roles[out->primary] = SERVER_PRIMARY;
}

void roles_decide(const struct role_view *views, unsigned n, int present, struct role_decision *out)
{
	struct graph g = {.views = views, .n = n < SERVERS_MAX ? n : SERVERS_MAX, .present = present};
	memset(out, 0, sizeof *out);
	build(&g);
	decide_primary(&g, out);
	decide_others(&g, out);
}
