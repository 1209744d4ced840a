/* MySQL's way of writing SQL, for sqlite; and the pieces that commands are read with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/console/console_sql.h"

static char error[128];

static void test_strings_comments_and_variables_are_translated_and_the_rest_is_kept(void **state)
{
	static const struct {
		const char *mysql, *sqlite;
	} cases[] = {
		{"SELECT 1", " SELECT 1"},
		{"SELECT 'it''s'", " SELECT 'it''s'"},
		{"SELECT 'it\\'s \\n'", " SELECT 'it''s \n'"},
		{"SELECT \"a'b\"", " SELECT 'a''b'"},
		{"SELECT `a``b` FROM `t`", " SELECT `a``b` FROM `t`"},
		{"SELECT @@session.sql_mode, @x",
		 " SELECT mysql_variable('@@session.sql_mode'), mysql_variable('@x')"},
		{"SELECT 1 /* two */ + 2 -- three", " SELECT 1 + 2 "},
		{"SELECT 1 # two\n+ 2;", " SELECT 1 + 2"},
		{"SELECT _utf8mb4'x', N'y', nation", " SELECT 'x', 'y', nation"},
		{"SELECT ';' ; ", " SELECT ';' "},
		{"SELECT 5--1", " SELECT 5--1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *sql = sql_to_sqlite(cases[i].mysql, error, sizeof error);
		assert_non_null(sql);
		assert_string_equal(sql, cases[i].sqlite);
		free(sql);
	}
}

static void test_what_does_not_end_or_goes_on_is_refused(void **state)
{
	static const char *const cases[] = {"SELECT 'x",	  "SELECT \"x\\", "SELECT `x",
					    "SELECT 1; SELECT 2", "select $$",	  ":x"};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		error[0] = '\0';
		assert_null(sql_to_sqlite(cases[i], error, sizeof error));
		assert_true(*error);
	}
}

static void test_every_prefix_of_a_statement_ends(void **state)
{
	static const char sql[] = "SELECT 'a\\'b', \"c\", `d`, @@e.f, @g /* h */ -- i\n, _utf8'j' # k\n;";
	(void)state;
	for (size_t n = 0; n <= sizeof sql - 1; n++) {
		char *prefix = strndup(sql, n);
		free(sql_to_sqlite(prefix, error, sizeof error));
		free(prefix);
	}
}

static void test_columns_have_the_names_that_mysql_gives_them(void **state)
{
	static const struct {
		const char *sqlite, *mysql;
	} cases[] = {
		{"mysql_variable('@@version')", "@@version"},
		{"'it''s'", "it's"},
		{"count(*)", "count(*)"},
		{"'a' || 'b'", "'a' || 'b'"},
		{"", ""},
		{"'", "'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char name[64];
		sql_column_name(cases[i].sqlite, name, sizeof name);
		assert_string_equal(name, cases[i].mysql);
	}
}

static void test_words_and_values_are_taken_whole_or_not_at_all(void **state)
{
	(void)state;
	char text[16];
	const char *p = " /* x */ SHOW  `a b` = CONCAT('x, y', z), 5s";
	assert_false(sql_take(&p, "SHO"));
	assert_true(sql_take(&p, "show"));
	assert_true(sql_word(&p, text, sizeof text));
	assert_string_equal(text, "a b");
	assert_true(sql_take(&p, "="));
	assert_false(sql_value(&p, text, sizeof text)); /* too long for the room */
	char longer[64];
	assert_true(sql_value(&p, longer, sizeof longer));
	assert_string_equal(longer, "CONCAT('x, y', z)");
	assert_true(sql_take(&p, ","));
	assert_true(sql_value(&p, text, sizeof text));
	assert_string_equal(text, "5s");
	assert_true(sql_at_end(p));
	assert_true(sql_at_end(" ; -- end"));
	assert_false(sql_at_end("; x"));
}

static void test_schemas_are_part_of_names_or_left_out(void **state)
{
	static const struct {
		const char *mysql, *sqlite;
	} cases[] = {
		{"SELECT * FROM wye.servers", " SELECT * FROM servers"},
		{"SELECT * FROM `wye`.`servers` s", " SELECT * FROM `servers` s"},
		{"SELECT wye.servers.role FROM Stats.servers", " SELECT servers.role FROM servers"},
		{"SELECT t.a FROM information_schema.TABLES t", " SELECT t.a FROM \"information_schema.TABLES\" t"},
		{"SELECT * FROM `information_schema`.`tables`", " SELECT * FROM \"information_schema.tables\""},
		{"SELECT a.main FROM b.c", " SELECT a.main FROM b.c"},
		{"SELECT 'main.x', main, 1.main", " SELECT 'main.x', main, 1.main"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *sql = sql_to_sqlite(cases[i].mysql, error, sizeof error);
		assert_non_null(sql);
		assert_string_equal(sql, cases[i].sqlite);
		free(sql);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_comments_and_variables_are_translated_and_the_rest_is_kept),
		cmocka_unit_test(test_what_does_not_end_or_goes_on_is_refused),
		cmocka_unit_test(test_every_prefix_of_a_statement_ends),
		cmocka_unit_test(test_columns_have_the_names_that_mysql_gives_them),
		cmocka_unit_test(test_words_and_values_are_taken_whole_or_not_at_all),
		cmocka_unit_test(test_schemas_are_part_of_names_or_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
