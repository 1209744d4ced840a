#include "proxy/console/console_statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/stmt.h"
#include "proxy/audit.h"
#include "proxy/console/console_commands.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_write.h"

#define UNSIGNED_FLAG 0x80
#define TYPES_MAX 65536

struct console_statement {
	uint32_t id;
	sqlite3_stmt *sqlite; /* NULL: one of the console's own commands, kept as its text */
	char *sql;
	uint16_t params;
	struct buf types;   /* of the parameters, as they were bound last */
	bool has_long_data; /* a parameter came in pieces, which is not supported: EXECUTE says so */
	struct console_statement *next;
};

static void statement_destroy(struct console_statement *t)
{
	sqlite3_finalize(t->sqlite);
	buf_finish(&t->types);
	free(t->sql);
	free(t);
}

static struct console_statement **find(struct console_session *s, struct view payload)
{
	uint32_t id;
	if (!stmt_id(payload, &id))
		return NULL;
	if (id == STMT_LAST_PREPARED)
		id = s->last_statement;
	for (struct console_statement **at = &s->statements; *at; at = &(*at)->next)
		if ((*at)->id == id)
			return at;
	return NULL;
}

static bool prepare_text(struct console_session *s, struct answer *a, struct console_statement *t)
{
	char error[128];
	if (console_command_is(t->sql))
		return true;
	char *sql = sql_to_sqlite(t->sql, error, sizeof error);
	if (!sql) {
		answer_error(a, 1064, "42000", "%s", error);
		return false;
	}
	t->sqlite = console_catalog_prepare(s->catalog, sql);
	free(sql);
	bool fine = t->sqlite || sqlite3_errcode(s->catalog->db) == SQLITE_OK;
	if (!fine)
		console_command_error(s, a, t->sql);
	else if (t->sqlite)
		t->params = (uint16_t)sqlite3_bind_parameter_count(t->sqlite);
	return fine;
}

void console_statement_prepare(struct console_session *s, struct answer *a, const char *sql)
{
	if (s->n_statements == CONSOLE_STATEMENTS_MAX) {
		answer_error(a, 1461, "42000", "A session of the console may have %d prepared statements at once",
			     CONSOLE_STATEMENTS_MAX);
		return;
	}
	struct console_statement *t = calloc(1, sizeof *t);
	if (!t || !(t->sql = strdup(sql)))
		abort();
	buf_init(&t->types, TYPES_MAX);
	if (!prepare_text(s, a, t)) {
		statement_destroy(t);
		return;
	}
	t->id = ++s->last_statement;
	t->next = s->statements;
	s->statements = t;
	s->n_statements++;
	answer_prepared(a, t->id, t->sqlite, t->params);
}

/* ---- parameters ---- */

static void bind_bytes(sqlite3_stmt *q, int at, struct view v)
{
	sqlite3_bind_text(q, at, v.len ? (const char *)v.p : "", (int)v.len, SQLITE_TRANSIENT);
}

static void bind_integer(sqlite3_stmt *q, int at, uint64_t raw, unsigned bytes, bool is_unsigned)
{
	unsigned shift = 64 - bytes * 8;
	int64_t value = is_unsigned ? (int64_t)raw : (int64_t)(raw << shift) >> shift;
	if (is_unsigned && bytes == 8 && value < 0)
		value = INT64_MAX; /* sqlite's integers end there */
	sqlite3_bind_int64(q, at, value);
}

static void bind_float(sqlite3_stmt *q, int at, uint32_t raw)
{
	float value;
	memcpy(&value, &raw, sizeof value);
	sqlite3_bind_double(q, at, (double)value);
}

static void bind_double(sqlite3_stmt *q, int at, uint64_t raw)
{
	double value;
	memcpy(&value, &raw, sizeof value);
	sqlite3_bind_double(q, at, value);
}

/* DATE, DATETIME, TIMESTAMP: length, then year, month, day, hour, minute, second, microseconds as far as it goes. */
static void bind_date(sqlite3_stmt *q, int at, struct reader *r)
{
	struct view v = read_bytes(r, read_u8(r));
	struct reader d = reader_of(v.p, v.len);
	char text[64];
	unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micro = 0;
	if (v.len >= 4)
		year = read_u16(&d), month = read_u8(&d), day = read_u8(&d);
	if (v.len >= 7)
		hour = read_u8(&d), minute = read_u8(&d), second = read_u8(&d);
	if (v.len >= 11)
		micro = read_u32(&d);
	int n = snprintf(text, sizeof text, "%04u-%02u-%02u", year, month, day);
	if (v.len >= 7)
		n += snprintf(text + n, sizeof text - (size_t)n, " %02u:%02u:%02u", hour, minute, second);
	if (v.len >= 11)
		snprintf(text + n, sizeof text - (size_t)n, ".%06u", micro);
	bind_bytes(q, at, view_of(text));
}

static void bind_time(sqlite3_stmt *q, int at, struct reader *r)
{
	struct view v = read_bytes(r, read_u8(r));
	struct reader d = reader_of(v.p, v.len);
	char text[64];
	bool negative = v.len >= 8 && read_u8(&d);
	uint64_t days = v.len >= 8 ? read_u32(&d) : 0;
	unsigned hour = v.len >= 8 ? read_u8(&d) : 0, minute = v.len >= 8 ? read_u8(&d) : 0;
	unsigned second = v.len >= 8 ? read_u8(&d) : 0;
	snprintf(text, sizeof text, "%s%02" PRIu64 ":%02u:%02u", negative ? "-" : "", days * 24 + hour, minute,
		 second);
	bind_bytes(q, at, view_of(text));
}

/* One value of the binary protocol; false for a type that no client sends. */
static bool bind_value(sqlite3_stmt *q, int at, uint8_t type, bool is_unsigned, struct reader *r)
{
	switch (type) {
	case 0x01:
		bind_integer(q, at, read_u8(r), 1, is_unsigned);
		return true;
	case 0x02:
	case 0x0D:
		bind_integer(q, at, read_u16(r), 2, is_unsigned);
		return true;
	case 0x03:
	case 0x09:
		bind_integer(q, at, read_u32(r), 4, is_unsigned);
		return true;
	case 0x04:
		bind_float(q, at, read_u32(r));
		return true;
	case 0x05:
		bind_double(q, at, read_u64(r));
		return true;
	case 0x06:
		return true; /* NULL, which parameters are from the start */
	case 0x08:
		bind_integer(q, at, read_u64(r), 8, is_unsigned);
		return true;
	case 0x07:
	case 0x0A:
	case 0x0C:
		bind_date(q, at, r);
		return true;
	case 0x0B:
		bind_time(q, at, r);
		return true;
	default:
		if (type != 0x00 && type != 0x0F && type != 0x10 && type < 0xF5)
			return false;
		bind_bytes(q, at, read_lenenc_str(r));
		return true;
	}
}

static bool remember_types(struct console_statement *t, const struct stmt_execute *e)
{
	if (!e->types_bound)
		return buf_len(&t->types) == 2u * t->params;
	buf_reset(&t->types);
	return e->types.len == 2u * t->params && buf_append(&t->types, e->types.p, e->types.len);
}

static bool bind_parameters(struct console_statement *t, struct view payload)
{
	struct stmt_execute e;
	/* Query attributes are not offered, so the types have no names between them. */
	if (!stmt_execute_parse(payload, t->params, 0, &e) || !remember_types(t, &e))
		return false;
	struct reader r = reader_of(e.values.p, e.values.len);
	const uint8_t *types = buf_data(&t->types);
	sqlite3_clear_bindings(t->sqlite);
	for (unsigned i = 0; i < t->params; i++) {
		if (e.null_bitmap.p[i / 8] >> (i % 8) & 1)
			continue;
		if (!bind_value(t->sqlite, (int)i + 1, types[2 * i], types[2 * i + 1] & UNSIGNED_FLAG, &r) || r.bad)
			return false;
	}
	return true;
}

void console_statement_execute(struct console_session *s, struct answer *a, struct view payload)
{
	struct console_statement **at = find(s, payload), *t = at ? *at : NULL;
	a->binary = true;
	if (t && !s->check)
		audit_console_statement(s->id, s->user, t->sql);
	if (!t) {
		answer_error(a, 1243, "HY000", "Unknown prepared statement handler given to EXECUTE");
	} else if (!t->sqlite) {
		console_command_run(s, a, t->sql);
	} else if (t->has_long_data) {
		answer_error(a, 1235, "42000",
			     "The console does not take parameters in pieces (COM_STMT_SEND_LONG_DATA)");
	} else if (t->params && !bind_parameters(t, payload)) {
		answer_error(a, 1210, "HY000", "Incorrect arguments to EXECUTE");
	} else {
		console_run_statement(s, a, t->sqlite);
		sqlite3_reset(t->sqlite);
	}
}

void console_statement_reset(struct console_session *s, struct answer *a, struct view payload)
{
	struct console_statement **at = find(s, payload);
	if (!at) {
		answer_error(a, 1243, "HY000", "Unknown prepared statement handler given to RESET");
		return;
	}
	(*at)->has_long_data = false;
	answer_ok(a, "");
}

void console_statement_long_data(struct console_session *s, struct view payload)
{
	struct console_statement **at = find(s, payload);
	if (at)
		(*at)->has_long_data = true;
}

void console_statement_close(struct console_session *s, struct view payload)
{
	struct console_statement **at = find(s, payload);
	if (!at)
		return;
	struct console_statement *t = *at;
	*at = t->next;
	statement_destroy(t);
	s->n_statements--;
}

void console_statement_close_all(struct console_session *s)
{
	while (s->statements) {
		struct console_statement *t = s->statements;
		s->statements = t->next;
		statement_destroy(t);
	}
	s->n_statements = 0;
}
