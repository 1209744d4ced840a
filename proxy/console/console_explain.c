/* EXPLAIN ROUTE statement [FOR USER u] [IN DATABASE d] [FROM CLIENT address]: proxy/explain.h, as one row. */
#include "proxy/console/console_commands.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/console/console_sql.h"
#include "proxy/explain.h"

#define CLAUSE_MAX 400u /* bytes of one, at most */

struct clause {
	const char *first, *second;
	char value[260];
};

/* Cuts the clause off the end of the text, if it is there. */
static bool cut(char *text, struct clause *c)
{
	size_t len = strlen(text);
	for (size_t i = len; i > 0 && len - i < CLAUSE_MAX; i--) {
		const char *p = text + i;
		if (!isspace((unsigned char)text[i - 1]) || !sql_take(&p, c->first) || !sql_take(&p, c->second))
			continue;
		/* The end of a string is no value. */
		bool quoted = strchr("'\"`", *sql_skip(p)) != NULL;
		if (sql_value(&p, c->value, sizeof c->value) && sql_at_end(p) &&
		    (quoted || !strpbrk(c->value, "'\"`"))) {
			text[i - 1] = '\0';
			return true;
		}
		*c->value = '\0';
	}
	return false;
}

/* In any order. */
static void cut_clauses(char *text, struct clause *clauses, size_t n)
{
	bool again = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < n; i++)
			again |= !*clauses[i].value && cut(text, &clauses[i]);
	}
}

static void answer_explanation(struct console_call *call, const struct explanation *e)
{
	const char *texts[] = {e->route, e->reason,  e->server, e->outcome, e->consistency, e->servers,	e->hint,
			       e->rules, e->effects, e->pins,   e->digest,  e->digest_text, e->text};
	answer_sql(call->answer, call->session->catalog,
		   "SELECT ?1 AS route, ?2 AS reason, ?3 AS server, ?4 AS outcome, ?5 AS consistency, ?6 AS servers, "
		   "?7 AS hint, ?8 AS rules, ?9 AS effects, ?10 AS pins, ?11 AS digest, ?12 AS digest_text, "
		   "?13 AS rewritten",
		   texts, sizeof texts / sizeof *texts);
}

void console_run_explain_route(struct console_call *call)
{
	struct clause clauses[] = {{"FOR", "USER", ""}, {"IN", "DATABASE", ""}, {"FROM", "CLIENT", ""}};
	struct explanation *e = calloc(1, sizeof *e);
	char *text = strdup(call->rest);
	if (!e || !text)
		abort();
	cut_clauses(text, clauses, sizeof clauses / sizeof *clauses);
	/* Comments may be hints. */
	const char *sql = text + strspn(text, " \t\r\n");
	if (!sql[strspn(sql, " \t\r\n;")])
		answer_error(call->answer, 1064, "42000",
			     "EXPLAIN ROUTE is followed by a statement, and perhaps by FOR USER u, IN DATABASE d, FROM CLIENT address");
	else if (!explain_route(sql, clauses[0].value, clauses[1].value, clauses[2].value, e))
		answer_error(call->answer, 1205, "HY000", "No worker thread has answered in time");
	else
		answer_explanation(call, e);
	free(text);
	free(e);
}
