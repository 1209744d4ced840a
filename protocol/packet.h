/*
 * Framing: a packet is 3 bytes of length, 1 byte of sequence number, the payload. A payload of 2^24-1 bytes or more is
 * cut into packets of 0xFFFFFF bytes, ended by a shorter one, which may be empty.
 */
#ifndef WYE_PROTOCOL_PACKET_H
#define WYE_PROTOCOL_PACKET_H

#include "protocol/buf.h"
#include "protocol/constants.h"
#include "protocol/wire.h"

enum packet_result { PACKET_OK, PACKET_PARTIAL, PACKET_BAD };

struct packet {
	struct view payload; /* points into the bytes given */
	size_t size;         /* bytes on the wire, header included */
	uint8_t seq;
	bool continues; /* payload is 0xFFFFFF bytes: the next packet belongs to it */
};

/* The packet at the front of the bytes. BAD when its length is above max (0: no bound but the protocol's). */
enum packet_result packet_next(const uint8_t *data, size_t len, size_t max, struct packet *out);

/* Building one into a buf: begin, append the payload, end. `end` splits a large payload; false when the buf is full
 * (the buf is then cut back to where the packet began). *seq is the number of the first packet and is moved on. */
size_t packet_begin(struct buf *b);
bool packet_end(struct buf *b, size_t begin, uint8_t *seq) __attribute__((warn_unused_result));

/* A whole packet from a payload. */
bool packet_append(struct buf *b, uint8_t *seq, const void *payload, size_t len) __attribute__((warn_unused_result));

#endif
