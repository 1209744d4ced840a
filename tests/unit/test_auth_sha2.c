/* caching_sha2_password: the fast scramble, and SHA-crypt with salts of 20 bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/auth_sha2.h"

static const uint8_t nonce[NONCE_LEN] = "!\"#$%&'()*+,-./01234";
static const uint8_t salt[SHA2_SALT_LEN] = "\x01\x02\x7f" "A.\\'0123456789:;<";

/* Computed by another implementation, one that agrees with crypt(3) on salts of 16 bytes. */
static const struct {
	const char *password;
	unsigned thousands;
	const char *header, *digits;
} known[] = {
	{"secret", 5, "$A$005$", "IEA5NBoZbDABoZvzCIVwGuCHWC.YY3PjEyBMVwoy4a5"},
	{"correct horse battery staple, and then some more of it to pass 32", 10, "$A$00A$",
	 "EY0oMsTynQ.qAxldVLjJ1zJn7B3vpZtVgvpRD39kUL0"},
	{"", 5, "$A$005$", "5JdMaFysB/IaTPHaJ8q1xkKBFHvUAoo.A1cQO9oxwk6"},
};

static void test_stored_strings_are_those_of_the_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		char stored[SHA2_STORED_LEN];
		const char *password = known[i].password;
		assert_true(sha2_make_stored(password, strlen(password), salt, known[i].thousands, stored));
		assert_memory_equal(stored, known[i].header, 7);
		assert_memory_equal(stored + 7, salt, SHA2_SALT_LEN);
		assert_memory_equal(stored + 27, known[i].digits, 43);
		assert_true(sha2_is_stored(stored, sizeof stored));
		assert_true(sha2_check_stored(stored, sizeof stored, password, strlen(password)));
		assert_false(sha2_check_stored(stored, sizeof stored, "Secret", 6));
	}
}

/* Made by MySQL 9.7. */
static void test_strings_of_sha256_password_are_known(void **state)
{
	(void)state;
	char stored[] = "$5$v\x1b\x18" "B\x1aI\x03#_0\aQ?D\b\x1a" "cP4%$xBPH/VZ300swcabjZhBhvv63.bvhvWY8EufKkEXxoR9";
	assert_int_equal(sizeof stored - 1, SHA256_STORED_LEN);
	assert_true(sha2_is_stored(stored, SHA256_STORED_LEN));
	assert_true(sha2_check_stored(stored, SHA256_STORED_LEN, "geheim", 6));
	assert_false(sha2_check_stored(stored, SHA256_STORED_LEN, "Geheim", 6));
	assert_false(sha2_check_stored(stored, SHA256_STORED_LEN - 1, "geheim", 6));
	stored[23] = '.'; /* where the salt ends */
	assert_false(sha2_is_stored(stored, SHA256_STORED_LEN));
}

static void test_malformed_strings_match_nothing(void **state)
{
	(void)state;
	char stored[SHA2_STORED_LEN + 1];
	assert_true(sha2_make_stored("secret", 6, salt, 5, stored));
	assert_false(sha2_check_stored(stored, SHA2_STORED_LEN - 1, "secret", 6));
	assert_false(sha2_check_stored(stored, SHA2_STORED_LEN + 1, "secret", 6));
	assert_false(sha2_check_stored(NULL, 0, "", 0));
	static const struct {
		int at;
		char c;
	} damage[] = {{0, '*'}, {1, 'B'}, {4, 'g'}, {5, '0'}, {6, ' '}, {69, '!'}};
	for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
		char was = stored[damage[i].at];
		stored[damage[i].at] = damage[i].c;
		assert_false(sha2_check_stored(stored, SHA2_STORED_LEN, "secret", 6));
		stored[damage[i].at] = was;
	}
	assert_true(sha2_check_stored(stored, SHA2_STORED_LEN, "secret", 6));
}

static void test_passwords_and_rounds_have_their_bounds(void **state)
{
	(void)state;
	char stored[SHA2_STORED_LEN], password[SHA2_PASSWORD_MAX + 1];
	memset(password, 'x', sizeof password);
	assert_true(sha2_make_stored(password, SHA2_PASSWORD_MAX, salt, 1, stored));
	assert_true(sha2_check_stored(stored, sizeof stored, password, SHA2_PASSWORD_MAX));
	assert_false(sha2_make_stored(password, SHA2_PASSWORD_MAX + 1, salt, 1, stored));
	assert_false(sha2_check_stored(stored, sizeof stored, password, SHA2_PASSWORD_MAX + 1));
	assert_false(sha2_make_stored(password, 1, salt, 0, stored));
	assert_false(sha2_make_stored(password, 1, salt, 0x1000, stored));
}

static void from_hex(const char *hex, uint8_t *out)
{
	for (; *hex; hex += 2) {
		char two[3] = {hex[0], hex[1], 0};
		*out++ = (uint8_t)strtoul(two, NULL, 16);
	}
}

static void test_the_scramble_is_that_of_the_clients(void **state)
{
	(void)state;
	uint8_t stage1[SHA256_LEN], got[SHA256_LEN], want[SHA256_LEN];
	from_hex("3e6e1d1225dfe8531b46e47caf897453dba8211b1e2fdca5e10ef0f98718b18e", want);
	sha2_stage1("secret", 6, stage1);
	sha2_scramble(stage1, nonce, got);
	assert_memory_equal(got, want, SHA256_LEN);
}

static void test_stage1_is_recovered_from_a_right_answer_only(void **state)
{
	(void)state;
	static const uint8_t zeros[SHA256_LEN];
	uint8_t stage1[SHA256_LEN], stage2[SHA256_LEN], answer[SHA256_LEN], found[SHA256_LEN];
	sha2_stage1("secret", 6, stage1);
	sha2_stage2(stage1, stage2);
	sha2_scramble(stage1, nonce, answer);
	assert_true(sha2_check(stage2, nonce, answer, SHA256_LEN, found));
	assert_memory_equal(found, stage1, SHA256_LEN);
	answer[31] ^= 1;
	assert_false(sha2_check(stage2, nonce, answer, SHA256_LEN, found));
	assert_memory_equal(found, zeros, SHA256_LEN);
	assert_false(sha2_check(stage2, nonce, answer, 20, found));
}

static void test_the_nonce_is_repeated_over_long_passwords(void **state)
{
	(void)state;
	uint8_t data[45] = {0};
	sha2_xor_nonce(data, sizeof data, nonce);
	assert_memory_equal(data, nonce, NONCE_LEN);
	assert_memory_equal(data + 20, nonce, NONCE_LEN);
	assert_memory_equal(data + 40, nonce, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored_strings_are_those_of_the_algorithm),
		cmocka_unit_test(test_strings_of_sha256_password_are_known),
		cmocka_unit_test(test_malformed_strings_match_nothing),
		cmocka_unit_test(test_passwords_and_rounds_have_their_bounds),
		cmocka_unit_test(test_the_scramble_is_that_of_the_clients),
		cmocka_unit_test(test_stage1_is_recovered_from_a_right_answer_only),
		cmocka_unit_test(test_the_nonce_is_repeated_over_long_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
