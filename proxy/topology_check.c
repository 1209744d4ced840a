/* What is wrong with the cluster as the control thread sees it: what keeps wye from running, what a check tells. */
#include <stdio.h>
#include <string.h>

#include "proxy/accounts_load.h"
#include "proxy/config/config_change.h"
#include "proxy/topology_state.h"

/* Accounts that cannot log in, at most: each is a row. */
#define ACCOUNTS_TOLD 20

/* What to do about a server that cannot be reached. */
static const char *advice(enum library_failure failure)
{
	switch (failure) {
	case LIBRARY_UNKNOWN_HOST:
		return "check the address";
	case LIBRARY_REFUSED:
		return "is the server running, and is this its address and port?";
	case LIBRARY_TIMED_OUT:
	case LIBRARY_LOST:
		return "check the address, the network and the server's log";
	case LIBRARY_NOT_MYSQL:
		return "check the port";
	case LIBRARY_TLS:
		return "see the settings server_tls and server_ca";
	case LIBRARY_DENIED:
		return "check the monitor account's name and password, and that it may come from this host";
	case LIBRARY_FULL:
		return "raise the server's max_connections";
	case LIBRARY_MISSING_GRANT:
	case LIBRARY_SQL:
	case LIBRARY_OK:
		break;
	}
	return "see the server's log";
}

static void add_failure(struct findings *out, const struct member *m)
{
	enum library_failure failure = m->look.error.failure;
	if (!m->looked)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name, "cannot reach it: no answer in time"), "%s",
		               advice(LIBRARY_TIMED_OUT));
	else if (failure == LIBRARY_DENIED)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name, "it refuses the monitor account '%s': %s",
		                            topology.options.monitor_user, m->look.error.text),
		               "%s", advice(failure));
	else
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name, "cannot reach it: %s", m->look.error.text), "%s",
		               advice(failure));
}

static const struct member *first_that(bool (*is)(const struct member *m))
{
	for (unsigned i = 0; i < topology.members.n; i++)
		if (is(topology.members.all[i]))
			return topology.members.all[i];
	return NULL;
}

static bool answers(const struct member *m)
{
	return topology_member_up(m);
}

static bool is_given_and_silent(const struct member *m)
{
	return m->given && !m->same_as && !topology_member_up(m);
}

/* Of the addresses given, one that refuses the password tells more than one that is dead. */
static bool refuses_the_monitor(const struct member *m)
{
	return m->given && m->look.error.failure == LIBRARY_DENIED;
}

static bool hides_its_replication(const struct member *m)
{
	return member_is_real(m) && m->option.role == SERVER_ROLE_AUTO && topology_member_up(m) &&
	       (m->look.missing & 1u << DUTY_STATUS);
}

static void add_grant(struct findings *out, enum severity severity, const struct member *m, enum duty duty)
{
	char grant[512];
	monitor_grant(monitor_words_of(m->look.flavor, m->look.version), duty, m->look.account, grant,
	              sizeof grant);
	finding_advise(findings_add(out, severity, m->name, "the monitor account lacks a privilege there %s",
	                            monitor_purpose(duty)),
	               "run %s", grant);
}

static void nobody_answers(struct findings *out)
{
	if (first_that(answers))
		return;
	const struct member *m = first_that(refuses_the_monitor);
	if (!m)
		m = first_that(is_given_and_silent);
	if (m)
		add_failure(out, m);
	else
		finding_advise(findings_add(out, SEVERITY_PROBLEM, "", "no server is named"),
		               "give the address of any member, as in wye mysql://MONITOR:PASSWORD@HOST:PORT");
}

static void replication_is_hidden(struct findings *out)
{
	const struct member *m = first_that(hides_its_replication);
	if (m)
		add_grant(out, SEVERITY_PROBLEM, m, DUTY_STATUS);
}

static void no_accounts(struct findings *out)
{
	const struct accounts_state *a = &topology.accounts;
	const struct member *m = NULL;
	for (unsigned i = 0; i < topology.members.n; i++)
		if (strcmp(topology.members.all[i]->name, a->error_server) == 0)
			m = topology.members.all[i];
	struct config *config = config_get();
	bool by_hand = false;
	for (size_t i = 0; i < config->n_users; i++)
		by_hand = by_hand || config->users[i].option.has_password;
	config_unref(config);
	if (a->error.failure == LIBRARY_OK || by_hand)
		return;
	if (a->error.failure == LIBRARY_MISSING_GRANT && m)
		add_grant(out, SEVERITY_PROBLEM, m, DUTY_ACCOUNTS);
	else
		findings_add(out, SEVERITY_PROBLEM, a->error_server, "cannot read the accounts: %s", a->error.text);
}

static bool is_served(const struct member *m)
{
	return m->takes_reads;
}

static void no_primary(struct findings *out)
{
	if (topology_primary_usable() || (topology_primary() && first_that(is_served)))
		return;
	char reason[160];
	topology_primary_reason(reason, sizeof reason);
	finding_advise(findings_add(out, SEVERITY_PROBLEM, "", "no primary to be found: %s", reason),
	               "say which it is with --server ADDR,role=primary");
}

static void user_is_unknown(struct findings *out)
{
	struct config *config = config_get();
	const struct user_option *user = accounts_unknown(topology.accounts.set, config);
	if (user)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, "", "--user %s: there is no such account on the primary",
		                            user->name),
		               "give its password, --user %s:PASSWORD, or create the account", user->name);
	config_unref(config);
}

/* What keeps wye from running, what hides the next one first. */
static void (*const obstacles[])(struct findings *out) = {
    nobody_answers, replication_is_hidden, no_accounts, no_primary, user_is_unknown,
};

bool topology_obstacle(char *error, size_t error_size)
{
	struct findings found = {.n = 0};
	for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles && !found.n; i++)
		obstacles[i](&found);
	bool any = found.n > 0;
	if (any)
		finding_line(&found.all[0], error, error_size);
	findings_finish(&found);
	return any;
}

static void add_member(struct findings *out, const struct member *m)
{
	char lag[40] = "";
	if (m->role == SERVER_REPLICA && m->look.lag_us >= 0)
		snprintf(lag, sizeof lag, ", %.3f s behind", (double)m->look.lag_us / 1e6);
	findings_add(out, SEVERITY_OK, m->name, "%s, %s, %s %s%s%s%s", server_role_name(m->role),
	             server_state_name(m->health.state), m->look.flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL",
	             m->look.version_text, lag, *m->health.reason ? ", " : "", m->health.reason);
}

/* It answers, and is neither the primary nor one of its replicas. */
static void add_stranger(struct findings *out, const struct member *m)
{
	const struct look_channel *ch = member_channel(&topology.members, m);
	const struct member *source = ch ? members_source(&topology.members, m, ch) : NULL;
	char at[300] = "";
	if (ch && !source)
		endpoint_format(&ch->source, at, sizeof at);
	else if (source && source != topology_primary() && source->role != SERVER_REPLICA)
		snprintf(at, sizeof at, "%s", source->name);
	if (*at)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name,
		                            "it is a replica of another primary: it follows %s", at),
		               "let it follow this cluster's primary, or take it out of the servers");
	else if (m->slot != (unsigned)topology.roles.rival || topology.roles.rival < 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, m->name, "it is no replica of this cluster's primary%s%s",
		                            *m->role_reason ? ": " : "", m->role_reason),
		               "let it follow the primary, or take it out of the servers");
}

static void add_link(struct findings *out, const struct member *m)
{
	const struct look_channel *ch = member_channel(&topology.members, m);
	if (m->told_no_gtid && ch && !ch->gtid)
		finding_advise(findings_add(out, SEVERITY_WARNING, m->name,
		                            "it does not replicate by GTIDs: reads that must see a session's own writes go "
		                            "to the primary"),
		               m->look.flavor == FLAVOR_MARIADB
		                   ? "STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=slave_pos; START SLAVE there"
		                   : "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION=1; START REPLICA there");
	if (ch && (ch->io == LINK_STOPPED || !ch->sql))
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name, "replication has stopped there (%s thread)%s%s",
		                            ch->io != LINK_STOPPED ? "SQL" : ch->sql ? "IO" : "IO and SQL",
		                            *ch->error ? ": " : "", ch->error),
		               "%s there%s", m->look.flavor == FLAVOR_MARIADB ? "START SLAVE" : "START REPLICA",
		               *ch->error ? ", once its error is cured" : "");
}

static void find_of_member(struct findings *out, const struct member *m)
{
	if (!member_is_real(m))
		return;
	if (!topology_member_up(m)) {
		add_failure(out, m);
		return;
	}
	add_member(out, m);
	if (m->role == SERVER_MIRROR)
		return;
	if (m->role == SERVER_UNKNOWN || (m->role == SERVER_REPLICA && !m->attached))
		add_stranger(out, m);
	else if (m->role == SERVER_REPLICA && m->health.state != SERVER_STATE_UP)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, m->name, "it serves no reads: %s", m->health.reason),
		               "%s", m->health.state == SERVER_STATE_LAGGING ? "see what it applies, or raise max_lag"
		                                                     : "see SHOW EVENTS and the server's log");
	if (m->drained)
		finding_advise(findings_add(out, SEVERITY_INFO, m->name, "it is drained"), "RESUME '%s'", m->name);
	add_link(out, m);
	if (m->told_unnamed)
		finding_advise(findings_add(out, SEVERITY_WARNING, m->name, "it has a replica that does not tell its address"),
		               "set report_host there, or name it with --server");
}

/* The GRANTs wye can do without, once each. */
static void find_wishes(struct findings *out)
{
	static const enum duty wishes[] = {DUTY_REPLICAS, DUTY_LAG, DUTY_FUNCTIONS, DUTY_VIEWS};
	for (size_t k = 0; k < sizeof wishes / sizeof *wishes; k++)
		for (unsigned i = 0; i < topology.members.n; i++) {
			const struct member *m = topology.members.all[i];
			if (!member_is_real(m) || !m->known || !(m->look.missing & 1u << wishes[k]))
				continue;
			add_grant(out, SEVERITY_WARNING, m, wishes[k]);
			break;
		}
}

static bool is_of_this_machine(const struct account *a)
{
	return strcmp(a->host, "localhost") == 0 || strcmp(a->host, "127.0.0.1") == 0 || strcmp(a->host, "::1") == 0;
}

static void find_of_accounts(struct findings *out)
{
	const struct account_set *set = topology.accounts.set;
	unsigned told = 0;
	if (!set || topology.accounts.error.failure != LIBRARY_OK)
		return;
	findings_add(out, SEVERITY_OK, "", "%zu accounts", account_set_size(set));
	for (size_t i = 0; i < account_set_size(set) && told < ACCOUNTS_TOLD; i++) {
		const struct account *a = account_set_at(set, i);
		char name[160];
		if (a->plugin != ACCOUNT_OTHER || a->locked)
			continue;
		told++;
		snprintf(name, sizeof name, "'%.60s'@'%.90s'", a->user, a->host);
		finding_advise(findings_add(out, is_of_this_machine(a) ? SEVERITY_INFO : SEVERITY_WARNING, name,
		                            "cannot log in through wye: wye does not know how to verify %s", a->plugin_name),
		               "give it one of " ACCOUNT_PLUGINS_KNOWN ", if it is to use wye");
	}
}

void topology_findings(struct findings *out)
{
	for (unsigned i = 0; i < topology.members.n; i++)
		find_of_member(out, topology.members.all[i]);
	for (size_t i = 1; i < sizeof obstacles / sizeof *obstacles && first_that(answers); i++)
		obstacles[i](out);
	if (!topology.members.n)
		nobody_answers(out);
	if (topology.roles.rival >= 0) {
		const struct member *p = topology_primary();
		finding_advise(findings_add(out, SEVERITY_PROBLEM, topology.members.all[topology.roles.rival]->name,
		                            "there are two primaries: it may be written and follows nobody, and so may %s",
		                            p ? p->name : "another one"),
		               "SET GLOBAL read_only = 1 on the one that is not to be written, and let it follow the other");
	}
	find_wishes(out);
	find_of_accounts(out);
}

size_t topology_checkups(struct checkup *out, size_t n)
{
	size_t filled = 0;
	for (unsigned i = 0; i < topology.members.n && filled < n; i++) {
		const struct member *m = topology.members.all[i];
		if (!member_is_real(m))
			continue;
		struct checkup *c = &out[filled++];
		memset(c, 0, sizeof *c);
		snprintf(c->server, sizeof c->server, "%s", m->name);
		c->at = m->option.at;
		c->role = m->role;
		c->flavor = m->look.flavor;
		c->version = m->look.version;
		snprintf(c->version_text, sizeof c->version_text, "%s", m->look.version_text);
		c->up = topology_member_up(m);
	}
	return filled;
}

void topology_login(struct library_login *login)
{
	*login = (struct library_login){.user = topology.common.user,
	                                .password = topology.common.password,
	                                .tls = library_tls_of(&topology.settings)};
}
