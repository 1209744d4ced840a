/*
 * Answering one command: OK, ERR, or the rows of a statement, as packets in the session's output.
 *
 * An answer that does not fit the output's bound is taken back and becomes an error.
 */
#ifndef WYE_PROXY_CONSOLE_ANSWER_H
#define WYE_PROXY_CONSOLE_ANSWER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/buf.h"
#include "proxy/console/console_catalog.h"

struct answer {
	struct buf *out;
	size_t begin; /* length of out when the command came: where an answer is taken back to */
	uint8_t seq;
	uint32_t caps;
	uint16_t status; /* STATUS_* of the session */
	bool binary;	 /* answers COM_STMT_EXECUTE */
};

void answer_ok(struct answer *a, const char *info); /* info may be "" */
void answer_changed(struct answer *a, uint64_t rows); /* OK, with the number of rows changed */
void answer_error(struct answer *a, uint16_t code, const char *sqlstate, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The rows of a statement that is ready to run, or the error; the statement is not finalized. */
void answer_statement(struct answer *a, struct console_catalog *c, sqlite3_stmt *statement);

/* The same for a text of sqlite's dialect; texts are bound to its parameters ?1, ?2 in turn. */
void answer_sql(struct answer *a, struct console_catalog *c, const char *sql, const char *const *texts,
		unsigned n_texts);

/* The error that the catalog met last. */
void answer_catalog_error(struct answer *a, struct console_catalog *c);

/* To COM_STMT_PREPARE and COM_FIELD_LIST; statement may be NULL (no columns are known before it runs). */
void answer_prepared(struct answer *a, uint32_t id, sqlite3_stmt *statement, uint16_t params);
void answer_fields(struct answer *a, sqlite3_stmt *statement);

#endif
