/* mysql_native_password against values computed elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/auth_native.h"

static const uint8_t nonce[NONCE_LEN] = "!\"#$%&'()*+,-./01234";

static void from_hex(const char *hex, uint8_t *out)
{
	for (; *hex; hex += 2) {
		char two[3] = {hex[0], hex[1], 0};
		*out++ = (uint8_t)strtoul(two, NULL, 16);
	}
}

static void test_the_stored_form_is_that_of_the_servers(void **state)
{
	(void)state;
	uint8_t stage2[SHA1_LEN], parsed[SHA1_LEN];
	char stored[42];
	native_verifier("secret", 6, stage2);
	native_format_stored(stage2, stored);
	assert_string_equal(stored, "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
	assert_true(native_parse_stored("*14e65567abdb5135d0cfd9a70b3032c179a49ee7", 41, parsed));
	assert_memory_equal(parsed, stage2, SHA1_LEN);
}

static void test_what_is_not_a_stored_form_is_refused(void **state)
{
	(void)state;
	uint8_t stage2[SHA1_LEN];
	assert_false(native_parse_stored("", 0, stage2));
	assert_false(native_parse_stored("*14E65567ABDB5135D0CFD9A70B3032C179A49EE", 40, stage2));
	assert_false(native_parse_stored("*14E65567ABDB5135D0CFD9A70B3032C179A49EEG", 41, stage2));
	assert_false(native_parse_stored("14E65567ABDB5135D0CFD9A70B3032C179A49EE77", 41, stage2));
	assert_false(native_parse_stored("*THISISNOTAVALIDPASSWORDTHATCANBEUSEDHERE", 41, stage2));
}

static void test_the_scramble_is_that_of_the_clients(void **state)
{
	(void)state;
	uint8_t stage1[SHA1_LEN], got[SHA1_LEN], want[SHA1_LEN];
	from_hex("1f44f306295a10870fd7895d358cb5f975d7d47f", want);
	native_stage1("secret", 6, stage1);
	native_scramble(stage1, nonce, got);
	assert_memory_equal(got, want, SHA1_LEN);
}

static void test_stage1_is_recovered_from_a_right_answer_only(void **state)
{
	(void)state;
	static const uint8_t zeros[SHA1_LEN];
	uint8_t stage1[SHA1_LEN], stage2[SHA1_LEN], answer[SHA1_LEN], found[SHA1_LEN];
	native_stage1("secret", 6, stage1);
	native_verifier("secret", 6, stage2);
	native_scramble(stage1, nonce, answer);
	assert_true(native_check(stage2, nonce, answer, SHA1_LEN, found));
	assert_memory_equal(found, stage1, SHA1_LEN);
	for (int bit = 0; bit < 8 * SHA1_LEN; bit++) {
		answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(native_check(stage2, nonce, answer, SHA1_LEN, found));
		assert_memory_equal(found, zeros, SHA1_LEN);
		answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_false(native_check(stage2, nonce, answer, SHA1_LEN - 1, found));
	assert_false(native_check(stage2, nonce, NULL, 0, found));
}

static void test_the_tls_proof_is_what_mariadb_clients_compute(void **state)
{
	(void)state;
	uint8_t stage2[SHA1_LEN], certificate[32];
	char proof[65];
	native_verifier("secret", 6, stage2);
	for (int i = 0; i < 32; i++)
		certificate[i] = (uint8_t)i;
	tls_proof(stage2, nonce, certificate, proof);
	assert_memory_equal(proof, "\x01"
				   "7327B923D6584380F257133EA071241196AE11A76FC497411C0A890FA2900149",
			    65);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_stored_form_is_that_of_the_servers),
		cmocka_unit_test(test_what_is_not_a_stored_form_is_refused),
		cmocka_unit_test(test_the_scramble_is_that_of_the_clients),
		cmocka_unit_test(test_stage1_is_recovered_from_a_right_answer_only),
		cmocka_unit_test(test_the_tls_proof_is_what_mariadb_clients_compute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
