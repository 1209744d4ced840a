/* ProxySQL's servers, accounts and variables, as rows of wye's tables or the reason why there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/import/proxysql.h"
#include "proxy/import/proxysql_file.h"
#include "proxy/settings.h"

#define NAME_MAX_BYTES 300

static void name_of(const struct proxysql_server *s, char name[NAME_MAX_BYTES])
{
	bool v6 = strchr(s->host, ':');
	snprintf(name, NAME_MAX_BYTES, s->port ? (v6 ? "[%s]:%d" : "%s:%d") : "%s", s->host, s->port);
}

static bool same_server(const struct proxysql_server *a, const struct proxysql_server *b)
{
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static bool is_offline(const struct proxysql_server *s)
{
	return strncasecmp(s->status, "OFFLINE", 7) == 0;
}

/* The hostgroups that have it, and the weight that its reads have: that in the reader's group, if it is there. */
static long long gather(const struct proxysql *p, const struct proxysql_server *s, char *groups, size_t size)
{
	long long weight = s->weight;
	*groups = '\0';
	for (size_t i = 0; i < p->n_servers; i++) {
		if (!same_server(&p->servers[i], s))
			continue;
		size_t n = strlen(groups);
		snprintf(groups + n, size - n, "%s%d", n ? ", " : "", p->servers[i].group);
		if (p->servers[i].group == p->reader)
			weight = p->servers[i].weight;
	}
	return weight;
}

static bool seen_before(const struct proxysql *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_server(&p->servers[k], &p->servers[i]))
			return true;
	return false;
}

static bool is_elsewhere(const struct proxysql *p, const struct proxysql_server *s)
{
	if (!p->several)
		return false;
	for (size_t i = 0; i < p->n_servers; i++)
		if (same_server(&p->servers[i], s) && (p->servers[i].group == p->writer || p->servers[i].group == p->reader))
			return false;
	return true;
}

static void plan_server(const struct proxysql *p, const struct proxysql_server *s, long long heaviest, struct plan *plan)
{
	char name[NAME_MAX_BYTES], groups[120], weight[24], reason[400];
	long long w = gather(p, s, groups, sizeof groups);
	name_of(s, name);
	if (is_elsewhere(p, s)) {
		plan_note(plan, PLAN_NO_COUNTERPART, "server %s (hostgroups %s)\tof another cluster: a wye of its own stands before that",
			  name, groups);
		return;
	}
	if (is_offline(s)) {
		plan_note(plan, PLAN_NO_COUNTERPART,
			  "server %s (hostgroups %s)\tit is %s: a server that is to rest is there, and DRAIN '%s' keeps it from reads",
			  name, groups, s->status, name);
		return;
	}
	if (w == 0)
		plan_note(plan, PLAN_NO_COUNTERPART,
			  "weight 0 of %s\tit gets the weight 1: DRAIN '%s' keeps a server from reads for a time, role = 'mirror' for good",
			  name, name);
	/* Shares are what counts: weights beyond wye's 1000 are scaled. */
	long long share = heaviest > 1000 ? w * 1000 / heaviest : w;
	snprintf(weight, sizeof weight, "%lld", share < 1 ? 1 : share);
	snprintf(reason, sizeof reason, "hostgroup%s %s: whether it is primary or replica wye finds out", strchr(groups, ',') ? "s" : "",
		 groups);
	plan_row(plan, PLAN_SERVERS, (const char *[]){name, "auto", weight, s->comment}, 4, reason);
}

static void plan_setting(struct plan *plan, const char *name, const char *value, const char *reason)
{
	plan_row(plan, PLAN_SETTINGS, (const char *[]){name, value}, 2, reason);
}

/* What ProxySQL says of each server, and wye of all. */
static void plan_limits(const struct proxysql *p, struct plan *plan)
{
	long long lag = 0, connections = 0;
	bool lags_differ = false, connections_differ = false, all_tls = p->n_servers, all_packed = p->n_servers;
	char value[32];
	for (size_t i = 0; i < p->n_servers; i++) {
		const struct proxysql_server *s = &p->servers[i];
		all_tls &= s->tls;
		all_packed &= s->compression;
		lags_differ |= lag && s->max_lag && lag != s->max_lag;
		if (s->max_lag && (!lag || s->max_lag < lag))
			lag = s->max_lag;
		connections_differ |= connections && s->max_connections && connections != s->max_connections;
		if (s->max_connections && (!connections || s->max_connections < connections))
			connections = s->max_connections;
	}
	if (lag) {
		snprintf(value, sizeof value, "%llds", lag);
		plan_setting(plan, "max_lag", value,
			     lags_differ ? "the smallest max_replication_lag: one for all servers" : "max_replication_lag");
	}
	if (connections) {
		snprintf(value, sizeof value, "%lld", connections > 100000 ? 100000 : connections);
		plan_setting(plan, "server_max_connections", value,
			     connections_differ ? "the smallest max_connections: one for all servers" : "max_connections of the servers");
	}
	if (all_tls)
		plan_setting(plan, "server_tls", "required", "use_ssl of all servers");
	else
		plan_note(plan, PLAN_NOT_NEEDED, "use_ssl\tserver_tls = auto: TLS where a server offers it and the way is not local");
	if (all_packed)
		plan_setting(plan, "server_compression", "zlib", "compression of all servers");
}

void proxysql_plan_servers(const struct proxysql *p, struct plan *plan)
{
	long long heaviest = 0;
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i].weight > heaviest)
			heaviest = p->servers[i].weight;
	for (size_t i = 0; i < p->n_servers; i++)
		if (!seen_before(p, i))
			plan_server(p, &p->servers[i], heaviest, plan);
	plan_limits(p, plan);
	if (p->told)
		plan_note(plan, PLAN_NOT_NEEDED,
			  "hostgroups %d (writer) and %d (reader)\troles follow the replication and read_only; in hints and in ProxySQL's "
			  "tables on wye's console they are 10 and 20",
			  p->writer, p->reader);
	else if (p->writer != PROXYSQL_NONE)
		plan_note(plan, PLAN_NOT_NEEDED,
			  "hostgroups\tno table says what they are for: hostgroup %d, of most accounts, is taken for the primary%s",
			  p->writer, p->reader != PROXYSQL_NONE ? ", the other for the replicas" : "");
}

/* ---- accounts ---- */

static const char *kind_of(const char *password)
{
	return !password || !*password ? "no password" : *password == '*' && strlen(password) == 41 ? "a hash"
							  : strncmp(password, "$A$", 3) == 0 ? "a hash" : "a password as it is typed";
}

static void plan_user(const struct proxysql *p, const struct proxysql_user *u, struct plan *plan, bool with_passwords)
{
	char reason[300];
	const char *kind = kind_of(u->password);
	bool typed = *kind == 'a' && strcmp(kind, "a hash") != 0;
	if (!u->active) {
		plan_note(plan, PLAN_NO_COUNTERPART,
			  "account %s\tit is not active; wye lets in whom the primary knows: ALTER USER ... ACCOUNT LOCK there", u->name);
		return;
	}
	const char *password = with_passwords && typed ? u->password : NULL;
	snprintf(reason, sizeof reason, "%s in ProxySQL: %s", kind,
		 password ? "kept in wye's table" : "not needed, accounts are checked as the primary does");
	plan_row(plan, PLAN_USERS, (const char *[]){u->name, password, NULL}, 3, reason);
	if (*u->schema)
		plan_note(plan, PLAN_NO_COUNTERPART, "default_schema '%s' of %s\tname it in the application's address", u->schema, u->name);
	if (u->schema_locked)
		plan_note(plan, PLAN_NO_COUNTERPART, "schema_locked of %s\tits GRANTs say where it may go", u->name);
	if (u->fast_forward)
		plan_note(plan, PLAN_NO_COUNTERPART, "fast_forward of %s\tall that it sends is read and routed", u->name);
	if (u->max_connections != 10000)
		plan_note(plan, PLAN_NO_COUNTERPART, "max_connections %lld of %s\tset max_clients of its row in the table users",
			  u->max_connections, u->name);
	if (u->group != p->writer && !proxysql_target(p, u->group))
		plan_note(plan, PLAN_NO_COUNTERPART,
			  "default_hostgroup %d of %s\tit has no server or several: its reads go to any replica; a rule can name one server",
			  u->group, u->name);
}

void proxysql_plan_users(const struct proxysql *p, struct plan *plan, bool with_passwords)
{
	for (size_t i = 0; i < p->n_users; i++)
		plan_user(p, &p->users[i], plan, with_passwords);
}

/* ---- variables ---- */

/* Those with a setting of the same meaning, where they are not as ProxySQL has them by itself. */
static const struct {
	const char *variable, *usual, *setting, *unit;
} variables[] = {
	{"mysql-max_connections", "2048", "max_connections", ""},
	{"mysql-wait_timeout", "28800000", "idle_timeout", "ms"},
	{"mysql-connect_timeout_server", "3000", "connect_timeout", "ms"},
	{"mysql-connect_timeout_server_max", "10000", "queue_timeout", "ms"},
	{"mysql-max_allowed_packet", "67108864", "max_packet", ""},
	{"mysql-max_stmts_per_connection", "20", "server_statements", ""},
	{"mysql-ssl_p2s_ca", "", "server_ca", ""},
};

/* Those that something else stands for. */
static const struct {
	const char *variable, *what;
} others[] = {
	{"mysql-interfaces", "--listen ADDR, or WYE_LISTEN"},
	{"admin-mysql_ifaces", "--admin ADDR, or WYE_ADMIN"},
	{"admin-web_port", "the dashboard is on --http ADDR"},
	{"mysql-monitor_username", "USER in wye's address mysql://USER@HOST, with the rights that the README names"},
	{"mysql-default_query_timeout", "a rule with a timeout"},
	{"mysql-server_version", "the primary's own version is told"},
};

struct reading {
	struct plan *plan;
	unsigned left;
};

static void read_variable(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	const char *name = proxysql_text(row, "variable_name"), *value = proxysql_text(row, "variable_value");
	char text[600], reason[200], why[320];
	struct settings scratch;
	if (!name || !value)
		return;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		if (strcasecmp(name, variables[i].variable) != 0)
			continue;
		if (strcmp(value, variables[i].usual) == 0)
			return;
		settings_default(&scratch);
		snprintf(text, sizeof text, "%s%s", value, variables[i].unit);
		snprintf(reason, sizeof reason, "%s", name);
		if (settings_set(&scratch, variables[i].setting, text, why, sizeof why))
			plan_setting(r->plan, variables[i].setting, text, reason);
		else
			plan_note(r->plan, PLAN_NO_COUNTERPART, "%s = %s\t%s", name, value, why);
		return;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcasecmp(name, others[i].variable) == 0) {
			plan_note(r->plan, PLAN_NO_COUNTERPART, "%s = %s\t%s", name, value, others[i].what);
			return;
		}
	if (strcasecmp(name, "admin-admin_credentials") == 0)
		plan_note(r->plan, PLAN_NO_COUNTERPART, "%s\tINSERT INTO admins(name, password) VALUES(...) makes wye's own", name);
	else
		r->left++;
}

bool proxysql_plan_variables(sqlite3 *db, struct plan *plan, char *error, size_t error_size)
{
	struct reading r = {plan, 0};
	if (!proxysql_rows(db, "global_variables", read_variable, &r, error, error_size))
		return false;
	if (r.left)
		plan_note(plan, PLAN_NOT_NEEDED, "%u other variables\twye's settings have values of their own (wye help settings)",
			  r.left);
	return true;
}
