/* What acts on a server or on other connections. */
#include "router/classify_family.h"

void classify_admin(struct statement *s)
{
	statement_skip(s);
	statement_decide(s, ROUTE_PRIMARY, REASON_ADMIN, CLASS_WRITES | CLASS_MAY_COMMIT_IMPLICITLY);
}

/* Of tables: ANALYZE, OPTIMIZE, REPAIR, and what fills MyISAM's caches. */
void classify_maintenance(struct statement *s)
{
	classify_admin(s);
	s->out->uses_tables = true;
}

/* An error or a warning, and nothing else. */
void classify_signal(struct statement *s)
{
	statement_scan(s, 0);
	statement_decide(s, ROUTE_PRIMARY, REASON_ADMIN, 0);
}

/* Outside of a handler an error, which MariaDB adds to what the statement before has left. */
void classify_resignal(struct statement *s)
{
	statement_scan(s, 0);
	s->seen |= SEEN_WARNINGS;
	statement_decide(s, ROUTE_PIN, REASON_WARNINGS, CLASS_ANY_SERVER);
}

/* INSTALL and UNINSTALL: plugins and components, of one server. */
void classify_install(struct statement *s)
{
	classify_admin(s);
	s->flags |= CLASS_CHANGES_GLOBAL;
}

static uint64_t plain_number(const struct token *t)
{
	uint64_t n = 0;
	if (t->kind != TOKEN_NUMBER || t->len > 19)
		return KILL_UNKNOWN;
	for (size_t i = 0; i < t->len; i++) {
		if (t->p[i] < '0' || t->p[i] > '9')
			return KILL_UNKNOWN;
		n = n * 10 + (uint64_t)(t->p[i] - '0');
	}
	return n;
}

/* MariaDB's KILL ... USER name and QUERY ID n, which are not ours to translate. */
static bool names_no_connection(const struct statement *s)
{
	if (s->dialect->flavor != FLAVOR_MARIADB || current(s)->kind != TOKEN_WORD)
		return false;
	struct view word = token_inside(current(s));
	return view_is(word, "USER") || (s->out->kill_query && view_is(word, "ID"));
}

/* At USER: KILL USER name[@host]. */
static void killed_user(struct statement *s)
{
	advance(s);
	s->out->kill_user = statement_name(s);
	advance(s);
	if (current(s)->kind == TOKEN_USER_VAR)
		s->out->kill_host = statement_name(s);
}

/* KILL [HARD|SOFT] [CONNECTION|QUERY] and an expression, a plain number mostly. */
void classify_kill(struct statement *s)
{
	struct classification *out = s->out;
	if (!accept_keyword(s, KW_HARD))
		accept_keyword(s, KW_SOFT);
	out->kill_query = accept_keyword(s, KW_QUERY);
	if (!out->kill_query)
		accept_keyword(s, KW_CONNECTION);
	unsigned from = s->at;
	bool expression = !names_no_connection(s);
	const uint8_t *begin = current(s)->p;
	out->kill_id = plain_number(current(s));
	if (!expression && view_is(token_inside(current(s)), "USER"))
		killed_user(s);
	statement_scan(s, 0);
	if (s->at - from == 3 && s->seen == SEEN_CONNECTION_ID && behind(s, 1)->kind == ')')
		out->kill_id = KILL_OWN;
	else if (s->at - from != 1)
		out->kill_id = KILL_UNKNOWN;
	if (out->kill_id == KILL_UNKNOWN && expression && s->at > from)
		out->kill_value = (struct view){begin, (size_t)(behind(s, 1)->p + behind(s, 1)->len - begin)};
	s->seen &= ~SEEN_CONNECTION_ID; /* nobody keeps it */
	statement_decide(s, ROUTE_PRIMARY, REASON_KILL, CLASS_KILL);
}
