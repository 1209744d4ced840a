/*
 * Changes of the configuration by a session of the console: outside a transaction each statement is one, between BEGIN
 * (or with autocommit off) and COMMIT all of them are.
 */
#ifndef WYE_PROXY_CONSOLE_WRITE_H
#define WYE_PROXY_CONSOLE_WRITE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "proxy/console/console_answer.h"
#include "proxy/console/console_session.h"

/* Runs a prepared statement, reading or writing, with its answer. */
void console_run_statement(struct console_session *s, struct answer *a, sqlite3_stmt *statement);

/* A change that is no statement of sqlite's. False, or nothing when begun: the error is answered. It ends with
 * console_write_end(), which answers OK with `rows` changed, or takes back what was written when it is not `fine`; the
 * error of that is answered by whoever met it. */
bool console_write_begin(struct console_session *s, struct answer *a);
void console_write_end(struct console_session *s, struct answer *a, bool fine, uint64_t rows);

/* BEGIN, COMMIT, ROLLBACK, with their answers; SET autocommit. */
void console_transaction_begin(struct console_session *s, struct answer *a);
void console_transaction_commit(struct console_session *s, struct answer *a);
void console_transaction_roll_back(struct console_session *s, struct answer *a);
bool console_set_autocommit(struct console_session *s, struct answer *a, bool on); /* false: the error is answered */

/* The session ends, or begins anew. */
void console_write_abandon(struct console_session *s);

#endif
