#include "protocol/stmt.h"

#define ID_AT     1u /* behind the command byte, and behind the 00 of PREPARE_OK */
#define BULK_FLAGS_AT 5u

bool stmt_prepare_ok_parse(struct view payload, uint32_t caps, struct stmt_prepare_ok *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	uint8_t header = read_u8(&r);
	*out = (struct stmt_prepare_ok){.id = read_u32(&r), .has_definitions = true};
	out->columns = read_u16(&r);
	out->params = read_u16(&r);
	read_u8(&r); /* filler */
	if (r.bad || header != HEADER_OK)
		return false;
	if (reader_left(&r))
		out->warnings = read_u16(&r);
	if (caps & CAP_OPTIONAL_RESULTSET_METADATA && reader_left(&r))
		out->has_definitions = read_u8(&r);
	return !r.bad;
}

bool stmt_id(struct view payload, uint32_t *id)
{
	if (payload.len < ID_AT + 4)
		return false;
	*id = get_u32(payload.p + ID_AT);
	return true;
}

bool stmt_set_id(uint8_t *payload, size_t len, uint32_t id)
{
	if (len < ID_AT + 4)
		return false;
	put_u32(payload + ID_AT, id);
	return true;
}

/* With query attributes each type is followed by a name. */
static struct view read_types(struct reader *r, unsigned params, bool named)
{
	const uint8_t *start = r->p;
	for (unsigned i = 0; i < params && !r->bad; i++) {
		read_u16(r);
		if (named)
			read_lenenc_str(r);
	}
	return (struct view){start, r->bad ? 0 : (size_t)(r->p - start)};
}

bool stmt_execute_parse(struct view payload, unsigned params, uint32_t caps, struct stmt_execute *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	uint8_t command = read_u8(&r);
	*out = (struct stmt_execute){.id = read_u32(&r)};
	out->flags = read_u8(&r);
	out->iterations = read_u32(&r);
	out->params = params;
	if (r.bad || command != CMD_STMT_EXECUTE)
		return false;
	bool named = caps & CAP_QUERY_ATTRIBUTES;
	if (named && out->flags & STMT_PARAM_COUNT_AVAILABLE) {
		uint64_t count = read_lenenc(&r, NULL);
		if (r.bad || count > UINT16_MAX || count < params)
			return false;
		out->params = (unsigned)count;
	}
	if (out->params) {
		out->null_bitmap = read_bytes(&r, (out->params + 7) / 8);
		out->types_bound = read_u8(&r);
		if (out->types_bound)
			out->types = read_types(&r, out->params, named);
	}
	out->values = read_rest(&r);
	return !r.bad;
}

bool stmt_bulk_parse(struct view payload, unsigned params, struct stmt_bulk *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	uint8_t command = read_u8(&r);
	*out = (struct stmt_bulk){.id = read_u32(&r)};
	out->flags = read_u16(&r);
	if (r.bad || command != CMD_STMT_BULK_EXECUTE)
		return false;
	if (out->flags & STMT_BULK_TYPES)
		out->types = read_types(&r, params, false);
	out->rows = read_rest(&r);
	return !r.bad;
}

bool stmt_types_find(struct view payload, unsigned params, uint32_t caps, struct stmt_types *out)
{
	struct stmt_execute e;
	struct stmt_bulk bulk;
	struct view rest;
	if (stmt_bulk_parse(payload, params, &bulk)) {
		*out = (struct stmt_types){params, bulk.flags & STMT_BULK_TYPES, bulk.types, 0};
		rest = bulk.rows;
	} else if (stmt_execute_parse(payload, params, caps, &e)) {
		*out = (struct stmt_types){e.params, e.types_bound, e.types, 0};
		rest = e.values;
	} else {
		return false;
	}
	out->at = payload.len - rest.len - out->types.len;
	return true;
}

struct view stmt_types_cut(struct view types, unsigned params, uint32_t caps)
{
	struct reader r = reader_of(types.p, types.len);
	return read_types(&r, params, caps & CAP_QUERY_ATTRIBUTES);
}

bool stmt_front_with_types(struct buf *out, struct view payload, unsigned params, uint32_t caps, struct view types,
			   size_t *replaced)
{
	struct stmt_types at;
	if (!stmt_types_find(payload, params, caps, &at) || at.bound || !at.params)
		return false;
	bool bulk = payload.p[0] == CMD_STMT_BULK_EXECUTE;
	struct reader r = reader_of(types.p, types.len);
	read_types(&r, at.params, !bulk && caps & CAP_QUERY_ATTRIBUTES);
	if (r.bad || reader_left(&r))
		return false;
	uint8_t *front = buf_reserve(out, at.at + types.len);
	if (!front)
		return false;
	memcpy(front, payload.p, at.at);
	memcpy(front + at.at, types.p, types.len);
	if (bulk)
		front[BULK_FLAGS_AT] |= STMT_BULK_TYPES;
	else
		front[at.at - 1] = 1; /* new-params-bound stands right before the types */
	buf_grown(out, at.at + types.len);
	*replaced = at.at;
	return true;
}
