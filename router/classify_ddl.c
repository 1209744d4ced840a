/* What changes definitions and accounts; temporary tables among them. */
#include "router/classify_family.h"

#define DDL_FLAGS (CLASS_WRITES | CLASS_DDL | CLASS_MAY_COMMIT_IMPLICITLY)

static void decide_ddl(struct statement *s)
{
	statement_decide(s, ROUTE_PRIMARY, REASON_DDL, DDL_FLAGS);
}

static void names_tables(struct statement *s)
{
	s->out->uses_tables = true;
}

/* The rest of CREATE TABLE, behind that word. Rows that come from tables count as found, with MariaDB. */
static void scan_table(struct statement *s)
{
	statement_scan(s, 0);
	s->out->sets_found_rows |= s->dialect->flavor == FLAVOR_MARIADB && (s->seen & SEEN_TABLE);
}

static void decide_account(struct statement *s)
{
	/* The @host of an account is no variable. */
	statement_skip(s);
	statement_decide(s, ROUTE_PRIMARY, REASON_DDL, DDL_FLAGS | CLASS_NEW_CONNECTIONS);
}

static void pin_temporary(struct statement *s)
{
	s->pins_added |= PIN_TEMPORARY_TABLE;
	statement_decide(s, ROUTE_PIN, REASON_TEMPORARY_TABLE, CLASS_USES_TEMPORARY);
}

static void if_exists(struct statement *s)
{
	if (accept_keyword(s, KW_IF)) {
		accept_keyword(s, KW_NOT);
		accept_keyword(s, KW_EXISTS);
	}
}

static void temporary_effect(struct statement *s, enum effect_kind kind, struct view schema, struct view name)
{
	struct effect *e = statement_effect(s, kind, name);
	e->value_kind = VALUE_WORD;
	e->value = schema;
}

/* Behind CREATE TEMPORARY. */
static void create_temporary(struct statement *s)
{
	struct view schema, name;
	advance(s); /* TABLE or SEQUENCE */
	names_tables(s);
	if_exists(s);
	if (!statement_table_name(s, &schema, &name)) {
		s->pins_added |= PIN_UNKNOWN;
		statement_scan(s, 0);
		return;
	}
	temporary_effect(s, EFFECT_TEMP_CREATE, schema, name);
	scan_table(s);
	pin_temporary(s);
}

void classify_create(struct statement *s)
{
	if (accept_keyword(s, KW_OR))
		accept_keyword(s, KW_REPLACE);
	if (accept_keyword(s, KW_TEMPORARY)) {
		create_temporary(s);
		return;
	}
	for (; !at_end(s); advance(s)) {
		switch (keyword_at(s)) {
		case KW_TABLE:
			names_tables(s);
			advance(s);
			scan_table(s);
			statement_touches_table(s);
			decide_ddl(s);
			return;
		case KW_VIEW:
			names_tables(s);
			statement_scan(s, 0);
			decide_ddl(s);
			s->flags |= CLASS_DDL_CATALOG;
			return;
		case KW_FUNCTION:
			s->flags |= CLASS_DDL_CATALOG;
			/* fallthrough */
		case KW_PROCEDURE:
		case KW_TRIGGER:
		case KW_EVENT:
		case KW_PACKAGE:
			if (keyword_at(s) == KW_TRIGGER)
				names_tables(s);
			classify_skip_body(s);
			decide_ddl(s);
			return;
		case KW_USER:
		case KW_ROLE:
			decide_account(s);
			return;
		case KW_SERVER:
		case KW_DATABASE:
		case KW_SCHEMA:
			statement_skip(s);
			decide_ddl(s);
			return;
		default:
			continue;
		}
	}
	names_tables(s); /* those of an index, or a sequence */
	decide_ddl(s);
}

/* ALTER TABLE of a temporary table, which may get a new name. */
static void alter_temporary(struct statement *s, struct view schema, struct view name)
{
	for (; !at_end(s); advance(s)) {
		if (keyword_at(s) != KW_RENAME)
			continue;
		advance(s);
		if (!accept_keyword(s, KW_TO))
			accept_keyword(s, KW_AS);
		switch (keyword_at(s)) {
		case KW_INDEX:
		case KW_KEY:
			continue;
		default:
			break;
		}
		struct view new_schema, new_name;
		if (view_is(token_inside(current(s)), "COLUMN") ||
		    !statement_table_name(s, &new_schema, &new_name))
			continue;
		temporary_effect(s, EFFECT_TEMP_DROP, schema, name);
		temporary_effect(s, EFFECT_TEMP_CREATE, new_schema.len ? new_schema : schema, new_name);
		if (at_end(s))
			break;
	}
	pin_temporary(s);
}

void classify_alter(struct statement *s)
{
	struct view schema, name;
	accept_keyword(s, KW_ONLINE);
	if (keyword_at(s) == KW_INSTANCE) {
		classify_admin(s);
		return;
	}
	for (; !at_end(s); advance(s)) {
		switch (keyword_at(s)) {
		case KW_TABLE:
			names_tables(s);
			advance(s);
			if_exists(s);
			if (s->context->temp_tables && statement_table_name(s, &schema, &name) &&
			    is_temporary(s, name)) {
				alter_temporary(s, schema, name);
				return;
			}
			break;
		case KW_EVENT:
			classify_skip_body(s);
			break;
		case KW_VIEW:
		case KW_FUNCTION:
			s->flags |= CLASS_DDL_CATALOG;
			break;
		case KW_USER:
			decide_account(s);
			return;
		default:
			continue;
		}
		break;
	}
	statement_skip(s);
	decide_ddl(s);
}

/* The names of DROP TABLE; gives whether all of them are temporary tables of the session. */
static bool dropped_tables(struct statement *s, bool temporary)
{
	bool all = true;
	do {
		struct view schema, name;
		if (!statement_table_name(s, &schema, &name))
			return false;
		if (temporary || s->context->temp_tables)
			temporary_effect(s, EFFECT_TEMP_DROP, schema, name);
		if (s->context->temp_tables && is_temporary(s, name))
			s->seen |= SEEN_TEMPORARY;
		else
			all = false;
	} while (accept_kind(s, ','));
	return all;
}

void classify_drop(struct statement *s)
{
	bool temporary = accept_keyword(s, KW_TEMPORARY);
	if (keyword_at(s) == KW_PREPARE) {
		classify_deallocate(s);
		return;
	}
	decide_ddl(s);
	s->out->uses_tables |= keyword_at(s) == KW_TABLE || keyword_at(s) == KW_TABLES || keyword_at(s) == KW_VIEW ||
	                       keyword_at(s) == KW_INDEX || keyword_at(s) == KW_SEQUENCE;
	switch (keyword_at(s)) {
	case KW_VIEW:
	case KW_FUNCTION:
	case KW_DATABASE:
	case KW_SCHEMA:
		s->flags |= CLASS_DDL_CATALOG;
		break;
	case KW_USER:
	case KW_ROLE:
		decide_account(s);
		return;
	default:
		break;
	}
	if (accept_keyword(s, KW_TABLE) || accept_keyword(s, KW_TABLES) || (temporary && accept_keyword(s, KW_SEQUENCE))) {
		if_exists(s);
		bool all = dropped_tables(s, temporary);
		if (temporary)
			s->flags &= ~(CLASS_DDL | CLASS_MAY_COMMIT_IMPLICITLY);
		if (temporary || (all && s->context->temp_tables))
			statement_decide(s, ROUTE_PIN, REASON_TEMPORARY_TABLE, CLASS_USES_TEMPORARY);
	}
	statement_skip(s);
}

void classify_rename(struct statement *s)
{
	bool tables = accept_keyword(s, KW_TABLE) || accept_keyword(s, KW_TABLES);
	if (keyword_at(s) == KW_USER) {
		decide_account(s);
		return;
	}
	decide_ddl(s);
	s->out->uses_tables |= tables;
	if (tables && s->context->temp_tables) {
		struct view schema, name, new_schema, new_name;
		if_exists(s);
		do {
			if (!statement_table_name(s, &schema, &name) || !accept_keyword(s, KW_TO) ||
			    !statement_table_name(s, &new_schema, &new_name))
				break;
			if (is_temporary(s, name)) {
				temporary_effect(s, EFFECT_TEMP_DROP, schema, name);
				temporary_effect(s, EFFECT_TEMP_CREATE, new_schema, new_name);
				statement_decide(s, ROUTE_PIN, REASON_TEMPORARY_TABLE, CLASS_USES_TEMPORARY);
			}
		} while (accept_kind(s, ','));
	}
	statement_skip(s);
}

void classify_truncate(struct statement *s)
{
	accept_keyword(s, KW_TABLE);
	statement_touches_table(s);
	statement_scan(s, 0);
	decide_ddl(s);
	if (s->seen & SEEN_TEMPORARY)
		statement_decide(s, ROUTE_PIN, REASON_TEMPORARY_TABLE, CLASS_USES_TEMPORARY);
}

void classify_grant(struct statement *s)
{
	decide_account(s);
}
