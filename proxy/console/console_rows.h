/*
 * The rows of one virtual table at one moment: a producer writes them value by value, sqlite's cursor reads them.
 *
 * Values are copies: nothing in here points into a snapshot or a worker, so that a slow reader keeps nothing alive.
 */
#ifndef WYE_PROXY_CONSOLE_ROWS_H
#define WYE_PROXY_CONSOLE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_IS_NULL, VALUE_IS_INTEGER, VALUE_IS_REAL, VALUE_IS_TEXT };

struct table_value {
	enum value_type type;
	union {
		int64_t integer;
		double real;
		size_t text; /* offset, see rows_text_of() */
	};
};

struct table_rows {
	struct table_value *values; /* row after row */
	size_t n, cap;
	char *texts;
	size_t texts_len, texts_cap;
};

void rows_init(struct table_rows *rows);
void rows_finish(struct table_rows *rows);

/* One value each, in the order of the table's columns. */
void rows_integer(struct table_rows *rows, int64_t value);
void rows_count(struct table_rows *rows,
		uint64_t value); /* a counter: what does not fit becomes the largest integer */
void rows_real(struct table_rows *rows, double value);
void rows_text(struct table_rows *rows, const char *text);
void rows_text_or_null(struct table_rows *rows, const char *text); /* NULL for an empty text */
void rows_null(struct table_rows *rows);
void rows_time(struct table_rows *rows, int64_t us); /* "2026-01-31 12:00:00.123", UTC; NULL for 0 */

const char *rows_text_of(const struct table_rows *rows, const struct table_value *value);

#endif
