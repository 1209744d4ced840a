/* What reads: SELECT and its kin, EXPLAIN, and what else replicas may answer. */
#include "router/classify_family.h"

static void decide(struct statement *s)
{
	statement_scan(s, 0);
	statement_decide_read(s);
}

/* SELECT CONNECTION_ID() and SELECT @@pseudo_thread_id with nothing else: wye can answer. */
static bool is_connection_id_alone(const struct statement *s, unsigned tokens)
{
	return s->seen == SEEN_CONNECTION_ID && (tokens == 3 ? behind(s, 1)->kind == ')' : tokens == 2);
}

void classify_select(struct statement *s)
{
	unsigned from = s->at;
	enum keyword first = (enum keyword)behind(s, 1)->word->keyword;
	bool is_select = first == KW_SELECT;
	if (first == KW_WITH)
		statement_with(s);
	decide(s);
	s->out->sets_found_rows |= first != KW_VALUES || s->dialect->flavor == FLAVOR_MYSQL;
	/* MariaDB counts the row that goes INTO a variable when it comes FROM somewhere. */
	s->out->finds_none |= s->dialect->flavor == FLAVOR_MARIADB && !(s->seen & SEEN_TABLE);
	if (is_select && is_connection_id_alone(s, s->at - from))
		statement_decide(s, ROUTE_LOCAL, REASON_CONNECTION_ID, 0);
	if (s->route == ROUTE_LOCAL)
		s->seen = 0;
}

void classify_table(struct statement *s)
{
	statement_touches_table(s);
	s->out->sets_found_rows |= s->dialect->flavor == FLAVOR_MYSQL;
	decide(s);
}

void classify_parenthesis(struct statement *s)
{
	statement_open_parentheses(s);
	s->out->sets_found_rows = true;
	switch (keyword_at(s)) {
	case KW_SELECT:
	case KW_VALUES:
	case KW_WITH:
	case KW_TABLE:
		decide(s);
		break;
	default:
		statement_scan(s, 0);
		s->pins_added |= PIN_UNKNOWN;
	}
}

void classify_do(struct statement *s)
{
	s->out->sets_found_rows |= s->dialect->flavor == FLAVOR_MYSQL;
	decide(s);
}

void classify_help(struct statement *s)
{
	statement_touches_table(s);
	decide(s);
}

/* DESCRIBE table: MySQL reads its data dictionary in a transaction, MariaDB does not. */
static void described(struct statement *s)
{
	statement_touches_table(s);
	s->out->uses_tables = s->out->sets_found_rows = s->out->lists_objects = true;
	if (s->dialect->flavor == FLAVOR_MARIADB)
		s->seen &= ~SEEN_TABLE;
	decide(s);
}

/* Behind EXPLAIN or ANALYZE and their options: a statement, or the name of a table. */
static void explained(struct statement *s, bool runs)
{
	switch (keyword_at(s)) {
	case KW_INSERT:
	case KW_REPLACE:
	case KW_UPDATE:
	case KW_DELETE:
		advance(s);
		statement_scan(s, 0);
		statement_decide(s, ROUTE_PRIMARY, runs ? REASON_WRITE : REASON_EXPLAIN_WRITE,
		                 runs ? CLASS_WRITES : 0);
		break;
	case KW_SELECT:
	case KW_WITH:
	case KW_VALUES:
	case KW_TABLE:
		s->seen |= runs ? 0 : SEEN_DIFFERS;
		decide(s);
		break;
	default:
		s->seen |= current(s)->kind == '(' && !runs ? SEEN_DIFFERS : 0;
		if (current(s)->kind == '(')
			decide(s);
		else
			described(s);
	}
}

/* FORMAT = x; false when it was the name of a table. */
static bool format_option(struct statement *s)
{
	if (!accept_kind(s, '='))
		return false;
	advance(s);
	return true;
}

/* FOR CONNECTION n, FOR SCHEMA name; true when the verdict is found. */
static bool explain_for(struct statement *s)
{
	if (keyword_at(s) != KW_SCHEMA && keyword_at(s) != KW_DATABASE) {
		statement_scan(s, 0);
		statement_decide(s, ROUTE_PRIMARY, REASON_SERVER_SPECIFIC, 0);
		return true;
	}
	advance(s);
	advance(s);
	return false;
}

void classify_explain(struct statement *s)
{
	bool runs = false;
	for (;;) {
		switch (keyword_at(s)) {
		case KW_EXTENDED:
		case KW_PARTITIONS:
			advance(s);
			continue;
		case KW_ANALYZE:
			runs = true;
			advance(s);
			continue;
		case KW_FORMAT:
			advance(s);
			if (format_option(s))
				continue;
			break;
		case KW_INTO:
			advance(s);
			if (current(s)->kind == TOKEN_USER_VAR)
				statement_assigns(s, statement_variable(s, current(s)));
			else
				s->seen |= SEEN_ASSIGNMENT;
			advance(s);
			continue;
		case KW_FOR:
			advance(s);
			if (explain_for(s))
				return;
			continue;
		default:
			break;
		}
		break;
	}
	explained(s, runs);
}

void classify_analyze(struct statement *s)
{
	switch (keyword_at(s)) {
	case KW_TABLE:
	case KW_TABLES:
	case KW_LOCAL:
	case KW_NO_WRITE_TO_BINLOG:
		classify_maintenance(s);
		return;
	case KW_FORMAT:
		advance(s);
		format_option(s);
		break;
	default:
		break;
	}
	explained(s, true);
}

void classify_check(struct statement *s)
{
	bool upgrade = false;
	switch (keyword_at(s)) {
	case KW_TABLE:
	case KW_TABLES:
	case KW_VIEW:
		break;
	default:
		classify_admin(s);
		return;
	}
	s->seen |= SEEN_DIFFERS;
	statement_touches_table(s);
	for (; !at_end(s); advance(s))
		upgrade |= keyword_at(s) == KW_UPGRADE;
	s->flags |= CLASS_MAY_COMMIT_IMPLICITLY;
	if (upgrade)
		statement_decide(s, ROUTE_PRIMARY, REASON_ADMIN, CLASS_WRITES);
	else
		statement_decide_read(s);
}

void classify_checksum(struct statement *s)
{
	statement_touches_table(s);
	decide(s);
}
