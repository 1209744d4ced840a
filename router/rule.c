#include "router/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "router/hints.h"

static const struct rule_field_info fields[RULE_FIELD_COUNT] = {
#define X(name, column, number, help) [RULE_##name] = {#column, number, help},
	RULE_FIELDS(X)
#undef X
};

const struct rule_field_info *rule_field_info(enum rule_field field)
{
	return (unsigned)field < RULE_FIELD_COUNT ? &fields[field] : NULL;
}

uint64_t rule_hash(struct view name)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < name.len; i++)
		h = (h ^ name.p[i]) * 1099511628211u;
	return h | 1;
}

/* ---- one reader a kind of value; each says what is allowed ---- */

struct reading {
	struct rule *rule;
	enum rule_field field;
	const char *text; /* the rule's own copy */
	bool whole;
	char why[256];
};

static bool not_allowed(struct reading *r, const char *allowed)
{
	snprintf(r->why, sizeof r->why, "allowed: %s", allowed);
	return false;
}

static bool read_id(struct reading *r)
{
	char *end;
	unsigned long long n = strtoull(r->text, &end, 10);
	r->rule->id = (uint32_t)n;
	return (*r->text >= '0' && *r->text <= '9' && !*end && n >= 1 && n <= RULE_ID_MAX) ||
	       not_allowed(r, "1 to 1000000000");
}

static bool read_switch(struct reading *r)
{
	bool on = strcmp(r->text, "1") == 0;
	if (!on && strcmp(r->text, "0") != 0)
		return not_allowed(r, "0 or 1");
	r->rule->log |= on && r->field == RULE_LOG;
	r->rule->continues |= on && r->field == RULE_CONTINUE;
	r->rule->dry_run |= on && r->field == RULE_DRY_RUN;
	return true;
}

static bool read_name(struct reading *r)
{
	struct view name = view_of(r->text);
	bool user = r->field == RULE_USER;
	*(user ? &r->rule->user : &r->rule->schema) = name;
	*(user ? &r->rule->user_hash : &r->rule->schema_hash) = rule_hash(name);
	return true;
}

static bool read_client(struct reading *r)
{
	r->rule->has_client = true;
	return address_range_parse(&r->rule->client, r->text, r->why, sizeof r->why);
}

static bool read_class(struct reading *r)
{
	for (unsigned i = 0; i < ROUTE_DENY; i++)
		if (strcasecmp(r->text, route_name((enum route)i)) == 0) {
			r->rule->classes = (uint8_t)(1u << i);
			return true;
		}
	return not_allowed(r, "replica, primary, session, pin or local");
}

static bool read_digest(struct reading *r)
{
	char *end;
	r->rule->has_digest = true;
	r->rule->digest = strtoull(r->text, &end, 16);
	return (strlen(r->text) == 16 && strspn(r->text, "0123456789abcdefABCDEF") == 16) ||
	       not_allowed(r, "16 hexadecimal digits, as EXPLAIN ROUTE shows them");
}

static bool read_pattern(struct reading *r)
{
	if (!r->whole)
		return true;
	struct pattern *p = pattern_compile(r->text, r->why, sizeof r->why);
	*(r->field == RULE_MATCH_DIGEST ? &r->rule->on_digest : &r->rule->on_text) = p;
	return p;
}

static bool read_route(struct reading *r)
{
	struct hints *h = &r->rule->hints;
	if (strcasecmp(r->text, "primary") == 0 || strcasecmp(r->text, "replica") == 0)
		return hints_set(h, view_of("route"), view_of(r->text));
	bool named = strpbrk(r->text, ":/.") && !strpbrk(r->text, " \t\r\n'\"");
	return (named && hints_set(h, view_of("server"), view_of(r->text))) ||
	       not_allowed(r, "primary, replica, or a server's address as stats_servers shows it");
}

static bool read_wish(struct reading *r)
{
	const char *name = fields[r->field].name;
	return (*r->text && hints_set(&r->rule->hints, view_of(name), view_of(r->text))) ||
	       not_allowed(r, r->field == RULE_CONSISTENCY ? "eventual, session, global or primary"
	                                                   : "a time such as 500ms, 2s or 1m; a bare number is seconds");
}

static bool read_deny(struct reading *r)
{
	r->rule->deny = r->text;
	return *r->text || not_allowed(r, "what the client is to read");
}

static bool read_rewrite(struct reading *r)
{
	r->rule->rewrite = r->text;
	if (!r->rule->texts[RULE_MATCH_PATTERN])
		return not_allowed(r, "with a match_pattern, whose matches it replaces");
	return !r->whole || pattern_check_replacement(r->rule->on_text, r->text, r->why, sizeof r->why);
}

static bool read_mirror(struct reading *r)
{
	r->rule->mirror = r->text;
	bool named = strrchr(r->text, ':') && !strpbrk(r->text, " \t\r\n'\"");
	return named || not_allowed(r, "HOST:PORT of a row of servers");
}

static bool read_nothing(struct reading *r)
{
	(void)r;
	return true;
}

static bool (*const readers[RULE_FIELD_COUNT])(struct reading *) = {
	[RULE_ID] = read_id,
	[RULE_ENABLED] = read_switch,
	[RULE_USER] = read_name,
	[RULE_SCHEMA] = read_name,
	[RULE_CLIENT] = read_client,
	[RULE_CLASS] = read_class,
	[RULE_DIGEST] = read_digest,
	[RULE_MATCH_DIGEST] = read_pattern,
	[RULE_MATCH_PATTERN] = read_pattern,
	[RULE_ROUTE] = read_route,
	[RULE_DENY] = read_deny,
	[RULE_CONSISTENCY] = read_wish,
	[RULE_MAX_LAG] = read_wish,
	[RULE_TIMEOUT] = read_wish,
	[RULE_REWRITE] = read_rewrite,
	[RULE_MIRROR] = read_mirror,
	[RULE_LOG] = read_switch,
	[RULE_CONTINUE] = read_switch,
	[RULE_DRY_RUN] = read_switch,
	[RULE_COMMENT] = read_nothing,
};

/* What no single column can tell. */
static const char *contradiction(const struct rule *r)
{
	if (r->deny && (r->hints.given || r->rewrite || r->mirror))
		return "deny: a statement that is refused can have no route, timeout, max_lag, consistency, rewrite or mirror";
	return NULL;
}

bool rule_parse(struct rule *r, const char *const texts[RULE_FIELD_COUNT], bool whole, char *error, size_t error_size)
{
	memset(r, 0, sizeof *r);
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++) {
		struct reading reading = {.rule = r, .field = (enum rule_field)i, .whole = whole};
		if (!texts[i])
			continue;
		reading.text = r->texts[i] = strndup(texts[i], RULE_TEXT_MAX + 1);
		if (!reading.text)
			abort();
		bool fine = strlen(reading.text) <= RULE_TEXT_MAX;
		if (!fine)
			snprintf(reading.why, sizeof reading.why, "it is longer than %u bytes", RULE_TEXT_MAX);
		if (fine && readers[i](&reading))
			continue;
		snprintf(error, error_size, "rules: %s of rule %.12s is '%.100s'; %s", fields[i].name,
		         texts[RULE_ID] ? texts[RULE_ID] : "?", reading.text, reading.why);
		return false;
	}
	const char *why = contradiction(r);
	if (why)
		snprintf(error, error_size, "rules: rule %u: %s", r->id, why);
	return !why;
}

void rule_finish(struct rule *r)
{
	pattern_destroy(r->on_digest);
	pattern_destroy(r->on_text);
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		free(r->texts[i]);
	if (r->counts_references && atomic_fetch_sub_explicit(r->counts_references, 1, memory_order_acq_rel) == 1) {
		free(r->counts);
		free(r->counts_references);
	}
	memset(r, 0, sizeof *r);
}

/* ---- counts ---- */

static const struct {
	const char *name;
	enum mirror_sum sum;
} outcomes[MIRROR_OUTCOME_COUNT] = {
#define X(name, word, sum) [MIRROR_##name] = {word, MIRROR_SUM_##sum},
	MIRROR_OUTCOMES(X)
#undef X
};

const char *mirror_outcome_name(enum mirror_outcome outcome)
{
	return outcomes[outcome].name;
}

void rule_count_anew(struct rule *r, unsigned workers)
{
	r->n_counts = workers;
	r->counts = aligned_alloc(_Alignof(struct rule_count), workers * sizeof *r->counts);
	r->counts_references = malloc(sizeof *r->counts_references);
	if (!r->counts || !r->counts_references)
		abort();
	memset(r->counts, 0, workers * sizeof *r->counts);
	atomic_init(r->counts_references, 1);
}

void rule_count_on(struct rule *r, const struct rule *same)
{
	r->counts = same->counts;
	r->n_counts = same->n_counts;
	r->counts_references = same->counts_references;
	atomic_fetch_add_explicit(r->counts_references, 1, memory_order_relaxed);
}

struct rule_totals rule_totals(const struct rule *r)
{
	struct rule_totals sum = {0};
	for (unsigned i = 0; i < r->n_counts; i++) {
		sum.hits += atomic_load_explicit(&r->counts[i].hits, memory_order_relaxed);
		sum.changed += atomic_load_explicit(&r->counts[i].changed, memory_order_relaxed);
		sum.failed += atomic_load_explicit(&r->counts[i].failed, memory_order_relaxed);
		for (unsigned k = 0; k < MIRROR_OUTCOME_COUNT; k++) {
			uint64_t n = atomic_load_explicit(&r->counts[i].mirror[k], memory_order_relaxed);
			sum.mirror[k] += n;
			sum.mirror_sums[outcomes[k].sum] += n;
		}
	}
	return sum;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool rule_is_same(const struct rule *a, const struct rule *b)
{
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		if (i != RULE_COMMENT && !same_text(a->texts[i], b->texts[i]))
			return false;
	return true;
}
