/*
 * Commands of any bytes that get bytes put in: how they are cut makes no difference, and what comes out is the same
 * payload with another front.
 *
 * Input: bytes replaced, bytes put in, the size of pieces, then the packets.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/splice.h"

#define HEAD 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool run(const uint8_t *data, size_t len, size_t piece, const uint8_t *head, struct buf *out, size_t *used)
{
	struct buf front;
	struct splice s;
	static const uint8_t put[256] = {1, 2, 3};
	buf_init(&front, 1u << 20);
	assert(buf_append(&front, put, head[1]));
	splice_begin(&s, &front, head[0]);
	size_t at = 0, given = 0;
	bool ok = true;
	while (ok && !s.done && given < len) {
		size_t n;
		given = len - given < piece ? len : given + piece;
		ok = splice_feed(&s, data + at, given - at, &n, out);
		at += n;
		assert(buf_len(&s.waiting) <= 256);
	}
	*used = at;
	splice_finish(&s);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	struct buf whole, pieces;
	size_t used_whole, used_pieces;
	buf_init(&whole, 1u << 24);
	buf_init(&pieces, 1u << 24);
	bool ok = run(data + HEAD, size - HEAD, size, data, &whole, &used_whole);
	bool again = run(data + HEAD, size - HEAD, 1u + data[2] % 31, data, &pieces, &used_pieces);
	assert(ok == again);
	if (ok) {
		assert(used_whole == used_pieces && buf_len(&whole) == buf_len(&pieces));
		assert(!buf_len(&whole) || !memcmp(buf_data(&whole), buf_data(&pieces), buf_len(&whole)));
	}
	buf_finish(&whole);
	buf_finish(&pieces);
	return 0;
}
