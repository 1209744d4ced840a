#include "proxy/failover/change_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MYSQL_PRIVILEGES                                                                                                       \
	"SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = CONCAT('''', LEFT(CURRENT_USER(), "      \
	"CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', "                   \
	"SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')"

bool change_server_open(struct change_server *s, const struct library_login *login)
{
	struct library_login own = *login;
	own.at = &s->at;
	s->connection = library_open(&own, &s->error);
	/* Texts are quoted for the default mode; and nothing waits long for a lock that a client holds. */
	if (s->connection && change_server_run(s, "SET SESSION sql_mode = '', SESSION lock_wait_timeout = 2"))
		return true;
	change_server_close(s);
	return false;
}

void change_server_close(struct change_server *s)
{
	library_close(s->connection);
	s->connection = NULL;
}

void change_server_finish(struct change_server *s)
{
	change_server_close(s);
	free(s->executed);
	free(s->slave_pos);
	free(s->position);
	free(s->received);
	s->executed = s->slave_pos = s->position = s->received = NULL;
}

static bool ask(struct change_server *s, const char *sql)
{
	if (!s->connection) {
		if (s->error.failure == LIBRARY_OK)
			s->error = (struct library_error){LIBRARY_LOST, 0, "it cannot be reached"};
		return false;
	}
	if (library_send(s->connection, sql, &s->error))
		return true;
	if (library_failure_is_final(s->error.failure))
		change_server_close(s);
	return false;
}

static bool take_answer(struct change_server *s, struct library_result **result)
{
	if (library_answer(s->connection, result, &s->error))
		return true;
	if (library_failure_is_final(s->error.failure))
		change_server_close(s);
	return false;
}

static bool query(struct change_server *s, const char *sql, struct library_result **result)
{
	return ask(s, sql) && take_answer(s, result);
}

bool change_server_run(struct change_server *s, const char *sql)
{
	return query(s, sql, NULL);
}

char *change_server_value(struct change_server *s, const char *sql)
{
	struct library_result *r = NULL;
	if (!query(s, sql, &r))
		return NULL;
	const char *value = r && library_row(r) ? library_value(r, 0, NULL) : NULL;
	char *copy = value ? strdup(value) : NULL;
	library_free(r);
	return copy;
}

bool change_server_says(struct change_server *s, const char *sql)
{
	s->error = (struct library_error){.failure = LIBRARY_OK};
	char *value = change_server_value(s, sql);
	bool yes = value && strcmp(value, "1") == 0;
	free(value);
	return yes;
}

bool change_server_begin(struct change_server *s, enum replica_act act)
{
	char sql[CHANGE_SQL_MAX];
	words_act(sql, s->flavor, s->version, act, s->channel);
	return ask(s, sql);
}

bool change_server_end(struct change_server *s)
{
	return take_answer(s, NULL);
}

bool change_server_act(struct change_server *s, enum replica_act act)
{
	return change_server_begin(s, act) && change_server_end(s);
}

/* ---- reading ---- */

static const char *text_of(struct library_result *r, unsigned column)
{
	const char *text = library_value(r, column, NULL);
	return text ? text : "";
}

static void take(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	if (!*to)
		abort();
}

static bool is_on(const char *text)
{
	return strcasecmp(text, "ON") == 0 || strcmp(text, "1") == 0;
}

bool change_server_read_position(struct change_server *s)
{
	struct library_result *r = NULL;
	const char *sql = s->flavor == FLAVOR_MARIADB
			      ? "SELECT @@global.gtid_binlog_state, @@global.gtid_slave_pos, @@global.gtid_current_pos"
			      : "SELECT REPLACE(@@global.gtid_executed, '\\n', ''), '', REPLACE(@@global.gtid_executed, '\\n', '')";
	if (!query(s, sql, &r))
		return false;
	if (library_row(r)) {
		take(&s->executed, text_of(r, 0));
		take(&s->slave_pos, text_of(r, 1));
		take(&s->position, text_of(r, 2));
	}
	library_free(r);
	return true;
}

/* From MariaDB 12 on read_only is a word: all but OFF and 0 are on. */
static bool read_variables(struct change_server *s)
{
	struct library_result *r = NULL;
	bool maria = s->flavor == FLAVOR_MARIADB;
	char sql[400];
	snprintf(sql, sizeof sql, "SELECT @@global.read_only, %s, @@global.log_bin, @@global.%s, %s, CURRENT_USER()",
		 maria ? "0" : "@@global.super_read_only",
		 maria || s->version < 80026 ? "log_slave_updates" : "log_replica_updates",
		 maria ? "1" : "@@global.gtid_mode LIKE 'ON%'");
	if (!query(s, sql, &r))
		return false;
	if (library_row(r)) {
		const char *ro = text_of(r, 0);
		s->read_only = strcmp(ro, "0") != 0 && strcasecmp(ro, "OFF") != 0;
		s->super_read_only = is_on(text_of(r, 1));
		s->log_bin = is_on(text_of(r, 2));
		s->logs_updates = is_on(text_of(r, 3));
		s->gtid = is_on(text_of(r, 4));
		snprintf(s->account, sizeof s->account, "%s", text_of(r, 5));
	}
	library_free(r);
	return true;
}

static unsigned number_of(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static bool has_filter(struct library_result *r)
{
	static const char *const columns[] = {"Replicate_Do_DB",          "Replicate_Ignore_DB",         "Replicate_Do_Table",
					      "Replicate_Ignore_Table",   "Replicate_Wild_Do_Table",     "Replicate_Wild_Ignore_Table",
					      "Replicate_Do_Domain_Ids",  "Replicate_Ignore_Domain_Ids"};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		const char *value = library_value_of(r, columns[i]);
		if (value && *value)
			return true;
	}
	return false;
}

static enum link_state link_of(const char *word)
{
	if (!word || strcasecmp(word, "No") == 0)
		return LINK_STOPPED;
	return strcasecmp(word, "Yes") == 0 ? LINK_RUNNING : LINK_CONNECTING;
}

static const char *either(struct library_result *r, const char *a, const char *b)
{
	const char *value = library_value_of(r, a);
	return value ? value : library_value_of(r, b);
}

static void read_channel(struct change_server *s, struct library_result *r)
{
	const struct monitor_words *w = monitor_words_of(s->flavor, s->version);
	const char *gtid = library_value_of(r, w->column.gtid), *io_error = library_value_of(r, w->column.io_error),
		   *sql_error = library_value_of(r, w->column.sql_error), *channel = library_value_of(r, w->column.channel);
	s->follows = true;
	snprintf(s->channel, sizeof s->channel, "%s", channel ? channel : "");
	snprintf(s->source_at.host, sizeof s->source_at.host, "%s", library_value_of(r, w->column.host));
	s->source_at.port = (uint16_t)number_of(library_value_of(r, w->column.port));
	s->io = link_of(library_value_of(r, w->column.io));
	s->sql = link_of(library_value_of(r, w->column.sql)) == LINK_RUNNING;
	s->channel_gtid = gtid && strcasecmp(gtid, "No") != 0 && strcmp(gtid, "0") != 0;
	s->delay = number_of(library_value_of(r, "SQL_Delay"));
	s->retry = number_of(library_value_of(r, "Connect_Retry"));
	const char *tls = either(r, "Source_SSL_Allowed", "Master_SSL_Allowed");
	s->tls = tls && strcasecmp(tls, "Yes") == 0;
	s->filtered = has_filter(r);
	const char *received = either(r, "Retrieved_Gtid_Set", "Gtid_IO_Pos");
	take(&s->received, received ? received : "");
	for (char *p = s->received; *p; p++)
		if (*p == '\n')
			*p = ' ';
	snprintf(s->link_error, sizeof s->link_error, "%.159s",
		 sql_error && *sql_error ? sql_error : io_error ? io_error : "");
}

bool change_server_read_status(struct change_server *s)
{
	struct library_result *r = NULL;
	const struct monitor_words *w = monitor_words_of(s->flavor, s->version);
	if (!query(s, w->status, &r))
		return false;
	s->follows = false;
	while (library_row(r) && !s->follows) {
		const char *host = library_value_of(r, w->column.host);
		if (host && *host)
			read_channel(s, r);
	}
	library_free(r);
	return true;
}

static bool read_privileges(struct change_server *s)
{
	struct library_result *r = NULL;
	const struct change_privilege *p;
	unsigned has = 0;
	bool super = false, replication = false;
	if (!query(s, MYSQL_PRIVILEGES, &r))
		return false;
	while (library_row(r)) {
		const char *name = text_of(r, 0);
		super |= strcmp(name, "SUPER") == 0;
		replication |= strcmp(name, "REPLICATION SLAVE") == 0;
		for (unsigned i = 0; (p = words_privilege(s->flavor, s->version, i)); i++)
			if (strcasecmp(name, p->name) == 0)
				has |= 1u << i;
	}
	library_free(r);
	s->missing = 0;
	for (unsigned i = 0; (p = words_privilege(s->flavor, s->version, i)); i++)
		if (!(has & 1u << i) && !(super && p->in_super))
			s->missing |= 1u << i;
	s->lacks_replication_slave = !replication;
	char *role = change_server_value(s, "SELECT CURRENT_ROLE()");
	s->has_role = role && *role && strcasecmp(role, "NONE") != 0;
	free(role);
	return s->connection;
}

bool change_server_read(struct change_server *s)
{
	s->read = read_variables(s) && read_privileges(s) && change_server_read_status(s) && change_server_read_position(s);
	return s->read;
}

struct history change_server_history(const struct change_server *s)
{
	return (struct history){.flavor = s->flavor, .executed = s->executed ? s->executed : "",
				.slave_pos = s->flavor == FLAVOR_MARIADB && s->slave_pos ? s->slave_pos : ""};
}

void change_server_grant(const struct change_server *s, bool with_replication_slave, char *out, size_t size)
{
	const struct change_privilege *p;
	size_t at = 0;
	*out = '\0';
	/* What a role gives is not listed: the server's own word has to do then. */
	if (s->has_role)
		return;
	for (unsigned i = 0; (p = words_privilege(s->flavor, s->version, i)) && at < size; i++)
		if (s->missing & 1u << i)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "GRANT ", p->name);
	if (with_replication_slave && s->lacks_replication_slave && at < size)
		at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "GRANT ", "REPLICATION SLAVE");
	if (!at || at >= size)
		return;
	const char *host = strrchr(s->account, '@');
	char user[400], quoted_user[420], quoted_host[420];
	snprintf(user, sizeof user, "%.*s", host ? (int)(host - s->account) : (int)strlen(s->account), s->account);
	words_quote(quoted_user, sizeof quoted_user, user);
	words_quote(quoted_host, sizeof quoted_host, host ? host + 1 : "%");
	snprintf(out + at, size - at, " ON *.* TO %s@%s", quoted_user, quoted_host);
}
