#include "proxy/snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/accounts.h"
#include "proxy/config/config.h"
#include "proxy/objects.h"
#include "router/rules.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;
static uint64_t published;
static void (*told_of_publication)(void);

struct snapshot *snapshot_get(void)
{
	pthread_mutex_lock(&lock);
	struct snapshot *s = current;
	if (s)
		atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	account_set_unref(s->accounts);
	object_set_unref(s->objects);
	rule_set_unref(s->rules);
	config_unref(s->config);
	free(s);
}

struct snapshot *snapshot_create(unsigned n_servers, const struct settings *settings)
{
	assert(n_servers <= SERVERS_MAX);
	struct snapshot *s = calloc(1, sizeof *s + n_servers * sizeof s->servers[0]);
	if (!s)
		abort();
	s->references = 1;
	s->settings_storage = *settings;
	s->settings = &s->settings_storage;
	s->n_servers = n_servers;
	s->primary = s->held = -1;
	return s;
}

void snapshot_publish(struct snapshot *s)
{
	pthread_mutex_lock(&lock);
	struct snapshot *old = current;
	s->number = ++published;
	current = s;
	pthread_mutex_unlock(&lock);
	snapshot_unref(old);
	if (told_of_publication)
		told_of_publication();
}

void snapshot_drop(void)
{
	pthread_mutex_lock(&lock);
	struct snapshot *old = current;
	current = NULL;
	pthread_mutex_unlock(&lock);
	snapshot_unref(old);
}

void snapshot_on_publish(void (*told)(void))
{
	told_of_publication = told;
}

const struct server_info *snapshot_reference(const struct snapshot *s)
{
	if (s->primary >= 0)
		return &s->servers[s->primary];
	for (unsigned i = 0; i < s->n_servers; i++)
		if (*s->servers[i].version_text && s->servers[i].role != SERVER_MIRROR)
			return &s->servers[i];
	return NULL;
}

bool snapshot_is_mariadb(const struct snapshot *s)
{
	const struct server_info *any = snapshot_reference(s);
	return any && any->flavor == FLAVOR_MARIADB;
}

const struct server_info *snapshot_server_by_slot(const struct snapshot *s, unsigned slot)
{
	for (unsigned i = 0; i < s->n_servers; i++)
		if (s->servers[i].slot == slot)
			return &s->servers[i];
	return NULL;
}

const char *server_role_name(enum server_role role)
{
	static const char *const names[] = {"unknown", "primary", "replica", "mirror"};
	return names[role];
}

const char *server_state_name(enum server_state state)
{
	static const char *const names[] = {"new", "up", "down", "stopped", "lagging"};
	return names[state];
}
