/* How texts are cut into tokens, under every dialect that cuts them differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/lexer.h"
#include "router/sql_mode.h"

static const struct dialect mysql = {.flavor = FLAVOR_MYSQL, .version = 90704};
static const struct dialect mariadb = {.flavor = FLAVOR_MARIADB, .version = 101119};

static struct dialect with_mode(uint32_t mode)
{
	struct dialect d = mysql;
	d.sql_mode = mode;
	return d;
}

/* The tokens, one blank between two; the text is a copy of exactly its size, so that a sanitizer sees a byte
 * too far. */
static bool cut(const struct dialect *d, const char *text, size_t len, char *out, size_t size)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct lexer lx;
	struct token t;
	size_t n = 0;
	assert_non_null(copy);
	memcpy(copy, text, len);
	lexer_init(&lx, (struct view){copy, len}, d);
	for (lexer_next(&lx, &t); t.kind != TOKEN_END; lexer_next(&lx, &t)) {
		assert_true(t.p >= copy && t.p + t.len <= copy + len && t.len > 0);
		assert_true(n + t.len + 2 < size);
		if (n)
			out[n++] = '|';
		memcpy(out + n, t.p, t.len);
		n += t.len;
	}
	out[n] = 0;
	free(copy);
	return !lx.unreadable;
}

static void expect(const struct dialect *d, const char *text, const char *tokens)
{
	char out[400];
	assert_true(cut(d, text, strlen(text), out, sizeof out));
	assert_string_equal(out, tokens);
}

static void expect_unreadable(const struct dialect *d, const char *text)
{
	char out[400];
	assert_false(cut(d, text, strlen(text), out, sizeof out));
}

static void test_words_numbers_and_operators_are_told_apart(void **state)
{
	(void)state;
	expect(&mysql, "SELECT a1,_b$ ,t.c", "SELECT|a1|,|_b$|,|t|.|c");
	expect(&mysql, "a<=>b->>'$' := c||d", "a|<=>|b|->>|'$'|:=|c||||d");
	expect(&mysql, "1 1.5 .5 1e5 1.5e-3 0x1F 0b01 x'41' b'1'",
	       "1|1.5|.5|1e5|1.5e-3|0x1F|0b01|x'41'|b'1'");
	expect(&mysql, "", "");
	expect(&mysql, " \t\n\v\f\r", "");
}

static void test_what_follows_a_number_at_once(void **state)
{
	(void)state;
	expect(&mysql, "1.5FOR UPDATE", "1.5|FOR|UPDATE");
	expect(&mysql, "1e5FOR UPDATE", "1e5|FOR|UPDATE");
	expect(&mysql, "5FOR", "5FOR");
	expect(&mysql, "0x41FROM", "0x41FROM");
	expect(&mysql, "t.1a t.5FOR", "t|.|1a|t|.|5FOR");
	expect(&mysql, "SELECT-1", "SELECT|-|1");
	expect(&mysql, "t..21a", "t|.|.21|a");
}

static void test_two_dashes_begin_a_comment_only_before_a_blank_or_control_character(void **state)
{
	(void)state;
	expect(&mysql, "5--5", "5|-|-|5");
	expect(&mysql, "5-- 5\n+1", "5|+|1");
	expect(&mysql, "5--\n+1", "5|+|1");
	expect(&mysql, "5--\t6\n7", "5|7");
	expect(&mysql, "5--\x01 6", "5");
	expect(&mysql, "5--\x7f 6", "5");
	expect(&mysql, "5--", "5");
	expect(&mysql, "5#6\n7", "5|7");
}

static void test_plain_comments_do_not_nest(void **state)
{
	(void)state;
	expect(&mysql, "a/* x */b/**/c", "a|b|c");
	expect(&mysql, "a /* /* */ b", "a|b");
	expect(&mysql, "a */ b", "a|*|/|b");
	expect_unreadable(&mysql, "a /* b");
	expect_unreadable(&mysql, "a /*/");
}

static void test_strings_end_where_the_sql_mode_says(void **state)
{
	(void)state;
	struct dialect plain = with_mode(MODE_NO_BACKSLASH_ESCAPES);
	struct dialect ansi = with_mode(MODE_ANSI_QUOTES);
	expect(&mysql, "'it''s' 'a\\'b' \"x\"\"y\" n'z'", "'it''s'|'a\\'b'|\"x\"\"y\"|n'z'");
	expect(&plain, "'a\\' b", "'a\\'|b");
	expect(&ansi, "\"a\\\" b", "\"a\\\"|b");
	expect(&mysql, "`a\\` `b``c`", "`a\\`|`b``c`");
	expect_unreadable(&mysql, "'abc");
	expect_unreadable(&mysql, "'abc\\");
	expect_unreadable(&mysql, "`abc");
}

static void test_a_backslash_may_be_the_second_byte_of_a_character(void **state)
{
	(void)state;
	struct dialect gbk = mysql, sjis = mysql;
	gbk.charset = TEXT_GBK;
	sjis.charset = TEXT_SJIS;
	expect(&gbk, "'\xbf\\' b", "'\xbf\\'|b");
	expect(&mysql, "'\xbf\\' b'", "'\xbf\\' b'");
	expect(&sjis, "'\x95\\' b", "'\x95\\'|b");
	/* A half-width katakana is one byte: here the backslash escapes. */
	expect(&sjis, "'\xb1\\' b'", "'\xb1\\' b'");
	/* No character begins so: servers differ. */
	expect_unreadable(&gbk, "'\xbf' b");
	assert_int_equal(text_charset_of(view_of("GB18030")), TEXT_GB18030);
	assert_int_equal(text_charset_of(view_of("utf8mb4")), TEXT_ASCII_SAFE);
	assert_int_equal(text_charset_of(view_of("")), TEXT_ASCII_SAFE);
}

static void test_executable_comments_run_by_flavor_and_version(void **state)
{
	(void)state;
	expect(&mysql, "a /*!FOR*/ b", "a|FOR|b");
	expect(&mysql, "a /*!90704 x*/ /*!90705 y*/", "a|x");
	expect(&mysql, "a /*!090704 x*/ /*!100000 y*/", "a|x");
	expect(&mysql, "a /*M! x*/ /*M!100100 y*/", "a");
	expect(&mariadb, "a /*M! x*/ /*M!50700 y*/ /*!100100 z*/", "a|x|y|z");
	expect(&mariadb, "a /*!50700 x*/ /*!99999 y*/ /*!50699 z*/", "a|z");
	expect(&mariadb, "a /*!101120 x*/ /*!101119 y*/", "a|y");
	expect(&mysql, "a /*!1234 b*/", "a|1234|b");
	expect(&mysql, "a /*!50001 /* n */ b */ c", "a|b|c");
	expect(&mysql, "a /*!99999 /* n */ b */ c", "a|c");
	expect(&mysql, "a /*!99999 '*/ c", "a|c");
	expect(&mysql, "a /*!40000 '*/' */ c", "a|'*/'|c");
	expect_unreadable(&mysql, "a /*! b");
	/* Six digits without a blank are read in different ways by different versions. */
	expect_unreadable(&mysql, "a /*!100000+b*/");
}

static void test_user_and_system_variables(void **state)
{
	(void)state;
	expect(&mysql, "@a.b @`x y` @'q' @@global.z u@localhost",
	       "@a.b|@`x y`|@'q'|@@|global|.|z|u|@localhost");
	expect(&mysql, "@ a", "@|a");
}

static void test_dollar_quoted_text_is_mysqls_only(void **state)
{
	(void)state;
	expect(&mysql, "AS $$ a ' $$ b", "AS|$$ a ' $$|b");
	expect(&mysql, "AS $t$ a $$ $t$ b", "AS|$t$ a $$ $t$|b");
	expect(&mysql, "$a b$", "$a|b$");
	expect(&mariadb, "$$abc$$", "$$abc$$");
	expect_unreadable(&mysql, "$$ abc");
}

static void test_one_nul_at_the_end_is_the_terminator_others_are_stray(void **state)
{
	(void)state;
	char out[100];
	assert_true(cut(&mysql, "a\0", 2, out, sizeof out));
	assert_string_equal(out, "a");
	assert_false(cut(&mysql, "a\0b", 3, out, sizeof out));
	assert_false(cut(&mysql, "\\", 1, out, sizeof out));
}

static void test_words_are_found_in_the_index_whatever_their_case(void **state)
{
	(void)state;
	struct lexer lx;
	struct token t;
	lexer_init(&lx, view_of("seLECT my_column `count` ST_GeometryCollectionFromText"), &mysql);
	lexer_next(&lx, &t);
	assert_int_equal(t.word->keyword, KW_SELECT);
	lexer_next(&lx, &t);
	assert_null(t.word);
	lexer_next(&lx, &t);
	assert_int_equal(t.kind, TOKEN_QUOTED);
	assert_int_equal(t.word->keyword, KW_COUNT);
	lexer_next(&lx, &t);
	assert_int_equal(t.word->class[FLAVOR_MYSQL], FUNCTION_HARMLESS);
}

static void test_quoted_texts_are_decoded(void **state)
{
	(void)state;
	struct dialect plain = with_mode(MODE_NO_BACKSLASH_ESCAPES);
	static const struct {
		const char *text, *decoded;
		bool plain;
	} cases[] = {
	    {"'a''b'", "a'b", false},    {"'a\\nb\\'\\%'", "a\nb'\\%", false},
	    {"'a\\n'''", "a\\n'", true}, {"`a``b\\n`", "a`b\\n", false},
	    {"@`x``y`", "x`y", false},   {"N'q'", "q", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lexer lx;
		struct token t;
		uint8_t out[40];
		const struct dialect *d = cases[i].plain ? &plain : &mysql;
		lexer_init(&lx, view_of(cases[i].text), d);
		lexer_next(&lx, &t);
		size_t n = token_decode(&t, d, out);
		assert_int_equal(n, strlen(cases[i].decoded));
		assert_memory_equal(out, cases[i].decoded, n);
	}
}

static void test_sql_modes_are_named_in_any_case_and_combined_ones_bring_others(void **state)
{
	(void)state;
	assert_int_equal(sql_mode_parse(view_of(""), FLAVOR_MYSQL), 0);
	assert_int_equal(
	    sql_mode_parse(view_of("STRICT_TRANS_TABLES, ansi_quotes ,,NO_BACKSLASH_ESCAPES"), FLAVOR_MYSQL),
	    MODE_ANSI_QUOTES | MODE_NO_BACKSLASH_ESCAPES);
	assert_int_equal(sql_mode_parse(view_of("ANSI"), FLAVOR_MYSQL), MODE_ANSI_QUOTES | MODE_IGNORE_SPACE);
	assert_true(sql_mode_parse(view_of("ORACLE"), FLAVOR_MARIADB) & MODE_ORACLE);
	assert_false(sql_mode_parse(view_of("ORACLE"), FLAVOR_MYSQL) & MODE_ORACLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words_numbers_and_operators_are_told_apart),
	    cmocka_unit_test(test_what_follows_a_number_at_once),
	    cmocka_unit_test(test_two_dashes_begin_a_comment_only_before_a_blank_or_control_character),
	    cmocka_unit_test(test_plain_comments_do_not_nest),
	    cmocka_unit_test(test_strings_end_where_the_sql_mode_says),
	    cmocka_unit_test(test_a_backslash_may_be_the_second_byte_of_a_character),
	    cmocka_unit_test(test_executable_comments_run_by_flavor_and_version),
	    cmocka_unit_test(test_user_and_system_variables),
	    cmocka_unit_test(test_dollar_quoted_text_is_mysqls_only),
	    cmocka_unit_test(test_one_nul_at_the_end_is_the_terminator_others_are_stray),
	    cmocka_unit_test(test_words_are_found_in_the_index_whatever_their_case),
	    cmocka_unit_test(test_quoted_texts_are_decoded),
	    cmocka_unit_test(test_sql_modes_are_named_in_any_case_and_combined_ones_bring_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
