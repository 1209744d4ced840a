/* The rules as the configuration has them, and how often each matched. */
#include "proxy/console/console_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_rules.h"
#include "proxy/config/config_store.h"

static const struct table_column rules_columns[] = {
#define X(name, column, number, help) {#column, number ? COLUMN_INTEGER : COLUMN_TEXT, help},
	RULE_FIELDS(X)
#undef X
	{"source", COLUMN_TEXT, "where the row comes from: configuration"},
};

static void produce_rules(struct table_rows *rows)
{
	struct config *c = config_visible();
	for (size_t i = 0; c && i < c->n_rules; i++) {
		for (unsigned k = 0; k < RULE_FIELD_COUNT; k++) {
			const char *text = c->rules[i].texts[k];
			if (!text)
				rows_null(rows);
			else if (rules_columns[k].type == COLUMN_INTEGER)
				rows_integer(rows, atoll(text));
			else
				rows_text(rows, text);
		}
		rows_text(rows, config_source_name(CONFIG_STORED));
	}
	config_unref(c);
}

static bool put_rule(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
		     size_t error_size)
{
	const char *texts[RULE_FIELD_COUNT];
	char next[16];
	if (columns[RULE_FIELD_COUNT] && columns[RULE_FIELD_COUNT] != TABLE_SAME)
		return config_refuse(error, error_size, "rules: the column source cannot be written");
	struct config *c = config_visible();
	const struct config_rule *before = old && c ? config_rule_numbered(c, old) : NULL;
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		texts[i] = columns[i] != TABLE_SAME ? columns[i] : before ? before->texts[i] : NULL;
	snprintf(next, sizeof next, "%u", c ? config_rule_next_id(c) : 1);
	if (!texts[RULE_ID])
		texts[RULE_ID] = old ? old : next;
	config_change_touched();
	bool fine = config_store_rule(db, old, texts, replace, error, error_size);
	config_unref(c);
	return fine;
}

static bool drop_rule(sqlite3 *db, const char *old, char *error, size_t error_size)
{
	config_change_touched();
	return config_store_drop(db, "rules", old, error, error_size);
}

const struct table_writing rules_writing = {put_rule, drop_rule};

const struct console_table table_rules = {
	"rules", "what is done to which statements beyond what wye does by itself; in the order of their ids",
	COLUMNS(rules_columns), produce_rules, false};

static const struct table_column stats_rules_columns[] = {
	{"id", COLUMN_INTEGER, "the rule's"},
	{"hits", COLUMN_INTEGER, "statements that it matched"},
	{"changed", COLUMN_INTEGER, "of these it changed something, or would have, had it not been a dry run"},
	{"failed", COLUMN_INTEGER, "a pattern gave up, or what a rewrite made was too long: no match"},
	{"mirrored", COLUMN_INTEGER, "copies that its mirror has answered"},
	{"mirror_errors", COLUMN_INTEGER, "copies that ended with an error, of the server, of time or of the connection"},
	{"mirror_dropped", COLUMN_INTEGER, "copies that were not sent: the queue was full, or the server could not be had"},
	{"mirror_unfit", COLUMN_INTEGER, "statements that no mirror may run: what is no read, or needs its own connection"},
	{"mirror_why", COLUMN_TEXT, "what those that were not mirrored were, and how many of each"},
	{"dry_run", COLUMN_INTEGER, "1: it only counts"},
	{"comment", COLUMN_TEXT, "the rule's"},
};

/* "no-read 3, queue-full 12" */
static void write_why(struct table_rows *rows, const struct rule_totals *sum)
{
	char text[400] = "";
	size_t n = 0;
	for (unsigned i = MIRROR_DONE + 1; i < MIRROR_OUTCOME_COUNT; i++)
		if (sum->mirror[i] && n < sizeof text)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %llu", n ? ", " : "",
					      mirror_outcome_name((enum mirror_outcome)i),
					      (unsigned long long)sum->mirror[i]);
	rows_text(rows, text);
}

static void produce_stats_rules(struct table_rows *rows)
{
	struct config *c = config_get();
	for (unsigned i = 0; c && c->rule_set && i < c->rule_set->n; i++) {
		const struct rule *r = &c->rule_set->rules[i];
		struct rule_totals sum = rule_totals(r);
		rows_count(rows, r->id);
		rows_count(rows, sum.hits);
		rows_count(rows, sum.changed);
		rows_count(rows, sum.failed);
		rows_count(rows, sum.mirror_sums[MIRROR_SUM_MIRRORED]);
		rows_count(rows, sum.mirror_sums[MIRROR_SUM_FAILED]);
		rows_count(rows, sum.mirror_sums[MIRROR_SUM_DROPPED]);
		rows_count(rows, sum.mirror_sums[MIRROR_SUM_UNFIT]);
		write_why(rows, &sum);
		rows_integer(rows, r->dry_run);
		rows_text(rows, r->texts[RULE_COMMENT] ? r->texts[RULE_COMMENT] : "");
	}
	config_unref(c);
}

const struct console_table table_stats_rules = {"stats_rules", "how often each rule matched, and changed something",
						COLUMNS(stats_rules_columns), produce_stats_rules, false};
