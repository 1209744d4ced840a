/* A READ ONLY transaction that a replica holds, when what comes next has no place there. */
#ifndef WYE_PROXY_SESSION_READ_ONLY_H
#define WYE_PROXY_SESSION_READ_ONLY_H

#include <stdbool.h>

#include "router/classify.h"

struct backend;
struct session;

/* The open transaction is one, whatever else ties the session to the replica. */
bool read_only_on_replica(const struct session *s);
/* A statement, by its classification and whether it sets anything, that such a transaction cannot run on its replica. */
bool read_only_has_no_place(uint32_t flags, enum reason reason, uint32_t pins_added, bool sets);
/* The statement in work is one: the transaction goes on at the primary, which it has to begin on with this statement. */
void read_only_moves(struct session *s);
/* Definitions commit it before they run, and no replica may run them. */
void read_only_ends_implicitly(struct session *s);
/* The statement in work has ended one, and has failed: if it could not even be read, the transaction goes on. */
void read_only_goes_on(struct session *s);
/* START TRANSACTION READ WRITE, which a replica refuses: true when nobody else was needed to end the one that was open. */
bool read_only_begins_anew(struct session *s);
/* On the replica's connection one that may write has been begun: it begins on the primary with its next statement. */
bool read_only_is_over(struct session *s, struct backend *b);

#endif
