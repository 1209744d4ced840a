/*
 * Both authentication machines against arbitrary peers. The first byte is the setting, then come packets, each two bytes
 * of length and the payload; in half of the settings they begin with the real answers, so that the later states are
 * reached. Nobody may get in without the password.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "protocol/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AS_SERVER = 1, SHA2 = 2, SECURE = 4, WITH_KEY = 8, WARM = 16, UNKNOWN = 32, FULL = 64, RIGHT = 128 };

/* The password of the server's account, which must not be compared with anything here: the fuzzer watches comparisons,
 * and would try it. The other one is the client's, which is searched for in what it sends. */
#define PASSWORD "kc9?Vd-2Lx!r"
#define CLIENT_PASSWORD "W7.wqj+eB4_u"

static const uint8_t nonce[NONCE_LEN] = "!\"#$%&'()*+,-./01234";
static char stored_native[42], stored_sha2[SHA2_STORED_LEN], stored_ed25519[ED25519_STORED_LEN + 2];
static uint8_t sha256_stage1[SHA256_LEN], sha256_stage2[SHA256_LEN];
static struct rsa_key *rsa;

static void prepare(void)
{
	uint8_t stage2[SHA1_LEN], key[ED25519_KEY_LEN];
	bool made = ed25519_make_key(PASSWORD, strlen(PASSWORD), key);
	assert(made);
	EVP_EncodeBlock((uint8_t *)stored_ed25519, key, sizeof key);
	stored_ed25519[ED25519_STORED_LEN] = 0;
	native_verifier(PASSWORD, strlen(PASSWORD), stage2);
	native_format_stored(stage2, stored_native);
	sha2_make_stored(PASSWORD, strlen(PASSWORD), nonce, 1, stored_sha2);
	sha2_stage1(PASSWORD, strlen(PASSWORD), sha256_stage1);
	sha2_stage2(sha256_stage1, sha256_stage2);
	rsa = rsa_key_generate();
	assert(rsa);
}

/* The next packet, in memory of its own size. */
static bool next_payload(const uint8_t **data, size_t *size, uint8_t **copy, struct view *out)
{
	if (*size < 2)
		return false;
	size_t len = get_u16(*data) < *size - 2 ? get_u16(*data) : *size - 2;
	*copy = malloc(len + !len);
	memcpy(*copy, *data + 2, len);
	*out = (struct view){*copy, len};
	*data += 2 + len;
	*size -= 2 + len;
	return true;
}

static enum auth_step settle(struct auth_server *a, enum auth_step step)
{
	if (step != AUTH_CHECK)
		return step;
	struct view stored = auth_server_stored(a);
	return auth_server_checked(a, auth_check_stored(stored, a->clear, a->clear_len));
}

static void set_server(struct auth_server *a, uint8_t setting)
{
	auth_server_init(a);
	a->plugin = setting & SHA2 ? AUTH_SHA2 : setting & RIGHT ? AUTH_ED25519 : AUTH_NATIVE;
	memcpy(a->nonce, nonce, NONCE_LEN);
	a->secure = setting & SECURE;
	a->unknown = setting & UNKNOWN;
	a->force_full = setting & FULL;
	a->has_stage2 = setting & WARM;
	memcpy(a->sha256_stage2, sha256_stage2, SHA256_LEN);
	a->rsa = setting & WITH_KEY ? rsa : NULL;
	a->verifier = setting & SHA2 ? (struct view){(const uint8_t *)stored_sha2, SHA2_STORED_LEN}
				     : view_of(setting & RIGHT ? stored_ed25519 : stored_native);
}

static void try_server(uint8_t setting, const uint8_t *data, size_t size)
{
	struct auth_server a;
	struct buf out;
	uint8_t seq = 2, *copy = NULL, scramble[SHA256_LEN];
	struct view p;
	set_server(&a, setting);
	buf_init(&out, 1 << 14);
	/* The right scramble where it does not let anybody in: a cold cache, an unknown account. */
	bool right = setting & RIGHT && (setting & SHA2) && (setting & (UNKNOWN | FULL) || !(setting & WARM));
	sha2_scramble(sha256_stage1, nonce, scramble);
	struct login login = {.caps = CAP_PROTOCOL_41 | CAP_PLUGIN_AUTH, .plugin = view_of(PLUGIN_SHA2)};
	if (right)
		login.auth = (struct view){scramble, sizeof scramble};
	else if (next_payload(&data, &size, &copy, &p))
		login.auth = p;
	enum auth_step step = settle(&a, auth_server_begin(&a, &login, &out, &seq));
	free(copy);
	for (int i = 0; i < 8 && step == AUTH_MORE && next_payload(&data, &size, &copy, &p); i++) {
		step = settle(&a, auth_server_step(&a, p, &out, &seq));
		free(copy);
	}
	assert(step != AUTH_DONE);
	if (step == AUTH_DENIED)
		assert(a.denial != AUTH_DENIAL_NONE && !a.has_sha1 && !a.has_sha256 && !a.has_clear);
	auth_server_finish(&a);
	buf_finish(&out);
}

static void try_client(uint8_t setting, const uint8_t *data, size_t size)
{
	struct credential c = {.has_sha256 = true};
	struct auth_client a;
	struct buf out;
	uint8_t seq = 1, *copy;
	struct view p;
	if (setting & WARM) {
		c.clear = CLIENT_PASSWORD;
		c.clear_len = strlen(CLIENT_PASSWORD);
	}
	auth_client_init(&a);
	a.credential = &c;
	a.secure = setting & SECURE;
	a.tls = setting & SECURE && setting & FULL;
	a.refuse_rsa = setting & UNKNOWN;
	buf_init(&out, 1 << 14);
	enum auth_step step = auth_client_begin(&a, setting & SHA2 ? PLUGIN_SHA2 : PLUGIN_NATIVE,
						(struct view){nonce, NONCE_LEN});
	if (setting & RIGHT && step == AUTH_MORE)
		step = auth_client_step(&a, view_of("\x01\x04"), &out, &seq);
	while (step == AUTH_MORE && next_payload(&data, &size, &copy, &p)) {
		step = auth_client_step(&a, p, &out, &seq);
		free(copy);
	}
	/* However the server asks, the password itself goes out over a secure transport only. */
	if (!(setting & SECURE) && buf_len(&out))
		assert(!memmem(buf_data(&out), buf_len(&out), CLIENT_PASSWORD, strlen(CLIENT_PASSWORD)));
	auth_client_finish(&a);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!rsa)
		prepare();
	if (!size)
		return 0;
	if (data[0] & AS_SERVER)
		try_server(data[0], data + 1, size - 1);
	else
		try_client(data[0], data + 1, size - 1);
	return 0;
}
