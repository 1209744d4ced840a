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

static void check_types(struct view payload, unsigned params, uint32_t caps, const struct stmt_execute *e)
{
	struct buf b;
	struct stmt_execute got;
	static const uint8_t zeros[3 * (UINT16_MAX + 1)];
	/* A type is two bytes, or with query attributes three: an empty name follows. */
	struct view types = {zeros, (size_t)e->params * (caps & CAP_QUERY_ATTRIBUTES ? 3 : 2)};
	buf_init(&b, 1u << 24);
	assert(stmt_execute_with_types(&b, payload, params, caps, types));
	assert(stmt_execute_parse((struct view){buf_data(&b), buf_len(&b)}, params, caps, &got));
	assert(got.id == e->id && got.flags == e->flags && got.iterations == e->iterations);
	assert(got.params == e->params && view_equal(got.null_bitmap, e->null_bitmap));
	assert(view_equal(got.values, e->values) && got.types_bound == (e->params > 0));
	assert(view_equal(got.types, e->types_bound || !e->params ? e->types : types));
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
	struct stmt_execute e;
	check_prepare_ok(payload, caps);
	check_id(payload);
	if (stmt_execute_parse(payload, params, caps, &e))
		check_types(payload, params, caps, &e);
	return 0;
}
