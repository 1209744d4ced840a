/*
 * The stored functions and views of the servers, by what a statement that names one does: an immutable,
 * reference-counted set.
 *
 * Built by the thread that loads it, sealed, then read by any. Names are compared without regard to the case of
 * ASCII letters, as functions are; where two schemas differ in case only, the worse of two answers counts.
 */
#ifndef WYE_PROXY_OBJECTS_H
#define WYE_PROXY_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "router/classify.h"

enum object_kind { OBJECT_FUNCTION, OBJECT_VIEW };

#define OBJECTS_MAX 200000u /* what is beyond is not known, and goes to the primary */

struct object_set;

struct object_set *object_set_create(void);
/* Adds one, or gives a known one another access; false when there is no room. */
bool object_set_put(struct object_set *set, enum object_kind kind, struct view schema, struct view name,
                    enum object_access access);
/* For classify(), while the set lives: the relation function is there only when a view is known to write. */
const struct catalog *object_set_catalog(const struct object_set *set);

struct object_set *object_set_ref(struct object_set *set); /* NULL is fine */
void object_set_unref(struct object_set *set);
bool object_set_equal(const struct object_set *a, const struct object_set *b);
size_t object_set_count(const struct object_set *set, enum object_kind kind, enum object_access access);

#endif
