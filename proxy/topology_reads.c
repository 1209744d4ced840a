/*
 * Who of the members is well, and who of them takes reads.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/nearest.h"
#include "proxy/topology_health.h"
#include "proxy/topology_state.h"

static bool is_readable(const struct member *m)
{
	if (m->health.state != SERVER_STATE_UP || !member_is_real(m) || m->drained)
		return false;
	/* While nobody may be written, the head of the followers has the newest data there is. */
	if (m->role == SERVER_PRIMARY)
		return !topology.roles.usable;
	return m->role == SERVER_REPLICA;
}

static void tell_of_state(struct member *m, enum server_state before, bool read_before)
{
	bool was_down = before == SERVER_STATE_DOWN, is_down = m->health.state == SERVER_STATE_DOWN;
	if (is_down && !was_down)
		topology_note(LOG_LEVEL_WARNING, "server-down", m->name, "%s", m->health.reason);
	else if (was_down && !is_down)
		topology_note(LOG_LEVEL_INFO, "server-up", m->name, "it answers again: %s %s",
		              m->look.flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL", m->look.version_text);
	if (m->role == SERVER_PRIMARY || read_before == m->takes_reads)
		return;
	if (m->takes_reads)
		topology_note(LOG_LEVEL_INFO, "replica-in", m->name, "it serves reads");
	else
		topology_note(LOG_LEVEL_WARNING, "replica-out", m->name, "%s",
		              m->drained ? "drained by an administrator"
		              : *m->health.reason ? m->health.reason
		                                : "it is no replica of this cluster's primary any more");
}

static void note_health(struct member *m, bool primary_up)
{
	struct health_input in = {
	    .look = &m->look,
	    .channel = member_channel(&topology.members, m),
	    .is_replica = m->role == SERVER_REPLICA,
	    .attached = m->attached,
	    .primary_up = primary_up,
	    .max_lag = topology.settings.max_lag,
	};
	health_note(&m->health, &in);
}

static void tell_of_gtid(struct member *m)
{
	const struct look_channel *ch = member_channel(&topology.members, m);
	bool without = m->known && ((ch && !ch->gtid) || !m->look.gtid);
	if (without && !m->told_no_gtid && m->role != SERVER_UNKNOWN && m->role != SERVER_MIRROR)
		topology_note(LOG_LEVEL_WARNING, "no-gtid", m->name,
		              "it does not replicate by GTIDs: reads that must see a session's own writes go "
		              "to the primary");
	m->told_no_gtid = without;
}

/* How willingly it is read from when nobody is fit to be: one that follows before one that has stopped, the one that serves
 * already, as sessions that have read there would have to wait elsewhere, and the one that is least behind. */
static bool is_better_resort(const struct member *a, const struct member *b)
{
	bool a_stopped = a->health.state == SERVER_STATE_STOPPED, b_stopped = b->health.state == SERVER_STATE_STOPPED;
	if (a_stopped != b_stopped)
		return b_stopped;
	if (a->takes_reads != b->takes_reads)
		return a->takes_reads;
	return (uint64_t)a->look.lag_us < (uint64_t)b->look.lag_us; /* -1, not known, is the most */
}

/* Where the primary may not be read, one replica serves however far it is behind. -1 when another one does, or reads may
 * go to the primary. */
static int last_resort(void)
{
	const struct member *best = NULL;
	if (topology.settings.reads_on_primary != READS_ON_PRIMARY_NEVER)
		return -1;
	for (unsigned i = 0; i < topology.members.n; i++) {
		const struct member *m = topology.members.all[i];
		if (is_readable(m))
			return -1;
		bool answers = m->health.state == SERVER_STATE_LAGGING || m->health.state == SERVER_STATE_STOPPED;
		if (!member_is_real(m) || m->role != SERVER_REPLICA || !answers || m->drained)
			continue;
		if (!best || is_better_resort(m, best))
			best = m;
	}
	return best ? (int)best->slot : -1;
}

void topology_health_turn(void)
{
	static enum server_state before[SERVERS_MAX];
	const struct member *p = topology_primary();
	bool primary_up = p && topology_member_up(p);
	for (unsigned i = 0; i < topology.members.n; i++) {
		struct member *m = topology.members.all[i];
		before[i] = m->health.state;
		if (m->has_news && member_is_real(m)) {
			note_health(m, primary_up);
			tell_of_gtid(m);
		}
		m->has_news = false;
	}
	int kept = last_resort();
	for (unsigned i = 0; i < topology.members.n; i++) {
		struct member *m = topology.members.all[i];
		bool read_before = m->takes_reads;
		m->takes_reads = is_readable(m) || (int)i == kept;
		if (m->takes_reads && !read_before && topology.first_done)
			m->reads_since_us = topology.now_us;
		if (before[i] != m->health.state || read_before != m->takes_reads)
			m->since_us = topology_clock_us(CLOCK_REALTIME);
		if (member_is_real(m))
			tell_of_state(m, before[i], read_before);
	}
}

static const char *name_at(const void *unused, size_t index)
{
	(void)unused;
	return index < topology.members.n ? topology.members.all[index]->name : NULL;
}

static struct member *member_named(const char *name)
{
	for (unsigned i = 0; i < topology.members.n; i++)
		if (member_is_real(topology.members.all[i]) && strcasecmp(topology.members.all[i]->name, name) == 0)
			return topology.members.all[i];
	return NULL;
}

bool topology_drain(const char *server, bool drained, char *error, size_t error_size)
{
	struct member *m = member_named(server);
	const char *near = m ? NULL : nearest_name(server, name_at, NULL);
	if (!m) {
		snprintf(error, error_size, "There is no server '%.200s'%s%s%s", server, near ? "; did you mean '" : "",
			 near ? near : "", near ? "'?" : "; SHOW SERVERS lists them");
		return false;
	}
	if (drained && m->role == SERVER_PRIMARY) {
		snprintf(error, error_size,
			 "%.200s is the primary: its statements have nowhere else to go; PAUSE makes them wait", server);
		return false;
	}
	m->drained = drained;
	topology_health_turn();
	topology_publish_changes();
	return true;
}
