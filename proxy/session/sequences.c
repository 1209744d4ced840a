/*
 * What a session has taken from sequences: MariaDB's LASTVAL() and PREVIOUS VALUE FOR tell what was taken last, of each
 * sequence, on the same connection. SETVAL() changes none of that, COM_RESET_CONNECTION takes it all away (10.11).
 *
 * Each connection knows whose values it may have (backend->sequences_of). Any statement that writes may leave some: a
 * column's DEFAULT, a trigger and a routine take them where no text tells. Nothing more is done until somebody asks for
 * such a value (sequence_reads.h). From then on
 *  - who takes one by NEXTVAL(), and who has asked before and writes, is tied to the connection (PIN_SEQUENCE);
 *  - a connection with values of others is reset before anything but a plain read of another session runs there. So no
 *    session is ever tied to one, or asks on one.
 * Left is the first question of all, by a session that is tied already: it is answered if the session was the last to
 * take anything there, and refused if another was.
 */
#include <string.h>

#include "proxy/sequence_reads.h"
#include "proxy/session/session.h"

#define OF_SEVERAL UINT64_MAX

/* True where it is refused. */
static bool refuse(struct session *s)
{
	const struct backend *b = s->pinned;
	if (!b || !b->sequences_of || b->sequences_of == s->sequences ||
	    (s->sequences && b->sequences_last == s->sequences))
		return false;
	s->run->route = ROUTE_DENY;
	s->run->denied = strdup("wye: LASTVAL() is not known on this connection, which has taken values of other sessions' "
				"sequences; ask again when no transaction is open");
	return true;
}

bool sequences_classified(struct session *s, const struct classification *c)
{
	struct run *r = s->run;
	if (!session_is_mariadb(s))
		return true;
	r->reads_sequence = c->reads_sequence;
	r->takes_sequence = c->takes_sequence;
	r->may_take_sequence = c->takes_sequence || (c->flags & (CLASS_WRITES | CLASS_CALLS));
	if (c->reads_sequence) {
		sequence_reads_note();
		s->reads_sequences = true;
		if (refuse(s))
			return false;
	}
	r->keeps_sequence = sequence_reads_happen() &&
			    (r->takes_sequence || (s->reads_sequences && (r->may_take_sequence || r->reads_sequence)));
	return true;
}

static bool has_run(const struct run *r)
{
	return r->command == CMD_QUERY || prepared_executes(r->command);
}

bool sequences_tie(const struct session *s, const struct backend *b, bool ok)
{
	const struct run *r = s->run;
	if (!r->keeps_sequence || !has_run(r) || r->on_replica || (s->pinned && s->pinned != b))
		return false;
	/* One that fails may have taken a value before, unless it could not be read. */
	if (r->may_take_sequence)
		return ok || r->reply.error != 1064;
	return s->sequences && b->sequences_of == s->sequences;
}

void sequences_after(struct session *s, struct backend *b)
{
	struct run *r = s->run;
	if (!has_run(r))
		return;
	s->took_sequence = r->takes_sequence && !r->on_replica;
	if (!r->may_take_sequence || r->on_replica)
		return;
	if (!s->sequences)
		s->sequences = ++s->worker->last_sequences;
	b->sequences_of = b->sequences_of && b->sequences_of != s->sequences ? OF_SEVERAL : s->sequences;
	b->sequences_last = s->sequences;
}

bool sequences_in_the_way(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	if (!sequence_reads_happen() || !b->sequences_of || b->sequences_of == s->sequences)
		return false;
	return r->route != ROUTE_REPLICA || s->begun != BEGUN_NOT || s->autocommit_off;
}

bool sequences_are_at(const struct session *s, const struct backend *b)
{
	return s->run->reads_sequence && s->sequences && b->sequences_of == s->sequences;
}

struct backend *sequences_place(const struct session *s)
{
	return s->run->reads_sequence && s->took_sequence ? s->last : NULL;
}

void sequences_forget(struct session *s)
{
	s->sequences = 0;
	s->took_sequence = s->reads_sequences = false;
}
