/* EXPLAIN ROUTE: where a statement would run and why, on exactly the code the data path runs. */
#include "proxy/console/console_commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/console/console_sql.h"
#include "proxy/objects.h"
#include "proxy/snapshot.h"
#include "router/classify.h"

#define DIGEST_TEXT_MAX 2048
#define LIST_MAX 1024

struct explanation {
	char route[24], reason[40], digest[24];
	char text[DIGEST_TEXT_MAX + 1];
	char pins[LIST_MAX], servers[LIST_MAX];
};

static void add_word(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);
	snprintf(list + n, size - n, "%s%s", n ? " " : "", word);
}

static const struct server_info *primary_of(const struct snapshot *s)
{
	return s && s->primary >= 0 && (unsigned)s->primary < s->n_servers ? &s->servers[s->primary] : NULL;
}

/* A session that has just logged in, on the servers there are. */
static struct dialect dialect_of(const struct snapshot *s)
{
	struct dialect d = {.flavor = FLAVOR_MYSQL, .version = 90704};
	const struct server_info *server = primary_of(s);
	if (!server && s && s->n_servers)
		server = &s->servers[0];
	if (server && server->version) {
		d.flavor = server->flavor;
		d.version = server->version;
	}
	return d;
}

/* The servers that may serve it: the replicas that take reads, else the primary. */
static void list_servers(struct explanation *e, const struct snapshot *s, enum route route)
{
	const struct server_info *primary = primary_of(s);
	if (route == ROUTE_LOCAL || route == ROUTE_DENY || !s)
		return;
	if (route == ROUTE_REPLICA)
		for (unsigned i = 0; i < s->n_servers; i++)
			if (s->servers[i].takes_reads)
				add_word(e->servers, sizeof e->servers, s->servers[i].name);
	if (!*e->servers && primary)
		add_word(e->servers, sizeof e->servers, primary->name);
}

static void explain(struct explanation *e, const struct snapshot *s, const char *sql)
{
	uint8_t text[DIGEST_TEXT_MAX];
	struct classify_scratch scratch = {.text = text, .text_capacity = sizeof text};
	struct classification c;
	struct dialect dialect = dialect_of(s);
	struct context context = {.catalog = s && s->objects ? object_set_catalog(s->objects) : NULL};
	classify(view_of(sql), &dialect, &context, &scratch, &c);
	snprintf(e->route, sizeof e->route, "%s", route_name(c.route));
	snprintf(e->reason, sizeof e->reason, "%s", reason_name(c.reason));
	snprintf(e->digest, sizeof e->digest, "%016" PRIx64, c.digest);
	snprintf(e->text, sizeof e->text, "%.*s", (int)c.digest_text.len, (const char *)c.digest_text.p);
	for (unsigned i = 0; i < PIN_COUNT; i++)
		if (c.pins_added & 1u << i)
			add_word(e->pins, sizeof e->pins, pin_name((enum pin_index)i));
	list_servers(e, s, c.route);
}

void console_run_explain_route(struct console_call *call)
{
	struct explanation e = {0};
	if (sql_at_end(call->rest)) {
		answer_error(call->answer, 1064, "42000", "EXPLAIN ROUTE is followed by a statement");
		return;
	}
	struct snapshot *s = snapshot_get();
	explain(&e, s, sql_skip(call->rest));
	snapshot_unref(s);
	const char *texts[] = {e.route, e.reason, e.servers, e.pins, e.digest, e.text};
	answer_sql(call->answer, call->session->catalog,
		   "SELECT ?1 AS route, ?2 AS reason, ?3 AS servers, ?4 AS pins, ?5 AS digest, ?6 AS digest_text",
		   texts, 6);
}
