#include "proxy/console/console_answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/resultset.h"
#include "proxy/console/console_sql.h"

#define NAME_MAX_BYTES 256

/* What was begun is taken back; the small packet that replaces it always fits a buf that held an answer. */
static void take_back(struct answer *a)
{
	a->out->end = a->out->start + a->begin;
}

static void too_large(struct answer *a, uint8_t seq)
{
	take_back(a);
	a->seq = seq;
	answer_error(a, 1105, "HY000", "The answer is larger than %zu MiB; a WHERE or a LIMIT makes it smaller",
		     a->out->max >> 20);
}

static void write_ok(struct answer *a, uint64_t rows, const char *info)
{
	struct ok_packet ok = {.affected = rows, .status = a->status, .info = view_of(info)};
	uint8_t seq = a->seq;
	if (!ok_write(a->out, &a->seq, a->caps, &ok))
		too_large(a, seq);
}

void answer_ok(struct answer *a, const char *info)
{
	write_ok(a, 0, info);
}

void answer_changed(struct answer *a, uint64_t rows)
{
	write_ok(a, rows, "");
}

void answer_error(struct answer *a, uint16_t code, const char *sqlstate, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	bool written = err_write(a->out, &a->seq, a->caps, code, sqlstate, "%s", text);
	if (!written) {
		take_back(a);
		written = err_write(a->out, &a->seq, a->caps, code, sqlstate, "%s", text);
	}
	(void)written; /* else: the output is full of earlier answers, and the session ends */
}

void answer_catalog_error(struct answer *a, struct console_catalog *c)
{
	struct console_error e;
	console_catalog_error(c, &e);
	answer_error(a, e.code, e.sqlstate, "%s", e.text);
}

/* ---- columns ---- */

struct columns {
	size_t n;
	struct resultset_column *list;
	char (*names)[NAME_MAX_BYTES];
	struct resultset_cell *cells;
};

static enum resultset_type declared_type(sqlite3_stmt *s, int i, bool has_row)
{
	const char *declared = sqlite3_column_decltype(s, i);
	if (declared)
		return strcmp(declared, "INTEGER") == 0 ? RESULTSET_INTEGER
		       : strcmp(declared, "REAL") == 0	? RESULTSET_DOUBLE
							: RESULTSET_TEXT;
	/* An expression: the first row tells. */
	int type = has_row ? sqlite3_column_type(s, i) : SQLITE_TEXT;
	return type == SQLITE_INTEGER ? RESULTSET_INTEGER : type == SQLITE_FLOAT ? RESULTSET_DOUBLE : RESULTSET_TEXT;
}

static void columns_init(struct columns *c, sqlite3_stmt *s, bool has_row)
{
	c->n = s ? (size_t)sqlite3_column_count(s) : 0;
	c->list = calloc(c->n + 1, sizeof *c->list);
	c->names = calloc(c->n + 1, sizeof *c->names);
	c->cells = calloc(c->n + 1, sizeof *c->cells);
	if (!c->list || !c->names || !c->cells)
		abort();
	for (size_t i = 0; i < c->n; i++) {
		const char *name = sqlite3_column_name(s, (int)i);
		sql_column_name(name ? name : "", c->names[i], NAME_MAX_BYTES);
		c->list[i] = (struct resultset_column){c->names[i], declared_type(s, (int)i, has_row), false};
	}
}

static void columns_finish(struct columns *c)
{
	free(c->list);
	free(c->names);
	free(c->cells);
}

static void read_cells(struct columns *c, sqlite3_stmt *s)
{
	for (size_t i = 0; i < c->n; i++) {
		struct resultset_cell *cell = &c->cells[i];
		switch (sqlite3_column_type(s, (int)i)) {
		case SQLITE_NULL:
			cell->kind = CELL_NULL;
			break;
		case SQLITE_INTEGER:
			cell->kind = CELL_INTEGER;
			cell->integer = sqlite3_column_int64(s, (int)i);
			break;
		case SQLITE_FLOAT:
			cell->kind = CELL_DOUBLE;
			cell->number = sqlite3_column_double(s, (int)i);
			break;
		default:
			cell->kind = CELL_TEXT;
			cell->text.p = sqlite3_column_blob(s, (int)i);
			cell->text.len = (size_t)sqlite3_column_bytes(s, (int)i);
		}
	}
}

/* SQLITE_DONE, an error of sqlite, or SQLITE_FULL when the output is full. */
static int write_rows(struct answer *a, struct columns *c, sqlite3_stmt *s, int step)
{
	for (; step == SQLITE_ROW; step = sqlite3_step(s)) {
		read_cells(c, s);
		if (!resultset_row(a->out, &a->seq, c->list, c->n, c->cells, a->binary))
			return SQLITE_FULL;
	}
	return step;
}

void answer_statement(struct answer *a, struct console_catalog *catalog, sqlite3_stmt *s)
{
	uint8_t seq = a->seq;
	console_catalog_begin(catalog);
	int step = sqlite3_step(s);
	if (step != SQLITE_ROW && step != SQLITE_DONE) {
		answer_catalog_error(a, catalog);
		return;
	}
	struct columns c;
	columns_init(&c, s, step == SQLITE_ROW);
	if (!c.n) {
		answer_ok(a, "");
	} else {
		bool begun = resultset_begin(a->out, &a->seq, a->caps, c.list, c.n, a->status);
		int end = begun ? write_rows(a, &c, s, step) : SQLITE_FULL;
		if (end == SQLITE_FULL ||
		    (end == SQLITE_DONE && !resultset_end(a->out, &a->seq, a->caps, a->status, 0)))
			too_large(a, seq);
		else if (end != SQLITE_DONE)
			answer_catalog_error(a, catalog); /* an ERR may end rows */
	}
	columns_finish(&c);
}

void answer_sql(struct answer *a, struct console_catalog *c, const char *sql, const char *const *texts,
		unsigned n_texts)
{
	sqlite3_stmt *s = console_catalog_prepare(c, sql);
	if (!s) {
		if (sqlite3_errcode(c->db) == SQLITE_OK)
			answer_ok(a, "");
		else
			answer_catalog_error(a, c);
		return;
	}
	for (unsigned i = 0; i < n_texts; i++)
		sqlite3_bind_text(s, (int)i + 1, texts[i], -1, SQLITE_STATIC);
	answer_statement(a, c, s);
	sqlite3_finalize(s);
}

void answer_prepared(struct answer *a, uint32_t id, sqlite3_stmt *s, uint16_t params)
{
	struct columns c;
	uint8_t seq = a->seq;
	columns_init(&c, s, false);
	if (!resultset_prepared(a->out, &a->seq, a->caps, id, c.list, c.n, params, a->status))
		too_large(a, seq);
	columns_finish(&c);
}

void answer_fields(struct answer *a, sqlite3_stmt *s)
{
	struct columns c;
	uint8_t seq = a->seq;
	columns_init(&c, s, false);
	if (!resultset_fields(a->out, &a->seq, a->caps, c.list, c.n, a->status))
		too_large(a, seq);
	columns_finish(&c);
}
