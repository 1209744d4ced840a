/* Character sets and collations of both vendors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/charset.h"

static void check(unsigned id, const char *collation, const char *charset)
{
	const struct collation *c = collation_by_id(id);
	assert_non_null(c);
	assert_string_equal(c->name, collation);
	assert_string_equal(c->charset->name, charset);
	assert_ptr_equal(charset_by_collation_id(id), c->charset);
}

static void test_ids_name_their_collation_and_character_set(void **state)
{
	(void)state;
	check(1, "big5_chinese_ci", "big5");
	check(8, "latin1_swedish_ci", "latin1");
	check(28, "gbk_chinese_ci", "gbk");
	check(33, "utf8mb3_general_ci", "utf8mb3");
	check(45, "utf8mb4_general_ci", "utf8mb4");
	check(46, "utf8mb4_bin", "utf8mb4");
	check(63, "binary", "binary");
	check(224, "utf8mb4_unicode_ci", "utf8mb4");
	check(246, "utf8mb4_unicode_520_ci", "utf8mb4");
	check(248, "gb18030_chinese_ci", "gb18030");
	check(255, "utf8mb4_0900_ai_ci", "utf8mb4");
	check(309, "utf8mb4_0900_bin", "utf8mb4");
	check(323, "utf8mb4_mn_cyrl_0900_as_cs", "utf8mb4");
	check(2304, "utf8mb4_uca1400_ai_ci", "utf8mb4");
	assert_null(collation_by_id(0));
	assert_null(charset_by_collation_id(0));
	assert_null(charset_by_collation_id(17));
	assert_null(charset_by_collation_id(65535));
}

static void test_ids_of_mariadb_that_have_no_row_still_have_a_character_set(void **state)
{
	(void)state;
	assert_string_equal(charset_by_collation_id(2503)->name, "utf8mb4"); /* croatian */
	assert_string_equal(charset_by_collation_id(2200)->name, "utf8mb3");
	assert_string_equal(charset_by_collation_id(3271)->name, "utf32");
	assert_string_equal(charset_by_collation_id(1052)->name, "gbk"); /* without padding */
	assert_null(charset_by_collation_id(3328));
}

static void test_the_table_is_in_order_and_agrees_with_itself(void **state)
{
	(void)state;
	unsigned before = 0;
	for (unsigned id = 1; id < 4096; id++) {
		const struct collation *c = collation_by_id(id);
		if (!c)
			continue;
		assert_true(c->id == id && id > before);
		before = id;
		const struct collation *base = collation_by_id(c->charset->default_collation);
		assert_non_null(base);
		assert_ptr_equal(base->charset, c->charset);
		assert_ptr_equal(charset_by_name(view_of(c->charset->name)), c->charset);
		assert_memory_equal(c->name, c->charset->name, strlen(c->charset->name));
		assert_ptr_equal(collation_by_name(view_of(c->name))->charset, c->charset);
	}
}

static void test_a_backslash_trails_in_five_character_sets(void **state)
{
	(void)state;
	static const char *const names[] = {"big5", "cp932", "gb18030", "gbk", "sjis"};
	for (size_t i = 0; i < 5; i++)
		assert_true(charset_by_name(view_of(names[i]))->backslash_trails);
	static const char *const others[] = {"euckr", "ujis", "eucjpms", "gb2312", "utf8mb4", "latin1", "binary"};
	for (size_t i = 0; i < 7; i++)
		assert_false(charset_by_name(view_of(others[i]))->backslash_trails);
}

static void test_names_are_found_in_any_case_and_old_names_too(void **state)
{
	(void)state;
	assert_string_equal(charset_by_name(view_of("UTF8"))->name, "utf8mb3");
	assert_string_equal(charset_by_name(view_of("Utf8mb4"))->name, "utf8mb4");
	assert_null(charset_by_name(view_of("utf")));
	assert_null(charset_by_name((struct view){NULL, 0}));
	assert_int_equal(collation_by_name(view_of("utf8_general_ci"))->id, 33);
	assert_int_equal(collation_by_name(view_of("UTF8_BIN"))->id, 83);
	assert_int_equal(collation_by_name(view_of("utf8mb4_0900_ai_ci"))->id, 255);
	assert_null(collation_by_name(view_of("utf8_")));
	assert_null(collation_by_name(view_of("utf8mb4_nonsense_ci")));
}

static void check_session(unsigned id, bool mariadb, unsigned version, const char *want)
{
	const struct collation *c = charset_session_collation(id, mariadb, version);
	if (want)
		assert_string_equal(c ? c->name : "none", want);
	else
		assert_null(c);
}

static void test_a_server_gets_a_collation_that_it_knows(void **state)
{
	(void)state;
	check_session(255, true, 101119, "utf8mb4_general_ci");
	check_session(255, true, 110809, "utf8mb4_0900_ai_ci");
	check_session(255, false, 90704, "utf8mb4_0900_ai_ci");
	check_session(255, false, 50744, "utf8mb4_general_ci");
	check_session(2304, false, 90704, "utf8mb4_0900_ai_ci");
	check_session(2304, true, 110809, "utf8mb4_uca1400_ai_ci");
	check_session(213, true, 101119, "utf8mb3_croatian_mysql561_ci");
	check_session(213, false, 90704, "utf8mb3_croatian_ci");
	check_session(248, false, 90704, "gb18030_chinese_ci");
	check_session(248, true, 101119, NULL);
	check_session(8, true, 101119, "latin1_swedish_ci");
	check_session(0, true, 101119, NULL);
	check_session(35, false, 90704, NULL); /* ucs2 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_name_their_collation_and_character_set),
		cmocka_unit_test(test_ids_of_mariadb_that_have_no_row_still_have_a_character_set),
		cmocka_unit_test(test_the_table_is_in_order_and_agrees_with_itself),
		cmocka_unit_test(test_a_backslash_trails_in_five_character_sets),
		cmocka_unit_test(test_names_are_found_in_any_case_and_old_names_too),
		cmocka_unit_test(test_a_server_gets_a_collation_that_it_knows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
