#include "router/state_item.h"

#include <assert.h>

bool item_next(struct view *rest, struct item *out)
{
	if (!rest->len)
		return false;
	struct reader r = reader_of(rest->p, rest->len);
	out->kind = (enum item_kind)read_u8(&r);
	size_t name_len = read_u8(&r), value_len = read_u32(&r);
	out->name = read_bytes(&r, name_len);
	out->value = read_bytes(&r, value_len);
	assert(!r.bad);
	*rest = (struct view){r.p, reader_left(&r)};
	return true;
}

bool item_write(struct buf *b, const struct item *i)
{
	return write_u8(b, (uint8_t)i->kind) && write_u8(b, (uint8_t)i->name.len) &&
	       write_u32(b, (uint32_t)i->value.len) && write_bytes(b, i->name.p, i->name.len) &&
	       write_bytes(b, i->value.p, i->value.len);
}

int item_compare(const struct item *a, const struct item *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	size_t n = a->name.len < b->name.len ? a->name.len : b->name.len;
	int c = n ? memcmp(a->name.p, b->name.p, n) : 0;
	return c ? c : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

bool item_is(const struct item *i, const char *name)
{
	return view_equal(i->name, view_of(name));
}

struct view state_content(const struct state *s)
{
	return (struct view){s->content, s->len};
}

bool state_find(const struct state *s, enum item_kind kind, struct view name, struct item *out)
{
	struct view rest = state_content(s);
	while (item_next(&rest, out))
		if (out->kind == kind && view_equal(out->name, name))
			return true;
	return false;
}

bool state_has(const struct state *s, enum item_kind kind, const char *name)
{
	struct item unused;
	return state_find(s, kind, view_of(name), &unused);
}

bool state_charset_is_of_schema(const struct state *s)
{
	return state_has(s, ITEM_BASE, BASE_CHARACTER_SET) &&
	       !state_has(s, ITEM_CHARSET, "character_set_connection") &&
	       !state_has(s, ITEM_CHARSET, "collation_connection");
}
