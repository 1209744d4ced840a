/* SET: settings of wye, and what clients set at connect and forget. */
#include "proxy/console/console_commands.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/console/console_sql.h"
#include "proxy/console/console_table.h"
#include "proxy/console/console_variables.h"
#include "proxy/events.h"
#include "proxy/snapshot.h"
#include "proxy/topology.h"

#define VALUE_SIZE 1024
#define CHANGED_MAX 256

struct set {
	struct console_call *call;
	struct settings settings;  /* a copy: all of one SET, or nothing */
	char changed[CHANGED_MAX]; /* for the event */
};

static void settings_now(struct settings *out)
{
	struct snapshot *s = snapshot_get();
	if (s)
		*out = *s->settings;
	else if (console_options())
		*out = console_options()->settings;
	else
		settings_default(out);
	snapshot_unref(s);
}

static const struct setting_info *setting_find(const char *name)
{
	const struct setting_info *info;
	for (size_t i = 0; (info = settings_info(i)); i++)
		if (strcasecmp(info->name, name) == 0)
			return info;
	return NULL;
}

static bool unknown(struct answer *a, const char *name)
{
	const char *near = console_variable_nearest(name);
	answer_error(a, 1193, "HY000", "There is no setting '%.64s'%s%s%s", name, near ? "; did you mean '" : "",
		     near ? near : "", near ? "'?" : "; SHOW SETTINGS lists them");
	return false;
}

static bool set_setting(struct set *set, const struct setting_info *info, const char *value)
{
	char error[320];
	struct answer *a = set->call->answer;
	if (strcasecmp(value, "DEFAULT") == 0)
		value = info->default_text;
	if (!settings_set(&set->settings, info->name, value, error, sizeof error)) {
		answer_error(a, 1231, "42000", "%s", error);
		return false;
	}
	if (info->needs_restart) {
		answer_error(a, 1238, "HY000", "%s is read at start only: start wye with --set %s=%s", info->name,
			     info->name, value);
		return false;
	}
	size_t n = strlen(set->changed);
	snprintf(set->changed + n, sizeof set->changed - n, "%s%s = %.64s", n ? ", " : "", info->name, value);
	return true;
}

/* What drivers look at in the status flags. */
static void set_session_variable(struct set *set, const char *name, const char *value)
{
	struct console_session *s = set->call->session;
	if (strcasecmp(name, "autocommit") != 0)
		return;
	s->autocommit = strcmp(value, "0") != 0 && strcasecmp(value, "OFF") != 0 && strcasecmp(value, "FALSE") != 0;
	set->call->answer->status &= (uint16_t)~STATUS_AUTOCOMMIT;
	set->call->answer->status |= s->autocommit ? STATUS_AUTOCOMMIT : 0;
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
	const struct setting_info *info = setting_find(name);
	if (info)
		return set_setting(set, info, value);
	if (!console_variable_is_session(name))
		return unknown(a, name);
	set_session_variable(set, name, value);
	return true;
}

/* SET NAMES, SET CHARACTER SET, SET TRANSACTION: of no consequence here. */
static bool is_habit(const char *p)
{
	skip_scope(&p);
	return sql_take(&p, "NAMES") || sql_take(&p, "CHARSET") || sql_take(&p, "CHARACTER") ||
	       sql_take(&p, "TRANSACTION");
}

static void apply(struct set *set)
{
	topology_settings_changed(&set->settings);
	log_set_level(set->settings.log_level);
	event_note(LOG_LEVEL_INFO, "settings", NULL, "%s (on the console, by '%.64s')", set->changed,
		   set->call->session->user);
}

void console_run_set(struct console_call *call)
{
	struct set set = {.call = call};
	const char *p = sql_skip(call->rest);
	if (is_habit(p)) {
		answer_ok(call->answer, "");
		return;
	}
	settings_now(&set.settings);
	do {
		if (!set_one(&set, &p))
			return;
	} while (sql_take(&p, ","));
	call->rest = p;
	if (!console_expect_end(call))
		return;
	if (*set.changed)
		apply(&set);
	answer_ok(call->answer, "");
}
