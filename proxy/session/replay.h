/*
 * Transaction replay: an open transaction whose server died is run again on the new primary, and its client never knows,
 * if every statement is answered as it was before.
 *
 * While a session is in a transaction its statements are kept as they went to the server, with a sum of each answer
 * (proxy/answer_sum.h): nothing else is, and nothing at all outside transactions. When the connection is lost, the session
 * goes back to the state it had at the beginning, and its commands come from that record in the place of the client
 * (command.c): each is an ordinary run whose answer is summed and not passed on (run->replays). What had been sent and not
 * answered comes last, as the client's own again; only what may have committed is not repeated, for nobody knows whether it
 * has.
 *
 *	recording ──lost──> at work ──all the same──> recording, on the new connection
 *	    │                  │ └──another insert id, a deadlock: from the beginning (ATTEMPTS_MAX)
 *	    │                  └──differs, no server──> failed: error 1213, the transaction is rolled back
 *	    └──too large, a temporary table, CALL ...──> refused, until its end
 *
 * A session without a transaction has no struct replay. All of it belongs to the session's worker.
 */
#ifndef WYE_PROXY_SESSION_REPLAY_H
#define WYE_PROXY_SESSION_REPLAY_H

#include "proxy/session/session.h"

/* ---- recording ---- */

/* The statement in work begins a transaction, or is in one. */
static inline bool replay_concerns(const struct session *s)
{
	const struct run *r = s->run;
	return s->replay || s->begun != BEGUN_NOT || r->began != BEGUN_NOT || s->autocommit_off ||
	       (r->flags & CLASS_BEGINS) || (r->pins_added & PIN_SET_TRANSACTION);
}
void replay_sent(struct session *s);              /* it goes to the server; its bytes are still there */
void replay_answered(struct session *s, bool ok); /* and finish_apply() has made of it what it makes */
void replay_forget(struct session *s);            /* the transaction is over */

/* ---- a lost connection ---- */

/* s->backend is lost, and with it the statement in work, which has committed nothing. True: all of the transaction runs
 * again, and *step is to be done. */
bool replay_begin(struct session *s, enum step *step);

/* ---- at work: in the place of the client ---- */

bool replay_is_due(const struct session *s); /* between commands: it is at work, or its connection was lost a moment ago */
enum step replay_go_on(struct session *s);
/* A statement of the replay is answered by wye itself: code 0: OK. */
bool replay_own_answer(struct session *s, uint16_t code, const char *sqlstate, const char *text);
/* It failed while the client was silent: the command in work, the next one, is told so. */
bool replay_tells(struct session *s, struct view payload, enum step *step);
/* Others' transactions are being replayed, and the statement in work would be in their way. */
bool replay_waits_for_others(struct session *s);
uint64_t replay_insert_id(const struct session *s); /* that the statement in work must be given; 0: any */

#endif
