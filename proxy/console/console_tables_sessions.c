/* The tables about the clients that are connected now. */
#include "proxy/console/console_table.h"

#include <string.h>

#include "proxy/control_call.h"
#include "proxy/scratch.h"
#include "proxy/stats.h"

#define SESSIONS_MAX 20000 /* rows of one look; more sessions are counted in stats_workers */
#define WAIT_MS 1000

struct look {
	struct session_row *rows;
	size_t n;
};

static void gather(void *arg)
{
	struct look *l = arg;
	size_t there = stats_sessions_copy(l->rows, SESSIONS_MAX);
	l->n = there < SESSIONS_MAX ? there : SESSIONS_MAX;
}

/* Only the control thread may ask the workers. The rows are the caller's to give back. */
static struct session_row *sessions_now(size_t *n)
{
	struct look l = {.rows = scratch_take(SESSIONS_MAX * sizeof *l.rows)};
	if (!control_call(gather, &l, WAIT_MS))
		l.n = 0;
	*n = l.n;
	return l.rows;
}

static const struct table_column stats_sessions_columns[] = {
	{"id", COLUMN_INTEGER, "what CONNECTION_ID() tells the client"},
	{"worker", COLUMN_INTEGER, "the thread it lives in"},
	{"user", COLUMN_TEXT, "account"},
	{"client", COLUMN_TEXT, "address of the client"},
	{"schema", COLUMN_TEXT, "default schema"},
	{"state", COLUMN_TEXT, "what it waits for"},
	{"server", COLUMN_TEXT, "where its connection is; NULL: it has none"},
	{"pins", COLUMN_TEXT, "what ties it to that connection"},
	{"pin_cause", COLUMN_TEXT, "the statement that tied it, without its literals"},
	{"since_ms", COLUMN_INTEGER, "since the last command began or ended"},
	{"pinned_ms", COLUMN_INTEGER, "since it was tied; NULL: it is not"},
	{"commands", COLUMN_INTEGER, "commands so far"},
};

static void produce_stats_sessions(struct table_rows *rows)
{
	size_t n;
	struct session_row *sessions = sessions_now(&n);
	for (size_t i = 0; i < n; i++) {
		const struct session_row *s = &sessions[i];
		rows_count(rows, s->id);
		rows_integer(rows, s->worker);
		rows_text(rows, s->user);
		rows_text(rows, s->client);
		rows_text_or_null(rows, s->schema);
		rows_text(rows, s->state);
		rows_text_or_null(rows, s->server);
		rows_text_or_null(rows, s->pins);
		rows_text_or_null(rows, s->pin_cause);
		rows_count(rows, s->since_us / 1000);
		if (s->pinned_us)
			rows_count(rows, s->pinned_us / 1000);
		else
			rows_null(rows);
		rows_count(rows, s->commands);
	}
	scratch_give(sessions, SESSIONS_MAX * sizeof *sessions);
}

const struct console_table table_stats_sessions = {"stats_sessions",
						   "the clients connected now, what they wait for, pins",
						   COLUMNS(stats_sessions_columns), produce_stats_sessions, false};

/* As SHOW PROCESSLIST has them. */
static const struct table_column processlist_columns[] = {
	{"Id", COLUMN_INTEGER, "session"},
	{"User", COLUMN_TEXT, "account"},
	{"Host", COLUMN_TEXT, "client"},
	{"db", COLUMN_TEXT, "default schema"},
	{"Command", COLUMN_TEXT, "Sleep or Query"},
	{"Time", COLUMN_INTEGER, "seconds in this state"},
	{"State", COLUMN_TEXT, "what it waits for"},
	{"Info", COLUMN_TEXT, "server in use"},
};

static void produce_processlist(struct table_rows *rows)
{
	size_t n;
	struct session_row *sessions = sessions_now(&n);
	for (size_t i = 0; i < n; i++) {
		const struct session_row *s = &sessions[i];
		rows_count(rows, s->id);
		rows_text(rows, s->user);
		rows_text(rows, s->client);
		rows_text_or_null(rows, s->schema);
		rows_text(rows, strcmp(s->state, "command") == 0 ? "Sleep" : "Query");
		rows_count(rows, s->since_us / 1000000);
		rows_text(rows, s->state);
		rows_text_or_null(rows, s->server);
	}
	scratch_give(sessions, SESSIONS_MAX * sizeof *sessions);
}

const struct console_table table_processlist = {"processlist", "the clients as SHOW PROCESSLIST shows them",
						COLUMNS(processlist_columns), produce_processlist, true};
