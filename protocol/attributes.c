#include "protocol/attributes.h"

#include <stdio.h>

/* Types of parameters, as far as their values are not strings with a length. */
enum {
	TYPE_TINY = 1,
	TYPE_SHORT = 2,
	TYPE_LONG = 3,
	TYPE_FLOAT = 4,
	TYPE_DOUBLE = 5,
	TYPE_NULL = 6,
	TYPE_TIMESTAMP = 7,
	TYPE_LONGLONG = 8,
	TYPE_INT24 = 9,
	TYPE_DATE = 10,
	TYPE_TIME = 11,
	TYPE_DATETIME = 12,
	TYPE_YEAR = 13,
	TYPE_BOOL = 244
};
#define TYPE_UNSIGNED 0x8000u

static struct view read_value(struct reader *r, uint8_t type)
{
	switch (type) {
	case TYPE_NULL:
		return (struct view){r->p, 0};
	case TYPE_TINY:
	case TYPE_BOOL:
		return read_bytes(r, 1);
	case TYPE_SHORT:
	case TYPE_YEAR:
		return read_bytes(r, 2);
	case TYPE_LONG:
	case TYPE_INT24:
	case TYPE_FLOAT:
		return read_bytes(r, 4);
	case TYPE_LONGLONG:
	case TYPE_DOUBLE:
		return read_bytes(r, 8);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_TIMESTAMP:
		return read_bytes(r, read_u8(r));
	default:
		return read_lenenc_str(r);
	}
}

bool query_attribute_next(struct query_attributes *a, struct query_attribute *out)
{
	if (a->at >= a->count)
		return false;
	*out = (struct query_attribute){.type = read_u16(&a->types)};
	out->name = read_lenenc_str(&a->types);
	out->is_null = a->nulls.p[a->at / 8] & (1u << a->at % 8);
	if (!out->is_null)
		out->value = read_value(&a->values, (uint8_t)out->type);
	out->is_null |= (uint8_t)out->type == TYPE_NULL;
	a->at++;
	return !a->types.bad && !a->values.bad;
}

/* The types and names end where as many were read. */
static bool find_values(struct reader *r, unsigned count)
{
	for (unsigned i = 0; i < count && !r->bad; i++) {
		read_u16(r);
		read_lenenc_str(r);
	}
	return !r->bad;
}

bool query_attributes_parse(struct view payload, struct query_attributes *out, struct view *sql)
{
	struct reader r = reader_of(payload.p, payload.len);
	uint8_t command = read_u8(&r);
	uint64_t count = read_lenenc(&r, NULL), sets = read_lenenc(&r, NULL);
	*out = (struct query_attributes){0};
	if (r.bad || command != CMD_QUERY || count > UINT16_MAX || sets != 1)
		return false;
	if (count) {
		out->count = (unsigned)count;
		out->nulls = read_bytes(&r, (out->count + 7) / 8);
		uint8_t bound = read_u8(&r);
		out->types = r;
		if (bound != 1 || !find_values(&r, out->count))
			return false;
		out->values = r;
		struct query_attributes walk = *out;
		struct query_attribute each;
		while (query_attribute_next(&walk, &each))
			;
		if (walk.types.bad || walk.values.bad)
			return false;
		r = walk.values;
	}
	*sql = read_rest(&r);
	return !r.bad;
}

struct query_attributes query_attributes_of(const struct stmt_execute *e)
{
	return (struct query_attributes){
		.count = e->types_bound ? e->params : 0,
		.nulls = e->null_bitmap,
		.types = reader_of(e->types.p, e->types.len),
		.values = reader_of(e->values.p, e->values.len),
	};
}

bool query_attribute_text(const struct query_attribute *a, char *out, size_t size)
{
	uint8_t type = (uint8_t)a->type;
	if (a->is_null || !size)
		return false;
	switch (type) {
	case TYPE_TINY:
	case TYPE_BOOL:
	case TYPE_SHORT:
	case TYPE_YEAR:
	case TYPE_LONG:
	case TYPE_INT24:
	case TYPE_LONGLONG: {
		uint64_t v = 0;
		size_t n = a->value.len;
		for (size_t i = 0; i < n; i++)
			v |= (uint64_t)a->value.p[i] << 8 * i;
		bool negative = !(a->type & TYPE_UNSIGNED) && n && a->value.p[n - 1] & 0x80;
		if (negative && n < 8)
			v |= ~(uint64_t)0 << 8 * n;
		if (negative)
			snprintf(out, size, "%lld", (long long)v);
		else
			snprintf(out, size, "%llu", (unsigned long long)v);
		return true;
	}
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
	case TYPE_NULL:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_TIMESTAMP:
		return false;
	default:
		snprintf(out, size, "%.*s", (int)(a->value.len < size ? a->value.len : size), (const char *)a->value.p);
		return true;
	}
}
