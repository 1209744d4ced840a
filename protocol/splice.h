/*
 * A command that gets bytes put in near its front while it passes by: every byte behind them moves, and with them the
 * bounds of the packets that a payload of 16 MiB and more is cut into.
 *
 * What is kept in between is never more than the bytes put in: those that do not fit into the packet being written wait
 * for the next one's size to be known.
 */
#ifndef WYE_PROTOCOL_SPLICE_H
#define WYE_PROTOCOL_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buf.h"

struct splice {
	struct buf waiting;    /* bytes for the next packet: at first those that come in place of the old front */
	size_t skip;           /* bytes of the old front still to be dropped */
	uint32_t in_left;      /* payload of the packet being read still to come */
	uint32_t out_left;     /* room in the packet being written */
	uint8_t seq;           /* of the next packet written */
	uint8_t in_seq;        /* of the packet read last */
	bool last;             /* the packet being read is the command's last */
	bool full;             /* the packet being written is of full size: another one follows it */
	bool begun, done;
};

/* The first `replaced` bytes of the payload, which must lie in its first packet, become `front`. Takes what front holds
 * (it is empty then); splice_finish frees it. */
void splice_begin(struct splice *s, struct buf *front, size_t replaced);
void splice_finish(struct splice *s);

/* Reads packets with their headers from any piece of the command and appends packets to out. *used is how many bytes
 * belonged to the command, fewer than len only when it is done. False when it is malformed or out is full. */
bool splice_feed(struct splice *s, const uint8_t *data, size_t len, size_t *used, struct buf *out)
	__attribute__((warn_unused_result));

#endif
