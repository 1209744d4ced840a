/*
 * Reading and writing the protocol's integers and strings.
 *
 * A reader never passes its end: a short read sets `bad`, gives zero or an empty view, and every later read does the
 * same, so that a parser reads all its fields and tests `bad` once. Writers append to a buf; a buf that is full
 * sets nothing by halves (see buf_append), the packet functions report it.
 */
#ifndef WYE_PROTOCOL_WIRE_H
#define WYE_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/buf.h"

/* Bytes that belong to somebody else. */
struct view {
	const uint8_t *p;
	size_t len;
};

static inline struct view view_of(const char *s)
{
	return (struct view){(const uint8_t *)s, strlen(s)};
}

static inline bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (!a.len || memcmp(a.p, b.p, a.len) == 0);
}

static inline uint32_t get_u24(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct reader reader_of(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;
	return (struct reader){p, p ? p + len : p, false};
}

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* The next n bytes, or NULL and bad. */
static inline const uint8_t *reader_take(struct reader *r, size_t n)
{
	if (r->bad || reader_left(r) < n) {
		r->bad = true;
		r->p = r->end;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += n;
	return p;
}

static inline uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);
	return p ? *p : 0;
}

static inline uint16_t read_u16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);
	return p ? get_u16(p) : 0;
}

static inline uint32_t read_u24(struct reader *r)
{
	const uint8_t *p = reader_take(r, 3);
	return p ? get_u24(p) : 0;
}

static inline uint32_t read_u32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);
	return p ? get_u32(p) : 0;
}

static inline uint64_t read_u64(struct reader *r)
{
	const uint8_t *p = reader_take(r, 8);
	return p ? (uint64_t)get_u32(p) | (uint64_t)get_u32(p + 4) << 32 : 0;
}

static inline struct view read_bytes(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);
	return (struct view){p, p ? n : 0};
}

/* Length-encoded integer. 0xFB (NULL) sets *null when null is given, else bad; 0xFF is bad. */
uint64_t read_lenenc(struct reader *r, bool *null);
struct view read_lenenc_str(struct reader *r);
struct view read_cstr(struct reader *r); /* up to a NUL that must be there */
struct view read_rest(struct reader *r);

bool write_u8(struct buf *b, uint8_t v);
bool write_u16(struct buf *b, uint16_t v);
bool write_u32(struct buf *b, uint32_t v);
bool write_u64(struct buf *b, uint64_t v);
bool write_zeros(struct buf *b, size_t n);
bool write_lenenc(struct buf *b, uint64_t v);
bool write_lenenc_str(struct buf *b, struct view s);
bool write_cstr(struct buf *b, const char *s); /* with its NUL */
bool write_bytes(struct buf *b, const void *p, size_t n);

#endif
