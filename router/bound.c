#include "router/bound.h"

#include <strings.h>

#define HEAD 6u /* kind, harmless, two lengths of two bytes */

void bound_init(struct bound *b)
{
	memset(b, 0, sizeof *b);
	buf_init(&b->names, BOUND_BYTES_MAX);
}

void bound_finish(struct bound *b)
{
	buf_finish(&b->names);
}

bool bound_next(const struct bound *b, size_t *at, struct bound_name *out)
{
	if (*at >= buf_len(&b->names))
		return false;
	const uint8_t *p = buf_data(&b->names) + *at;
	size_t schema_len = get_u16(p + 2), name_len = get_u16(p + 4);
	*out = (struct bound_name){
	    .kind = (enum bound_kind)p[0],
	    .harmless = p[1],
	    .schema = {p + HEAD, schema_len},
	    .name = {p + HEAD + schema_len, name_len},
	};
	*at += HEAD + schema_len + name_len;
	return true;
}

static bool same_name(enum bound_kind kind, struct view a, struct view b)
{
	if (kind == BOUND_TEMPORARY)
		return view_equal(a, b);
	return a.len == b.len && (!a.len || strncasecmp((const char *)a.p, (const char *)b.p, a.len) == 0);
}

static bool is_same(const struct bound_name *a, const struct bound_name *b)
{
	return a->kind == b->kind && same_name(a->kind, a->name, b->name) && view_equal(a->schema, b->schema);
}

bool bound_find(const struct bound *b, enum bound_kind kind, struct view name, struct bound_name *out)
{
	for (size_t at = 0; bound_next(b, &at, out);)
		if (out->kind == kind && same_name(kind, out->name, name))
			return true;
	return false;
}

/* Leaves out the names for which `gone` says so. */
static void leave_out(struct bound *b, bool (*gone)(const struct bound_name *n, const void *arg),
                      const void *arg)
{
	struct bound_name n;
	uint8_t *data = buf_data(&b->names);
	size_t kept = 0, from = 0;
	for (size_t at = 0; bound_next(b, &at, &n); from = at) {
		if (gone(&n, arg)) {
			b->count[n.kind]--;
			continue;
		}
		memmove(data + kept, data + from, at - from);
		kept += at - from;
	}
	b->names.end = b->names.start + kept;
}

static bool is_that(const struct bound_name *n, const void *arg)
{
	return is_same(n, arg);
}

static bool is_of_kind(const struct bound_name *n, const void *arg)
{
	return n->kind == *(const enum bound_kind *)arg;
}

void bound_remove(struct bound *b, const struct bound_name *name)
{
	leave_out(b, is_that, name);
}

void bound_forget(struct bound *b, enum bound_kind kind)
{
	leave_out(b, is_of_kind, &kind);
	b->unknown[kind] = false;
}

void bound_add(struct bound *b, const struct bound_name *n)
{
	if (b->unknown[n->kind])
		return;
	bound_remove(b, n);
	bool fits = n->name.len && n->name.len < UINT16_MAX && n->schema.len < UINT16_MAX &&
	            b->count[n->kind] < BOUND_NAMES_MAX &&
	            buf_len(&b->names) + HEAD + n->name.len + n->schema.len <= BOUND_BYTES_MAX;
	bool added = fits && write_u8(&b->names, (uint8_t)n->kind) && write_u8(&b->names, n->harmless) &&
	             write_u16(&b->names, (uint16_t)n->schema.len) &&
	             write_u16(&b->names, (uint16_t)n->name.len) &&
	             write_bytes(&b->names, n->schema.p, n->schema.len) &&
	             write_bytes(&b->names, n->name.p, n->name.len);
	if (added) {
		b->count[n->kind]++;
		return;
	}
	bound_forget(b, n->kind);
	b->unknown[n->kind] = true;
}
