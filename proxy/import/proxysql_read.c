/* ProxySQL's tables as structures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/import/proxysql.h"
#include "proxy/import/proxysql_file.h"
#include "proxy/import/proxysql_pattern.h"

/* Room for one more, zeroed. */
static void *grow(void *array, size_t *n, size_t size)
{
	array = realloc(array, (*n + 1) * size);
	if (!array)
		abort();
	memset((char *)array + *n * size, 0, size);
	++*n;
	return array;
}

/* NULL stays NULL. */
static char *copy_of(sqlite3_stmt *row, const char *column)
{
	const char *text = proxysql_text(row, column);
	char *made = text ? strdup(text) : NULL;
	if (text && !made)
		abort();
	return made;
}

static char *copy_or_empty(sqlite3_stmt *row, const char *column)
{
	char *text = copy_of(row, column);
	return text ? text : calloc(1, 1);
}

static int number(sqlite3_stmt *row, const char *column, int otherwise)
{
	long long n = proxysql_number(row, column, otherwise);
	return n < -1 || n > 1000000000 ? otherwise : (int)n;
}

static void read_server(void *arg, sqlite3_stmt *row)
{
	struct proxysql *p = arg;
	p->servers = grow(p->servers, &p->n_servers, sizeof *p->servers);
	p->servers[p->n_servers - 1] = (struct proxysql_server){
		.host = copy_or_empty(row, "hostname"),
		.status = copy_or_empty(row, "status"),
		.comment = copy_or_empty(row, "comment"),
		.group = number(row, "hostgroup_id", 0),
		.port = number(row, "port", 3306),
		.weight = proxysql_number(row, "weight", 1),
		.max_lag = proxysql_number(row, "max_replication_lag", 0),
		.max_connections = proxysql_number(row, "max_connections", 1000),
		.tls = number(row, "use_ssl", 0) > 0,
		.compression = number(row, "compression", 0) > 0,
	};
}

static void read_user(void *arg, sqlite3_stmt *row)
{
	struct proxysql *p = arg;
	if (number(row, "frontend", 1) == 0)
		return; /* the other half of a row that is there too */
	p->users = grow(p->users, &p->n_users, sizeof *p->users);
	p->users[p->n_users - 1] = (struct proxysql_user){
		.name = copy_or_empty(row, "username"),
		.password = copy_of(row, "password"),
		.schema = copy_or_empty(row, "default_schema"),
		.active = number(row, "active", 1) != 0,
		.schema_locked = number(row, "schema_locked", 0) > 0,
		.fast_forward = number(row, "fast_forward", 0) > 0,
		.group = number(row, "default_hostgroup", 0),
		.max_connections = proxysql_number(row, "max_connections", 10000),
	};
}

/* ---- rules ---- */

static void lack(struct proxysql_rule *r, bool blocks, const char *what)
{
	size_t n = strlen(r->lacks);
	snprintf(r->lacks + n, sizeof r->lacks - n, "%s%s", n ? "; " : "", what);
	r->blocked |= blocks;
}

static void read_lacks(struct proxysql_rule *r, sqlite3_stmt *row)
{
	static const struct {
		const char *column, *what;
		bool blocks;
	} columns[] = {
		{"digest", "digest is a hash of ProxySQL's own: ask for the text, with match_digest", true},
		{"proxy_addr", "proxy_addr: --listen ADDR,route= has a way for each address", true},
		{"proxy_port", "proxy_port: --listen ADDR,route= has a way for each port", true},
		{"OK_msg", "OK_msg: wye makes no answers up", true},
		{"cache_ttl", "cache_ttl: wye keeps no results", false},
		{"retries", "retries: reads are tried again by themselves", false},
		{"delay", "delay: wye holds nothing up", false},
		{"next_query_flagIN", "next_query_flagIN: rules know nothing of the statement before", false},
		{"mirror_flagOUT", "mirror_flagOUT: copies are as the statement is", false},
		{"mirror_hostgroup", "mirror_hostgroup: name one server in mirror (docs/rules.md)", false},
		{"sticky_conn", "sticky_conn: connections are kept by what ties a session to them", false},
		{"multiplex", "multiplex: not needed, wye knows what ties a session to its connection", false},
		{"gtid_from_hostgroup", "gtid_from_hostgroup: not needed, sessions see what they wrote (consistency)", false},
		{"reconnect", "reconnect: not needed", false},
	};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		const char *text = proxysql_text(row, columns[i].column);
		bool off = !text || !*text || (!columns[i].blocks && strcmp(text, "0") == 0);
		if (!off)
			lack(r, columns[i].blocks, columns[i].what);
	}
}

static struct pattern *compile(struct proxysql_rule *r, const char *text)
{
	char why[160], what[240];
	struct pattern *p = text ? pattern_compile(text, why, sizeof why) : NULL;
	if (text && !p) {
		snprintf(what, sizeof what, "its pattern is none: %s", why);
		lack(r, true, what);
	}
	return p;
}

static void read_modifiers(struct proxysql_rule *r, sqlite3_stmt *row)
{
	const char *text = proxysql_text(row, "re_modifiers");
	r->caseless = !text || strcasestr(text, "CASELESS");
	r->global = text && strcasestr(text, "GLOBAL");
}

static void read_rule(void *arg, sqlite3_stmt *row)
{
	struct proxysql *p = arg;
	p->rules = grow(p->rules, &p->n_rules, sizeof *p->rules);
	struct proxysql_rule *r = &p->rules[p->n_rules - 1];
	*r = (struct proxysql_rule){
		.id = number(row, "rule_id", (int)p->n_rules),
		.flag_in = number(row, "flagIN", 0),
		.flag_out = number(row, "flagOUT", PROXYSQL_NONE),
		.group = number(row, "destination_hostgroup", PROXYSQL_NONE),
		.active = number(row, "active", 0) > 0,
		.negated = number(row, "negate_match_pattern", 0) > 0,
		.apply = number(row, "apply", 0) > 0,
		.log = number(row, "log", 0) > 0,
		.user = copy_of(row, "username"),
		.schema = copy_of(row, "schemaname"),
		.client = copy_of(row, "client_addr"),
		.match_digest = copy_of(row, "match_digest"),
		.match_pattern = copy_of(row, "match_pattern"),
		.replace = copy_of(row, "replace_pattern"),
		.error = copy_of(row, "error_msg"),
		.comment = copy_or_empty(row, "comment"),
		.timeout = proxysql_number(row, "timeout", 0),
	};
	read_modifiers(r, row);
	read_lacks(r, row);
	if (r->match_digest)
		r->digest_pattern = proxysql_digest_pattern(r->match_digest, r->caseless, r->negated);
	if (r->match_pattern)
		r->text_pattern = proxysql_text_pattern(r->match_pattern, r->caseless, r->negated);
	r->on_digest = compile(r, r->digest_pattern);
	r->on_text = compile(r, r->text_pattern);
	if (r->client && !(r->address = proxysql_address(r->client)))
		lack(r, true, "client_addr: wye has addresses and ranges such as 10.1.0.0/16");
}

static int by_id(const void *a, const void *b)
{
	const struct proxysql_rule *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static void read_fast(void *arg, sqlite3_stmt *row)
{
	struct proxysql *p = arg;
	if (number(row, "flagIN", 0) != 0)
		return;
	p->fast = grow(p->fast, &p->n_fast, sizeof *p->fast);
	p->fast[p->n_fast - 1] = (struct proxysql_fast){copy_or_empty(row, "username"), copy_or_empty(row, "schemaname"),
							number(row, "destination_hostgroup", 0)};
}

/* ---- hostgroups ---- */

static bool has_servers(const struct proxysql *p, int group)
{
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i].group == group)
			return true;
	return false;
}

static void read_groups(void *arg, sqlite3_stmt *row)
{
	struct proxysql *p = arg;
	int writer = number(row, "writer_hostgroup", PROXYSQL_NONE), reader = number(row, "reader_hostgroup", PROXYSQL_NONE);
	if (!has_servers(p, writer) && !has_servers(p, reader))
		return;
	p->several |= p->told;
	if (p->told)
		return;
	p->told = true;
	p->writer = writer;
	p->reader = reader;
}

/* Without a table of them: the writer is where most users' statements go, the reader the only other one. */
static void guess_groups(struct proxysql *p)
{
	size_t most = 0;
	for (size_t i = 0; i < p->n_users; i++) {
		size_t n = 0;
		for (size_t k = 0; k < p->n_users; k++)
			n += p->users[k].group == p->users[i].group;
		if (n > most && has_servers(p, p->users[i].group)) {
			most = n;
			p->writer = p->users[i].group;
		}
	}
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i].group != p->writer && p->servers[i].group != p->reader) {
			if (p->reader != PROXYSQL_NONE) {
				p->reader = PROXYSQL_NONE;
				break;
			}
			p->reader = p->servers[i].group;
		}
}

bool proxysql_read(struct proxysql *p, sqlite3 *db, char *error, size_t error_size)
{
	static const struct {
		const char *table;
		void (*read)(void *, sqlite3_stmt *);
	} tables[] = {
		{"mysql_servers", read_server},
		{"mysql_users", read_user},
		{"mysql_query_rules", read_rule},
		{"mysql_query_rules_fast_routing", read_fast},
		{"mysql_replication_hostgroups", read_groups},
		{"mysql_group_replication_hostgroups", read_groups},
		{"mysql_galera_hostgroups", read_groups},
		{"mysql_aws_aurora_hostgroups", read_groups},
	};
	*p = (struct proxysql){.writer = PROXYSQL_NONE, .reader = PROXYSQL_NONE, .room = pattern_room_create()};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (!proxysql_rows(db, tables[i].table, tables[i].read, p, error, error_size))
			return false;
	if (p->n_rules)
		qsort(p->rules, p->n_rules, sizeof *p->rules, by_id);
	if (!p->told)
		guess_groups(p);
	return true;
}

void proxysql_finish(struct proxysql *p)
{
	for (size_t i = 0; i < p->n_servers; i++) {
		free(p->servers[i].host);
		free(p->servers[i].status);
		free(p->servers[i].comment);
	}
	for (size_t i = 0; i < p->n_users; i++) {
		if (p->users[i].password)
			explicit_bzero(p->users[i].password, strlen(p->users[i].password));
		free(p->users[i].name);
		free(p->users[i].password);
		free(p->users[i].schema);
	}
	for (size_t i = 0; i < p->n_rules; i++) {
		struct proxysql_rule *r = &p->rules[i];
		char *texts[] = {r->user, r->schema, r->client, r->match_digest, r->match_pattern, r->replace, r->error,
				 r->comment, r->digest_pattern, r->text_pattern, r->address};
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free(texts[k]);
		pattern_destroy(r->on_digest);
		pattern_destroy(r->on_text);
	}
	for (size_t i = 0; i < p->n_fast; i++) {
		free(p->fast[i].user);
		free(p->fast[i].schema);
	}
	free(p->servers);
	free(p->users);
	free(p->rules);
	free(p->fast);
	pattern_room_destroy(p->room);
	*p = (struct proxysql){0};
}

const char *proxysql_target(const struct proxysql *p, int group)
{
	static char name[300];
	const struct proxysql_server *only = NULL;
	if (group != PROXYSQL_NONE && group == p->writer)
		return "primary";
	if (group != PROXYSQL_NONE && group == p->reader)
		return "replica";
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i].group == group) {
			if (only)
				return NULL;
			only = &p->servers[i];
		}
	if (!only)
		return NULL;
	snprintf(name, sizeof name, only->port ? "%s:%d" : "%s", only->host, only->port);
	return name;
}
