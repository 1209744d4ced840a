#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "proxy/address_failures.h"
#include "proxy/audit.h"
#include "proxy/events.h"
#include "proxy/login_failures.h"
#include "proxy/session/login.h"

bool login_send_error(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct buf b;
	buf_init(&b, 1024);
	bool sent = err_write(&b, &s->login->seq, CAP_PROTOCOL_41, code, sqlstate, "%s", text) &&
		    conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
	return sent;
}

enum step login_refuse(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct session_login *l = s->login;
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	stat_add(&s->worker->stats->logins_refused, 1);
	audit_client("login-refused", s->id, s->user, s->peer, code);
	bool sent = login_send_error(s, code, sqlstate, text);
	/* Where MySQL closes the connection, MariaDB lets it be whose it was before, its state reset. */
	if (!sent || !l->user_before || !server || server->flavor != FLAVOR_MARIADB)
		return session_fail(s, END_LOGIN_REFUSED);
	free(s->user);
	s->user = l->user_before;
	s->user_hash = 0;
	l->user_before = NULL;
	s->failed_changes++;
	login_end(s);
	return session_enter(s, SESSION_COMMAND);
}

/* `own`: the limit is the account's, not everybody's. */
enum step login_refuse_crowd(struct session *s, uint64_t most, bool own)
{
	char text[256];
	if (own)
		snprintf(text, sizeof text, "User %.100s already has its 'max_clients' (%llu, wye's table users) active connections",
			 s->user, (unsigned long long)most);
	else
		snprintf(text, sizeof text, "User %.100s already has more than 'user_max_clients' active connections", s->user);
	return login_refuse(s, 1203, "42000", text);
}

/* The client's address without its port, as the servers' messages name it. */
static void client_host(const struct session *s, char *host, size_t size)
{
	snprintf(host, size, "%s", s->peer);
	char *port = strrchr(host, ':');
	if (port)
		*port = '\0';
}

/* Says once that an address guesses. */
static void count_for_address(const struct session *s, const char *host)
{
	const struct settings *settings = s->worker->snapshot->settings;
	unsigned n = address_failures_add(&s->address, settings->login_failures_time, worker_now(s->worker));
	if (settings->login_failures_max && n == settings->login_failures_max)
		event_note(LOG_LEVEL_WARNING, "address-blocked", NULL,
			   "%s has given %u wrong passwords, the last one for '%.64s': its logins are refused for a while",
			   host, n, s->user ? s->user : "");
}

enum step login_refuse_header(struct session *s)
{
	char text[256], host[64];
	client_host(s, host, sizeof host);
	snprintf(text, sizeof text, "Proxy header is not accepted from '%s': it is not in wye's setting proxy_protocol_networks",
		 host);
	return login_refuse(s, 1130, "HY000", text);
}

/* Whatever the password: who may not come from there learns nothing of it. */
enum step login_refuse_network(struct session *s)
{
	char text[256], host[64];
	client_host(s, host, sizeof host);
	snprintf(text, sizeof text, "Host '%s' is not allowed to connect as '%.100s': wye's table users has other networks for it",
		 host, s->user);
	return login_refuse(s, 1130, "HY000", text);
}

/* The account is there, and nothing of it can be checked here. */
enum step login_refuse_plugin(struct session *s, const char *plugin)
{
	char text[400];
	if (strcmp(plugin, ACCOUNT_CERTIFICATE) == 0)
		snprintf(text, sizeof text, "wye cannot check a %s: ALTER USER '%.100s' ... REQUIRE X509 or REQUIRE SSL", plugin,
			 s->user);
	else
		snprintf(text, sizeof text,
			 "wye cannot check accounts of plugin '%s': ALTER USER '%.100s' to one of " ACCOUNT_PLUGINS_KNOWN, plugin,
			 s->user);
	return login_refuse(s, 1524, "HY000", text);
}

enum step login_refuse_guesser(struct session *s)
{
	char text[256], host[64];
	client_host(s, host, sizeof host);
	snprintf(text, sizeof text,
		 "Host '%s' is blocked because of too many wrong passwords (login_failures_max); try again later", host);
	return login_refuse(s, 1129, "HY000", text);
}

enum step login_refuse_password(struct session *s)
{
	char text[512], host[64];
	if (s->login->known)
		login_failures_add(s->login->account.id);
	client_host(s, host, sizeof host);
	count_for_address(s, host);
	snprintf(text, sizeof text, "Access denied for user '%s'@'%s' (using password: %s)", s->user ? s->user : "",
		 host, s->login->auth.used_password ? "YES" : "NO");
	return login_refuse(s, 1045, "28000", text);
}

enum step login_refuse_locked(struct session *s)
{
	if (session_is_mariadb(s))
		return login_refuse(s, 4151, "HY000", "Access denied, this account is locked");
	char text[400], host[64];
	client_host(s, host, sizeof host);
	snprintf(text, sizeof text, "Access denied for user '%s'@'%s'. Account is locked.", s->user, host);
	return login_refuse(s, 3118, "HY000", text);
}
