/*
 * KILL: the ids that clients know are wye's own. The request goes to the worker whose session it names, and from there
 * to the server that runs that session's statement, over another connection of the same account.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

struct kill {
	struct worker *from;
	uint32_t from_id, target;
	bool query_only;
	char user[256];
	uint16_t code; /* the answer: 0 is OK */
};

static struct session *find(struct worker *w, uint32_t id)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link)
		if (s->id == id && s->state != SESSION_CLOSING)
			return s;
	return NULL;
}

static void answer(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = find(w, k->from_id);
	if (s && s->state == SESSION_ELSEWHERE) {
		bool sent = k->code == 0      ? session_answer_ok(s)
			    : k->code == 1094 ? session_answer_error(s, 1094, "HY000", "Unknown thread id: %u", k->target)
					      : session_answer_error(s, 1095, "HY000", "You are not owner of thread %u",
							     k->target);
		run_end(s);
		session_enter(s, SESSION_COMMAND);
		if (!sent) {
			session_fail(s, END_CLIENT_GONE);
			session_close(s);
		} else {
			session_run(s);
		}
	}
	free(k);
}

static void end_session(struct session *s, bool query_only)
{
	if (s->backend)
		pool_kill(s->backend, query_only);
	if (!query_only) {
		s->end = END_KILLED;
		session_close(s);
	}
}

static void carry_out(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = find(w, k->target);
	if (!s || !s->user)
		k->code = 1094;
	else if (strcmp(s->user, k->user) != 0)
		k->code = 1095; /* as the servers, for who may not kill others; who may, asks the server itself */
	else
		end_session(s, k->query_only);
	worker_post(k->from, answer, k);
}

static void carry_out_for_console(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = find(w, k->target);
	if (s)
		end_session(s, k->query_only);
	free(k);
}

bool stats_session_kill(uint64_t id, bool query_only)
{
	unsigned index = (unsigned)(id % WORKERS_MAX);
	if (!id || id > UINT32_MAX || index >= workers_count())
		return false;
	struct kill *k = calloc(1, sizeof *k);
	if (!k)
		return false;
	*k = (struct kill){.target = (uint32_t)id, .query_only = query_only};
	worker_post(worker_at(index), carry_out_for_console, k);
	return true;
}

/* The servers stop the KILL itself then. */
static enum step kill_itself(struct session *s, bool query_only)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	bool sent = query_only || (any && any->flavor == FLAVOR_MYSQL)
			? session_answer_error(s, 1317, "70100", "Query execution was interrupted")
			: session_answer_error(s, 1927, "70100", "Connection was killed");
	run_end(s);
	if (!query_only)
		return session_fail(s, END_KILLED);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

enum step kill_session(struct session *s, uint64_t id, bool query_only)
{
	if (id == s->id)
		return kill_itself(s, query_only);
	unsigned index = (unsigned)(id % WORKERS_MAX);
	struct kill *k = calloc(1, sizeof *k);
	if (!k)
		return session_fail(s, END_NO_MEMORY);
	*k = (struct kill){.from = s->worker, .from_id = s->id, .target = (uint32_t)id, .query_only = query_only};
	snprintf(k->user, sizeof k->user, "%s", s->user);
	session_enter(s, SESSION_ELSEWHERE);
	bool known = id && id <= UINT32_MAX && index < workers_count();
	if (!known)
		k->code = 1094;
	worker_post(known ? worker_at(index) : s->worker, known ? carry_out : answer, k);
	return STEP_WAIT;
}

enum step kill_step(struct session *s)
{
	(void)s;
	return STEP_WAIT;
}
