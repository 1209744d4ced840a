/*
 * What becomes of another proxy's configuration: findings, one for each of its servers, accounts, rules and settings.
 *
 * A finding either is a row of one of wye's tables, or says why there is none: since wye needs nothing of the kind, or has
 * nothing like it. Rows are printed as SQL that may be run again and again, and can be written to a configuration
 * file. All texts are copies of the plan's own.
 */
#ifndef WYE_PROXY_IMPORT_PLAN_H
#define WYE_PROXY_IMPORT_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "router/rule.h"

enum plan_table { PLAN_SETTINGS, PLAN_SERVERS, PLAN_USERS, PLAN_RULES, PLAN_TABLES };

enum plan_verdict { PLAN_CARRIES, PLAN_NOT_NEEDED, PLAN_NO_COUNTERPART };

struct plan_finding {
	enum plan_verdict verdict;
	enum plan_table table;         /* of what carries over */
	char *texts[RULE_FIELD_COUNT]; /* its row, in the order of the columns; NULL: not given */
	char *subject;                 /* what it was called there; of what does not carry over */
	char *reason;
};

struct plan {
	struct plan_finding *findings;
	size_t n;
};

void plan_finish(struct plan *p);

/* A row; n texts, NULL for what is not given. `reason` is one line, or NULL. */
void plan_row(struct plan *p, enum plan_table table, const char *const *texts, size_t n, const char *reason);
/* What has no row. `what` is a format of the subject, and of the reason behind a tab. */
void plan_note(struct plan *p, enum plan_verdict verdict, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* SQL between BEGIN and COMMIT, then what does not carry over, as comments. */
void plan_print(FILE *out, const struct plan *p);

/* Writes the rows to a configuration file (see --config), all or none; an empty path only tries them. `who` is for the
 * history. False: `error` is one line. *changed is one line too. */
bool plan_apply(const struct plan *p, const char *path, const char *who, char *changed, size_t changed_size, char *error,
		size_t error_size);

#endif
