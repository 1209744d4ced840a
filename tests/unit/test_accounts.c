/* Sets of accounts, matched as the servers match them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "proxy/accounts.h"

static struct account account_of(const char *user, const char *host)
{
	struct account a = {.plugin = ACCOUNT_NATIVE};
	snprintf(a.user, sizeof a.user, "%s", user);
	snprintf(a.host, sizeof a.host, "%s", host);
	strcpy(a.plugin_name, "mysql_native_password");
	return a;
}

static void add(struct account_set *set, const char *user, const char *host)
{
	struct account a = account_of(user, host);
	assert_true(account_set_add(set, &a));
}

/* The host pattern that a client of this user and address is matched with, "none" when with none. */
static const char *matched(const struct account_set *set, const char *user, const char *address)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v4 = {.sin_family = AF_INET}};
	if (address && strchr(address, ':')) {
		a.v6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, address, &a.v6.sin6_addr), 1);
	} else if (address) {
		assert_int_equal(inet_pton(AF_INET, address, &a.v4.sin_addr), 1);
	}
	const struct account *found = account_find(set, view_of(user), address ? &a.sa : NULL);
	return found ? found->host : "none";
}

static void test_the_most_specific_host_wins_whatever_the_order_they_were_added_in(void **state)
{
	(void)state;
	static const char *const hosts[] = {
	    "10.1.2.3", "10.1.2.0/255.255.255.0", "10.1.0.0/16", "10.1.%", "10.%", "%",
	};
	static const struct {
		const char *address, *host;
	} expected[] = {
	    {"10.1.2.3", "10.1.2.3"},    {"10.1.2.4", "10.1.2.0/255.255.255.0"},
	    {"10.1.9.9", "10.1.0.0/16"}, {"10.2.0.1", "10.%"},
	    {"192.168.0.1", "%"},        {"::ffff:10.1.2.3", "10.1.2.3"},
	    {"2001:db8::1", "%"},
	};
	for (unsigned turn = 0; turn < 2; turn++) {
		struct account_set *set = account_set_create();
		for (unsigned i = 0; i < 6; i++)
			add(set, "u", hosts[turn ? i : 5 - i]);
		account_set_seal(set);
		for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
			assert_string_equal(matched(set, "u", expected[i].address), expected[i].host);
		account_set_unref(set);
	}
}

static void test_the_longer_plain_beginning_of_a_pattern_is_the_more_specific(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "u", "10.%.3.4");
	add(set, "u", "10.2.%");
	add(set, "u", "1_.2.3.4");
	account_set_seal(set);
	assert_string_equal(matched(set, "u", "10.2.3.4"), "10.2.%");
	assert_string_equal(matched(set, "u", "10.9.3.4"), "10.%.3.4");
	assert_string_equal(matched(set, "u", "11.2.3.4"), "1_.2.3.4");
	assert_string_equal(matched(set, "u", "11.2.3.5"), "none");
	account_set_unref(set);
}

static void test_the_anonymous_user_comes_before_a_name_only_with_a_more_specific_host(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "", "10.0.0.1");
	add(set, "", "%");
	add(set, "u", "%");
	account_set_seal(set);
	assert_string_equal(matched(set, "u", "10.0.0.1"), "10.0.0.1");
	assert_string_equal(account_find(set, view_of("u"), NULL)->user, "u");
	assert_string_equal(matched(set, "nobody", "10.0.0.2"), "%");
	assert_string_equal(account_find(set, view_of("nobody"), NULL)->user, "");
	account_set_unref(set);
}

static void test_socket_and_loopback_clients_are_localhost(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "root", "localhost");
	add(set, "other", "127.0.0.1");
	add(set, "other", "localhost");
	add(set, "far", "db.example.com");
	account_set_seal(set);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	assert_non_null(account_find(set, view_of("root"), (struct sockaddr *)&un));
	assert_string_equal(matched(set, "root", NULL), "localhost");
	assert_string_equal(matched(set, "root", "127.0.0.1"), "localhost");
	assert_string_equal(matched(set, "root", "::1"), "localhost");
	assert_string_equal(matched(set, "root", "10.0.0.1"), "none");
	assert_string_equal(matched(set, "other", "127.0.0.1"), "127.0.0.1");
	assert_string_equal(matched(set, "other", NULL), "localhost");
	assert_string_equal(matched(set, "far", "127.0.0.1"), "none");
	account_set_unref(set);
}

static void test_networks_of_both_address_families_and_malformed_ones(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "six", "2001:db8::/32");
	add(set, "all", "0.0.0.0/0");
	add(set, "bad", "10.0.0.0/33");
	add(set, "bad", "10.0.0.0/255.255.255.0.0");
	add(set, "bad", "300.0.0.0/8");
	add(set, "bad", "/8");
	add(set, "bad", "10.0.0.0/ffff::");
	account_set_seal(set);
	assert_string_equal(matched(set, "six", "2001:db8:1::1"), "2001:db8::/32");
	assert_string_equal(matched(set, "six", "2001:db9::1"), "none");
	assert_string_equal(matched(set, "all", "1.2.3.4"), "0.0.0.0/0");
	assert_string_equal(matched(set, "all", "::2"), "none");
	assert_string_equal(matched(set, "bad", "10.0.0.1"), "none");
	account_set_unref(set);
}

static void test_accounts_by_hand_come_before_those_of_the_primary(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "u", "10.0.0.1");
	struct account hand = account_of("u", "%");
	hand.by_hand = true;
	assert_true(account_set_add(set, &hand));
	account_set_seal(set);
	assert_true(account_find(set, view_of("u"), NULL)->by_hand);
	assert_string_equal(matched(set, "u", "10.0.0.1"), "%");
	account_set_unref(set);
}

static void test_the_user_name_is_compared_byte_by_byte(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	add(set, "App", "%");
	add(set, "app", "%");
	add(set, "app2", "%");
	account_set_seal(set);
	assert_string_equal(account_find(set, view_of("App"), NULL)->user, "App");
	assert_string_equal(account_find(set, view_of("app"), NULL)->user, "app");
	assert_null(account_find(set, view_of("ap"), NULL));
	assert_null(account_find(set, view_of("APP"), NULL));
	uint8_t with_nul[] = {'a', 'p', 'p', 0};
	assert_null(account_find(set, (struct view){with_nul, 4}, NULL));
	assert_null(account_find(set, (struct view){NULL, 0}, NULL));
	assert_null(account_find(NULL, view_of("app"), NULL));
	account_set_unref(set);
}

static void test_the_id_changes_with_the_verifier_and_not_with_a_lock(void **state)
{
	(void)state;
	struct account a = account_of("u", "%");
	uint64_t id = account_id(&a);
	a.locked = a.password_expired = a.require_tls = true;
	assert_int_equal(account_id(&a), id);
	a.verifier[0] = '*';
	a.verifier_len = 1;
	assert_int_not_equal(account_id(&a), id);
}

static void test_sets_are_equal_when_their_accounts_are(void **state)
{
	(void)state;
	struct account_set *a = account_set_create(), *b = account_set_create();
	add(a, "u", "%");
	add(a, "v", "10.%");
	add(b, "v", "10.%");
	add(b, "u", "%");
	account_set_seal(a);
	account_set_seal(b);
	assert_true(account_set_equal(a, b));
	assert_false(account_set_equal(a, NULL));
	account_set_unref(b);
	b = account_set_create();
	struct account locked = account_of("u", "%");
	locked.locked = true;
	assert_true(account_set_add(b, &locked));
	add(b, "v", "10.%");
	account_set_seal(b);
	assert_false(account_set_equal(a, b));
	account_set_unref(account_set_ref(b));
	account_set_unref(b);
	account_set_unref(a);
}

static void test_a_malformed_account_is_refused(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	struct account a = account_of("u", "%");
	a.verifier_len = sizeof a.verifier + 1;
	assert_false(account_set_add(set, &a));
	a = account_of("u", "%");
	memset(a.user, 'x', sizeof a.user);
	assert_false(account_set_add(set, &a));
	assert_int_equal(account_set_size(set), 0);
	account_set_seal(set);
	assert_null(account_find(set, view_of("u"), NULL));
	account_set_unref(set);
}

static void test_ten_thousand_accounts_are_found(void **state)
{
	(void)state;
	struct account_set *set = account_set_create();
	char name[32];
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "user%u", i * 7919 % 10000);
		add(set, name, "%");
	}
	account_set_seal(set);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "user%u", i);
		const struct account *found = account_find(set, view_of(name), NULL);
		assert_non_null(found);
		assert_string_equal(found->user, name);
	}
	account_set_unref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_most_specific_host_wins_whatever_the_order_they_were_added_in),
	    cmocka_unit_test(test_the_longer_plain_beginning_of_a_pattern_is_the_more_specific),
	    cmocka_unit_test(test_the_anonymous_user_comes_before_a_name_only_with_a_more_specific_host),
	    cmocka_unit_test(test_socket_and_loopback_clients_are_localhost),
	    cmocka_unit_test(test_networks_of_both_address_families_and_malformed_ones),
	    cmocka_unit_test(test_accounts_by_hand_come_before_those_of_the_primary),
	    cmocka_unit_test(test_the_user_name_is_compared_byte_by_byte),
	    cmocka_unit_test(test_the_id_changes_with_the_verifier_and_not_with_a_lock),
	    cmocka_unit_test(test_sets_are_equal_when_their_accounts_are),
	    cmocka_unit_test(test_a_malformed_account_is_refused),
	    cmocka_unit_test(test_ten_thousand_accounts_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
