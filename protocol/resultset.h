/*
 * Writing result sets: what the console answers with, in the text and in the binary protocol.
 *
 * Every function appends whole packets for a client of the given capabilities and moves *seq on; false, with its last
 * packet taken back, when the buf is full. A result set is begin, any number of rows, end:
 *
 *	resultset_begin(b, &seq, caps, columns, n, status)
 *	resultset_row(b, &seq, columns, n, cells, binary)
 *	resultset_end(b, &seq, caps, status, warnings)
 */
#ifndef WYE_PROTOCOL_RESULTSET_H
#define WYE_PROTOCOL_RESULTSET_H

#include "protocol/constants.h"
#include "protocol/wire.h"

/* Column types as the wire numbers them; the three are enough for everything we have to say. */
enum resultset_type { RESULTSET_DOUBLE = 5, RESULTSET_INTEGER = 8, RESULTSET_TEXT = 0xFD };

struct resultset_column {
	const char *name;
	enum resultset_type type;
	bool extended; /* for a client with MCAP_EXTENDED_METADATA, all columns alike */
};

enum resultset_cell_kind { CELL_NULL, CELL_INTEGER, CELL_DOUBLE, CELL_TEXT };

struct resultset_cell {
	enum resultset_cell_kind kind;
	int64_t integer;
	double number;
	struct view text; /* UTF-8 */
};

/* Column count and definitions (and their EOF for clients that expect one). 1 to 4096 columns. */
bool resultset_begin(struct buf *b, uint8_t *seq, uint32_t caps, const struct resultset_column *columns, size_t n,
		     uint16_t status) __attribute__((warn_unused_result));

/* One row; binary is how COM_STMT_EXECUTE is answered. A cell of another kind than its column is converted, as sqlite's
 * columns may hold anything: text becomes the number at its beginning, numbers become text. */
bool resultset_row(struct buf *b, uint8_t *seq, const struct resultset_column *columns, size_t n,
		   const struct resultset_cell *cells, bool binary) __attribute__((warn_unused_result));

bool resultset_end(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t status, uint16_t warnings)
	__attribute__((warn_unused_result));

/* The answer to COM_FIELD_LIST: definitions only, and the end. */
bool resultset_fields(struct buf *b, uint8_t *seq, uint32_t caps, const struct resultset_column *columns, size_t n,
		      uint16_t status) __attribute__((warn_unused_result));

/* The answer to COM_STMT_PREPARE; n may be 0, parameters are named "?". */
bool resultset_prepared(struct buf *b, uint8_t *seq, uint32_t caps, uint32_t statement_id,
			const struct resultset_column *columns, size_t n, uint16_t params, uint16_t status)
	__attribute__((warn_unused_result));

#endif
