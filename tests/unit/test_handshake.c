/* The packets of the connection phase, written and read back, whole and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/handshake.h"

#define ALL_CAPS 0xFFFFFFFFu

static struct buf out;
static uint8_t seq;

static int set_up(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	seq = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

/* The payload of the one packet in out. */
static struct view payload(uint8_t want_seq)
{
	struct packet p;
	assert_int_equal(packet_next(buf_data(&out), buf_len(&out), 0, &p), PACKET_OK);
	assert_int_equal(p.size, buf_len(&out));
	assert_int_equal(p.seq, want_seq);
	return p.payload;
}

static void check_view(struct view got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	if (got.len)
		assert_memory_equal(got.p, want, got.len);
}

static void test_version_numbers_of_both_vendors(void **state)
{
	(void)state;
	assert_int_equal(version_number_of("5.5.5-10.11.19-MariaDB-0+deb12u1"), 101119);
	assert_int_equal(version_number_of("11.8.9-MariaDB"), 110809);
	assert_int_equal(version_number_of("9.7.4"), 90704);
	assert_int_equal(version_number_of("8.0.36-0ubuntu0.22.04.1"), 80036);
	assert_int_equal(version_number_of("5.5.5"), 50505);
	assert_int_equal(version_number_of("8"), 80000);
	assert_int_equal(version_number_of("8.1-rc"), 80100);
	assert_int_equal(version_number_of(""), 0);
	assert_int_equal(version_number_of("wye"), 0);
	assert_true(version_is_mariadb("11.8.9-MARIADB"));
	assert_false(version_is_mariadb("9.7.4"));
	version_number_of("99999999999999999999.99999999999999999999.99999999999999999999");
}

static struct greeting sample_greeting(void)
{
	struct greeting g = {
		.protocol = 10,
		.version = "5.5.5-10.11.19-MariaDB",
		.connection_id = 0x01020304,
		.caps = 0x81fff7fe,
		.mariadb_caps = 0x1d,
		.collation = 45,
		.status = STATUS_AUTOCOMMIT,
		.plugin = PLUGIN_NATIVE,
	};
	memcpy(g.nonce, "abcdefghijklmnopqrst", NONCE_LEN);
	return g;
}

static void test_a_greeting_comes_back_as_it_was_written(void **state)
{
	(void)state;
	struct greeting g = sample_greeting(), got;
	assert_true(greeting_write(&out, &seq, &g));
	assert_int_equal(seq, 1);
	assert_int_equal(greeting_parse(payload(0), &got), PACKET_OK);
	assert_string_equal(got.version, g.version);
	assert_int_equal(got.connection_id, g.connection_id);
	assert_memory_equal(got.nonce, g.nonce, NONCE_LEN);
	assert_int_equal(got.caps, g.caps);
	assert_int_equal(got.mariadb_caps, 0x1d);
	assert_int_equal(got.collation, 45);
	assert_int_equal(got.status, STATUS_AUTOCOMMIT);
	assert_string_equal(got.plugin, PLUGIN_NATIVE);
	assert_true(got.is_mariadb);
	assert_int_equal(got.version_number, 101119);
}

static void test_the_extended_flags_are_there_only_without_the_lowest_flag(void **state)
{
	(void)state;
	struct greeting g = sample_greeting(), got;
	g.caps |= CAP_LONG_PASSWORD;
	assert_true(greeting_write(&out, &seq, &g));
	assert_int_equal(greeting_parse(payload(0), &got), PACKET_OK);
	assert_int_equal(got.mariadb_caps, 0);
}

/* As MySQL 9.7 sends it, put down by hand. */
static void test_a_greeting_of_mysql_is_understood(void **state)
{
	(void)state;
	static const uint8_t wire[] = "\x0a" "9.7.4\0" "\x0b\0\0\0" "12345678\0" "\xff\xff\xff\x02\0\xff\xdf\x15"
				      "\0\0\0\0\0\0\0\0\0\0" "901234567890\0" "caching_sha2_password";
	struct greeting got;
	assert_int_equal(greeting_parse((struct view){wire, sizeof wire}, &got), PACKET_OK);
	assert_int_equal(got.caps, 0xdfffffff);
	assert_int_equal(got.collation, 255);
	assert_int_equal(got.version_number, 90704);
	assert_false(got.is_mariadb);
	assert_memory_equal(got.nonce, "12345678901234567890", NONCE_LEN);
	assert_string_equal(got.plugin, PLUGIN_SHA2);
	/* Some servers leave out the last NUL. */
	assert_int_equal(greeting_parse((struct view){wire, sizeof wire - 1}, &got), PACKET_OK);
	assert_string_equal(got.plugin, PLUGIN_SHA2);
}

static void test_long_names_are_cut_and_not_overflowed(void **state)
{
	(void)state;
	uint8_t wire[600];
	memset(wire, 'v', sizeof wire);
	struct greeting got;
	wire[0] = 10;
	wire[300] = 0;
	memset(wire + 301, 0, 31);
	wire[314] = 0x00;
	wire[315] = 0x82; /* PROTOCOL_41, SECURE_CONNECTION */
	wire[319] = 0x08; /* PLUGIN_AUTH */
	assert_int_equal(greeting_parse((struct view){wire, sizeof wire}, &got), PACKET_OK);
	assert_int_equal(strlen(got.version), sizeof got.version - 1);
	assert_int_equal(strlen(got.plugin), sizeof got.plugin - 1);
}

static void test_other_protocols_and_cut_greetings_are_bad(void **state)
{
	(void)state;
	struct greeting g = sample_greeting(), got;
	assert_true(greeting_write(&out, &seq, &g));
	struct view whole = payload(0);
	/* The plugin's name may be cut, and the nonce's NUL be missing. */
	for (size_t n = 0; n < whole.len - strlen(PLUGIN_NATIVE) - 2; n++) {
		uint8_t *copy = malloc(n + !n);
		memcpy(copy, whole.p, n);
		assert_int_equal(greeting_parse((struct view){copy, n}, &got), PACKET_BAD);
		free(copy);
	}
	assert_int_equal(greeting_parse(view_of("\x09" "3.22"), &got), PACKET_BAD);
	assert_int_equal(greeting_parse(view_of("\xff\x10\x04Too many connections"), &got), PACKET_BAD);
}

static struct login sample_login(uint32_t caps)
{
	return (struct login){
		.caps = caps,
		.mariadb_caps = 0x1c,
		.max_packet = 1 << 24,
		.collation = 33,
		.user = view_of("app"),
		.auth = view_of("0123456789abcdefghij"),
		.schema = view_of("shop"),
		.plugin = view_of(PLUGIN_NATIVE),
		.attributes = view_of("\x0c_client_name\x08libmysql\x04_pid\x00"),
		.zstd_level = 3,
	};
}

static const uint32_t full_caps = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_PLUGIN_AUTH_LENENC |
				  CAP_CONNECT_WITH_DB | CAP_CONNECT_ATTRS | CAP_ZSTD;

static void check_login(const struct login *got, const struct login *want)
{
	check_view(got->user, "app");
	check_view(got->auth, "0123456789abcdefghij");
	check_view(got->schema, want->caps & CAP_CONNECT_WITH_DB ? "shop" : "");
	check_view(got->plugin, want->caps & CAP_PLUGIN_AUTH ? PLUGIN_NATIVE : "");
	assert_int_equal(got->attributes.len, want->caps & CAP_CONNECT_ATTRS ? want->attributes.len : 0);
	assert_int_equal(got->zstd_level, want->caps & CAP_ZSTD ? 3 : 0);
	assert_int_equal(got->max_packet, 1 << 24);
	assert_int_equal(got->collation, 33);
	assert_false(got->ssl_request);
}

static void test_logins_of_every_layout_come_back(void **state)
{
	(void)state;
	static const uint32_t optional[] = {CAP_SECURE_CONNECTION, CAP_PLUGIN_AUTH,   CAP_PLUGIN_AUTH_LENENC,
					    CAP_CONNECT_WITH_DB,   CAP_CONNECT_ATTRS, CAP_ZSTD};
	for (unsigned mix = 0; mix < 1u << 6; mix++) {
		uint32_t caps = CAP_PROTOCOL_41;
		for (unsigned i = 0; i < 6; i++)
			caps |= mix >> i & 1 ? optional[i] : 0;
		struct login l = sample_login(caps), got;
		buf_reset(&out);
		seq = 1;
		assert_true(login_write(&out, &seq, &l));
		assert_int_equal(login_parse(payload(1), ALL_CAPS, &got), PACKET_OK);
		check_login(&got, &l);
	}
}

static void test_effective_flags_are_those_of_both_sides(void **state)
{
	(void)state;
	struct login l = sample_login(full_caps | CAP_QUERY_ATTRIBUTES), got;
	assert_true(login_write(&out, &seq, &l));
	assert_int_equal(login_parse(payload(0), full_caps, &got), PACKET_OK);
	assert_int_equal(got.caps, full_caps);
	assert_int_equal(got.client_caps, full_caps | CAP_QUERY_ATTRIBUTES);
	assert_int_equal(got.mariadb_caps, 0x1c);
	/* A greeting in MySQL's style has no extended flags, so no answer has. */
	assert_int_equal(login_parse(payload(0), full_caps | CAP_LONG_PASSWORD, &got), PACKET_OK);
	assert_int_equal(got.mariadb_caps, 0);
}

static void test_an_ssl_request_is_the_first_32_bytes(void **state)
{
	(void)state;
	struct login l = sample_login(full_caps), got;
	seq = 1;
	assert_true(ssl_request_write(&out, &seq, &l));
	assert_int_equal(payload(1).len, 32);
	assert_int_equal(login_parse(payload(1), full_caps | CAP_SSL, &got), PACKET_OK);
	assert_true(got.ssl_request);
	assert_int_equal(got.caps, full_caps | CAP_SSL);
	assert_int_equal(got.collation, 33);
	assert_int_equal(login_parse(payload(1), full_caps, &got), PACKET_BAD); /* was not offered */
}

static void test_cut_logins_are_bad_or_lack_their_last_fields(void **state)
{
	(void)state;
	struct login l = sample_login(full_caps), got;
	assert_true(login_write(&out, &seq, &l));
	struct view whole = payload(0);
	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *copy = malloc(n + !n);
		memcpy(copy, whole.p, n);
		enum packet_result r = login_parse((struct view){copy, n}, ALL_CAPS, &got);
		if (n < 32 + 4 + 21)
			assert_int_equal(r, PACKET_BAD);
		free(copy);
	}
}

static void test_clients_of_before_4_1_are_bad(void **state)
{
	(void)state;
	struct login got;
	assert_int_equal(login_parse(view_of("\x85\x24\x01\x01\x01root"), ALL_CAPS, &got), PACKET_BAD);
	struct login l = sample_login(full_caps & ~CAP_PROTOCOL_41);
	assert_true(login_write(&out, &seq, &l));
	assert_int_equal(login_parse(payload(0), ALL_CAPS, &got), PACKET_BAD);
}

static void test_an_answer_too_long_for_its_form_is_not_written(void **state)
{
	(void)state;
	uint8_t big[300] = {0};
	struct login l = sample_login(full_caps & ~CAP_PLUGIN_AUTH_LENENC);
	l.auth = (struct view){big, sizeof big};
	assert_false(login_write(&out, &seq, &l));
	assert_int_equal(buf_len(&out), 0);
	assert_int_equal(seq, 0);
	l.caps |= CAP_PLUGIN_AUTH_LENENC;
	assert_true(login_write(&out, &seq, &l));
	struct login got;
	assert_int_equal(login_parse(payload(0), ALL_CAPS, &got), PACKET_OK);
	assert_int_equal(got.auth.len, 300);
}

static void test_a_full_buf_takes_no_part_of_a_packet(void **state)
{
	(void)state;
	struct greeting g = sample_greeting();
	struct login l = sample_login(full_caps);
	for (size_t max = 0; max < 64; max++) {
		struct buf small;
		buf_init(&small, max);
		uint8_t s = 5;
		assert_false(greeting_write(&small, &s, &g));
		assert_false(login_write(&small, &s, &l));
		assert_int_equal(buf_len(&small), 0);
		assert_int_equal(s, 5);
		buf_finish(&small);
	}
}

static void test_an_auth_switch_loses_its_last_nul(void **state)
{
	(void)state;
	struct view plugin, nonce;
	assert_true(auth_switch_write(&out, &seq, PLUGIN_SHA2, view_of("abcdefghijklmnopqrst")));
	struct view p = payload(0);
	assert_int_equal(p.len, 1 + sizeof PLUGIN_SHA2 + 21);
	assert_int_equal(auth_switch_parse(p, &plugin, &nonce), PACKET_OK);
	check_view(plugin, PLUGIN_SHA2);
	check_view(nonce, "abcdefghijklmnopqrst");
	p.len--;
	assert_int_equal(auth_switch_parse(p, &plugin, &nonce), PACKET_OK);
	check_view(nonce, "abcdefghijklmnopqrst");
	assert_int_equal(auth_switch_parse(view_of("\xfe"), &plugin, &nonce), PACKET_OK);
	check_view(plugin, "mysql_old_password");
	assert_int_equal(nonce.len, 0);
	assert_int_equal(auth_switch_parse(view_of("\xfe" "dialog"), &plugin, &nonce), PACKET_OK);
	check_view(plugin, "dialog");
	assert_int_equal(auth_switch_parse(view_of(""), &plugin, &nonce), PACKET_BAD);
	assert_int_equal(auth_switch_parse(view_of("\x01"), &plugin, &nonce), PACKET_BAD);
}

static void test_more_data_is_a_byte_and_the_data(void **state)
{
	(void)state;
	assert_true(auth_more_write(&out, &seq, "\x03", 1));
	check_view(payload(0), "\x01\x03");
}

static void test_a_change_of_user_comes_back(void **state)
{
	(void)state;
	struct login l = sample_login(full_caps), got;
	l.collation = 2304;
	assert_true(change_user_write(&out, &seq, &l));
	struct view p = payload(0);
	assert_int_equal(change_user_parse(p, full_caps, &got), PACKET_OK);
	check_view(got.user, "app");
	check_view(got.auth, "0123456789abcdefghij");
	check_view(got.schema, "shop");
	check_view(got.plugin, PLUGIN_NATIVE);
	assert_int_equal(got.collation, 2304);
	assert_int_equal(got.attributes.len, l.attributes.len);
	assert_int_equal(got.caps, full_caps);
	/* Old drivers end after the schema. */
	assert_int_equal(change_user_parse((struct view){p.p, 1 + 4 + 21 + 5}, full_caps, &got), PACKET_OK);
	assert_int_equal(got.collation, 0);
	check_view(got.schema, "shop");
	assert_int_equal(change_user_parse((struct view){p.p, 5}, full_caps, &got), PACKET_BAD);
	assert_int_equal(change_user_parse(view_of("\x03SELECT 1"), full_caps, &got), PACKET_BAD);
}

static void test_attributes_come_one_by_one(void **state)
{
	(void)state;
	struct view rest = view_of("\x0c_client_name\x08libmysql\x04_pid\x03" "123"), name, value;
	assert_true(attribute_next(&rest, &name, &value));
	check_view(name, "_client_name");
	check_view(value, "libmysql");
	assert_true(attribute_next(&rest, &name, &value));
	check_view(name, "_pid");
	check_view(value, "123");
	assert_false(attribute_next(&rest, &name, &value));
	assert_int_equal(rest.len, 0);
	rest = view_of("\x04_pid\x09" "123");
	assert_false(attribute_next(&rest, &name, &value));
	assert_int_not_equal(rest.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_version_numbers_of_both_vendors),
		TEST(test_a_greeting_comes_back_as_it_was_written),
		TEST(test_the_extended_flags_are_there_only_without_the_lowest_flag),
		TEST(test_a_greeting_of_mysql_is_understood),
		TEST(test_long_names_are_cut_and_not_overflowed),
		TEST(test_other_protocols_and_cut_greetings_are_bad),
		TEST(test_logins_of_every_layout_come_back),
		TEST(test_effective_flags_are_those_of_both_sides),
		TEST(test_an_ssl_request_is_the_first_32_bytes),
		TEST(test_cut_logins_are_bad_or_lack_their_last_fields),
		TEST(test_clients_of_before_4_1_are_bad),
		TEST(test_an_answer_too_long_for_its_form_is_not_written),
		TEST(test_a_full_buf_takes_no_part_of_a_packet),
		TEST(test_an_auth_switch_loses_its_last_nul),
		TEST(test_more_data_is_a_byte_and_the_data),
		TEST(test_a_change_of_user_comes_back),
		TEST(test_attributes_come_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
