#include "proxy/failover/change_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_old(enum flavor flavor, unsigned version)
{
	return flavor == FLAVOR_MYSQL && version < 80023;
}

static void append(char out[CHANGE_SQL_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char out[CHANGE_SQL_MAX], const char *format, ...)
{
	size_t at = strlen(out);
	va_list args;
	va_start(args, format);
	int n = vsnprintf(out + at, CHANGE_SQL_MAX - at, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= CHANGE_SQL_MAX - at)
		*out = '\0';
}

void words_quote(char *out, size_t size, const char *text)
{
	size_t n = 0;
	if (size < 3)
		return;
	out[n++] = '\'';
	for (; *text && n + 3 < size; text++) {
		if (*text == '\'')
			out[n++] = '\'';
		else if (*text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n++] = '\'';
	out[n] = '\0';
}

/* MariaDB names the channel in the middle, MySQL at the end. */
static void quote_channel(char *infix, char *suffix, size_t size, enum flavor flavor, const char *channel)
{
	char quoted[160];
	*infix = *suffix = '\0';
	words_quote(quoted, sizeof quoted, channel);
	if (flavor == FLAVOR_MYSQL)
		snprintf(suffix, size, " FOR CHANNEL %s", quoted);
	else if (*channel)
		snprintf(infix, size, " %s", quoted);
}

void words_act(char out[CHANGE_SQL_MAX], enum flavor flavor, unsigned version, enum replica_act act, const char *channel)
{
	static const char *const verbs[] = {[ACT_STOP] = "STOP", [ACT_STOP_IO] = "STOP", [ACT_START] = "START",
					    [ACT_START_IO] = "START", [ACT_RESET_ALL] = "RESET"};
	const char *noun = flavor == FLAVOR_MARIADB || is_old(flavor, version) ? "SLAVE" : "REPLICA";
	bool io = act == ACT_STOP_IO || act == ACT_START_IO;
	char infix[200], suffix[200];
	quote_channel(infix, suffix, sizeof infix, flavor, channel);
	*out = '\0';
	/* MariaDB: STOP SLAVE 'c' IO_THREAD, MySQL: STOP REPLICA IO_THREAD FOR CHANNEL 'c' */
	const char *what = io ? " IO_THREAD" : act == ACT_RESET_ALL ? " ALL" : "";
	append(out, "%s %s%s%s%s", verbs[act], noun, infix, what, suffix);
}

bool words_know_demote(enum flavor flavor, unsigned version)
{
	return flavor == FLAVOR_MARIADB && version >= 101000;
}

static void append_text(char out[CHANGE_SQL_MAX], const char *prefix, const char *name, const char *text)
{
	char quoted[600];
	words_quote(quoted, sizeof quoted, text);
	append(out, ", %s_%s=%s", prefix, name, quoted);
}

void words_source(char out[CHANGE_SQL_MAX], enum flavor flavor, unsigned version, const char *channel,
		  const struct endpoint *source, const struct source_login *login, bool demote)
{
	bool maria = flavor == FLAVOR_MARIADB, old = is_old(flavor, version);
	const char *prefix = maria || old ? "MASTER" : "SOURCE";
	char infix[200], suffix[200], host[600];
	quote_channel(infix, suffix, sizeof infix, flavor, channel);
	words_quote(host, sizeof host, source->host);
	*out = '\0';
	append(out, "CHANGE %s%s TO %s_HOST=%s, %s_PORT=%u", maria || old ? "MASTER" : "REPLICATION SOURCE", infix, prefix, host,
	       prefix, source->port);
	if (login) {
		append_text(out, prefix, "USER", login->user);
		append_text(out, prefix, "PASSWORD", login->password);
		if (login->tls)
			append(out, ", %s_SSL=1", prefix);
		else if (!maria && version >= 80000) /* caching_sha2_password without TLS */
			append(out, ", GET_%s_PUBLIC_KEY=1", old ? "MASTER" : "SOURCE");
		if (login->retry)
			append(out, ", %s_CONNECT_RETRY=%u", prefix, login->retry);
	}
	append(out, "%s", maria ? ", MASTER_USE_GTID=slave_pos" : old ? ", MASTER_AUTO_POSITION=1" : ", SOURCE_AUTO_POSITION=1");
	if (demote && words_know_demote(flavor, version))
		append(out, ", MASTER_DEMOTE_TO_SLAVE=1");
	append(out, "%s", suffix);
}

void words_wait(char *out, size_t size, enum flavor flavor, const char *position, unsigned seconds)
{
	/* Sets are written by servers: digits, letters, dashes; a quote cannot be among them. */
	int n = snprintf(out, size, "SELECT %s('%s', %u) = 0",
			 flavor == FLAVOR_MARIADB ? "MASTER_GTID_WAIT" : "WAIT_FOR_EXECUTED_GTID_SET", position, seconds);
	if (n < 0 || (size_t)n >= size)
		*out = '\0';
}

const struct change_privilege *words_privilege(enum flavor flavor, unsigned version, unsigned index)
{
	static const struct change_privilege mysql[] = {
		{"REPLICATION_SLAVE_ADMIN", true}, {"RELOAD", false},  {"SYSTEM_VARIABLES_ADMIN", true},
		{"CONNECTION_ADMIN", true},        {"PROCESS", false}, {"REPLICATION CLIENT", false}};
	static const struct change_privilege mysql_old[] = {
		{"SUPER", false}, {"RELOAD", false}, {"PROCESS", false}, {"REPLICATION CLIENT", false}};
	static const struct change_privilege mariadb[] = {
		{"REPLICATION SLAVE ADMIN", false}, {"RELOAD", false},  {"READ_ONLY ADMIN", false},
		{"CONNECTION ADMIN", false},        {"PROCESS", false}, {"SLAVE MONITOR", false}};
	static const struct change_privilege mariadb_old[] = {
		{"SUPER", false}, {"RELOAD", false}, {"PROCESS", false}, {"REPLICATION CLIENT", false}};
#define AT(table) (index < sizeof(table) / sizeof *(table) ? &(table)[index] : NULL)
	if (flavor == FLAVOR_MARIADB)
		return version < 100502 ? AT(mariadb_old) : AT(mariadb);
	return version < 80000 ? AT(mysql_old) : AT(mysql);
#undef AT
}
