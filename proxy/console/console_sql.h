/*
 * MySQL's way of writing SQL turned into sqlite's: strings, comments and variables, and nothing else.
 *
 * sqlite understands the rest of what people write on a console (backticks, LIMIT a,b). Pure functions.
 */
#ifndef WYE_PROXY_CONSOLE_SQL_H
#define WYE_PROXY_CONSOLE_SQL_H

#include <stdbool.h>
#include <stddef.h>

/* Past blanks and comments. */
const char *sql_skip(const char *sql);

/* Takes the word at the front (letters, digits, '_', '$'; or a quoted name): false when there is none or it does not
 * fit; *sql is moved past it only when it is taken. */
bool sql_word(const char **sql, char *word, size_t word_size);

/* True, and *sql moved past it, when the next word is this one, in any case. */
bool sql_take(const char **sql, const char *word);

/* A word, a number with a unit, or a string (decoded), as in SET x = ...; false when there is none or it does not
 * fit. */
bool sql_value(const char **sql, char *value, size_t value_size);

/* Nothing but blanks, comments and semicolons is left. */
bool sql_at_end(const char *sql);

/* The statement for sqlite, to be freed by the caller; NULL with a reason in error. System variables become calls of
 * mysql_variable('@@...'). */
char *sql_to_sqlite(const char *sql, char *error, size_t error_size);

/* The column's name as MySQL would give it, from sqlite's for an expression without alias. */
void sql_column_name(const char *sqlite_name, char *out, size_t out_size);

#endif
