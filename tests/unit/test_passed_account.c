/* An account with its secret as bytes: what is written is read, and its number is made of it. */
#include "proxy/upgrade/passed_account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_an_account_is_the_same_afterwards_and_what_is_cut_is_none(void **state)
{
	(void)state;
	struct passed_account a, b;
	struct buf out;
	uint64_t id;
	memset(&a, 0, sizeof a);
	strcpy(a.account.user, "app");
	strcpy(a.account.host, "10.%");
	a.account.plugin = ACCOUNT_SHA2;
	strcpy(a.account.plugin_name, "caching_sha2_password");
	memcpy(a.account.verifier, "$A$005$\0\1\2", 10);
	a.account.verifier_len = 10;
	a.account.by_hand = true;
	a.secret.has_sha256 = true;
	memset(a.secret.sha256_stage1, 0x5A, sizeof a.secret.sha256_stage1);
	strcpy(a.secret.clear, "secret");
	a.secret.clear_len = 6;
	buf_init(&out, PASSED_ACCOUNT_MAX);
	assert_true(passed_account_write(42, &a, &out));
	assert_true(passed_account_read((struct view){buf_data(&out), buf_len(&out)}, &id, &b));
	assert_int_equal(id, 42);
	assert_true(account_id(&a.account) == account_id(&b.account));
	assert_memory_equal(&a.secret, &b.secret, sizeof a.secret);
	for (size_t n = 0; n < buf_len(&out); n++) {
		uint8_t *cut = malloc(n + 1);
		memcpy(cut, buf_data(&out), n);
		assert_false(passed_account_read((struct view){cut, n}, &id, &b));
		free(cut);
	}
	assert_true(buf_append(&out, "x", 1));
	assert_false(passed_account_read((struct view){buf_data(&out), buf_len(&out)}, &id, &b));
	/* One that does not fit with its end. */
	a.account.verifier_len = sizeof a.account.verifier;
	buf_reset(&out);
	assert_false(passed_account_write(42, &a, &out));
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_account_is_the_same_afterwards_and_what_is_cut_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
