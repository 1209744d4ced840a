/*
 * ProxySQL's rules as wye's, as far as wye needs any.
 *
 * A rule that does nothing but choose between writer and reader is needed only where wye's classifier would choose otherwise:
 * that is asked of samples (samples.h). Where ProxySQL lets the last rule count that matches without apply = 1, wye lets the first:
 * such rules are moved behind all others, the last of them first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/import/proxysql.h"
#include "proxy/import/proxysql_pattern.h"

#define PLACE_STEP 10

static bool differs(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

bool proxysql_rule_matches(const struct proxysql *p, const struct proxysql_rule *r, const struct sample *s)
{
	struct view digest = {(const uint8_t *)s->digest_text, strlen(s->digest_text)};
	struct view text = {(const uint8_t *)s->text, strlen(s->text)};
	return (!r->on_digest || pattern_match(r->on_digest, p->room, digest) == PATTERN_YES) &&
	       (!r->on_text || pattern_match(r->on_text, p->room, text) == PATTERN_YES) &&
	       (!r->parent || proxysql_rule_matches(p, r->parent, s));
}

/* ---- what a rule does ---- */

static bool stops(const struct proxysql_rule *r)
{
	return r->apply || r->error;
}

/* In wye's words; NULL: it says nothing of where, or there is no word. */
static const char *route_of(const struct proxysql *p, const struct proxysql_rule *r)
{
	if (r->error)
		return NULL;
	if (r->group != PROXYSQL_NONE)
		return proxysql_target(p, r->group);
	if (!r->apply || r->replace || r->timeout || r->log)
		return NULL;
	/* It does nothing but end the search: the account's own hostgroup counts. */
	for (size_t i = 0; i < p->n_users; i++)
		if (p->users[i].group != p->writer)
			return NULL;
	return p->n_users ? "primary" : NULL;
}

static bool does_more(const struct proxysql_rule *r)
{
	return r->error || r->replace || r->timeout || r->log;
}

/* Both may match one statement, as far as the samples tell; a rule that matches none of them might match anything. */
static bool overlap(const struct proxysql *p, const struct proxysql_rule *a, const struct proxysql_rule *b,
		    const struct samples *samples)
{
	bool any_a = false, any_b = false;
	if (differs(a->user, b->user) || differs(a->schema, b->schema))
		return false;
	for (size_t i = 0; i < samples->n; i++) {
		bool on_a = proxysql_rule_matches(p, a, &samples->all[i]), on_b = proxysql_rule_matches(p, b, &samples->all[i]);
		if (on_a && on_b)
			return true;
		any_a |= on_a;
		any_b |= on_b;
	}
	return !any_a || !any_b;
}

/* ---- chains and order ---- */

static void find_parents(struct proxysql *p)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		struct proxysql_rule *r = &p->rules[i];
		unsigned n = 0;
		if (!r->flag_in)
			continue;
		for (size_t k = 0; k < i; k++)
			if (p->rules[k].active && p->rules[k].flag_out == r->flag_in && !p->rules[k].flag_in) {
				r->parent = &p->rules[k];
				n++;
			}
		bool fits = n == 1 && !r->parent->blocked && !r->parent->replace && !differs(r->user, r->parent->user) &&
			    !differs(r->schema, r->parent->schema) && !differs(r->client, r->parent->client);
		if (!fits) {
			r->blocked = true;
			r->parent = NULL;
			snprintf(r->lacks, sizeof r->lacks, "flagIN %d: the chain has no one rule of wye's", r->flag_in);
		}
	}
}

/* Gives the first place behind all. */
static int give_places(struct proxysql *p)
{
	int last = 0;
	for (size_t i = 0; i < p->n_rules; i++)
		last = p->rules[i].id > last ? p->rules[i].id : last;
	int next = (last / PLACE_STEP + 1) * PLACE_STEP;
	for (size_t i = p->n_rules; i-- > 0;) {
		struct proxysql_rule *r = &p->rules[i];
		bool moves = !stops(r) && r->group != PROXYSQL_NONE && !r->replace;
		r->place = moves ? next : r->id;
		next += moves ? PLACE_STEP : 0;
	}
	return next;
}

static int by_place(const void *a, const void *b)
{
	const struct proxysql_rule *const *x = a, *const *y = b;
	return ((*x)->place > (*y)->place) - ((*x)->place < (*y)->place);
}

/* ---- which are needed ---- */

struct deciding {
	struct proxysql *p;
	struct plan *plan;
	const struct samples *samples;
	bool exact;
	struct proxysql_rule **order; /* by place */
	size_t n;
};

static void title(const struct proxysql_rule *r, char *out, size_t size)
{
	const char *pattern = r->match_digest ? r->match_digest : r->match_pattern;
	snprintf(out, size, "rule %d%s%.120s%s", r->id, pattern ? " (" : "", pattern ? pattern : "", pattern ? ")" : "");
}

static const struct proxysql_rule *later_overlap(const struct deciding *d, size_t at, bool only_with_more)
{
	for (size_t i = at + 1; i < d->n; i++)
		if (d->order[i]->kept == KEPT && (!only_with_more || does_more(d->order[i])) &&
		    overlap(d->p, d->order[at], d->order[i], d->samples))
			return d->order[i];
	return NULL;
}

struct tally {
	unsigned matched, reads;
	const char *reason; /* of one that is no read */
};

static struct tally tally_of(const struct deciding *d, const struct proxysql_rule *r)
{
	struct tally t = {0};
	for (size_t i = 0; i < d->samples->n; i++) {
		const struct sample *s = &d->samples->all[i];
		if (!proxysql_rule_matches(d->p, r, s))
			continue;
		t.matched++;
		t.reads += s->route == ROUTE_REPLICA;
		if (s->route != ROUTE_REPLICA)
			t.reason = reason_name(s->reason);
	}
	return t;
}

/* An account's own hostgroup, or fast routing, would take what the rule keeps on the readers. */
static bool is_needed_before_defaults(const struct proxysql *p, const struct proxysql_rule *r)
{
	for (size_t i = 0; i < p->n_fast; i++)
		if (p->fast[i].group != p->reader && !differs(r->user, p->fast[i].user) && !differs(r->schema, p->fast[i].schema))
			return true;
	for (size_t i = 0; i < p->n_users; i++)
		if (p->users[i].active && p->users[i].group != p->reader && p->users[i].group != p->writer &&
		    !differs(r->user, p->users[i].name))
			return true;
	return false;
}

/* The reason why it is not needed; NULL when it is, with the reason for that. */
static bool is_needless(const struct deciding *d, size_t at, const char *route, char *reason, size_t size)
{
	const struct proxysql_rule *r = d->order[at], *later;
	struct tally t = tally_of(d, r);
	*reason = '\0';
	if (d->exact)
		return false;
	if (strcmp(route, "replica") == 0) {
		if ((later = later_overlap(d, at, false))) {
			snprintf(reason, size, "rule %d behind it would take some of what it matches", later->place);
			return false;
		}
		if (is_needed_before_defaults(d->p, r)) {
			snprintf(reason, size, "an account has a hostgroup of its own, where these reads did not go");
			return false;
		}
		if (t.matched == t.reads)
			snprintf(reason, size, "reads go to replicas by themselves (%u samples of them)", t.matched);
		else
			snprintf(reason, size,
				 "reads go to replicas by themselves (%u of %u samples), and no rule takes the rest there (%s)", t.reads,
				 t.matched, t.reason);
		return true;
	}
	if (strcmp(route, "primary") == 0 && t.matched && !t.reads && !later_overlap(d, at, true)) {
		snprintf(reason, size, "it goes to the primary by itself (%u samples, %s)", t.matched, t.reason);
		return true;
	}
	if (strcmp(route, "primary") == 0)
		snprintf(reason, size, t.matched ? "wye would read on replicas what it matches (%u of %u samples)"
						  : "what it matches is in no sample",
			 t.reads, t.matched);
	return false;
}

static void drop(const struct deciding *d, struct proxysql_rule *r, enum plan_verdict verdict, const char *reason)
{
	char name[160];
	title(r, name, sizeof name);
	r->kept = KEPT_NOT;
	plan_note(d->plan, verdict, "%s\t%s", name, reason);
}

/* Both patterns must match; to be freed, as proxysql_digest_pattern()'s. */
static char *both(const char *a, const char *b)
{
	char *text = NULL;
	if (!a || !b)
		return a || b ? strdup(a ? a : b) : NULL;
	if (asprintf(&text, "\\A(?=.*(?:%s))(?=.*(?:%s))", a, b) < 0)
		abort();
	return text;
}

static const char *either(const char *a, const char *b)
{
	return a ? a : b;
}

/* The row; false when wye takes no such, with the reason. */
static bool add_row(const struct deciding *d, const struct proxysql_rule *r, const char *route, const char *reason, char *why,
		    size_t why_size)
{
	static const struct proxysql_rule nothing = {0};
	const struct proxysql_rule *parent = r->parent ? r->parent : &nothing;
	char id[16], timeout[32], comment[160];
	const char *texts[RULE_FIELD_COUNT] = {NULL};
	struct rule parsed;
	char *digest = both(parent->digest_pattern, r->digest_pattern), *text = both(parent->text_pattern, r->text_pattern);
	char *rewrite = r->replace ? proxysql_replacement(r->replace) : NULL;
	snprintf(id, sizeof id, "%d", r->place);
	snprintf(timeout, sizeof timeout, "%lldms", r->timeout);
	snprintf(comment, sizeof comment, "ProxySQL's rule %d%s%.100s", r->id, *r->comment ? ": " : "", r->comment);
	texts[RULE_ID] = id;
	texts[RULE_USER] = either(r->user, parent->user);
	texts[RULE_SCHEMA] = either(r->schema, parent->schema);
	texts[RULE_CLIENT] = either(r->address, parent->address);
	texts[RULE_MATCH_DIGEST] = digest;
	texts[RULE_MATCH_PATTERN] = text;
	texts[RULE_ROUTE] = r->error ? NULL : route;
	texts[RULE_DENY] = r->error;
	texts[RULE_TIMEOUT] = r->timeout > 0 && !r->error ? timeout : NULL;
	texts[RULE_REWRITE] = r->error ? NULL : rewrite;
	texts[RULE_LOG] = r->log ? "1" : NULL;
	texts[RULE_CONTINUE] = stops(r) ? NULL : "1";
	texts[RULE_COMMENT] = comment;
	bool fine = rule_parse(&parsed, texts, true, why, why_size);
	rule_finish(&parsed);
	if (fine)
		plan_row(d->plan, PLAN_RULES, texts, RULE_FIELD_COUNT, reason);
	free(digest);
	free(text);
	free(rewrite);
	return fine;
}

static void keep(const struct deciding *d, struct proxysql_rule *r, const char *route, const char *reason)
{
	char why[400], whole[900];
	size_t n;
	snprintf(whole, sizeof whole, "%s", reason);
	n = strlen(whole);
	if (r->place != r->id)
		snprintf(whole + n, sizeof whole - n, "%swithout apply it counts last", n ? "; " : "");
	n = strlen(whole);
	if (r->replace && !r->global)
		snprintf(whole + n, sizeof whole - n, "%severy match is replaced, not the first only", n ? "; " : "");
	n = strlen(whole);
	if (*r->lacks)
		snprintf(whole + n, sizeof whole - n, "%swithout %s", n ? "; " : "", r->lacks);
	if (add_row(d, r, route, *whole ? whole : NULL, why, sizeof why))
		r->kept = KEPT;
	else
		drop(d, r, PLAN_NO_COUNTERPART, why);
}

static void decide(const struct deciding *d, size_t at)
{
	struct proxysql_rule *r = d->order[at];
	char reason[400], where[320];
	const char *route = route_of(d->p, r);
	if (route) {
		snprintf(where, sizeof where, "%s", route);
		route = where;
	}
	if (!r->active) {
		drop(d, r, PLAN_NOT_NEEDED, "it is not active");
	} else if (r->blocked) {
		drop(d, r, PLAN_NO_COUNTERPART, r->lacks);
	} else if (!does_more(r) && !route && r->group != PROXYSQL_NONE) {
		snprintf(reason, sizeof reason, "hostgroup %d has %s: a rule names primary, replica, or one server", r->group,
			 "no server or several, and is not the reader's");
		drop(d, r, PLAN_NO_COUNTERPART, reason);
	} else if (!does_more(r) && !route) {
		drop(d, r, *r->lacks ? PLAN_NO_COUNTERPART : PLAN_NOT_NEEDED,
		     *r->lacks ? r->lacks : r->flag_out != PROXYSQL_NONE ? "the rules of its chain ask for what it asks for; what none of them matches meets the rules behind, too" : "it does nothing");
	} else if (!does_more(r) && is_needless(d, at, route, reason, sizeof reason)) {
		drop(d, r, PLAN_NOT_NEEDED, reason);
	} else {
		if (does_more(r))
			*reason = '\0';
		keep(d, r, route, reason);
	}
}

/* ---- what is behind the rules ---- */

static void plan_wish(struct plan *plan, int place, const char *user, const char *schema, const char *route, const char *reason)
{
	char id[16];
	const char *texts[RULE_FIELD_COUNT] = {NULL};
	snprintf(id, sizeof id, "%d", place);
	texts[RULE_ID] = id;
	texts[RULE_USER] = user;
	texts[RULE_SCHEMA] = schema;
	texts[RULE_CLASS] = "replica";
	texts[RULE_ROUTE] = route;
	texts[RULE_COMMENT] = "ProxySQL's hostgroups";
	plan_row(plan, PLAN_RULES, texts, RULE_FIELD_COUNT, reason);
}

static int plan_fast(const struct deciding *d, int place)
{
	for (size_t i = 0; i < d->p->n_fast; i++) {
		const struct proxysql_fast *f = &d->p->fast[i];
		const char *route = proxysql_target(d->p, f->group);
		const char *user = *f->user ? f->user : NULL, *schema = *f->schema ? f->schema : NULL;
		if (!route)
			plan_note(d->plan, PLAN_NO_COUNTERPART, "fast routing of '%s' in '%s'\thostgroup %d has no server or several",
				  f->user, f->schema, f->group);
		else if (strcmp(route, "replica") == 0 && !d->exact)
			plan_note(d->plan, PLAN_NOT_NEEDED, "fast routing of '%s' in '%s'\treads go to replicas by themselves", f->user,
				  f->schema);
		else {
			plan_wish(d->plan, place, user, schema, route, "mysql_query_rules_fast_routing");
			place += PLACE_STEP;
		}
	}
	return place;
}

static void plan_defaults(const struct deciding *d, int place)
{
	const struct proxysql *p = d->p;
	for (size_t i = 0; i < p->n_users; i++) {
		const struct proxysql_user *u = &p->users[i];
		const char *route = u->active ? proxysql_target(p, u->group) : NULL;
		if (!route || strcmp(route, "replica") == 0 || (strcmp(route, "primary") == 0 && !d->exact))
			continue;
		plan_wish(d->plan, place, u->name, NULL, route, "default_hostgroup");
		place += PLACE_STEP;
	}
	if (!d->exact && p->n_users)
		plan_note(d->plan, PLAN_NOT_NEEDED,
			  "default_hostgroup\treads that no rule took to a reader went to the writer: they go to replicas now, and see what "
			  "their session wrote; --exact keeps them on the primary");
}

/* Rules are decided on from the last to the first, and told from the first to the last. */
static void turn_round(struct plan *plan, size_t first)
{
	for (size_t i = first, k = plan->n; i + 1 < k; i++) {
		struct plan_finding f = plan->findings[--k];
		plan->findings[k] = plan->findings[i];
		plan->findings[i] = f;
	}
}

void proxysql_plan_rules(struct proxysql *p, struct plan *plan, const struct samples *samples, bool exact)
{
	struct deciding d = {p, plan, samples, exact, calloc(p->n_rules + 1, sizeof *d.order), p->n_rules};
	if (!d.order)
		abort();
	find_parents(p);
	int next = give_places(p);
	for (size_t i = 0; i < p->n_rules; i++)
		d.order[i] = &p->rules[i];
	qsort(d.order, d.n, sizeof *d.order, by_place);
	size_t first = plan->n;
	for (size_t i = d.n; i-- > 0;)
		decide(&d, i);
	turn_round(plan, first);
	plan_defaults(&d, plan_fast(&d, next));
	free(d.order);
}
