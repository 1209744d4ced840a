#include "protocol/wire.h"

uint64_t read_lenenc(struct reader *r, bool *null)
{
	if (null)
		*null = false;
	uint8_t first = read_u8(r);
	switch (first) {
	case 0xFB:
		if (null)
			*null = true;
		else
			r->bad = true;
		return 0;
	case 0xFC:
		return read_u16(r);
	case 0xFD:
		return read_u24(r);
	case 0xFE:
		return read_u64(r);
	case 0xFF:
		r->bad = true;
		return 0;
	default:
		return first;
	}
}

struct view read_lenenc_str(struct reader *r)
{
	uint64_t n = read_lenenc(r, NULL);
	if (n > reader_left(r)) {
		r->bad = true;
		r->p = r->end;
		return (struct view){NULL, 0};
	}
	return read_bytes(r, (size_t)n);
}

struct view read_cstr(struct reader *r)
{
	size_t left = reader_left(r);
	const uint8_t *nul = !r->bad && left ? memchr(r->p, 0, left) : NULL;
	if (!nul) {
		r->bad = true;
		r->p = r->end;
		return (struct view){NULL, 0};
	}
	struct view v = {r->p, (size_t)(nul - r->p)};
	r->p = nul + 1;
	return v;
}

struct view read_rest(struct reader *r)
{
	return read_bytes(r, r->bad ? 0 : reader_left(r));
}

static bool write_uint(struct buf *b, uint64_t v, unsigned bytes)
{
	uint8_t *p = buf_reserve(b, bytes);
	if (!p)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	buf_grown(b, bytes);
	return true;
}

bool write_u8(struct buf *b, uint8_t v)
{
	return write_uint(b, v, 1);
}

bool write_u16(struct buf *b, uint16_t v)
{
	return write_uint(b, v, 2);
}

bool write_u32(struct buf *b, uint32_t v)
{
	return write_uint(b, v, 4);
}

bool write_u64(struct buf *b, uint64_t v)
{
	return write_uint(b, v, 8);
}

bool write_zeros(struct buf *b, size_t n)
{
	uint8_t *p = buf_reserve(b, n);
	if (!p)
		return false;
	memset(p, 0, n);
	buf_grown(b, n);
	return true;
}

bool write_lenenc(struct buf *b, uint64_t v)
{
	if (v < 0xFB)
		return write_uint(b, v, 1);
	if (v <= 0xFFFF)
		return write_u8(b, 0xFC) && write_uint(b, v, 2);
	if (v <= 0xFFFFFF)
		return write_u8(b, 0xFD) && write_uint(b, v, 3);
	return write_u8(b, 0xFE) && write_uint(b, v, 8);
}

bool write_lenenc_str(struct buf *b, struct view s)
{
	return write_lenenc(b, s.len) && buf_append(b, s.p, s.len);
}

bool write_cstr(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s) + 1);
}

bool write_bytes(struct buf *b, const void *p, size_t n)
{
	return buf_append(b, p, n);
}
