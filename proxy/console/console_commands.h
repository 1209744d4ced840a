/*
 * The console's own commands: one row each in a table (name, help, function). Everything else goes to sqlite.
 */
#ifndef WYE_PROXY_CONSOLE_COMMANDS_H
#define WYE_PROXY_CONSOLE_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/console/console_answer.h"
#include "proxy/console/console_session.h"

struct console_command;

/* What a command's function gets. */
struct console_call {
	struct console_session *session;
	struct answer *answer;
	const struct console_command *command;
	const char *rest; /* what follows the command's name */
};

struct console_command {
	const char *name; /* words in capitals, a blank between them */
	const char *help; /* NULL: taken from clients' habit, not shown by HELP */
	void (*run)(struct console_call *call);
	const char *sql;  /* for console_run_sql: the rows, in sqlite's dialect */
	const char *like; /* and the column that LIKE looks at */
};

/* Answers one statement of a client, whatever it is. */
void console_command_run(struct console_session *s, struct answer *a, const char *sql);

/* True when it is one of the commands, not a statement for sqlite. */
bool console_command_is(const char *sql);

/* The error for a statement that sqlite has just refused: the nearest command when it was meant to be one. */
void console_command_error(struct console_session *s, struct answer *a, const char *sql);

/* Index from 0, NULL past the last. */
const struct console_command *console_command_at(size_t index);

/* The command runs its sql, with LIKE 'pattern' or WHERE ... behind it if they were given. */
void console_run_sql(struct console_call *call);

/* True when nothing follows the command; else the error is answered. */
bool console_expect_end(struct console_call *call);

/* The schemas a client may name; USE, with its answer. */
bool console_schema_is(const char *name);
void console_use(struct console_session *s, struct answer *a, const char *schema);

/* The families: console_NOUN.c each. */
void console_run_set(struct console_call *call);	   /* console_set.c */
void console_run_explain_route(struct console_call *call); /* console_explain.c */
void console_run_check(struct console_call *call);	   /* console_check.c */
void console_run_switchover(struct console_call *call); /* console_changes.c ... */
void console_run_failover(struct console_call *call);
void console_run_rejoin(struct console_call *call);
void console_run_show_create(struct console_call *call);   /* console_show.c ... */
void console_run_show_columns(struct console_call *call);
void console_run_help(struct console_call *call);
void console_run_export(struct console_call *call); /* console_config.c ... */
void console_run_history(struct console_call *call);
void console_run_rollback_config(struct console_call *call);
void console_run_reload(struct console_call *call);
void console_run_reload_tls(struct console_call *call);
void console_run_not_needed(struct console_call *call);
void console_run_kill(struct console_call *call); /* console_verbs.c ... */
void console_run_reset_statements(struct console_call *call);
void console_run_reset_errors(struct console_call *call);
void console_run_drain(struct console_call *call);
void console_run_pause(struct console_call *call);
void console_run_resume(struct console_call *call);
void console_run_shutdown(struct console_call *call);

#endif
