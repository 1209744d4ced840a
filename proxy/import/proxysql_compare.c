/* ProxySQL's routing and wye's, statement by statement: what a person wants to know before the one takes the other's place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/import/proxysql.h"
#include "router/rules.h"

#define USERS_MAX    20u /* more would say the same */
#define SCHEMAS_MAX  10u
#define EXAMPLES_MAX 8u

/* ---- ProxySQL's ---- */

static bool is(const char *asked, const char *value)
{
	return !asked || strcmp(asked, value) == 0;
}

/* Without the chain, which proxysql_route() follows by itself. */
static bool matches_alone(const struct proxysql *p, const struct proxysql_rule *r, const struct sample *s)
{
	struct proxysql_rule alone = *r;
	alone.parent = NULL;
	return proxysql_rule_matches(p, &alone, s);
}

struct proxysql_decision proxysql_route(const struct proxysql *p, const struct proxysql_user *user, const char *schema,
					const struct sample *s)
{
	struct proxysql_decision d = {.group = PROXYSQL_NONE};
	int flag = 0;
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct proxysql_rule *r = &p->rules[i];
		/* Where the samples come from, and by which digest ProxySQL knows them, nobody can tell. */
		if (!r->active || r->flag_in != flag || r->client || (r->blocked && !r->flag_in) || !is(r->user, user->name) ||
		    !is(r->schema, schema) || !matches_alone(p, r, s))
			continue;
		if (r->flag_out != PROXYSQL_NONE)
			flag = r->flag_out;
		if (r->group != PROXYSQL_NONE) {
			d.group = r->group;
			d.rule = r;
		}
		if (r->error) {
			d.error = r->error;
			d.rule = r;
		}
		if (r->apply || r->error)
			break;
	}
	for (size_t i = 0; d.group == PROXYSQL_NONE && i < p->n_fast; i++)
		if (strcmp(p->fast[i].user, user->name) == 0 && strcmp(p->fast[i].schema, schema) == 0)
			d.group = p->fast[i].group;
	if (d.group == PROXYSQL_NONE)
		d.group = user->group;
	return d;
}

/* ---- wye's ---- */

struct table {
	const struct plan *plan;
	size_t *rows, n; /* findings that are rules, by id */
};

static const char *const *row_texts(const void *arg, size_t i)
{
	const struct table *t = arg;
	return (const char *const *)t->plan->findings[t->rows[i]].texts;
}

static struct table table_of(const struct plan *plan)
{
	struct table t = {plan, calloc(plan->n + 1, sizeof *t.rows), 0};
	if (!t.rows)
		abort();
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_finding *f = &plan->findings[i];
		if (f->verdict != PLAN_CARRIES || f->table != PLAN_RULES)
			continue;
		size_t at = t.n++;
		for (; at && atoi(plan->findings[t.rows[at - 1]].texts[RULE_ID]) > atoi(f->texts[RULE_ID]); at--)
			t.rows[at] = t.rows[at - 1];
		t.rows[at] = i;
	}
	return t;
}

static struct view digest_text_of(void *arg)
{
	const struct sample *s = arg;
	return (struct view){(const uint8_t *)s->digest_text, strlen(s->digest_text)};
}

static void wye_route(const struct rule_set *set, struct rule_matcher *m, const char *user, const char *schema,
		      const struct sample *s, char out[300])
{
	struct address nowhere = {0};
	struct rule_cursor at = {0};
	struct rule_subject subject = {
		.user = view_of(user),
		.schema = view_of(schema),
		.text = view_of(s->text),
		.client = &nowhere,
		.class = s->route,
		.digest = s->digest,
		.digest_text = digest_text_of,
		.arg = (void *)(uintptr_t)s,
		.worker = -1,
	};
	const char *where = NULL;
	const struct rule *r;
	struct hints hints = {0};
	while ((r = rules_next(set, &at, &subject, m))) {
		if (r->deny) {
			strcpy(out, "refused");
			return;
		}
		hints_inherit(&hints, &r->hints);
		if (!r->continues)
			break;
	}
	if (s->route == ROUTE_SESSION || s->route == ROUTE_LOCAL)
		where = "any";
	else if (s->route != ROUTE_REPLICA || hints.primary)
		where = "primary";
	if (!where && hints.server.len)
		snprintf(out, 300, "%.*s", (int)hints.server.len, (const char *)hints.server.p);
	else
		strcpy(out, where ? where : "replica");
}

/* ---- both ---- */

struct comparing {
	FILE *out;
	const struct proxysql *p;
	const struct rule_set *set;
	struct rule_matcher *matcher;
	unsigned same, other;
	struct difference {
		char theirs[300], ours[300];
		const struct sample *examples[EXAMPLES_MAX];
		unsigned n, n_examples;
	} differences[24];
	unsigned n_differences;
};

static void note_difference(struct comparing *c, const char *theirs, const char *ours, const struct sample *s)
{
	unsigned i = 0;
	while (i < c->n_differences &&
	       (strcmp(c->differences[i].theirs, theirs) != 0 || strcmp(c->differences[i].ours, ours) != 0))
		i++;
	c->other++;
	if (i == sizeof c->differences / sizeof *c->differences)
		return;
	struct difference *d = &c->differences[i];
	if (i == c->n_differences) {
		c->n_differences++;
		snprintf(d->theirs, sizeof d->theirs, "%s", theirs);
		snprintf(d->ours, sizeof d->ours, "%s", ours);
	}
	d->n++;
	for (unsigned k = 0; k < d->n_examples; k++)
		if (d->examples[k] == s)
			return;
	if (d->n_examples < EXAMPLES_MAX)
		d->examples[d->n_examples++] = s;
}

static void compare_one(struct comparing *c, const struct proxysql_user *user, const char *schema, const struct sample *s)
{
	char ours[300], theirs[300];
	struct proxysql_decision d = proxysql_route(c->p, user, schema, s);
	const char *target = proxysql_target(c->p, d.group);
	if (d.error)
		strcpy(theirs, "refused");
	else if (target)
		snprintf(theirs, sizeof theirs, "%s", target);
	else
		snprintf(theirs, sizeof theirs, "hostgroup %d", d.group);
	wye_route(c->set, c->matcher, user->name, schema, s, ours);
	if (strcmp(theirs, ours) == 0 || strcmp(ours, "any") == 0)
		c->same++;
	else
		note_difference(c, theirs, ours, s);
}

static void compare_users(struct comparing *c, const struct samples *samples)
{
	const char *schemas[SCHEMAS_MAX] = {""};
	size_t n_schemas = 1;
	const struct proxysql_user nobody = {.name = (char *)(uintptr_t) "", .active = true, .group = c->p->writer};
	for (size_t i = 0; i < c->p->n_rules && n_schemas < SCHEMAS_MAX; i++)
		if (c->p->rules[i].schema && c->p->rules[i].active)
			schemas[n_schemas++] = c->p->rules[i].schema;
	size_t n = c->p->n_users < USERS_MAX ? c->p->n_users : USERS_MAX;
	for (size_t u = 0; u < (n ? n : 1); u++)
		for (size_t k = 0; k < n_schemas; k++)
			for (size_t i = 0; i < samples->n; i++)
				if (!samples->all[i].made && (!n || c->p->users[u].active))
					compare_one(c, n ? &c->p->users[u] : &nobody, schemas[k], &samples->all[i]);
}

static void print_difference(FILE *out, const struct difference *d)
{
	fprintf(out, "--   %s in ProxySQL, %s in wye (%u):\n", d->theirs, d->ours, d->n);
	for (unsigned i = 0; i < d->n_examples; i++) {
		fputs("--     ", out);
		for (const char *p = d->examples[i]->text; *p && p < d->examples[i]->text + 100; p++)
			fputc((unsigned char)*p < ' ' ? ' ' : *p, out);
		fprintf(out, "  [%s]\n", reason_name(d->examples[i]->reason));
	}
}

bool proxysql_compare(FILE *out, const struct proxysql *p, const struct plan *plan, const struct samples *samples,
		      char *error, size_t error_size)
{
	struct table table = table_of(plan);
	struct rule_set *set = rule_set_create(row_texts, &table, table.n, NULL, 0, error, error_size);
	if (set) {
		struct comparing *c = calloc(1, sizeof *c);
		if (!c)
			abort();
		*c = (struct comparing){.out = out, .p = p, .set = set, .matcher = rule_matcher_create()};
		compare_users(c, samples);
		size_t n = 0;
		for (size_t i = 0; i < samples->n; i++)
			n += !samples->all[i].made;
		fprintf(out, "\n-- %zu statements of every kind, as each account: %u go where they went, %u elsewhere.\n", n, c->same,
			c->other);
		for (unsigned i = 0; i < c->n_differences; i++)
			print_difference(out, &c->differences[i]);
		rule_matcher_destroy(c->matcher);
		free(c);
	}
	rule_set_unref(set);
	free(table.rows);
	return set;
}
