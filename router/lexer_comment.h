/* Comments: what is skipped, what is a hint, and what the server runs. */
#ifndef WYE_ROUTER_LEXER_COMMENT_H
#define WYE_ROUTER_LEXER_COMMENT_H

#include "router/lexer.h"

/* The cursor is at "/" "*". Moves it behind the comment or, for an executable one, into it. */
void lexer_comment(struct lexer *lx);

/* A comment to the end of the line; body: behind its marks. */
void lexer_line_comment(struct lexer *lx, const uint8_t *body);

#endif
