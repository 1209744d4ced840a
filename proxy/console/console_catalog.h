/*
 * One sqlite database in memory that knows the virtual tables and the functions of MySQL that clients call.
 *
 * A catalog belongs to one thread (the control thread has one for the console, the HTTP thread its own). Nothing can
 * be written through it but the rows of the configuration, on the console, and a statement is stopped when it takes too
 * long: it would hold up its thread.
 */
#ifndef WYE_PROXY_CONSOLE_CATALOG_H
#define WYE_PROXY_CONSOLE_CATALOG_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console_catalog {
	sqlite3 *db;
	bool owns_db;
	/* Who asks: for CONNECTION_ID(), USER() and DATABASE(); the caller sets them before a statement runs. */
	uint32_t connection_id;
	const char *user;
	const char *schema; /* NULL: none */
	/* Private. */
	int64_t deadline_us;
};

#define CATALOG_STATEMENT_MS 1000

/* On the connection of the configuration, whose tables can be written then, or for NULL on one of its own. NULL with a
 * reason in error. */
struct console_catalog *console_catalog_create(sqlite3 *db, char *error, size_t error_size);
void console_catalog_destroy(struct console_catalog *c); /* NULL is fine */

/* The time a statement may take begins now. */
void console_catalog_begin(struct console_catalog *c);

/* A statement of sqlite's dialect; NULL when it cannot be prepared, see console_catalog_error(). */
sqlite3_stmt *console_catalog_prepare(struct console_catalog *c, const char *sql);

/* Whether a statement of sqlite's dialect has a row, with its parameter ?1 bound to a number written as text. */
bool console_catalog_finds(struct console_catalog *c, const char *sql, const char *number);

/* What went wrong last, as a MySQL server would say it: its number and sqlstate, and a sentence that names the
 * nearest right name where one was wrong. */
struct console_error {
	uint16_t code;
	char sqlstate[6];
	char text[512];
};
void console_catalog_error(struct console_catalog *c, struct console_error *e);

#endif
