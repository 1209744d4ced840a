#include "protocol/packet.h"

#include <assert.h>
#include <string.h>

enum packet_result packet_next(const uint8_t *data, size_t len, size_t max, struct packet *out)
{
	if (len < PACKET_HEADER)
		return PACKET_PARTIAL;
	size_t payload = get_u24(data);
	if (max && payload > max)
		return PACKET_BAD;
	if (len - PACKET_HEADER < payload)
		return PACKET_PARTIAL;
	*out = (struct packet){
		.payload = {data + PACKET_HEADER, payload},
		.size = PACKET_HEADER + payload,
		.seq = data[3],
		.continues = payload == PACKET_MAX_PAYLOAD,
	};
	return PACKET_OK;
}

/* The mark is relative to the front, so that it survives the buf moving its bytes. */
size_t packet_begin(struct buf *b)
{
	size_t begin = buf_len(b);
	if (!write_zeros(b, PACKET_HEADER))
		return SIZE_MAX;
	return begin;
}

static void put_header(uint8_t *p, size_t len, uint8_t *seq)
{
	p[0] = (uint8_t)len;
	p[1] = (uint8_t)(len >> 8);
	p[2] = (uint8_t)(len >> 16);
	p[3] = (*seq)++;
}

/* Makes room for the headers of the later parts, from the last one backwards. */
static bool split(struct buf *b, size_t begin, size_t payload, uint8_t *seq)
{
	size_t parts = payload / PACKET_MAX_PAYLOAD; /* headers to insert */
	if (!buf_reserve(b, parts * PACKET_HEADER))
		return false;
	buf_grown(b, parts * PACKET_HEADER);
	uint8_t *body = buf_data(b) + begin + PACKET_HEADER;
	for (size_t i = parts; i > 0; i--) {
		size_t from = i * PACKET_MAX_PAYLOAD;
		size_t len = payload - from < PACKET_MAX_PAYLOAD ? payload - from : PACKET_MAX_PAYLOAD;
		memmove(body + from + i * PACKET_HEADER, body + from, len);
		uint8_t number = (uint8_t)(*seq + i);
		put_header(body + from + (i - 1) * PACKET_HEADER, len, &number);
	}
	put_header(body - PACKET_HEADER, PACKET_MAX_PAYLOAD, seq);
	*seq = (uint8_t)(*seq + parts);
	return true;
}

bool packet_end(struct buf *b, size_t begin, uint8_t *seq)
{
	if (begin == SIZE_MAX)
		return false;
	size_t payload = buf_len(b) - begin - PACKET_HEADER;
	if (payload < PACKET_MAX_PAYLOAD) {
		put_header(buf_data(b) + begin, payload, seq);
		return true;
	}
	if (split(b, begin, payload, seq))
		return true;
	b->end = b->start + begin;
	return false;
}

bool packet_append(struct buf *b, uint8_t *seq, const void *payload, size_t len)
{
	size_t begin = packet_begin(b);
	if (begin == SIZE_MAX || !buf_append(b, payload, len)) {
		if (begin != SIZE_MAX)
			b->end = b->start + begin;
		return false;
	}
	return packet_end(b, begin, seq);
}
