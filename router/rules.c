#include "router/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the set ---- */

static int by_id(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_digest(const void *a, const void *b)
{
	const struct rule_by_digest *x = a, *y = b;
	if (x->digest != y->digest)
		return x->digest < y->digest ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static const struct rule *same_rule(const struct rule_set *before, const struct rule *r)
{
	const struct rule *old = before ? bsearch(r, before->rules, before->n, sizeof *r, by_id) : NULL;
	return old && rule_is_same(old, r) ? old : NULL;
}

static void count(struct rule_set *set, const struct rule_set *before, unsigned workers)
{
	for (unsigned i = 0; workers && i < set->n; i++) {
		const struct rule *same = same_rule(before, &set->rules[i]);
		if (same && same->n_counts == workers)
			rule_count_on(&set->rules[i], same);
		else
			rule_count_anew(&set->rules[i], workers);
	}
}

static void index_rules(struct rule_set *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		struct rule *r = &set->rules[i];
		set->gates[i] = (struct rule_gate){
			.user_hash = r->user_hash,
			.schema_hash = r->schema_hash,
			.classes = r->classes,
			.digest_number = r->on_digest ? (int)set->n_on_digest : -1,
			.more = r->user_hash || r->schema_hash || r->has_client || r->on_digest || r->on_text,
		};
		set->asks_client |= r->has_client;
		if (r->on_digest)
			r->digest_number = set->n_on_digest++;
		if (r->has_digest)
			set->by_digest[set->n_by_digest++] = (struct rule_by_digest){r->digest, i};
		else
			set->general[set->n_general++] = i;
	}
	qsort(set->by_digest, set->n_by_digest, sizeof *set->by_digest, by_digest);
}

static void *room_for(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (!p)
		abort();
	return p;
}

static bool is_enabled(const char *const *texts)
{
	return !texts[RULE_ENABLED] || strcmp(texts[RULE_ENABLED], "0") != 0;
}

struct rule_set *rule_set_create(rule_texts texts, const void *arg, size_t n, const struct rule_set *before,
                                 unsigned workers, char *error, size_t error_size)
{
	static _Atomic uint64_t numbers;
	struct rule_set *set = room_for(1, sizeof *set);
	atomic_init(&set->references, 1);
	set->number = atomic_fetch_add(&numbers, 1) + 1;
	set->rules = room_for(n, sizeof *set->rules);
	set->gates = room_for(n, sizeof *set->gates);
	set->general = room_for(n, sizeof *set->general);
	set->by_digest = room_for(n, sizeof *set->by_digest);
	bool fine = n <= RULES_MAX;
	if (!fine)
		snprintf(error, error_size, "rules: there are %zu; allowed: at most %u", n, RULES_MAX);
	for (size_t i = 0; fine && i < n; i++) {
		struct rule r;
		fine = rule_parse(&r, texts(arg, i), true, error, error_size);
		if (fine && is_enabled(texts(arg, i)))
			set->rules[set->n++] = r;
		else
			rule_finish(&r);
	}
	if (!fine) {
		rule_set_unref(set);
		return NULL;
	}
	qsort(set->rules, set->n, sizeof *set->rules, by_id);
	index_rules(set);
	count(set, before, workers);
	return set;
}

struct rule_set *rule_set_ref(struct rule_set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void rule_set_unref(struct rule_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < set->n; i++)
		rule_finish(&set->rules[i]);
	free(set->rules);
	free(set->gates);
	free(set->general);
	free(set->by_digest);
	free(set);
}

/* ---- which digests match which patterns ---- */

#define DIGESTS 2048u /* that one worker remembers; a digest that comes anew takes the place of another */

/* Two bits for each rule with a pattern on the digest's text: whether it is known, and whether it matches. */
struct rule_matcher {
	struct pattern_room *room;
	uint64_t set_number; /* of the set that the bits are of */
	size_t words;        /* of 64 bits, for either */
	uint64_t *entries;   /* DIGESTS times: the digest, `words` known ones, `words` that match */
};

struct rule_matcher *rule_matcher_create(void)
{
	struct rule_matcher *m = room_for(1, sizeof *m);
	m->room = pattern_room_create();
	return m;
}

void rule_matcher_destroy(struct rule_matcher *m)
{
	if (!m)
		return;
	pattern_room_destroy(m->room);
	free(m->entries);
	free(m);
}

struct pattern_room *rule_matcher_room(struct rule_matcher *m)
{
	return m->room;
}

static uint64_t *entry_of(struct rule_matcher *m, const struct rule_set *set, uint64_t digest)
{
	if (m->set_number != set->number) {
		m->words = (set->n_on_digest + 63) / 64;
		free(m->entries);
		m->entries = room_for(DIGESTS * (1 + 2 * m->words), sizeof *m->entries);
		m->set_number = set->number;
	}
	uint64_t *e = m->entries + (digest >> 7) % DIGESTS * (1 + 2 * m->words);
	if (*e != digest) {
		memset(e, 0, (1 + 2 * m->words) * sizeof *e);
		*e = digest;
	}
	return e;
}

/* It is known already that the pattern does not match. */
static bool is_another(const uint64_t *entry, size_t words, int digest_number)
{
	const uint64_t *known = entry + 1 + digest_number / 64;
	return *known & ~known[words] & 1ull << digest_number % 64;
}

static enum pattern_result matches_digest(const struct rule_set *set, const struct rule *r, const struct rule_subject *s,
                                          struct rule_matcher *m)
{
	uint64_t *known = entry_of(m, set, s->digest) + 1 + r->digest_number / 64, *match = known + m->words;
	uint64_t bit = 1ull << r->digest_number % 64;
	if (*known & bit)
		return *match & bit ? PATTERN_YES : PATTERN_NO;
	enum pattern_result got = pattern_match(r->on_digest, m->room, s->digest_text(s->arg));
	*known |= bit;
	*match |= got == PATTERN_YES ? bit : 0;
	return got;
}

/* ---- one rule ---- */

static enum pattern_result matches_more(const struct rule_set *set, const struct rule *r, const struct rule_subject *s,
                                        struct rule_matcher *m)
{
	if ((r->user_hash && !view_equal(r->user, s->user)) || (r->schema_hash && !view_equal(r->schema, s->schema)) ||
	    (r->has_client && !address_in_range(s->client, &r->client)))
		return PATTERN_NO;
	enum pattern_result got = r->on_digest ? matches_digest(set, r, s, m) : PATTERN_YES;
	return got == PATTERN_YES && r->on_text ? pattern_match(r->on_text, m->room, s->text) : got;
}

static void add(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- in order ---- */

static unsigned first_general(const struct rule_set *set, unsigned from)
{
	unsigned low = 0, high = set->n_general;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (set->general[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned first_by_digest(const struct rule_set *set, uint64_t digest, unsigned from)
{
	struct rule_by_digest wanted = {digest, from};
	unsigned low = 0, high = set->n_by_digest;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (by_digest(&set->by_digest[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rule *rules_next(const struct rule_set *set, struct rule_cursor *at, const struct rule_subject *s,
                              struct rule_matcher *m)
{
	const uint64_t user = rule_hash(s->user), schema = rule_hash(s->schema);
	const uint8_t class = (uint8_t)(1u << s->class);
	const uint64_t *entry = set->n_on_digest ? entry_of(m, set, s->digest) : NULL;
	unsigned g = first_general(set, at->next), d = first_by_digest(set, s->digest, at->next);
	for (;;) {
		bool of_digest = d < set->n_by_digest && set->by_digest[d].digest == s->digest;
		bool general = g < set->n_general;
		if (!of_digest && !general)
			break;
		bool take_digest = of_digest && (!general || set->by_digest[d].rule < set->general[g]);
		unsigned i = take_digest ? set->by_digest[d++].rule : set->general[g++];
		const struct rule_gate *gate = &set->gates[i];
		if ((gate->user_hash && gate->user_hash != user) || (gate->schema_hash && gate->schema_hash != schema) ||
		    (gate->classes && !(gate->classes & class)))
			continue;
		if (gate->digest_number >= 0 && is_another(entry, m->words, gate->digest_number))
			continue;
		const struct rule *r = &set->rules[i];
		enum pattern_result got = gate->more ? matches_more(set, r, s, m) : PATTERN_YES;
		if (got == PATTERN_NO)
			continue;
		if (s->worker >= 0 && (unsigned)s->worker < r->n_counts)
			add(got == PATTERN_YES ? &r->counts[s->worker].hits : &r->counts[s->worker].failed);
		if (got != PATTERN_YES)
			continue;
		at->next = i + 1;
		return r;
	}
	at->next = set->n;
	return NULL;
}
