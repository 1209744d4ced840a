/*
 * ProxySQL's configuration as it was read, and what becomes of it.
 *
 *	proxysql_file ──rows──> proxysql_read ──> struct proxysql ──> proxysql_plan_... ──> struct plan ──> printed, or stored
 *	                                                └──> proxysql_route() <──compared──> wye's rules
 */
#ifndef WYE_PROXY_IMPORT_PROXYSQL_H
#define WYE_PROXY_IMPORT_PROXYSQL_H

#include <sqlite3.h>

#include "proxy/import/plan.h"
#include "proxy/import/samples.h"
#include "router/pattern.h"

#define PROXYSQL_NONE (-1) /* a number that is NULL */

struct proxysql_server {
	char *host, *status, *comment;
	int group, port;
	long long weight, max_lag /* s */, max_connections;
	bool tls, compression;
};

struct proxysql_user {
	char *name, *password, *schema;
	bool active, schema_locked, fast_forward;
	int group;
	long long max_connections;
};

enum proxysql_kept { KEPT_UNDECIDED, KEPT, KEPT_NOT };

struct proxysql_rule {
	int id, flag_in, flag_out, group;
	bool active, negated, caseless, global, apply, log;
	char *user, *schema, *client, *match_digest, *match_pattern, *replace, *error, *comment;
	long long timeout; /* ms */
	char lacks[400];   /* what it does, or asks for, that wye has nothing for */
	bool blocked;      /* one of these is what it asks for: it cannot be carried over */
	/* In wye's words. */
	char *digest_pattern, *text_pattern, *address;
	struct pattern *on_digest, *on_text; /* NULL: any */
	const struct proxysql_rule *parent;  /* that of its chain (flagOUT), or NULL */
	int place;                           /* its id in wye's table */
	enum proxysql_kept kept;
};

struct proxysql_fast {
	char *user, *schema;
	int group;
};

struct proxysql {
	struct proxysql_server *servers;
	struct proxysql_user *users;
	struct proxysql_rule *rules; /* by id */
	struct proxysql_fast *fast;
	size_t n_servers, n_users, n_rules, n_fast;
	int writer, reader; /* the hostgroups that stand for primary and replicas; PROXYSQL_NONE: there is no such */
	bool told;          /* by a table of hostgroups, not by guess */
	bool several;       /* there are more clusters than this one */
	struct pattern_room *room;
};

/* False: `error` is one line. proxysql_finish() in any case. */
bool proxysql_read(struct proxysql *p, sqlite3 *db, char *error, size_t error_size);
void proxysql_finish(struct proxysql *p);

/* Where a hostgroup's statements go in wye's words: "primary", "replica", or the only server's HOST:PORT. NULL: there is no
 * word for it. Valid until the next call. */
const char *proxysql_target(const struct proxysql *p, int group);

/* Servers, accounts and variables. */
void proxysql_plan_servers(const struct proxysql *p, struct plan *plan);
void proxysql_plan_users(const struct proxysql *p, struct plan *plan, bool with_passwords);
bool proxysql_plan_variables(sqlite3 *db, struct plan *plan, char *error, size_t error_size);

/* Rules. `exact`: reads that ProxySQL leaves on the writer stay on the primary. */
void proxysql_plan_rules(struct proxysql *p, struct plan *plan, const struct samples *samples, bool exact);

/* Whether what a rule asks of the text is so. */
bool proxysql_rule_matches(const struct proxysql *p, const struct proxysql_rule *r, const struct sample *s);

/* Where ProxySQL would send it. */
struct proxysql_decision {
	int group;                        /* that of the user when no rule says one */
	const struct proxysql_rule *rule; /* that said it, or refused; NULL: none did */
	const char *error;                /* it is refused with this; NULL: it is not */
};
struct proxysql_decision proxysql_route(const struct proxysql *p, const struct proxysql_user *user, const char *schema,
					const struct sample *s);

/* Writes, as comments, how many samples go where they went, and those that do not, with the reason. False: the plan's rules
 * are not such as wye takes. */
bool proxysql_compare(FILE *out, const struct proxysql *p, const struct plan *plan, const struct samples *samples,
		      char *error, size_t error_size);

#endif
