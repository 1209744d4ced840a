#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <openssl/crypto.h>

#include "protocol/auth.h"
#include "proxy/address_failures.h"
#include "proxy/config/config.h"
#include "proxy/generation.h"
#include "proxy/login_failures.h"
#include "proxy/nonce.h"
#include "proxy/security.h"
#include "proxy/session/login.h"
#include "proxy/topology.h"
#include "proxy/vault.h"

/* How long a login waits for accounts that are read anew: to find one that is not known, or to learn of a change that
 * was made through here, after which the old ones must not let in whom they would. */
#define ACCOUNTS_WAIT_MS 2000u
#define ACCOUNTS_WAIT_AFTER_CHANGE_MS 9000u

/* The slow hash, on another thread. */
struct check {
	uv_work_t work;
	struct session *session; /* NULL when it has gone */
	char stored[256];
	size_t stored_len;
	char clear[SHA2_PASSWORD_MAX + 1];
	size_t clear_len;
	bool ok;
};

/* A packet from the client, whole: its payload in *payload, still in the input. */
enum packet_result login_next_packet(struct session *s, struct packet *p)
{
	size_t len;
	const uint8_t *data = conn_input(&s->client, &len);
	enum packet_result got = packet_next(data, len, LOGIN_PACKET_MAX, p);
	if (got == PACKET_OK)
		s->login->seq = (uint8_t)(p->seq + 1);
	conn_answer_begins(&s->client, true);
	return got;
}

/* ---- the account ---- */

static enum step await_accounts(struct session *s, uint64_t ticket)
{
	s->login->fresh = true;
	s->login->ticket = ticket;
	s->login->stage = STAGE_FRESH;
	return STEP_AGAIN;
}

enum step login_ask_for_accounts(struct session *s)
{
	return await_accounts(s, topology_request_accounts());
}

enum step login_on_fresh(struct session *s)
{
	struct session_login *l = s->login;
	bool changed = s->worker->snapshot->accounts_ticket < generation_accounts_ticket();
	bool late = worker_now(s->worker) - s->since > (changed ? ACCOUNTS_WAIT_AFTER_CHANGE_MS : ACCOUNTS_WAIT_MS);
	if (s->worker->snapshot->accounts_ticket < l->ticket && !late)
		return STEP_WAIT;
	l->stage = STAGE_ACCOUNT;
	return STEP_AGAIN;
}

static const struct sockaddr *address_of(const struct session *s, struct sockaddr_storage *storage)
{
	const struct address *a = &s->address;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	if (a->local)
		return NULL;
	memcpy(&v4.sin_addr, a->bytes + sizeof a->bytes - sizeof v4.sin_addr, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, a->bytes, sizeof v6.sin6_addr);
	if (address_is_v4(a))
		memcpy(storage, &v4, sizeof v4);
	else
		memcpy(storage, &v6, sizeof v6);
	return (struct sockaddr *)storage;
}

/* It has guessed too often. */
static bool is_guessing(const struct session *s)
{
	const struct settings *settings = s->worker->snapshot->settings;
	uint64_t max = settings->login_failures_max;
	return max && address_failures(&s->address, settings->login_failures_time, worker_now(s->worker)) >= max;
}

/* An account that nobody has is as one of the servers' usual plugin. */
static enum auth_plugin plugin_of_unknown(const struct session *s)
{
	const struct server_info *server = snapshot_reference(s->worker->snapshot);
	return server && server->flavor == FLAVOR_MARIADB ? AUTH_NATIVE : AUTH_SHA2;
}

/* The exchange for an account. Its servers may want the password itself, and only caching_sha2_password makes a client
 * hand that over, once. Who asks for client_ed25519 gets it when the password is known already. */
static enum auth_plugin plugin_for(const struct session *s, bool password_known)
{
	const struct session_login *l = s->login;
	if (!l->known)
		return plugin_of_unknown(s);
	if (l->account.plugin == ACCOUNT_NATIVE)
		return AUTH_NATIVE;
	bool signs = l->account.plugin == ACCOUNT_ED25519 && password_known &&
		     view_equal(l->login.plugin, view_of(PLUGIN_ED25519));
	return signs ? AUTH_ED25519 : AUTH_SHA2;
}

static void make_long_nonce(uint8_t nonce[ED25519_NONCE_LEN])
{
	uint8_t made[2 * NONCE_LEN];
	nonce_make(made);
	nonce_make(made + NONCE_LEN);
	memcpy(nonce, made, ED25519_NONCE_LEN);
}

/* Fills the machine from the account and what is remembered of it. */
static void prepare_auth(struct session *s)
{
	struct session_login *l = s->login;
	struct auth_server *a = &l->auth;
	struct vault_secret secret = {.empty = false};
	auth_server_finish(a);
	auth_server_init(a);
	if (l->known)
		vault_get(l->account.id, &secret);
	a->plugin = plugin_for(s, secret.clear_len != 0);
	a->renewed = l->again || l->renewed;
	if (a->renewed)
		nonce_make(l->nonce);
	memcpy(a->nonce, l->nonce, NONCE_LEN);
	if (a->plugin == AUTH_ED25519)
		make_long_nonce(a->long_nonce);
	a->secure = login_is_secure(s);
	/* An ed25519 account without a key lets nobody in, other than those of the other plugins (MariaDB 10.11). */
	a->unknown = !l->known || (l->account.plugin == ACCOUNT_ED25519 && !l->account.verifier_len);
	a->rsa = security_rsa();
	if (l->known)
		a->verifier = (struct view){(uint8_t *)l->account.verifier, l->account.verifier_len};
	a->has_stage2 = secret.has_sha256;
	memcpy(a->sha256_stage2, secret.sha256_stage2, sizeof a->sha256_stage2);
	a->force_full = secret.clear_len == 0 && !secret.empty;
	OPENSSL_cleanse(&secret, sizeof secret);
}

static enum step flush(struct session *s, struct buf *out, enum auth_step got)
{
	bool sent = !buf_len(out) || conn_send(&s->client, buf_data(out), buf_len(out));
	buf_finish(out);
	return sent ? login_on_auth_result(s, got) : session_fail(s, END_CLIENT_GONE);
}

/* Who may do everything is never blocked, as on the server. */
static bool is_blocked(const struct session *s, const struct account *account)
{
	uint64_t max = account_set_errors_max(s->worker->snapshot->accounts);
	return max && !account->skips_init_connect && login_failures(account->id) >= max;
}

enum step login_on_account(struct session *s)
{
	struct session_login *l = s->login;
	struct sockaddr_storage storage;
	if (is_guessing(s))
		return login_refuse_guesser(s);
	const struct config_user *limits = config_user_limited(s->worker->snapshot->config, s->user);
	if (limits && *limits->networks && !address_list_has(limits->networks, &s->address))
		return login_refuse_network(s);
	if (!l->fresh && s->worker->snapshot->accounts_ticket < generation_accounts_ticket())
		return await_accounts(s, generation_accounts_ticket());
	const struct account *found =
		account_find(s->worker->snapshot->accounts, view_of(s->user), address_of(s, &storage));
	if (!found && !l->fresh)
		return login_ask_for_accounts(s);
	if (l->checked_once) {
		bool changed = found && found->id != l->account.id && found->plugin != ACCOUNT_NATIVE && found->plugin != ACCOUNT_OTHER;
		if (changed)
			l->account = *found;
		return changed ? login_begin_check(s) : login_on_auth_result(s, auth_server_checked(&l->auth, false));
	}
	/* Denied once, and the fresh accounts say the same: it stands. */
	if (l->again && found && l->known && found->id == l->account.id)
		return login_refuse_password(s);
	l->known = found != NULL;
	if (found)
		l->account = *found;
	if (found && found->plugin == ACCOUNT_OTHER)
		return login_refuse_plugin(s, found->plugin_name);
	if (found && is_blocked(s, found))
		return login_refuse(s, 4150, "HY000",
				    "User is blocked because of too many credential errors; unblock with 'ALTER USER / FLUSH "
				    "PRIVILEGES'");
	prepare_auth(s);
	l->stage = STAGE_AUTH;
	struct buf out;
	buf_init(&out, 8192);
	return flush(s, &out, auth_server_begin(&l->auth, &l->login, &out, &l->seq));
}

/* ---- the exchange ---- */

enum step login_on_auth(struct session *s)
{
	struct packet p;
	enum packet_result got = login_next_packet(s, &p);
	if (got == PACKET_PARTIAL)
		return STEP_WAIT;
	if (got == PACKET_BAD)
		return session_fail(s, END_CLIENT_PROTOCOL);
	struct buf out;
	buf_init(&out, 8192);
	enum auth_step step = auth_server_step(&s->login->auth, p.payload, &out, &s->login->seq);
	/* It may be the password: it stays neither in the worker's buffer nor in the connection's. */
	OPENSSL_cleanse((uint8_t *)p.payload.p, p.payload.len);
	conn_consume(&s->client, p.size);
	return flush(s, &out, step);
}

static void check_work(uv_work_t *work)
{
	struct check *c = work->data;
	c->ok = auth_check_stored((struct view){(uint8_t *)c->stored, c->stored_len}, c->clear, c->clear_len);
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
		step = login_ask_for_accounts(s);
	} else {
		step = login_on_auth_result(s, auth_server_checked(&l->auth, ok));
	}
	if (step == STEP_CLOSE)
		session_close(s);
	else
		session_run(s);
}

enum step login_begin_check(struct session *s)
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

enum step login_on_checking(struct session *s)
{
	(void)s;
	return STEP_WAIT;
}

void login_forget_check(struct session_login *l)
{
	if (l->check)
		l->check->session = NULL;
}
