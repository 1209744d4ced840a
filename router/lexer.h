/*
 * Cuts a text into the tokens of MySQL's and MariaDB's grammars, as the server would under the same dialect.
 *
 * The text need not be terminated and may hold any bytes. Tokens point into it. Blanks and comments give no
 * token; what an executable comment holds does, when the server would run it (FACTS: by flavor, version and
 * its digits).
 *
 * What the server itself would refuse (an unfinished string or comment, a stray byte) and what cannot be told
 * with certainty sets `unreadable`; the tokens go on as well as they can, and every text ends with TOKEN_END.
 */
#ifndef WYE_ROUTER_LEXER_H
#define WYE_ROUTER_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/dialect.h"
#include "router/hints.h"
#include "router/word.h"

/* A token of one byte of punctuation has that byte as its kind. */
enum token_kind {
	TOKEN_END = 0,
	TOKEN_WORD = 256, /* keyword, name, or function: not quoted */
	TOKEN_QUOTED,     /* `name`, and "name" under ANSI_QUOTES */
	TOKEN_STRING,     /* 'text', "text", N'text', $$text$$ */
	TOKEN_NUMBER,     /* 1, 1.5e3, 0x1F, x'1F', b'1' */
	TOKEN_USER_VAR,   /* @name; in user@host: @host */
	TOKEN_SYSTEM_VAR, /* @@ alone; the name follows as a word */
	TOKEN_ASSIGN,     /* := */
	TOKEN_OPERATOR,   /* of more than one byte: <=>, ->>, ||, ... */
	TOKEN_BAD,        /* a byte that begins nothing */
	TOKEN_JOINING_DOT /* in lexer.last_kind only: a '.' that stood right behind a word; what follows at
	                     once is a name */
};

struct token {
	int kind; /* enum token_kind or a byte */
	bool space_before;
	/* Only of a STRING, QUOTED or USER_VAR: */
	bool escaped;     /* it holds an escape or a doubled quote, so it is not its own text */
	uint8_t quote;    /* the quote around it, or 0 */
	const uint8_t *p; /* as written, with quotes */
	size_t len;
	const struct word *word; /* WORD and QUOTED: its entry in the index, or NULL */
	uint64_t lo, hi;         /* WORD: its first 16 bytes, zeros behind */
};

struct lexer {
	const uint8_t *cursor, *limit, *start;
	struct dialect dialect;
	bool in_executable; /* inside an executable comment that runs */
	bool unreadable;
	bool set_var;        /* an optimizer hint with SET_VAR was passed */
	struct hints *hints; /* what comments ask of the route is noted here; NULL: nobody wants to know */
	int last_kind; /* the token before, and its entry: optimizer hints stand behind some words */
	const struct word *last_word;
};

void lexer_init(struct lexer *lx, struct view text, const struct dialect *dialect);
void lexer_next(struct lexer *lx, struct token *t);

/* What is inside the quotes of a STRING, QUOTED or USER_VAR, undecoded; of others the whole. */
struct view token_inside(const struct token *t);
/*
 * The same decoded into out, which must have room for token_inside().len bytes; gives the length. A backslash
 * is an escape only in a string, and not under NO_BACKSLASH_ESCAPES.
 */
size_t token_decode(const struct token *t, const struct dialect *dialect, uint8_t *out);

#endif
