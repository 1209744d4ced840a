/*
 * Which statements are copied for the server that a rule mirrors to, and the copies: the text, or the execution of a
 * prepared statement, with a reference to the session's state.
 *
 * Only what a replica may run, for a copy must not do what the statement does a second time, and a replica must not be
 * written; and only what needs nothing that its connection alone has. The classifier's word is taken as it is before
 * anybody's wish moved the read to the primary.
 */
#include "proxy/backend/mirror.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/packet.h"
#include "protocol/stmt.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

#define BOUND_FLAGS                                                                                                    \
	(CLASS_READS_LAST | CLASS_READS_LAST_INSERT_ID | CLASS_USES_TEMPORARY | CLASS_SETS_USER_VARIABLE | CLASS_CONNECTION_ID)
#define NO_READ_FLAGS                                                                                                  \
	(CLASS_WRITES | CLASS_DDL | CLASS_CALLS | CLASS_BEGINS | CLASS_COMMITS | CLASS_ROLLS_BACK | CLASS_KILL | CLASS_MULTI |    \
	 CLASS_LOCAL_INFILE | CLASS_SETS_LAST_INSERT_ID | CLASS_SERVER_SPECIFIC | CLASS_UNLEXED)

static bool is_moved_read(enum route route, enum reason reason)
{
	return route == ROUTE_PRIMARY && (reason == REASON_RULE || reason == REASON_HINT_PRIMARY);
}

static bool is_in_transaction(const struct session *s)
{
	if (s->begun == BEGUN_READ_ONLY || (s->status & STATUS_IN_TRANS_READONLY))
		return false;
	return session_in_trx(s) || s->begun == BEGUN_READ_WRITE || s->autocommit_off;
}

enum mirror_outcome mirror_why_not(const struct session *s, enum route route, enum reason reason, uint32_t flags)
{
	bool reads = (route == ROUTE_REPLICA || is_moved_read(route, reason)) && !(flags & NO_READ_FLAGS);
	if (is_in_transaction(s) && (reads || reason == REASON_IN_TRANSACTION || reason == REASON_AUTOCOMMIT_OFF))
		return MIRROR_IN_TRANSACTION;
	bool bound = (flags & BOUND_FLAGS) || route == ROUTE_PIN ||
		     ((flags & CLASS_READS_USER_VARIABLE) && (s->pins & PIN_USER_VARIABLE));
	if (bound && !(flags & NO_READ_FLAGS))
		return MIRROR_BOUND;
	return reads ? MIRROR_DONE : MIRROR_NO_READ;
}

void mirror_ask(struct session *s, const struct rule *rule)
{
	struct run *r = s->run;
	if (r->mirror || r->explanation || r->command == CMD_STMT_PREPARE)
		return;
	r->mirror = rule;
	r->mirror_rules = rule_set_ref(s->worker->snapshot->rules);
}

void mirror_run_ends(struct run *r)
{
	rule_set_unref(r->mirror_rules);
}

static const struct server_info *server_of(const struct snapshot *snapshot, const char *name)
{
	for (unsigned i = 0; i < snapshot->n_servers; i++)
		if (strcasecmp(snapshot->servers[i].name, name) == 0)
			return &snapshot->servers[i];
	return NULL;
}

/* ---- the copy ---- */

static struct mirror_job *job_of(struct view first, struct view second)
{
	struct mirror_job *job = calloc(1, sizeof *job + first.len + second.len);
	if (!job)
		abort();
	job->len = first.len + second.len;
	if (first.len)
		memcpy(job->command, first.p, first.len);
	if (second.len)
		memcpy(job->command + first.len, second.p, second.len);
	return job;
}

/* Whole in itself: with the types of its parameters, which the client may have told before, and without a cursor. */
static struct mirror_job *copy_execution(struct session *s, struct view payload)
{
	struct client_statement *c = s->run->statement;
	struct view types = {c->types, c->types_len};
	struct template *t = c->template;
	struct buf front;
	size_t replaced = 0;
	buf_init(&front, MIRROR_TEXT_MAX);
	if (types.len && !stmt_front_with_types(&front, payload, t->params, s->caps, types, &replaced))
		replaced = 0; /* it has them */
	struct view rest = {payload.p + replaced, payload.len - replaced};
	struct mirror_job *job = job_of((struct view){buf_data(&front), replaced ? buf_len(&front) : 0}, rest);
	buf_finish(&front);
	if (job->len > 5)
		job->command[5] &= (uint8_t)~(STMT_CURSOR_READ_ONLY | STMT_CURSOR_FOR_UPDATE | STMT_CURSOR_SCROLLABLE);
	job->template = template_ref(t);
	job->want = state_with_users_of(s->worker->states, t->state, s->want);
	return job;
}

/* NULL: it is none that can be copied, `why` says why. */
static struct mirror_job *copy_of(struct session *s, enum mirror_outcome *why)
{
	struct run *r = s->run;
	size_t size;
	uint8_t *packet = rules_packet(s, &size);
	struct view sql = routing_text(s), payload = {packet + PACKET_HEADER, size - PACKET_HEADER};
	*why = mirror_why_not(s, r->route, r->reason, r->flags);
	if (*why == MIRROR_DONE && r->command == CMD_STMT_BULK_EXECUTE)
		*why = MIRROR_NO_READ;
	if (*why == MIRROR_DONE && (state_role_of(s->want).len || (r->statement && r->statement->long_data)))
		*why = MIRROR_BOUND;
	if (*why == MIRROR_DONE && (!sql.len || sql.len > MIRROR_TEXT_MAX || size > MIRROR_TEXT_MAX))
		*why = MIRROR_TOO_LONG;
	if (*why != MIRROR_DONE)
		return NULL;
	struct mirror_job *job = r->statement ? copy_execution(s, payload) : job_of(sql, (struct view){NULL, 0});
	if (!r->statement)
		job->want = state_ref(s->want);
	else if (!job->want)
		job->want = state_ref(r->statement->template->state); /* more user variables than fit */
	return job;
}

void mirror_copy(struct session *s)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	bool runs = r->command == CMD_QUERY || prepared_executes(r->command);
	if (!runs || w->index >= r->mirror->n_counts)
		return;
	struct rule_count *count = &r->mirror->counts[w->index];
	const struct server_info *server = server_of(w->snapshot, r->mirror->mirror);
	enum mirror_outcome why;
	struct mirror_job *job = server ? copy_of(s, &why) : NULL;
	if (!job) {
		mirror_count(count, server ? why : MIRROR_UNKNOWN_SERVER);
		return;
	}
	job->worker = w;
	job->caps = s->caps;
	job->count = count;
	job->rules = rule_set_ref(r->mirror_rules);
	mirror_send(w, server, s, job);
}
