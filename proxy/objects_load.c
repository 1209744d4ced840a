#include "proxy/objects_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/monitor_words.h"
#include "proxy/sequence_reads.h"
#include "router/sql_mode.h"

/* Their own schemas are known to the classifier. */
#define OTHERS "NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"

static const char functions_sql[] = "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, SQL_DATA_ACCESS, ROUTINE_DEFINITION,"
				    " ROUTINE_BODY = 'SQL', SQL_MODE FROM information_schema.routines"
				    " WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA " OTHERS " LIMIT 100000";
static const char views_sql[] = "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.views"
				" WHERE TABLE_SCHEMA " OTHERS " LIMIT 100000";

static const char sequence_reads_sql[] = "SELECT 1 FROM information_schema.routines WHERE ROUTINE_DEFINITION LIKE '%lastval%'"
					 " OR ROUTINE_DEFINITION LIKE '%previous%value%' LIMIT 1";

/* Without the right, the rows are just not there. */
static const char *rights_sql(enum flavor flavor)
{
	return flavor == FLAVOR_MARIADB ? "SELECT 1 FROM mysql.proc LIMIT 1"
					: "SELECT 1 FROM information_schema.user_privileges"
					  " WHERE PRIVILEGE_TYPE IN ('SHOW_ROUTINE', 'SELECT') LIMIT 1";
}

/* An object whose text has to be read; its parts lie behind one another in `text`. */
struct unread {
	struct view schema, name, text;
	uint32_t sql_mode;
	bool declared_to_read;
	bool settled;
	struct unread *next;
	uint8_t bytes[];
};

struct load {
	struct library_connection *c;
	struct dialect dialect;
	struct object_set *set;
	struct unread *functions, *views;
	struct library_error *error;
};

static struct view value_at(struct library_result *r, unsigned column)
{
	size_t len = 0;
	const char *text = library_value(r, column, &len);
	return (struct view){(const uint8_t *)text, text ? len : 0};
}

static struct view copied(uint8_t **to, struct view v)
{
	uint8_t *p = *to;
	if (v.len)
		memcpy(p, v.p, v.len);
	*to += v.len;
	return (struct view){p, v.len};
}

static struct unread *keep(struct unread **list, struct view schema, struct view name, struct view text)
{
	struct unread *u = calloc(1, sizeof *u + schema.len + name.len + text.len);
	if (!u)
		abort();
	uint8_t *to = u->bytes;
	u->schema = copied(&to, schema);
	u->name = copied(&to, name);
	u->text = copied(&to, text);
	u->next = *list;
	*list = u;
	return u;
}

static void add_function(struct load *l, struct library_result *r)
{
	struct view schema = value_at(r, 0), name = value_at(r, 1), access = value_at(r, 2), body = value_at(r, 3);
	bool reads = view_equal(access, view_of("NO SQL")) || view_equal(access, view_of("READS SQL DATA"));
	bool writes = view_equal(access, view_of("MODIFIES SQL DATA"));
	bool is_sql = view_equal(value_at(r, 4), view_of("1"));
	if (writes || !body.len || !is_sql) {
		object_set_put(l->set, OBJECT_FUNCTION, schema, name,
			       writes ? OBJECT_WRITES : reads ? OBJECT_READS : OBJECT_UNKNOWN);
		return;
	}
	struct unread *u = keep(&l->functions, schema, name, body);
	u->declared_to_read = reads;
	u->sql_mode = sql_mode_parse(value_at(r, 5), l->dialect.flavor);
	object_set_put(l->set, OBJECT_FUNCTION, schema, name, OBJECT_UNKNOWN);
}

static void add_view(struct load *l, struct library_result *r, unsigned *missing)
{
	static const char lastval[] = "lastval("; /* as MariaDB writes it, of whatever spelling */
	struct view definition = value_at(r, 2);
	if (definition.len && memmem(definition.p, definition.len, lastval, sizeof lastval - 1))
		sequence_reads_note();
	if (definition.len)
		keep(&l->views, value_at(r, 0), value_at(r, 1), definition);
	else
		*missing |= 1u << DUTY_VIEWS;
}

/* Routines that ask for the last value of a sequence. */
static bool look_for_sequence_reads(struct load *l)
{
	struct library_result *r;
	if (l->dialect.flavor != FLAVOR_MARIADB || sequence_reads_happen())
		return true;
	if (!library_query(l->c, sequence_reads_sql, &r, l->error))
		return false;
	if (library_row(r))
		sequence_reads_note();
	library_free(r);
	return true;
}

static bool read_functions(struct load *l, unsigned *missing)
{
	struct library_result *r;
	if (!library_query(l->c, functions_sql, &r, l->error))
		return false;
	while (library_row(r))
		add_function(l, r);
	library_free(r);
	if (!library_query(l->c, rights_sql(l->dialect.flavor), &r, l->error)) {
		*missing |= l->error->failure == LIBRARY_MISSING_GRANT ? 1u << DUTY_FUNCTIONS : 0;
		return !library_failure_is_final(l->error->failure);
	}
	if (l->dialect.flavor == FLAVOR_MYSQL && !library_row(r))
		*missing |= 1u << DUTY_FUNCTIONS;
	library_free(r);
	return true;
}

static bool read_views(struct load *l, unsigned *missing)
{
	struct library_result *r;
	if (!library_query(l->c, views_sql, &r, l->error))
		return false;
	while (library_row(r))
		add_view(l, r, missing);
	library_free(r);
	return true;
}

static struct context context_of(const struct load *l, const struct unread *u)
{
	return (struct context){.schema = u->schema, .catalog = object_set_catalog(l->set)};
}

/* One that reads may make those that call it ones that read: until nothing changes. */
static void settle_functions(struct load *l)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (struct unread *u = l->functions; u; u = u->next) {
			if (u->settled)
				continue;
			struct context context = context_of(l, u);
			struct dialect dialect = l->dialect;
			dialect.sql_mode = u->sql_mode;
			enum object_access access = classify_function(u->text, &dialect, &context);
			if (access == OBJECT_UNKNOWN && u->declared_to_read)
				access = OBJECT_READS;
			u->settled = access == OBJECT_READS;
			changed |= u->settled;
			object_set_put(l->set, OBJECT_FUNCTION, u->schema, u->name, access);
		}
	}
}

/* A view over one that writes writes, too. Servers keep the query in their standard words. */
static void settle_views(struct load *l)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (struct unread *u = l->views; u; u = u->next) {
			struct context context = context_of(l, u);
			if (u->settled || classify_view(u->text, &l->dialect, &context) != OBJECT_WRITES)
				continue;
			u->settled = changed = true;
			object_set_put(l->set, OBJECT_VIEW, u->schema, u->name, OBJECT_WRITES);
		}
	}
}

static void free_all(struct unread *u)
{
	while (u) {
		struct unread *next = u->next;
		free(u);
		u = next;
	}
}

struct object_set *objects_load(struct library_connection *c, const struct dialect *dialect, unsigned *missing,
				struct library_error *error)
{
	struct load l = {.c = c, .dialect = *dialect, .set = object_set_create(), .error = error};
	*missing = 0;
	bool loaded = read_functions(&l, missing) && read_views(&l, missing) && look_for_sequence_reads(&l);
	if (loaded) {
		settle_functions(&l);
		settle_views(&l);
	} else {
		object_set_unref(l.set);
		l.set = NULL;
	}
	free_all(l.functions);
	free_all(l.views);
	return l.set;
}
