/* The vault: what is known of an account is gathered, forgotten, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/vault.h"

static int open_it(void **state)
{
	(void)state;
	vault_open();
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	vault_close();
	return 0;
}

static void test_what_is_put_adds_to_what_is_known(void **state)
{
	(void)state;
	struct vault_secret s = {.has_sha1 = true, .sha1_stage1 = {1, 2, 3}}, got;
	vault_put(7, &s);
	s = (struct vault_secret){.clear_len = 5, .clear = "hello"};
	vault_put(7, &s);
	s = (struct vault_secret){.has_sha256 = true, .sha256_stage1 = {4}, .sha256_stage2 = {5}};
	vault_put(7, &s);
	assert_true(vault_get(7, &got));
	assert_true(got.has_sha1 && got.has_sha256 && !got.empty);
	assert_int_equal(got.sha1_stage1[2], 3);
	assert_int_equal(got.sha256_stage1[0], 4);
	assert_int_equal(got.sha256_stage2[0], 5);
	assert_int_equal(got.clear_len, 5);
	assert_memory_equal(got.clear, "hello", 5);
	assert_false(vault_get(8, &got));
}

static void test_what_is_forgotten_is_gone_and_its_room_is_clean(void **state)
{
	(void)state;
	struct vault_secret s = {.has_sha1 = true, .clear_len = 6, .clear = "secret"}, got;
	vault_put(1, &s);
	vault_forget(1);
	vault_forget(1);
	assert_false(vault_get(1, &got));
	s = (struct vault_secret){.empty = true};
	vault_put(2, &s);
	assert_true(vault_get(2, &got));
	assert_true(got.empty && !got.has_sha1 && got.clear_len == 0);
	static const char nothing[VAULT_CLEAR_MAX];
	assert_memory_equal(got.clear, nothing, sizeof nothing);
}

static void test_it_grows_and_is_bounded_by_forgetting_what_was_used_longest_ago(void **state)
{
	(void)state;
	struct vault_secret s = {.has_sha1 = true}, got;
	for (uint64_t id = 1; id <= 16384; id++) {
		memcpy(s.sha1_stage1, &id, sizeof id);
		vault_put(id, &s);
	}
	assert_true(vault_get(1, &got)); /* used again: 2 is the oldest now */
	vault_put(20000, &s);
	assert_true(vault_get(1, &got));
	assert_false(vault_get(2, &got));
	for (uint64_t id = 3; id <= 16384; id++) {
		uint64_t in_it;
		assert_true(vault_get(id, &got));
		memcpy(&in_it, got.sha1_stage1, sizeof in_it);
		assert_int_equal(in_it, id);
	}
}

static void test_a_length_that_lies_is_not_believed(void **state)
{
	(void)state;
	struct vault_secret s = {.has_sha1 = true, .clear_len = VAULT_CLEAR_MAX + 1}, got;
	vault_put(3, &s);
	assert_true(vault_get(3, &got));
	assert_int_equal(got.clear_len, 0);
}

static void test_after_closing_nothing_is_known(void **state)
{
	(void)state;
	struct vault_secret s = {.has_sha1 = true}, got;
	vault_put(3, &s);
	vault_close();
	assert_false(vault_get(3, &got));
	vault_close();
	vault_put(3, &s); /* opens again by itself */
	assert_true(vault_get(3, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_what_is_put_adds_to_what_is_known, open_it, close_it),
	    cmocka_unit_test_setup_teardown(test_what_is_forgotten_is_gone_and_its_room_is_clean, open_it,
	                                    close_it),
	    cmocka_unit_test_setup_teardown(
	        test_it_grows_and_is_bounded_by_forgetting_what_was_used_longest_ago, open_it, close_it),
	    cmocka_unit_test_setup_teardown(test_a_length_that_lies_is_not_believed, open_it, close_it),
	    cmocka_unit_test_setup_teardown(test_after_closing_nothing_is_known, open_it, close_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
