#include "proxy/console/console_write.h"

#include "proxy/config/config_change.h"
#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"
#include "proxy/console/console_login.h"

static bool is_one_by_one(const struct console_session *s)
{
	return s->autocommit && !s->in_transaction;
}

static void set_status(const struct console_session *s, struct answer *a)
{
	bool open = s->in_transaction || (!s->autocommit && config_change_is(s));
	a->status = (uint16_t)((s->autocommit ? STATUS_AUTOCOMMIT : 0) | (open ? STATUS_IN_TRANS : 0));
}

bool console_write_begin(struct console_session *s, struct answer *a)
{
	char error[CONFIG_ERROR_MAX];
	if (!console_may_act(s, a))
		return false;
	if (!config_change_begin(s, s->user, error, sizeof error)) {
		answer_error(a, 1205, "HY000", "%s", error);
		return false;
	}
	config_sql_script(config_db(), "SAVEPOINT statement");
	return true;
}

/* All that the statement wrote, and nothing that was written before it. */
static void take_back(struct console_session *s)
{
	config_sql_script(config_db(), "ROLLBACK TO statement; RELEASE statement");
	config_change_touched();
	if (is_one_by_one(s))
		config_change_roll_back(s);
}

void console_write_end(struct console_session *s, struct answer *a, bool fine, uint64_t rows)
{
	char error[CONFIG_ERROR_MAX];
	if (!fine) {
		take_back(s);
		return;
	}
	config_sql_script(config_db(), "RELEASE statement");
	if (is_one_by_one(s) && !config_change_commit(s, error, sizeof error)) {
		config_change_roll_back(s);
		answer_error(a, 1231, "42000", "%s", error);
		return;
	}
	set_status(s, a);
	answer_changed(a, rows);
}

void console_run_statement(struct console_session *s, struct answer *a, sqlite3_stmt *statement)
{
	config_read_for(s);
	if (sqlite3_stmt_readonly(statement)) {
		answer_statement(a, s->catalog, statement);
	} else if (console_write_begin(s, a)) {
		console_catalog_begin(s->catalog);
		bool fine = sqlite3_step(statement) == SQLITE_DONE;
		int rows = sqlite3_changes(s->catalog->db);
		if (!fine)
			answer_catalog_error(a, s->catalog);
		sqlite3_reset(statement);
		console_write_end(s, a, fine, fine && rows > 0 ? (uint64_t)rows : 0);
	}
	config_read_for(NULL);
}

/* ---- transactions ---- */

static bool commit(struct console_session *s, struct answer *a)
{
	char error[CONFIG_ERROR_MAX];
	if (config_change_commit(s, error, sizeof error)) {
		s->in_transaction = false;
		set_status(s, a);
		return true;
	}
	answer_error(a, 1180, "HY000", "The transaction is refused, and still open for you to mend it or to ROLLBACK: %s",
		     error);
	return false;
}

void console_transaction_begin(struct console_session *s, struct answer *a)
{
	if (!commit(s, a))
		return;
	s->in_transaction = true;
	set_status(s, a);
	answer_ok(a, "");
}

void console_transaction_commit(struct console_session *s, struct answer *a)
{
	if (commit(s, a))
		answer_ok(a, "");
}

void console_write_abandon(struct console_session *s)
{
	config_change_roll_back(s);
	s->in_transaction = false;
}

void console_transaction_roll_back(struct console_session *s, struct answer *a)
{
	console_write_abandon(s);
	set_status(s, a);
	answer_ok(a, "");
}

bool console_set_autocommit(struct console_session *s, struct answer *a, bool on)
{
	if (on && !s->autocommit && !commit(s, a))
		return false;
	s->autocommit = on;
	set_status(s, a);
	return true;
}
