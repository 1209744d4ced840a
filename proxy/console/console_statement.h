/* Prepared statements of a console session: COM_STMT_PREPARE, EXECUTE, CLOSE, RESET. */
#ifndef WYE_PROXY_CONSOLE_STATEMENT_H
#define WYE_PROXY_CONSOLE_STATEMENT_H

#include "protocol/wire.h"
#include "proxy/console/console_answer.h"
#include "proxy/console/console_session.h"

/* Payloads without their packet header, the command byte first. */
void console_statement_prepare(struct console_session *s, struct answer *a, const char *sql);
void console_statement_execute(struct console_session *s, struct answer *a, struct view payload);
void console_statement_reset(struct console_session *s, struct answer *a, struct view payload);
void console_statement_long_data(struct console_session *s, struct view payload); /* has no answer */
void console_statement_close(struct console_session *s, struct view payload);	  /* has no answer */
void console_statement_close_all(struct console_session *s);

#endif
