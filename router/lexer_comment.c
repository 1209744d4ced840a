#include "router/lexer_comment.h"

#include <string.h>
#include <strings.h>

#include "router/lexer_scan.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The comment was not closed: the server refuses the text. */
static void unfinished(struct lexer *lx)
{
	lx->unreadable = true;
	lx->cursor = lx->limit;
}

/* An executable comment that does not run may hold plain comments, one level deep. */
static void skip_with_nested(struct lexer *lx, const uint8_t *p)
{
	while (lx->limit - p >= 2) {
		p = scan_either(p, lx->limit, '*', '/');
		if (lx->limit - p < 2)
			break;
		if (p[0] == '*' && p[1] == '/') {
			lx->cursor = p + 2;
			return;
		}
		if (p[0] == '/' && p[1] == '*') {
			p = scan_comment_end(p + 2, lx->limit);
			if (!p)
				break;
		} else {
			p++;
		}
	}
	unfinished(lx);
}

/* The version number at p: how many digits it has (0: none, it is SQL text) and whether this server runs the
 * comment. */
static unsigned version_at(struct lexer *lx, const uint8_t *p, bool for_mariadb, bool *runs)
{
	unsigned digits = 0, number = 0, five = 0;
	*runs = true;
	while (digits < 6 && lx->limit - p > digits && is_digit(p[digits])) {
		number = number * 10 + (unsigned)(p[digits++] - '0');
		if (digits == 5)
			five = number;
	}
	if (digits < 5)
		return 0;
	if (lx->dialect.flavor == FLAVOR_MARIADB) {
		/* Numbers between MySQL 5.7 and MariaDB 10 mean MySQL, unless the comment says M. */
		bool of_mysql = number >= 50700 && number <= 99999 && !for_mariadb;
		*runs = number <= lx->dialect.version && !of_mysql;
		return digits;
	}
	if (digits == 6 && !(lx->limit - p > 6 && is_blank(p[6]))) {
		/* MySQL 9 takes six digits only before a blank, older ones always: nobody should rely on
		 * either. */
		lx->unreadable = true;
		if (lx->dialect.version >= 90000) {
			number = five;
			digits = 5;
		}
	}
	*runs = number <= lx->dialect.version;
	return digits;
}

static void executable(struct lexer *lx, const uint8_t *body, bool for_mariadb)
{
	bool runs;
	unsigned digits = version_at(lx, body, for_mariadb, &runs);
	if (!runs) {
		skip_with_nested(lx, body);
		return;
	}
	lx->in_executable = true;
	lx->cursor = body + digits;
}

static bool has_word(const uint8_t *p, const uint8_t *end, const char *word)
{
	size_t n = strlen(word);
	for (; (size_t)(end - p) >= n; p++)
		if (strncasecmp((const char *)p, word, n) == 0)
			return true;
	return false;
}

/* Optimizer hints stand only behind these; elsewhere the same is a plain comment. */
static bool hint_place(const struct lexer *lx)
{
	if (lx->last_kind != TOKEN_WORD || !lx->last_word)
		return false;
	switch (lx->last_word->keyword) {
	case KW_SELECT:
	case KW_INSERT:
	case KW_REPLACE:
	case KW_UPDATE:
	case KW_DELETE:
		return true;
	default:
		return false;
	}
}

static void hints(struct lexer *lx, const uint8_t *body)
{
	const uint8_t *end = scan_comment_end(body, lx->limit);
	if (!end) {
		unfinished(lx);
		return;
	}
	/* A quoted name in a hint may hold the comment's end, and versions differ in how they take it. */
	const uint8_t *stop = end - 2;
	unsigned backticks = 0, quotes = 0;
	for (const uint8_t *p = body; p < stop; p++) {
		backticks += *p == '`';
		quotes += *p == '"' || *p == '\'';
	}
	if (backticks % 2 || quotes % 2)
		lx->unreadable = true;
	if (has_word(body, stop, "SET_VAR"))
		lx->set_var = true;
	lx->cursor = end;
}

static void plain(struct lexer *lx, const uint8_t *body)
{
	const uint8_t *end = scan_comment_end(body, lx->limit);
	if (!end) {
		unfinished(lx);
		return;
	}
	if (lx->hints)
		hints_read_comment(lx->hints, (struct view){body, (size_t)(end - 2 - body)});
	lx->cursor = end;
}

void lexer_line_comment(struct lexer *lx, const uint8_t *body)
{
	const uint8_t *end = scan_line_end(body, lx->limit);
	if (lx->hints)
		hints_read_comment(lx->hints, (struct view){body, (size_t)(end - body)});
	lx->cursor = end;
}

void lexer_comment(struct lexer *lx)
{
	const uint8_t *p = lx->cursor + 2;
	size_t left = (size_t)(lx->limit - p);
	if (left >= 1 && p[0] == '!') {
		executable(lx, p + 1, false);
	} else if (left >= 2 && p[0] == 'M' && p[1] == '!' && lx->dialect.flavor == FLAVOR_MARIADB) {
		executable(lx, p + 2, true);
	} else if (left >= 1 && p[0] == '+' && hint_place(lx)) {
		hints(lx, p + 1);
	} else {
		plain(lx, p);
	}
}
