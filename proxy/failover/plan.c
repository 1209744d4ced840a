#include "proxy/failover/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/gtid.h"

static void objection_of_link(const struct change_server *s, const struct change_server *old, bool old_is_dead, char *why,
			      size_t size)
{
	if (!s->follows || s->source != (int)old->slot)
		snprintf(why, size, "it does not replicate from %.100s", old->name);
	else if (!s->gtid || !s->channel_gtid)
		snprintf(why, size, "it does not replicate by GTIDs");
	else if (!s->sql)
		snprintf(why, size, "its SQL thread is stopped%s%.150s", *s->link_error ? ": " : "", s->link_error);
	else if (!old_is_dead && s->io != LINK_RUNNING)
		snprintf(why, size, "it has no connection to its source%s%.150s", *s->link_error ? ": " : "", s->link_error);
	else if (s->delay)
		snprintf(why, size, "it applies everything %u s late by its own configuration", s->delay);
	else if (s->filtered)
		snprintf(why, size, "it replicates a part of the data only (filters)");
}

void plan_objection(const struct change_server *s, const struct change_server *old, bool old_is_dead, char *why, size_t size)
{
	*why = '\0';
	if (s == old || s->slot == old->slot)
		snprintf(why, size, "it is the primary already");
	else if (!s->read)
		snprintf(why, size, "it cannot be reached: %.200s", s->error.text);
	else if (s->flavor != old->flavor)
		snprintf(why, size, "it is of another kind than the primary");
	else if (s->by_hand)
		snprintf(why, size, "the configuration says that it is no primary (role)");
	else if (!s->log_bin || !s->logs_updates)
		snprintf(why, size, "it keeps no binary log of what it replicates (log_bin, log_%s_updates)",
			 s->flavor == FLAVOR_MARIADB ? "slave" : "replica");
	else
		objection_of_link(s, old, old_is_dead, why, size);
}

/* MySQL: what was applied and what waits in the relay log. MariaDB: the last number that came in, which counts through. */
static bool read_set(struct gtid_set *set, const struct change_server *s)
{
	struct gtid_set more;
	gtid_set_init(set, s->flavor);
	gtid_set_init(&more, s->flavor);
	bool ok = gtid_set_parse(set, view_of(s->position ? s->position : "")) == GTID_OK &&
		  gtid_set_parse(&more, view_of(s->received ? s->received : "")) == GTID_OK && gtid_set_union(set, &more);
	gtid_set_finish(&more);
	return ok;
}

bool plan_is_ahead(const struct change_server *a, const struct change_server *b)
{
	struct gtid_set x, y;
	bool ok_a = read_set(&x, a), ok_b = read_set(&y, b);
	bool ahead = ok_a && ok_b && gtid_set_contains(&x, &y);
	gtid_set_finish(&x);
	gtid_set_finish(&y);
	return ahead;
}

static bool is_better(const struct change_server *a, const struct change_server *b, bool old_is_dead)
{
	if (old_is_dead) {
		bool a_ahead = plan_is_ahead(a, b), b_ahead = plan_is_ahead(b, a);
		if (a_ahead != b_ahead)
			return a_ahead;
	}
	if (a->distance != b->distance)
		return a->distance < b->distance;
	return false;
}

/* A replica that has what the chosen one lacks could follow it no more. */
static bool all_can_follow(const struct change_server *servers, size_t n, size_t old, int target, char *why, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		const struct change_server *s = &servers[i];
		if (i == old || (int)i == target || !s->read || !s->follows || s->source != (int)servers[old].slot || s->by_hand)
			continue;
		if (!plan_is_ahead(&servers[target], s)) {
			snprintf(why, size, "%.100s has transactions that it lacks", s->name);
			return false;
		}
	}
	return true;
}

int plan_target(const struct change_server *servers, size_t n, size_t old, int wanted, bool old_is_dead, char *why, size_t size)
{
	char objection[320], first[700] = "";
	int best = -1;
	for (size_t i = 0; i < n; i++) {
		if (wanted >= 0 ? (int)i != wanted : i == old)
			continue;
		plan_objection(&servers[i], &servers[old], old_is_dead, objection, sizeof objection);
		if (*objection) {
			if (!*first)
				snprintf(first, sizeof first, "%.200s: %s", servers[i].name, objection);
		} else if (best < 0 || is_better(&servers[i], &servers[best], old_is_dead)) {
			best = (int)i;
		}
	}
	if (best < 0) {
		snprintf(why, size, "%s", *first ? first : "there is no replica");
		return -1;
	}
	if (old_is_dead && !all_can_follow(servers, n, old, best, objection, sizeof objection)) {
		snprintf(why, size, "%.200s: %s", servers[best].name, objection);
		return -1;
	}
	*why = '\0';
	return best;
}

bool plan_is_confirmed(const struct plan_view *view, char *why, size_t size)
{
	if (view->connected)
		snprintf(why, size, "%u of the %u replicas that were asked are connected to it", view->connected, view->reached);
	else if (!view->replicas || !view->reached)
		snprintf(why, size, "no replica can be asked whether it has lost it too");
	else if (view->reached * 2 < view->replicas)
		snprintf(why, size, "only %u of its %u replicas can be asked", view->reached, view->replicas);
	else
		return true;
	return false;
}
