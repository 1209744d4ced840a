#include "proxy/conn_packed.h"

#include <assert.h>
#include <stdlib.h>

#include "protocol/packet.h"
#include "proxy/worker.h"

#define KEPT_MAX (1u << 20)

struct conn_packed {
	struct compress_reader reader;
	struct buf kept;     /* input kept as it came while reading was off */
	bool left;           /* there may be more to read without input: kept, or in the middle of a packet */
	uint8_t number;      /* of the next packet sent */
	int level;
};

bool conn_start_compression(struct conn *c, enum compress_algorithm algorithm, int level)
{
	assert(!c->packed);
	struct conn_packed *p = calloc(1, sizeof *p);
	if (!p)
		return false;
	compress_reader_init(&p->reader, algorithm);
	buf_init(&p->kept, KEPT_MAX);
	p->level = level;
	c->packed = p;
	return true;
}

void conn_packed_destroy(struct conn *c)
{
	if (!c->packed)
		return;
	compress_reader_finish(&c->packed->reader);
	buf_finish(&c->packed->kept);
	free(c->packed);
	c->packed = NULL;
}

/* ---- reading ---- */

static void keep(struct conn *c, struct view rest, bool kept)
{
	struct conn_packed *p = c->packed;
	if (kept)
		buf_consume(&p->kept, buf_len(&p->kept) - rest.len);
	else if (rest.len && !buf_append(&p->kept, rest.p, rest.len))
		conn_fail(c, UV_ENOBUFS);
	p->left = c->more_plain = true;
}

/* Decompresses and offers it piece by piece, while the owner wants to read. */
static void read_pieces(struct conn *c, struct view in, bool kept)
{
	for (;;) {
		if (c->closing || c->error)
			return;
		if (!c->reading) {
			keep(c, in, kept);
			return;
		}
		size_t n;
		enum compress_result got =
			compress_read(&c->packed->reader, &in, c->worker->unpack_buffer, WORKER_READ_BUFFER, &n);
		if (n)
			conn_offer(c, c->worker->unpack_buffer, n);
		if (got == COMPRESS_FULL)
			continue;
		if (c->closing)
			return;
		if (kept)
			buf_consume(&c->packed->kept, buf_len(&c->packed->kept) - in.len);
		c->packed->left = false;
		if (got == COMPRESS_BAD) {
			conn_fail(c, UV_EPROTO);
			c->ops->run(c);
		}
		return;
	}
}

void conn_packed_read(struct conn *c, const uint8_t *data, size_t n)
{
	struct conn_packed *p = c->packed;
	if (!p->left) {
		read_pieces(c, (struct view){data, n}, false);
	} else if (buf_append(&p->kept, data, n)) {
		conn_packed_pump(c);
	} else {
		conn_fail(c, UV_ENOBUFS);
		c->ops->run(c);
	}
}

void conn_packed_pump(struct conn *c)
{
	struct conn_packed *p = c->packed;
	if (p->left && c->reading)
		read_pieces(c, (struct view){buf_data(&p->kept), buf_len(&p->kept)}, true);
}

bool conn_packed_is_left(const struct conn *c)
{
	return c->packed && c->packed->left;
}

bool conn_packed_is_between(const struct conn *c)
{
	const struct conn_packed *p = c->packed;
	return !p || (!p->left && !buf_len(&p->kept) && !p->reader.head_len);
}

enum compress_algorithm conn_compression(const struct conn *c, int *level)
{
	*level = c->packed ? c->packed->level : 0;
	return c->packed ? c->packed->reader.algorithm : COMPRESS_NONE;
}

/* ---- writing ---- */

void conn_command_begins(struct conn *c)
{
	if (c->packed)
		c->packed->number = 0;
}

void conn_answer_begins(struct conn *c, bool to_the_last)
{
	if (c->packed)
		c->packed->number = to_the_last ? (uint8_t)(c->packed->reader.number + 1) : 1;
}

static bool send_packed(struct conn *c, const uint8_t *data, size_t n)
{
	struct worker *w = c->worker;
	struct view plain = {data, n};
	while (plain.len) {
		size_t size = compress_write(w->encoder, c->packed->reader.algorithm, c->packed->level,
					     c->packed->number++, &plain, w->pack_buffer);
		uv_buf_t part = uv_buf_init((char *)w->pack_buffer, (unsigned)size);
		if (!conn_send_below(c, &part, 1))
			return false;
	}
	return true;
}

bool conn_packed_sendv(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!send_packed(c, (const uint8_t *)parts[i].base, parts[i].len))
			return false;
	return true;
}

/* The length of the command at the front: its packets, up to the next one that begins a command. */
static size_t command_len(const uint8_t *data, size_t n)
{
	size_t at = 0;
	do {
		size_t size = n - at < PACKET_HEADER ? n - at : PACKET_HEADER + (size_t)get_u24(data + at);
		at += size < n - at ? size : n - at;
	} while (n - at >= PACKET_HEADER && data[at + 3] != 0);
	return at;
}

/* A server counts anew with every command, also of those that came in one write. */
bool conn_send_commands(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	if (!c->packed)
		return conn_sendv(c, parts, n);
	if (conn_is_broken(c))
		return false;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *data = (const uint8_t *)parts[i].base;
		for (size_t at = 0, len; at < parts[i].len; at += len) {
			len = command_len(data + at, parts[i].len - at);
			c->packed->number = 0;
			if (!send_packed(c, data + at, len))
				return false;
		}
	}
	return true;
}

bool conn_send_command(struct conn *c, const void *data, size_t n)
{
	uv_buf_t part = uv_buf_init((char *)(uintptr_t)data, (unsigned)n);
	return conn_send_commands(c, &part, 1);
}
