#include "proxy/session/replay_record.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/session/template.h"

/* Grows by so many at least. */
#define STEPS_FIRST 8u

/* What the second run makes again by itself. */
#define PINS_REPEATED ((uint32_t)(PIN_LAST_STATEMENT | PIN_SET_TRANSACTION | PIN_USER_VARIABLE))

/* ---- steps ---- */

static void free_step(struct worker *w, struct replay_step *step)
{
	if (!step->statement)
		return;
	template_unref(w, step->statement->template);
	free(step->statement->types);
	free(step->statement);
	step->statement = NULL;
}

static void drop_all(struct worker *w, struct replay *rp)
{
	for (unsigned i = 0; i < rp->n; i++)
		free_step(w, &rp->steps[i]);
	rp->n = 0;
	rp->bytes = 0;
	buf_reset(&rp->packets);
}

void replay_record_drop_last(struct worker *w, struct replay *rp)
{
	free_step(w, &rp->steps[--rp->n]); /* its bytes stay until the end */
}

void replay_record_refuse(struct worker *w, struct replay *rp)
{
	drop_all(w, rp);
	rp->refused = true;
}

void replay_record_fail(struct replay *rp, const char *why)
{
	rp->failed = true;
	rp->verdict = REPLAY_FAILED;
	free(rp->why);
	rp->why = strdup(why);
}

/* ---- its life ---- */

struct replay *replay_record_create(struct session *s)
{
	const struct run *r = s->run;
	uint64_t most = s->worker->snapshot->settings->transaction_replay_max_bytes;
	if (!most || (s->pins & ~(uint32_t)PIN_LAST_STATEMENT))
		return NULL;
	struct replay *rp = calloc(1, sizeof *rp);
	if (!rp)
		return NULL;
	buf_init(&rp->packets, most);
	rp->begun = r->began != BEGUN_NOT ? r->began : s->begun;
	rp->want = state_ref(s->want);
	rp->insert_id = s->insert_id;
	return rp;
}

void replay_record_destroy(struct worker *w, struct replay *rp)
{
	drop_all(w, rp);
	buf_finish(&rp->packets);
	free(rp->steps);
	state_unref(w->states, rp->want);
	state_unref(w->states, rp->want_now);
	free(rp->why);
	free(rp);
}

/* ---- what can be kept ---- */

bool replay_record_begins(const struct run *r)
{
	return (r->flags & CLASS_BEGINS) && !(r->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK | CLASS_MULTI));
}

bool replay_record_can_repeat(const struct session *s)
{
	return !(s->pins & ~PINS_REPEATED);
}

/* It may end the transaction, or a part of it, ties the session to its connection, or has effects that no ROLLBACK takes
 * back. */
static bool has_no_second_time(const struct run *r)
{
	const uint32_t ends = CLASS_BEGINS | CLASS_COMMITS | CLASS_ROLLS_BACK | CLASS_MAY_COMMIT_IMPLICITLY;
	if (r->large || r->translated || (r->flags & (CLASS_LOCAL_INFILE | CLASS_KILL)) || (r->pins_added & ~PINS_REPEATED))
		return true;
	if ((r->flags & ends) && !replay_record_begins(r))
		return true;
	switch ((unsigned)r->reason) {
	case REASON_CALL:
	case REASON_COMPOUND:
	case REASON_TEXT_PREPARE:
	case REASON_XA:
	case REASON_TABLE_LOCK:
	case REASON_USER_LOCK:
	case REASON_BACKUP_LOCK:
	case REASON_HANDLER:
	case REASON_TEMPORARY_TABLE:
	case REASON_INTO_FILE:
	case REASON_SET_GLOBAL:
	case REASON_UNREADABLE:
	case REASON_UNKNOWN_STATEMENT:
		return true;
	default:
		return false;
	}
}

/* ROW_COUNT() and its kin of before the transaction are on the lost connection alone, and no answer shows what became of
 * them. */
static bool hides_what_was_before(const struct replay *rp, const struct run *r)
{
	return !rp->n && (r->flags & CLASS_READS_LAST) && !(r->flags & CLASS_READS_LAST_INSERT_ID) &&
	       (r->flags & (CLASS_WRITES | CLASS_SETS_USER_VARIABLE));
}

static bool is_kept(uint8_t command)
{
	return command == CMD_QUERY || command == CMD_INIT_DB || prepared_executes(command);
}

/* Its own copy of the statement, with the types of before. */
static bool keep_statement(struct replay_step *step, const struct client_statement *c)
{
	struct client_statement *copy = calloc(1, sizeof *copy);
	uint8_t *types = c->types_len ? malloc(c->types_len) : NULL;
	if (!copy || (c->types_len && !types)) {
		free(copy);
		free(types);
		return false;
	}
	if (types)
		memcpy(types, c->types, c->types_len);
	copy->id = c->id;
	copy->template = template_ref(c->template);
	copy->types = types;
	copy->types_len = c->types_len;
	copy->types_hash = c->types_hash;
	step->statement = copy;
	return true;
}

static bool has_room(struct replay *rp, size_t more, uint64_t most)
{
	if (rp->bytes + more > most)
		return false;
	if (rp->n < rp->room)
		return true;
	unsigned room = rp->room ? rp->room * 2 : STEPS_FIRST;
	struct replay_step *steps = realloc(rp->steps, room * sizeof *steps);
	if (!steps)
		return false;
	rp->steps = steps;
	rp->room = room;
	return true;
}

unsigned replay_record_add(struct session *s)
{
	struct run *r = s->run;
	struct replay *rp = s->replay;
	size_t size;
	if (!is_kept(r->command))
		return 0; /* it leaves nothing in the transaction */
	const uint8_t *packet = rules_packet(s, &size);
	uint64_t most = s->worker->snapshot->settings->transaction_replay_max_bytes;
	size_t more = size + sizeof(struct replay_step) + (r->statement ? sizeof *r->statement + r->statement->types_len : 0);
	struct replay_step step = {.at = buf_len(&rp->packets), .len = size, .digest = r->digest,
				   .in_trx = session_in_trx(s)};
	bool bound = r->statement && (r->statement->cursor || r->statement->long_data);
	if (has_no_second_time(r) || bound || hides_what_was_before(rp, r) || !has_room(rp, more, most) ||
	    !buf_append(&rp->packets, packet, size) || (r->statement && !keep_statement(&step, r->statement))) {
		replay_record_refuse(s->worker, rp);
		return 0;
	}
	rp->bytes += more;
	rp->steps[rp->n++] = step;
	return rp->n;
}

void replay_record_answered(struct replay *rp, unsigned number, const struct answer_sum *sum)
{
	rp->steps[number - 1].sum = *sum;
}

/* BEGIN inside a transaction: a new one, in the state that the session has now, if that is known and not on the connection
 * alone. */
void replay_record_begin_with_last(struct session *s)
{
	struct replay *rp = s->replay;
	struct worker *w = s->worker;
	struct replay_step last = rp->steps[rp->n - 1];
	if (!last.in_trx)
		return;
	for (unsigned i = 0; i + 1 < rp->n; i++)
		free_step(w, &rp->steps[i]);
	buf_consume(&rp->packets, last.at);
	last.at = 0;
	last.in_trx = false;
	rp->bytes = last.len + sizeof last;
	rp->steps[0] = last;
	rp->n = 1;
	rp->begun = BEGUN_NOT;
	state_unref(w->states, rp->want);
	rp->want = state_ref(s->want);
	rp->insert_id = s->insert_id;
	rp->refused = rp->replayed = false;
	rp->attempts = 0;
	if (s->pins & ~(uint32_t)PIN_LAST_STATEMENT)
		replay_record_refuse(w, rp);
}

const uint8_t *replay_record_packet(const struct replay *rp, unsigned i)
{
	return buf_data((struct buf *)(uintptr_t)&rp->packets) + rp->steps[i].at;
}
