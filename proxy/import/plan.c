#include "proxy/import/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_rules.h"
#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"

static const struct {
	const char *name;
	const char *columns[8]; /* none: those of a rule */
	bool bare;              /* a number is written without quotes */
} tables[PLAN_TABLES] = {
	[PLAN_SETTINGS] = {"settings", {"name", "value"}, false},
	[PLAN_SERVERS] = {"servers", {"server", "role", "weight", "comment"}, false},
	[PLAN_USERS] = {"users", {"name", "password", "comment"}, false},
	[PLAN_RULES] = {"rules", {NULL}, true},
};

static char *copy(const char *text)
{
	char *made = text ? strdup(text) : NULL;
	if (text && !made)
		abort();
	return made;
}

static struct plan_finding *add(struct plan *p, enum plan_verdict verdict)
{
	p->findings = realloc(p->findings, (p->n + 1) * sizeof *p->findings);
	if (!p->findings)
		abort();
	struct plan_finding *f = &p->findings[p->n++];
	*f = (struct plan_finding){.verdict = verdict};
	return f;
}

void plan_row(struct plan *p, enum plan_table table, const char *const *texts, size_t n, const char *reason)
{
	struct plan_finding *f = add(p, PLAN_CARRIES);
	f->table = table;
	f->reason = copy(reason);
	for (size_t i = 0; i < n; i++)
		f->texts[i] = copy(texts[i]);
}

void plan_note(struct plan *p, enum plan_verdict verdict, const char *what, ...)
{
	char text[1200];
	va_list args;
	va_start(args, what);
	vsnprintf(text, sizeof text, what, args);
	va_end(args);
	struct plan_finding *f = add(p, verdict);
	char *tab = strchr(text, '\t');
	if (tab)
		*tab = '\0';
	f->subject = copy(text);
	f->reason = copy(tab ? tab + 1 : "");
}

void plan_finish(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct plan_finding *f = &p->findings[i];
		for (size_t k = 0; k < RULE_FIELD_COUNT; k++)
			free(f->texts[k]);
		free(f->subject);
		free(f->reason);
	}
	free(p->findings);
	*p = (struct plan){0};
}

/* ---- printing ---- */

static const char *column_name(enum plan_table table, size_t i)
{
	return tables[table].columns[0] ? tables[table].columns[i] : rule_field_info((enum rule_field)i)->name;
}

/* Nothing that was read may end the comment that it stands in. */
static void put_comment(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, out);
}

static void print_row(FILE *out, const struct plan_finding *f)
{
	const char *comma = "";
	fprintf(out, "REPLACE INTO %s (", tables[f->table].name);
	for (size_t i = 0; i < RULE_FIELD_COUNT; i++)
		if (f->texts[i]) {
			const char *name = column_name(f->table, i);
			bool word = strcmp(name, "continue") == 0; /* of MySQL's grammar */
			fprintf(out, word ? "%s`%s`" : "%s%s", comma, name);
			comma = ", ";
		}
	comma = ") VALUES (";
	for (size_t i = 0; i < RULE_FIELD_COUNT; i++)
		if (f->texts[i]) {
			fputs(comma, out);
			comma = ", ";
			if (tables[f->table].bare && rule_field_info((enum rule_field)i)->number)
				fputs(f->texts[i], out);
			else
				config_put_literal(out, f->texts[i]);
		}
	fputs(");", out);
	if (f->reason) {
		fputs(" -- ", out);
		put_comment(out, f->reason);
	}
	fputc('\n', out);
}

static void print_notes(FILE *out, const struct plan *p, enum plan_verdict verdict, const char *title)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->findings[i].verdict != verdict)
			continue;
		if (title)
			fprintf(out, "\n-- %s\n", title);
		title = NULL;
		fputs("--   ", out);
		put_comment(out, p->findings[i].subject);
		fputs(": ", out);
		put_comment(out, p->findings[i].reason);
		fputc('\n', out);
	}
}

void plan_print(FILE *out, const struct plan *p)
{
	fputs("BEGIN;\n", out);
	for (int table = 0; table < PLAN_TABLES; table++)
		for (size_t i = 0; i < p->n; i++)
			if (p->findings[i].verdict == PLAN_CARRIES && p->findings[i].table == (enum plan_table)table)
				print_row(out, &p->findings[i]);
	fputs("COMMIT;\n", out);
	print_notes(out, p, PLAN_NOT_NEEDED, "Not needed:");
	print_notes(out, p, PLAN_NO_COUNTERPART, "Without counterpart, look at these:");
}

/* ---- writing ---- */

static const char *text_or(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static bool store_row(sqlite3 *db, const struct plan_finding *f, char *error, size_t error_size)
{
	struct config_server server;
	struct config_user user;
	char *const *t = f->texts;
	const struct config_user_texts texts = {t[0], t[1], text_or(t[2], ""), "", "", "", "", ""};
	switch (f->table) {
	case PLAN_SETTINGS:
		return config_store_setting(db, t[0], t[1], error, error_size);
	case PLAN_SERVERS:
		return config_server_parse(&server, t[0], text_or(t[1], "auto"), text_or(t[2], "1"), "", text_or(t[3], ""),
					   error, error_size) &&
		       config_store_server(db, NULL, &server, true, error, error_size);
	case PLAN_USERS:
		return config_user_parse(&user, &texts, error, error_size) &&
		       config_store_user(db, NULL, &user, true, error, error_size);
	case PLAN_RULES:
		return config_store_rule(db, NULL, (const char *const *)t, true, error, error_size);
	case PLAN_TABLES:
		break;
	}
	return false;
}

static bool store_rows(sqlite3 *db, const struct plan *p, char *error, size_t error_size)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->findings[i].verdict == PLAN_CARRIES && !store_row(db, &p->findings[i], error, error_size))
			return false;
	return true;
}

/* What no single row can tell. */
static bool check_whole(struct config *c, char *error, size_t error_size)
{
	if (c->n_servers > OPTIONS_SERVERS_MAX)
		return config_refuse(error, error_size, "servers: there are %zu; allowed: at most %d", c->n_servers,
				     OPTIONS_SERVERS_MAX);
	return config_mirrors_check(c, error, error_size) && config_rules_compile(c, NULL, 1, error, error_size);
}

static bool store(sqlite3 *db, const struct options *given, const struct plan *p, const char *who, char *changed,
		  size_t changed_size, char *error, size_t error_size)
{
	struct config *before = config_store_read(db, given, error, error_size), *after = NULL;
	bool fine = before && store_rows(db, p, error, error_size) &&
		    (after = config_store_read(db, given, error, error_size)) && check_whole(after, error, error_size);
	if (fine) {
		config_describe_change(before, after, changed, changed_size);
		fine = !*changed || config_store_note(db, after, who, changed, error, error_size);
	}
	config_unref(before);
	config_unref(after);
	return fine;
}

bool plan_apply(const struct plan *p, const char *path, const char *who, char *changed, size_t changed_size, char *error,
		size_t error_size)
{
	struct options given = {.n_servers = 0};
	*changed = '\0';
	settings_default(&given.settings);
	if (strlen(path) >= sizeof given.config)
		return config_refuse(error, error_size, "the path of the configuration file is too long");
	strcpy(given.config, path);
	size_t len = strlen(path);
	if (len > 4 && strcmp(path + len - 4, ".sql") == 0)
		return config_refuse(error, error_size, "%s: a file of SQL is written by redirecting what is printed", path);
	sqlite3 *db = config_store_open(&given, error, error_size);
	if (!db)
		return false;
	bool fine = config_sql_script(db, "BEGIN IMMEDIATE") ||
		    config_refuse(error, error_size, "%s: %s", path, sqlite3_errmsg(db));
	fine = fine && store(db, &given, p, who, changed, changed_size, error, error_size);
	if (fine && !config_sql_script(db, "COMMIT"))
		fine = config_refuse(error, error_size, "%s: %s", path, sqlite3_errmsg(db));
	config_store_close(db);
	return fine;
}
