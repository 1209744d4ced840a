/*
 * A byte queue with a bound: bytes are added at the end and taken from the front.
 *
 * Every buf is created with the most it may ever hold, so that no peer can make it grow without end. An empty buf
 * holds no memory. A pointer into a buf is valid until the next call that takes or adds bytes.
 */
#ifndef WYE_PROTOCOL_BUF_H
#define WYE_PROTOCOL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *base;
	size_t start, end, cap; /* the content is base[start..end) */
	size_t max;             /* bytes it may hold */
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

static inline uint8_t *buf_data(const struct buf *b)
{
	return b->base ? b->base + b->start : NULL;
}

/* Room for n more bytes at the end, or NULL when that would pass the bound. Filled bytes count after buf_grown(). */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_grown(struct buf *b, size_t n);

/* False, and nothing added, when it would pass the bound. */
bool buf_append(struct buf *b, const void *data, size_t n) __attribute__((warn_unused_result));

/* Takes n bytes from the front; an emptied buf frees its memory. */
void buf_consume(struct buf *b, size_t n);

/* Empties it but keeps a small allocation for the next use (for scratch that is used all the time). */
void buf_reset(struct buf *b);

#endif
