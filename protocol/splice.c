#include "protocol/splice.h"

#include <string.h>

#include "protocol/packet.h"

void splice_begin(struct splice *s, struct buf *front, size_t replaced)
{
	*s = (struct splice){.waiting = *front, .skip = replaced};
	buf_init(front, front->max);
}

void splice_finish(struct splice *s)
{
	buf_finish(&s->waiting);
}

/* Begins the next packet with what waits, now that `more` bytes of the command are known to follow it at least; a
 * packet of full size says that yet another comes. */
static bool begin_packet(struct splice *s, size_t more, struct buf *out)
{
	size_t waiting = buf_len(&s->waiting), total = waiting + more;
	uint32_t size = total < PACKET_MAX_PAYLOAD ? (uint32_t)total : PACKET_MAX_PAYLOAD;
	if (waiting > size)
		return false;
	uint8_t header[PACKET_HEADER] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), s->seq++};
	if (!buf_append(out, header, sizeof header) || !buf_append(out, buf_data(&s->waiting), waiting))
		return false;
	buf_consume(&s->waiting, waiting);
	s->out_left = size - (uint32_t)waiting;
	s->full = size == PACKET_MAX_PAYLOAD;
	return true;
}

/* The header of the command's next packet. False too when the old front does not lie in the first one. */
static bool read_header(struct splice *s, const uint8_t *header, struct buf *out)
{
	s->in_left = get_u24(header);
	s->in_seq = header[3];
	s->last = s->in_left < PACKET_MAX_PAYLOAD;
	if (!s->begun && s->in_left < s->skip)
		return false;
	s->begun = true;
	return begin_packet(s, s->in_left - s->skip, out);
}

static bool read_payload(struct splice *s, const uint8_t *data, size_t n, struct buf *out)
{
	size_t dropped = n < s->skip ? n : s->skip;
	s->skip -= dropped;
	s->in_left -= (uint32_t)n;
	data += dropped;
	n -= dropped;
	size_t now = n < s->out_left ? n : s->out_left;
	s->out_left -= (uint32_t)now;
	return buf_append(out, data, now) && buf_append(&s->waiting, data + now, n - now);
}

/* The command's last byte was read: what still waits is its last packet, which a full one before it demands even when
 * nothing does. */
static bool end(struct splice *s, struct buf *out)
{
	s->done = true;
	return !s->full || begin_packet(s, 0, out);
}

bool splice_feed(struct splice *s, const uint8_t *data, size_t len, size_t *used, struct buf *out)
{
	size_t at = 0;
	*used = 0;
	while (!s->done) {
		if (!s->in_left) {
			if (len - at < PACKET_HEADER)
				break;
			if (!read_header(s, data + at, out))
				return false;
			at += PACKET_HEADER;
		}
		size_t n = len - at < s->in_left ? len - at : s->in_left;
		if (!read_payload(s, data + at, n, out))
			return false;
		at += n;
		if (!s->in_left && s->last && !end(s, out))
			return false;
		if (s->in_left)
			break;
	}
	*used = at;
	return true;
}
