/*
 * A session's LAST_INSERT_ID(): where it lives, and how it comes along.
 *
 * No answer tells it: the id in an OK packet may be one that the client gave (LAST_INSERT_ID() is another then), and a
 * failed insert may have changed it. So whatever may change it runs where it is right, and after that it lives there
 * (insert_id_at). When that connection goes to another session, or this session goes elsewhere, it is asked for there
 * (ERRAND_SAVE_ID) and set where the session's next statement of that kind runs (ERRAND_INSERT_ID).
 */
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

#define MAY_CHANGE (CLASS_WRITES | CLASS_CALLS | CLASS_SETS_LAST_INSERT_ID | CLASS_MULTI)

bool insert_id_is_apart(const struct session *s)
{
	const struct run *r = s->run;
	const struct backend *at = last_statement_place(s);
	bool known = !s->insert_id_at && !s->saving; /* or it is being asked for, and may be another than that of before */
	return (r->flags & CLASS_READS_LAST) && (r->flags & CLASS_READS_LAST_INSERT_ID) && r->reason != REASON_WARNINGS &&
	       !(at && (s->insert_id_at == at || (known && insert_id_is_there(s, at, false))));
}

bool insert_id_matters(const struct session *s)
{
	const struct run *r = s->run;
	if (r->own || (r->command != CMD_QUERY && !prepared_executes(r->command)))
		return false;
	/* What it would read of the statement before would be lost. */
	if ((r->flags & CLASS_READS_LAST) && !insert_id_is_apart(s))
		return false;
	/* In what is begun here, any of them may follow. */
	return r->route == ROUTE_PRIMARY || r->route == ROUTE_PIN || s->begun != BEGUN_NOT ||
	       (r->flags & (MAY_CHANGE | CLASS_READS_LAST_INSERT_ID | CLASS_BEGINS));
}

bool insert_id_is_there(const struct session *s, const struct backend *b, bool reset)
{
	if (s->insert_id_at == b)
		return true;
	return reset ? s->insert_id == 0 : b->insert_id_known && b->insert_id == s->insert_id;
}

/* The backend on which the session's value is asked for before its statement goes elsewhere; NULL: no need. */
struct backend *insert_id_ask_at(struct session *s)
{
	struct backend *b = s->insert_id_at;
	if (!b || b->state != BACKEND_IDLE)
		return NULL;
	s->run->save_for = s;
	s->saving = s->run;
	s->run->saves_own = true;
	return b;
}

void insert_id_after(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	if (!(r->flags & MAY_CHANGE))
		return;
	bool changed = !ok || r->reply.kind != REPLY_OK || r->reply.insert_id || (r->flags & (MAY_CHANGE & ~CLASS_WRITES));
	if (!changed)
		return;
	if (s->insert_id_at)
		s->insert_id_at->keeps_insert_id = false;
	/* Should the connection be lost: what nearly every statement makes of LAST_INSERT_ID(). */
	if (r->reply.insert_id)
		s->insert_id = r->reply.insert_id;
	s->insert_id_at = b;
	b->keeps_insert_id = true;
	b->insert_id_known = false;
}

/* `taker` takes b from its keeper: what the keeper may still want is asked for ahead of the taker's statement. One that is
 * closing, and gives b back just now, wants nothing and will not be there to hear it. */
void insert_id_save_kept(struct session *taker, struct backend *b)
{
	struct session *keeper = b->keeper;
	if (!keeper || !b->keeps_insert_id || keeper->saving || keeper->state == SESSION_CLOSING || !taker->run)
		return;
	taker->run->save_for = keeper;
	keeper->saving = taker->run;
}

void insert_id_saved(struct run *r, struct backend *b, uint64_t value, bool told)
{
	struct session *keeper = r->save_for;
	b->insert_id = value;
	b->insert_id_known = told;
	r->save_for = NULL;
	if (!keeper)
		return;
	if (keeper->insert_id_at == b) {
		keeper->insert_id_at = NULL;
		b->keeps_insert_id = false;
		last_statement_forget_counts(keeper, b);
	}
	keeper->saving = NULL;
	if (told)
		keeper->insert_id = value;
	session_wake(keeper);
}

/* The run ends, or begins anew elsewhere, and the answer did not come. */
void insert_id_not_saved(struct run *r)
{
	struct session *keeper = r->save_for;
	r->save_for = NULL;
	r->saves_own = false;
	if (!keeper)
		return;
	keeper->saving = NULL;
	session_wake(keeper);
}
