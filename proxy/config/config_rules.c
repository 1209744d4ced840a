#include "proxy/config/config_rules.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"

#define ID_STEP 10u /* between rules whose number is not given, for others to come between them */

static const char all_rows[] = "SELECT "
#define X(name, column, number, help) #column ", "
	RULE_FIELDS(X)
#undef X
	"NULL FROM main.rules ORDER BY id";

static const char *default_of(enum rule_field field)
{
	return field == RULE_ENABLED ? "1" : rule_field_info(field)->number ? "0" : field == RULE_COMMENT ? "" : NULL;
}

/* ---- rows ---- */

void config_rule_copy(struct config_rule *to, const char *const texts[RULE_FIELD_COUNT])
{
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++) {
		const char *text = texts[i] ? texts[i] : default_of((enum rule_field)i);
		to->texts[i] = text ? strdup(text) : NULL;
		if (text && !to->texts[i])
			abort();
	}
}

void config_rule_finish(struct config_rule *r)
{
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		free(r->texts[i]);
}

struct config_rule *config_add_rule(struct config *c, const char *const texts[RULE_FIELD_COUNT])
{
	if (!(c->n_rules & (c->n_rules - 1))) { /* grows at powers of two */
		c->rules = realloc(c->rules, (c->n_rules ? c->n_rules * 2 : 1) * sizeof *c->rules);
		if (!c->rules)
			abort();
	}
	config_rule_copy(&c->rules[c->n_rules], texts);
	return &c->rules[c->n_rules++];
}

const struct config_rule *config_rule_numbered(const struct config *c, const char *id)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (strcmp(c->rules[i].texts[RULE_ID], id) == 0)
			return &c->rules[i];
	return NULL;
}

unsigned config_rule_next_id(const struct config *c)
{
	unsigned last = c->n_rules ? (unsigned)atoi(c->rules[c->n_rules - 1].texts[RULE_ID]) : 0;
	return last + ID_STEP;
}

/* ---- sqlite ---- */

struct reading {
	struct config *config;
	char *error;
	size_t error_size;
};

static bool read_rule(void *arg, sqlite3_stmt *row)
{
	struct reading *r = arg;
	const char *texts[RULE_FIELD_COUNT];
	struct rule parsed;
	for (int i = 0; i < RULE_FIELD_COUNT; i++)
		texts[i] = (const char *)sqlite3_column_text(row, i);
	const struct config_rule *added = config_add_rule(r->config, texts);
	bool fine = rule_parse(&parsed, (const char *const *)added->texts, false, r->error, r->error_size);
	rule_finish(&parsed);
	return fine;
}

bool config_rules_read(sqlite3 *db, struct config *c, char *error, size_t error_size)
{
	struct reading r = {c, error, error_size};
	return config_sql_rows(db, all_rows, read_rule, &r);
}

static bool insert(sqlite3 *db, const struct config_rule *rule)
{
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "INSERT INTO main.rules(");
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		sqlite3_str_appendf(sql, "%s%s", i ? ", " : "", rule_field_info((enum rule_field)i)->name);
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		sqlite3_str_appendf(sql, "%s%Q", i ? ", " : ") VALUES(", rule->texts[i]);
	sqlite3_str_appendall(sql, ")");
	char *text = sqlite3_str_finish(sql);
	bool fine = text && config_sql_script(db, text);
	sqlite3_free(text);
	return fine;
}

static bool copy_rule(void *to, sqlite3_stmt *row)
{
	struct config_rule rule;
	for (int i = 0; i < RULE_FIELD_COUNT; i++)
		rule.texts[i] = (char *)(uintptr_t)sqlite3_column_text(row, i);
	return insert(to, &rule);
}

bool config_rules_copy(sqlite3 *from, sqlite3 *to)
{
	return config_sql_rows(from, all_rows, copy_rule, to);
}

bool config_store_rule(sqlite3 *db, const char *old, const char *const texts[RULE_FIELD_COUNT], bool replace, char *error,
		       size_t error_size)
{
	struct config_rule rule;
	struct rule parsed;
	config_rule_copy(&rule, texts);
	bool fine = rule_parse(&parsed, (const char *const *)rule.texts, true, error, error_size);
	rule_finish(&parsed);
	fine = fine && config_store_make_place(db, "rules", old, rule.texts[RULE_ID], replace, error, error_size);
	if (fine && !insert(db, &rule))
		fine = config_refuse(error, error_size, "%s", sqlite3_errmsg(db));
	config_rule_finish(&rule);
	return fine;
}

void config_rules_export(FILE *out, const struct config *c, void (*put_literal)(FILE *out, const char *text))
{
	for (size_t i = 0; i < c->n_rules; i++) {
		const char *comma = "";
		fputs("INSERT INTO rules(", out);
		for (unsigned k = 0; k < RULE_FIELD_COUNT; k++)
			if (c->rules[i].texts[k]) {
				fprintf(out, "%s%s", comma, rule_field_info((enum rule_field)k)->name);
				comma = ", ";
			}
		comma = ") VALUES(";
		for (unsigned k = 0; k < RULE_FIELD_COUNT; k++)
			if (c->rules[i].texts[k]) {
				fputs(comma, out);
				put_literal(out, c->rules[i].texts[k]);
				comma = ", ";
			}
		fputs(");\n", out);
	}
}

/* ---- in force ---- */

static const char *const *texts_of(const void *arg, size_t i)
{
	return (const char *const *)((const struct config *)arg)->rules[i].texts;
}

bool config_rules_compile(struct config *c, const struct rule_set *before, unsigned workers, char *error,
			  size_t error_size)
{
	rule_set_unref(c->rule_set);
	c->rule_set = rule_set_create(texts_of, c, c->n_rules, before, workers, error, error_size);
	return c->rule_set;
}

/* ---- what differs ---- */

static bool same(const struct config_rule *a, const struct config_rule *b)
{
	for (unsigned i = 0; i < RULE_FIELD_COUNT; i++)
		if (!a->texts[i] != !b->texts[i] || (a->texts[i] && strcmp(a->texts[i], b->texts[i]) != 0))
			return false;
	return true;
}

void config_rules_compare(const struct config *before, const struct config *after,
			  void (*say)(void *arg, char what, const char *id), void *arg)
{
	for (size_t i = 0; i < after->n_rules; i++) {
		const char *id = after->rules[i].texts[RULE_ID];
		const struct config_rule *old = config_rule_numbered(before, id);
		if (!old || !same(old, &after->rules[i]))
			say(arg, old ? '~' : '+', id);
	}
	for (size_t i = 0; i < before->n_rules; i++)
		if (!config_rule_numbered(after, before->rules[i].texts[RULE_ID]))
			say(arg, '-', before->rules[i].texts[RULE_ID]);
}
