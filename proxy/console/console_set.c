/* SET: settings of wye, and what clients set at connect and forget. */
#include "proxy/console/console_commands.h"

#include <string.h>
#include <strings.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_store.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_variables.h"
#include "proxy/console/console_write.h"

#define VALUE_SIZE 1024

struct set {
	struct console_call *call;
	uint64_t changed; /* settings; all of one SET, or none */
};

static bool unknown(struct answer *a, const char *name)
{
	const char *near = console_variable_nearest(name);
	answer_error(a, 1193, "HY000", "There is no setting '%.64s'%s%s%s", name, near ? "; did you mean '" : "",
		     near ? near : "", near ? "'?" : "; SHOW SETTINGS lists them");
	return false;
}

static bool set_setting(struct set *set, const struct setting_info *info, const char *value)
{
	char error[CONFIG_ERROR_MAX];
	struct answer *a = set->call->answer;
	if (info->needs_restart && !config_is_durable()) {
		answer_error(a, 1238, "HY000", "%s is read at start only: start wye with --set %s=%s", info->name,
			     info->name, value);
		return false;
	}
	if (!set->changed++ && !console_write_begin(set->call->session, a)) {
		set->changed = 0;
		return false;
	}
	config_change_touched();
	bool fine = strcasecmp(value, "DEFAULT") == 0
			    ? config_store_drop(config_db(), "settings", info->name, error, sizeof error)
			    : config_store_setting(config_db(), info->name, value, error, sizeof error);
	if (!fine)
		answer_error(a, 1231, "42000", "%s", error);
	return fine;
}

/* What drivers look at in the status flags. */
static bool set_session_variable(struct set *set, const char *name, const char *value)
{
	if (strcasecmp(name, "autocommit") != 0)
		return true;
	bool on = strcmp(value, "0") != 0 && strcasecmp(value, "OFF") != 0 && strcasecmp(value, "FALSE") != 0;
	return console_set_autocommit(set->call->session, set->call->answer, on);
}

static bool skip_scope(const char **p)
{
	static const char *const scopes[] = {"GLOBAL", "SESSION", "LOCAL", "PERSIST", NULL};
	if (**p == '@')
		*p += 2;
	for (size_t i = 0; scopes[i]; i++)
		if (sql_take(p, scopes[i])) {
			if (**p == '.')
				++*p;
			return true;
		}
	return false;
}

/* [scope] name = value, or @user = value */
static bool set_one(struct set *set, const char **p)
{
	char name[65], value[VALUE_SIZE];
	struct answer *a = set->call->answer;
	*p = sql_skip(*p);
	bool user_variable = p[0][0] == '@' && p[0][1] != '@';
	if (user_variable)
		++*p;
	else
		skip_scope(p);
	if (!sql_word(p, name, sizeof name) || !(sql_take(p, ":=") || sql_take(p, "=")) ||
	    !sql_value(p, value, sizeof value)) {
		answer_error(a, 1064, "42000", "SET is written SET name = value[, name = value...]; found '%.64s'",
			     sql_skip(*p));
		return false;
	}
	if (user_variable)
		return true;
	int index = settings_index(name);
	if (index >= 0)
		return set_setting(set, settings_info((size_t)index), value);
	return console_variable_is_session(name) ? set_session_variable(set, name, value) : unknown(a, name);
}

/* SET NAMES, SET CHARACTER SET, SET TRANSACTION: of no consequence here. */
static bool is_habit(const char *p)
{
	skip_scope(&p);
	return sql_take(&p, "NAMES") || sql_take(&p, "CHARSET") || sql_take(&p, "CHARACTER") ||
	       sql_take(&p, "TRANSACTION");
}

static bool set_all(struct set *set, const char *p)
{
	do {
		if (!set_one(set, &p))
			return false;
	} while (sql_take(&p, ","));
	set->call->rest = p;
	return console_expect_end(set->call);
}

void console_run_set(struct console_call *call)
{
	struct set set = {.call = call};
	const char *p = sql_skip(call->rest);
	if (is_habit(p)) {
		answer_ok(call->answer, "");
		return;
	}
	bool fine = set_all(&set, p);
	if (set.changed)
		console_write_end(call->session, call->answer, fine, set.changed);
	else if (fine)
		answer_ok(call->answer, "");
}
