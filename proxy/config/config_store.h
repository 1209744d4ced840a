/*
 * The tables of the configuration in sqlite: main.settings, main.servers, main.users, main.admins and main.rules, in the file of
 * --config, or in
 * memory without one. What was given at start lies beside them, in temporary tables (temp.given_...): where both speak,
 * the tables win over the given servers and users row by row, and the command line over a stored setting until somebody
 * changes that one.
 *
 * Nothing here knows the running process; the control thread alone calls it, with all writes within one transaction of
 * config_change.h.
 */
#ifndef WYE_PROXY_CONFIG_STORE_H
#define WYE_PROXY_CONFIG_STORE_H

#include <sqlite3.h>
#include <stdio.h>

#include "proxy/config/config.h"

#define CONFIG_ERROR_MAX 512

extern const char config_schema[]; /* the stored tables, as SQL that makes those that are missing */

/* Opens or makes the tables. A file that does not exist is created, readable by its owner only since it may hold
 * passwords. NULL: `error` is one line that names the file. */
sqlite3 *config_store_open(const struct options *given, char *error, size_t error_size);
void config_store_close(sqlite3 *db);

/* The state that the tables are in now, checked row by row; NULL: `error` names the row, what is allowed, and the nearest
 * right name. */
struct config *config_store_read(sqlite3 *db, const struct options *given, char *error, size_t error_size);

/* A row from its texts; source STORED. False: what is wrong, and what is allowed. */
bool config_server_parse(struct config_server *s, const char *name, const char *role, const char *weight,
			 const char *zone, const char *comment, char *error, size_t error_size);
struct config_user_texts {
	const char *name, *password /* NULL: none */, *comment, *consistency, *max_lag, *causal_key;
	const char *networks, *max_clients;
};
bool config_user_parse(struct config_user *u, const struct config_user_texts *texts, char *error, size_t error_size);

/* The password, or the verifier that was made of one. */
bool config_admin_parse(struct config_admin *a, const char *name, const char *password, const char *role,
			const char *comment, char *error, size_t error_size);

/* Writes of one row: false, and nothing written, when it is not allowed. `old` is the row's name before, NULL for a new
 * one; a `replace` takes the place of a row of the same name. */
bool config_store_setting(sqlite3 *db, const char *name, const char *value, char *error, size_t error_size);
bool config_store_server(sqlite3 *db, const char *old, const struct config_server *server, bool replace, char *error,
			 size_t error_size);
bool config_store_user(sqlite3 *db, const char *old, const struct config_user *user, bool replace, char *error,
		       size_t error_size);

bool config_store_admin(sqlite3 *db, const char *old, const struct config_admin *admin, bool replace, char *error,
			size_t error_size);

/* Makes place for a row that is about to be written: the row `old` goes. False: there is another of that name, and it is
 * no `replace`. */
bool config_store_make_place(sqlite3 *db, const char *table, const char *old, const char *name, bool replace, char *error,
			     size_t error_size);

/* A setting that is dropped has its default again; a given row that is dropped comes back with the next start. */
bool config_store_drop(sqlite3 *db, const char *table, const char *name, char *error, size_t error_size);

/* A literal that means the same to sqlite and on the console, where a backslash is an escape; NULL for NULL. */
void config_put_literal(FILE *out, const char *text);

/* config_export.c: the state as SQL that makes it again, on the console or as a file of --config: to be freed by the caller. Without the
 * passwords it is fit to be shown. */
char *config_store_export(const struct config *c, bool with_passwords);

/* Puts an exported state in the place of the stored tables. */
bool config_store_import(sqlite3 *db, const char *sql, char *error, size_t error_size);
bool config_store_import_file(sqlite3 *db, const char *path, char *error, size_t error_size);

/* The history: one row a change. */
bool config_store_note(sqlite3 *db, const struct config *state, const char *who, const char *change, char *error,
		       size_t error_size);
char *config_store_state_of(sqlite3 *db, uint64_t version); /* for config_store_import(), to be freed; NULL: none */

#endif
