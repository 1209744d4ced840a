#include "protocol/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256u
#define BUF_KEEP 65536u

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_finish(struct buf *b)
{
	free(b->base);
	b->base = NULL;
	b->start = b->end = b->cap = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	size_t len = buf_len(b);
	if (n > b->max || len > b->max - n)
		return NULL;
	if (b->cap - b->end >= n && b->base)
		return b->base + b->end;
	if (b->start && b->cap - len >= n && b->start >= len) {
		memcpy(b->base, b->base + b->start, len);
		b->start = 0;
		b->end = len;
		return b->base + b->end;
	}
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	while (cap - len < n)
		cap *= 2;
	uint8_t *grown = malloc(cap);
	if (!grown)
		return NULL;
	if (len)
		memcpy(grown, b->base + b->start, len);
	free(b->base);
	b->base = grown;
	b->cap = cap;
	b->start = 0;
	b->end = len;
	return b->base + b->end;
}

void buf_grown(struct buf *b, size_t n)
{
	assert(b->cap - b->end >= n);
	b->end += n;
}

bool buf_append(struct buf *b, const void *data, size_t n)
{
	if (!n)
		return true;
	uint8_t *room = buf_reserve(b, n);
	if (!room)
		return false;
	memcpy(room, data, n);
	b->end += n;
	return true;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->start += n;
	if (b->start == b->end)
		buf_finish(b);
}

void buf_reset(struct buf *b)
{
	b->start = b->end = 0;
	if (b->cap > BUF_KEEP)
		buf_finish(b);
}
