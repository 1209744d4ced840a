/*
 * What is kept of an open transaction so that it can be run again: the state in which it began, its statements as they went
 * to the server, and the sum of each answer. Bounded by transaction_replay_max_bytes; beyond, and when something comes that
 * cannot be had a second time, it is refused: nothing is kept until the transaction's end.
 *
 * The session owns it, and the record the statements' texts; runs borrow them.
 */
#ifndef WYE_PROXY_SESSION_REPLAY_RECORD_H
#define WYE_PROXY_SESSION_REPLAY_RECORD_H

#include "protocol/buf.h"
#include "proxy/session/session.h"

struct replay_step {
	size_t at, len; /* the command with its header, in `packets` */
	struct client_statement *statement; /* of an execution: its own copy, since the client may close its own; or NULL */
	uint64_t digest;
	struct answer_sum sum;
	bool in_trx;    /* another was open when it was sent */
	bool gives_id;  /* when it runs again it is told which insert id to give */
};

enum replay_verdict { REPLAY_SAME, REPLAY_AGAIN, REPLAY_FAILED };

struct replay {
	/* Recorded. */
	struct buf packets;
	struct replay_step *steps;
	unsigned n, room;
	size_t bytes;            /* of all that is kept */
	enum begun begun;        /* BEGUN_NOT: its first statement begins it */
	struct state *want;      /* as it was then; a reference */
	uint64_t insert_id;      /* likewise */
	bool refused;            /* it cannot be run again */

	/* At work. */
	bool at_work, counted;
	bool replayed;           /* it was, at least once */
	uint64_t gated_since;    /* ms: it waits for others' replays, 0: not yet */
	bool interrupted;        /* its last statement has no answer yet: it is run for the client */
	unsigned at;             /* the statement that comes next */
	unsigned attempts;
	enum replay_verdict verdict;
	struct state *want_now;  /* the session's state before it began to work; a reference, or NULL */
	struct run_times times;  /* of the interrupted statement */
	bool failed;             /* the client is still to be told: */
	char *why;
};

/* Of the session, whose statement in work is the first of a transaction; NULL: none is to be kept. */
struct replay *replay_record_create(struct session *s);
void replay_record_destroy(struct worker *w, struct replay *rp);

/* It begins a transaction, and does nothing else. */
bool replay_record_begins(const struct run *r);

/* The session has nothing that a second run would miss. */
bool replay_record_can_repeat(const struct session *s);

/* Keeps the statement in work; its number, from 1. 0: it is not kept. */
unsigned replay_record_add(struct session *s);
void replay_record_answered(struct replay *rp, unsigned number, const struct answer_sum *sum);
void replay_record_drop_last(struct worker *w, struct replay *rp);
void replay_record_begin_with_last(struct session *s);
void replay_record_refuse(struct worker *w, struct replay *rp);
void replay_record_fail(struct replay *rp, const char *why);
const uint8_t *replay_record_packet(const struct replay *rp, unsigned i);

#endif
