#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/accounts_load.h"
#include "proxy/config/config_change.h"
#include "proxy/topology_state.h"

#define PROBLEM_BYTES 700

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

static void describe_failure(const struct member *m, char *out, size_t out_size)
{
	enum library_failure failure = m->look.error.failure;
	if (!m->looked)
		snprintf(out, out_size, "cannot reach %s: no answer in time; %s", m->name,
		         advice(LIBRARY_TIMED_OUT));
	else if (failure == LIBRARY_DENIED)
		snprintf(out, out_size, "%s refuses the monitor account '%s': %s; %s", m->name,
		         topology.options.monitor_user, m->look.error.text, advice(failure));
	else
		snprintf(out, out_size, "cannot reach %s: %s; %s", m->name, m->look.error.text,
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

static void describe_grant(const struct member *m, enum duty duty, char *out, size_t out_size)
{
	char grant[512];
	monitor_grant(monitor_words_of(m->look.flavor, m->look.version), duty, m->look.account, grant,
	              sizeof grant);
	snprintf(out, out_size, "the monitor account lacks a privilege on %s %s: run %s", m->name,
	         monitor_purpose(duty), grant);
}

static bool nobody_answers(char *out, size_t out_size)
{
	if (first_that(answers))
		return false;
	const struct member *m = first_that(refuses_the_monitor);
	if (!m)
		m = first_that(is_given_and_silent);
	if (m)
		describe_failure(m, out, out_size);
	else
		snprintf(out, out_size,
		         "no server is named: give the address of any member, as in "
		         "wye mysql://MONITOR:PASSWORD@HOST:PORT");
	return true;
}

static bool replication_is_hidden(char *out, size_t out_size)
{
	const struct member *m = first_that(hides_its_replication);
	if (m)
		describe_grant(m, DUTY_STATUS, out, out_size);
	return m != NULL;
}

static bool no_accounts(char *out, size_t out_size)
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
		return false;
	if (a->error.failure == LIBRARY_MISSING_GRANT && m)
		describe_grant(m, DUTY_ACCOUNTS, out, out_size);
	else
		snprintf(out, out_size, "cannot read the accounts from %s: %s", a->error_server,
		         a->error.text);
	return true;
}

static bool is_served(const struct member *m)
{
	return m->takes_reads;
}

static bool no_primary(char *out, size_t out_size)
{
	if (topology_primary_usable() || (topology_primary() && first_that(is_served)))
		return false;
	char reason[160];
	topology_primary_reason(reason, sizeof reason);
	snprintf(out, out_size, "no primary to be found: %s; say which it is with --server ADDR,role=primary",
	         reason);
	return true;
}

static bool user_is_unknown(char *out, size_t out_size)
{
	struct config *config = config_get();
	const struct user_option *user = accounts_unknown(topology.accounts.set, config);
	if (user)
		snprintf(out, out_size,
		         "--user %s: there is no such account on the primary; give its password, --user "
		         "%s:PASSWORD, "
		         "or create the account",
		         user->name, user->name);
	config_unref(config);
	return user != NULL;
}

/* What keeps wye from running, what hides the next one first. */
static bool (*const obstacles[])(char *out, size_t out_size) = {
    nobody_answers, replication_is_hidden, no_accounts, no_primary, user_is_unknown,
};

bool topology_obstacle(char *error, size_t error_size)
{
	for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++)
		if (obstacles[i](error, error_size))
			return true;
	return false;
}

static void print_member(const struct member *m)
{
	char lag[40] = "";
	if (m->role == SERVER_REPLICA && m->look.lag_us >= 0)
		snprintf(lag, sizeof lag, ", %.3f s behind", (double)m->look.lag_us / 1e6);
	printf("ok       %s: %s, %s, %s %s%s%s%s\n", m->name, server_role_name(m->role),
	       server_state_name(m->health.state), m->look.flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL",
	       m->look.version_text, lag, *m->health.reason ? ", " : "", m->health.reason);
}

static int print_problem(const char *text)
{
	printf("problem  %s\n", text);
	return 1;
}

static int report_member(const struct member *m)
{
	char text[PROBLEM_BYTES];
	if (!member_is_real(m))
		return 0;
	if (!topology_member_up(m)) {
		describe_failure(m, text, sizeof text);
		return print_problem(text);
	}
	print_member(m);
	int problems = 0;
	if (m->role == SERVER_REPLICA && m->health.state != SERVER_STATE_UP) {
		snprintf(text, sizeof text, "%s serves no reads: %s", m->name, m->health.reason);
		problems += print_problem(text);
	}
	if (m->told_no_gtid)
		printf("warning  %s does not replicate by GTIDs: reads that must see a session's own writes "
		       "go to the "
		       "primary\n",
		       m->name);
	if (m->told_unnamed)
		printf("warning  %s has a replica that does not tell its address: set report_host there, or "
		       "name it "
		       "with --server\n",
		       m->name);
	return problems;
}

/* The GRANTs wye can do without, once each. */
static void report_wishes(void)
{
	static const enum duty wishes[] = {DUTY_REPLICAS, DUTY_LAG, DUTY_FUNCTIONS, DUTY_VIEWS};
	for (size_t k = 0; k < sizeof wishes / sizeof *wishes; k++)
		for (unsigned i = 0; i < topology.members.n; i++) {
			const struct member *m = topology.members.all[i];
			char text[PROBLEM_BYTES];
			if (!member_is_real(m) || !m->known || !(m->look.missing & 1u << wishes[k]))
				continue;
			describe_grant(m, wishes[k], text, sizeof text);
			printf("warning  %s\n", text);
			break;
		}
}

int topology_check_report(void)
{
	int problems = 0;
	char text[PROBLEM_BYTES];
	for (unsigned i = 0; i < topology.members.n; i++)
		problems += report_member(topology.members.all[i]);
	for (size_t i = 1; i < sizeof obstacles / sizeof *obstacles && first_that(answers); i++)
		if (obstacles[i](text, sizeof text))
			problems += print_problem(text);
	if (!topology.members.n && nobody_answers(text, sizeof text))
		problems += print_problem(text);
	if (topology.roles.rival >= 0) {
		snprintf(text, sizeof text, "%s may be written, but is not the primary and follows nobody",
		         topology.members.all[topology.roles.rival]->name);
		problems += print_problem(text);
	}
	report_wishes();
	if (topology.accounts.set && topology.accounts.error.failure == LIBRARY_OK && first_that(answers))
		printf("ok       %zu accounts\n", account_set_size(topology.accounts.set));
	fflush(stdout);
	return problems;
}
