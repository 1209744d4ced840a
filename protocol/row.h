/*
 * Reading a small result set that is here as a whole: the kind of its columns and its first row.
 */
#ifndef WYE_PROTOCOL_ROW_H
#define WYE_PROTOCOL_ROW_H

#include <stdbool.h>

#include "protocol/wire.h"

enum row_kind { ROW_INTEGER, ROW_UNSIGNED, ROW_DECIMAL, ROW_DOUBLE, ROW_STRING, ROW_OTHER };

struct row_cell {
	enum row_kind kind;
	uint32_t width; /* of its column, in bytes, as the server has it */
	struct view text; /* p is NULL for NULL; points into the answer */
};

/* The first row of the text protocol's answer to a query, which begins with its column count; caps are those
 * in effect on the connection. False when it has another number of columns than n, has no row, or is not such
 * an answer. */
bool row_read(struct view answer, uint32_t caps, uint32_t mariadb_caps, struct row_cell *cells, unsigned n)
    __attribute__((warn_unused_result));

#endif
