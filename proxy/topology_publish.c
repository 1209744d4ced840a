#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/topology_change.h"
#include "proxy/topology_state.h"
#include "router/gtid.h"

/* How often a snapshot is made for nothing but a lag that moved, and what counts as moved. */
#define LAG_EVERY_US 1000000
#define LAG_STEP_US  1000

static bool is_local(const struct member *m)
{
	if (!m->option.at.port)
		return true;
	const struct sockaddr_storage *a = &m->look.address;
	if (a->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static void describe_source(const struct member *m, char *out, size_t out_size)
{
	const struct look_channel *ch = member_channel(&topology.members, m);
	const struct member *source = ch ? members_source(&topology.members, m, ch) : NULL;
	*out = '\0';
	if (source)
		snprintf(out, out_size, "%s", source->name);
	else if (ch)
		endpoint_format(&ch->source, out, out_size);
}

static int64_t lag_to_show(const struct member *m, bool primary_up)
{
	if (m->role == SERVER_PRIMARY)
		return m->health.state == SERVER_STATE_UP ? 0 : -1;
	return m->role == SERVER_REPLICA && primary_up && m->look.error.failure == LIBRARY_OK ? m->look.lag_us
	                                                                                      : -1;
}

static void describe_role(const struct member *m, char *out, size_t out_size)
{
	if (!*m->health.reason && m->role == SERVER_MIRROR)
		snprintf(out, out_size, "for copies of statements only (rules)");
	else if (*m->health.reason || m->role != SERVER_UNKNOWN)
		snprintf(out, out_size, "%s", m->health.reason);
	else if (!m->look.read_only)
		snprintf(out, out_size, "it may be written, but is not the primary");
	else
		snprintf(out, out_size, "it replicates from nobody");
}

/* As the sets of transactions have it. */
static void fill_uuid(struct server_info *s, const char *uuid)
{
	char text[64];
	struct gtid_set one;
	gtid_set_init(&one, FLAVOR_MYSQL);
	snprintf(text, sizeof text, "%s:1", uuid);
	if (gtid_set_parse(&one, view_of(text)) == GTID_OK && gtid_set_ranges(&one) == 1) {
		s->uuid_hi = gtid_set_range(&one, 0).range.hi;
		s->uuid_lo = gtid_set_range(&one, 0).range.lo;
	}
	gtid_set_finish(&one);
}

static void fill(struct server_info *s, const struct member *m, bool primary_up)
{
	s->slot = m->slot;
	s->at = m->option.at;
	memcpy(s->name, m->name, sizeof s->name);
	s->address = m->look.address;
	s->address_len = m->look.address_len;
	s->local = is_local(m);
	s->flavor = m->look.flavor;
	s->version = m->look.version;
	memcpy(s->version_text, m->look.version_text, sizeof s->version_text);
	fill_uuid(s, m->look.uuid);
	s->role = m->role;
	s->state = m->health.state;
	s->takes_reads = m->takes_reads;
	s->reads_since_ms = (uint64_t)m->reads_since_us / 1000;
	s->read_only = m->look.read_only;
	s->lag_us = lag_to_show(m, primary_up);
	s->weight = m->option.weight;
	s->distance = *topology.settings.zone && strcmp(m->option.zone, topology.settings.zone) != 0;
	s->default_collation = m->look.collation;
	s->sql_mode = m->look.sql_mode;
	s->autocommit_off = m->look.autocommit_off;
	s->defaults = m->look.defaults;
	s->drained = m->drained;
	if (m->drained)
		snprintf(s->reason, sizeof s->reason, "drained: RESUME '%.100s' lets it serve reads again", m->name);
	else
		describe_role(m, s->reason, sizeof s->reason);
	s->since_us = m->since_us;
	describe_source(m, s->source, sizeof s->source);
}

/* Those of the configuration in force. */
static struct rule_set *rules_in_force(void)
{
	struct config *c = config_get();
	struct rule_set *rules = c && c->rule_set && c->rule_set->n ? rule_set_ref(c->rule_set) : NULL;
	config_unref(c);
	return rules;
}

static struct snapshot *build(void)
{
	unsigned n = 0;
	const struct member *p = topology_primary();
	bool primary_up = p && topology_member_up(p);
	const char *why;
	int held = topology_held(&why);
	for (unsigned i = 0; i < topology.members.n; i++)
		n += member_is_real(topology.members.all[i]);
	struct snapshot *s = snapshot_create(n, &topology.settings);
	n = 0;
	for (unsigned i = 0; i < topology.members.n; i++) {
		const struct member *m = topology.members.all[i];
		if (!member_is_real(m))
			continue;
		if (m == p && topology_primary_answers() && held < 0)
			s->primary = (int)n;
		fill(&s->servers[n++], m, primary_up);
	}
	s->held = held;
	if (held >= 0)
		snprintf(s->primary_reason, sizeof s->primary_reason, "%s", why);
	else if (!topology_primary_usable())
		topology_primary_reason(s->primary_reason, sizeof s->primary_reason);
	s->accounts = account_set_ref(topology.accounts.set);
	s->accounts_ticket = topology.accounts.answered;
	s->objects = object_set_ref(topology.objects.set);
	s->objects_ticket = topology.objects.answered;
	s->rules = rules_in_force();
	s->config = config_get();
	return s;
}

static bool same_defaults(const struct server_defaults *a, const struct server_defaults *b)
{
	return strcmp(a->sql_mode, b->sql_mode) == 0 && a->wait_timeout == b->wait_timeout &&
	       a->interactive_timeout == b->interactive_timeout && a->init_connect_hash == b->init_connect_hash;
}

static bool same_server(const struct server_info *a, const struct server_info *b)
{
	/* A reason may hold a lag that moves: it is looked at only where it is one of another kind. */
	return a->slot == b->slot && a->role == b->role && a->state == b->state &&
	       a->takes_reads == b->takes_reads && a->drained == b->drained && a->read_only == b->read_only && a->version == b->version &&
	       a->flavor == b->flavor && a->weight == b->weight && a->distance == b->distance && a->address_len == b->address_len &&
	       memcmp(&a->address, &b->address, a->address_len) == 0 && a->since_us == b->since_us &&
	       a->default_collation == b->default_collation && a->sql_mode == b->sql_mode &&
	       a->autocommit_off == b->autocommit_off && same_defaults(&a->defaults, &b->defaults) &&
	       strcmp(a->version_text, b->version_text) == 0 && strcmp(a->source, b->source) == 0 &&
	       (a->state == SERVER_STATE_LAGGING || strcmp(a->reason, b->reason) == 0);
}

static bool same(const struct snapshot *a, const struct snapshot *b)
{
	if (a->n_servers != b->n_servers || a->primary != b->primary || a->held != b->held || a->accounts != b->accounts ||
	    a->accounts_ticket != b->accounts_ticket || a->objects != b->objects ||
	    a->objects_ticket != b->objects_ticket || a->rules != b->rules || a->config != b->config || strcmp(a->primary_reason, b->primary_reason) != 0)
		return false;
	for (unsigned i = 0; i < a->n_servers; i++)
		if (!same_server(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}

static bool lag_moved(const struct snapshot *a, const struct snapshot *b)
{
	for (unsigned i = 0; i < a->n_servers; i++)
		if (llabs(a->servers[i].lag_us - b->servers[i].lag_us) >= LAG_STEP_US ||
		    (a->servers[i].lag_us < 0) != (b->servers[i].lag_us < 0))
			return true;
	return false;
}

void topology_publish_changes(void)
{
	struct snapshot *s = build();
	const struct snapshot *last = topology.published;
	bool publish = !last || !same(last, s) ||
	               (topology.now_us - topology.published_us >= LAG_EVERY_US && lag_moved(last, s));
	if (publish) {
		snapshot_unref(topology.published);
		snapshot_publish(s);
		topology.published = snapshot_get();
		topology.published_us = topology.now_us;
	} else {
		snapshot_unref(s);
	}
}
