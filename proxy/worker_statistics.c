/* What the workers' statistics of statements are to the rest of the process. */
#include "proxy/stats.h"
#include "proxy/worker.h"
#include "proxy/worker_rows.h"

static _Atomic uint64_t to_forget;

const struct statements *stats_statements(unsigned index)
{
	return &worker_at(index)->statements;
}

static void forget(struct worker *w, struct worker_rows *rows)
{
	(void)rows;
	statements_forget(&w->statements, atomic_load(&to_forget));
}

const struct tally *stats_errors_seen(unsigned index)
{
	return worker_at(index)->errors_seen;
}

static void forget_errors(struct worker *w, struct worker_rows *rows)
{
	(void)rows;
	tally_forget(w->errors_seen, NULL, NULL);
}

void stats_errors_forget(void)
{
	char nothing;
	worker_rows_copy(forget_errors, 1, &nothing, 0);
}

void stats_statements_forget(uint64_t digest)
{
	char nothing;
	atomic_store(&to_forget, digest);
	worker_rows_copy(forget, 1, &nothing, 0);
}
