/*
 * A READ ONLY transaction that a replica holds, when what comes next has no place there.
 *
 * What it would tie to its connection beyond its end (a user lock, SET timestamp, PREPARE), what is of the primary alone
 * (SET GLOBAL, FOR UPDATE) and what a routine may leave must be where the session's writes will be, and locks where the
 * others' are. The transaction then goes on at the primary, and sees what is committed there at that moment. Before its
 * first read it is nowhere yet, and begins there.
 */
#include "proxy/session/read_only.h"

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

/* Nothing else ties it to the replica. */
static bool is_on_replica(const struct session *s, uint32_t pins)
{
	if (!session_in_trx(s) || (s->pins & ~pins) || !(s->status & STATUS_IN_TRANS_READONLY) || s->listen_route != LISTEN_AUTO)
		return false;
	const struct server_info *server =
	    snapshot_server_by_slot(s->worker->snapshot, s->pinned->pool->key.slot);
	return server && server->role == SERVER_REPLICA;
}

bool read_only_on_replica(const struct session *s)
{
	return is_on_replica(s, UINT32_MAX);
}

/* Ends it there, and nothing else with it. */
static bool end_on_replica(struct session *s)
{
	if (!is_on_replica(s, PIN_LAST_STATEMENT))
		return false;
	if (!s->supposed)
		s->pinned->conn.error = UV_ECANCELED; /* closing rolls back what holds nothing */
	s->pins &= ~(uint32_t)PIN_LAST_STATEMENT;
	s->trx_unknown = false;
	begin_set(s, BEGUN_NOT);
	finish_unpin(s);
	return true;
}

bool read_only_begins_anew(struct session *s)
{
	const struct run *r = s->run;
	return r->plain_begin && (r->flags & CLASS_BEGINS_READ_WRITE) && !begin_shows(s) && end_on_replica(s);
}

/* UNLOCK TABLES ends a transaction with the locks that it takes away, and leaves it where there are none. */
static bool unlocks_nothing(const struct session *s)
{
	return (s->run->pins_released & PIN_TABLE_LOCK) && !(s->pins & PIN_TABLE_LOCK);
}

void read_only_ends_implicitly(struct session *s)
{
	const struct run *r = s->run;
	bool sets_autocommit = r->sets_state && !(r->flags & (CLASS_WRITES | CLASS_DDL)); /* which is on */
	if (!(r->flags & CLASS_MAY_COMMIT_IMPLICITLY) || (r->flags & (CLASS_BEGINS | CLASS_MULTI | CLASS_CALLS)) ||
	    r->route == ROUTE_REPLICA || sets_autocommit || unlocks_nothing(s))
		return;
	if (s->begun == BEGUN_READ_ONLY)
		begin_set(s, BEGUN_NOT);
	else if (!end_on_replica(s))
		return;
	s->run->ended_read_only = true;
}

void read_only_goes_on(struct session *s)
{
	static const uint16_t not_read[] = {1046, 1059, 1064, 1102, 1103, 1115, 1273};
	const struct run *r = s->run;
	bool early = false;
	for (size_t i = 0; i < sizeof not_read / sizeof *not_read; i++)
		early |= r->reply.error == not_read[i];
	if (!r->ended_read_only || !early || s->trx_unknown || (s->pins & ~(uint32_t)PIN_LAST_STATEMENT))
		return;
	s->pins &= ~(uint32_t)PIN_LAST_STATEMENT; /* the error is known here, too */
	begin_set(s, BEGUN_READ_ONLY);
}

bool read_only_has_no_place(uint32_t flags, enum reason reason, uint32_t pins_added, bool sets)
{
	const uint32_t lasting = PIN_USER_LOCK | PIN_HANDLER | PIN_SESSION_VARIABLE | PIN_TEXT_PREPARE | PIN_BACKUP_LOCK |
				 PIN_STATUS | PIN_OVERSIZED | PIN_ROLE | PIN_UNKNOWN | PIN_XA | PIN_GLOBAL_VARIABLE |
				 PIN_CONNECTION_ID | PIN_SET_TRANSACTION;
	const uint32_t several = CLASS_WRITES | CLASS_DDL | CLASS_BEGINS | CLASS_COMMITS | CLASS_ROLLS_BACK |
				 CLASS_MAY_COMMIT_IMPLICITLY;
	if ((pins_added & lasting) || (flags & CLASS_CALLS))
		return true;
	/* One of several may fail behind others, and nobody knows what is set then. */
	if ((flags & CLASS_MULTI) && ((flags & several) || sets))
		return true;
	switch ((unsigned)reason) {
	case REASON_USER_LOCK: /* whether one is free, the others' server knows */
	case REASON_LOCKING_READ:
	case REASON_INTO_FILE:
	case REASON_SET_GLOBAL:
		return true;
	case REASON_ADMIN: /* but for SIGNAL */
		return flags & CLASS_WRITES;
	case REASON_COMMIT: /* savepoints would not come along later */
		return !(flags & (CLASS_COMMITS | CLASS_ROLLS_BACK));
	default:
		return false;
	}
}

void read_only_moves(struct session *s)
{
	const struct run *r = s->run;
	bool sets = r->next || r->next_unknown || r->bind || r->unbind;
	uint32_t pins = r->pins_added | (r->next_unknown ? PIN_SESSION_VARIABLE : 0);
	if (!read_only_has_no_place(r->flags, r->reason, pins, sets) || (r->flags & CLASS_RELEASES) || !end_on_replica(s))
		return;
	begin_set(s, BEGUN_READ_ONLY);
	s->run->to_primary = true;
}

bool read_only_is_over(struct session *s, struct backend *b)
{
	const struct run *r = s->run;
	bool read_write = (s->status & STATUS_IN_TRANS) && !(s->status & STATUS_IN_TRANS_READONLY);
	if (!r->on_replica || !read_write || !(r->flags & CLASS_BEGINS) || s->listen_route != LISTEN_AUTO ||
	    (s->pins & ~(uint32_t)PIN_LAST_STATEMENT))
		return false;
	b->conn.error = UV_ECANCELED; /* closing rolls back what holds nothing */
	begin_set(s, BEGUN_READ_WRITE);
	return true;
}
