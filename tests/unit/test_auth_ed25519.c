/* ed25519: keys as MariaDB makes them, signatures that hold, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/auth_ed25519.h"

static const uint8_t nonce[ED25519_NONCE_LEN] = "\0any bytes at all, 32 of them\xff\x80.";

/* What MariaDB 10.11 stores. */
static const struct {
	const char *password, *stored;
} known[] = {
	{"secret", "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"},
	{"correct horse battery staple, and then some more of it to pass 32", "X+HHyaD5Ujb2v0swAs/vi/8DAKezKedXaLtZAOwhXyU"},
};

/* RFC 8032, 7.1: a password of 32 bytes is a seed of the standard. */
static const struct {
	const char *seed, *key;
} standard[] = {
	{"\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed"
	 "\x4f\xb8\xa6\xfb",
	 "\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1"
	 "\x2a\xf4\x66\x0c"},
	{"\xc5\xaa\x8d\xf4\x3f\x9f\x83\x7b\xed\xb7\x44\x2f\x31\xdc\xb7\xb1\x66\xd3\x85\x35\x07\x6f\x09\x4b\x85\xce\x3a\x2e"
	 "\x0b\x44\x58\xf7",
	 "\xfc\x51\xcd\x8e\x62\x18\xa1\xa3\x8d\xa4\x7e\xd0\x02\x30\xf0\x58\x08\x16\xed\x13\xba\x33\x03\xac\x5d\xeb\x91\x15"
	 "\x48\x90\x80\x25"},
};

static void test_keys_are_those_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
		uint8_t key[ED25519_KEY_LEN];
		assert_true(ed25519_make_key(standard[i].seed, 32, key));
		assert_memory_equal(key, standard[i].key, sizeof key);
	}
}

static void test_stored_strings_are_those_of_the_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *password = known[i].password;
		assert_int_equal(strlen(known[i].stored), ED25519_STORED_LEN);
		assert_true(ed25519_check_stored(known[i].stored, ED25519_STORED_LEN, password, strlen(password)));
		assert_false(ed25519_check_stored(known[i].stored, ED25519_STORED_LEN, password, strlen(password) - 1));
		assert_false(ed25519_check_stored(known[i].stored, ED25519_STORED_LEN, "", 0));
	}
}

/* Signs often: the random sign of the secret number and the bit of the key are both met in both ways. */
static void test_a_signature_holds_for_its_password_and_nonce_only(void **state)
{
	(void)state;
	for (char c = 'a'; c <= 'p'; c++) {
		char password[2] = {c, 0};
		uint8_t key[ED25519_KEY_LEN], signature[ED25519_SIGNATURE_LEN], again[ED25519_SIGNATURE_LEN];
		uint8_t other[ED25519_NONCE_LEN];
		assert_true(ed25519_make_key(password, 1, key));
		assert_true(ed25519_sign(password, 1, nonce, signature) && ed25519_sign(password, 1, nonce, again));
		assert_memory_not_equal(signature, again, sizeof signature);
		assert_true(ed25519_check(key, nonce, signature, sizeof signature));
		assert_true(ed25519_check(key, nonce, again, sizeof again));
		memcpy(other, nonce, sizeof other);
		other[c % sizeof other] ^= 1;
		assert_false(ed25519_check(key, other, signature, sizeof signature));
		assert_false(ed25519_check(key, nonce, signature, sizeof signature - 1));
		signature[c % sizeof signature] ^= 1;
		assert_false(ed25519_check(key, nonce, signature, sizeof signature));
		assert_true(ed25519_sign("other", 5, nonce, signature));
		assert_false(ed25519_check(key, nonce, signature, sizeof signature));
	}
}

static void test_the_empty_password_signs_too(void **state)
{
	(void)state;
	uint8_t key[ED25519_KEY_LEN], signature[ED25519_SIGNATURE_LEN];
	assert_true(ed25519_make_key("", 0, key) && ed25519_sign("", 0, nonce, signature));
	assert_true(ed25519_check(key, nonce, signature, sizeof signature));
}

static void test_what_is_no_stored_string_matches_nothing(void **state)
{
	(void)state;
	static const char *const none[] = {
		"", "invalid", "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJ", "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY=",
		" ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJ", "ZIgUREUg5PVgQ6LskhXmO+eZ!S0nC8be6HPjYWR4YJY",
		"ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJ=",
	};
	uint8_t key[ED25519_KEY_LEN];
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(ed25519_parse_stored(none[i], strlen(none[i]), key));
	assert_false(ed25519_check_stored(NULL, 0, "", 0));
	memset(key, 0xff, sizeof key); /* no point of the curve */
	assert_false(ed25519_check(key, nonce, (const uint8_t[ED25519_SIGNATURE_LEN]){0}, ED25519_SIGNATURE_LEN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_those_of_the_standard),
		cmocka_unit_test(test_stored_strings_are_those_of_the_server),
		cmocka_unit_test(test_a_signature_holds_for_its_password_and_nonce_only),
		cmocka_unit_test(test_the_empty_password_signs_too),
		cmocka_unit_test(test_what_is_no_stored_string_matches_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
