#include "proxy/objects.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 256u

struct object {
	uint32_t hash, name_at; /* the schema stands before the name */
	uint16_t schema_len, name_len;
	uint8_t kind, access; /* enum object_kind, enum object_access */
};

struct object_set {
	struct catalog catalog; /* first: its functions are called with it */
	_Atomic unsigned references;
	struct object *objects;
	size_t n, room;
	uint32_t *slots; /* an index into objects plus one, 0 is empty; twice as many as objects, or more */
	size_t n_slots;
	char *names; /* in lower case */
	size_t names_len, names_room;
	unsigned counts[2][3];
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static uint32_t hash_bytes(uint32_t hash, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		hash = (hash ^ lower(v.p[i])) * 0x01000193u;
	return (hash ^ '.') * 0x01000193u;
}

static uint32_t hash_of(enum object_kind kind, struct view schema, struct view name)
{
	return hash_bytes(hash_bytes(0x811C9DC5u ^ (uint32_t)kind, schema), name);
}

static bool same_text(const char *lowered, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if ((uint8_t)lowered[i] != lower(v.p[i]))
			return false;
	return true;
}

static struct object *find(const struct object_set *set, enum object_kind kind, struct view schema, struct view name)
{
	uint32_t hash = hash_of(kind, schema, name);
	for (size_t i = hash & (set->n_slots - 1); set->slots[i]; i = (i + 1) & (set->n_slots - 1)) {
		struct object *o = &set->objects[set->slots[i] - 1];
		const char *text = set->names + o->name_at;
		if (o->hash == hash && o->kind == kind && o->schema_len == schema.len && o->name_len == name.len &&
		    same_text(text, schema) && same_text(text + schema.len, name))
			return o;
	}
	return NULL;
}

static enum object_access access_of(const struct catalog *c, enum object_kind kind, struct view schema,
                                    struct view name)
{
	const struct object *o = find((const struct object_set *)c, kind, schema, name);
	return o ? (enum object_access)o->access : OBJECT_UNKNOWN;
}

static enum object_access function_access(const struct catalog *c, struct view schema, struct view name)
{
	return access_of(c, OBJECT_FUNCTION, schema, name);
}

static enum object_access relation_access(const struct catalog *c, struct view schema, struct view name)
{
	return access_of(c, OBJECT_VIEW, schema, name);
}

static void *grown(void *p, size_t size)
{
	void *q = realloc(p, size);
	if (!q)
		abort();
	return q;
}

struct object_set *object_set_create(void)
{
	struct object_set *set = calloc(1, sizeof *set);
	if (!set)
		abort();
	set->references = 1;
	set->catalog.function = function_access;
	set->n_slots = SLOTS_FIRST;
	set->slots = grown(NULL, SLOTS_FIRST * sizeof *set->slots);
	memset(set->slots, 0, SLOTS_FIRST * sizeof *set->slots);
	return set;
}

static void take_slot(struct object_set *set, size_t index)
{
	size_t i = set->objects[index].hash & (set->n_slots - 1);
	while (set->slots[i])
		i = (i + 1) & (set->n_slots - 1);
	set->slots[i] = (uint32_t)index + 1;
}

static void make_room(struct object_set *set)
{
	if (set->n == set->room) {
		set->room = set->room ? set->room * 2 : SLOTS_FIRST / 2;
		set->objects = grown(set->objects, set->room * sizeof *set->objects);
	}
	if ((set->n + 1) * 2 <= set->n_slots)
		return;
	set->n_slots *= 2;
	set->slots = grown(set->slots, set->n_slots * sizeof *set->slots);
	memset(set->slots, 0, set->n_slots * sizeof *set->slots);
	for (size_t i = 0; i < set->n; i++)
		take_slot(set, i);
}

static void keep_name(struct object_set *set, struct view v)
{
	if (set->names_len + v.len > set->names_room) {
		set->names_room = (set->names_len + v.len) * 2;
		set->names = grown(set->names, set->names_room);
	}
	for (size_t i = 0; i < v.len; i++)
		set->names[set->names_len++] = (char)lower(v.p[i]);
}

static void set_access(struct object_set *set, struct object *o, enum object_access access)
{
	set->counts[o->kind][o->access]--;
	set->counts[o->kind][access]++;
	o->access = (uint8_t)access;
	set->catalog.relation = set->counts[OBJECT_VIEW][OBJECT_WRITES] ? relation_access : NULL;
}

bool object_set_put(struct object_set *set, enum object_kind kind, struct view schema, struct view name,
                    enum object_access access)
{
	struct object *o = find(set, kind, schema, name);
	if (!o) {
		if (set->n >= OBJECTS_MAX || schema.len > UINT8_MAX || name.len > UINT8_MAX)
			return false;
		make_room(set);
		o = &set->objects[set->n];
		*o = (struct object){.hash = hash_of(kind, schema, name),
		                     .name_at = (uint32_t)set->names_len,
		                     .schema_len = (uint16_t)schema.len,
		                     .name_len = (uint16_t)name.len,
		                     .kind = (uint8_t)kind,
		                     .access = OBJECT_UNKNOWN};
		keep_name(set, schema);
		keep_name(set, name);
		set->counts[kind][OBJECT_UNKNOWN]++;
		take_slot(set, set->n++);
	}
	set_access(set, o, access);
	return true;
}

const struct catalog *object_set_catalog(const struct object_set *set)
{
	return &set->catalog;
}

struct object_set *object_set_ref(struct object_set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void object_set_unref(struct object_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	free(set->objects);
	free(set->slots);
	free(set->names);
	free(set);
}

bool object_set_equal(const struct object_set *a, const struct object_set *b)
{
	if (!a || !b || a == b)
		return a == b;
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct object *o = &a->objects[i];
		const uint8_t *text = (const uint8_t *)a->names + o->name_at;
		const struct object *other =
		    find(b, (enum object_kind)o->kind, (struct view){text, o->schema_len},
		         (struct view){text + o->schema_len, o->name_len});
		if (!other || other->access != o->access)
			return false;
	}
	return true;
}

size_t object_set_count(const struct object_set *set, enum object_kind kind, enum object_access access)
{
	return set ? set->counts[kind][access] : 0;
}
