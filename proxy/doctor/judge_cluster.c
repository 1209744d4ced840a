/* The servers beside each other: what must be the same on all, and what takes two to work. */
#include <string.h>
#include <strings.h>

#include "proxy/doctor/judge.h"

const struct checkup *judge_primary(const struct judge_input *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->servers[i].asked && in->servers[i].role == SERVER_PRIMARY)
			return &in->servers[i];
	return NULL;
}

static bool is_other(const struct checkup *c, const struct checkup *primary)
{
	return c != primary && c->asked;
}

/* Semi-synchronous replication has a switch at either end. */
static void judge_semi_sync(const struct judge_input *in, const struct checkup *p, struct findings *out)
{
	unsigned on = 0, off = 0;
	const struct checkup *any = NULL;
	for (size_t i = 0; i < in->n; i++) {
		const struct checkup *c = &in->servers[i];
		if (!is_other(c, p) || c->role != SERVER_REPLICA)
			continue;
		bool acknowledges = checkup_is_on(c, CHECKUP_SEMI_SYNC_REPLICA);
		on += acknowledges;
		off += !acknowledges;
		if (acknowledges)
			any = c;
	}
	bool asks = checkup_is_on(p, CHECKUP_SEMI_SYNC_SOURCE);
	if (asks && !on)
		finding_advise(findings_add(out, SEVERITY_WARNING, p->server,
					    "semi-synchronous replication is on here, and no replica acknowledges: what it protects "
					    "against is not prevented"),
			       "SET GLOBAL %s = ON on a replica, and restart its IO thread",
			       checkup_value_name(CHECKUP_SEMI_SYNC_REPLICA, p->flavor));
	else if (!asks && any)
		finding_advise(findings_add(out, SEVERITY_WARNING, any->server,
					    "it would acknowledge (semi-synchronous replication), but the primary %s does not ask",
					    p->server),
			       "SET GLOBAL %s = ON on the primary", checkup_value_name(CHECKUP_SEMI_SYNC_SOURCE, p->flavor));
	else if (asks && checkup_is_off(p, CHECKUP_SEMI_SYNC_STATUS))
		finding_advise(findings_add(out, SEVERITY_WARNING, p->server,
					    "semi-synchronous replication has fallen back to asynchronous: %lld replicas are connected "
					    "that acknowledge", (long long)checkup_number(p, CHECKUP_SEMI_SYNC_CLIENTS)),
			       "restart the IO threads of the replicas, and see why they were late");
	else if (asks && off)
		findings_add(out, SEVERITY_INFO, p->server,
			     "semi-synchronous replication: %u replica%s do not acknowledge", off, off == 1 ? "" : "s");
}

static void judge_version(const struct checkup *c, const struct checkup *p, struct findings *out)
{
	if (c->flavor != p->flavor)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "it runs %s %s, the primary %s %s",
					    c->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL", c->version_text,
					    p->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL", p->version_text),
			       "use one kind of server: statements, types and GTIDs differ");
	else if (c->version / 100 < p->version / 100)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "it runs %s, older than the primary's %s",
					    c->version_text, p->version_text),
			       "bring replicas to a version first, the primary last");
	else if (c->version != p->version)
		findings_add(out, SEVERITY_INFO, c->server, "it runs %s, the primary %s", c->version_text, p->version_text);
}

static const char *zone_of(const struct checkup *c)
{
	bool system = strcasecmp(c->value[CHECKUP_TIME_ZONE], "SYSTEM") == 0;
	return c->value[system ? CHECKUP_SYSTEM_TIME_ZONE : CHECKUP_TIME_ZONE];
}

static void judge_beside(const struct checkup *c, const struct checkup *p, struct findings *out)
{
	judge_version(c, p, out);
	if (strcasecmp(zone_of(c), zone_of(p)) != 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "its time zone is %s, the primary's %s: NOW() differs",
					    zone_of(c), zone_of(p)),
			       "SET GLOBAL time_zone = '+00:00' on all of them, and in their option files");
	if (*c->zones && *p->zones && strcmp(c->zones, p->zones) != 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "its time zone tables are of another version than the primary's"),
			       "load the same time zones on all servers");
	else if (!*c->zones != !*p->zones)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "%s has time zone tables, %s has none",
					    *c->zones ? c->server : p->server, *c->zones ? p->server : c->server),
			       "load the same time zones on all servers: reads answer differently");
	if (strcmp(c->value[CHECKUP_LOWER_CASE_NAMES], p->value[CHECKUP_LOWER_CASE_NAMES]) != 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "lower_case_table_names is %s, on the primary %s",
					    c->value[CHECKUP_LOWER_CASE_NAMES], p->value[CHECKUP_LOWER_CASE_NAMES]),
			       "make it the same: names that one server finds another does not");
	if (checkup_is_on(p, CHECKUP_TRUST_FUNCTIONS) && checkup_is_off(c, CHECKUP_TRUST_FUNCTIONS) &&
	    checkup_is_on(c, CHECKUP_LOG_BIN))
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "log_bin_trust_function_creators is off, on the primary it is on: replication stops (1418) at "
					    "a function that the primary takes"),
			       "SET GLOBAL log_bin_trust_function_creators = 1 there");
}

void judge_cluster(const struct judge_input *in, struct findings *out)
{
	const struct checkup *p = judge_primary(in);
	if (!p)
		return;
	judge_semi_sync(in, p, out);
	for (size_t i = 0; i < in->n; i++)
		if (is_other(&in->servers[i], p))
			judge_beside(&in->servers[i], p, out);
}
