/* Commands about the configuration as a whole: its export, its history, and what ProxySQL's hands type. */
#include "proxy/console/console_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"
#include "proxy/console/console_login.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_write.h"

/* One row a line of the text. */
static void answer_lines(struct console_call *call, const char *column, const char *text)
{
	char *sql = sqlite3_mprintf("WITH RECURSIVE line(at, one, rest) AS (SELECT 0, NULL, ?1 UNION ALL "
				    "SELECT at + 1, substr(rest, 1, instr(rest, char(10)) - 1), "
				    "substr(rest, instr(rest, char(10)) + 1) FROM line WHERE instr(rest, char(10))) "
				    "SELECT one AS %w FROM line WHERE at ORDER BY at",
				    column);
	if (!sql)
		abort();
	answer_sql(call->answer, call->session->catalog, sql, &text, 1);
	sqlite3_free(sql);
}

void console_run_export(struct console_call *call)
{
	bool with_passwords = sql_take(&call->rest, "WITH") && sql_take(&call->rest, "PASSWORDS");
	if (!console_expect_end(call) || (with_passwords && !console_may_act(call->session, call->answer)))
		return;
	config_read_for(call->session);
	struct config *c = config_visible();
	config_read_for(NULL);
	char *text = config_store_export(c, with_passwords);
	answer_lines(call, "statement", text);
	explicit_bzero(text, strlen(text));
	free(text);
	config_unref(c);
}

/* The stored states hold passwords, so that the table itself is not for everybody. */
void console_run_history(struct console_call *call)
{
	if (!console_expect_end(call))
		return;
	config_sql_trust(true);
	answer_sql(call->answer, call->session->catalog,
		   "SELECT version, at, who, change FROM main.config_history ORDER BY version DESC LIMIT 1000", NULL, 0);
	config_sql_trust(false);
}

void console_run_rollback_config(struct console_call *call)
{
	char number[24], error[CONFIG_ERROR_MAX], *end;
	struct console_session *s = call->session;
	if (!sql_value(&call->rest, number, sizeof number))
		number[0] = '\0';
	unsigned long long version = strtoull(number, &end, 10);
	char *state = *number && !*end ? config_store_state_of(config_db(), version) : NULL;
	if (!state) {
		answer_error(call->answer, 1231, "42000",
			     "There is no version '%.24s' of the configuration; SHOW CONFIG HISTORY lists them", number);
	} else if (console_expect_end(call) && console_write_begin(s, call->answer)) {
		bool fine = config_store_import(config_db(), state, error, sizeof error);
		config_change_touched();
		if (!fine)
			answer_error(call->answer, 1231, "42000", "%s", error);
		console_write_end(s, call->answer, fine, 1);
	}
	if (state)
		explicit_bzero(state, strlen(state));
	free(state);
}

void console_run_reload(struct console_call *call)
{
	char error[CONFIG_ERROR_MAX];
	if (!console_expect_end(call))
		return;
	if (config_reload(call->session->user, error, sizeof error))
		answer_ok(call->answer, "");
	else
		answer_error(call->answer, 1231, "42000", "%s", error);
}

/* LOAD ... TO RUNTIME, SAVE ... TO DISK and their likes. */
void console_run_not_needed(struct console_call *call)
{
	answer_ok(call->answer, "not needed: what is changed here is in force and stored at its COMMIT");
}
