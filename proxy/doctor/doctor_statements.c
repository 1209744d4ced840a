/* The statements that ran, looked at again: which tie their sessions to a connection, which reads go to the primary,
 * and what could be written in another way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "proxy/doctor/doctor.h"
#include "proxy/explain.h"
#include "proxy/statements.h"
#include "proxy/stats.h"
#include "proxy/tally.h"

/* Those that took most of the time are looked at, and so many told at most. */
#define LOOKED_AT 40
#define TOLD 12

struct ran {
	uint64_t digest;
	UT_hash_handle hh;
	uint64_t statements, time_us;
	struct statement_id id;
};

/* By what EXPLAIN ROUTE says of it: the reason's word, or a pin's. */
static const struct {
	const char *word, *text, *advice;
} judgements[] = {
	{"locking-read", "locks the rows it reads, so it runs on the primary",
	 "leave out FOR UPDATE, FOR SHARE or LOCK IN SHARE MODE where the rows are only read"},
	{"unknown-function", "calls a function that may write, so it runs on the primary",
	 "declare the function READS SQL DATA or NO SQL, and let the monitor account see stored functions"},
	{"unknown-view", "reads a view that is not known, so it runs on the primary",
	 "let the monitor account see views: GRANT SELECT, SHOW VIEW"},
	{"writing-view", "reads a view that calls what writes, so it runs on the primary",
	 "select from the tables themselves where nothing is to be written"},
	{"learned", "was refused by a replica, so it runs on the primary", "SELECT * FROM stats_learned tells why"},
	{"found-rows", "asks for FOUND_ROWS(), which only the connection of the statement before knows",
	 "count with SELECT COUNT(*) instead of SQL_CALC_FOUND_ROWS"},
	{"user-variable", "ties its session to a connection: a user variable set from data",
	 "keep the value in the application, or in a derived table"},
	{"temporary-table", "ties its session to a connection: a temporary table",
	 "DROP TEMPORARY TABLE as soon as it is done with, or use a derived table"},
	{"table-lock", "ties its session to a connection: table locks", "UNLOCK TABLES early, or use a transaction"},
	{"user-lock", "ties its session to a connection: GET_LOCK()", "RELEASE_LOCK() early"},
	{"handler", "ties its session to a connection: HANDLER", "HANDLER ... CLOSE early, or SELECT by the index"},
	{"text-prepare", "ties its session to a connection: PREPARE in SQL",
	 "let the driver prepare (COM_STMT_PREPARE): wye carries such statements from connection to connection"},
	{"session-variable", "ties its session to a connection: a variable that cannot be set again elsewhere",
	 "set it back to DEFAULT when it is done with"},
	{"role", "ties its session to a connection: SET ROLE", "make it a default role of the account"},
	{"set-transaction", "ties its session until its next transaction: SET TRANSACTION",
	 "SET SESSION TRANSACTION, or say it in START TRANSACTION"},
	{"multi-statement", "is several statements in one, which run on the primary together",
	 "send reads by themselves"},
	{"compound", "is a block of statements, which runs on the primary", "send reads by themselves"},
	{"unknown", "was not understood, so its session stays on one connection",
	 "see EXPLAIN ROUTE for it, and tell wye's makers"},
};

static void add_worker(struct ran **all, const struct tally *t)
{
	static struct statement_id id;
	static struct statement_counts_read counts;
	uint64_t key;
	for (size_t i = 0; t && i < tally_rows(t); i++) {
		if (!tally_read(t, i, &key, &id, &counts) || !id.digest)
			continue;
		struct ran *r;
		HASH_FIND(hh, *all, &id.digest, sizeof id.digest, r);
		if (!r) {
			r = calloc(1, sizeof *r);
			if (!r)
				abort();
			r->digest = id.digest;
			r->id = id;
			HASH_ADD(hh, *all, digest, sizeof r->digest, r);
		}
		r->statements += counts.times.statements;
		r->time_us += counts.times.sum_us[PART_ALL];
	}
}

static int more_time_first(const struct ran *a, const struct ran *b)
{
	return a->time_us == b->time_us ? 0 : a->time_us < b->time_us ? 1 : -1;
}

/* The word stands in the list of pins, or is the reason of what does not run on a replica. */
static bool applies(const struct explanation *e, const char *word)
{
	if (strcmp(e->reason, word) == 0)
		return true;
	const char *at = strstr(e->pins, word);
	size_t len = strlen(word);
	return at && (at == e->pins || strchr(" ,", at[-1])) && (!at[len] || strchr(" ,:", at[len]));
}

static bool judge(const struct ran *r, const struct explanation *e, struct findings *out)
{
	char subject[32];
	if (strcmp(e->route, "replica") == 0)
		return false;
	for (size_t i = 0; i < sizeof judgements / sizeof *judgements; i++) {
		if (!applies(e, judgements[i].word))
			continue;
		snprintf(subject, sizeof subject, "%016llx", (unsigned long long)r->digest);
		finding_advise(findings_add(out, SEVERITY_INFO, subject, "this statement %s (%llu times, %.1f s): %.200s",
					    judgements[i].text, (unsigned long long)r->statements,
					    (double)r->time_us / 1e6, r->id.text),
			       "%s", judgements[i].advice);
		return true;
	}
	return false;
}

/* What was cut, or left out, is another statement. */
static bool is_whole(const struct ran *r)
{
	return *r->id.text && *r->id.text != '(' && strlen(r->id.text) < STATEMENT_TEXT_MAX - 8;
}

void doctor_judge_statements(struct findings *out)
{
	struct ran *all = NULL, *r, *next;
	struct explanation *e = malloc(sizeof *e);
	if (!e)
		abort();
	for (unsigned i = 0; i < stats_workers(); i++)
		add_worker(&all, stats_statements(i)->digests);
	HASH_SORT(all, more_time_first);
	char why[400];
	unsigned looked_at = 0, told = 0;
	HASH_ITER(hh, all, r, next) {
		if (looked_at < LOOKED_AT && told < TOLD && is_whole(r)) {
			looked_at++;
			memset(e, 0, sizeof *e);
			const struct explain_where where = {.user = r->id.user, .schema = r->id.schema, .client = ""};
			if (explain_route(r->id.text, &where, e, why, sizeof why))
				told += judge(r, e, out);
		}
		HASH_DEL(all, r);
		free(r);
	}
	free(e);
}
