/* The verbs that act on the running process: KILL, RESET, DRAIN, PAUSE, RESUME, SHUTDOWN. */
#include "proxy/console/console_commands.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/console/console_sql.h"
#include "proxy/events.h"
#include "proxy/pause.h"
#include "proxy/stats.h"
#include "proxy/topology.h"

/* KILL [CONNECTION | QUERY] id: any client's, by the ids that stats_sessions shows. */
void console_run_kill(struct console_call *call)
{
	char number[24], *end;
	bool query_only = sql_take(&call->rest, "QUERY");
	if (!query_only)
		sql_take(&call->rest, "CONNECTION");
	if (!sql_value(&call->rest, number, sizeof number))
		number[0] = '\0';
	unsigned long long id = strtoull(number, &end, 10);
	bool there = *number && !*end && console_catalog_finds(call->session->catalog,
							      "SELECT 1 FROM stats_sessions WHERE id = ?1", number);
	if (!there)
		answer_error(call->answer, 1094, "HY000", "Unknown thread id: %.24s; SHOW SESSIONS lists them", number);
	else if (console_expect_end(call) && stats_session_kill(id, query_only)) {
	event_note(LOG_LEVEL_INFO, "kill", NULL, "%s %llu, asked for on the console by '%s'",
			   query_only ? "the statement of" : "session", id, call->session->user);
		answer_ok(call->answer, "");
	}
}

void console_run_reset_statements(struct console_call *call)
{
	char digest[24] = "", *end = digest;
	bool one = !sql_at_end(call->rest) && sql_value(&call->rest, digest, sizeof digest);
	unsigned long long number = one ? strtoull(digest, &end, 16) : 0;
	if (one && (!*digest || *end || !number)) {
	answer_error(call->answer, 1231, "42000", "'%.24s' is no digest; stats_statements shows them", digest);
	} else if (console_expect_end(call)) {
	stats_statements_forget(number);
		answer_ok(call->answer, "");
	}
}

void console_run_reset_errors(struct console_call *call)
{
	if (!console_expect_end(call))
		return;
	stats_errors_forget();
	answer_ok(call->answer, "");
}

void console_run_reload_tls(struct console_call *call)
{
	char error[400];
	if (!console_expect_end(call))
		return;
	if (topology_reload_tls(error, sizeof error))
		answer_ok(call->answer, "");
	else
		answer_error(call->answer, 1231, "42000", "%s; what was in use stays", error);
}

static bool take_server(struct console_call *call, char *server, size_t size)
{
	if (sql_value(&call->rest, server, size))
		return console_expect_end(call);
	answer_error(call->answer, 1064, "42000", "%s is followed by a server: %s 'host:port'; SHOW SERVERS lists them",
		     call->command->name, call->command->name);
	return false;
}

static void set_drained(struct console_call *call, bool drained)
{
	char server[280], error[512];
	if (!take_server(call, server, sizeof server))
		return;
	if (!topology_drain(server, drained, error, sizeof error)) {
	answer_error(call->answer, 1231, "42000", "%s", error);
		return;
	}
	event_note(LOG_LEVEL_INFO, drained ? "drain" : "resume", server, "asked for on the console by '%s'",
		   call->session->user);
	answer_ok(call->answer, drained ? "it takes no new reads; in_flight in stats_servers tells what still runs there" : "");
}

void console_run_drain(struct console_call *call)
{
	set_drained(call, true);
}

static void set_paused(struct console_call *call, bool on)
{
	if (!console_expect_end(call))
		return;
	if (pause_set(on))
		event_note(LOG_LEVEL_WARNING, on ? "pause" : "resume", NULL, "asked for on the console by '%s'",
			   call->session->user);
	answer_ok(call->answer, on ? "statements outside a transaction wait, at most queue_timeout, until RESUME" : "");
}

void console_run_pause(struct console_call *call)
{
	set_paused(call, true);
}

/* RESUME ends the pause of all, RESUME 'host:port' a server's DRAIN. */
void console_run_resume(struct console_call *call)
{
	if (sql_at_end(call->rest))
		set_paused(call, false);
	else
		set_drained(call, false);
}

/* The same as the signal from outside: running transactions are finished first. */
void console_run_shutdown(struct console_call *call)
{
	if (!console_expect_end(call))
		return;
	event_note(LOG_LEVEL_WARNING, "shutdown", NULL, "asked for on the console by '%s'", call->session->user);
	answer_ok(call->answer, "wye stops as soon as running transactions are finished");
	kill(getpid(), SIGTERM);
}
