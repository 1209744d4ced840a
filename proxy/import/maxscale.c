#include "proxy/import/maxscale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/import/ini.h"
#include "proxy/import/proxysql_pattern.h"
#include "proxy/settings.h"

#define PLACE_STEP 10

struct reading {
	const struct ini *ini;
	struct plan *plan;
	int place; /* of the next rule */
};

static bool is(const char *text, const char *word)
{
	return text && strcasecmp(text, word) == 0;
}

static bool is_on(const char *text)
{
	return is(text, "true") || is(text, "on") || is(text, "yes") || is(text, "1");
}

/* "a|b, c": the next word, or NULL; *list is moved behind it. */
static char *next_word(char **list, const char *marks)
{
	char *word;
	while ((word = strsep(list, marks))) {
		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = '\0';
		if (*word)
			return word;
	}
	return NULL;
}

static const char *address_of(const struct ini_section *server, char *out, size_t size)
{
	const char *host = ini_get(server, "address"), *port = ini_get(server, "port"), *socket = ini_get(server, "socket");
	if (socket || !host)
		snprintf(out, size, "%s", socket ? socket : "");
	else
		snprintf(out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port ? port : "3306");
	return out;
}

static void setting(struct reading *r, const struct ini_section *s, const char *key, const char *name, const char *value)
{
	char why[320], reason[160];
	struct settings scratch;
	settings_default(&scratch);
	snprintf(reason, sizeof reason, "%.60s of %.60s", key, s->name);
	if (settings_set(&scratch, name, value, why, sizeof why))
		plan_row(r->plan, PLAN_SETTINGS, (const char *[]){name, value}, 2, reason);
	else
		plan_note(r->plan, PLAN_NO_COUNTERPART, "%s = %s of %s\t%s", key, value, s->name, why);
}

/* ---- what any key means ---- */

/* A value goes to a setting as it is, or by one of its words; an empty setting: the note alone. */
static const struct key {
	const char *type, *key;
	const char *setting;
	const char *words[12]; /* theirs, ours, theirs, ours...; none: as it is */
	const char *note;      /* why there is none, or what there is */
	bool needless;
} keys[] = {
	{"service", "max_replication_lag", "max_lag", {NULL}, NULL, false},
	{"service", "max_slave_replication_lag", "max_lag", {NULL}, NULL, false},
	{"service", "master_accept_reads", "reads_on_primary", {"true", "always", "false", "fallback", NULL}, NULL, false},
	{"service", "causal_reads", "consistency",
	 {"local", "session", "fast", "session", "global", "global", "fast_global", "global", "universal", "global", NULL},
	 "consistency = session, which needs no more, is wye's usual", true},
	{"service", "causal_reads_timeout", "causal_timeout", {NULL}, NULL, false},
	{"service", "slave_selection_criteria", "balance",
	 {"least_current_operations", "least_connections", "least_router_connections", "least_connections",
	  "least_global_connections", "least_connections", "adaptive_routing", "least_latency", NULL},
	 "wye takes replicas in turn (balance)", false},
	{"service", "delayed_retry_timeout", "failover_timeout", {NULL}, NULL, false},
	{"service", "wait_timeout", "idle_timeout", {NULL}, NULL, false},
	{"service", "connection_timeout", "idle_timeout", {NULL}, NULL, false},
	{"service", "max_connections", "max_connections", {NULL}, NULL, false},
	{"service", "version_string", "server_version", {NULL}, NULL, false},
	{"service", "user", "", {NULL}, "USER in wye's address mysql://USER@HOST, with the rights that the README names", false},
	{"service", "password", "", {NULL}, "--password-file", false},
	{"service", "use_sql_variables_in", "", {NULL}, "user variables follow the session", true},
	{"service", "max_sescmd_history", "", {NULL}, "state is kept by name, not by what set it", true},
	{"service", "prune_sescmd_history", "", {NULL}, "state is kept by name, not by what set it", true},
	{"service", "strict_multi_stmt", "", {NULL}, "each statement of a text is read", true},
	{"service", "strict_sp_calls", "", {NULL}, "CALL runs on the primary, and binds nothing that it does not leave", true},
	{"service", "master_reconnection", "", {NULL}, "a session outlives its connections", true},
	{"service", "master_failure_mode", "", {NULL}, "reads go on, writes wait for a primary (failover_timeout)", true},
	{"service", "retry_failed_reads", "", {NULL}, "reads are tried again elsewhere", true},
	{"service", "delayed_retry", "", {NULL}, "statements for the primary wait for one (failover_timeout)", true},
	{"service", "max_slave_connections", "", {NULL}, "a session holds no connection while it rests", true},
	{"service", "idle_session_pool_time", "", {NULL}, "a session holds no connection while it rests", true},
	{"service", "enable_root_user", "", {NULL}, "root may log in as the primary lets it: lock it there, or deny it by a rule", false},
	{"service", "localhost_match_wildcard_host", "", {NULL}, "accounts match as on the server", true},
	{"monitor", "monitor_interval", "monitor_interval", {NULL}, NULL, false},
	{"monitor", "backend_connect_timeout", "connect_timeout", {NULL}, NULL, false},
	{"monitor", "auto_failover", "", {NULL}, "SET failover = auto does so, where the monitor account may (docs/failover.md)", false},
	{"monitor", "auto_rejoin", "", {NULL}, "REJOIN on the console (docs/failover.md)", false},
	{"monitor", "switchover_on_low_disk_space", "", {NULL}, "SWITCHOVER on the console (docs/failover.md)", false},
	{"monitor", "user", "", {NULL}, "USER in wye's address mysql://USER@HOST, with the rights that the README names", false},
	{"monitor", "password", "", {NULL}, "--password-file", false},
	{"server", "rank", "", {NULL}, "settings.zone and servers.zone keep reads near; the others serve when these cannot", false},
	{"server", "priority", "", {NULL}, "Galera's order of writers has no counterpart", false},
	{"server", "ssl_ca", "server_ca", {NULL}, NULL, false},
	{"server", "ssl_ca_cert", "server_ca", {NULL}, NULL, false},
	{"maxscale", "threads", "threads", {"auto", "0", NULL}, NULL, false},
	{"maxscale", "admin_host", "", {NULL}, "--admin ADDR is the console, --http ADDR the dashboard", false},
	{"maxscale", "admin_port", "", {NULL}, "--admin ADDR is the console, --http ADDR the dashboard", false},
	{"maxscale", "log_info", "log_level", {"true", "info", "1", "info", NULL}, "info is wye's usual", true},
};

static const char *const understood[] = {"type",   "address", "port",    "socket",   "protocol", "router", "servers", "cluster",
					 "targets", "service", "filters", "module",   "router_options", "ssl", "authenticator"};

static const char *word_for(const struct key *k, const char *value)
{
	for (size_t i = 0; k->words[i]; i += 2)
		if (strcasecmp(k->words[i], value) == 0)
			return k->words[i + 1];
	return NULL;
}

static void plan_key(struct reading *r, const struct ini_section *s, const char *type, const struct ini_value *v)
{
	for (size_t i = 0; i < sizeof understood / sizeof *understood; i++)
		if (is(v->key, understood[i]))
			return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct key *k = &keys[i];
		if (!is(type, k->type) || !is(v->key, k->key))
			continue;
		const char *word = word_for(k, v->value);
		bool secret = strstr(k->key, "password");
		if (*k->setting && (word || !k->words[0] || (is(k->setting, "threads") && !word)))
			setting(r, s, v->key, k->setting, word ? word : v->value);
		else
			plan_note(r->plan, k->needless ? PLAN_NOT_NEEDED : PLAN_NO_COUNTERPART, "%s = %s of %s\t%s", v->key,
				  secret ? "..." : v->value, s->name, k->note ? k->note : "nothing of this value");
		return;
	}
	plan_note(r->plan, PLAN_NO_COUNTERPART, "%s = %s of %s\tnot known to this import", v->key,
		  strcasestr(v->key, "passw") || strcasestr(v->key, "key") ? "..." : v->value, s->name);
}

static void plan_keys(struct reading *r, const struct ini_section *s, const char *type)
{
	for (size_t i = 0; i < s->n; i++)
		plan_key(r, s, type, &s->values[i]);
}

/* ---- sections ---- */

static void plan_server(struct reading *r, const struct ini_section *s)
{
	char name[300];
	plan_row(r->plan, PLAN_SERVERS, (const char *[]){address_of(s, name, sizeof name), "auto", "1", s->name}, 4,
		 "whether it is primary or replica wye finds out");
	plan_keys(r, s, "server");
}

static void plan_service(struct reading *r, const struct ini_section *s)
{
	const char *router = ini_get(s, "router");
	if (is(router, "readwritesplit") || is(router, "readconnroute"))
		plan_keys(r, s, "service");
	else
		plan_note(r->plan, PLAN_NO_COUNTERPART, "service %s\tits router is %s: wye has nothing of its kind", s->name,
			  router ? router : "not named");
}

static const char *route_of_service(const struct ini_section *service)
{
	const char *options = service ? ini_get(service, "router_options") : NULL;
	if (!service || !is(ini_get(service, "router"), "readconnroute"))
		return "";
	return options && strcasestr(options, "slave") ? ",route=replica" : options && strcasestr(options, "master") ? ",route=primary" : "";
}

static void plan_listener(struct reading *r, const struct ini_section *s)
{
	const char *host = ini_get(s, "address"), *port = ini_get(s, "port"), *socket = ini_get(s, "socket");
	const char *service = ini_get(s, "service");
	const char *route = route_of_service(service ? ini_section_named(r->ini, service) : NULL);
	bool any = !host || is(host, "::");
	if (socket)
		plan_note(r->plan, PLAN_NO_COUNTERPART, "listener %s\tis given at the start: --listen %s%s", s->name, socket, route);
	else
		plan_note(r->plan, PLAN_NO_COUNTERPART, "listener %s\tis given at the start: --listen %s:%s%s", s->name,
			  any ? "0.0.0.0" : host, port ? port : "3306", route);
}

static void plan_monitor(struct reading *r, const struct ini_section *s)
{
	const char *module = ini_get(s, "module");
	if (!is(module, "mariadbmon") && !is(module, "mysqlmon"))
		plan_note(r->plan, PLAN_NO_COUNTERPART, "monitor %s\tof %s: wye watches primaries with their replicas", s->name,
			  module ? module : "no module");
	plan_keys(r, s, "monitor");
}

/* ---- filters ---- */

static const struct {
	const char *module, *note;
	bool needless;
} filters[] = {
	{"hintfilter", "hints are read, MaxScale's among them (wye help hints)", true},
	{"ccrfilter", "a session sees what it wrote (consistency)", true},
	{"optimistictrx", "START TRANSACTION READ ONLY runs on a replica", true},
	{"topfilter", "stats_statements has them all", true},
	{"qlafilter", "slow_log_time and audit = statements log them (docs/logs.md)", false},
	{"tee", "a rule with mirror copies reads to another server (docs/rules.md)", false},
	{"dbfwfilter", "rules with deny refuse statements (docs/rules.md)", false},
	{"maxrows", "there is none; LIMIT by a rule with rewrite", false},
	{"throttlefilter", "user_max_clients and user_max_connections bound an account", false},
};

static bool is_used(const struct ini *ini, const char *filter)
{
	for (size_t i = 0; i < ini->n; i++) {
		const char *names = ini_get(&ini->sections[i], "filters");
		char *copy = names ? strdup(names) : NULL, *at = copy, *word;
		bool found = false;
		while (at && (word = next_word(&at, "|,")))
			found |= is(word, filter);
		free(copy);
		if (found)
			return true;
	}
	return false;
}

static void plan_rule(struct reading *r, const struct ini_section *s, const char *match, const char *route, const char *rewrite)
{
	char id[16], error[500];
	const char *texts[RULE_FIELD_COUNT] = {NULL};
	struct rule parsed;
	const char *options = ini_get(s, "options");
	char *pattern;
	if (asprintf(&pattern, "%s%s", options && strcasestr(options, "ignorecase") ? "" : "(?-i)", match) < 0)
		abort();
	snprintf(id, sizeof id, "%d", r->place);
	texts[RULE_ID] = id;
	texts[RULE_USER] = ini_get(s, "user");
	texts[RULE_CLIENT] = ini_get(s, "source");
	texts[RULE_MATCH_PATTERN] = pattern;
	texts[RULE_ROUTE] = route;
	texts[RULE_REWRITE] = rewrite;
	texts[RULE_CONTINUE] = rewrite ? "1" : NULL;
	texts[RULE_COMMENT] = s->name;
	if (rule_parse(&parsed, texts, true, error, sizeof error)) {
		plan_row(r->plan, PLAN_RULES, texts, RULE_FIELD_COUNT, NULL);
		r->place += PLACE_STEP;
	} else {
		plan_note(r->plan, PLAN_NO_COUNTERPART, "filter %s\t%s", s->name, error);
	}
	rule_finish(&parsed);
	free(pattern);
}

static void plan_target(struct reading *r, const struct ini_section *s, const char *match, const char *target)
{
	char name[300];
	const struct ini_section *server = ini_section_named(r->ini, target);
	const char *route = is(target, "->master") || is(target, "master") ? "primary"
			    : is(target, "->slave") || is(target, "slave") ? "replica"
			    : server && is(ini_get(server, "type"), "server") ? address_of(server, name, sizeof name)
									     : NULL;
	if (route)
		plan_rule(r, s, match, route, NULL);
	else
		plan_note(r->plan, PLAN_NO_COUNTERPART, "filter %s\t%s is no single server: a rule names primary, replica, or one", s->name,
			  target);
}

static void plan_named_servers(struct reading *r, const struct ini_section *s)
{
	char match[16], target[16];
	if (ini_get(s, "match") && ini_get(s, "server"))
		plan_target(r, s, ini_get(s, "match"), ini_get(s, "server"));
	for (int i = 1; i < 100; i++) {
		snprintf(match, sizeof match, "match%02d", i);
		snprintf(target, sizeof target, "target%02d", i);
		if (ini_get(s, match) && ini_get(s, target))
			plan_target(r, s, ini_get(s, match), ini_get(s, target));
	}
}

static void plan_regex(struct reading *r, const struct ini_section *s)
{
	const char *match = ini_get(s, "match"), *replace = ini_get(s, "replace");
	char *with = replace ? proxysql_replacement(replace) : NULL; /* references are written alike */
	if (match && with)
		plan_rule(r, s, match, NULL, with);
	else
		plan_note(r->plan, PLAN_NO_COUNTERPART, "filter %s\tit lacks match or replace", s->name);
	free(with);
}

static void plan_filter(struct reading *r, const struct ini_section *s)
{
	const char *module = ini_get(s, "module");
	if (!is_used(r->ini, s->name)) {
		plan_note(r->plan, PLAN_NOT_NEEDED, "filter %s\tno service has it", s->name);
		return;
	}
	if (is(module, "namedserverfilter")) {
		plan_named_servers(r, s);
		return;
	}
	if (is(module, "regexfilter")) {
		plan_regex(r, s);
		return;
	}
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (is(module, filters[i].module)) {
			plan_note(r->plan, filters[i].needless ? PLAN_NOT_NEEDED : PLAN_NO_COUNTERPART, "filter %s (%s)\t%s", s->name, module,
				  filters[i].note);
			return;
		}
	plan_note(r->plan, PLAN_NO_COUNTERPART, "filter %s\twye has nothing like %s", s->name, module ? module : "it");
}

static const struct {
	const char *type;
	void (*plan)(struct reading *r, const struct ini_section *s);
} types[] = {
	{"server", plan_server}, {"service", plan_service}, {"listener", plan_listener},
	{"monitor", plan_monitor}, {"filter", plan_filter},
};

static bool all_tls(const struct ini *ini)
{
	bool any = false;
	for (size_t i = 0; i < ini->n; i++)
		if (is(ini_get(&ini->sections[i], "type"), "server")) {
			const char *ssl = ini_get(&ini->sections[i], "ssl");
			if (!is_on(ssl) && !is(ssl, "required"))
				return false;
			any = true;
		}
	return any;
}

static void plan_section(struct reading *r, const struct ini_section *s)
{
	const char *type = ini_get(s, "type");
	if (is(s->name, "maxscale")) {
		plan_keys(r, s, "maxscale");
		return;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (is(type, types[i].type)) {
			types[i].plan(r, s);
			return;
		}
	plan_note(r->plan, PLAN_NO_COUNTERPART, "section %s\tits type is %s", s->name, type ? type : "not named");
}

bool maxscale_plan(struct plan *plan, const char *path, char *error, size_t error_size)
{
	struct ini ini;
	struct reading r = {&ini, plan, PLACE_STEP};
	bool fine = ini_read(&ini, path, error, error_size);
	for (size_t i = 0; fine && i < ini.n; i++)
		plan_section(&r, &ini.sections[i]);
	if (fine && all_tls(&ini))
		plan_row(plan, PLAN_SETTINGS, (const char *[]){"server_tls", "required"}, 2, "ssl of all servers");
	if (fine)
		plan_note(plan, PLAN_NOT_NEEDED, "accounts\tthey are read from the primary, as MaxScale does");
	ini_finish(&ini);
	return fine;
}
