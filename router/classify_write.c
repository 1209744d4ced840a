/* What changes rows. */
#include "router/classify_family.h"

/* INSERT ... SELECT counts the rows it has selected. */
static bool is_insert(const struct token *t)
{
	return t->word && (t->word->keyword == KW_INSERT || t->word->keyword == KW_REPLACE);
}

/* INSERT [IGNORE] [INTO] [schema.]table ( column, ... */
static void pass_target(struct statement *s)
{
	while (current(s)->kind == TOKEN_WORD || current(s)->kind == TOKEN_QUOTED || current(s)->kind == '.') {
		switch (keyword_at(s)) {
		case KW_SELECT:
		case KW_VALUES:
		case KW_VALUE:
		case KW_SET:
		case KW_WITH:
		case KW_TABLE:
			return;
		default:
			if (s->context->temp_tables && is_temporary(s, token_inside(current(s))))
				s->seen |= SEEN_TEMPORARY;
			advance(s);
		}
	}
	if (current(s)->kind == '(')
		statement_open_list(s);
}

void classify_write(struct statement *s)
{
	bool insert = is_insert(behind(s, 1));
	if (insert)
		pass_target(s);
	s->watch |= WATCH_MADE; /* what is written into the binary log beside the statement must be there */
	statement_scan(s, 0);
	s->out->sets_found_rows |= insert && (s->seen & SEEN_TABLE);
	statement_touches_table(s);
	statement_decide(s, ROUTE_PRIMARY, REASON_WRITE, CLASS_WRITES);
	if (s->seen & SEEN_TEMPORARY)
		statement_decide(s, ROUTE_PIN, REASON_TEMPORARY_TABLE, 0);
}

void classify_update(struct statement *s)
{
	s->out->sets_found_rows |= s->dialect->flavor == FLAVOR_MYSQL;
	classify_write(s);
}

/* Of several tables: it leaves that nothing was found, with MySQL, and what it has found, with MariaDB. */
void classify_delete(struct statement *s)
{
	while (keyword_at(s) == KW_QUICK || view_is(token_inside(current(s)), "IGNORE") || view_is(token_inside(current(s)), "LOW_PRIORITY"))
		advance(s);
	bool several = keyword_at(s) != KW_FROM;
	s->out->sets_found_rows |= several;
	s->out->finds_none |= several && s->dialect->flavor == FLAVOR_MYSQL;
	classify_write(s);
}

void classify_load(struct statement *s)
{
	if (keyword_at(s) == KW_INDEX) {
		classify_maintenance(s); /* LOAD INDEX INTO CACHE */
		return;
	}
	for (unsigned words = 0; words < 4 && !at_end(s); words++) {
		if (keyword_at(s) == KW_LOCAL)
			s->flags |= CLASS_LOCAL_INFILE;
		advance(s);
	}
	s->flags |= CLASS_SETS_LAST_INSERT_ID; /* its OK does not tell what it has made of it */
	/* Columns are read into the variables that stand in its lists. */
	s->watch |= WATCH_ASSIGNED;
	classify_write(s);
}

void classify_call(struct statement *s)
{
	/* An argument may be the place of a result. */
	s->watch |= WATCH_ASSIGNED;
	statement_scan(s, 0);
	statement_decide(s, ROUTE_PRIMARY, REASON_CALL,
	                 CLASS_WRITES | CLASS_CALLS | CLASS_TOUCHES_TABLE | CLASS_MAY_COMMIT_IMPLICITLY);
	if (s->seen & SEEN_ASSIGNMENT)
		statement_decide(s, ROUTE_PIN, REASON_CALL, 0);
}
