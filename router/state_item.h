/*
 * The inside of a state: the items its content is made of. For state.c and state_diff.c.
 */
#ifndef WYE_ROUTER_STATE_ITEM_H
#define WYE_ROUTER_STATE_ITEM_H

#include <stdlib.h>
#define uthash_fatal(message) abort() /* its tables are small */
#include <uthash.h>

#include "router/state.h"

/*
 * A state's content is one string of items, sorted by kind and name, so that equal states have equal bytes:
 *	kind (1), length of name (1), length of value (4), name, value
 *
 * The character set group is reduced to what holds at the end, since its members set each other: SET NAMES
 *and SET CHARACTER SET replace all of it, character_set_connection and collation_connection replace each
 *other, and what is left does not depend on the order it is set in after the first.
 */
enum item_kind {
	ITEM_SCHEMA,
	ITEM_ROLE,
	ITEM_BASE,    /* SET NAMES or SET CHARACTER SET */
	ITEM_CHARSET, /* character_set_client, character_set_results, one of ..._connection: after the base */
	ITEM_VARIABLE /* system variables, and user variables with their @ */
};

struct item {
	enum item_kind kind;
	struct view name, value;
};

struct state {
	UT_hash_handle hh; /* by content */
	unsigned refs;
	unsigned entries;
	bool users; /* user variables are among them */
	struct view schema; /* asked for with every statement */
	size_t len;
	uint8_t content[];
};

/* The names of what is not a variable. */
#define BASE_NAMES         "names"
#define BASE_CHARACTER_SET "character set"

/* The next item of a content, and *rest moved behind it; false at the end. */
bool item_next(struct view *rest, struct item *out);
bool item_write(struct buf *b, const struct item *i) __attribute__((warn_unused_result));
int item_compare(const struct item *a, const struct item *b);
bool item_is(const struct item *i, const char *name);

bool state_find(const struct state *s, enum item_kind kind, struct view name, struct item *out);
bool state_has(const struct state *s, enum item_kind kind, const char *name);

/* After SET CHARACTER SET the connection's character set is the one the schema had then, unless it was set
 * since. */
bool state_charset_is_of_schema(const struct state *s);

#endif
