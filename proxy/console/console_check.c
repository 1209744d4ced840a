/* CHECK: what is wrong around wye, and what to do (proxy/doctor/doctor.h); and its rows as a table. */
#include "proxy/console/console_commands.h"

#include "proxy/console/console_table.h"
#include "proxy/doctor/doctor.h"

static const struct table_column columns[] = {
	{"severity", COLUMN_TEXT, "problem: a promise is broken; warning: it will be, in a case that is to be expected; info; ok"},
	{"subject", COLUMN_TEXT, "the server, the account, or the digest of the statement; NULL: all of it"},
	{"finding", COLUMN_TEXT, "what was found"},
	{"advice", COLUMN_TEXT, "what to do"},
	{"checked", COLUMN_TEXT, "when, UTC"},
};

static void produce(struct table_rows *rows)
{
	struct findings found;
	int64_t at = doctor_copy(&found);
	for (size_t i = 0; i < found.n; i++) {
		rows_text(rows, severity_name(found.all[i].severity));
		rows_text_or_null(rows, found.all[i].subject);
		rows_text(rows, found.all[i].text);
		rows_text_or_null(rows, found.all[i].advice);
		rows_time(rows, at);
	}
	findings_finish(&found);
}

const struct console_table table_stats_checks = {"stats_checks", "what the last CHECK has found, the worst first",
						 COLUMNS(columns), produce, false};

/* The servers are asked; until they have answered, the command waits, and is run again then. */
void console_run_check(struct console_call *call)
{
	struct console_session *s = call->session;
	if (!s->check)
		s->check = doctor_ask();
	s->waits = doctor_answered() < s->check;
	if (s->waits)
		return;
	s->check = 0;
	console_run_sql(call);
}
