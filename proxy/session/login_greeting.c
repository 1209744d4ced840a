#include <stdio.h>

#include "protocol/constants.h"
#include "protocol/handshake.h"
#include "proxy/security.h"
#include "proxy/session/login.h"

/* What is always offered: only what can be kept. Optional metadata changes the form of answers and is not among it. */
#define OFFERED                                                                                                        \
	(CAP_LONG_PASSWORD | CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB | CAP_NO_SCHEMA | CAP_ODBC |         \
	 CAP_LOCAL_FILES | CAP_IGNORE_SPACE | CAP_PROTOCOL_41 | CAP_INTERACTIVE | CAP_IGNORE_SIGPIPE |                 \
	 CAP_TRANSACTIONS | CAP_RESERVED | CAP_SECURE_CONNECTION | CAP_MULTI_STATEMENTS | CAP_MULTI_RESULTS |          \
	 CAP_PS_MULTI_RESULTS | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS | CAP_PLUGIN_AUTH_LENENC |                         \
	 CAP_CAN_HANDLE_EXPIRED_PASSWORDS | CAP_SESSION_TRACK | CAP_DEPRECATE_EOF)

/* MariaDB's extensions that are offered where all servers know them. The finer types of columns (json, inet6, point) are
 * the server's and the client's own business, since definitions pass unread. Progress reports are not among them (they
 * have numbers in the sequence of an answer's packets), nor is the caching of definitions: an execution may run on
 * another server than the one before it, and its client would take the rows for those of an older table. */
static const struct {
	uint32_t extension;
	unsigned since;
} extensions[] = {
	{MCAP_STMT_BULK, 100200},
	{MCAP_EXTENDED_METADATA, 100502},
	{MCAP_BULK_UNIT_RESULTS, 110501},
};

static uint32_t offered_extensions(const struct snapshot *snapshot)
{
	const struct server_info *reference = snapshot_reference(snapshot);
	if (!reference || reference->flavor != FLAVOR_MARIADB)
		return 0;
	unsigned oldest = reference->version;
	for (unsigned i = 0; i < snapshot->n_servers; i++)
		if (snapshot->servers[i].version && snapshot->servers[i].version < oldest)
			oldest = snapshot->servers[i].version;
	uint32_t offered = 0;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (oldest >= extensions[i].since)
			offered |= extensions[i].extension;
	return offered;
}

#define QUERY_ATTRIBUTES_SINCE 80023

/* Zstandard as MySQL has it; MariaDB's own clients mean something of their own by it. */
static uint32_t offered_caps(const struct snapshot *snapshot)
{
	const struct server_info *reference = snapshot_reference(snapshot);
	bool mysql = !reference || reference->flavor == FLAVOR_MYSQL;
	uint32_t offered = OFFERED;
	if (reference && mysql && reference->version >= QUERY_ATTRIBUTES_SINCE)
		offered |= CAP_QUERY_ATTRIBUTES;
	if (snapshot->settings->client_compression)
		offered |= CAP_COMPRESS | (mysql ? CAP_ZSTD : 0);
	return offered;
}

bool login_send_greeting(struct session *s)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	const struct server_info *server = snapshot_reference(snapshot);
	struct greeting g = {.protocol = 10, .connection_id = s->id, .status = STATUS_AUTOCOMMIT, .collation = 45};
	bool mariadb = server && server->flavor == FLAVOR_MARIADB;
	if (server && server->default_collation)
		g.collation = (uint8_t)server->default_collation;
	bool named = *snapshot->settings->server_version;
	const char *version = named ? snapshot->settings->server_version : server ? server->version_text : "8.0.0-wye";
	/* MariaDB 10 greets so, lest old replicas take it for a MySQL of version 1. */
	bool prefix = mariadb && !named && server->version >= 100000 && server->version < 110000;
	snprintf(g.version, sizeof g.version, "%s%s", prefix ? "5.5.5-" : "", version);
	memcpy(g.nonce, s->login->nonce, NONCE_LEN);
	s->login->offered = offered_caps(snapshot);
	g.caps = s->login->offered | (security_offers_tls() ? CAP_SSL : 0);
	g.mariadb_caps = s->login->extensions = offered_extensions(snapshot);
	if (g.mariadb_caps)
		g.caps &= ~CAP_LONG_PASSWORD; /* the sign that extensions follow */
	snprintf(g.plugin, sizeof g.plugin, "%s", mariadb ? PLUGIN_NATIVE : PLUGIN_SHA2);
	struct buf b;
	buf_init(&b, 1024);
	bool sent = greeting_write(&b, &s->login->seq, &g) && conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
	return sent;
}
