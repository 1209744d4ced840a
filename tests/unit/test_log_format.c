/* Lines as text and as JSON, the queue that holds them, what is left out when there are too many, and the areas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/log_format.h"
#include "proxy/log_repeats.h"

#define SECOND 1000000LL

static struct log_record record;
static char line[LOG_FORMATTED_MAX + 1];

static const char *formatted(enum log_format format, bool journal, const char *text)
{
	record = (struct log_record){.time_us = 1700000000123456, .level = LOG_LEVEL_WARNING, .area = "sessions",
				     .thread = "w0", .event = "session-end", .len = strlen(text)};
	memcpy(record.text, text, record.len);
	line[log_format_record(&record, format, journal, line)] = '\0';
	return line;
}

#define JSON_HEAD                                                                                                      \
	"{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warning\",\"area\":\"sessions\",\"thread\":\"w0\","        \
	"\"event\":\"session-end\""

static void test_a_line_of_text(void **state)
{
	(void)state;
	assert_string_equal(formatted(LOG_FORMAT_TEXT, false, "user=app a\nb"),
			    "2023-11-14T22:13:20.123Z warning w0 session-end user=app a b\n");
	assert_string_equal(formatted(LOG_FORMAT_TEXT, true, "user=app"), "<4>w0 session-end user=app\n");
}

static void test_fields_become_members_and_the_rest_the_text(void **state)
{
	(void)state;
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, "session=7 user=\"a \\\"b\\\\\" end=quit"),
			    JSON_HEAD ",\"session\":\"7\",\"user\":\"a \\\"b\\\\\",\"end\":\"quit\"}\n");
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, "server=db:1 it is gone: x=1"),
			    JSON_HEAD ",\"server\":\"db:1\",\"text\":\"it is gone: x=1\"}\n");
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, ""), JSON_HEAD "}\n");
	/* A member has its name once. */
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, "level=info"), JSON_HEAD ",\"text\":\"level=info\"}\n");
}

static void test_any_bytes_are_valid_json(void **state)
{
	(void)state;
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, "user=\"\xc3\xa9\xff\x01\xed\xa0\x80\" \xe2\x82"),
			    JSON_HEAD ",\"user\":\"\xc3\xa9\\ufffd\\u0001\\ufffd\\ufffd\\ufffd\",\"text\":\"\\ufffd\\ufffd\"}\n");
	assert_string_equal(formatted(LOG_FORMAT_JSON, false, "user=\"never ends\\"),
			    JSON_HEAD ",\"user\":\"never ends\\\\\"}\n");
}

static void test_fields_of_any_bytes_cannot_forge_others(void **state)
{
	(void)state;
	struct log_fields f = {.len = 0};
	log_field(&f, "user", "x end=quit");
	log_field(&f, "empty", "");
	log_field(&f, "quoted", "a\"b\\c\nd");
	log_field_number(&f, "n", 12);
	assert_string_equal(f.text, "user=\"x end=quit\" quoted=\"a\\\"b\\\\c d\" n=12");
	char large[3 * LOG_LINE_MAX];
	memset(large, '"', sizeof large);
	log_field_bytes(&f, "large", large, sizeof large);
	log_field(&f, "more", "left out");
	assert_true(f.len < LOG_LINE_MAX && f.text[f.len - 1] == '"' && f.text[f.len] == '\0');
}

static void test_the_queue_is_bounded_and_keeps_the_order(void **state)
{
	(void)state;
	for (unsigned lap = 0; lap < 3; lap++) {
		for (unsigned i = 0; i < LOG_QUEUE_SLOTS; i++) {
			struct log_record *r = log_queue_claim();
			assert_non_null(r);
			r->len = i;
			log_queue_pass(r);
		}
		assert_null(log_queue_claim());
		for (unsigned i = 0; i < LOG_QUEUE_SLOTS; i++) {
			struct log_record *r = log_queue_take();
			assert_non_null(r);
			assert_int_equal(r->len, i);
			log_queue_give_back(r);
		}
		assert_null(log_queue_take());
	}
	/* One that is being filled in holds up those behind it. */
	struct log_record *slow = log_queue_claim(), *quick = log_queue_claim();
	log_queue_pass(quick);
	assert_null(log_queue_take());
	log_queue_pass(slow);
	assert_ptr_equal(log_queue_take(), slow);
	log_queue_give_back(slow);
	assert_ptr_equal(log_queue_take(), quick);
	log_queue_give_back(quick);
}

static uint64_t told;

static void tell(const char *event, enum log_level level, uint64_t times)
{
	assert_string_equal(event, "often");
	assert_int_equal(level, LOG_LEVEL_INFO);
	told += times;
}

static void test_what_comes_too_often_is_counted_and_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(log_repeats_allow("often", LOG_LEVEL_INFO, 5 * SECOND + i, 3, tell), i < 3);
	assert_true(log_repeats_allow("seldom", LOG_LEVEL_INFO, 5 * SECOND, 3, tell));
	assert_true(log_repeats_pending());
	log_repeats_tell(5 * SECOND + 100, tell);
	assert_int_equal(told, 0);
	log_repeats_tell(6 * SECOND + 1, tell);
	assert_int_equal(told, 7);
	assert_false(log_repeats_pending());
	/* The next second has its own share, and the one that is over is told ahead. */
	for (unsigned i = 0; i < 5; i++)
		log_repeats_allow("often", LOG_LEVEL_INFO, 8 * SECOND, 3, tell);
	assert_true(log_repeats_allow("often", LOG_LEVEL_INFO, 9 * SECOND, 3, tell));
	assert_int_equal(told, 9);
}

static void test_areas_have_levels_of_their_own(void **state)
{
	(void)state;
	char error[256];
	log_set_level(LOG_LEVEL_WARNING);
	assert_true(log_set_levels("sessions=debug, servers=error", false, error, sizeof error));
	assert_true(log_wants(LOG_LEVEL_DEBUG, "session-end"));
	assert_false(log_wants(LOG_LEVEL_WARNING, "replica-out"));
	assert_true(log_wants(LOG_LEVEL_WARNING, "stopped"));
	assert_false(log_wants(LOG_LEVEL_INFO, "configuration"));
	assert_false(log_set_levels("session=debug", false, error, sizeof error));
	assert_non_null(strstr(error, "did you mean 'sessions'"));
	assert_false(log_set_levels("pools=loud", false, error, sizeof error));
	assert_non_null(strstr(error, "warning"));
	assert_false(log_set_levels("pools", false, error, sizeof error));
	assert_true(log_wants(LOG_LEVEL_DEBUG, "session-end"));
	assert_true(log_set_levels("", true, error, sizeof error)); /* only looked at */
	assert_true(log_wants(LOG_LEVEL_DEBUG, "session-end"));
	assert_true(log_set_levels("", false, error, sizeof error));
	assert_false(log_wants(LOG_LEVEL_DEBUG, "session-end"));
	assert_int_equal(log_area_of("server-full"), LOG_AREA_POOLS);
	assert_int_equal(log_area_of("server-down"), LOG_AREA_SERVERS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_of_text),
		cmocka_unit_test(test_fields_become_members_and_the_rest_the_text),
		cmocka_unit_test(test_any_bytes_are_valid_json),
		cmocka_unit_test(test_fields_of_any_bytes_cannot_forge_others),
		cmocka_unit_test(test_the_queue_is_bounded_and_keeps_the_order),
		cmocka_unit_test(test_what_comes_too_often_is_counted_and_told),
		cmocka_unit_test(test_areas_have_levels_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
