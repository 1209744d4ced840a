/* What a statement changes for its session: effects.c. */
#ifndef WYE_PROXY_SESSION_EFFECTS_H
#define WYE_PROXY_SESSION_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "router/bound.h"
#include "router/classify.h"

struct session;
struct backend;

/* Pins that stand for names: they are held exactly while s->bound has a name of their kind. */
#define EFFECTS_PINS                                                                                         \
	((uint32_t)(PIN_TEMPORARY_TABLE | PIN_TEXT_PREPARE | PIN_HANDLER | PIN_USER_LOCK | PIN_READ_BACK |   \
	            PIN_USER_VARIABLE))

/* Notes in the run what follows from the text; the effects' views point into the client's bytes. */
void effects_note(struct session *s, const struct classification *c, const struct dialect *dialect);
/* It is a PREPARE, which changes nothing: what the text does, its executions will do. But servers make the user variables
 * that it sets at once, with the value NULL and a type: their names are kept. */
void effects_of_prepare(struct session *s);
/* The statement was answered (ok: without an ERR) on b: state, names and pins are the session's now. */
void effects_apply(struct session *s, struct backend *b, bool ok);

/* USE, or that the schema was dropped, where the session has this state: the next one (a reference), or NULL. */
struct state *effects_schema(struct session *s, const struct state *from, struct view schema);

/* Names of that kind are there that nobody knows: only a reset ends it. */
void effects_unknown(struct session *s, enum bound_kind kind);
void effects_settle(struct session *s); /* names were taken away: pins follow */
void effects_free(struct bound **b);

struct worker;

/* The state that a text leaves when it is run under `from` (a reference in *next; NULL: the same). True when that is all
 * it does to its session. */
bool effects_of_text(struct worker *w, const struct state *from, struct view sql, const struct dialect *dialect,
                     struct state **next);

#endif
