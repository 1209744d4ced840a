#include "protocol/auth.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#define ROUNDS_MAX 16 /* packets a server may make us answer in one login */

static const char *const plugin_names[] = {
	[AUTH_NATIVE] = PLUGIN_NATIVE,
	[AUTH_SHA2] = PLUGIN_SHA2,
	[AUTH_SHA256] = PLUGIN_SHA256,
	[AUTH_ED25519] = PLUGIN_ED25519,
};

const char *auth_plugin_name(enum auth_plugin plugin)
{
	return plugin < AUTH_PLUGINS ? plugin_names[plugin] : "";
}

enum auth_plugin auth_plugin_by_name(struct view name)
{
	for (int i = 0; i < AUTH_PLUGINS; i++)
		if (view_equal(name, view_of(plugin_names[i])))
			return (enum auth_plugin)i;
	return AUTH_PLUGINS;
}

/* ---- the server role ---- */

/* States of the server role, named after what is awaited. */
enum {
	SERVER_START,
	SERVER_EXPECT_ANSWER,
	SERVER_EXPECT_PASSWORD,
	SERVER_EXPECT_CIPHER,
	SERVER_EXPECT_CHECK,
	SERVER_OVER
};

/* What the password given for an unknown account is checked against: a well-formed string that nobody's password has,
 * so that the answer takes as long as for a known one. */
static const char decoy[SHA2_STORED_LEN + 1] =
	"$A$005$wyewyewyewyewyewyewy....................................wye....";

void auth_server_init(struct auth_server *a)
{
	memset(a, 0, sizeof *a);
}

static void wipe_clear(struct auth_server *a)
{
	OPENSSL_cleanse(a->clear, sizeof a->clear);
	a->clear_len = 0;
	a->has_clear = false;
}

void auth_server_finish(struct auth_server *a)
{
	OPENSSL_cleanse(a, sizeof *a);
}

static enum auth_step deny(struct auth_server *a, enum auth_denial why)
{
	a->state = SERVER_OVER;
	a->denial = why;
	a->has_sha1 = a->has_sha256 = false;
	OPENSSL_cleanse(a->sha1_stage1, sizeof a->sha1_stage1);
	OPENSSL_cleanse(a->sha256_stage1, sizeof a->sha256_stage1);
	wipe_clear(a);
	return AUTH_DENIED;
}

static enum auth_step bad(struct auth_server *a)
{
	deny(a, AUTH_DENIAL_NONE);
	return AUTH_BAD;
}

static enum auth_step done(struct auth_server *a)
{
	a->state = SERVER_OVER;
	return AUTH_DONE;
}

/* An answer that stands for the empty password, or an account that has it: no digest is needed to decide. */
static enum auth_step check_empty(struct auth_server *a)
{
	bool right = !a->used_password && !a->verifier.len && !a->unknown;
	return right ? done(a) : deny(a, AUTH_DENIAL_PASSWORD);
}

static enum auth_step check_native(struct auth_server *a, struct view answer)
{
	uint8_t stage2[SHA1_LEN];
	a->used_password = answer.len != 0;
	if (!a->used_password || !a->verifier.len || a->unknown)
		return check_empty(a);
	if (!native_parse_stored((const char *)a->verifier.p, a->verifier.len, stage2))
		return deny(a, AUTH_DENIAL_PASSWORD);
	a->has_sha1 = native_check(stage2, a->nonce, answer.p, answer.len, a->sha1_stage1);
	return a->has_sha1 ? done(a) : deny(a, AUTH_DENIAL_PASSWORD);
}

static enum auth_step check_ed25519(struct auth_server *a, struct view answer)
{
	uint8_t key[ED25519_KEY_LEN];
	a->used_password = true; /* the empty one signs as well */
	bool right = ed25519_parse_stored((const char *)a->verifier.p, a->verifier.len, key) &&
		     ed25519_check(key, a->long_nonce, answer.p, answer.len);
	return right && !a->unknown ? done(a) : deny(a, AUTH_DENIAL_PASSWORD);
}

static enum auth_step send_more(struct auth_server *a, int state, struct view data, struct buf *out, uint8_t *seq)
{
	a->state = state;
	return auth_more_write(out, seq, data.p, data.len) ? AUTH_MORE : bad(a);
}

/* The client's first answer to caching_sha2: a scramble, or one of the two forms of the empty password. */
static enum auth_step check_sha2(struct auth_server *a, struct view answer, struct buf *out, uint8_t *seq)
{
	static const uint8_t fast_ok = SHA2_FAST_OK, full = SHA2_FULL;
	a->used_password = !(answer.len == 0 || (answer.len == 1 && answer.p[0] == 0));
	if (!a->used_password)
		return check_empty(a);
	if (answer.len != SHA256_LEN)
		return deny(a, AUTH_DENIAL_PASSWORD);
	/* An account without a password is refused only after the full exchange, like one that does not exist. */
	if (a->has_stage2 && !a->unknown && !a->force_full && a->verifier.len) {
		a->has_sha256 = sha2_check(a->sha256_stage2, a->nonce, answer.p, answer.len, a->sha256_stage1);
		if (a->has_sha256)
			return auth_more_write(out, seq, &fast_ok, 1) ? done(a) : bad(a);
	}
	return send_more(a, SERVER_EXPECT_PASSWORD, (struct view){&full, 1}, out, seq);
}

static enum auth_step check_answer(struct auth_server *a, struct view answer, struct buf *out, uint8_t *seq)
{
	switch (a->plugin) {
	case AUTH_SHA2:
		return check_sha2(a, answer, out, seq);
	case AUTH_ED25519:
		return check_ed25519(a, answer);
	default:
		return check_native(a, answer);
	}
}

enum auth_step auth_server_begin(struct auth_server *a, const struct login *login, struct buf *out, uint8_t *seq)
{
	assert(a->state == SERVER_START && a->plugin < AUTH_PLUGINS && a->plugin != AUTH_SHA256);
	bool can_switch = login->caps & CAP_PLUGIN_AUTH;
	/* Without plugins there is only one; a client that names none leaves the choice to us. */
	enum auth_plugin used = can_switch ? auth_plugin_by_name(login->plugin) : AUTH_NATIVE;
	if (used == a->plugin && !a->renewed && a->plugin != AUTH_ED25519)
		return check_answer(a, login->auth, out, seq);
	if (!can_switch)
		return deny(a, AUTH_DENIAL_OLD_CLIENT);
	a->state = SERVER_EXPECT_ANSWER;
	struct view nonce = a->plugin == AUTH_ED25519 ? (struct view){a->long_nonce, sizeof a->long_nonce}
						      : (struct view){a->nonce, sizeof a->nonce};
	return auth_switch_write(out, seq, auth_plugin_name(a->plugin), nonce) ? AUTH_MORE : bad(a);
}

/* The clear password has come, with its NUL or without: known by an earlier digest, or to be checked slowly. */
static enum auth_step check_clear(struct auth_server *a, const uint8_t *p, size_t len)
{
	uint8_t stage2[SHA256_LEN];
	if (len && p[len - 1] == 0)
		len--;
	if (len > SHA2_PASSWORD_MAX || (len && memchr(p, 0, len)))
		return deny(a, AUTH_DENIAL_PASSWORD);
	if (len)
		memcpy(a->clear, p, len);
	a->clear[len] = 0;
	a->clear_len = len;
	a->has_clear = true;
	sha2_stage1(a->clear, len, a->sha256_stage1);
	sha2_stage2(a->sha256_stage1, stage2);
	bool known = a->has_stage2 && !a->unknown && a->verifier.len &&
		     CRYPTO_memcmp(stage2, a->sha256_stage2, SHA256_LEN) == 0;
	OPENSSL_cleanse(stage2, sizeof stage2);
	a->state = SERVER_EXPECT_CHECK;
	a->checked = a->unknown || !a->verifier.len ? (struct view){(const uint8_t *)decoy, SHA2_STORED_LEN}
						    : a->verifier;
	return known ? auth_server_checked(a, true) : AUTH_CHECK;
}

/* A password under our RSA key: (password and NUL) XOR nonce. False when it is none. */
static bool open_cipher(const struct auth_server *a, struct view cipher, uint8_t plain[RSA_KEY_MAX_BYTES], size_t *len)
{
	if (!a->rsa || !rsa_key_decrypt(a->rsa, cipher, plain, RSA_KEY_MAX_BYTES, len))
		return false;
	sha2_xor_nonce(plain, *len, a->nonce);
	return true;
}

/* After "full authentication, please": the password in clear, a request for our key, or the password under our key. The
 * transport does not tell which: Connector/C asks for the key on a Unix socket too. What decrypts was encrypted, since
 * OAEP proves itself, and a clear password has at least a NUL behind it. */
static enum auth_step on_password(struct auth_server *a, struct view payload, struct buf *out, uint8_t *seq)
{
	uint8_t plain[RSA_KEY_MAX_BYTES];
	size_t len;
	if (a->state == SERVER_EXPECT_PASSWORD && payload.len == 1 && payload.p[0] == SHA2_REQUEST_KEY) {
		if (!a->rsa)
			return deny(a, AUTH_DENIAL_INSECURE);
		return send_more(a, SERVER_EXPECT_CIPHER, rsa_key_public_pem(a->rsa), out, seq);
	}
	if (open_cipher(a, payload, plain, &len)) {
		enum auth_step step = check_clear(a, plain, len);
		OPENSSL_cleanse(plain, sizeof plain);
		return step;
	}
	if (a->state == SERVER_EXPECT_CIPHER || !a->secure)
		return deny(a, a->rsa ? AUTH_DENIAL_PASSWORD : AUTH_DENIAL_INSECURE);
	return check_clear(a, payload.p, payload.len);
}

enum auth_step auth_server_step(struct auth_server *a, struct view payload, struct buf *out, uint8_t *seq)
{
	switch (a->state) {
	case SERVER_EXPECT_ANSWER:
		return check_answer(a, payload, out, seq);
	case SERVER_EXPECT_PASSWORD:
	case SERVER_EXPECT_CIPHER:
		return on_password(a, payload, out, seq);
	default:
		return bad(a);
	}
}

struct view auth_server_stored(const struct auth_server *a)
{
	return a->checked;
}

bool auth_check_stored(struct view stored, const char *password, size_t len)
{
	const char *text = (const char *)stored.p;
	return stored.len == ED25519_STORED_LEN ? ed25519_check_stored(text, stored.len, password, len)
						: sha2_check_stored(text, stored.len, password, len);
}

enum auth_step auth_server_checked(struct auth_server *a, bool ok)
{
	assert(a->state == SERVER_EXPECT_CHECK);
	if (!ok || a->unknown || !a->verifier.len)
		return deny(a, AUTH_DENIAL_PASSWORD);
	a->has_sha256 = true;
	native_stage1(a->clear, a->clear_len, a->sha1_stage1);
	a->has_sha1 = true;
	return done(a);
}

/* ---- the client role ---- */

enum { CLIENT_START, CLIENT_EXPECT_REPLY, CLIENT_EXPECT_KEY, CLIENT_OVER };

void auth_client_init(struct auth_client *a)
{
	memset(a, 0, sizeof *a);
}

void auth_client_finish(struct auth_client *a)
{
	OPENSSL_cleanse(a, sizeof *a);
}

static bool can_serve(const struct credential *c, enum auth_plugin plugin)
{
	if (plugin >= AUTH_PLUGINS)
		return false;
	return c->empty || c->clear || (plugin == AUTH_NATIVE && c->has_sha1) || (plugin == AUTH_SHA2 && c->has_sha256);
}

static void answer_native(struct auth_client *a)
{
	const struct credential *c = a->credential;
	uint8_t stage1[SHA1_LEN];
	if (c->has_sha1)
		memcpy(stage1, c->sha1_stage1, sizeof stage1);
	else
		native_stage1(c->clear, c->clear_len, stage1);
	native_scramble(stage1, a->nonce, a->bytes);
	OPENSSL_cleanse(stage1, sizeof stage1);
	a->response = (struct view){a->bytes, SHA1_LEN};
}

static void answer_sha2(struct auth_client *a)
{
	const struct credential *c = a->credential;
	uint8_t stage1[SHA256_LEN];
	if (c->has_sha256)
		memcpy(stage1, c->sha256_stage1, sizeof stage1);
	else
		sha2_stage1(c->clear, c->clear_len, stage1);
	sha2_scramble(stage1, a->nonce, a->bytes);
	OPENSSL_cleanse(stage1, sizeof stage1);
	a->response = (struct view){a->bytes, SHA256_LEN};
}

/* The empty password is no bytes for native, and a NUL for the sha2 plugins, as Oracle's client sends it. */
static void answer_empty(struct auth_client *a)
{
	a->bytes[0] = 0;
	a->response = (struct view){a->bytes, a->kind == AUTH_NATIVE ? 0 : 1};
}

static bool is_empty(const struct credential *c)
{
	return c->empty || (c->clear && !c->clear_len);
}

/* The password and a NUL, to the server that may see it; else the wish for its key. */
static enum auth_step answer_clear(struct auth_client *a, bool secure, uint8_t request)
{
	const struct credential *c = a->credential;
	if (!c->clear || c->clear_len > SHA2_PASSWORD_MAX)
		return AUTH_NEED_CLEAR;
	if (!secure && a->refuse_rsa)
		return AUTH_INSECURE;
	a->state = secure ? CLIENT_EXPECT_REPLY : CLIENT_EXPECT_KEY;
	a->sent_clear = secure;
	a->bytes[0] = request;
	a->response = (struct view){a->bytes, 1};
	if (!secure)
		return AUTH_MORE;
	if (c->clear_len)
		memcpy(a->bytes, c->clear, c->clear_len);
	a->bytes[c->clear_len] = 0;
	a->response.len = c->clear_len + 1;
	return AUTH_MORE;
}

static enum auth_step answer_ed25519(struct auth_client *a)
{
	const struct credential *c = a->credential;
	a->response = (struct view){a->bytes, ED25519_SIGNATURE_LEN};
	return ed25519_sign(c->clear, c->clear ? c->clear_len : 0, a->nonce, a->bytes) ? AUTH_MORE : AUTH_BAD;
}

static enum auth_step make_answer(struct auth_client *a, enum auth_plugin kind)
{
	a->kind = kind;
	a->plugin = auth_plugin_name(kind);
	a->state = CLIENT_EXPECT_REPLY;
	if (kind == AUTH_ED25519)
		return answer_ed25519(a);
	if (is_empty(a->credential))
		answer_empty(a);
	else if (kind == AUTH_NATIVE)
		answer_native(a);
	else if (kind == AUTH_SHA2)
		answer_sha2(a);
	else
		return answer_clear(a, a->tls, SHA256_REQUEST_KEY);
	return AUTH_MORE;
}

/* False when it is too short to be the plugin's. */
static bool take_nonce(struct auth_client *a, enum auth_plugin kind, struct view nonce)
{
	size_t len = kind == AUTH_ED25519 ? ED25519_NONCE_LEN : NONCE_LEN;
	if (nonce.len < len)
		return false;
	memcpy(a->nonce, nonce.p, len);
	return true;
}

static enum auth_step end(struct auth_client *a, enum auth_step step)
{
	a->state = CLIENT_OVER;
	return step;
}

enum auth_step auth_client_begin(struct auth_client *a, const char *plugin, struct view nonce)
{
	assert(a->state == CLIENT_START && a->credential);
	enum auth_plugin kind = auth_plugin_by_name(view_of(plugin));
	if (kind > AUTH_SHA2)
		kind = AUTH_PLUGINS;
	/* The greeting's plugin is a guess of the server's. With no hash for it, begin with another: the server takes it
	 * when it is the account's, and says so when not. */
	for (int i = 0; i <= AUTH_SHA2 && !can_serve(a->credential, kind); i++)
		kind = (enum auth_plugin)i;
	if (!can_serve(a->credential, kind))
		return end(a, AUTH_NEED_CLEAR);
	if (!take_nonce(a, kind, nonce))
		return end(a, AUTH_BAD);
	return make_answer(a, kind);
}

/* It may be the password: it stays in out only. */
static enum auth_step send_answer(struct auth_client *a, enum auth_step made, struct buf *out, uint8_t *seq)
{
	bool sent = made == AUTH_MORE && packet_append(out, seq, a->response.p, a->response.len);
	OPENSSL_cleanse(a->bytes, sizeof a->bytes);
	return sent ? AUTH_MORE : end(a, made == AUTH_MORE ? AUTH_BAD : made);
}

/* An account of MariaDB's may have several plugins, which are asked for one after the other: no signature, next please. */
static enum auth_step pass_over(struct auth_client *a, struct buf *out, uint8_t *seq)
{
	a->kind = AUTH_ED25519;
	memset(a->bytes, 0, ED25519_SIGNATURE_LEN);
	a->response = (struct view){a->bytes, ED25519_SIGNATURE_LEN};
	return send_answer(a, AUTH_MORE, out, seq);
}

static enum auth_step on_switch(struct auth_client *a, struct view payload, struct buf *out, uint8_t *seq)
{
	struct view plugin, nonce;
	if (auth_switch_parse(payload, &plugin, &nonce) != PACKET_OK)
		return end(a, AUTH_BAD);
	enum auth_plugin kind = auth_plugin_by_name(plugin);
	if (kind == AUTH_PLUGINS) {
		size_t len = plugin.len < sizeof a->unsupported ? plugin.len : sizeof a->unsupported - 1;
		memcpy(a->unsupported, plugin.p, len);
		a->unsupported[len] = 0;
		return end(a, AUTH_UNSUPPORTED);
	}
	if (kind == AUTH_ED25519 && !can_serve(a->credential, kind) && a->credential->has_sha1)
		return pass_over(a, out, seq);
	if (!can_serve(a->credential, kind))
		return end(a, AUTH_NEED_CLEAR);
	if (!take_nonce(a, kind, nonce))
		return end(a, AUTH_BAD);
	return send_answer(a, make_answer(a, kind), out, seq);
}

/* The server's cache is cold: the password itself, or first its key to hide the password with. */
static enum auth_step on_full(struct auth_client *a, struct buf *out, uint8_t *seq)
{
	return send_answer(a, answer_clear(a, a->secure, SHA2_REQUEST_KEY), out, seq);
}

static enum auth_step on_key(struct auth_client *a, struct view pem, struct buf *out, uint8_t *seq)
{
	const struct credential *c = a->credential;
	uint8_t plain[SHA2_PASSWORD_MAX + 1], cipher[RSA_KEY_MAX_BYTES];
	size_t len;
	if (c->clear_len)
		memcpy(plain, c->clear, c->clear_len);
	plain[c->clear_len] = 0;
	sha2_xor_nonce(plain, c->clear_len + 1, a->nonce);
	bool ok = rsa_encrypt_with_pem(pem, (struct view){plain, c->clear_len + 1}, cipher, &len) &&
		  packet_append(out, seq, cipher, len);
	OPENSSL_cleanse(plain, sizeof plain);
	a->sent_clear = ok;
	a->state = CLIENT_EXPECT_REPLY;
	return ok ? AUTH_MORE : end(a, AUTH_BAD);
}

static enum auth_step on_more(struct auth_client *a, struct view payload, struct buf *out, uint8_t *seq)
{
	struct view data = {payload.p + 1, payload.len - 1};
	if (a->state == CLIENT_EXPECT_KEY)
		return on_key(a, data, out, seq);
	if (a->kind != AUTH_SHA2)
		return end(a, AUTH_BAD);
	if (data.len == 1 && data.p[0] == SHA2_FAST_OK)
		return AUTH_MORE;
	if (data.len == 1 && data.p[0] == SHA2_FULL)
		return on_full(a, out, seq);
	return end(a, AUTH_BAD);
}

enum auth_step auth_client_step(struct auth_client *a, struct view payload, struct buf *out, uint8_t *seq)
{
	assert(a->state != CLIENT_START);
	if (a->state == CLIENT_OVER || !payload.len || ++a->rounds > ROUNDS_MAX)
		return end(a, AUTH_BAD);
	switch (payload.p[0]) {
	case HEADER_OK:
		return end(a, AUTH_DONE);
	case HEADER_ERR:
		return end(a, AUTH_DENIED);
	case HEADER_AUTH_SWITCH:
		return on_switch(a, payload, out, seq);
	case HEADER_AUTH_MORE:
		return on_more(a, payload, out, seq);
	default:
		return end(a, AUTH_BAD);
	}
}
