/*
 * What a session has on its pinned connection by name: temporary tables, statements prepared as text,
 * handlers, user locks, and the variables whose values must be asked for before it can leave.
 *
 * Names are kept as they were written. Those of tables are compared byte by byte, since some servers tell T
 * from t, the others without regard to case: where that finds too little, the pin lasts longer than it must.
 * A kind whose names do not fit, or are not known, is `unknown`: only a reset ends it then.
 */
#ifndef WYE_ROUTER_BOUND_H
#define WYE_ROUTER_BOUND_H

#include "protocol/wire.h"

enum bound_kind {
	BOUND_TEMPORARY, /* schema and name */
	BOUND_PREPARED,
	BOUND_HANDLER,
	BOUND_LOCK,
	BOUND_VARIABLE,     /* a system variable whose value is asked for */
	BOUND_USER_VARIABLE /* the same, without its @ */
};
#define BOUND_KINDS 6u

#define BOUND_NAMES_MAX 64u /* of one kind */
#define BOUND_BYTES_MAX 16384u

struct bound_name {
	enum bound_kind kind;
	bool harmless; /* BOUND_PREPARED: an execution changes nothing of the session */
	struct view schema, name;
};

struct bound {
	struct buf names; /* one after the other: kind, harmless, lengths, bytes */
	unsigned count[BOUND_KINDS];
	bool unknown[BOUND_KINDS];
	bool ask_locks; /* one may not be held (any more): which are must be asked for */
};

void bound_init(struct bound *b);
void bound_finish(struct bound *b);

/* Adds it, or replaces the one of the same name. */
void bound_add(struct bound *b, const struct bound_name *name);
/* Takes it away; it need not be there. */
void bound_remove(struct bound *b, const struct bound_name *name);
void bound_forget(struct bound *b, enum bound_kind kind); /* all of a kind, and what is unknown of it */
bool bound_find(const struct bound *b, enum bound_kind kind, struct view name, struct bound_name *out);

/* Some of this kind are there, or may be. */
static inline bool bound_has(const struct bound *b, enum bound_kind kind)
{
	return b->count[kind] || b->unknown[kind];
}

/* The next name; begin with an *at of zero. Valid until the next change. */
bool bound_next(const struct bound *b, size_t *at, struct bound_name *out);

#endif
