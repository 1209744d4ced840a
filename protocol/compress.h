/*
 * The compressed protocol: the layer between packets and TLS that both sides may agree on in the handshake.
 *
 *	3 bytes  length of what follows the header
 *	1 byte   number, counted apart from those of the packets inside
 *	3 bytes  length before compression; 0: what follows is not compressed
 *
 * Packets lie inside without regard to its bounds. Each compressed packet is a zlib stream or a Zstandard frame of its
 * own. The numbers begin with 0 at every command and run on through its answer.
 *
 * Reading works on any piece of the bytes and holds memory only in the middle of a compressed packet; writing is done in
 * one go with an encoder that all connections of a thread share.
 */
#ifndef WYE_PROTOCOL_COMPRESS_H
#define WYE_PROTOCOL_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

#define COMPRESS_HEADER 7u
#define COMPRESS_CHUNK  65536u                                  /* bytes of one packet written, before compression */
#define COMPRESS_ROOM   (COMPRESS_HEADER + COMPRESS_CHUNK)      /* and the most it may become */

enum compress_algorithm { COMPRESS_NONE, COMPRESS_ZLIB, COMPRESS_ZSTD };

#define COMPRESS_ZSTD_LEVEL 3     /* the clients' own default */
#define COMPRESS_ZSTD_LEVEL_MAX 9 /* a client that asks for more does not get more of our time */

/* ---- reading ---- */

struct compress_reader {
	enum compress_algorithm algorithm;
	uint8_t number;        /* of the packet begun last */
	uint8_t head[COMPRESS_HEADER];
	uint8_t head_len;      /* bytes of the header that are here; all of them: inside a packet */
	bool packed;           /* what is read is compressed */
	bool ended;            /* its stream is over */
	uint32_t left;         /* bytes of the packet still to come */
	uint32_t plain_left;   /* bytes it still has to give */
	void *stream;          /* z_stream or ZSTD_DStream, while inside a packet */
};

enum compress_result {
	COMPRESS_OK,   /* all input is taken, and everything it gives was written */
	COMPRESS_FULL, /* the room is used up: call again, also when no input is left */
	COMPRESS_BAD   /* not the protocol: a length that is not true, or damaged */
};

void compress_reader_init(struct compress_reader *r, enum compress_algorithm algorithm);
void compress_reader_finish(struct compress_reader *r);

/* Takes input from the front of *in and writes at most `room` plain bytes; *n is how many. */
enum compress_result compress_read(struct compress_reader *r, struct view *in, uint8_t *plain, size_t room, size_t *n);

/* ---- writing ---- */

struct compress_encoder;
struct compress_encoder *compress_encoder_create(void); /* NULL without memory */
void compress_encoder_destroy(struct compress_encoder *e);

/* Takes up to COMPRESS_CHUNK bytes from the front of *plain and writes one packet of at most COMPRESS_ROOM bytes: its
 * size. Short ones, and those that would not become shorter, go as they are. `level` is Zstandard's. */
size_t compress_write(struct compress_encoder *e, enum compress_algorithm algorithm, int level, uint8_t number,
		      struct view *plain, uint8_t *out);

#endif
