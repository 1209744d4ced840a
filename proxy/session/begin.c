/*
 * BEGIN: answered here, and sent to a server together with the first statement of its transaction.
 *
 * A transaction that ends before it began anywhere costs nothing, and one that begins READ ONLY runs where
 * its first read can. What a server would do at once is sent at once: a snapshot, a commit of what is open,
 * characteristics that wait for it, and everything that a client could see of it in its connection.
 */
#include <strings.h>

#include "proxy/backend/pool.h"
#include "proxy/session/read_only.h"
#include "proxy/session/session.h"

#define IN_TRANS ((uint16_t)(STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY))

/* The answer, or what COMMIT does then, depends on one of these. */
bool begin_shows(const struct session *s)
{
	static const char *const names[] = {"completion_type", "session_track_transaction_info",
	                                    "session_track_state_change"};
	struct view v;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (state_get(s->want, view_of(names[i]), &v))
			return true;
	return false;
}

/* A primary that is read-only for a while refuses READ WRITE at once. */
static bool may_be_refused(const struct session *s)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	return (s->run->flags & CLASS_BEGINS_READ_WRITE) && snapshot->primary >= 0 &&
	       snapshot->servers[snapshot->primary].read_only;
}

bool begin_completion_releases(const struct session *s)
{
	const struct run *r = s->run;
	struct view v;
	if (r->reason != REASON_COMMIT || !(r->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK)) || (r->flags & CLASS_MULTI) ||
	    !state_get(s->want, view_of("completion_type"), &v))
		return false;
	return view_equal(v, view_of("2")) || (v.len == 9 && !strncasecmp((const char *)v.p, "'release'", 9)) ||
	       (v.len == 7 && !strncasecmp((const char *)v.p, "release", 7));
}

bool begin_is_later(const struct session *s)
{
	const struct run *r = s->run;
	return r->plain_begin && !s->pinned && !s->autocommit_off && !s->worker->draining && !begin_shows(s) &&
	       !may_be_refused(s);
}

void begin_set(struct session *s, enum begun begun)
{
	s->begun = begun;
	s->status = (uint16_t)(s->status & ~IN_TRANS);
	if (begun != BEGUN_NOT)
		s->status |= STATUS_IN_TRANS;
	if (begun == BEGUN_READ_ONLY)
		s->status |= STATUS_IN_TRANS_READONLY;
}

static enum step answer(struct session *s)
{
	struct run *r = s->run;
	bool released = r->flags & CLASS_RELEASES;
	stat_add(&s->worker->stats->routes[ROUTE_LOCAL][r->reason], 1);
	bool sent = session_answer_ok(s);
	run_end(s);
	if (!sent)
		return session_fail(s, END_CLIENT_GONE);
	return released ? session_fail(s, END_RELEASED) : session_enter(s, SESSION_COMMAND);
}

/* One that says nothing of it is READ ONLY or not as the session is; with MySQL, inside another, as that one is. */
static enum begun begun_now(const struct session *s)
{
	const struct run *r = s->run;
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	bool read_only = r->flags & CLASS_BEGINS_READ_ONLY, read_write = r->flags & CLASS_BEGINS_READ_WRITE;
	bool told = read_write || (read_only && !s->session_read_only);
	if (!told && s->begun != BEGUN_NOT && any && any->flavor == FLAVOR_MYSQL)
		return s->begun;
	return read_only ? BEGUN_READ_ONLY : BEGUN_READ_WRITE;
}

bool begin_takes(struct session *s)
{
	const struct run *r = s->run;
	if (begin_is_later(s) || read_only_begins_anew(s)) {
		begin_set(s, begun_now(s));
		return true;
	}
	bool ends = (r->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK)) && !(r->flags & CLASS_MULTI) &&
	            r->reason != REASON_XA;
	if (s->begun == BEGUN_NOT || !ends)
		return false;
	if (!(r->flags & CLASS_BEGINS)) /* AND CHAIN */
		begin_set(s, BEGUN_NOT);
	return true;
}

bool begin_answers(struct session *s, enum step *step)
{
	if (!begin_takes(s))
		return false;
	*step = answer(s);
	return true;
}

struct view begin_sql(const struct session *s)
{
	if (s->begun == BEGUN_READ_ONLY)
		return view_of("START TRANSACTION READ ONLY");
	return view_of(s->session_read_only ? "START TRANSACTION READ WRITE" : "START TRANSACTION");
}

void begin_done(struct session *s)
{
	struct run *r = s->run;
	r->began = s->begun;
	s->begun = BEGUN_NOT;
	s->status = r->reply.status;
}

void begin_undo(struct session *s)
{
	struct run *r = s->run;
	if (r->began == BEGUN_NOT)
		return;
	s->backend->conn.error = UV_ECANCELED; /* closing rolls back */
	begin_set(s, r->began);
	r->began = BEGUN_NOT;
}

void begin_forget(struct session *s)
{
	begin_set(s, BEGUN_NOT);
}
