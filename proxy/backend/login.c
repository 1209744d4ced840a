/*
 * Logging in to a server in a client account's name: greeting, TLS where it is wanted, authentication with what the
 * vault remembers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "protocol/auth.h"
#include "protocol/ok.h"
#include "protocol/packet.h"
#include "proxy/accounts.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/security.h"
#include "proxy/vault.h"

#define LOGIN_PACKET_MAX 65536u
#define COLLATION_UTF8MB4_GENERAL_CI 45 /* known to every server; the session's own comes with its state */
#define WANTED                                                                                                         \
	(CAP_LONG_PASSWORD | CAP_LONG_FLAG | CAP_PROTOCOL_41 | CAP_TRANSACTIONS | CAP_SECURE_CONNECTION |              \
	 CAP_PLUGIN_AUTH | CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_ATTRS | CAP_SESSION_TRACK)

/* Taken wherever they are offered: they allow a command, and change no answer that was not asked for. */
#define MARIADB_WANTED (MCAP_STMT_BULK | MCAP_BULK_UNIT_RESULTS)

enum stage { STAGE_GREETING, STAGE_TLS, STAGE_AUTH };

struct backend_login {
	enum stage stage;
	uint8_t seq;
	char server[280], host[256];
	bool local, unix_socket;
	struct greeting greeting;
	uint32_t caps;
	struct auth_client auth;
	struct credential credential;
	struct vault_secret secret;
};

void backend_login_begin(struct backend *b, const struct server_info *server)
{
	struct backend_login *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	b->login = l;
	snprintf(l->server, sizeof l->server, "%s", server->name);
	snprintf(l->host, sizeof l->host, "%s", server->at.host);
	l->local = server->local;
	l->unix_socket = server->address.ss_family == AF_UNIX;
	auth_client_init(&l->auth);
}

void backend_login_end(struct backend *b)
{
	struct backend_login *l = b->login;
	if (!l)
		return;
	auth_client_finish(&l->auth);
	OPENSSL_cleanse(l, sizeof *l);
	free(l);
	b->login = NULL;
}

/* ---- failure ---- */

/* A server refuses what it has not heard of yet, or any more, as well: what is known of an account that is there stays. */
static void forget_if_gone(struct backend *b)
{
	const struct account_set *accounts = b->conn.worker->snapshot->accounts;
	if (!accounts || !account_set_by_id(accounts, b->pool->key.account_id))
		vault_forget(b->pool->key.account_id);
}

static void failed(struct backend *b, uint16_t code, const char *sqlstate, const char *format, const char *detail)
{
	char text[512];
	snprintf(text, sizeof text, format, detail);
	bool said = b->pool->failing || pool_is_full_code(code); /* by an event of its own */
	log_line(said ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "backend-login-failed",
		 "server=%s user=%s code=%u error=\"%s\"", b->login->server, b->pool->user, code, text);
	if (code == 1045)
		forget_if_gone(b);
	pool_backend_failed(b, code, sqlstate, text);
}

static void refused(struct backend *b, struct view payload, uint32_t caps)
{
	struct err_packet e;
	char text[400];
	if (!err_parse(payload, caps, &e)) {
		failed(b, ERROR_UNREACHABLE, "08S01", "the server sent %s", "a malformed error");
		return;
	}
	snprintf(text, sizeof text, "%.*s", (int)e.message.len, (const char *)e.message.p);
	failed(b, e.code, e.sqlstate, "%s", text);
}

/* ---- the login packet ---- */

static void fill_credential(struct backend *b)
{
	struct backend_login *l = b->login;
	if (!vault_get(b->pool->key.account_id, &l->secret))
		return;
	l->credential.empty = l->secret.empty;
	l->credential.has_sha1 = l->secret.has_sha1;
	memcpy(l->credential.sha1_stage1, l->secret.sha1_stage1, sizeof l->credential.sha1_stage1);
	l->credential.has_sha256 = l->secret.has_sha256;
	memcpy(l->credential.sha256_stage1, l->secret.sha256_stage1, sizeof l->credential.sha256_stage1);
	l->credential.clear = l->secret.clear_len ? l->secret.clear : NULL;
	l->credential.clear_len = l->secret.clear_len;
}

#define ATTRIBUTES_MAX 4096u

/* wye's own, and those of the clients that this pool is for. */
static bool write_attributes(struct buf *out, const struct pool *pool)
{
	static const char own[][2][16] = {{"_client_name", "wye"}, {"_client_version", WYE_VERSION}};
	for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
		if (!write_lenenc_str(out, view_of(own[i][0])) || !write_lenenc_str(out, view_of(own[i][1])))
			return false;
	if (!pool->attributes)
		return write_lenenc_str(out, view_of("program_name")) && write_lenenc_str(out, view_of("wye"));
	return write_bytes(out, pool->attributes, pool->attributes_len);
}

static void send_login(struct backend *b)
{
	struct backend_login *l = b->login;
	fill_credential(b);
	l->auth.credential = &l->credential;
	l->auth.secure = b->conn.tls || l->unix_socket;
	l->auth.tls = b->conn.tls != NULL;
	enum auth_step got = auth_client_begin(&l->auth, l->greeting.plugin,
					       (struct view){l->greeting.nonce, NONCE_LEN});
	if (got != AUTH_MORE) {
		failed(b, 1045, "28000", "wye does not know the password of '%s' any more: log in again",
		       b->pool->user);
		return;
	}
	struct buf attributes;
	buf_init(&attributes, ATTRIBUTES_MAX);
	if (!write_attributes(&attributes, b->pool))
		buf_reset(&attributes);
	struct login login = {
		.caps = l->caps,
		.mariadb_caps = b->mariadb_caps,
		.max_packet = 1u << 30,
		.zstd_level = COMPRESS_ZSTD_LEVEL,
		.collation = COLLATION_UTF8MB4_GENERAL_CI,
		.user = view_of(b->pool->user),
		.auth = l->auth.response,
		.plugin = view_of(l->auth.plugin),
		.attributes = {buf_data(&attributes), buf_len(&attributes)},
	};
	struct buf out;
	buf_init(&out, LOGIN_PACKET_MAX);
	bool sent = login_write(&out, &l->seq, &login) && conn_send(&b->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	buf_finish(&attributes);
	if (!sent) {
		failed(b, ERROR_UNREACHABLE, "08S01", "lost the connection to %s during its login", l->server);
		return;
	}
	l->stage = STAGE_AUTH;
}

/* ---- TLS ---- */

static void start_tls(struct backend *b)
{
	struct backend_login *l = b->login;
	l->caps |= CAP_SSL;
	struct login login = {.caps = l->caps,
			      .mariadb_caps = b->mariadb_caps,
			      .max_packet = 1u << 30,
			      .collation = COLLATION_UTF8MB4_GENERAL_CI};
	struct buf out;
	buf_init(&out, 256);
	bool done = ssl_request_write(&out, &l->seq, &login) && conn_send(&b->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	struct transport_tls *tls =
		done ? security_begin_server(l->host) : NULL;
	if (!tls || !conn_start_tls(&b->conn, tls) || !conn_tls_begin(&b->conn)) {
		failed(b, ERROR_UNREACHABLE, "08S01", "cannot begin TLS with %s", l->server);
		return;
	}
	l->stage = STAGE_TLS;
}

static bool wants_tls(const struct backend *b, bool *impossible)
{
	const struct settings *settings = b->pool->worker->snapshot->settings;
	bool offered = (b->login->greeting.caps & CAP_SSL) != 0;
	*impossible = false;
	switch (settings->server_tls) {
	case SERVER_TLS_OFF:
		return false;
	case SERVER_TLS_AUTO:
		return offered && !b->login->local && security_has_server_tls();
	default:
		*impossible = !b->login->unix_socket && !(offered && security_has_server_tls());
		return offered && security_has_server_tls();
	}
}

/* ---- packets ---- */

static uint32_t compression_wanted(const struct backend *b)
{
	switch (b->pool->worker->snapshot->settings->server_compression) {
	case SERVER_COMPRESSION_ZLIB:
		return CAP_COMPRESS;
	case SERVER_COMPRESSION_ZSTD:
		return b->login->greeting.caps & CAP_ZSTD ? CAP_ZSTD : CAP_COMPRESS; /* MariaDB has zlib only */
	default:
		return 0;
	}
}

static void on_greeting(struct backend *b, struct view payload)
{
	struct backend_login *l = b->login;
	if (payload.len && payload.p[0] == HEADER_ERR) {
		refused(b, payload, 0);
		return;
	}
	if (greeting_parse(payload, &l->greeting) != PACKET_OK) {
		failed(b, ERROR_UNREACHABLE, "08S01", "%s is not a MySQL or MariaDB server of protocol 10", l->server);
		return;
	}
	b->thread_id = l->greeting.connection_id;
	l->caps = (WANTED | compression_wanted(b) | b->pool->key.caps) & (l->greeting.caps | CAP_LONG_PASSWORD);
	b->mariadb_caps = (b->pool->key.mariadb_caps | MARIADB_WANTED) & l->greeting.mariadb_caps;
	if (b->pool->key.mariadb_caps & ~b->mariadb_caps) {
		failed(b, ERROR_UNREACHABLE, "08S01", "%s is too old for the clients of the other servers", l->server);
		return;
	}
	if (b->mariadb_caps)
		l->caps &= ~CAP_LONG_PASSWORD;
	b->caps = l->caps;
	bool impossible;
	bool tls = wants_tls(b, &impossible);
	if (impossible)
		failed(b, ERROR_UNREACHABLE, "08S01", "server_tls demands TLS, which %s does not offer, or wye's own part fails (stats_events)", l->server);
	else if (tls)
		start_tls(b);
	else
		send_login(b);
}

static bool begin_compression(struct backend *b)
{
	if (!(b->caps & (CAP_COMPRESS | CAP_ZSTD)))
		return true;
	return conn_start_compression(&b->conn, b->caps & CAP_COMPRESS ? COMPRESS_ZLIB : COMPRESS_ZSTD,
				      COMPRESS_ZSTD_LEVEL);
}

static void on_auth(struct backend *b, struct view payload)
{
	struct backend_login *l = b->login;
	struct buf out;
	buf_init(&out, LOGIN_PACKET_MAX);
	enum auth_step got = auth_client_step(&l->auth, payload, &out, &l->seq);
	bool sent = !buf_len(&out) || conn_send(&b->conn, buf_data(&out), buf_len(&out));
	if (out.base) /* it may hold the password */
		OPENSSL_cleanse(out.base, out.cap);
	buf_finish(&out);
	switch (got) {
	case AUTH_MORE:
		if (!sent)
			failed(b, ERROR_UNREACHABLE, "08S01", "lost the connection to %s during its login", l->server);
		break;
	case AUTH_DONE:
		if (!begin_compression(b)) {
			failed(b, 2013, "HY000", "no memory for the connection to %s", l->server);
			break;
		}
		if (b->conn.tls)
			transport_tls_secrets_are_over(b->conn.tls);
		backend_login_end(b);
		pool_backend_ready(b);
		break;
	case AUTH_DENIED:
		refused(b, payload, CAP_PROTOCOL_41);
		break;
	case AUTH_NEED_CLEAR:
		failed(b, 1045, "28000", "the server wants the password of '%s', which wye does not know any more: "
					 "log in again", b->pool->user);
		break;
	case AUTH_UNSUPPORTED:
		failed(b, 1524, "HY000", "the server wants authentication plugin '%s', which wye does not know: ALTER USER to one of "
					 ACCOUNT_PLUGINS_KNOWN,
		       l->auth.unsupported);
		break;
	default:
		failed(b, ERROR_UNREACHABLE, "08S01", "%s does not speak the protocol", l->server);
		break;
	}
}

void backend_login_run(struct backend *b)
{
	struct backend_login *l = b->login;
	while (b->state == BACKEND_LOGIN && b->login == l) {
		if (l->stage == STAGE_TLS) {
			if (!transport_tls_is_ready(b->conn.tls))
				break;
			send_login(b);
			continue;
		}
		size_t len;
		struct packet p;
		const uint8_t *data = conn_input(&b->conn, &len);
		enum packet_result got = packet_next(data, len, LOGIN_PACKET_MAX, &p);
		if (got == PACKET_PARTIAL)
			break;
		if (got == PACKET_BAD) {
			failed(b, ERROR_UNREACHABLE, "08S01", "%s does not speak the protocol", l->server);
			return;
		}
		l->seq = (uint8_t)(p.seq + 1);
		uint8_t copy[LOGIN_PACKET_MAX];
		memcpy(copy, p.payload.p, p.payload.len);
		conn_consume(&b->conn, p.size);
		struct view payload = {copy, p.payload.len};
		if (l->stage == STAGE_GREETING)
			on_greeting(b, payload);
		else
			on_auth(b, payload);
	}
	if ((b->state == BACKEND_CONNECTING || b->state == BACKEND_LOGIN) && b->login == l && b->conn.error) {
		char text[400];
		const char *why = b->conn.tls && b->conn.error == UV_EPROTO ? transport_tls_error(b->conn.tls)
									    : uv_strerror(b->conn.error);
		snprintf(text, sizeof text, "cannot connect to %s: %s", l->server, why);
		failed(b, ERROR_UNREACHABLE, "08S01", "%s", text);
	}
}
