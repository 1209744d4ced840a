/* MariaDB's mysql.global_priv: which of an account's plugins is taken, and what is no account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "proxy/accounts_json.h"

#define HASH "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"

static bool read_priv(const char *priv, struct account *a)
{
	struct accounts_json *j = accounts_json_create();
	assert_non_null(j);
	bool ok = accounts_json_read(j, "u", "%", priv, a);
	accounts_json_destroy(j);
	return ok;
}

static void test_a_usual_account(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv(
	    "{\"access\":18446744073709551615,\"version_id\":101119,\"plugin\":\"mysql_native_password\","
	    "\"authentication_string\":\"" HASH "\",\"password_last_changed\":1795225778}",
	    &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_int_equal(a.verifier_len, 41);
	assert_memory_equal(a.verifier, HASH, 41);
	assert_false(a.locked || a.password_expired || a.require_tls || a.by_hand);
}

static void test_without_a_plugin_it_is_native_and_without_a_password(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv("{\"access\":18446744073709551615}", &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_int_equal(a.verifier_len, 0);
	assert_string_equal(a.plugin_name, "mysql_native_password");
}

static void test_of_several_plugins_one_that_can_be_verified_is_taken(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv(
	    "{\"plugin\":\"ed25519\",\"authentication_string\":\"ZIgUREUg5PVgQ6LskhXmO+"
	    "eZLS0nC8be6HPjYWR4YJY\","
	    "\"auth_or\":[{},{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"" HASH "\"}]}",
	    &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_memory_equal(a.verifier, HASH, 41);
	assert_true(read_priv("{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"" HASH "\","
	                      "\"auth_or\":[{\"plugin\":\"unix_socket\"},{}]}",
	                      &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_memory_equal(a.verifier, HASH, 41);
	assert_true(read_priv("{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"invalid\","
	                      "\"auth_or\":[{},{\"plugin\":\"unix_socket\"}]}",
	                      &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_int_equal(a.verifier_len, 7);
}

#define KEY "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"

static void test_ed25519_can_be_verified(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv("{\"plugin\":\"ed25519\",\"authentication_string\":\"" KEY "\"}", &a));
	assert_int_equal(a.plugin, ACCOUNT_ED25519);
	assert_memory_equal(a.verifier, KEY, sizeof KEY - 1);
	/* Native is preferred: it takes one packet. */
	assert_true(read_priv("{\"plugin\":\"ed25519\",\"authentication_string\":\"" KEY "\",\"auth_or\":[{},"
			      "{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"" HASH "\"}]}",
			      &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	/* And a key to none. */
	assert_true(read_priv("{\"plugin\":\"ed25519\",\"authentication_string\":\"\",\"auth_or\":[{},"
			      "{\"plugin\":\"ed25519\",\"authentication_string\":\"" KEY "\"}]}",
			      &a));
	assert_int_equal(a.verifier_len, sizeof KEY - 1);
}

static void test_a_plugin_that_cannot_be_verified_is_named(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv("{\"plugin\":\"pam\",\"authentication_string\":\"mariadb\"}", &a));
	assert_int_equal(a.plugin, ACCOUNT_OTHER);
	assert_string_equal(a.plugin_name, "pam");
}

static void test_flags(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv(
	    "{\"plugin\":\"\",\"account_locked\":true,\"password_last_changed\":0,\"ssl_type\":1}", &a));
	assert_true(a.locked && a.password_expired && a.require_tls);
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
}

static void test_an_account_may_want_any_certificate_but_not_one_of_somebody(void **state)
{
	(void)state;
	struct account a;
	assert_true(read_priv("{\"authentication_string\":\"" HASH "\",\"ssl_type\":2}", &a));
	assert_int_equal(a.plugin, ACCOUNT_NATIVE);
	assert_true(a.require_tls && a.require_certificate && a.verifier_len);
	assert_true(read_priv("{\"authentication_string\":\"" HASH "\",\"ssl_type\":3}", &a));
	assert_int_equal(a.plugin, ACCOUNT_OTHER);
	assert_true(a.require_tls && !a.require_certificate);
	assert_int_equal(a.verifier_len, 0);
}

static void test_roles_and_rubbish_are_left_out(void **state)
{
	(void)state;
	struct account a;
	assert_false(read_priv("{\"access\":0,\"is_role\":true}", &a));
	assert_false(read_priv("", &a));
	assert_false(read_priv("{\"plugin\":", &a));
	struct accounts_json *j = accounts_json_create();
	char long_name[400];
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	assert_false(accounts_json_read(j, long_name, "%", "{}", &a));
	assert_false(accounts_json_read(j, "u", long_name, "{}", &a));
	assert_true(accounts_json_read(j, "u", "%", "{}", &a));
	char priv[500];
	snprintf(priv, sizeof priv, "{\"authentication_string\":\"%s\"}", long_name);
	assert_false(accounts_json_read(j, "u", "%", priv, &a));
	accounts_json_destroy(j);
	accounts_json_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_usual_account),
	    cmocka_unit_test(test_without_a_plugin_it_is_native_and_without_a_password),
	    cmocka_unit_test(test_of_several_plugins_one_that_can_be_verified_is_taken),
	    cmocka_unit_test(test_ed25519_can_be_verified),
	    cmocka_unit_test(test_a_plugin_that_cannot_be_verified_is_named),
	    cmocka_unit_test(test_flags),
	    cmocka_unit_test(test_an_account_may_want_any_certificate_but_not_one_of_somebody),
	    cmocka_unit_test(test_roles_and_rubbish_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
