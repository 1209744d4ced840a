/*
 * The walker, fed any bytes: wherever they are cut, it must report the same.
 *
 * Input: command, capability bits, MariaDB bits, seed of the cuts, then the answer: as raw bytes, or (a bit
 * of the first byte of capabilities) as payloads with one byte of length each, which get right headers.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/reply.h"

#define HEAD       4u
#define EVENTS_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was reported: one per packet, with the bytes passed before it. */
struct event {
	size_t passed, size;
	enum reply_result result;
	struct reply at;
};

struct log {
	struct event events[EVENTS_MAX];
	size_t n, passed;
};

static struct log whole, parts;

static void note(struct log *log, enum reply_result result, size_t size, const struct reply *r)
{
	if (log->n == EVENTS_MAX)
		return;
	struct event *e = &log->events[log->n++];
	memset(e, 0, sizeof *e);
	e->passed = log->passed;
	e->result = result;
	e->size = size;
	memcpy(&e->at, r, sizeof *r);
	log->passed = 0;
}

/* One call, over a copy without a byte more. False when the answer is over. */
static bool step(struct reply *r, struct log *log, const uint8_t *wire, size_t len, size_t *used)
{
	uint8_t *exact = malloc(len ? len : 1);
	if (len)
		memcpy(exact, wire, len);
	size_t n = 0;
	enum reply_result got = reply_walk(r, exact, len, &n);
	assert(n <= len);
	assert((n > 0) == (got == REPLY_PASS || got == REPLY_PACKET));
	assert(reply_is_done(r) || got != REPLY_DONE);
	*used = n;
	if (got == REPLY_PASS)
		log->passed += n;
	else if (got != REPLY_PARTIAL)
		note(log, got, n, r);
	if (got == REPLY_PACKET && (r->kind == REPLY_LOCAL_INFILE || r->kind == REPLY_AUTH))
		reply_local_sent(r);
	free(exact);
	return got == REPLY_PASS || got == REPLY_PACKET;
}

/* Chunks of 1 to `most` bytes, by a small generator; most 0: all at once. */
static void walk(struct log *log, struct reply r, const uint8_t *wire, size_t len, uint32_t seed, size_t most)
{
	size_t off = 0, arrived = most ? 0 : len;
	log->n = log->passed = 0;
	for (;;) {
		size_t used;
		while (step(&r, log, wire + off, arrived - off, &used))
			off += used;
		if (arrived == len || reply_is_done(&r) || r.state == REPLY_AT_NOWHERE)
			break;
		seed = seed * 1664525u + 1013904223u;
		size_t chunk = 1 + (seed >> 16) % most;
		arrived = len - arrived < chunk ? len : arrived + chunk;
	}
	note(log, REPLY_PARTIAL, 0, &r);
}

static void compare(void)
{
	assert(whole.n == parts.n);
	assert(!memcmp(whole.events, parts.events, whole.n * sizeof *whole.events));
}

static size_t frame(struct buf *wire, const uint8_t *data, size_t size)
{
	uint8_t seq = 1;
	while (size) {
		size_t len = *data < size - 1 ? *data : size - 1;
		if (!packet_append(wire, &seq, data + 1, len))
			break;
		data += 1 + len;
		size -= 1 + len;
	}
	return buf_len(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD || size > 8192)
		return 0;
	struct buf wire;
	struct reply r;
	uint32_t caps = CAP_PROTOCOL_41;
	caps |= data[1] & 1 ? CAP_DEPRECATE_EOF : 0;
	caps |= data[1] & 2 ? CAP_SESSION_TRACK : 0;
	caps |= data[1] & 4 ? CAP_OPTIONAL_RESULTSET_METADATA : 0;
	buf_init(&wire, 1u << 20);
	const uint8_t *bytes = data + HEAD;
	size_t len = size - HEAD;
	if (data[1] & 8) {
		len = frame(&wire, bytes, len);
		if (len)
			bytes = buf_data(&wire);
	}
	memset(&r, 0, sizeof r); /* with its padding, as it is compared byte by byte */
	reply_begin(&r, data[0], caps, data[2]);
	walk(&whole, r, bytes, len, 0, 0);
	walk(&parts, r, bytes, len, data[3], 1);
	compare();
	walk(&parts, r, bytes, len, data[3], 9);
	compare();
	walk(&parts, r, bytes, len, data[3], 100);
	compare();
	buf_finish(&wire);
	return 0;
}
