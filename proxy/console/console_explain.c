/*
 * EXPLAIN ROUTE statement [FOR USER u] [IN DATABASE d] [FROM CLIENT address] [AFTER 'statement']... | FOR CONNECTION id:
 * proxy/explain.h, as one row.
 */
#include "proxy/console/console_commands.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/console/console_sql.h"
#include "proxy/explain.h"

#define VALUE_MAX 8192u /* bytes of a clause's value */

enum clause { FOR_USER, IN_DATABASE, FROM_CLIENT, AFTER, FOR_CONNECTION, FOR_SESSION, CLAUSES };

static const struct {
	const char *first, *second; /* NULL: one word, and a string behind it (ALTER TABLE has an AFTER, too) */
} words[CLAUSES] = {
	[FOR_USER] = {"FOR", "USER"},	[IN_DATABASE] = {"IN", "DATABASE"},	    [FROM_CLIENT] = {"FROM", "CLIENT"},
	[AFTER] = {"AFTER", NULL},	[FOR_CONNECTION] = {"FOR", "CONNECTION"}, [FOR_SESSION] = {"FOR", "SESSION"},
};

struct question {
	char *text;                       /* what is left of it: the statement */
	char *values[CLAUSES];            /* but for AFTER; its own */
	char *after[EXPLAIN_AFTER_MAX];   /* the last first */
	unsigned n_after;
};

static bool is_full(const struct question *q, enum clause clause)
{
	return clause == AFTER ? q->n_after == EXPLAIN_AFTER_MAX : q->values[clause] != NULL;
}

/* The clause's value when it stands at p and ends the text. */
static bool read_clause(const char *p, enum clause clause, char *value)
{
	if (!sql_take(&p, words[clause].first) || (words[clause].second && !sql_take(&p, words[clause].second)))
		return false;
	char quote = *sql_skip(p);
	bool quoted = quote && strchr("'\"`", quote);
	if (!words[clause].second && quote != '\'')
		return false;
	/* The end of a string is no value. */
	return sql_value(&p, value, VALUE_MAX) && sql_at_end(p) && (quoted || !strpbrk(value, "'\"`"));
}

/* Cuts the clause off the end of the text, if it is there. */
static bool cut(struct question *q, enum clause clause, char *value)
{
	size_t len = strlen(q->text);
	for (size_t i = len; i > 0 && len - i < VALUE_MAX; i--) {
		if (!isspace((unsigned char)q->text[i - 1]) || !read_clause(q->text + i, clause, value))
			continue;
		q->text[i - 1] = '\0';
		char *own = strdup(value);
		if (!own)
			abort();
		*(clause == AFTER ? &q->after[q->n_after++] : &q->values[clause]) = own;
		return true;
	}
	return false;
}

/* In any order. */
static void cut_clauses(struct question *q)
{
	char *value = malloc(VALUE_MAX);
	if (!value)
		abort();
	for (bool again = true; again;) {
		again = false;
		for (enum clause clause = 0; clause < CLAUSES; clause++)
			again |= !is_full(q, clause) && cut(q, clause, value);
	}
	free(value);
}

static const char *value_of(const struct question *q, enum clause clause)
{
	return q->values[clause] ? q->values[clause] : "";
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

/* False: it has been answered. */
static bool read_where(struct console_call *call, const struct question *q, struct explain_where *where)
{
	const char *id = q->values[FOR_CONNECTION] ? q->values[FOR_CONNECTION] : q->values[FOR_SESSION];
	bool supposes = q->values[FOR_USER] || q->values[IN_DATABASE] || q->values[FROM_CLIENT] || q->n_after;
	char *end = NULL;
	unsigned long number = id ? strtoul(id, &end, 10) : 0;
	*where = (struct explain_where){.user = value_of(q, FOR_USER), .schema = value_of(q, IN_DATABASE),
					.client = value_of(q, FROM_CLIENT), .n_after = q->n_after,
					.connection = (uint32_t)number};
	for (unsigned i = 0; i < q->n_after; i++)
		where->after[i] = q->after[q->n_after - 1 - i];
	if (id && (*end || end == id || !number || number > UINT32_MAX)) {
		answer_error(call->answer, 1064, "42000",
			     "FOR CONNECTION is followed by a session's id, not by '%.64s'; SHOW SESSIONS lists them", id);
		return false;
	}
	if (id && supposes)
		answer_error(call->answer, 1064, "42000",
			     "FOR CONNECTION takes a session as it is: FOR USER, IN DATABASE, FROM CLIENT and AFTER describe a new one");
	return !id || !supposes;
}

void console_run_explain_route(struct console_call *call)
{
	struct question q = {.text = strdup(call->rest)};
	struct explanation *e = calloc(1, sizeof *e);
	struct explain_where where;
	char error[400];
	if (!e || !q.text)
		abort();
	cut_clauses(&q);
	/* Comments may be hints. */
	const char *sql = q.text + strspn(q.text, " \t\r\n");
	if (!sql[strspn(sql, " \t\r\n;")])
		answer_error(call->answer, 1064, "42000",
			     "EXPLAIN ROUTE is followed by a statement, and perhaps by FOR USER u, IN DATABASE d, FROM CLIENT address, "
			     "AFTER 'statement', or by FOR CONNECTION id");
	else if (read_where(call, &q, &where)) {
		if (explain_route(sql, &where, e, error, sizeof error))
			answer_explanation(call, e);
		else
			answer_error(call->answer, where.connection ? 1094 : 1205, "HY000", "%s", error);
	}
	for (unsigned i = 0; i < CLAUSES; i++)
		free(q.values[i]);
	for (unsigned i = 0; i < q.n_after; i++)
		free(q.after[i]);
	free(q.text);
	free(e);
}
