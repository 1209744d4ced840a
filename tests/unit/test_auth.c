/* Both roles of a login against each other, packet by packet, and each against what a peer may do wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/auth.h"

#define LOGIN_CAPS (CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_PLUGIN_AUTH_LENENC)

static const uint8_t nonce[NONCE_LEN] = "!\"#$%&'()*+,-./01234";
static const uint8_t other_nonce[NONCE_LEN] = "ABCDEFGHIJKLMNOPQRST";
static const uint8_t salt[SHA2_SALT_LEN] = "abcdefghijklmnopqrst";

/* A server role and a client role with a wire in between. */
static struct {
	struct auth_server server;
	struct auth_client client;
	struct credential credential;
	struct buf to_client, to_server;
	uint8_t seq;
	char stored_native[42], stored_sha2[SHA2_STORED_LEN];
	struct rsa_key *rsa;
	char said[256]; /* one letter for each packet, big for the server's */
} w;

static int make_key(void **state)
{
	(void)state;
	w.rsa = rsa_key_generate();
	return w.rsa ? 0 : -1;
}

static int drop_key(void **state)
{
	(void)state;
	rsa_key_destroy(w.rsa);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	struct rsa_key *rsa = w.rsa;
	memset(&w, 0, sizeof w);
	w.rsa = rsa;
	auth_server_init(&w.server);
	auth_client_init(&w.client);
	memcpy(w.server.nonce, nonce, NONCE_LEN);
	buf_init(&w.to_client, 1 << 16);
	buf_init(&w.to_server, 1 << 16);
	uint8_t stage2[SHA1_LEN];
	native_verifier("secret", 6, stage2);
	native_format_stored(stage2, w.stored_native);
	return sha2_make_stored("secret", 6, salt, 1, w.stored_sha2) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	auth_server_finish(&w.server);
	auth_client_finish(&w.client);
	buf_finish(&w.to_client);
	buf_finish(&w.to_server);
	return 0;
}

static void account_native(void)
{
	w.server.plugin = AUTH_NATIVE;
	w.server.verifier = view_of(w.stored_native);
}

static void account_sha2(bool warm)
{
	uint8_t stage1[SHA256_LEN];
	w.server.plugin = AUTH_SHA2;
	w.server.verifier = (struct view){(const uint8_t *)w.stored_sha2, SHA2_STORED_LEN};
	w.server.has_stage2 = warm;
	sha2_stage1("secret", 6, stage1);
	sha2_stage2(stage1, w.server.sha256_stage2);
}

static void know_password(const char *clear)
{
	w.credential.clear = clear;
	w.credential.clear_len = strlen(clear);
}

static void secure(bool yes)
{
	w.server.secure = w.client.secure = yes;
}

static void say(char c)
{
	size_t n = strlen(w.said);
	assert_true(n < sizeof w.said - 1);
	w.said[n] = c;
}

/* The one packet waiting in a buf, taken out of it into a copy of its exact size, so that a byte read past its end is
 * seen. */
static struct view take_packet(struct buf *b, uint8_t **copy)
{
	struct packet p;
	assert_int_equal(packet_next(buf_data(b), buf_len(b), 0, &p), PACKET_OK);
	assert_int_equal(p.seq, (uint8_t)(w.seq - 1));
	*copy = malloc(p.payload.len + !p.payload.len);
	memcpy(*copy, p.payload.p, p.payload.len);
	struct view v = {*copy, p.payload.len};
	buf_consume(b, p.size);
	return v;
}

/* The check that the caller would run on a thread. */
static enum auth_step settle(enum auth_step step)
{
	if (step != AUTH_CHECK)
		return step;
	say('?');
	struct view stored = auth_server_stored(&w.server);
	assert_true(w.server.has_clear);
	bool ok = auth_check_stored(stored, w.server.clear, w.server.clear_len);
	return auth_server_checked(&w.server, ok);
}

static const struct {
	uint8_t first, second;
	char letter;
} letters[] = {{HEADER_AUTH_SWITCH, 0, 'S'},
	       {HEADER_AUTH_MORE, SHA2_FAST_OK, 'F'},
	       {HEADER_AUTH_MORE, SHA2_FULL, 'C'},
	       {HEADER_AUTH_MORE, 0, 'K'}};

static char letter_of(struct view p)
{
	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if (p.p[0] == letters[i].first && (!letters[i].second || p.p[1] == letters[i].second))
			return letters[i].letter;
	return '!';
}

/* The client eats what the server sent. */
static enum auth_step client_turn(void)
{
	enum auth_step step = AUTH_MORE;
	while (step == AUTH_MORE && buf_len(&w.to_client)) {
		uint8_t *copy;
		struct view p = take_packet(&w.to_client, &copy);
		say(letter_of(p));
		step = auth_client_step(&w.client, p, &w.to_server, &w.seq);
		free(copy);
	}
	return step;
}

/* The whole exchange from the greeting on. What the client role said last is in *client. */
static enum auth_step exchange(const char *greeting_plugin, uint32_t caps, enum auth_step *client)
{
	w.client.credential = &w.credential;
	*client = auth_client_begin(&w.client, greeting_plugin, (struct view){nonce, NONCE_LEN});
	if (*client != AUTH_MORE)
		return AUTH_BAD;
	struct login login = {.caps = caps, .plugin = view_of(w.client.plugin), .auth = w.client.response};
	w.seq = 2;
	enum auth_step step = settle(auth_server_begin(&w.server, &login, &w.to_client, &w.seq));
	while (step == AUTH_MORE) {
		*client = client_turn();
		if (*client != AUTH_MORE)
			return step;
		uint8_t *copy;
		struct view p = take_packet(&w.to_server, &copy);
		say('c');
		step = settle(auth_server_step(&w.server, p, &w.to_client, &w.seq));
		free(copy);
	}
	if (step == AUTH_DONE)
		*client = client_turn();
	return step;
}

static void check_exchange(const char *greeting_plugin, enum auth_step want, const char *said)
{
	enum auth_step client;
	assert_int_equal(exchange(greeting_plugin, LOGIN_CAPS, &client), want);
	assert_string_equal(w.said, said);
	if (want == AUTH_DONE) {
		assert_int_equal(client, AUTH_MORE);
		assert_int_equal(auth_client_step(&w.client, (struct view){(const uint8_t *)"\0\0\0\2\0\0\0", 7},
						  &w.to_server, &w.seq),
				 AUTH_DONE);
	}
}

static void check_sha1(void)
{
	uint8_t want[SHA1_LEN];
	native_stage1("secret", 6, want);
	assert_true(w.server.has_sha1);
	assert_memory_equal(w.server.sha1_stage1, want, SHA1_LEN);
}

static void check_sha256(void)
{
	uint8_t want[SHA256_LEN];
	sha2_stage1("secret", 6, want);
	assert_true(w.server.has_sha256);
	assert_memory_equal(w.server.sha256_stage1, want, SHA256_LEN);
}

static void test_native_needs_one_packet_and_gives_stage1(void **state)
{
	(void)state;
	account_native();
	know_password("secret");
	check_exchange(PLUGIN_NATIVE, AUTH_DONE, "");
	check_sha1();
	assert_true(w.server.used_password);
}

static void test_the_recovered_stage1_logs_in_elsewhere(void **state)
{
	(void)state;
	account_native();
	w.credential.has_sha1 = true;
	native_stage1("secret", 6, w.credential.sha1_stage1);
	check_exchange(PLUGIN_NATIVE, AUTH_DONE, "");
}

static void test_a_client_with_another_plugin_is_switched(void **state)
{
	(void)state;
	account_native();
	know_password("secret");
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "Sc");
	check_sha1();
}

static void test_a_wrong_password_is_denied(void **state)
{
	(void)state;
	account_native();
	know_password("Secret");
	check_exchange(PLUGIN_SHA2, AUTH_DENIED, "Sc");
	assert_int_equal(w.server.denial, AUTH_DENIAL_PASSWORD);
	assert_true(w.server.used_password);
	assert_false(w.server.has_sha1);
}

static void test_a_renewed_nonce_is_always_sent(void **state)
{
	(void)state;
	account_native();
	know_password("secret");
	memcpy(w.server.nonce, other_nonce, NONCE_LEN);
	w.server.renewed = true;
	check_exchange(PLUGIN_NATIVE, AUTH_DONE, "Sc");
}

static void test_sha2_with_a_warm_cache_is_fast(void **state)
{
	(void)state;
	account_sha2(true);
	know_password("secret");
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "F");
	check_sha256();
	assert_false(w.server.has_clear);
}

static void test_sha2_with_a_cold_cache_takes_the_clear_password_over_tls(void **state)
{
	(void)state;
	account_sha2(false);
	know_password("secret");
	secure(true);
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "Cc?");
	check_sha256();
	check_sha1();
	assert_string_equal(w.server.clear, "secret");
	assert_true(w.client.sent_clear);
}

static void test_sha2_without_tls_takes_it_under_the_key(void **state)
{
	(void)state;
	account_sha2(false);
	know_password("secret");
	w.server.rsa = w.rsa;
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "CcKc?");
	assert_string_equal(w.server.clear, "secret");
}

static void test_the_key_is_given_on_a_secure_transport_too(void **state)
{
	(void)state;
	account_sha2(false);
	know_password("secret");
	w.server.rsa = w.rsa;
	w.server.secure = true;
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "CcKc?");
}

static void test_the_password_can_be_demanded_from_a_warm_client(void **state)
{
	(void)state;
	account_sha2(true);
	know_password("secret");
	secure(true);
	w.server.force_full = true;
	/* No slow check: the digest is known. */
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "Cc");
	assert_string_equal(w.server.clear, "secret");
}

static void test_a_wrong_password_is_asked_for_in_full_and_denied(void **state)
{
	(void)state;
	account_sha2(true);
	know_password("Secret");
	secure(true);
	check_exchange(PLUGIN_SHA2, AUTH_DENIED, "Cc?");
	assert_false(w.server.has_clear);
	assert_int_equal(w.server.clear[0], 0);
}

static void account_ed25519(void)
{
	w.server.plugin = AUTH_ED25519;
	w.server.verifier = view_of("ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY");
	memset(w.server.long_nonce, 0x80, sizeof w.server.long_nonce);
}

static void test_ed25519_is_always_switched_to_and_gives_nothing(void **state)
{
	(void)state;
	account_ed25519();
	know_password("secret");
	check_exchange(PLUGIN_ED25519, AUTH_DONE, "Sc");
	assert_true(w.server.used_password);
	assert_false(w.server.has_sha1 || w.server.has_sha256 || w.server.has_clear);
}

static void test_a_wrong_or_unknown_signer_is_denied(void **state)
{
	(void)state;
	for (int unknown = 0; unknown < 2; unknown++) {
		tear_down(NULL);
		set_up(NULL);
		account_ed25519();
		w.server.unknown = unknown;
		know_password(unknown ? "secret" : "");
		check_exchange(PLUGIN_NATIVE, AUTH_DENIED, "Sc");
		assert_int_equal(w.server.denial, AUTH_DENIAL_PASSWORD);
		assert_true(w.server.used_password);
	}
}

/* Its server checks the password by the key; so may a server of its own that asks for the password by sha2. */
static void test_a_password_is_checked_by_the_key_of_ed25519(void **state)
{
	(void)state;
	account_ed25519();
	w.server.plugin = AUTH_SHA2;
	know_password("secret");
	secure(true);
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "Cc?");
	check_sha256();
	assert_string_equal(w.server.clear, "secret");
}

static void test_an_unknown_account_sees_the_same_exchange(void **state)
{
	(void)state;
	w.server.plugin = AUTH_SHA2;
	w.server.unknown = true;
	know_password("secret");
	secure(true);
	check_exchange(PLUGIN_NATIVE, AUTH_DENIED, "ScCc?");
	assert_int_equal(w.server.denial, AUTH_DENIAL_PASSWORD);
}

static void test_an_unknown_account_is_denied_even_what_would_be_right(void **state)
{
	(void)state;
	account_native();
	know_password("secret");
	w.server.unknown = true;
	check_exchange(PLUGIN_NATIVE, AUTH_DENIED, "");
}

static void test_empty_passwords_are_legal_for_both_plugins(void **state)
{
	(void)state;
	for (int plugin = 0; plugin <= AUTH_SHA2; plugin++)
		for (int greeting = 0; greeting <= AUTH_SHA2; greeting++) {
			tear_down(NULL);
			set_up(NULL);
			w.server.plugin = (enum auth_plugin)plugin;
			w.credential.empty = true;
			check_exchange(auth_plugin_name((enum auth_plugin)greeting), AUTH_DONE,
				       plugin == greeting ? "" : "Sc");
			assert_false(w.server.used_password);
		}
}

static void test_an_empty_password_opens_no_account_that_has_one(void **state)
{
	(void)state;
	account_sha2(true);
	w.credential.empty = true;
	check_exchange(PLUGIN_SHA2, AUTH_DENIED, "");
	tear_down(NULL);
	set_up(NULL);
	account_native();
	w.credential.empty = true;
	check_exchange(PLUGIN_NATIVE, AUTH_DENIED, "");
}

static void test_a_password_does_not_open_an_account_without_one(void **state)
{
	(void)state;
	w.server.plugin = AUTH_SHA2;
	know_password("secret");
	secure(true);
	check_exchange(PLUGIN_SHA2, AUTH_DENIED, "Cc?");
	tear_down(NULL);
	set_up(NULL);
	know_password("secret");
	check_exchange(PLUGIN_NATIVE, AUTH_DENIED, "");
}

static void test_a_client_that_cannot_switch_gets_native_or_nothing(void **state)
{
	(void)state;
	enum auth_step client;
	account_native();
	know_password("secret");
	assert_int_equal(exchange(PLUGIN_NATIVE, LOGIN_CAPS & ~CAP_PLUGIN_AUTH, &client), AUTH_DONE);
	tear_down(NULL);
	set_up(NULL);
	account_sha2(true);
	know_password("secret");
	assert_int_equal(exchange(PLUGIN_NATIVE, LOGIN_CAPS & ~CAP_PLUGIN_AUTH, &client), AUTH_DENIED);
	assert_int_equal(w.server.denial, AUTH_DENIAL_OLD_CLIENT);
}

static void test_without_tls_and_key_the_password_cannot_come(void **state)
{
	(void)state;
	account_sha2(false);
	know_password("secret");
	check_exchange(PLUGIN_SHA2, AUTH_DENIED, "Cc");
	assert_int_equal(w.server.denial, AUTH_DENIAL_INSECURE);
}

static void test_a_client_with_a_digest_only_says_what_it_lacks(void **state)
{
	(void)state;
	enum auth_step client;
	account_sha2(false);
	w.credential.has_sha256 = true;
	sha2_stage1("secret", 6, w.credential.sha256_stage1);
	exchange(PLUGIN_SHA2, LOGIN_CAPS, &client);
	assert_int_equal(client, AUTH_NEED_CLEAR);
	tear_down(NULL);
	set_up(NULL);
	account_sha2(true);
	w.credential.has_sha1 = true;
	exchange(PLUGIN_SHA2, LOGIN_CAPS, &client); /* begins with native, is switched to sha2 */
	assert_int_equal(client, AUTH_NEED_CLEAR);
	assert_string_equal(w.said, "S");
}

static void test_a_client_may_refuse_to_trust_a_key(void **state)
{
	(void)state;
	enum auth_step client;
	account_sha2(false);
	w.server.rsa = w.rsa;
	know_password("secret");
	w.client.refuse_rsa = true;
	exchange(PLUGIN_SHA2, LOGIN_CAPS, &client);
	assert_int_equal(client, AUTH_INSECURE);
}

static enum auth_step client_gets(const char *payload, size_t len)
{
	return auth_client_step(&w.client, (struct view){(const uint8_t *)payload, len}, &w.to_server, &w.seq);
}

static void begin_client(const char *plugin)
{
	know_password("secret");
	w.client.credential = &w.credential;
	w.seq = 3;
	assert_int_equal(auth_client_begin(&w.client, plugin, (struct view){nonce, NONCE_LEN}), AUTH_MORE);
}

static void test_a_client_follows_several_switches(void **state)
{
	(void)state;
	begin_client(PLUGIN_NATIVE);
	for (int i = 0; i < 3; i++) {
		struct buf b;
		uint8_t s = 0;
		buf_init(&b, 4096);
		assert_true(auth_switch_write(&b, &s, i % 2 ? PLUGIN_NATIVE : PLUGIN_SHA2,
					      (struct view){other_nonce, NONCE_LEN}));
		assert_int_equal(client_gets((const char *)buf_data(&b) + 4, buf_len(&b) - 4), AUTH_MORE);
		buf_finish(&b);
	}
	assert_int_equal(buf_len(&w.to_server), 4 + 32 + 4 + 20 + 4 + 32);
	assert_int_equal(w.seq, 6);
	assert_int_equal(client_gets("\0\0\0\2\0\0\0", 7), AUTH_DONE);
}

static void test_a_client_names_a_plugin_it_does_not_have(void **state)
{
	(void)state;
	begin_client(PLUGIN_NATIVE);
	assert_int_equal(client_gets("\xfe" "parsec\0" "12345678901234567890123456789012", 40), AUTH_UNSUPPORTED);
	assert_string_equal(w.client.unsupported, "parsec");
	assert_int_equal(client_gets("\0", 1), AUTH_BAD); /* it is over */
}

static const char to_sha256[] = "\xfe" PLUGIN_SHA256 "\0" "12345678901234567890";

/* MySQL's server: it switches to the plugin, and gives its key to who asks with a byte. */
static void test_a_client_serves_sha256_password(void **state)
{
	(void)state;
	uint8_t *copy, plain[RSA_KEY_MAX_BYTES];
	size_t len;
	w.client.secure = w.client.tls = true;
	begin_client(PLUGIN_SHA2);
	assert_int_equal(client_gets(to_sha256, sizeof to_sha256), AUTH_MORE);
	struct view p = take_packet(&w.to_server, &copy);
	assert_int_equal(p.len, 7);
	assert_memory_equal(p.p, "secret", 7);
	free(copy);
	tear_down(NULL);
	set_up(NULL);
	w.client.secure = true; /* a Unix socket */
	begin_client(PLUGIN_SHA2);
	assert_int_equal(client_gets(to_sha256, sizeof to_sha256), AUTH_MORE);
	p = take_packet(&w.to_server, &copy);
	assert_int_equal(p.len, 1);
	assert_int_equal(p.p[0], SHA256_REQUEST_KEY);
	free(copy);
	struct view pem = rsa_key_public_pem(w.rsa);
	char more[4096] = "\x01";
	memcpy(more + 1, pem.p, pem.len);
	assert_int_equal(client_gets(more, pem.len + 1), AUTH_MORE);
	p = take_packet(&w.to_server, &copy);
	assert_true(rsa_key_decrypt(w.rsa, p, plain, sizeof plain, &len));
	sha2_xor_nonce(plain, len, (const uint8_t *)"12345678901234567890");
	assert_int_equal(len, 7);
	assert_memory_equal(plain, "secret", 7);
	free(copy);
}

/* As MariaDB asks an account of two plugins. */
static void test_a_client_that_cannot_sign_waits_for_what_it_can(void **state)
{
	(void)state;
	static const uint8_t none[ED25519_SIGNATURE_LEN];
	static const char to_ed25519[] = "\xfe" PLUGIN_ED25519 "\0" "12345678901234567890123456789012";
	uint8_t *copy;
	w.credential.has_sha1 = true;
	native_stage1("secret", 6, w.credential.sha1_stage1);
	w.client.credential = &w.credential;
	w.seq = 3;
	assert_int_equal(auth_client_begin(&w.client, PLUGIN_NATIVE, (struct view){nonce, NONCE_LEN}), AUTH_MORE);
	assert_int_equal(client_gets(to_ed25519, sizeof to_ed25519 - 1), AUTH_MORE);
	struct view p = take_packet(&w.to_server, &copy);
	assert_int_equal(p.len, sizeof none);
	assert_memory_equal(p.p, none, sizeof none);
	free(copy);
	assert_int_equal(client_gets("\xfe" PLUGIN_NATIVE "\0" "12345678901234567890", 43), AUTH_MORE);
	p = take_packet(&w.to_server, &copy);
	assert_int_equal(p.len, SHA1_LEN);
	free(copy);
}

/* Neither plugin is served by a digest, and the greeting's nonce serves neither. */
static void test_a_client_begins_with_a_plugin_that_the_greeting_serves(void **state)
{
	(void)state;
	begin_client(PLUGIN_ED25519);
	assert_string_equal(w.client.plugin, PLUGIN_NATIVE);
	assert_int_equal(client_gets("\xfe" PLUGIN_ED25519 "\0" "1234567890123456789012345678901", 47), AUTH_BAD);
	tear_down(NULL);
	set_up(NULL);
	w.credential.has_sha256 = true;
	w.client.credential = &w.credential;
	assert_int_equal(auth_client_begin(&w.client, PLUGIN_SHA256, (struct view){nonce, NONCE_LEN}), AUTH_MORE);
	assert_string_equal(w.client.plugin, PLUGIN_SHA2);
	w.seq = 3;
	assert_int_equal(client_gets(to_sha256, sizeof to_sha256), AUTH_NEED_CLEAR);
}

static void test_a_client_does_not_switch_for_ever(void **state)
{
	(void)state;
	begin_client(PLUGIN_NATIVE);
	enum auth_step step = AUTH_MORE;
	int n = 0;
	for (; step == AUTH_MORE && n < 100; n++)
		step = client_gets("\xfe" PLUGIN_SHA2 "\0" "12345678901234567890", 43);
	assert_int_equal(step, AUTH_BAD);
	assert_true(n < 100);
}

static void test_a_client_reports_errors_and_nonsense(void **state)
{
	(void)state;
	static const struct {
		const char *payload;
		size_t len;
		enum auth_step want;
	} rows[] = {
		{"\xff\x15\x04#28000Access denied", 22, AUTH_DENIED},
		{"", 0, AUTH_BAD},
		{"\x01", 1, AUTH_BAD},
		{"\x01\x07", 2, AUTH_BAD},
		{"\x01\x04 ", 3, AUTH_BAD},
		{"\x02", 1, AUTH_BAD},
		{"\xfe" PLUGIN_SHA2 "\0" "short", 28, AUTH_BAD},
		{"\xfe", 1, AUTH_UNSUPPORTED},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		auth_client_init(&w.client);
		begin_client(PLUGIN_SHA2);
		assert_int_equal(client_gets(rows[i].payload, rows[i].len), rows[i].want);
	}
}

static void test_a_server_key_that_is_none_ends_the_login(void **state)
{
	(void)state;
	begin_client(PLUGIN_SHA2);
	assert_int_equal(client_gets("\x01\x04", 2), AUTH_MORE);
	assert_int_equal(client_gets("\x01not a key", 10), AUTH_BAD);
}

static void test_the_password_lies_clear_in_no_packet_without_tls(void **state)
{
	(void)state;
	account_sha2(false);
	know_password("a-rather-long-password");
	w.server.rsa = w.rsa;
	enum auth_step client;
	w.client.credential = &w.credential;
	assert_int_equal(auth_client_begin(&w.client, PLUGIN_SHA2, (struct view){nonce, NONCE_LEN}), AUTH_MORE);
	struct view pem = rsa_key_public_pem(w.rsa);
	struct buf key;
	buf_init(&key, 4096);
	assert_true(write_u8(&key, HEADER_AUTH_MORE) && write_bytes(&key, pem.p, pem.len));
	client = client_gets("\x01\x04", 2);
	assert_int_equal(client, AUTH_MORE);
	client = client_gets((const char *)buf_data(&key), buf_len(&key));
	assert_int_equal(client, AUTH_MORE);
	assert_null(memmem(buf_data(&w.to_server), buf_len(&w.to_server), "password", 8));
	buf_finish(&key);
}

static void test_a_full_buf_ends_the_login(void **state)
{
	(void)state;
	struct login login = {.caps = LOGIN_CAPS, .plugin = view_of(PLUGIN_NATIVE)};
	struct buf tiny;
	buf_init(&tiny, 8);
	account_sha2(false);
	assert_int_equal(auth_server_begin(&w.server, &login, &tiny, &w.seq), AUTH_BAD);
	assert_int_equal(auth_server_step(&w.server, view_of(""), &tiny, &w.seq), AUTH_BAD);
	buf_finish(&tiny);
}

static void test_odd_clear_passwords_are_denied(void **state)
{
	(void)state;
	char big[SHA2_PASSWORD_MAX + 3];
	memset(big, 'x', sizeof big);
	const struct view odd[] = {{(const uint8_t *)"se\0cret", 8}, {(const uint8_t *)big, sizeof big}};
	for (size_t i = 0; i < 2; i++) {
		tear_down(NULL);
		set_up(NULL);
		account_sha2(false);
		w.server.secure = true;
		uint8_t scramble[SHA256_LEN] = {1};
		struct login login = {.caps = LOGIN_CAPS, .plugin = view_of(PLUGIN_SHA2), .auth = {scramble, 32}};
		assert_int_equal(auth_server_begin(&w.server, &login, &w.to_client, &w.seq), AUTH_MORE);
		assert_int_equal(auth_server_step(&w.server, odd[i], &w.to_client, &w.seq), AUTH_DENIED);
	}
}

static void test_finishing_wipes_the_secrets(void **state)
{
	(void)state;
	static const struct auth_server clean;
	account_sha2(false);
	know_password("secret");
	secure(true);
	check_exchange(PLUGIN_SHA2, AUTH_DONE, "Cc?");
	auth_server_finish(&w.server);
	assert_memory_equal(&w.server, &clean, sizeof clean);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_native_needs_one_packet_and_gives_stage1),
		TEST(test_the_recovered_stage1_logs_in_elsewhere),
		TEST(test_a_client_with_another_plugin_is_switched),
		TEST(test_a_wrong_password_is_denied),
		TEST(test_a_renewed_nonce_is_always_sent),
		TEST(test_sha2_with_a_warm_cache_is_fast),
		TEST(test_sha2_with_a_cold_cache_takes_the_clear_password_over_tls),
		TEST(test_sha2_without_tls_takes_it_under_the_key),
		TEST(test_the_key_is_given_on_a_secure_transport_too),
		TEST(test_the_password_can_be_demanded_from_a_warm_client),
		TEST(test_a_wrong_password_is_asked_for_in_full_and_denied),
		TEST(test_an_unknown_account_sees_the_same_exchange),
		TEST(test_an_unknown_account_is_denied_even_what_would_be_right),
		TEST(test_empty_passwords_are_legal_for_both_plugins),
		TEST(test_an_empty_password_opens_no_account_that_has_one),
		TEST(test_a_password_does_not_open_an_account_without_one),
		TEST(test_a_client_that_cannot_switch_gets_native_or_nothing),
		TEST(test_without_tls_and_key_the_password_cannot_come),
		TEST(test_a_client_with_a_digest_only_says_what_it_lacks),
		TEST(test_a_client_may_refuse_to_trust_a_key),
		TEST(test_a_client_follows_several_switches),
		TEST(test_a_client_names_a_plugin_it_does_not_have),
		TEST(test_ed25519_is_always_switched_to_and_gives_nothing),
		TEST(test_a_wrong_or_unknown_signer_is_denied),
		TEST(test_a_password_is_checked_by_the_key_of_ed25519),
		TEST(test_a_client_serves_sha256_password),
		TEST(test_a_client_begins_with_a_plugin_that_the_greeting_serves),
		TEST(test_a_client_that_cannot_sign_waits_for_what_it_can),
		TEST(test_a_client_does_not_switch_for_ever),
		TEST(test_a_client_reports_errors_and_nonsense),
		TEST(test_a_server_key_that_is_none_ends_the_login),
		TEST(test_the_password_lies_clear_in_no_packet_without_tls),
		TEST(test_a_full_buf_ends_the_login),
		TEST(test_odd_clear_passwords_are_denied),
		TEST(test_finishing_wipes_the_secrets),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
