/* PROXY headers of any bytes: what is right is so at once and byte by byte, what is wrong stays so whatever follows. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum packet_result got, const struct proxy_header *h, struct view bytes)
{
	assert(h->size <= PROXY_HEADER_MAX);
	if (got != PACKET_OK)
		return;
	assert(h->size && h->size <= bytes.len);
	assert(bytes.p[0] != 'P' || h->size <= PROXY_HEADER_LINE_MAX);
	assert(h->client == PROXY_CLIENT_IP || !h->port);
}

/* A copy of exactly these bytes, so that a read beyond them is found. */
static enum packet_result parse(const uint8_t *data, size_t size, struct proxy_header *h)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	enum packet_result got = proxy_header_parse((struct view){copy, size}, h);
	check(got, h, (struct view){copy, size});
	free(copy);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, part;
	enum packet_result got = parse(data, size, &whole);
	bool present = proxy_header_sign((struct view){data, size}) != PROXY_HEADER_ABSENT;
	assert(present || got == PACKET_BAD);
	size_t step = size > 600 ? size / 300 : 1;
	for (size_t n = 0; n < size; n += step) {
		enum packet_result some = parse(data, n, &part);
		if (some == PACKET_PARTIAL)
			continue;
		/* It was decided by the bytes that were here. */
		assert(some == got);
		if (got == PACKET_OK)
			assert(part.size == whole.size && part.client == whole.client && part.port == whole.port &&
			       !memcmp(part.address, whole.address, sizeof part.address));
	}
	return 0;
}
