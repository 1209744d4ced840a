#include "proxy/topology_members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <netinet/in.h>

struct member *members_at(const struct members *ms, const struct endpoint *at)
{
	for (unsigned i = 0; i < ms->n; i++)
		if (endpoint_same(&ms->all[i]->option.at, at))
			return ms->all[i];
	return NULL;
}

struct member *members_add(struct members *ms, const struct server_option *option, bool given)
{
	if (ms->n == SERVERS_MAX)
		return NULL;
	struct member *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	m->slot = ms->n;
	m->option = *option;
	m->given = given;
	m->look.lag_us = -1;
	endpoint_format(&option->at, m->name, sizeof m->name);
	ms->all[ms->n++] = m;
	return m;
}

void members_finish(struct members *ms)
{
	for (unsigned i = 0; i < ms->n; i++)
		free(ms->all[i]);
	ms->n = 0;
}

void member_retire(struct member *m)
{
	struct member kept = {.slot = m->slot, .option = {.at = m->option.at, .weight = 1}, .retired = true};
	memcpy(kept.name, m->name, sizeof kept.name);
	kept.look.lag_us = -1;
	*m = kept;
}

bool member_is_real(const struct member *m)
{
	return !m->hidden && !m->retired && !m->same_as;
}

/* The first listed stands for all, unless it is gone and another one answers. */
static bool stands_before(const struct member *a, const struct member *b)
{
	bool a_up = a->look.error.failure == LIBRARY_OK, b_up = b->look.error.failure == LIBRARY_OK;
	if (a_up != b_up)
		return a_up;
	return a->slot < b->slot;
}

static bool same_address(const struct look *a, const struct look *b)
{
	return a->address_len && a->address_len == b->address_len &&
	       memcmp(&a->address, &b->address, a->address_len) == 0;
}

/* By what the servers say of themselves; of those that never answered, by their addresses. */
static bool same_server(const struct member *a, const struct member *b)
{
	if (a->known && b->known)
		return strcmp(a->look.identity, b->look.identity) == 0;
	return a->looked && b->looked && same_address(&a->look, &b->look);
}

void members_find_same(struct members *ms)
{
	for (unsigned i = 0; i < ms->n; i++) {
		struct member *m = ms->all[i];
		const struct member *first = m;
		for (unsigned k = 0; k < ms->n; k++)
			if (!ms->all[k]->hidden && same_server(ms->all[k], m) &&
			    stands_before(ms->all[k], first))
				first = ms->all[k];
		m->same_as = first == m ? NULL : first;
	}
}

static struct member *real_one(const struct members *ms, struct member *m)
{
	return m && m->same_as ? ms->all[m->same_as->slot] : m;
}

static struct member *by_uuid(const struct members *ms, const char *uuid)
{
	for (unsigned i = 0; *uuid && i < ms->n; i++) {
		struct member *m = ms->all[i];
		if (member_is_real(m) && m->known && strcasecmp(m->look.uuid, uuid) == 0)
			return m;
	}
	return NULL;
}

static struct member *by_server_id(const struct members *ms, uint32_t id)
{
	struct member *found = NULL;
	for (unsigned i = 0; id && i < ms->n; i++) {
		struct member *m = ms->all[i];
		if (!member_is_real(m) || !m->known || m->look.server_id != id)
			continue;
		if (found)
			return NULL; /* two of the same number: it names nobody */
		found = m;
	}
	return found;
}

static bool is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* "localhost", said by a server on another machine, is that machine. */
static struct endpoint as_seen_from(const struct member *by, const struct endpoint *said)
{
	struct endpoint at = *said;
	if (by->option.at.port && is_loopback(said->host) && !is_loopback(by->option.at.host))
		snprintf(at.host, sizeof at.host, "%s", by->option.at.host);
	return at;
}

/* Numbers before names: behind a name that is moved at a failover there is now one server and now another. */
struct member *members_source(const struct members *ms, const struct member *m,
                              const struct look_channel *channel)
{
	struct member *found = by_uuid(ms, channel->source_uuid);
	if (!found && !*channel->source_uuid)
		found = by_server_id(ms, channel->source_id);
	if (!found) {
		struct endpoint at = as_seen_from(m, &channel->source);
		found = members_at(ms, &at);
		if (found && (found->hidden || found->retired))
			found = NULL;
	}
	return real_one(ms, found);
}

const struct look_channel *member_channel(const struct members *ms, const struct member *m)
{
	for (unsigned i = 0; i < m->look.n_channels; i++)
		if (members_source(ms, m, &m->look.channels[i]))
			return &m->look.channels[i];
	return m->look.n_channels ? &m->look.channels[0] : NULL;
}

static struct member *known_replica(const struct members *ms, const struct look_replica *replica)
{
	return *replica->uuid ? by_uuid(ms, replica->uuid) : by_server_id(ms, replica->server_id);
}

static void discover_replica(struct members *ms, struct member *m, const struct look_replica *replica,
                             found_fn *found)
{
	if (known_replica(ms, replica) || !replica->at.port)
		return;
	bool guess = !*replica->at.host;
	if (guess && (!m->option.at.port || replica->at.port == m->option.at.port))
		return;
	struct endpoint at = as_seen_from(m, &replica->at);
	if (guess)
		snprintf(at.host, sizeof at.host, "%s", m->option.at.host);
	const struct member *there = members_at(ms, &at);
	if (!there || there->retired)
		found(&at, m, guess ? replica : NULL);
}

void members_discover(struct members *ms, struct member *m, found_fn *found)
{
	/* Of several sources, all but the one in this cluster are other clusters' business. */
	const struct look_channel *ch = member_channel(ms, m);
	if (ch && ch->source.port && !members_source(ms, m, ch)) {
		struct endpoint at = as_seen_from(m, &ch->source);
		found(&at, m, NULL);
	}
	for (unsigned i = 0; i < m->look.n_replicas; i++)
		discover_replica(ms, m, &m->look.replicas[i], found);
}

const struct look_replica *member_unnamed_replica(const struct members *ms, const struct member *m)
{
	for (unsigned i = 0; i < m->look.n_replicas; i++) {
		const struct look_replica *replica = &m->look.replicas[i];
		if (*replica->at.host || known_replica(ms, replica))
			continue;
		bool asked = false; /* is a guess still being looked at? */
		for (unsigned k = 0; k < ms->n; k++)
			asked |= ms->all[k]->hidden && !ms->all[k]->looked;
		if (!asked)
			return replica;
	}
	return NULL;
}

static bool tells_of(const struct members *ms, const struct member *by, const struct member *m)
{
	for (unsigned i = 0; i < by->look.n_channels; i++)
		if (members_source(ms, by, &by->look.channels[i]) == m)
			return true;
	for (unsigned i = 0; i < by->look.n_replicas; i++)
		if (known_replica(ms, &by->look.replicas[i]) == m)
			return true;
	return false;
}

bool members_tell_of(const struct members *ms, const struct member *m)
{
	for (unsigned i = 0; i < ms->n; i++)
		if (ms->all[i] != m && member_is_real(ms->all[i]) && tells_of(ms, ms->all[i], m))
			return true;
	return false;
}
