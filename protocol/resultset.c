#include "protocol/resultset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/ok.h"
#include "protocol/packet.h"

#define COLUMNS_MAX      4096u
#define CHARSET_UTF8MB4  45u
#define CHARSET_BINARY   63u
#define FLAG_BINARY      0x80u
#define NULL_TEXT        0xFB /* in the place of a length */
#define NULL_BITS_OFFSET 2    /* the first two bits of a binary row's bitmap mean nothing */
#define NUMBER_MAX       64   /* a number as text fits, with room for leading blanks */

/* What a definition says of each type besides its number. */
struct type_look {
	uint16_t charset;
	uint32_t length;
	uint16_t flags;
	uint8_t decimals; /* 31: as many as there are */
};

static struct type_look type_look(enum resultset_type type)
{
	switch (type) {
	case RESULTSET_INTEGER:
		return (struct type_look){CHARSET_BINARY, 21, FLAG_BINARY, 0};
	case RESULTSET_DOUBLE:
		return (struct type_look){CHARSET_BINARY, 22, FLAG_BINARY, 31};
	default:
		return (struct type_look){CHARSET_UTF8MB4, 0xFFFF, 0, 0};
	}
}

/* Ends a packet whose fields were all written, or takes it back. */
static bool finish(struct buf *b, size_t begin, bool written, uint8_t *seq)
{
	if (written)
		return packet_end(b, begin, seq);
	if (begin != SIZE_MAX)
		b->end = b->start + begin;
	return false;
}

static bool write_definition(struct buf *b, const struct resultset_column *c)
{
	struct type_look look = type_look(c->type);
	static const struct view catalog = {(const uint8_t *)"def", 3};
	return write_lenenc_str(b, catalog) && write_zeros(b, 3) /* schema, table, original table */ &&
	       write_lenenc_str(b, view_of(c->name)) && write_u8(b, 0) /* original name */ &&
	       (!c->extended || write_u8(b, 0)) /* nothing finer to say of the type */ &&
	       write_u8(b, 0x0C) /* bytes up to the end */ && write_u16(b, look.charset) &&
	       write_u32(b, look.length) && write_u8(b, (uint8_t)c->type) && write_u16(b, look.flags) &&
	       write_u8(b, look.decimals) && write_u16(b, 0);
}

static bool put_definition(struct buf *b, uint8_t *seq, const struct resultset_column *c, bool with_default)
{
	size_t begin = packet_begin(b);
	bool written =
	    begin != SIZE_MAX && write_definition(b, c) && (!with_default || write_u8(b, NULL_TEXT));
	return finish(b, begin, written, seq);
}

static bool put_definitions(struct buf *b, uint8_t *seq, uint32_t caps,
                            const struct resultset_column *columns, size_t n, uint16_t status)
{
	for (size_t i = 0; i < n; i++)
		if (!put_definition(b, seq, &columns[i], false))
			return false;
	return caps & CAP_DEPRECATE_EOF || eof_write(b, seq, caps, status, 0);
}

bool resultset_begin(struct buf *b, uint8_t *seq, uint32_t caps, const struct resultset_column *columns,
                     size_t n, uint16_t status)
{
	if (!n || n > COLUMNS_MAX)
		return false;
	size_t begin = packet_begin(b);
	bool written = begin != SIZE_MAX && write_lenenc(b, n);
	return finish(b, begin, written, seq) && put_definitions(b, seq, caps, columns, n, status);
}

/* The text of a number must end in a NUL for strtoll and strtod. */
static const char *number_text(struct view text, char scratch[NUMBER_MAX])
{
	size_t len = text.len < NUMBER_MAX - 1 ? text.len : NUMBER_MAX - 1;
	if (len)
		memcpy(scratch, text.p, len);
	scratch[len] = 0;
	return scratch;
}

static int64_t cell_integer(const struct resultset_cell *cell)
{
	char scratch[NUMBER_MAX];
	switch (cell->kind) {
	case CELL_TEXT:
		return strtoll(number_text(cell->text, scratch), NULL, 10);
	case CELL_DOUBLE:
		if (cell->number >= 0x1p63)
			return INT64_MAX;
		return cell->number >= -0x1p63 ? (int64_t)cell->number : INT64_MIN; /* NaN too */
	default:
		return cell->integer;
	}
}

static double cell_double(const struct resultset_cell *cell)
{
	char scratch[NUMBER_MAX];
	switch (cell->kind) {
	case CELL_TEXT:
		return strtod(number_text(cell->text, scratch), NULL);
	case CELL_INTEGER:
		return (double)cell->integer;
	default:
		return cell->number;
	}
}

/* The shortest text that reads back as the same number. */
static struct view double_text(double v, char scratch[NUMBER_MAX])
{
	int n = snprintf(scratch, NUMBER_MAX, "%.15g", v);
	if (strtod(scratch, NULL) != v)
		n = snprintf(scratch, NUMBER_MAX, "%.17g", v);
	return (struct view){(const uint8_t *)scratch, (size_t)n};
}

static struct view cell_text(const struct resultset_cell *cell, char scratch[NUMBER_MAX])
{
	switch (cell->kind) {
	case CELL_INTEGER: {
		int n = snprintf(scratch, NUMBER_MAX, "%lld", (long long)cell->integer);
		return (struct view){(const uint8_t *)scratch, (size_t)n};
	}
	case CELL_DOUBLE:
		return double_text(cell->number, scratch);
	default:
		return cell->text;
	}
}

/* The cell as its column can hold it. A number that neither SQL nor a client knows is NULL. */
static struct resultset_cell convert(const struct resultset_cell *cell, enum resultset_type type,
                                     char scratch[NUMBER_MAX])
{
	if (cell->kind == CELL_NULL)
		return *cell;
	if (cell->kind == CELL_DOUBLE && !isfinite(cell->number))
		return (struct resultset_cell){.kind = CELL_NULL};
	switch (type) {
	case RESULTSET_INTEGER:
		return (struct resultset_cell){.kind = CELL_INTEGER, .integer = cell_integer(cell)};
	case RESULTSET_DOUBLE: {
		double v = cell_double(cell);
		return (struct resultset_cell){.kind = isfinite(v) ? CELL_DOUBLE : CELL_NULL, .number = v};
	}
	default:
		return (struct resultset_cell){.kind = CELL_TEXT, .text = cell_text(cell, scratch)};
	}
}

static bool write_text_cell(struct buf *b, const struct resultset_cell *cell)
{
	char scratch[NUMBER_MAX];
	return cell->kind == CELL_NULL ? write_u8(b, NULL_TEXT)
	                               : write_lenenc_str(b, cell_text(cell, scratch));
}

static bool write_binary_cell(struct buf *b, const struct resultset_cell *cell)
{
	uint64_t bits;
	switch (cell->kind) {
	case CELL_NULL:
		return true;
	case CELL_INTEGER:
		return write_u64(b, (uint64_t)cell->integer);
	case CELL_DOUBLE:
		memcpy(&bits, &cell->number, sizeof bits);
		return write_u64(b, bits);
	default:
		return write_lenenc_str(b, cell->text);
	}
}

static bool write_row(struct buf *b, const struct resultset_column *columns, size_t n,
                      const struct resultset_cell *cells, bool binary)
{
	size_t bitmap = buf_len(b) + 1;
	if (binary && !write_zeros(b, 1 + (n + NULL_BITS_OFFSET + 7) / 8))
		return false;
	for (size_t i = 0; i < n; i++) {
		char scratch[NUMBER_MAX];
		struct resultset_cell cell = convert(&cells[i], columns[i].type, scratch);
		if (binary && cell.kind == CELL_NULL)
			buf_data(b)[bitmap + (i + NULL_BITS_OFFSET) / 8] |=
			    (uint8_t)(1u << (i + NULL_BITS_OFFSET) % 8);
		if (!(binary ? write_binary_cell(b, &cell) : write_text_cell(b, &cell)))
			return false;
	}
	return true;
}

bool resultset_row(struct buf *b, uint8_t *seq, const struct resultset_column *columns, size_t n,
                   const struct resultset_cell *cells, bool binary)
{
	size_t begin = packet_begin(b);
	bool written = begin != SIZE_MAX && write_row(b, columns, n, cells, binary);
	return finish(b, begin, written, seq);
}

bool resultset_end(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t status, uint16_t warnings)
{
	return eof_write(b, seq, caps, status, warnings);
}

bool resultset_fields(struct buf *b, uint8_t *seq, uint32_t caps, const struct resultset_column *columns,
                      size_t n, uint16_t status)
{
	for (size_t i = 0; i < n; i++)
		if (!put_definition(b, seq, &columns[i], true))
			return false;
	return eof_write(b, seq, caps, status, 0);
}

static bool put_prepare_ok(struct buf *b, uint8_t *seq, uint32_t statement_id, size_t n, uint16_t params)
{
	size_t begin = packet_begin(b);
	bool written = begin != SIZE_MAX && write_u8(b, HEADER_OK) && write_u32(b, statement_id) &&
	               write_u16(b, (uint16_t)n) && write_u16(b, params) && write_u8(b, 0) && write_u16(b, 0);
	return finish(b, begin, written, seq);
}

bool resultset_prepared(struct buf *b, uint8_t *seq, uint32_t caps, uint32_t statement_id,
                        const struct resultset_column *columns, size_t n, uint16_t params, uint16_t status)
{
	static const struct resultset_column parameter = {"?", RESULTSET_TEXT, false};
	if (n > COLUMNS_MAX || !put_prepare_ok(b, seq, statement_id, n, params))
		return false;
	for (unsigned i = 0; i < params; i++)
		if (!put_definition(b, seq, &parameter, false))
			return false;
	if (params && !(caps & CAP_DEPRECATE_EOF) && !eof_write(b, seq, caps, status, 0))
		return false;
	return !n || put_definitions(b, seq, caps, columns, n, status);
}
