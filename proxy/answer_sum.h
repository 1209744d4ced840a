/*
 * What a client could see of an answer, in a few bytes: a transaction that is run again must be answered the same.
 *
 * Rows and definitions count byte by byte, of OK and EOF packets the rows affected and the insert id, of an error its number
 * and SQLSTATE. Status flags, warnings, trackers and texts may differ from server to server. Where the bytes are cut makes
 * no difference. Two answers that are not the same have the same sum once in four thousand million times (CRC-32), if they
 * are of one length.
 */
#ifndef WYE_PROXY_ANSWER_SUM_H
#define WYE_PROXY_ANSWER_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/reply.h"

/* All zero: nothing yet. */
struct answer_sum {
	uint32_t crc;
	uint16_t error;     /* 0: none */
	uint64_t bytes;
	uint64_t insert_id; /* of the one OK there is; of several a mixture */
};

/* Bytes that the walker has passed. */
void answer_sum_bytes(struct answer_sum *a, const uint8_t *data, size_t n);

/* The packet that the walker has reported last. */
void answer_sum_packet(struct answer_sum *a, const struct reply *r, const uint8_t *packet, size_t n);

/* An answer without rows that was not sent by a server. */
void answer_sum_ok(struct answer_sum *a);
void answer_sum_error(struct answer_sum *a, uint16_t code, const char *sqlstate);

/* But for the insert id, which is compared apart. */
bool answer_sum_is_same(const struct answer_sum *a, const struct answer_sum *b);

#endif
