/* SWITCHOVER, FAILOVER, REJOIN: changes of the topology (proxy/failover/changes.h), and their rows as a table. */
#include "proxy/console/console_commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/console/console_sql.h"
#include "proxy/console/console_table.h"
#include "proxy/failover/changes.h"

static const struct table_column columns[] = {
	{"number", COLUMN_INTEGER, "of the change, since the start"},
	{"change", COLUMN_TEXT, "SWITCHOVER, FAILOVER, REJOIN or REOPEN"},
	{"step", COLUMN_TEXT, "what was to be done"},
	{"server", COLUMN_TEXT, "the new primary, or who was repointed or came back; NULL: not known yet"},
	{"state", COLUMN_TEXT, "done, failed, undone, not undone"},
	{"ms", COLUMN_REAL, "how long it took"},
	{"at", COLUMN_TEXT, "when it had ended, UTC"},
	{"text", COLUMN_TEXT, "what that means, or why it failed"},
};

static void produce(struct table_rows *rows)
{
	struct change_row *all = calloc(CHANGE_ROWS_MAX, sizeof *all);
	if (!all)
		abort();
	size_t n = changes_copy(all);
	for (size_t i = 0; i < n; i++) {
		rows_count(rows, all[i].number);
		rows_text(rows, all[i].change);
		rows_text(rows, all[i].step);
		rows_text_or_null(rows, all[i].server);
		rows_text(rows, all[i].state);
		rows_real(rows, (double)all[i].took_us / 1000);
		rows_time(rows, all[i].at_us);
		rows_text_or_null(rows, all[i].text);
	}
	free(all);
}

const struct console_table table_stats_changes = {"stats_changes", "the steps of the last change of the topology", COLUMNS(columns),
						  produce, false};

/* Begins it, waits as long as it is made, and answers with its steps. */
static void run(struct console_call *call, const struct change_request *request)
{
	struct console_session *s = call->session;
	char error[1900] = "";
	if (!s->change) {
		s->change = changes_ask(request, error, sizeof error);
		if (!s->change) {
			answer_error(call->answer, 1105, "HY000", "%s", error);
			return;
		}
	}
	s->waits = changes_ended() < s->change;
	if (s->waits)
		return;
	bool ok = changes_succeeded(s->change, error, sizeof error);
	s->change = 0;
	if (ok)
		answer_sql(call->answer, s->catalog, call->command->sql, NULL, 0);
	else
		answer_error(call->answer, 1105, "HY000", "%s failed: %s", call->command->name, error);
}

static bool take_server(struct console_call *call, char *server, size_t size)
{
	if (sql_value(&call->rest, server, size))
		return true;
	answer_error(call->answer, 1064, "42000", "a server is written as 'host:port'; SHOW SERVERS lists them");
	return false;
}

/* SWITCHOVER [TO 'host:port'], FAILOVER [TO 'host:port'] */
static void run_with_target(struct console_call *call, enum change_kind kind)
{
	struct change_request r = {.kind = kind};
	snprintf(r.by, sizeof r.by, "%s", call->session->user);
	if (sql_take(&call->rest, "TO") && !take_server(call, r.server, sizeof r.server))
		return;
	if (console_expect_end(call))
		run(call, &r);
}

void console_run_switchover(struct console_call *call)
{
	run_with_target(call, CHANGE_SWITCHOVER);
}

void console_run_failover(struct console_call *call)
{
	run_with_target(call, CHANGE_FAILOVER);
}

/* REJOIN 'host:port' [FORCE] */
void console_run_rejoin(struct console_call *call)
{
	struct change_request r = {.kind = CHANGE_REJOIN};
	snprintf(r.by, sizeof r.by, "%s", call->session->user);
	if (!take_server(call, r.server, sizeof r.server))
		return;
	r.force = sql_take(&call->rest, "FORCE");
	if (console_expect_end(call))
		run(call, &r);
}
