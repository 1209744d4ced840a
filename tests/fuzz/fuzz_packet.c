/*
 * Framing and the packets that end things, fed any bytes: what is read must write back to the same, and an OK
 * that was filtered for a client must be an OK that needs no second filtering.
 *
 * Input: capabilities of the backend and of the client, what to keep, then packets.
 */
#include <assert.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "protocol/tracker.h"

#define HEAD 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t caps_of(uint8_t bits)
{
	return (bits & 1 ? CAP_DEPRECATE_EOF : 0) | (bits & 2 ? CAP_SESSION_TRACK : 0) |
	       (bits & 4 ? CAP_PROTOCOL_41 : 0);
}

static void check_framing(struct buf *b, const struct packet *p, const uint8_t *bytes)
{
	uint8_t seq = p->seq;
	buf_reset(b);
	assert(packet_append(b, &seq, p->payload.p, p->payload.len));
	assert(buf_len(b) == p->size && !memcmp(buf_data(b), bytes, p->size));
}

static void check_end(const struct packet *p, uint32_t caps)
{
	struct err_packet err;
	struct eof_packet eof;
	if (err_parse(p->payload, caps, &err))
		assert(strlen(err.sqlstate) <= 5 && err.message.len <= p->payload.len);
	if (eof_parse(p->payload, &eof))
		assert(p->payload.len == 5);
}

static void check_rewrite(struct buf *b, const uint8_t *bytes, size_t n, uint32_t backend_caps,
                          const struct ok_filter *f)
{
	buf_reset(b);
	if (!ok_rewrite(b, bytes, n, backend_caps, f))
		return;
	if (!ok_needs_rewrite(bytes, n, backend_caps, f)) {
		assert(buf_len(b) == n && !memcmp(buf_data(b), bytes, n));
		return;
	}
	struct packet p;
	struct ok_packet before, after;
	assert(packet_next(buf_data(b), buf_len(b), 0, &p) == PACKET_OK && p.size == buf_len(b));
	assert(p.seq == bytes[3]);
	struct eof_packet eof;
	if (eof_parse(p.payload, &eof))
		return;
	assert(ok_parse((struct view){bytes + PACKET_HEADER, n - PACKET_HEADER}, backend_caps, &before));
	assert(ok_parse(p.payload, f->client_caps, &after));
	assert(before.affected == after.affected && before.insert_id == after.insert_id);
	assert(view_equal(before.info, after.info) && before.warnings == after.warnings);
	assert(!ok_needs_rewrite(buf_data(b), buf_len(b), f->client_caps, f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	uint32_t backend_caps = caps_of(data[0]);
	struct ok_filter f = {.client_caps = caps_of(data[1]), .keep = data[2]};
	struct buf b;
	struct packet p;
	buf_init(&b, 64u << 20);
	data += HEAD;
	size -= HEAD;
	while (packet_next(data, size, 0, &p) == PACKET_OK) {
		check_framing(&b, &p, data);
		check_end(&p, backend_caps);
		check_rewrite(&b, data, p.size, backend_caps, &f);
		data += p.size;
		size -= p.size;
	}
	buf_finish(&b);
	return 0;
}
