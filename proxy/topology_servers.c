/*
 * Which servers there are: those that the configuration names, those that others tell of, and their monitors.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/events.h"
#include "proxy/log_settings.h"
#include "proxy/security.h"
#include "proxy/topology_state.h"

static struct topology *const t = &topology;

/* The monitors by slot, for threads that only know a slot. */
static pthread_mutex_t by_slot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct monitor *by_slot[SERVERS_MAX];

static void set_by_slot(const struct member *m)
{
	pthread_mutex_lock(&by_slot_lock);
	by_slot[m->slot] = m->monitor;
	pthread_mutex_unlock(&by_slot_lock);
}

void topology_suspect(unsigned slot)
{
	if (slot >= SERVERS_MAX)
		return;
	pthread_mutex_lock(&by_slot_lock);
	if (by_slot[slot])
		monitor_look_soon(by_slot[slot]);
	pthread_mutex_unlock(&by_slot_lock);
}

static bool start_monitor(struct member *m)
{
	m->since_us = topology_clock_us(CLOCK_REALTIME);
	m->retired = false;
	m->monitor = monitor_start(m->slot, &m->option.at, &t->common, &t->settings);
	if (m->monitor)
		set_by_slot(m);
	return m->monitor;
}

void topology_stop_monitors(void)
{
	pthread_mutex_lock(&by_slot_lock);
	memset(by_slot, 0, sizeof by_slot);
	pthread_mutex_unlock(&by_slot_lock);
	for (unsigned i = 0; i < t->members.n; i++)
		if (t->members.all[i]->monitor)
			monitor_stop(t->members.all[i]->monitor);
	for (unsigned i = 0; i < t->members.n; i++)
		monitor_join(t->members.all[i]->monitor);
}

/* The one that was there before, in its slot, or a new one; NULL when there is no slot left. */
static struct member *member_for(const struct server_option *option, bool given)
{
	struct member *m = members_at(&t->members, &option->at);
	if (!m)
		return members_add(&t->members, option, given);
	m->option = *option;
	m->given = given;
	return m;
}

void topology_add_found(const struct endpoint *at, const struct member *by, const struct look_replica *expected)
{
	struct server_option option = {.at = *at, .role = SERVER_ROLE_AUTO, .weight = 1};
	struct member *m = member_for(&option, false);
	if (!m)
		return;
	if (expected) {
		m->hidden = true;
		m->expected_id = expected->server_id;
		snprintf(m->expected_uuid, sizeof m->expected_uuid, "%s", expected->uuid);
	} else {
		topology_note(LOG_LEVEL_INFO, "member-found", m->name, "told by %s", by->name);
	}
	start_monitor(m);
}

/* --- the configuration --- */

int topology_add_given(void)
{
	struct config *config = config_get();
	int failed = 0;
	for (size_t i = 0; !failed && i < config->n_servers; i++) {
		struct member *m = member_for(&config->servers[i].option, true);
		failed = !m ? UV_ENOSPC : start_monitor(m) ? 0 : UV_EAGAIN;
	}
	config_unref(config);
	return failed;
}

static void add_or_change(const struct config_server *s)
{
	struct member *m = member_for(&s->option, true);
	if (!m) {
		topology_note(LOG_LEVEL_ERROR, "too-many-servers", NULL, "there is room for %d, restart wye to forget old ones",
			      SERVERS_MAX);
		return;
	}
	m->hidden = m->refuted = false; /* somebody says who it is */
	if (!m->monitor)
		start_monitor(m);
}

/* Named by nobody any more, it goes; a member of the cluster is only no longer what it was by hand. */
static void drop(const struct config_server *s)
{
	struct member *m = members_at(&t->members, &s->option.at);
	if (!m || !m->given)
		return;
	m->given = false;
	m->option = (struct server_option){.at = s->option.at, .role = SERVER_ROLE_AUTO, .weight = 1};
	if (members_tell_of(&t->members, m) || !m->monitor)
		return;
	struct monitor *monitor = m->monitor;
	monitor_stop(monitor);
	m->monitor = NULL;
	set_by_slot(m);
	monitor_join(monitor);
	member_retire(m);
	topology_note(LOG_LEVEL_INFO, "member-gone", m->name, "the configuration names it no more, and nobody tells of it");
}

static void configure_servers(const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < after->n_servers; i++)
		add_or_change(&after->servers[i]);
	for (size_t i = 0; i < before->n_servers; i++)
		if (!config_server_at(after, &before->servers[i].option.at))
			drop(&before->servers[i]);
}

/* Of the settings wanted, those that need no restart. */
static void configure_settings(const struct config *after)
{
	const struct setting_info *info;
	struct settings now = after->settings;
	char value[600], error[320];
	for (size_t i = 0; (info = settings_info(i)); i++) {
		if (!info->needs_restart)
			continue;
		settings_format(&t->settings, i, value, sizeof value);
		settings_set(&now, info->name, value, error, sizeof error); /* it was right before */
	}
	t->settings = now;
	log_configure(&now);
	security_configure(&now);
	for (unsigned i = 0; i < t->members.n; i++)
		if (t->members.all[i]->monitor && !t->members.all[i]->hidden)
			monitor_configure(t->members.all[i]->monitor, &t->settings);
}

bool topology_reload_tls(char *error, size_t error_size)
{
	if (!security_reload(&t->settings, error, error_size))
		return false;
	event_note(LOG_LEVEL_INFO, "tls-reloaded", NULL, "the certificates, keys and authorities for TLS were read again");
	return true;
}

void topology_configure(const struct config *before, const struct config *after)
{
	configure_settings(after);
	configure_servers(before, after);
	topology_request_accounts(); /* those by hand may be others */
	snapshot_unref(t->published);
	t->published = NULL; /* the next turn publishes */
	if (t->first_done)
		topology_publish_changes();
	uv_async_send(&t->news);
}
