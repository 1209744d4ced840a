#include "proxy/upgrade/session_record.h"

#include <stddef.h>

/* The numbers and the texts of a record, in their order. */
#define NUMBERS(X)                                                                                                     \
	X(u32, id) X(u32, flags) X(u32, caps) X(u32, mariadb_caps) X(u8, listen_route) X(u8, compression)              \
	X(u8, compression_level) X(u8, failed_changes) X(u16, status) X(u32, watched_ms_ago) X(u64, account)           \
	X(u64, commands) X(u64, bytes_in) X(u64, bytes_out) X(u64, insert_id) X(u64, last_rows) X(i64, last_affected)  \
	X(u16, error_code) X(u32, next_statement) X(u32, last_statement)
#define TEXTS(X)                                                                                                       \
	X(user) X(peer) X(attributes) X(want) X(at_login) X(hints) X(login_hints) X(position) X(error_sqlstate) X(error_text)  \
	X(statements)

static bool write_i64(struct buf *out, int64_t v)
{
	return write_u64(out, (uint64_t)v);
}

static int64_t read_i64(struct reader *r)
{
	return (int64_t)read_u64(r);
}

static bool write_text(struct buf *out, struct view text)
{
	return text.len <= SESSION_RECORD_MAX && write_u32(out, (uint32_t)text.len) &&
	       (!text.len || write_bytes(out, text.p, text.len));
}

static struct view read_text(struct reader *r)
{
	return read_bytes(r, read_u32(r));
}

bool session_record_write(const struct session_record *r, struct buf *out)
{
	bool ok = true;
#define X(kind, name) ok = ok && write_##kind(out, r->name);
	NUMBERS(X)
#undef X
#define X(name) ok = ok && write_text(out, r->name);
	TEXTS(X)
#undef X
	return ok;
}

bool session_record_add_statement(const struct session_record_statement *s, struct buf *out)
{
	return write_u32(out, s->id) && write_u8(out, (uint8_t)(s->local | s->data_lost << 1)) && write_u16(out, s->params) &&
	       write_u16(out, s->columns) && write_u64(out, s->types_hash) && write_text(out, s->state) &&
	       write_text(out, s->sql) && write_text(out, s->types);
}

static bool read_statement(struct reader *r, struct session_record_statement *s)
{
	s->id = read_u32(r);
	uint8_t flags = read_u8(r);
	s->local = flags & 1;
	s->data_lost = flags & 2;
	s->params = read_u16(r);
	s->columns = read_u16(r);
	s->types_hash = read_u64(r);
	s->state = read_text(r);
	s->sql = read_text(r);
	s->types = read_text(r);
	return !r->bad && flags < 4;
}

bool session_record_read(struct view bytes, struct session_record *r)
{
	struct reader in = reader_of(bytes.p, bytes.len);
	struct session_record_statement s;
#define X(kind, name) r->name = read_##kind(&in);
	NUMBERS(X)
#undef X
#define X(name) r->name = read_text(&in);
	TEXTS(X)
#undef X
	if (in.bad || reader_left(&in))
		return false;
	struct reader statements = reader_of(r->statements.p, r->statements.len);
	for (unsigned n = 0; reader_left(&statements); n++)
		if (n == SESSION_STATEMENTS_MAX || !read_statement(&statements, &s))
			return false;
	return true;
}

bool session_record_next_statement(struct view *rest, struct session_record_statement *s)
{
	struct reader in = reader_of(rest->p, rest->len);
	if (!rest->len || !read_statement(&in, s))
		return false;
	*rest = (struct view){in.p, reader_left(&in)};
	return true;
}
