/*
 * The rules in force: in order, the first that matches and does not continue is the last that is looked at.
 *
 * A set is immutable and shared by all threads; what a match needs beside it (room for patterns, and which digests
 * match which patterns) is each worker's own. Rules that ask for a digest are found by it; the others are passed by
 * their user, schema and class first, and a pattern on the digest's text is run once for each digest that a worker
 * meets. Only patterns on the statement's own text are run for each statement that comes so far.
 */
#ifndef WYE_ROUTER_RULES_H
#define WYE_ROUTER_RULES_H

#include "router/rule.h"

#define RULES_MAX 10000u
#define RULES_DIGEST_TEXT_MAX 8192u /* bytes of a digest's text that patterns see */

/* What is compared first. */
struct rule_gate {
	uint64_t user_hash, schema_hash;
	uint8_t classes;
	bool more;              /* there is something else to compare */
	int digest_number;      /* of its pattern on the digest's text; -1: it has none */
};

struct rule_by_digest {
	uint64_t digest;
	unsigned rule;
};

struct rule_set {
	_Atomic unsigned references;
	uint64_t number;                  /* no other set of this process has it */
	unsigned n;                       /* those that are enabled */
	struct rule *rules;               /* in order */
	struct rule_gate *gates;
	unsigned *general, n_general;     /* indexes of those that ask for no digest, in order */
	struct rule_by_digest *by_digest; /* the others, by digest and then in order */
	unsigned n_by_digest;
	unsigned n_on_digest;             /* with a pattern on the digest's text */
	bool asks_client;                 /* some ask for the client's address */
};

/* With one reference. A rule that `before` (NULL: nothing) has too keeps its counts; workers 0: nothing is counted.
 * NULL: `error` names the rule, the column, what is wrong and what is allowed. */
typedef const char *const *(*rule_texts)(const void *arg, size_t index);
struct rule_set *rule_set_create(rule_texts texts, const void *arg, size_t n, const struct rule_set *before,
                                 unsigned workers, char *error, size_t error_size);
struct rule_set *rule_set_ref(struct rule_set *set);
void rule_set_unref(struct rule_set *set); /* NULL is fine */

/* One worker's, created when first needed. */
struct rule_matcher;
struct rule_matcher *rule_matcher_create(void);
void rule_matcher_destroy(struct rule_matcher *m);
struct pattern_room *rule_matcher_room(struct rule_matcher *m);

/* A statement, as rules see it. */
struct rule_subject {
	struct view user, schema, text;
	const struct address *client;
	enum route class;
	uint64_t digest;
	/* Asked for where it is not known yet which patterns it matches. */
	struct view (*digest_text)(void *arg);
	void *arg;
	int worker; /* whose counts count; -1: nobody's */
};

/* All zero: before the first. */
struct rule_cursor {
	unsigned next; /* index of the rule that is looked at next */
};

/* The next rule that matches, NULL when no other does. A subject that has changed since goes on where it was. */
const struct rule *rules_next(const struct rule_set *set, struct rule_cursor *at, const struct rule_subject *subject,
                              struct rule_matcher *m);

#endif
