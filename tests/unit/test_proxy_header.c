/* PROXY headers, versions 1 and 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/proxy_header.h"

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define IP4 SIGN "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x0c\xea"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* As it comes, byte by byte: what the whole is, and that it is known with its last byte, not before. */
static enum packet_result parse(const void *bytes, size_t len, struct proxy_header *h)
{
	enum packet_result got = PACKET_PARTIAL;
	for (size_t n = 0; n <= len && got == PACKET_PARTIAL; n++) {
		struct view view = {bytes, n};
		got = proxy_header_parse(view, h);
		if (got == PACKET_PARTIAL)
			assert_int_not_equal(proxy_header_sign(view), PROXY_HEADER_ABSENT);
		if (got == PACKET_OK)
			assert_int_equal(h->size, n);
	}
	return got;
}

static enum packet_result parse_text(const char *text, struct proxy_header *h)
{
	return parse(text, strlen(text), h);
}

static void assert_ip4(const struct proxy_header *h, const char *address, unsigned port)
{
	assert_int_equal(h->client, PROXY_CLIENT_IP);
	assert_memory_equal(h->address, mapped, sizeof mapped);
	assert_memory_equal(h->address + sizeof mapped, address, 4);
	assert_int_equal(h->port, port);
}

static void test_a_line_tells_the_client(void **state)
{
	(void)state;
	struct proxy_header h;
	assert_int_equal(parse_text("PROXY TCP4 192.0.2.7 192.0.2.1 51234 3306\r\n", &h), PACKET_OK);
	assert_ip4(&h, "\xc0\x00\x02\x07", 51234);
	assert_int_equal(parse_text("PROXY TCP6 2001:db8::7 ::1 0 65535\r\n", &h), PACKET_OK);
	assert_int_equal(h.client, PROXY_CLIENT_IP);
	assert_memory_equal(h.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
	assert_int_equal(parse_text("PROXY TCP6 ::ffff:192.0.2.7 ::1 9 3306\r\n", &h), PACKET_OK);
	assert_ip4(&h, "\xc0\x00\x02\x07", 9);
	/* The longest that there is. */
	assert_int_equal(parse_text("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
				    " ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", &h), PACKET_OK);
}

static void test_a_proxy_may_not_know(void **state)
{
	(void)state;
	struct proxy_header h;
	static const char *const lines[] = {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN of any words  \r\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(parse_text(lines[i], &h), PACKET_OK);
		assert_int_equal(h.client, PROXY_CLIENT_SAME);
	}
}

static void test_a_line_that_is_not_right_in_every_byte_is_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"PROXY \r\n", "PROXY \n", "PROXY TCP4\r\n", "PROXY tcp4 192.0.2.7 192.0.2.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n", "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n", "PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n",
		"PROXY TCP4 192.0.2 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2.7 host 1 2\r\n",
		"PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n",
		"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "PROXY UNIX /a /b\r\n", "PROXY UNKNOWN_ 1\r\n",
	};
	struct proxy_header h;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (parse_text(lines[i], &h) != PACKET_BAD)
			fail_msg("taken: %s", lines[i]);
	assert_int_equal(parse("PROXY TCP4 192.0.2.7\0 192.0.2.1 1 2\r\n", 38, &h), PACKET_BAD);
}

static void test_a_line_ends_in_time(void **state)
{
	(void)state;
	struct proxy_header h;
	char line[200];
	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_header_parse((struct view){(uint8_t *)line, 106}, &h), PACKET_PARTIAL);
	assert_int_equal(proxy_header_parse((struct view){(uint8_t *)line, 107}, &h), PACKET_BAD);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(parse(line, sizeof line, &h), PACKET_OK);
	assert_int_equal(h.size, 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(parse(line, sizeof line, &h), PACKET_BAD);
}

static void test_a_binary_header_tells_the_client(void **state)
{
	(void)state;
	struct proxy_header h;
	assert_int_equal(parse(IP4, sizeof IP4 - 1, &h), PACKET_OK);
	assert_ip4(&h, "\xc0\x00\x02\x07", 51234);
	uint8_t bytes[16 + 216] = SIGN "\x21\x21\x00\x24";
	memcpy(bytes + 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
	memcpy(bytes + 48, "\x00\x09", 2);
	assert_int_equal(parse(bytes, 16 + 36, &h), PACKET_OK);
	assert_memory_equal(h.address, bytes + 16, 16);
	assert_int_equal(h.port, 9);
	memcpy(bytes + 12, "\x21\x31\x00\xd8", 4);
	assert_int_equal(parse(bytes, 16 + 216, &h), PACKET_OK);
	assert_int_equal(h.client, PROXY_CLIENT_UNIX);
	memcpy(bytes + 12, "\x21\x00\x00\x05", 4);
	assert_int_equal(parse(bytes, 16 + 5, &h), PACKET_OK);
	assert_int_equal(h.client, PROXY_CLIENT_SAME);
}

static void test_what_a_proxy_tells_beside_addresses_is_passed_over(void **state)
{
	(void)state;
	static uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	memset(bytes, 0xee, sizeof bytes);
	memcpy(bytes, IP4, sizeof IP4 - 1);
	memcpy(bytes + 14, "\xff\xff", 2);
	assert_int_equal(proxy_header_parse((struct view){bytes, sizeof bytes - 1}, &h), PACKET_PARTIAL);
	assert_int_equal(proxy_header_parse((struct view){bytes, sizeof bytes}, &h), PACKET_OK);
	assert_int_equal(h.size, sizeof bytes);
	assert_ip4(&h, "\xc0\x00\x02\x07", 51234);
}

static void test_a_proxy_may_come_by_itself(void **state)
{
	(void)state;
	struct proxy_header h;
	static const char *const heads[] = {SIGN "\x20\x00\x00\x00", SIGN "\x20\x11\x00\x0c", SIGN "\x20\xff\x00\x01"};
	static const size_t sizes[] = {16, 28, 17};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		uint8_t bytes[28] = {0};
		memcpy(bytes, heads[i], 16);
		assert_int_equal(parse(bytes, sizes[i], &h), PACKET_OK);
		assert_int_equal(h.client, PROXY_CLIENT_SAME);
	}
}

static void test_a_binary_header_that_lies_is_refused(void **state)
{
	(void)state;
	static const char heads[][17] = {
		SIGN "\x11\x11\x00\x0c", /* version 1 */
		SIGN "\x31\x11\x00\x0c", /* version 3 */
		SIGN "\x22\x11\x00\x0c", /* an unknown command */
		SIGN "\x21\x11\x00\x0b", /* too short for its addresses */
		SIGN "\x21\x21\x00\x23",
		SIGN "\x21\x31\x00\xd7",
		SIGN "\x21\x12\x00\x0c", /* datagrams */
		SIGN "\x21\x10\x00\x0c",
		SIGN "\x21\x01\x00\x0c",
		SIGN "\x21\x41\x00\x0c", /* an unknown family */
	};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		uint8_t bytes[16 + 256] = {0};
		struct proxy_header h;
		memcpy(bytes, heads[i], 16);
		if (parse(bytes, sizeof bytes, &h) != PACKET_BAD)
			fail_msg("row %zu was taken", i);
	}
}

static void test_what_clients_send_is_no_header(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		enum proxy_header_sign sign;
	} rows[] = {
		{"", 0, PROXY_HEADER_UNCLEAR},        {"P", 1, PROXY_HEADER_UNCLEAR},
		{"PROXY", 5, PROXY_HEADER_UNCLEAR},   {"PROXY ", 6, PROXY_HEADER_PRESENT},
		{"PROXX", 5, PROXY_HEADER_ABSENT},    {"P\0\0\1", 4, PROXY_HEADER_ABSENT},
		{"\r\0\0\1", 4, PROXY_HEADER_ABSENT}, {"\r\n\r\n", 4, PROXY_HEADER_UNCLEAR},
		{SIGN, 11, PROXY_HEADER_UNCLEAR},     {SIGN, 12, PROXY_HEADER_PRESENT},
		{"\x20\0\0\1", 4, PROXY_HEADER_ABSENT},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (proxy_header_sign((struct view){(const uint8_t *)rows[i].bytes, rows[i].len}) != rows[i].sign)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_tells_the_client),
		cmocka_unit_test(test_a_proxy_may_not_know),
		cmocka_unit_test(test_a_line_that_is_not_right_in_every_byte_is_refused),
		cmocka_unit_test(test_a_line_ends_in_time),
		cmocka_unit_test(test_a_binary_header_tells_the_client),
		cmocka_unit_test(test_what_a_proxy_tells_beside_addresses_is_passed_over),
		cmocka_unit_test(test_a_proxy_may_come_by_itself),
		cmocka_unit_test(test_a_binary_header_that_lies_is_refused),
		cmocka_unit_test(test_what_clients_send_is_no_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
