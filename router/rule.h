/*
 * One rule: what it asks of a statement, and what it does to those that have it.
 *
 * A rule is a row of texts, a NULL for what is not given; rule_parse() makes of it what statements can be compared with.
 * What it says of the route acts as a hint of the session would (router/hints.h): it moves no write, nothing of a
 * transaction that is open, and nothing that is bound to a connection.
 */
#ifndef WYE_ROUTER_RULE_H
#define WYE_ROUTER_RULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "router/address.h"
#include "router/classify.h"
#include "router/pattern.h"

/* The columns: name, whether it is a number, and what people read about it. */
#define RULE_FIELDS(X)                                                                                                 \
	X(ID, id, true, "its place: rules are looked at in this order; left out: behind the last")                    \
	X(ENABLED, enabled, true, "0: it is not looked at")                                                            \
	X(USER, user, false, "asks: the client's user name; NULL, here and below: any")                                \
	X(SCHEMA, schema, false, "asks: the default schema")                                                           \
	X(CLIENT, client, false, "asks: the client's address, or a range such as 10.0.0.0/8, or unix")                 \
	X(CLASS, class, false, "asks: the classifier's route: replica, primary, session, pin or local")                \
	X(DIGEST, digest, false, "asks: the digest, 16 hexadecimal digits")                                            \
	X(MATCH_DIGEST, match_digest, false, "asks: a pattern (PCRE2) that the digest's text matches")                 \
	X(MATCH_PATTERN, match_pattern, false, "asks: a pattern (PCRE2) that the statement's text matches")            \
	X(ROUTE, route, false, "does: primary, replica, or a server's HOST:PORT; a wish, as a hint is")                \
	X(DENY, deny, false, "does: refuses the statement with this message")                                          \
	X(CONSISTENCY, consistency, false, "does: eventual, session, global or primary")                               \
	X(MAX_LAG, max_lag, false, "does: no replica that is further behind, such as 500ms")                           \
	X(TIMEOUT, timeout, false, "does: the statement is stopped after that time")                                   \
	X(REWRITE, rewrite, false, "does: what match_pattern matches becomes this; $1 is its first group")             \
	X(MIRROR, mirror, false, "does: sends a copy of reads to that server, HOST:PORT, and forgets what it answers")    \
	X(LOG, log, true, "does: 1 writes a line to the log")                                                          \
	X(CONTINUE, continue, true, "1: further rules are looked at; else it is the last")                             \
	X(DRY_RUN, dry_run, true, "1: it only counts what it would have changed (stats_rules)")                        \
	X(COMMENT, comment, false, "free text")

enum rule_field {
#define X(name, column, number, help) RULE_##name,
	RULE_FIELDS(X)
#undef X
	RULE_FIELD_COUNT
};

struct rule_field_info {
	const char *name;
	bool number;
	const char *help;
};
const struct rule_field_info *rule_field_info(enum rule_field field);

#define RULE_TEXT_MAX 2048u /* bytes of one field */
#define RULE_ID_MAX   1000000000u

/* What became of copies for `mirror`. The name is the one in stats_rules; the second word tells which sum it is in. */
#define MIRROR_OUTCOMES(X)                                                                                             \
	X(DONE, "mirrored", MIRRORED)                                                                                  \
	X(NO_READ, "no-read", UNFIT)               /* a replica may not run it, so no mirror may */                    \
	X(IN_TRANSACTION, "in-transaction", UNFIT) /* what it reads depends on what came before */                     \
	X(BOUND, "bound-to-connection", UNFIT)     /* it needs what only its own connection has */                     \
	X(TOO_LONG, "too-long", UNFIT)                                                                                 \
	X(UNKNOWN_SERVER, "unknown-server", DROPPED)                                                                   \
	X(SERVER_DOWN, "server-down", DROPPED)                                                                         \
	X(UNREACHED, "no-connection", DROPPED)     /* none could be opened a moment ago */                             \
	X(QUEUE_FULL, "queue-full", DROPPED)                                                                           \
	X(TOO_LATE, "too-late", DROPPED)           /* it has waited for mirror_timeout */                              \
	X(ERROR, "error", FAILED)                  /* the server's answer to it */                                     \
	X(STOPPED, "stopped", FAILED)              /* it ran for mirror_timeout */                                     \
	X(LOST, "connection-lost", FAILED)
enum mirror_outcome {
#define X(name, word, sum) MIRROR_##name,
	MIRROR_OUTCOMES(X)
#undef X
		MIRROR_OUTCOME_COUNT
};
enum mirror_sum { MIRROR_SUM_MIRRORED, MIRROR_SUM_UNFIT, MIRROR_SUM_DROPPED, MIRROR_SUM_FAILED, MIRROR_SUMS };
const char *mirror_outcome_name(enum mirror_outcome outcome);

/* How often; each worker has its own and is its only writer. */
struct rule_count {
	_Alignas(64) _Atomic uint64_t hits; /* statements that it matched */
	_Atomic uint64_t changed;           /* of these it changed something, or would have */
	_Atomic uint64_t failed;            /* a pattern gave up, or what it made was too long: no match */
	_Atomic uint64_t mirror[MIRROR_OUTCOME_COUNT];
	uint64_t log_second;                /* when it logged last, and how often in that second */
	unsigned logged, not_logged;
};

struct rule {
	uint32_t id;
	bool log, continues, dry_run;
	uint8_t classes;              /* bits of enum route; 0: any */
	bool has_client, has_digest;
	struct address_range client;
	uint64_t digest;
	uint64_t user_hash, schema_hash; /* 0: any */
	struct view user, schema;
	struct pattern *on_digest, *on_text;
	unsigned digest_number;       /* among the rules with on_digest, in a set */
	struct hints hints;           /* what it asks of the route; not `given` when nothing */
	const char *deny, *rewrite;   /* or NULL */
	const char *mirror;           /* HOST:PORT, or NULL */
	char *texts[RULE_FIELD_COUNT]; /* its own */
	struct rule_count *counts;    /* of each worker; NULL: not counted. Shared with the same rule in other sets */
	unsigned n_counts;
	_Atomic unsigned *counts_references;
};

/* The rule of these texts; with `whole` also its patterns are compiled, which takes longer. False: `error` names the
 * column, what is wrong with its value, and what is allowed. rule_finish() in any case. */
bool rule_parse(struct rule *r, const char *const texts[RULE_FIELD_COUNT], bool whole, char *error, size_t error_size);
void rule_finish(struct rule *r);

/* Counts begin at zero, or go on from those of a rule that is the same. */
void rule_count_anew(struct rule *r, unsigned workers);
void rule_count_on(struct rule *r, const struct rule *same);
/* Of all workers. */
struct rule_totals {
	uint64_t hits, changed, failed;
	uint64_t mirror[MIRROR_OUTCOME_COUNT], mirror_sums[MIRROR_SUMS];
};
struct rule_totals rule_totals(const struct rule *r);
bool rule_is_same(const struct rule *a, const struct rule *b); /* but for the comment */

/* Of names that rules ask for; never 0. */
uint64_t rule_hash(struct view name);

#endif
