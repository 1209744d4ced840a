/*
 * A client's login, as a machine within the session's first state.
 *
 *	(HEADER) ──> RESPONSE ──> (TLS) ──> RESPONSE ──> ACCOUNT ──> AUTH <──> CHECKING
 *	                                      ^           │
 *	                                      └── fresh ──┤ denied: perhaps our accounts are old
 *	                                                  v
 *	                                               SCHEMA ──> OK
 *
 * CHECKING runs the slow hash of caching_sha2_password on libuv's thread pool. SCHEMA asks a server whether the account
 * may use the schema it named, unless a pooled connection already stands there.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "protocol/auth.h"
#include "protocol/ok.h"
#include "protocol/tracker.h"
#include "proxy/audit.h"
#include "proxy/backend/room.h"
#include "proxy/config/config.h"
#include "proxy/generation.h"
#include "proxy/login_failures.h"
#include "proxy/nonce.h"
#include "proxy/security.h"
#include "proxy/session/login.h"
#include "proxy/vault.h"

static bool enter(struct session *s)
{
	struct worker *w = s->worker;
	uint64_t most = w->snapshot->settings->max_connections, files = logins_files();
	return room_enter(room_of_clients(), most < files ? most : files, w->index, worker_now(w));
}

void login_begin(struct session *s)
{
	struct session_login *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	s->login = l;
	buf_init(&l->packet, LOGIN_PACKET_MAX);
	nonce_make(l->nonce);
	auth_server_init(&l->auth);
	atomic_fetch_add_explicit(&s->worker->unfinished, 1, memory_order_relaxed);
	s->counted = enter(s) || (logins_give_way(s->worker) && enter(s)) || logins_give_way_elsewhere(s->worker);
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
	if (!login_send_greeting(s))
		s->client.error = UV_EOF;
}

void login_end(struct session *s)
{
	struct session_login *l = s->login;
	if (!l)
		return;
	if (!l->renewed)
		atomic_fetch_sub_explicit(&s->worker->unfinished, 1, memory_order_relaxed);
	login_forget_check(l);
	free(l->user_before);
	auth_server_finish(&l->auth);
	OPENSSL_cleanse(&l->account, sizeof l->account);
	if (l->packet.base)
		OPENSSL_cleanse(l->packet.base, l->packet.cap);
	buf_finish(&l->packet);
	free(l);
	s->login = NULL;
}

/* ---- the response ---- */

static enum step start_tls(struct session *s)
{
	struct transport_tls *tls = security_begin_client();
	if (!tls || !conn_start_tls(&s->client, tls))
		return session_fail(s, END_NO_MEMORY);
	session_wake(s);
	return STEP_WAIT;
}

static char *text_of(struct view v)
{
	return strndup(v.p ? (const char *)v.p : "", v.len);
}

static enum step on_response(struct session *s)
{
	struct session_login *l = s->login;
	struct packet p;
	enum packet_result got = login_next_packet(s, &p);
	if (got == PACKET_PARTIAL)
		return STEP_WAIT;
	if (got == PACKET_BAD || !buf_append(&l->packet, p.payload.p, p.payload.len))
		return session_fail(s, END_CLIENT_PROTOCOL);
	conn_consume(&s->client, p.size);
	uint32_t offered = l->offered | (security_offers_tls() && !s->client.tls ? CAP_SSL : 0);
	if (l->extensions)
		offered &= ~CAP_LONG_PASSWORD;
	struct view payload = {buf_data(&l->packet), buf_len(&l->packet)};
	/* Within TLS the login repeats the flag of its request. */
	if (login_parse(payload, offered | (s->client.tls ? CAP_SSL : 0), &l->login) != PACKET_OK) {
		login_send_error(s, 1043, "08S01", "Bad handshake");
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
	if (l->header_refused)
		return login_refuse_header(s);
	if (s->worker->snapshot->settings->require_tls && !login_is_secure(s))
		return login_refuse(s, 3159, "HY000",
				    "Connections using insecure transport are prohibited: wye's setting require_tls is on");
	l->stage = STAGE_ACCOUNT;
	return STEP_AGAIN;
}

/* ---- accepted ---- */

/* Counts the client among its account's, and no longer among another's; false: there are enough. */
static bool count_client(struct session *s, uint64_t account_id, uint64_t most)
{
	struct room *room = room_of_account(account_id, ROOM_CLIENTS);
	if (s->account_clients) {
		room_leave(s->account_clients);
		room_unref(s->account_clients);
	}
	bool entered = room_enter(room, most, s->worker->index, worker_now(s->worker));
	s->account_clients = entered ? room : NULL;
	if (!entered)
		room_unref(room);
	return entered;
}

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
	if (!s->login->renewed) /* who is another user now has still seen what it has seen */
		freshness_begin(s, server ? server->flavor : FLAVOR_MYSQL);
	return STEP_AGAIN;
}

/* COM_CHANGE_USER: nothing of the old user's session is left, but what its reads must not miss. */
static void forget_user_before(struct session *s)
{
	free(s->login->user_before);
	s->login->user_before = NULL;
	state_unref(s->worker->states, s->want);
	s->want = state_initial(s->worker->states);
}

static enum step on_accepted(struct session *s)
{
	struct session_login *l = s->login;
	if (l->account.locked)
		return login_refuse_locked(s);
	if (l->account.require_tls && !login_is_secure(s))
		return login_refuse_password(s);
	if (l->account.require_certificate && !(s->client.tls && transport_tls_verified(s->client.tls)))
		return login_refuse_password(s);
	remember(s);
	login_failures_end(l->account.id);
	const struct config_user *limits = config_user_limited(s->worker->snapshot->config, s->user);
	bool own = limits && limits->max_clients;
	uint64_t most = own ? limits->max_clients : s->worker->snapshot->settings->user_max_clients;
	if (!count_client(s, l->account.id, most))
		return login_refuse_crowd(s, most, own);
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

enum step login_on_auth_result(struct session *s, enum auth_step got)
{
	struct session_login *l = s->login;
	switch (got) {
	case AUTH_MORE:
		return STEP_WAIT;
	case AUTH_CHECK:
		return login_begin_check(s);
	case AUTH_DONE:
		return on_accepted(s);
	case AUTH_DENIED:
		if (l->auth.denial == AUTH_DENIAL_OLD_CLIENT)
			return login_refuse(s, 1251, "08004",
				      "Client does not support authentication protocol requested by server; consider "
				      "upgrading MySQL client");
		if (l->auth.denial == AUTH_DENIAL_INSECURE)
			return login_refuse(s, 1045, "28000",
				      "Access denied: this account's password may only be sent over TLS, a Unix socket or "
				      "encrypted by RSA");
		if (l->again || l->fresh)
			return login_refuse_password(s);
		/* Its password may have been changed a moment ago. */
		l->again = true;
		return login_ask_for_accounts(s);
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
		step = login_refuse(s, code, r->failed_sqlstate, r->failed_text ? r->failed_text : "");
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

#define LOGIN_OK_MAX 2048u /* a schema's name and a proof are its longest parts */

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
	struct buf b, told;
	struct tracker_entry schema = {.type = TRACK_SCHEMA, .value = state_schema_of(s->want)};
	buf_init(&b, LOGIN_OK_MAX);
	buf_init(&told, LOGIN_OK_MAX);
	if (schema.value.len && tracker_write(&told, &schema))
		ok.trackers = (struct view){buf_data(&told), buf_len(&told)};
	bool sent = ok_write(&b, &l->seq, s->caps, &ok) && conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
	buf_finish(&told);
	stat_add(&s->worker->stats->logins, 1);
	s->audited = true;
	audit_client("login", s->id, s->user, s->peer, 0);
	if (s->client.tls)
		transport_tls_secrets_are_over(s->client.tls);
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
	s->user_hash = 0;
}

static enum step (*const stages[])(struct session *s) = {
	[STAGE_HEADER] = login_on_header,   [STAGE_RESPONSE] = on_response, [STAGE_ACCOUNT] = login_on_account,
	[STAGE_FRESH] = login_on_fresh,     [STAGE_AUTH] = login_on_auth,   [STAGE_CHECKING] = login_on_checking,
	[STAGE_SCHEMA] = on_schema,         [STAGE_DONE] = on_done,
};

enum step login_step(struct session *s)
{
	return stages[s->login->stage](s);
}
