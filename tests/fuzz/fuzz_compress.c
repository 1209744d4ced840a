/*
 * Compressed packets of any bytes: how they are cut makes no difference, no more comes out than was said, and what we
 * write ourselves is read back.
 *
 * Input: algorithm and the size of pieces and room, then the bytes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/buf.h"
#include "protocol/compress.h"

#define HEAD 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum outcome { REFUSED, IN_THE_MIDDLE, WHOLE };

static enum outcome read_all(enum compress_algorithm algorithm, struct view bytes, size_t piece, size_t room,
			     struct buf *out)
{
	struct compress_reader r;
	enum compress_result got = COMPRESS_OK;
	compress_reader_init(&r, algorithm);
	uint8_t *plain = malloc(room);
	while (bytes.len && got == COMPRESS_OK) {
		struct view in = {bytes.p, bytes.len < piece ? bytes.len : piece};
		bytes.p += in.len;
		bytes.len -= in.len;
		do {
			size_t n;
			got = compress_read(&r, &in, plain, room, &n);
			assert(n <= room);
			if (!buf_append(out, plain, n))
				got = COMPRESS_BAD; /* a bomb as the protocol allows it: we stop reading, too */
		} while (got == COMPRESS_FULL);
	}
	bool whole = !r.head_len;
	compress_reader_finish(&r);
	free(plain);
	return got == COMPRESS_BAD ? REFUSED : whole ? WHOLE : IN_THE_MIDDLE;
}

static void check_written(enum compress_algorithm algorithm, struct view plain)
{
	static uint8_t packed[COMPRESS_ROOM];
	static struct compress_encoder *e;
	struct buf whole, again;
	struct view rest = plain;
	if (!e)
		e = compress_encoder_create();
	buf_init(&whole, 1u << 24);
	buf_init(&again, 1u << 24);
	while (rest.len)
		assert(buf_append(&whole, packed, compress_write(e, algorithm, 1, 0, &rest, packed)));
	assert(read_all(algorithm, (struct view){buf_data(&whole), buf_len(&whole)}, 1u << 20, 4096, &again) ==
	       WHOLE);
	assert(view_equal((struct view){buf_data(&again), buf_len(&again)}, plain));
	buf_finish(&whole);
	buf_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	enum compress_algorithm algorithm = data[0] & 1 ? COMPRESS_ZSTD : COMPRESS_ZLIB;
	struct view bytes = {data + HEAD, size - HEAD};
	struct buf whole, pieces;
	buf_init(&whole, 1u << 20);
	buf_init(&pieces, 1u << 20);
	enum outcome ok = read_all(algorithm, bytes, bytes.len + 1, 1u << 16, &whole);
	enum outcome again = read_all(algorithm, bytes, 1u + (data[1] & 15), 1u + (data[1] >> 4) * 50u, &pieces);
	/* Damage in the middle of a packet may be seen sooner or later; at its end it has been. */
	bool cut = buf_len(&whole) > 900000 || buf_len(&pieces) > 900000;
	assert(cut || (ok == WHOLE) == (again == WHOLE));
	if (ok == WHOLE && again == WHOLE)
		assert(view_equal((struct view){buf_data(&whole), buf_len(&whole)},
				  (struct view){buf_data(&pieces), buf_len(&pieces)}));
	buf_finish(&whole);
	buf_finish(&pieces);
	if (bytes.len)
		check_written(algorithm, bytes);
	return 0;
}
