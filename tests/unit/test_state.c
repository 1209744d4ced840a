/* Session state: one canonical value, and what must be sent to get from one to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/state.h"
#include "router/state_value.h"

#define NONE view_of("")

static struct state_table *table;

static int create_table(void **state)
{
	(void)state;
	table = state_table_create();
	return 0;
}

/* A state that a test forgot would show here: the table asserts that it is empty. */
static int destroy_table(void **state)
{
	(void)state;
	state_table_destroy(table);
	return 0;
}

/* One step, which takes over the reference it is given; the steps are written as an application would. */
static struct state *step(struct state *s, const char *name, const char *value)
{
	struct state *next;
	if (!strcmp(name, "NAMES"))
		next = state_names(table, s, view_of(value), NONE);
	else if (!strcmp(name, "CHARACTER SET"))
		next = state_character_set(table, s, view_of(value));
	else if (!strcmp(name, "USE"))
		next = state_schema(table, s, view_of(value));
	else if (!strcmp(name, "ROLE"))
		next = state_role(table, s, view_of(value));
	else if (!value)
		next = state_set_default(table, s, view_of(name));
	else
		next = state_set(table, s, view_of(name), view_of(value));
	if (!next)
		fail_msg("refused: %s %s", name, value ? value : "DEFAULT");
	state_unref(table, s);
	return next;
}

#define STATE(...) state_from((const char *const[]){__VA_ARGS__, NULL})
/* Pairs of name and value. */
static struct state *state_from(const char *const *steps)
{
	struct state *s = state_initial(table);
	for (; *steps; steps += 2)
		s = step(s, steps[0], steps[1]);
	return s;
}

static void assert_refused(const char *name, const char *value)
{
	struct state *s = STATE("NAMES", "utf8mb4");
	struct state *next = state_set(table, s, view_of(name), view_of(value));
	if (next)
		fail_msg("carried: %s = %s", name, value);
	state_unref(table, s);
}

/* Takes over both references. */
static void assert_diff(struct state *have, struct state *want, unsigned expect, const char *text)
{
	struct buf sql;
	buf_init(&sql, 1u << 20);
	assert_true(buf_append(&sql, ">", 1));
	assert_int_equal(state_diff(have, want, &sql), expect);
	assert_true(buf_append(&sql, "", 1));
	assert_string_equal((const char *)buf_data(&sql) + 1, text);
	buf_finish(&sql);
	state_unref(table, have);
	state_unref(table, want);
}

static void assert_value(const struct state *s, const char *name, const char *expect)
{
	struct view v;
	if (!state_get(s, view_of(name), &v))
		fail_msg("%s is not set", name);
	if (!view_equal(v, view_of(expect)))
		fail_msg("%s is %.*s, not %s", name, (int)v.len, (const char *)v.p, expect);
}

static void test_equal_states_are_one_whatever_the_way_to_them(void **state)
{
	(void)state;
	struct state *a =
	    STATE("sql_mode", "'ANSI'", "autocommit", "0", "USE", "app", "@X", "1", "time_zone", "SYSTEM");
	struct state *b =
	    STATE("time_zone", "'UTC'", "USE", "other", "TIME_ZONE", "SYSTEM", "@x", "1", "sql_mode",
	          "'ANSI'", "USE", "app", "AutoCommit", "OFF", "sql_notes", "0", "sql_notes", NULL);
	assert_ptr_equal(a, b);
	assert_int_equal(state_entries(a), 5);
	assert_int_equal(state_table_count(table), 1);
	struct state *first = state_initial(table), *again = state_initial(table);
	assert_ptr_equal(first, again);
	state_unref(table, first);
	state_unref(table, again);
	state_unref(table, a);
	assert_value(b, "sql_mode", "'ANSI'");
	state_unref(table, b);
	assert_int_equal(state_table_count(table), 0);
}

static void test_a_step_that_changes_nothing_gives_the_same_state(void **state)
{
	(void)state;
	struct state *s = STATE("NAMES", "utf8mb4", "sql_mode", "'ANSI'");
	struct state *same = state_set(table, s, view_of("sql_mode"), view_of("'ANSI'"));
	assert_ptr_equal(s, same);
	state_unref(table, same);
	same = state_set_default(table, s, view_of("never_set"));
	assert_ptr_equal(s, same);
	state_unref(table, same);
	state_unref(table, s);
}

static void test_nothing_is_sent_between_equal_states(void **state)
{
	(void)state;
	assert_diff(STATE("autocommit", "0"), STATE("autocommit", "OFF"), DIFF_NONE, "");
}

static void test_what_differs_is_set_and_what_is_gone_gets_its_default(void **state)
{
	(void)state;
	assert_diff(STATE("time_zone", "'UTC'", "wait_timeout", "5", "@b", "1"),
	            STATE("NAMES", "UTF8MB4", "sql_mode", "'ANSI'", "wait_timeout", "5", "@b", "2"), DIFF_SET,
	            "SET NAMES 'utf8mb4', time_zone=DEFAULT, @b=2, sql_mode='ANSI'");
	assert_diff(STATE("wait_timeout", "5"), STATE("wait_timeout", "6"), DIFF_SET, "SET wait_timeout=6");
}

static void test_the_schema_is_sent_apart_and_cannot_be_unselected(void **state)
{
	(void)state;
	assert_diff(STATE("USE", "a"), STATE("USE", "b"), DIFF_SCHEMA, "");
	assert_diff(STATE("wait_timeout", "5"), STATE("USE", "b"), DIFF_SCHEMA | DIFF_SET,
	            "SET wait_timeout=DEFAULT");
	assert_diff(STATE("USE", "a"), STATE("wait_timeout", "5"), DIFF_RESET, "");
	struct state *s = STATE("USE", "a", "USE", "");
	assert_int_equal(state_schema_of(s).len, 0);
	assert_int_equal(state_entries(s), 0);
	state_unref(table, s);
}

static void test_a_reset_leaves_the_schema_only(void **state)
{
	(void)state;
	struct state *s = STATE("NAMES", "latin1", "USE", "app", "@a", "1", "autocommit", "0");
	struct state *after = state_after_reset(table, s);
	assert_true(view_equal(state_schema_of(after), view_of("app")));
	assert_int_equal(state_entries(after), 1);
	state_unref(table, after);
	state_unref(table, s);
}

static void test_set_names_supersedes_the_whole_group(void **state)
{
	(void)state;
	struct state *a =
	    STATE("character_set_client", "latin1", "collation_connection", "latin1_bin", "NAMES", "utf8mb4");
	struct state *b = STATE("CHARACTER SET", "koi8r", "NAMES", "utf8mb4");
	assert_ptr_equal(a, b);
	assert_value(a, "names", "'utf8mb4'");
	state_unref(table, b);
	b = state_names(table, a, view_of("utf8mb4"), view_of("utf8mb4_BIN"));
	assert_value(b, "names", "'utf8mb4' COLLATE 'utf8mb4_bin'");
	state_unref(table, a);
	a = state_names(table, b, NONE, NONE);
	assert_int_equal(state_entries(a), 0);
	assert_diff(b, a, DIFF_SET, "SET NAMES DEFAULT");
}

static void test_the_charset_group_is_sent_as_a_whole(void **state)
{
	(void)state;
	assert_diff(STATE("NAMES", "utf8mb4"), STATE("NAMES", "utf8mb4", "character_set_results", "NULL"),
	            DIFF_SET, "SET NAMES 'utf8mb4', character_set_results=NULL");
	assert_diff(STATE("character_set_client", "latin1"), STATE("collation_connection", "'utf8mb4_bin'"),
	            DIFF_SET, "SET NAMES DEFAULT, collation_connection='utf8mb4_bin'");
	assert_diff(
	    STATE("NAMES", "utf8mb4"),
	    STATE("CHARACTER SET", "koi8r", "character_set_connection", "utf8mb3", "collation_connection",
	          "latin1_bin", "character_set_client", "'LATIN1'"),
	    DIFF_SET,
	    "SET CHARACTER SET 'koi8r', character_set_client='latin1', collation_connection='latin1_bin'");
	assert_diff(STATE("NAMES", "utf8mb4", "wait_timeout", "1"), STATE("NAMES", "utf8mb4"), DIFF_SET,
	            "SET wait_timeout=DEFAULT");
}

static void test_one_of_the_group_at_its_default_after_set_names_is_remembered(void **state)
{
	(void)state;
	assert_diff(STATE("NAMES", "latin1"), STATE("NAMES", "latin1", "character_set_results", NULL),
	            DIFF_SET, "SET NAMES 'latin1', character_set_results=DEFAULT");
	struct state *s = STATE("character_set_results", "latin1", "character_set_results", "DEFAULT");
	assert_int_equal(state_entries(s), 0);
	state_unref(table, s);
}

static void test_set_character_set_depends_on_the_schema(void **state)
{
	(void)state;
	struct state *s = STATE("USE", "a", "CHARACTER SET", "latin1");
	assert_null(state_schema(table, s, view_of("b")));
	struct state *same = state_schema(table, s, view_of("a"));
	assert_ptr_equal(same, s);
	state_unref(table, same);
	s = step(s, "collation_connection", "latin1_bin");
	s = step(s, "USE", "b");
	state_unref(table, s);
	assert_diff(STATE("USE", "a", "CHARACTER SET", "latin1"),
	            STATE("USE", "b", "CHARACTER SET", "latin1"), DIFF_SCHEMA | DIFF_SET,
	            "SET CHARACTER SET 'latin1'");
}

static void test_variables_that_are_one_replace_each_other(void **state)
{
	(void)state;
	assert_diff(STATE("tx_isolation", "'SERIALIZABLE'"),
	            STATE("tx_isolation", "'SERIALIZABLE'", "transaction_isolation", "'READ-COMMITTED'"),
	            DIFF_SET, "SET tx_isolation=DEFAULT, transaction_isolation='READ-COMMITTED'");
	assert_diff(STATE("collation_server", "latin1_bin"), STATE("character_set_server", "utf8mb4"),
	            DIFF_SET, "SET collation_server=DEFAULT, character_set_server='utf8mb4'");
}

static void test_flags_set_one_by_one_add_up(void **state)
{
	(void)state;
	struct state *s =
	    STATE("optimizer_switch", "'mrr=on,index_merge=off'", "optimizer_switch", "'MRR=off,x=on'");
	assert_value(s, "optimizer_switch", "'default,index_merge=off,mrr=off,x=on'");
	s = step(s, "optimizer_switch", "'index_merge=default,x=off'");
	assert_value(s, "optimizer_switch", "'default,mrr=off,x=off'");
	s = step(s, "optimizer_switch", "'mrr=on,default,y=on'");
	assert_value(s, "optimizer_switch", "'default,y=on'");
	s = step(s, "optimizer_switch", "'default'");
	assert_int_equal(state_entries(s), 0);
	state_unref(table, s);
	assert_refused("optimizer_switch", "'mrr'");
	assert_refused("optimizer_switch", "'mrr=maybe'");
	assert_refused("optimizer_switch", "'mrr=on,,x=on'");
	assert_refused("optimizer_switch", "5");
}

static void test_strings_of_user_variables_carry_their_character_set(void **state)
{
	(void)state;
	struct view none = NONE;
	struct state *s = STATE("NAMES", "utf8mb4", "@a", "'it''s'");
	assert_value(s, "@a", "_utf8mb4'it''s'");
	struct state *next = state_set_string(table, s, view_of("@a"), view_of("\xC3\xA4"), none);
	assert_value(next, "@a", "_utf8mb4 x'C3A4'");
	state_unref(table, next);
	next = state_set_string(table, s, view_of("@a"), view_of("b\\"), view_of("latin1"));
	assert_value(next, "@a", "_latin1 x'625C'");
	state_unref(table, next);
	s = step(s, "character_set_connection", "latin1");
	s = step(s, "@b", "''");
	assert_value(s, "@b", "_latin1 x''");
	assert_null(state_set_string(table, s, view_of("@b"), view_of("\xC3\xA4"), none)); /* is converted */
	s = step(s, "collation_connection", "uca1400_ai_ci");
	assert_null(state_set_string(table, s, view_of("@b"), view_of("x"), none));
	state_unref(table, s);
	s = state_initial(table);
	assert_null(state_set_string(table, s, view_of("@b"), view_of("x"), none));
	next = state_names(table, s, view_of("latin1"), view_of("latin1_bin"));
	state_unref(table, s);
	s = step(next, "@b", "'x'");
	assert_value(s, "@b", "_latin1'x' COLLATE 'latin1_bin'");
	state_unref(table, s);
}

static void test_a_user_variable_once_set_is_gone_only_with_a_reset(void **state)
{
	(void)state;
	assert_diff(STATE("@a", "1", "wait_timeout", "5"), STATE("wait_timeout", "6"), DIFF_RESET, "");
	assert_diff(STATE("@a", "1"), STATE("@a", "NULL"), DIFF_RESET, "");
	assert_diff(STATE("@a", "NULL"), STATE("@a", "1"), DIFF_SET | DIFF_USER, "SET @a=1");
	assert_diff(STATE("wait_timeout", "5"), STATE("@a", "NULL", "wait_timeout", "5"), DIFF_SET | DIFF_USER,
	            "SET @a=NULL");
	struct state *s = STATE("@a", "1");
	assert_null(state_set(table, s, view_of("@a"), view_of("NULL"))); /* keeps the type of 1 */
	assert_null(state_set_default(table, s, view_of("@a")));
	state_unref(table, s);
}

static void test_checks_go_back_to_their_global_value_by_name(void **state)
{
	(void)state;
	assert_diff(
	    STATE("foreign_key_checks", "0", "unique_checks", "OFF"), state_initial(table), DIFF_SET,
	    "SET foreign_key_checks=@@global.foreign_key_checks, unique_checks=@@global.unique_checks");
	assert_refused("foreign_key_checks", "DEFAULT");
}

static struct state *shown(struct state *s, const char *name, const char *text)
{
	struct state *next = state_set_shown(table, s, view_of(name), view_of(text));
	assert_non_null(next);
	state_unref(table, s);
	return next;
}

static void test_a_value_that_a_server_shows_is_a_number_where_it_looks_like_one(void **state)
{
	(void)state;
	struct state *s = shown(state_initial(table), "wait_timeout", "28800");
	s = shown(s, "autocommit", "OFF");
	s = shown(s, "time_zone", "SYSTEM");
	s = shown(s, "character_set_results", "");
	s = shown(s, "sql_mode", "");
	assert_value(s, "wait_timeout", "28800");
	assert_value(s, "autocommit", "0");
	assert_value(s, "time_zone", "'SYSTEM'");
	assert_value(s, "character_set_results", "NULL");
	assert_value(s, "sql_mode", "x''");
	state_unref(table, s);
}

static void assert_user(enum user_value kind, const char *text, const char *charset, const char *collation,
                        const char *expected)
{
	struct state *empty = state_initial(table);
	struct view shown = text ? view_of(text) : (struct view){NULL, 0};
	struct state *s =
	    state_set_user(table, empty, view_of("@v"), kind, shown, view_of(charset), view_of(collation));
	state_unref(table, empty);
	if (!s != !expected)
		fail_msg("%s: %s", text ? text : "NULL", s ? "taken" : "refused");
	if (s)
		assert_value(s, "@v", expected);
	state_unref(table, s);
}

static void test_a_user_variable_that_was_shown_is_kept_with_its_type(void **state)
{
	(void)state;
	assert_user(USER_INTEGER, "-5", "", "", "-5");
	assert_user(USER_INTEGER, "-9223372036854775808", "", "", "-9223372036854775807-1");
	assert_user(USER_INTEGER, "5e0", "", "", NULL);
	assert_user(USER_UNSIGNED, "5", "", "", "CAST(5 AS UNSIGNED)");
	assert_user(USER_DECIMAL, "1.50", "", "", "1.50");
	assert_user(USER_DECIMAL, "3", "", "", "CAST(3 AS DECIMAL(65,0))");
	assert_user(USER_DOUBLE, "0.1", "", "", "0.1e0");
	assert_user(USER_DOUBLE, "1e100", "", "", "1e100");
	assert_user(USER_DOUBLE, "1 OR 1", "", "", NULL);
	assert_user(USER_STRING, "it's", "utf8mb4", "utf8mb4_bin", "_utf8mb4'it''s' COLLATE 'utf8mb4_bin'");
	assert_user(USER_STRING, "\xE9", "latin1", "latin1_swedish_ci",
	            "_latin1 x'E9' COLLATE 'latin1_swedish_ci'");
	assert_user(USER_STRING, "", "binary", "binary", "_binary x'' COLLATE 'binary'");
	assert_user(USER_STRING, "a", "utf8 ", "utf8_bin", NULL);
	assert_user(USER_INTEGER, NULL, "", "", "CAST(NULL AS SIGNED)");
	assert_user(USER_STRING, NULL, "binary", "binary", "NULL");
	assert_user(USER_STRING, NULL, "latin1", "latin1_bin",
	            "CAST(NULL AS CHAR CHARACTER SET latin1) COLLATE 'latin1_bin'");
}

static void test_a_role_is_set_before_anything_else_and_survives_a_reset(void **state)
{
	(void)state;
	assert_diff(STATE("USE", "a"), STATE("ROLE", "r1, `r2`", "USE", "b", "wait_timeout", "5"),
	            DIFF_ROLE | DIFF_SCHEMA | DIFF_SET, "SET wait_timeout=5");
	assert_diff(STATE("ROLE", "r1"), STATE("wait_timeout", "5"), DIFF_ROLE | DIFF_SET, "SET wait_timeout=5");
	assert_diff(STATE("ROLE", "NONE"), STATE("ROLE", "ALL"), DIFF_ROLE, "");
	struct state *s = STATE("ROLE", "r1", "USE", "a", "autocommit", "0"), *rest = STATE("ROLE", "r1", "USE", "a");
	struct state *after = state_after_reset(table, s), *login = state_role(table, s, view_of("default"));
	assert_ptr_equal(after, rest);
	assert_true(view_equal(state_role_of(s), view_of("r1")));
	assert_int_equal(state_role_of(login).len, 0);
	assert_null(state_role(table, s, view_of("`a\\b`")));
	assert_null(state_role(table, s, view_of("`\xC3\xA4`")));
	state_unref(table, s);
	state_unref(table, rest);
	state_unref(table, after);
	state_unref(table, login);
}

static void test_a_variable_can_be_forgotten(void **state)
{
	(void)state;
	struct state *s = STATE("@a", "1", "autocommit", "0"), *rest = STATE("autocommit", "0");
	struct state *without = state_forget(table, s, view_of("@A"));
	assert_ptr_equal(without, rest);
	state_unref(table, s);
	state_unref(table, rest);
	state_unref(table, without);
}

static void test_names_of_user_variables_are_quoted_where_they_must_be(void **state)
{
	(void)state;
	assert_diff(state_initial(table), STATE("@with `both`", "1", "@a.b", "TRUE", "@c", "-1.5e3"),
	            DIFF_SET | DIFF_USER, "SET @`a.b`=TRUE, @c=-1.5e3, @`with ``both```=1");
	assert_refused("@", "1");
	assert_refused("@\xC3\xA4", "1");
}

static void test_a_value_that_would_read_otherwise_elsewhere_is_kept_in_hexadecimal(void **state)
{
	(void)state;
	struct view none = NONE;
	struct state *s = state_initial(table), *next;
	next = state_set_string(table, s, view_of("sql_mode"), NONE, none);
	assert_value(next, "sql_mode", "x''");
	state_unref(table, next);
	next = state_set_string(table, s, view_of("x"), view_of("a\\b"), none);
	assert_value(next, "x", "x'615C62'");
	state_unref(table, next);
	next = state_set_string(table, s, view_of("x"), view_of("a\"b'c"), none);
	assert_value(next, "x", "'a\"b''c'");
	state_unref(table, next);
	assert_null(state_set_string(table, s, view_of("x"), view_of("\xE4"), none));
	state_unref(table, s);
}

static void test_only_one_plain_literal_is_carried(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",   "'a",  "a'",    "'a\\'b'", "'a'b'",      "\"a\"", "1, x=2",     "1;2",  "f(1)", "@@x",
	    "@x", "1+1", "- 1",   "'a' 'b'", "a b",        "a-b",   "0xZZ",       "x'1'", "x'1",  "b'2'",
	    ".",  "1e",  "1.2.3", "`a`",     "_latin1'a'", "--1",   "'\xC3\xA4'", "1 "};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused("x", bad[i]);
	assert_refused("@x", "word");
	assert_refused("x-y", "1");
	assert_refused("x y", "1");
	assert_refused("", "1");
	static const char *const good[] = {"1",    "-1",    "+1.5", ".5", "1.",      "1e-3", "0xFf",
	                                   "0b01", "x'0f'", "B'1'", "ON", "utf8mb4", "NULL", "'it''s'"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct state *s = STATE("x", good[i]);
		assert_value(s, "x", good[i]);
		state_unref(table, s);
	}
}

static void test_what_would_not_be_the_same_when_replayed_is_refused(void **state)
{
	(void)state;
	assert_refused("character_set_connection", "ucs2");
	assert_refused("collation_connection", "'UTF16_bin'");
	assert_refused("collation_connection", "33");
	assert_refused("character_set_collations", "'utf8mb4=utf8mb4_bin'");
	assert_refused("collation_database", "latin1_bin");
	struct state *s = STATE("sql_big_selects", "1");
	assert_null(state_set(table, s, view_of("max_join_size"), view_of("5")));
	assert_null(state_character_set(table, s, NONE));
	assert_null(state_names(table, s, NONE, view_of("latin1_bin")));
	assert_null(state_names(table, s, view_of("latin1'"), NONE));
	state_unref(table, s);
}

static void test_entries_and_bytes_are_bounded(void **state)
{
	(void)state;
	struct state *s = state_initial(table);
	char name[16];
	for (unsigned i = 0; i < STATE_ENTRIES_MAX; i++) {
		snprintf(name, sizeof name, "@v%u", i);
		s = step(s, name, "1");
	}
	assert_null(state_set(table, s, view_of("@one_more"), view_of("1")));
	s = step(s, "@v7", "2");
	state_unref(table, s);
	char *large = malloc(STATE_BYTES_MAX);
	assert_non_null(large);
	memset(large, 'a', STATE_BYTES_MAX);
	s = state_initial(table);
	struct view text = {(const uint8_t *)large, STATE_BYTES_MAX - 9};
	struct state *next = state_set_string(table, s, view_of("x"), text, NONE);
	assert_non_null(next);
	assert_null(state_set_string(table, next, view_of("y"), text, NONE));
	state_unref(table, next);
	text.len = STATE_BYTES_MAX;
	assert_null(state_set_string(table, s, view_of("x"), text, NONE));
	text.len = 256;
	assert_null(state_set(table, s, text, view_of("1")));
	state_unref(table, s);
	free(large);
}

static void test_a_full_buf_gets_no_part_of_the_statement(void **state)
{
	(void)state;
	struct state *have = STATE("a", "1"), *want = STATE("b", "1");
	struct buf sql;
	buf_init(&sql, 10);
	assert_int_equal(state_diff(have, want, &sql), DIFF_RESET);
	assert_int_equal(buf_len(&sql), 0);
	buf_finish(&sql);
	state_unref(table, have);
	state_unref(table, want);
}

/*
 * A small server: what a connection holds after statements, by its own rules. Whatever way two sessions went,
 * a connection of the one must hold what the other holds once the difference has been sent.
 */
enum { CLIENT, RESULTS, CONNECTION, COLLATION, FIRST_PLAIN, SLOTS = FIRST_PLAIN + 5 };
static const char *const slot_names[SLOTS] = {"character_set_client",
                                              "character_set_results",
                                              "character_set_connection",
                                              "collation_connection",
                                              "autocommit",
                                              "sql_mode",
                                              "time_zone",
                                              "wait_timeout",
                                              "@u"};
struct server {
	char schema[8];
	char slot[SLOTS][40];
};

static const char *const default_values[SLOTS] = {"'d'",      "'d'",    "'d'",   "'d_ci'", "1",
                                                  "'STRICT'", "SYSTEM", "28800", "NULL"};

static void server_init(struct server *s)
{
	s->schema[0] = 0;
	for (int i = 0; i < SLOTS; i++)
		snprintf(s->slot[i], sizeof s->slot[i], "%s", default_values[i]);
}

/* Character sets are one letter, their collations begin with it. */
static void server_set(struct server *s, const char *name, const char *value)
{
	if (!strcmp(name, "NAMES") || !strcmp(name, "CHARACTER SET")) {
		bool is_default = !strcmp(value, "DEFAULT");
		const char *charset = is_default ? "'d'" : value;
		server_set(s, "character_set_client", charset);
		server_set(s, "character_set_results", charset);
		char of_schema[4] = {'\'', s->schema[0] ? s->schema[0] : 's', '\'', 0};
		server_set(s, "character_set_connection", name[0] == 'N' ? charset : of_schema);
		return;
	}
	int i = 0;
	while (strcmp(slot_names[i], name))
		i++;
	if (!strcmp(value, "DEFAULT"))
		value = default_values[i];
	snprintf(s->slot[i], sizeof s->slot[i], "%s", value);
	if (i == CONNECTION)
		snprintf(s->slot[COLLATION], sizeof s->slot[i], "'%c_ci'", value[1]);
	if (i == COLLATION)
		snprintf(s->slot[CONNECTION], sizeof s->slot[i], "'%c'", value[1]);
}

/* Runs "SET a=b, NAMES 'x', ..."; none of the values used here holds a comma. */
static void server_run(struct server *s, char *sql)
{
	assert_memory_equal(sql, "SET ", 4);
	for (char *next, *part = sql + 4; part; part = next) {
		next = strstr(part, ", ");
		if (next) {
			*next = 0;
			next += 2;
		}
		char *equals = strchr(part, '=');
		if (!strncmp(part, "NAMES ", 6)) {
			server_set(s, "NAMES", part + 6);
		} else if (!strncmp(part, "CHARACTER SET ", 14)) {
			server_set(s, "CHARACTER SET", part + 14);
		} else {
			assert_non_null(equals);
			*equals = 0;
			server_set(s, part, equals + 1);
		}
	}
}

static const char *pick(const char *const *from, int n)
{
	return from[rand() % n];
}

/* One random statement on the server and on the state. */
static void random_step(struct server *server, struct state **s)
{
	static const char *const charsets[] = {"k", "l", "m", "d"}, *const schemas[] = {"a", "b"};
	static const char *const values[] = {"1", "'x'", "0"};
	static const char *const texts[] = {"'k'", "'l'", "'m'", "'d'"};
	static const char *const collations[] = {"'k_bin'", "'l_ci'", "'m_x'"};
	struct state *next;
	int what = rand() % 12, i = rand() % SLOTS, k = rand() % 4;
	if (what >= 3 && what < 5 && i == SLOTS - 1)
		return; /* a user variable has no default */
	if (what == 0) {
		next = state_names(table, *s, view_of(charsets[k]), NONE);
		server_set(server, "NAMES", texts[k]);
	} else if (what == 1) {
		next = state_character_set(table, *s, view_of(charsets[k]));
		server_set(server, "CHARACTER SET", texts[k]);
	} else if (what == 2) {
		const char *schema = pick(schemas, 2);
		next = state_schema(table, *s, view_of(schema));
		if (next)
			snprintf(server->schema, sizeof server->schema, "%s", schema);
		else
			next = state_ref(*s);
	} else if (what < 5) {
		next = state_set_default(table, *s, view_of(slot_names[i]));
		server_set(server, slot_names[i], "DEFAULT");
	} else {
		const char *value = i == COLLATION    ? pick(collations, 3)
		                    : i < FIRST_PLAIN ? texts[k]
		                                      : pick(values, 3);
		if (i == SLOTS - 1 && value[0] == '\'')
			value = "7";
		next = state_set(table, *s, view_of(slot_names[i]), view_of(value));
		server_set(server, slot_names[i], value);
	}
	assert_non_null(next);
	state_unref(table, *s);
	*s = next;
}

static void test_after_the_difference_a_connection_holds_what_the_session_holds(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 5000; round++) {
		struct server x, y;
		server_init(&x);
		server_init(&y);
		struct state *have = state_initial(table), *want = state_initial(table);
		for (int i = rand() % 8; i > 0; i--)
			random_step(&x, &have);
		for (int i = rand() % 8; i > 0; i--)
			random_step(&y, &want);
		struct buf sql;
		buf_init(&sql, 4096);
		unsigned diff = state_diff(have, want, &sql);
		if (diff & DIFF_SCHEMA)
			snprintf(x.schema, sizeof x.schema, "%s", y.schema);
		if (diff & DIFF_SET) {
			assert_true(buf_append(&sql, "", 1));
			server_run(&x, (char *)buf_data(&sql));
		}
		bool unset = strcmp(x.slot[SLOTS - 1], "NULL") && !strcmp(y.slot[SLOTS - 1], "NULL");
		assert_int_equal(diff == DIFF_RESET, unset || (x.schema[0] && !y.schema[0]));
		if (diff != DIFF_RESET) {
			assert_string_equal(x.schema, y.schema);
			for (int i = 0; i < SLOTS; i++)
				assert_string_equal(x.slot[i], y.slot[i]);
		}
		buf_finish(&sql);
		state_unref(table, have);
		state_unref(table, want);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create_table, destroy_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_equal_states_are_one_whatever_the_way_to_them),
	    TEST(test_a_step_that_changes_nothing_gives_the_same_state),
	    TEST(test_nothing_is_sent_between_equal_states),
	    TEST(test_what_differs_is_set_and_what_is_gone_gets_its_default),
	    TEST(test_the_schema_is_sent_apart_and_cannot_be_unselected),
	    TEST(test_a_reset_leaves_the_schema_only),
	    TEST(test_set_names_supersedes_the_whole_group),
	    TEST(test_the_charset_group_is_sent_as_a_whole),
	    TEST(test_one_of_the_group_at_its_default_after_set_names_is_remembered),
	    TEST(test_set_character_set_depends_on_the_schema),
	    TEST(test_variables_that_are_one_replace_each_other),
	    TEST(test_flags_set_one_by_one_add_up),
	    TEST(test_strings_of_user_variables_carry_their_character_set),
	    TEST(test_a_user_variable_once_set_is_gone_only_with_a_reset),
	    TEST(test_checks_go_back_to_their_global_value_by_name),
	    TEST(test_a_value_that_a_server_shows_is_a_number_where_it_looks_like_one),
	    TEST(test_a_user_variable_that_was_shown_is_kept_with_its_type),
	    TEST(test_a_role_is_set_before_anything_else_and_survives_a_reset),
	    TEST(test_a_variable_can_be_forgotten),
	    TEST(test_names_of_user_variables_are_quoted_where_they_must_be),
	    TEST(test_a_value_that_would_read_otherwise_elsewhere_is_kept_in_hexadecimal),
	    TEST(test_only_one_plain_literal_is_carried),
	    TEST(test_what_would_not_be_the_same_when_replayed_is_refused),
	    TEST(test_entries_and_bytes_are_bounded),
	    TEST(test_a_full_buf_gets_no_part_of_the_statement),
	    TEST(test_after_the_difference_a_connection_holds_what_the_session_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
