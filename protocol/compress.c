#include "protocol/compress.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#define SHORT 50u /* fewer bytes are not worth it: the servers' own bound */

/* ---- reading ---- */

void compress_reader_init(struct compress_reader *r, enum compress_algorithm algorithm)
{
	*r = (struct compress_reader){.algorithm = algorithm};
}

static void free_stream(struct compress_reader *r)
{
	if (!r->stream)
		return;
	if (r->algorithm == COMPRESS_ZLIB) {
		inflateEnd(r->stream);
		free(r->stream);
	} else {
		ZSTD_freeDStream(r->stream);
	}
	r->stream = NULL;
}

void compress_reader_finish(struct compress_reader *r)
{
	free_stream(r);
}

static bool begin_zlib(struct compress_reader *r)
{
	if (r->stream)
		return inflateReset(r->stream) == Z_OK;
	z_stream *z = calloc(1, sizeof *z);
	if (!z || inflateInit(z) != Z_OK) {
		free(z);
		return false;
	}
	r->stream = z;
	return true;
}

static bool begin_zstd(struct compress_reader *r)
{
	if (!r->stream)
		r->stream = ZSTD_createDStream();
	/* A frame may not demand more memory than what it may give: 2^24 bytes. */
	return r->stream && !ZSTD_isError(ZSTD_initDStream(r->stream)) &&
	       !ZSTD_isError(ZSTD_DCtx_setParameter(r->stream, ZSTD_d_windowLogMax, 24));
}

static bool begin_packet(struct compress_reader *r)
{
	r->left = (uint32_t)r->head[0] | (uint32_t)r->head[1] << 8 | (uint32_t)r->head[2] << 16;
	r->number = r->head[3];
	r->plain_left = (uint32_t)r->head[4] | (uint32_t)r->head[5] << 8 | (uint32_t)r->head[6] << 16;
	r->packed = r->plain_left > 0;
	r->ended = false;
	if (!r->packed) {
		r->plain_left = r->left;
		return true;
	}
	return r->algorithm == COMPRESS_ZLIB ? begin_zlib(r) : begin_zstd(r);
}

/* One step of the decompression; false when the bytes are damaged. */
static bool unpack(struct compress_reader *r, const uint8_t *in, size_t len, size_t *used, uint8_t *out, size_t room,
		   size_t *made)
{
	if (r->algorithm == COMPRESS_ZLIB) {
		z_stream *z = r->stream;
		z->next_in = (uint8_t *)(uintptr_t)in;
		z->avail_in = (unsigned)len;
		z->next_out = out;
		z->avail_out = (unsigned)room;
		int got = inflate(z, Z_NO_FLUSH);
		*used = len - z->avail_in;
		*made = room - z->avail_out;
		r->ended = got == Z_STREAM_END;
		return got == Z_OK || got == Z_STREAM_END || got == Z_BUF_ERROR;
	}
	ZSTD_inBuffer from = {in, len, 0};
	ZSTD_outBuffer to = {out, room, 0};
	size_t got = ZSTD_decompressStream(r->stream, &to, &from);
	*used = from.pos;
	*made = to.pos;
	r->ended = got == 0;
	return !ZSTD_isError(got);
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void take(struct view *in, size_t n)
{
	in->p += n;
	in->len -= n;
}

/* The packet is over: what its decompression held is given back unless another follows at once. */
static void end_packet(struct compress_reader *r, const struct view *in)
{
	r->head_len = 0;
	if (!in->len)
		free_stream(r);
}

enum verdict { GO_ON, STOP_OK, STOP_FULL, STOP_BAD };

static enum verdict read_stored(struct compress_reader *r, struct view *in, uint8_t *plain, size_t room, size_t *n)
{
	size_t step = min(min(r->left, in->len), room - *n);
	if (step)
		memcpy(plain + *n, in->p, step);
	*n += step;
	take(in, step);
	r->left -= (uint32_t)step;
	if (!r->left) {
		end_packet(r, in);
		return GO_ON;
	}
	return in->len ? STOP_FULL : STOP_OK;
}

static enum verdict read_packed(struct compress_reader *r, struct view *in, uint8_t *plain, size_t room, size_t *n)
{
	/* Behind the last byte there is still the stream's own end, which must give none. */
	uint8_t beyond;
	bool all_given = r->plain_left == 0;
	uint8_t *out = all_given ? &beyond : plain + *n;
	size_t out_room = all_given ? 1 : min(room - *n, r->plain_left), used, made;
	if (!out_room)
		return STOP_FULL;
	if (!unpack(r, in->p, min(r->left, in->len), &used, out, out_room, &made) || (all_given && made))
		return STOP_BAD;
	take(in, used);
	r->left -= (uint32_t)used;
	r->plain_left -= all_given ? 0 : (uint32_t)made;
	*n += all_given ? 0 : made;
	if (r->ended && !r->left) {
		if (r->plain_left)
			return STOP_BAD;
		end_packet(r, in);
		return GO_ON;
	}
	/* Zstandard's frames may follow each other in a packet, zlib's streams not. */
	if (r->ended && r->algorithm == COMPRESS_ZLIB)
		return STOP_BAD;
	if (used || made)
		return GO_ON;
	return r->left && !in->len ? STOP_OK : STOP_BAD;
}

enum compress_result compress_read(struct compress_reader *r, struct view *in, uint8_t *plain, size_t room, size_t *n)
{
	*n = 0;
	for (;;) {
		if (r->head_len < COMPRESS_HEADER) {
			size_t step = min(COMPRESS_HEADER - r->head_len, in->len);
			if (step)
				memcpy(r->head + r->head_len, in->p, step);
			r->head_len += (uint8_t)step;
			take(in, step);
			if (r->head_len < COMPRESS_HEADER)
				return COMPRESS_OK;
			if (!begin_packet(r))
				return COMPRESS_BAD;
		}
		switch (r->packed ? read_packed(r, in, plain, room, n) : read_stored(r, in, plain, room, n)) {
		case GO_ON:
			break;
		case STOP_OK:
			return COMPRESS_OK;
		case STOP_FULL:
			return COMPRESS_FULL;
		case STOP_BAD:
			return COMPRESS_BAD;
		}
	}
}

/* ---- writing ---- */

struct compress_encoder {
	z_stream zlib;
	bool zlib_begun;
	ZSTD_CCtx *zstd;
};

struct compress_encoder *compress_encoder_create(void)
{
	return calloc(1, sizeof(struct compress_encoder));
}

void compress_encoder_destroy(struct compress_encoder *e)
{
	if (!e)
		return;
	if (e->zlib_begun)
		deflateEnd(&e->zlib);
	ZSTD_freeCCtx(e->zstd);
	free(e);
}

/* 0: it does not become shorter. */
static size_t pack_zlib(struct compress_encoder *e, const uint8_t *in, size_t len, uint8_t *out)
{
	z_stream *z = &e->zlib;
	if (!e->zlib_begun) {
		if (deflateInit(z, Z_DEFAULT_COMPRESSION) != Z_OK)
			return 0;
		e->zlib_begun = true;
	} else if (deflateReset(z) != Z_OK) {
		return 0;
	}
	z->next_in = (uint8_t *)(uintptr_t)in;
	z->avail_in = (unsigned)len;
	z->next_out = out;
	z->avail_out = (unsigned)len - 1;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? len - 1 - z->avail_out : 0;
}

static size_t pack_zstd(struct compress_encoder *e, int level, const uint8_t *in, size_t len, uint8_t *out)
{
	if (!e->zstd && !(e->zstd = ZSTD_createCCtx()))
		return 0;
	if (level < 1 || level > COMPRESS_ZSTD_LEVEL_MAX)
		level = level < 1 ? COMPRESS_ZSTD_LEVEL : COMPRESS_ZSTD_LEVEL_MAX;
	size_t got = ZSTD_compressCCtx(e->zstd, out, len - 1, in, len, level);
	return ZSTD_isError(got) ? 0 : got;
}

static void put_u24(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
}

size_t compress_write(struct compress_encoder *e, enum compress_algorithm algorithm, int level, uint8_t number,
		      struct view *plain, uint8_t *out)
{
	size_t len = min(plain->len, COMPRESS_CHUNK), packed = 0;
	uint8_t *body = out + COMPRESS_HEADER;
	if (len >= SHORT)
		packed = algorithm == COMPRESS_ZLIB ? pack_zlib(e, plain->p, len, body)
						    : pack_zstd(e, level, plain->p, len, body);
	if (!packed)
		memcpy(body, plain->p, len);
	put_u24(out, packed ? packed : len);
	out[3] = number;
	put_u24(out + 4, packed ? len : 0);
	take(plain, len);
	return COMPRESS_HEADER + (packed ? packed : len);
}
