/*
 * Payloads of prepared statements of any bytes: with the types put in, everything else must still be there.
 *
 * Input: number of parameters, capability bits, then the payload.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/stmt.h"

#define HEAD 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_prepare_ok(struct view payload, uint32_t caps)
{
	struct stmt_prepare_ok ok;
	if (stmt_prepare_ok_parse(payload, caps, &ok))
		assert(payload.len >= 10);
}

static void check_id(struct view payload)
{
	uint32_t id;
	uint8_t *copy = malloc(payload.len ? payload.len : 1);
	if (payload.len)
		memcpy(copy, payload.p, payload.len);
	if (stmt_set_id(copy, payload.len, 0x01020304))
		assert(stmt_id((struct view){copy, payload.len}, &id) && id == 0x01020304);
	free(copy);
}

static void check_types(struct view payload, unsigned params, uint32_t caps)
{
	struct buf b;
	struct stmt_types before, after;
	size_t replaced;
	static const uint8_t zeros[3 * (UINT16_MAX + 1)];
	if (!stmt_types_find(payload, params, caps, &before))
		return;
	assert(before.at + before.types.len <= payload.len);
	/* A type is two bytes, or with query attributes three: an empty name follows. */
	bool named = payload.p[0] == CMD_STMT_EXECUTE && caps & CAP_QUERY_ATTRIBUTES;
	struct view types = {zeros, (size_t)before.params * (named ? 3 : 2)};
	buf_init(&b, 1u << 24);
	bool put = stmt_front_with_types(&b, payload, params, caps, types, &replaced);
	assert(put == (!before.bound && before.params > 0));
	if (put) {
		assert(replaced == before.at && buf_append(&b, payload.p + replaced, payload.len - replaced));
		assert(stmt_types_find((struct view){buf_data(&b), buf_len(&b)}, params, caps, &after));
		assert(after.bound && after.at == before.at && after.params == before.params);
		assert(view_equal(after.types, types) && buf_len(&b) == payload.len + types.len);
	}
	buf_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	unsigned params = data[0];
	uint32_t caps =
	    (data[1] & 1 ? CAP_QUERY_ATTRIBUTES : 0) | (data[1] & 2 ? CAP_OPTIONAL_RESULTSET_METADATA : 0);
	struct view payload = {data + HEAD, size - HEAD};
	check_prepare_ok(payload, caps);
	check_id(payload);
	check_types(payload, params, caps);
	return 0;
}
