/*
 * A client's login, as a machine within the session's first state.
 *
 *	RESPONSE ──> (TLS) ──> RESPONSE ──> ACCOUNT ──> AUTH <──> CHECKING
 *	                                      ^           │
 *	                                      └── fresh ──┤ denied: perhaps our accounts are old
 *	                                                  v
 *	                                               SCHEMA ──> OK
 *
 * CHECKING runs the slow hash of caching_sha2_password on libuv's thread pool. SCHEMA asks a server whether the account
 * may use the schema it named, unless a pooled connection already stands there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "protocol/auth.h"
#include "protocol/charset.h"
#include "protocol/ok.h"
#include "protocol/packet.h"
#include "proxy/accounts.h"
#include "proxy/backend/room.h"
#include "proxy/generation.h"
#include "proxy/security.h"
#include "proxy/session/session.h"
#include "proxy/topology.h"
#include "proxy/vault.h"

#define LOGIN_PACKET_MAX 65536u
#define ACCOUNTS_WAIT_MS 2000u

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

enum stage { STAGE_RESPONSE, STAGE_ACCOUNT, STAGE_FRESH, STAGE_AUTH, STAGE_CHECKING, STAGE_SCHEMA, STAGE_DONE };

struct check; /* the slow hash, on another thread */

struct session_login {
	enum stage stage;
	uint8_t seq;             /* of the next packet out */
	uint8_t nonce[NONCE_LEN];
	uint32_t offered;        /* CAP_... in the greeting, without those that TLS adds */
	uint32_t extensions;     /* MCAP_... likewise */
	struct buf packet;       /* the login's payload: `login` points into it */
	struct login login;
	struct auth_server auth;
	struct account account;  /* a copy: snapshots go */
	bool known;              /* account is one */
	bool fresh;              /* the accounts were asked for again */
	bool again;              /* the exchange is done a second time */
	bool renewed;            /* the client has not seen this nonce: it must be sent with a switch */
	bool checked_once;       /* the slow check has failed against an account that may be old */
	uint64_t ticket;
	struct check *check;
	char *user_before;       /* COM_CHANGE_USER: who the session is while the new one is being checked */
};

struct check {
	uv_work_t work;
	struct session *session; /* NULL when it has gone */
	char stored[256];
	size_t stored_len;
	char clear[SHA2_PASSWORD_MAX + 1];
	size_t clear_len;
	bool ok;
};

static bool is_secure(const struct session *s)
{
	return s->unix_socket || s->client.tls;
}

/* ---- the greeting ---- */

/* No zero and no dollar sign, as the servers' own. */
static void make_nonce(uint8_t nonce[NONCE_LEN])
{
	RAND_bytes(nonce, NONCE_LEN);
	for (unsigned i = 0; i < NONCE_LEN; i++) {
		nonce[i] &= 0x7F;
		if (nonce[i] == 0 || nonce[i] == '$')
			nonce[i]++;
	}
}

static bool send_greeting(struct session *s)
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
	g.caps = s->login->offered | (security_client_side() ? CAP_SSL : 0);
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

void login_begin(struct session *s)
{
	struct session_login *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	s->login = l;
	buf_init(&l->packet, LOGIN_PACKET_MAX);
	make_nonce(l->nonce);
	auth_server_init(&l->auth);
	s->counted = room_enter(room_of_clients(), s->worker->snapshot->settings->max_connections, s->worker->index,
				worker_now(s->worker));
	if (!s->counted) {
		stat_add(&s->worker->stats->logins_refused, 1);
		struct buf b;
		buf_init(&b, 512);
		if (err_write(&b, &l->seq, 0, 1040, "08004", "Too many connections"))
			conn_send(&s->client, buf_data(&b), buf_len(&b));
		buf_finish(&b);
		s->client.error = UV_EOF;
		return;
	}
	if (!send_greeting(s))
		s->client.error = UV_EOF;
}

void login_end(struct session *s)
{
	struct session_login *l = s->login;
	if (!l)
		return;
	if (l->check)
		l->check->session = NULL;
	free(l->user_before);
	auth_server_finish(&l->auth);
	OPENSSL_cleanse(&l->account, sizeof l->account);
	if (l->packet.base)
		OPENSSL_cleanse(l->packet.base, l->packet.cap);
	buf_finish(&l->packet);
	free(l);
	s->login = NULL;
}

/* ---- refusals ---- */

static bool send_error(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct buf b;
	buf_init(&b, 1024);
	bool sent = err_write(&b, &s->login->seq, CAP_PROTOCOL_41, code, sqlstate, "%s", text) &&
		    conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
	return sent;
}

static enum step refuse(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	struct session_login *l = s->login;
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	stat_add(&s->worker->stats->logins_refused, 1);
	bool sent = send_error(s, code, sqlstate, text);
	/* Where MySQL closes the connection, MariaDB lets it be whose it was before, its state reset. */
	if (!sent || !l->user_before || !server || server->flavor != FLAVOR_MARIADB)
		return session_fail(s, END_LOGIN_REFUSED);
	free(s->user);
	s->user = l->user_before;
	l->user_before = NULL;
	s->failed_changes++;
	login_end(s);
	return session_enter(s, SESSION_COMMAND);
}

/* Counts the client among its account's, and no longer among another's; false: there are enough. */
static bool count_client(struct session *s, uint64_t account_id)
{
	struct room *room = room_of_account(account_id, ROOM_CLIENTS);
	if (s->account_clients) {
		room_leave(s->account_clients);
		room_unref(s->account_clients);
	}
	bool entered = room_enter(room, s->worker->snapshot->settings->user_max_clients, s->worker->index,
				  worker_now(s->worker));
	s->account_clients = entered ? room : NULL;
	if (!entered)
		room_unref(room);
	return entered;
}

static enum step refuse_crowd(struct session *s)
{
	char text[256];
	snprintf(text, sizeof text, "User %.100s already has more than 'user_max_clients' active connections", s->user);
	return refuse(s, 1203, "42000", text);
}

/* The client's address without its port, as the servers' messages name it. */
static void client_host(const struct session *s, char *host, size_t size)
{
	snprintf(host, size, "%s", s->peer);
	char *port = strrchr(host, ':');
	if (port && !s->unix_socket)
		*port = '\0';
}

static enum step refuse_password(struct session *s)
{
	char text[512], host[64];
	client_host(s, host, sizeof host);
	snprintf(text, sizeof text, "Access denied for user '%s'@'%s' (using password: %s)", s->user ? s->user : "",
		 host, s->login->auth.used_password ? "YES" : "NO");
	return refuse(s, 1045, "28000", text);
}

/* ---- the response ---- */

static enum step start_tls(struct session *s)
{
	struct transport_tls *tls = transport_tls_create(security_client_side(), TRANSPORT_TLS_SERVER, NULL);
	if (!tls || !conn_start_tls(&s->client, tls))
		return session_fail(s, END_NO_MEMORY);
	session_wake(s);
	return STEP_WAIT;
}

static char *text_of(struct view v)
{
	return strndup(v.p ? (const char *)v.p : "", v.len);
}

/* A packet from the client, whole: its payload in *payload, still in the input. */
static enum packet_result next_packet(struct session *s, struct packet *p)
{
	size_t len;
	const uint8_t *data = conn_input(&s->client, &len);
	enum packet_result got = packet_next(data, len, LOGIN_PACKET_MAX, p);
	if (got == PACKET_OK)
		s->login->seq = (uint8_t)(p->seq + 1);
	conn_answer_begins(&s->client, true);
	return got;
}

static enum step on_response(struct session *s)
{
	struct session_login *l = s->login;
	struct packet p;
	enum packet_result got = next_packet(s, &p);
	if (got == PACKET_PARTIAL)
		return STEP_WAIT;
	if (got == PACKET_BAD || !buf_append(&l->packet, p.payload.p, p.payload.len))
		return session_fail(s, END_CLIENT_PROTOCOL);
	conn_consume(&s->client, p.size);
	uint32_t offered = l->offered | (security_client_side() && !s->client.tls ? CAP_SSL : 0);
	if (l->extensions)
		offered &= ~CAP_LONG_PASSWORD;
	struct view payload = {buf_data(&l->packet), buf_len(&l->packet)};
	/* Within TLS the login repeats the flag of its request. */
	if (login_parse(payload, offered | (s->client.tls ? CAP_SSL : 0), &l->login) != PACKET_OK) {
		send_error(s, 1043, "08S01", "Bad handshake");
		return session_fail(s, END_CLIENT_PROTOCOL);
	}
	if (l->login.ssl_request) {
		buf_finish(&l->packet);
		return s->client.tls ? session_fail(s, END_CLIENT_PROTOCOL) : start_tls(s);
	}
	s->caps = l->login.caps;
	s->mariadb_caps = l->login.mariadb_caps & l->extensions;
	free(s->user);
	s->user = text_of(l->login.user);
	l->stage = STAGE_ACCOUNT;
	return STEP_AGAIN;
}

/* ---- the account ---- */

static enum step await_accounts(struct session *s, uint64_t ticket)
{
	s->login->fresh = true;
	s->login->ticket = ticket;
	s->login->stage = STAGE_FRESH;
	return STEP_AGAIN;
}

static enum step ask_for_accounts(struct session *s)
{
	return await_accounts(s, topology_request_accounts());
}

static enum step on_fresh(struct session *s)
{
	struct session_login *l = s->login;
	bool late = worker_now(s->worker) - s->since > ACCOUNTS_WAIT_MS;
	if (s->worker->snapshot->accounts_ticket < l->ticket && !late)
		return STEP_WAIT;
	l->stage = STAGE_ACCOUNT;
	return STEP_AGAIN;
}

static enum step on_auth_result(struct session *s, enum auth_step got);
static enum step begin_check(struct session *s);

static const struct sockaddr *address_of(struct session *s, struct sockaddr_storage *storage)
{
	int len = sizeof *storage;
	if (s->unix_socket || uv_tcp_getpeername(&s->client.uv.tcp, (struct sockaddr *)storage, &len) != 0)
		return NULL;
	return (struct sockaddr *)storage;
}

/* Fills the machine from the account and what is remembered of it. */
static void prepare_auth(struct session *s)
{
	struct session_login *l = s->login;
	struct auth_server *a = &l->auth;
	auth_server_finish(a);
	auth_server_init(a);
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	bool mariadb = server && server->flavor == FLAVOR_MARIADB;
	a->plugin = !l->known ? (mariadb ? AUTH_NATIVE : AUTH_SHA2)
		    : l->account.plugin == ACCOUNT_SHA2 ? AUTH_SHA2
							: AUTH_NATIVE;
	a->renewed = l->again || l->renewed;
	if (a->renewed)
		make_nonce(l->nonce);
	memcpy(a->nonce, l->nonce, NONCE_LEN);
	a->secure = is_secure(s);
	a->unknown = !l->known;
	a->rsa = security_rsa();
	if (!l->known)
		return;
	a->verifier = (struct view){(uint8_t *)l->account.verifier, l->account.verifier_len};
	struct vault_secret secret;
	if (a->plugin == AUTH_SHA2 && vault_get(l->account.id, &secret)) {
		a->has_stage2 = secret.has_sha256;
		memcpy(a->sha256_stage2, secret.sha256_stage2, sizeof a->sha256_stage2);
		a->force_full = secret.clear_len == 0 && !secret.empty;
		OPENSSL_cleanse(&secret, sizeof secret);
	}
}

static enum step flush(struct session *s, struct buf *out, enum auth_step got)
{
	bool sent = !buf_len(out) || conn_send(&s->client, buf_data(out), buf_len(out));
	buf_finish(out);
	return sent ? on_auth_result(s, got) : session_fail(s, END_CLIENT_GONE);
}

static enum step on_account(struct session *s)
{
	struct session_login *l = s->login;
	struct sockaddr_storage storage;
	if (!l->fresh && s->worker->snapshot->accounts_ticket < generation_accounts_ticket())
		return await_accounts(s, generation_accounts_ticket());
	const struct account *found =
		account_find(s->worker->snapshot->accounts, view_of(s->user), address_of(s, &storage));
	if (!found && !l->fresh)
		return ask_for_accounts(s);
	if (l->checked_once) {
		bool changed = found && found->id != l->account.id && found->plugin == ACCOUNT_SHA2;
		if (changed)
			l->account = *found;
		return changed ? begin_check(s) : on_auth_result(s, auth_server_checked(&l->auth, false));
	}
	/* Denied once, and the fresh accounts say the same: it stands. */
	if (l->again && found && l->known && found->id == l->account.id)
		return refuse_password(s);
	l->known = found != NULL;
	if (found)
		l->account = *found;
	if (found && found->plugin == ACCOUNT_OTHER) {
		char text[256];
		snprintf(text, sizeof text, "wye cannot check accounts of plugin '%s' yet", found->plugin_name);
		return refuse(s, 1524, "HY000", text);
	}
	prepare_auth(s);
	l->stage = STAGE_AUTH;
	struct buf out;
	buf_init(&out, 8192);
	return flush(s, &out, auth_server_begin(&l->auth, &l->login, &out, &l->seq));
}

/* ---- the exchange ---- */

static enum step on_auth(struct session *s)
{
	struct packet p;
	enum packet_result got = next_packet(s, &p);
	if (got == PACKET_PARTIAL)
		return STEP_WAIT;
	if (got == PACKET_BAD)
		return session_fail(s, END_CLIENT_PROTOCOL);
	struct buf out;
	buf_init(&out, 8192);
	enum auth_step step = auth_server_step(&s->login->auth, p.payload, &out, &s->login->seq);
	conn_consume(&s->client, p.size);
	return flush(s, &out, step);
}

static void check_work(uv_work_t *work)
{
	struct check *c = work->data;
	c->ok = sha2_check_stored(c->stored, c->stored_len, c->clear, c->clear_len);
	OPENSSL_cleanse(c->clear, sizeof c->clear);
}

static void check_done(uv_work_t *work, int status)
{
	struct check *c = work->data;
	struct session *s = c->session;
	bool ok = c->ok && status == 0;
	free(c);
	if (!s)
		return;
	struct session_login *l = s->login;
	l->check = NULL;
	l->stage = STAGE_AUTH;
	enum step step;
	if (!ok && l->known && !l->fresh) {
		/* The password is here; what it is checked against may be older than the account's. */
		l->checked_once = true;
		step = ask_for_accounts(s);
	} else {
		step = on_auth_result(s, auth_server_checked(&l->auth, ok));
	}
	if (step == STEP_CLOSE)
		session_close(s);
	else
		session_run(s);
}

static enum step begin_check(struct session *s)
{
	struct session_login *l = s->login;
	/* After the first check the accounts may have been read anew. */
	struct view stored = l->checked_once ? (struct view){(uint8_t *)l->account.verifier, l->account.verifier_len}
					     : auth_server_stored(&l->auth);
	struct check *c = calloc(1, sizeof *c);
	if (!c || stored.len > sizeof c->stored) {
		free(c);
		return session_fail(s, END_NO_MEMORY);
	}
	memcpy(c->stored, stored.p, stored.len);
	c->stored_len = stored.len;
	memcpy(c->clear, l->auth.clear, l->auth.clear_len);
	c->clear_len = l->auth.clear_len;
	c->session = s;
	c->work.data = c;
	l->check = c;
	l->stage = STAGE_CHECKING;
	uv_queue_work(&s->worker->loop, &c->work, check_work, check_done);
	return STEP_WAIT;
}

static enum step on_checking(struct session *s)
{
	(void)s;
	return STEP_WAIT;
}

/* ---- accepted ---- */

static void remember(struct session *s)
{
	const struct auth_server *a = &s->login->auth;
	struct vault_secret secret;
	memset(&secret, 0, sizeof secret);
	secret.empty = s->login->account.verifier_len == 0;
	secret.has_sha1 = a->has_sha1;
	memcpy(secret.sha1_stage1, a->sha1_stage1, sizeof secret.sha1_stage1);
	secret.has_sha256 = a->has_sha256;
	memcpy(secret.sha256_stage1, a->sha256_stage1, sizeof secret.sha256_stage1);
	if (a->has_sha256)
		sha2_stage2(secret.sha256_stage1, secret.sha256_stage2);
	if (a->has_clear && a->clear_len <= VAULT_CLEAR_MAX) {
		memcpy(secret.clear, a->clear, a->clear_len);
		secret.clear_len = a->clear_len;
	}
	vault_put(s->login->account.id, &secret);
	OPENSSL_cleanse(&secret, sizeof secret);
}

static enum step set_initial_state(struct session *s)
{
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	if (!session_initial_state(s, &s->login->login, s->login->account.skips_init_connect))
		return session_fail(s, END_CLIENT_PROTOCOL);
	s->skips_init_connect = s->login->account.skips_init_connect;
	s->status = STATUS_AUTOCOMMIT;
	routing_state_changed(s);
	hints_take_attributes(s, s->login->login.attributes);
	freshness_begin(s, server ? server->flavor : FLAVOR_MYSQL);
	return STEP_AGAIN;
}

/* COM_CHANGE_USER: nothing of the old user's session is left. */
static void forget_user_before(struct session *s)
{
	free(s->login->user_before);
	s->login->user_before = NULL;
	state_unref(s->worker->states, s->want);
	s->want = state_initial(s->worker->states);
	position_finish(&s->position);
}

static enum step on_accepted(struct session *s)
{
	struct session_login *l = s->login;
	if (l->account.locked) {
		const struct server_info *server = snapshot_reference(s->worker->snapshot);
		if (server && server->flavor == FLAVOR_MARIADB)
			return refuse(s, 4151, "HY000", "Access denied, this account is locked");
		char text[400], host[64];
		client_host(s, host, sizeof host);
		snprintf(text, sizeof text, "Access denied for user '%s'@'%s'. Account is locked.", s->user, host);
		return refuse(s, 3118, "HY000", text);
	}
	if (l->account.require_tls && !is_secure(s))
		return refuse_password(s);
	remember(s);
	if (!count_client(s, l->account.id))
		return refuse_crowd(s);
	s->account_id = l->account.id;
	s->generation = generation_now();
	if (l->user_before)
		forget_user_before(s);
	attributes_of_login(s, l->login.attributes);
	if (set_initial_state(s) == STEP_CLOSE)
		return STEP_CLOSE;
	if (!state_schema_of(s->want).len) {
		l->stage = STAGE_DONE;
		return STEP_AGAIN;
	}
	l->stage = STAGE_SCHEMA;
	struct run *r = run_begin(s, CMD_INIT_DB);
	r->own = true;
	r->replayable = true;
	r->route = ROUTE_SESSION;
	r->reason = REASON_USE;
	return session_enter(s, SESSION_WANT_BACKEND);
}

static enum step on_auth_result(struct session *s, enum auth_step got)
{
	struct session_login *l = s->login;
	switch (got) {
	case AUTH_MORE:
		return STEP_WAIT;
	case AUTH_CHECK:
		return begin_check(s);
	case AUTH_DONE:
		return on_accepted(s);
	case AUTH_DENIED:
		if (l->auth.denial == AUTH_DENIAL_OLD_CLIENT)
			return refuse(s, 1251, "08004",
				      "Client does not support authentication protocol requested by server; consider "
				      "upgrading MySQL client");
		if (l->auth.denial == AUTH_DENIAL_INSECURE)
			return refuse(s, 1045, "28000",
				      "Access denied: this account's password may only be sent over TLS, a Unix socket or "
				      "encrypted by RSA");
		if (l->again || l->fresh)
			return refuse_password(s);
		/* Its password may have been changed a moment ago. */
		l->again = true;
		return ask_for_accounts(s);
	default:
		return session_fail(s, END_CLIENT_PROTOCOL);
	}
}

/* The schema was asked for: on_done sends the answer. Errors come from the run. */
static enum step on_schema(struct session *s)
{
	struct run *r = s->run;
	uint16_t code = r ? r->failed_code : 0;
	enum step step = STEP_AGAIN;
	if (code)
		step = refuse(s, code, r->failed_sqlstate, r->failed_text ? r->failed_text : "");
	run_end(s);
	s->login->stage = STAGE_DONE;
	return step;
}

/* Where both were asked for the servers take zlib. After a COM_CHANGE_USER it is there already. */
static bool begin_compression(struct session *s)
{
	if (s->client.packed || !(s->caps & (CAP_COMPRESS | CAP_ZSTD)))
		return true;
	return conn_start_compression(&s->client, s->caps & CAP_COMPRESS ? COMPRESS_ZLIB : COMPRESS_ZSTD,
				      s->login->login.zstd_level);
}

static enum step on_done(struct session *s)
{
	struct session_login *l = s->login;
	struct ok_packet ok = {.status = STATUS_AUTOCOMMIT};
	char proof[1 + 64];
	uint8_t stage2[SHA1_LEN], leaf[32];
	/* MariaDB's newer clients trust a certificate they cannot verify when this proves that we know the password. */
	if (s->client.tls && l->account.plugin == ACCOUNT_NATIVE &&
	    native_parse_stored(l->account.verifier, l->account.verifier_len, stage2) &&
	    transport_tls_leaf_sha256(s->client.tls, leaf)) {
		tls_proof(stage2, l->auth.nonce, leaf, proof);
		ok.info = (struct view){(uint8_t *)proof, sizeof proof};
	}
	struct buf b;
	buf_init(&b, 512);
	bool sent = ok_write(&b, &l->seq, s->caps, &ok) && conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
	stat_add(&s->worker->stats->logins, 1);
	sent = sent && begin_compression(s);
	login_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

/* COM_CHANGE_USER: everything of the session goes, and it logs in anew on the same connection. */
void login_change_user(struct session *s, struct view payload)
{
	struct session_login *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	buf_init(&l->packet, LOGIN_PACKET_MAX);
	auth_server_init(&l->auth);
	l->seq = 1;
	l->renewed = true;
	l->stage = STAGE_ACCOUNT;
	s->login = l;
	if (!buf_append(&l->packet, payload.p, payload.len) ||
	    change_user_parse((struct view){buf_data(&l->packet), buf_len(&l->packet)}, s->caps, &l->login) !=
		    PACKET_OK) {
		login_end(s);
		return;
	}
	finish_reset(s);
	l->user_before = s->user;
	s->user = text_of(l->login.user);
}

static enum step (*const stages[])(struct session *s) = {
	[STAGE_RESPONSE] = on_response, [STAGE_ACCOUNT] = on_account,   [STAGE_FRESH] = on_fresh,
	[STAGE_AUTH] = on_auth,         [STAGE_CHECKING] = on_checking, [STAGE_SCHEMA] = on_schema,
	[STAGE_DONE] = on_done,
};

enum step login_step(struct session *s)
{
	return stages[s->login->stage](s);
}
