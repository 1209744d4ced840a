/*
 * EXPLAIN ROUTE: a statement of a session without a client (explain_session.c), classified and routed as any other, up to
 * the moment when it would be sent.
 *
 * What choosing leaves behind is taken back: the turn of the round robin, and counts of hints. Rules and statistics count
 * nothing.
 */
#include "proxy/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/session/session.h"
#include "proxy/worker_call.h"
#include "router/rules.h"

struct request {
	char user[129], schema[260], client[64], error[400];
	uint32_t connection;
	struct explanation out;
	unsigned n_after;
	char texts[]; /* what it has run before, and the statement, each with a zero behind it */
};

/* ---- lists of words ---- */

static void append(char *list, size_t size, const char *between, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void append(char *list, size_t size, const char *between, const char *format, ...)
{
	size_t n = strlen(list);
	va_list args;
	if (n && n + strlen(between) < size)
		n += (size_t)snprintf(list + n, size - n, "%s", between);
	va_start(args, format);
	vsnprintf(list + n, size - n, format, args);
	va_end(args);
}

static int shown(struct view v)
{
	return (int)(v.len < 200 ? v.len : 200);
}

void explain_note_hints(struct explanation *x, const struct hints *h)
{
	static const char *const levels[] = {"", "eventual", "session", "global", "primary"};
	size_t size = sizeof x->hint;
	if (h->primary)
		append(x->hint, size, ", ", "primary");
	if (h->replica)
		append(x->hint, size, ", ", "replica");
	if (h->server.len)
		append(x->hint, size, ", ", "server=%.*s", shown(h->server), (const char *)h->server.p);
	if (h->consistency)
		append(x->hint, size, ", ", "consistency=%s", levels[h->consistency]);
	if (h->has_max_lag)
		append(x->hint, size, ", ", "max_lag=%" PRIu64 "us", h->max_lag);
	if (h->timeout)
		append(x->hint, size, ", ", "timeout=%" PRIu64 "us", h->timeout);
	if (h->causal_key.len)
		append(x->hint, size, ", ", "causal_key=%.*s", shown(h->causal_key), (const char *)h->causal_key.p);
	if (h->ignored)
		append(x->hint, size, ", ", "%u not understood", h->ignored);
}

void explain_note_rule(struct explanation *x, const struct rule *rule, bool changed, enum mirror_outcome mirror)
{
	static const enum rule_field acts[] = {RULE_ROUTE,   RULE_DENY,    RULE_CONSISTENCY,
					       RULE_MAX_LAG, RULE_TIMEOUT, RULE_REWRITE, RULE_MIRROR};
	append(x->rules, sizeof x->rules, "\n", "%u", rule->id);
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (rule->texts[acts[i]])
			append(x->rules, sizeof x->rules, " ", "%s=%.100s", rule_field_info(acts[i])->name,
			       rule->texts[acts[i]]);
	if (mirror != MIRROR_DONE)
		append(x->rules, sizeof x->rules, " ", "(not mirrored: %s)", mirror_outcome_name(mirror));
	if (rule->dry_run)
		append(x->rules, sizeof x->rules, " ", "(a dry run)");
	if (!changed || rule->dry_run)
		append(x->rules, sizeof x->rules, " ", changed ? "(would change it)" : "(changes nothing)");
}

/* ---- what it does ---- */

static const struct {
	uint32_t flag;
	const char *word;
} flag_words[] = {
	{CLASS_WRITES, "writes"},
	{CLASS_DDL, "ddl"},
	{CLASS_TOUCHES_TABLE, "touches-table"},
	{CLASS_MULTI, "multi-statement"},
	{CLASS_BEGINS, "begins"},
	{CLASS_BEGINS_READ_ONLY, "begins-read-only"},
	{CLASS_COMMITS, "commits"},
	{CLASS_ROLLS_BACK, "rolls-back"},
	{CLASS_MAY_COMMIT_IMPLICITLY, "may-commit-implicitly"},
	{CLASS_RELEASES, "releases"},
	{CLASS_READS_LAST, "reads-last-statement"},
	{CLASS_READS_LAST_INSERT_ID, "reads-last-insert-id"},
	{CLASS_SETS_LAST_INSERT_ID, "sets-last-insert-id"},
	{CLASS_READS_USER_VARIABLE, "reads-user-variable"},
	{CLASS_SETS_USER_VARIABLE, "sets-user-variable"},
	{CLASS_USES_TEMPORARY, "uses-temporary-table"},
	{CLASS_CALLS, "calls"},
	{CLASS_KILL, "kills"},
	{CLASS_CONNECTION_ID, "connection-id"},
	{CLASS_SET_VAR, "values-for-one-statement"},
	{CLASS_LOCAL_INFILE, "local-infile"},
	{CLASS_SETS_TRACKERS, "sets-trackers"},
	{CLASS_NEW_CONNECTIONS, "changes-new-connections"},
	{CLASS_CHANGES_GLOBAL, "changes-global"},
	{CLASS_SERVER_SPECIFIC, "server-specific"},
	{CLASS_DIFFERS, "servers-differ"},
	{CLASS_UNLEXED, "not-understood"},
};

static void note_effect(struct explanation *x, const struct effect *e)
{
	const char *quote = e->value_kind == VALUE_STRING ? "'" : "";
	append(x->effects, sizeof x->effects, ", ", "%s %.*s", effect_kind_name(e->kind), shown(e->name),
	       e->name.p ? (const char *)e->name.p : "");
	if (e->value_kind != VALUE_NONE)
		append(x->effects, sizeof x->effects, " ", "= %s%.*s%s", quote, shown(e->value),
		       e->value.p ? (const char *)e->value.p : "", quote);
}

void explain_note_effects(struct explanation *x, const struct classification *c)
{
	for (size_t i = 0; i < sizeof flag_words / sizeof *flag_words; i++)
		if (c->flags & flag_words[i].flag)
			append(x->effects, sizeof x->effects, ", ", "%s", flag_words[i].word);
	for (unsigned i = 0; i < c->n_effects; i++)
		note_effect(x, &c->effects[i]);
	for (unsigned i = 0; i < PIN_COUNT; i++)
		if (c->pins_added & 1u << i)
			append(x->pins, sizeof x->pins, " ", "%s", pin_name((enum pin_index)i));
	snprintf(x->digest, sizeof x->digest, "%016" PRIx64, c->digest);
}

/* ---- the servers ---- */

/* Why it is not among those that may serve. */
static void say_bar(const struct session *s, const struct server_info *server, enum reads_bar bar, char *out, size_t size)
{
	switch (bar) {
	case READS_BAR_NONE:
		snprintf(out, size, "may serve it");
		break;
	case READS_BAR_OUT:
		snprintf(out, size, "no: %s%s%.160s", server_state_name(server->state), *server->reason ? ", " : "",
			 server->reason);
		break;
	case READS_BAR_TRIED:
		snprintf(out, size, "no: it has failed this statement");
		break;
	case READS_BAR_LAG:
		snprintf(out, size, "no: %.3f s behind, more than the max_lag of %.3f s asked for",
			 (double)server->lag_us / 1e6, (double)s->run->max_lag / 1e6);
		break;
	case READS_BAR_LACKS:
		snprintf(out, size, "no: not known to have applied what must be seen");
		break;
	case READS_BAR_PRIMARY:
		snprintf(out, size, "%s",
			 s->worker->snapshot->settings->reads_on_primary == READS_ON_PRIMARY_NEVER
				 ? "no: the primary takes no reads (reads_on_primary=never)"
				 : "no: the primary takes only reads that no replica can serve (reads_on_primary=fallback)");
		break;
	case READS_BAR_REPLICA_WANTED:
		snprintf(out, size, "no: a replica is asked for");
		break;
	}
}

static const char *why_not_read(const struct session *s, const struct server_info *server)
{
	return server->role == SERVER_PRIMARY ? "the primary, where it belongs"
	       : s->run->route == ROUTE_SESSION ? "no: it runs where the session is, at first on the primary"
						: "no: it belongs on the primary";
}

static void list_servers(struct session *s, struct explanation *x, bool chosen)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	bool fresh = reads_level(s) != CONSISTENCY_EVENTUAL;
	for (unsigned i = 0; i < snapshot->n_servers; i++) {
		const struct server_info *server = &snapshot->servers[i];
		char why[300];
		if (s->run->route == ROUTE_REPLICA && reads_level(s) != CONSISTENCY_PRIMARY)
			say_bar(s, server, reads_bar(s, i, fresh), why, sizeof why);
		else
			snprintf(why, sizeof why, "%s", why_not_read(s, server));
		append(x->servers, sizeof x->servers, "\n", "%s %s: %s%s", server->name, server_role_name(server->role), why,
		       chosen && (int)server->slot == s->run->slot ? " [chosen]" : "");
	}
}

static void say_consistency(const struct session *s, struct explanation *x)
{
	static const char *const levels[] = {"eventual", "session", "global", "primary"};
	const struct run *r = s->run;
	enum consistency level = reads_level(s);
	append(x->consistency, sizeof x->consistency, "", "%s, by %s: ", levels[level],
	       r->consistency != HINT_CONSISTENCY_NONE ? "a hint or rule" : "the setting");
	const char *means = r->route != ROUTE_REPLICA	      ? "does not matter, it is no read for replicas"
			    : level == CONSISTENCY_PRIMARY    ? "reads run on the primary"
			    : level == CONSISTENCY_EVENTUAL   ? "any replica will do"
			    : r->ask			      ? "the server is asked first what must be seen"
			    : r->wait			      ? "it waits there, in the same write, for what must be seen"
			    : r->keyed || level == CONSISTENCY_GLOBAL ? "a server that has what others have written"
							      : "a new session has seen nothing yet, any replica will do";
	append(x->consistency, sizeof x->consistency, "", "%s", means);
}

/* ---- one statement ---- */

/* As far as the command's handlers go before they ask for a server. True: it needs none. */
static bool needs_none(const struct session *s, struct explanation *x)
{
	const struct run *r = s->run;
	bool kills = (r->flags & (CLASS_KILL | CLASS_MULTI)) == CLASS_KILL && (r->kill_id != KILL_UNKNOWN || r->kill_sql);
	const char *what = r->route == ROUTE_DENY    ? "refused by a rule"
			   : r->route == ROUTE_LOCAL ? "wye answers itself"
			   : begin_is_later(s)	     ? "wye answers itself; it is sent with the transaction's first statement"
			   : kills		     ? "wye does it, or hands it on where the id is none of its own"
						     : NULL;
	if (what)
		snprintf(x->outcome, sizeof x->outcome, "%s", what);
	return what;
}

static void choose(struct session *s, struct explanation *x)
{
	char text[320];
	const struct server_info *server;
	enum routing_result got = needs_none(s, x) ? ROUTING_NONE : routing_choose(s, text, sizeof text);
	switch (got) {
	case ROUTING_OK:
		server = snapshot_server_by_slot(s->worker->snapshot, (unsigned)s->run->slot);
		snprintf(x->server, sizeof x->server, "%s", server ? server->name : "");
		snprintf(x->outcome, sizeof x->outcome, "%s", s->run->on_replica ? "runs on a replica" : "runs on the primary");
		break;
	case ROUTING_WAIT:
		snprintf(x->outcome, sizeof x->outcome, "waits, at most queue_timeout, until a server may take it");
		break;
	case ROUTING_NONE:
		if (!*x->outcome)
			snprintf(x->outcome, sizeof x->outcome, "%s", text);
		break;
	}
	if (s->run->route == ROUTE_DENY || s->run->route == ROUTE_LOCAL)
		return;
	say_consistency(s, x);
	list_servers(s, x, got == ROUTING_OK);
}

struct view explain_command(struct run *r, const char *sql)
{
	const size_t before = PACKET_HEADER + 1, len = strlen(sql);
	r->rewritten_size = before + len;
	r->rewritten = malloc(r->rewritten_size);
	if (!r->rewritten)
		abort();
	put_u32(r->rewritten, (uint32_t)(len + 1));
	r->rewritten[PACKET_HEADER] = CMD_QUERY;
	memcpy(r->rewritten + before, sql, len);
	return (struct view){r->rewritten + before, len};
}

static void explain(struct session *s, struct explanation *x, const char *text)
{
	struct run *r = run_begin(s, CMD_QUERY);
	r->explanation = x;
	r->times.began = 0; /* no statistics */
	struct view sql = explain_command(r, text);
	struct view runs = routing_classify(s, sql);
	if (!view_equal(runs, view_of(text)))
		snprintf(x->text, sizeof x->text, "%.*s", (int)(runs.len < 2048 ? runs.len : 2048), (const char *)runs.p);
	routing_digest_text(s, x->digest_text, sizeof x->digest_text);
	choose(s, x);
	snprintf(x->route, sizeof x->route, "%s", route_name(r->route));
	snprintf(x->reason, sizeof x->reason, "%s", reason_name(r->reason));
	run_end(s);
}

static void explain_on(struct worker *w, void *arg)
{
	struct request *q = arg;
	struct explain_where where = {.user = q->user, .schema = q->schema, .client = q->client,
				      .connection = q->connection, .n_after = q->n_after};
	const char *at = q->texts;
	for (unsigned i = 0; i < q->n_after; i++, at += strlen(at) + 1)
		where.after[i] = at;
	struct balance *balance = malloc(sizeof *balance);
	uint64_t random = w->random, ignored = stat_get(&w->stats->hints_ignored);
	if (!balance)
		abort();
	*balance = *w->balance;
	struct session *s = explain_session_begin(w, &where, q->error, sizeof q->error);
	if (s) {
		explain(s, &q->out, at);
		explain_session_end(s);
	}
	*w->balance = *balance;
	free(balance);
	w->random = random;
	stat_sub(&w->stats->hints_ignored, stat_get(&w->stats->hints_ignored) - ignored);
}

static size_t size_of_texts(const char *sql, const struct explain_where *where)
{
	size_t size = strlen(sql) + 1;
	for (unsigned i = 0; i < where->n_after; i++)
		size += strlen(where->after[i]) + 1;
	return size;
}

/* Whose worker has the session, or, where it is to be a new one, the least loaded; NULL: no worker gives such ids. */
static struct worker *worker_for(const struct explain_where *where)
{
	unsigned index = where->connection % WORKERS_MAX;
	if (!where->connection)
		return worker_least_loaded();
	return where->connection >= SESSION_ID_FIRST && index < workers_count() ? worker_at(index) : NULL;
}

bool explain_route(const char *sql, const struct explain_where *where, struct explanation *out, char *error,
		   size_t error_size)
{
	size_t size = sizeof(struct request) + size_of_texts(sql, where);
	struct worker *w = worker_for(where);
	struct request *q = calloc(1, size);
	if (!q)
		abort();
	snprintf(q->user, sizeof q->user, "%s", where->user);
	snprintf(q->schema, sizeof q->schema, "%s", where->schema);
	/* With a port, as clients' addresses are. */
	snprintf(q->client, sizeof q->client, strcmp(where->client, "unix") ? "%s:0" : "%s",
		 *where->client ? where->client : "127.0.0.1");
	q->connection = where->connection;
	q->n_after = where->n_after;
	char *at = q->texts;
	for (unsigned i = 0; i < where->n_after; i++)
		at = stpcpy(at, where->after[i]) + 1;
	strcpy(at, sql);
	if (!w)
		snprintf(q->error, sizeof q->error, "There is no session %u; SHOW SESSIONS lists them", where->connection);
	else if (!worker_call(w, explain_on, q, size))
		snprintf(q->error, sizeof q->error, "No worker thread has answered in time");
	*out = q->out;
	snprintf(error, error_size, "%s", q->error);
	bool fine = !*q->error;
	free(q);
	return fine;
}
