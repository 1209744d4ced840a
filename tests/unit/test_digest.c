/* What a digest keeps of a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/digest.h"

static uint64_t digest_of(const char *sql, uint8_t *text, size_t capacity, size_t *len)
{
	static const struct dialect dialect = {.flavor = FLAVOR_MYSQL, .version = 90704};
	struct digest d;
	struct lexer lx;
	struct token t;
	lexer_init(&lx, view_of(sql), &dialect);
	digest_init(&d, text, capacity);
	do {
		lexer_next(&lx, &t);
		digest_add(&d, &t);
	} while (t.kind != TOKEN_END);
	if (len)
		*len = digest_text(&d).len;
	return digest_hash(&d);
}

static void expect(const char *sql, const char *wanted)
{
	uint8_t text[300];
	size_t len;
	uint64_t with_text = digest_of(sql, text, sizeof text, &len);
	text[len] = 0;
	assert_string_equal((char *)text, wanted);
	/* The hash is the same whether or not the text is written. */
	assert_true(with_text == digest_of(sql, NULL, 0, NULL));
}

static void same(const char *a, const char *b)
{
	assert_true(digest_of(a, NULL, 0, NULL) == digest_of(b, NULL, 0, NULL));
}

static void differ(const char *a, const char *b)
{
	assert_true(digest_of(a, NULL, 0, NULL) != digest_of(b, NULL, 0, NULL));
}

static void test_literals_become_question_marks_with_their_sign(void **state)
{
	(void)state;
	expect("select a from t where b=1 and c='x' 'y' and d=-1.5e3",
	       "SELECT a FROM t WHERE b = ? AND c = ? AND d = ?");
	expect("select a-1, b - -1, -c", "SELECT a - ?, b - ?, - c");
	expect("select ? , 0x1f, x'41', null", "SELECT ?, ?, ?, NULL");
	same("select 1", "SELECT 'a'");
	same("select -1", "SELECT +2.5");
}

static void test_a_password_is_no_part_of_the_text_however_it_is_written(void **state)
{
	(void)state;
	expect("set password = `x`", "SET PASSWORD = ?");
	expect("SET PASSWORD FOR u@h = x", "SET PASSWORD FOR u @h = ?");
	expect("SET PASSWORD = PASSWORD(`x`)", "SET PASSWORD = PASSWORD(?)");
	expect("create user a IDENTIFIED BY `x`", "CREATE USER a IDENTIFIED BY ?");
	expect("ALTER USER a IDENTIFIED WITH p BY x REPLACE `y`", "ALTER USER a IDENTIFIED WITH p BY ? REPLACE ?");
	expect("CHANGE MASTER TO MASTER_PASSWORD=`x`, MASTER_USER=`u`", "CHANGE MASTER TO MASTER_PASSWORD = ?, MASTER_USER = `u`");
	expect("SELECT 1; SET PASSWORD = `x`; SELECT `x`", "SELECT ?; SET PASSWORD = ?; SELECT `x`");
	expect("SELECT password, name FROM t WHERE password = other", "SELECT PASSWORD, name FROM t WHERE PASSWORD = other");
	expect("ALTER USER a PASSWORD EXPIRE", "ALTER USER a PASSWORD EXPIRE");
	expect("CREATE TABLE t (password TEXT, `b` INT)", "CREATE TABLE t(PASSWORD TEXT, `b` INT)");
}

static void test_blanks_comments_and_case_of_keywords_do_not_count(void **state)
{
	(void)state;
	same("select a from t", "SELECT/**/a\n\tFROM -- x\n t ;");
	differ("select a from t", "select A from t");
	differ("select a from t", "select a, b from t");
	differ("select ab from t", "select a b from t");
	expect("select count(*),max( a ) from `t` . x", "SELECT COUNT(*), MAX(a) FROM `t`.x");
}

static void test_lists_of_literals_fold(void **state)
{
	(void)state;
	expect("select a from t where b in (1,2,3)", "SELECT a FROM t WHERE b IN (...)");
	same("select a in (1)", "select a in (1,-2,'x',NULL,(3,4))");
	expect("select a in (1,b)", "SELECT a IN (?, b)");
	differ("select a in (1,b)", "select a in (1,2)");
	differ("select a in (1,-b)", "select a in (1,2)");
	expect("select f(1,2)", "SELECT f(?, ?)");
}

static void test_rows_fold_and_repeated_rows_are_dropped(void **state)
{
	(void)state;
	expect("insert into t(a,b) values (1,'x'),(2,'y') , (3,null)", "INSERT INTO t(a, b) VALUES (...)");
	same("insert into t values (1)", "insert into t values (1),(2),(3)");
	expect("insert into t values (1,now()),(2,now())", "INSERT INTO t VALUES (?, NOW())");
	same("insert into t values (1,now())", "insert into t values (1,now()),(2,now()),(3,now())");
	differ("insert into t values (1,now())", "insert into t values (1,now()),(2,3)");
	expect("values row(1,2),row(3,4)", "VALUES ROW(...)");
	expect("insert into t values (1) on duplicate key update a=values(a),b=values(b)",
	       "INSERT INTO t VALUES (...) ON DUPLICATE KEY UPDATE a = VALUES (a), b = VALUES (b)");
}

static void test_statements_of_one_text_are_one_digest(void **state)
{
	(void)state;
	expect("select 1; select a;", "SELECT ?; SELECT a");
	differ("select 1; select a", "select 1 select a");
	same("select 1", "select 1;");
}

static void test_the_text_is_cut_at_its_capacity_and_the_hash_is_not(void **state)
{
	(void)state;
	uint8_t text[10];
	size_t len;
	uint64_t hash =
	    digest_of("select a_long_name, another from t where x in (1,2)", text, sizeof text, &len);
	assert_int_equal(len, sizeof text);
	assert_true(hash == digest_of("select a_long_name, another from t where x in (1,2)", NULL, 0, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_literals_become_question_marks_with_their_sign),
	    cmocka_unit_test(test_a_password_is_no_part_of_the_text_however_it_is_written),
		cmocka_unit_test(test_blanks_comments_and_case_of_keywords_do_not_count),
	    cmocka_unit_test(test_lists_of_literals_fold),
	    cmocka_unit_test(test_rows_fold_and_repeated_rows_are_dropped),
	    cmocka_unit_test(test_statements_of_one_text_are_one_digest),
	    cmocka_unit_test(test_the_text_is_cut_at_its_capacity_and_the_hash_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
