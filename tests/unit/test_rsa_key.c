/* The RSA key that hides passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/rsa_key.h"

static void test_what_a_client_encrypts_the_key_decrypts(void **state)
{
	(void)state;
	struct rsa_key *key = rsa_key_generate();
	assert_non_null(key);
	assert_int_equal(rsa_key_size(key), 256);
	struct view pem = rsa_key_public_pem(key);
	assert_memory_equal(pem.p, "-----BEGIN PUBLIC KEY-----\n", 27);
	uint8_t cipher[RSA_KEY_MAX_BYTES], plain[64];
	size_t cipher_len, plain_len;
	assert_true(rsa_encrypt_with_pem(pem, view_of("secret"), cipher, &cipher_len));
	assert_int_equal(cipher_len, 256);
	struct view sent = {cipher, cipher_len};
	assert_true(rsa_key_decrypt(key, sent, plain, sizeof plain, &plain_len));
	assert_int_equal(plain_len, 6);
	assert_memory_equal(plain, "secret", 6);
	assert_false(rsa_key_decrypt(key, sent, plain, 5, &plain_len));
	sent.len--;
	assert_false(rsa_key_decrypt(key, sent, plain, sizeof plain, &plain_len));
	cipher[7] ^= 1;
	sent.len++;
	assert_false(rsa_key_decrypt(key, sent, plain, sizeof plain, &plain_len));
	rsa_key_destroy(key);
}

static void test_what_is_no_key_is_refused(void **state)
{
	(void)state;
	uint8_t cipher[RSA_KEY_MAX_BYTES];
	size_t len;
	assert_false(rsa_encrypt_with_pem(view_of(""), view_of("x"), cipher, &len));
	assert_false(rsa_encrypt_with_pem(view_of("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
					  view_of("x"), cipher, &len));
	assert_null(rsa_key_load(view_of("")));
	assert_null(rsa_key_load(view_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")));
	rsa_key_destroy(NULL);
}

static void test_data_too_long_for_the_key_is_refused(void **state)
{
	(void)state;
	struct rsa_key *key = rsa_key_generate();
	uint8_t cipher[RSA_KEY_MAX_BYTES], data[215] = {1};
	size_t len;
	assert_true(rsa_encrypt_with_pem(rsa_key_public_pem(key), (struct view){data, 214}, cipher, &len));
	assert_false(rsa_encrypt_with_pem(rsa_key_public_pem(key), (struct view){data, 215}, cipher, &len));
	rsa_key_destroy(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_client_encrypts_the_key_decrypts),
		cmocka_unit_test(test_what_is_no_key_is_refused),
		cmocka_unit_test(test_data_too_long_for_the_key_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
