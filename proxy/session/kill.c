/*
 * KILL: a number from SESSION_ID_FIRST up is a session of this wye's. The request goes to the worker whose session it is,
 * and from there to the server that runs that session's statement, over another connection of the same account.
 *
 * A smaller number is one of the primary's, as its list of processes shows it. Where a session has that connection, it is
 * the session that is meant; else the primary is told, in the client's own name. So it is with what names no connection.
 *
 * Two things may have to be asked of a server first, in the client's name too: what an expression comes to, and, before
 * it kills what is another account's, whether it may. What is its own needs no server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

#define UNKNOWN_THREAD   1094
#define OWNED_BY_ANOTHER 1095

struct kill {
	struct worker *from;
	uint32_t from_id;
	uint64_t target;
	bool query_only;
	bool forced;   /* it may kill what others own */
	int slot;      /* of the primary, when the target is a connection there; -1: it is a session */
	bool itself;   /* the answer: it is the very session that asks */
	uint16_t code; /* the answer: 0 is OK */
	char user[256];
};

/* ---- the answer ---- */

static enum step answered(struct session *s, bool sent)
{
	run_end(s);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}

/* The servers stop the KILL itself then. */
static enum step kill_itself(struct session *s, bool query_only)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	bool sent = query_only || (any && any->flavor == FLAVOR_MYSQL)
			? session_answer_error(s, 1317, "70100", "Query execution was interrupted")
			: session_answer_error(s, 1927, "70100", "Connection was killed");
	if (query_only)
		return answered(s, sent);
	run_end(s);
	return session_fail(s, END_KILLED);
}

static enum step ask(struct session *s)
{
	s->run->route = ROUTE_PRIMARY;
	s->run->reason = REASON_KILL;
	return session_enter(s, SESSION_WANT_BACKEND);
}

/* Whether the account may kill what others own. On MySQL some sessions are out of the reach of who has not SYSTEM_USER: it
 * is wanted in any case. */
static enum step ask_rights(struct session *s)
{
	static const char rights[] =
		"SELECT SUM(PRIVILEGE_TYPE IN ('SUPER', 'CONNECTION ADMIN', 'CONNECTION_ADMIN')) > 0 AND "
		"(@@version LIKE '%MariaDB%' OR SUM(PRIVILEGE_TYPE = 'SYSTEM_USER') > 0) "
		"FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = CONCAT('''', LEFT(CURRENT_USER(), "
		"CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', "
		"SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";
	struct run *r = s->run;
	free(r->kill_sql);
	r->kill_sql = strdup(rights);
	if (!r->kill_sql)
		return session_fail(s, END_NO_MEMORY);
	r->kill_asks = KILL_ASKS_RIGHTS;
	return ask(s);
}

static enum step after(struct session *s, const struct kill *k)
{
	if (k->itself)
		return kill_itself(s, k->query_only);
	if (k->code == 0)
		return answered(s, session_answer_ok(s));
	if (k->code == OWNED_BY_ANOTHER)
		return ask_rights(s);
	if (k->slot >= 0) /* no session has it: the primary's own word */
		return ask(s);
	return answered(s, session_answer_error(s, UNKNOWN_THREAD, "HY000", "Unknown thread id: %llu",
						(unsigned long long)k->target));
}

static void answer(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = session_find(w, k->from_id);
	if (s && s->state == SESSION_ELSEWHERE) {
		if (after(s, k) == STEP_CLOSE)
			session_close(s);
		else
			session_run(s);
	}
	free(k);
}

/* ---- where the session is ---- */

static void end_session(struct session *s, bool query_only)
{
	if (s->backend)
		pool_kill(s->backend, query_only);
	if (!query_only) {
		s->end = END_KILLED;
		session_close(s);
	}
}

static void end_if_allowed(struct session *s, struct kill *k)
{
	if (!k->forced && strcmp(s->user, k->user) != 0)
		k->code = OWNED_BY_ANOTHER;
	else if (s->id == k->from_id)
		k->itself = true;
	else
		end_session(s, k->query_only);
}

static void carry_out(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = session_find(w, (uint32_t)k->target);
	if (s && s->user)
		end_if_allowed(s, k);
	else
		k->code = UNKNOWN_THREAD;
	worker_post(k->from, answer, k);
}

static bool has(const struct backend *b, const struct kill *k)
{
	return b && b->slot == (unsigned)k->slot && b->thread_id == k->target;
}

/* One worker after the other is asked whose connection it is. */
static void carry_out_by_connection(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link)
		if (s->state != SESSION_CLOSING && s->user && (has(s->backend, k) || has(s->pinned, k)))
			break;
	if (!s && w->index + 1 < workers_count()) {
		worker_post(worker_at(w->index + 1), carry_out_by_connection, k);
		return;
	}
	if (s)
		end_if_allowed(s, k);
	else
		k->code = UNKNOWN_THREAD;
	worker_post(k->from, answer, k);
}

static void carry_out_for_console(struct worker *w, void *arg)
{
	struct kill *k = arg;
	struct session *s = session_find(w, (uint32_t)k->target);
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
	*k = (struct kill){.target = id, .query_only = query_only};
	worker_post(worker_at(index), carry_out_for_console, k);
	return true;
}

/* ---- KILL USER ---- */

struct users_kill {
	uint32_t from_id;
	bool query_only;
	int primary; /* its slot: what runs there has been stopped by it */
	char user[256], host[256];
};

/* As a server would call the client's host; MariaDB's word for any is %. */
static bool comes_from(const struct session *s, const char *host)
{
	if (!*host || !strcmp(host, "%"))
		return true;
	if (s->address.local)
		return !strcmp(host, "localhost");
	const char *port = strrchr(s->peer, ':');
	size_t len = port ? (size_t)(port - s->peer) : strlen(s->peer);
	bool local = (len == 9 && !strncmp(s->peer, "127.0.0.1", len)) || (len == 3 && !strncmp(s->peer, "::1", len));
	return (local && !strcmp(host, "localhost")) || (strlen(host) == len && !strncmp(host, s->peer, len));
}

static void end_those_of_user(struct worker *w, void *arg)
{
	struct users_kill *k = arg;
	struct session *s, *next;
	for (s = TAILQ_FIRST(&w->sessions); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SESSION_CLOSING || s->id == k->from_id || !s->user || strcmp(s->user, k->user) != 0 ||
		    !comes_from(s, k->host))
			continue;
		if (!k->query_only || (s->backend && (int)s->backend->slot != k->primary))
			end_session(s, k->query_only);
	}
	if (w->index + 1 < workers_count())
		worker_post(worker_at(w->index + 1), end_those_of_user, k);
	else
		free(k);
}

void kill_user_sessions(const struct session *s)
{
	const struct run *r = s->run;
	struct users_kill *k = calloc(1, sizeof *k);
	if (!k)
		return;
	*k = (struct users_kill){.from_id = s->id, .query_only = r->kill_query, .primary = routing_primary_slot(s)};
	snprintf(k->user, sizeof k->user, "%s", r->kill_user);
	snprintf(k->host, sizeof k->host, "%s", r->kill_host ? r->kill_host : "");
	worker_post(worker_at(0), end_those_of_user, k);
}

/* ---- the request ---- */

static enum step request(struct session *s, bool forced)
{
	struct run *r = s->run;
	unsigned index = (unsigned)(r->kill_id % WORKERS_MAX);
	int primary = routing_primary_slot(s);
	struct kill *k = calloc(1, sizeof *k);
	if (!k)
		return session_fail(s, END_NO_MEMORY);
	*k = (struct kill){.from = s->worker, .from_id = s->id, .target = r->kill_id, .query_only = r->kill_query,
			   .forced = forced, .slot = -1};
	snprintf(k->user, sizeof k->user, "%s", s->user);
	session_enter(s, SESSION_ELSEWHERE);
	if (k->target < SESSION_ID_FIRST && primary >= 0) {
		k->slot = primary;
		worker_post(worker_at(0), carry_out_by_connection, k);
	} else if (k->target < SESSION_ID_LIMIT && index < workers_count()) {
		worker_post(worker_at(index), carry_out, k);
	} else {
		k->code = UNKNOWN_THREAD;
		worker_post(s->worker, answer, k);
	}
	return STEP_WAIT;
}

enum step kill_session(struct session *s, uint64_t id, bool query_only)
{
	s->run->kill_id = id;
	s->run->kill_query = query_only;
	return id == s->id ? kill_itself(s, query_only) : request(s, false);
}

enum step kill_step(struct session *s)
{
	(void)s;
	return STEP_WAIT;
}

/* ---- what is asked first ---- */

enum step kill_user(struct session *s)
{
	struct run *r = s->run;
	r->kill_may = !strcmp(r->kill_user, s->user);
	return r->kill_may ? ask(s) : ask_rights(s);
}

enum step kill_ask_value(struct session *s)
{
	s->run->kill_asks = KILL_ASKS_VALUE;
	return session_enter(s, SESSION_WANT_BACKEND);
}

void kill_take_answer(struct session *s, const struct view *value)
{
	struct run *r = s->run;
	r->kill_told = value && value->len > 0 && value->len < 20;
	r->kill_answer = 0;
	for (size_t i = 0; r->kill_told && i < value->len; i++) {
		r->kill_told = value->p[i] >= '0' && value->p[i] <= '9';
		r->kill_answer = r->kill_answer * 10 + (uint64_t)(value->p[i] - '0');
	}
}

/* The server that was asked is not needed any more. */
static void leave_server(struct session *s)
{
	struct run *r = s->run;
	struct backend *b = s->backend;
	s->backend = NULL;
	if (b != s->pinned)
		pool_give(b);
	r->slot = -1;
	r->n_errands = r->at_errand = 0;
}

enum step kill_was_told(struct session *s)
{
	struct run *r = s->run;
	bool rights = r->kill_asks == KILL_ASKS_RIGHTS;
	r->kill_asks = KILL_KNOWN;
	if (rights && r->kill_user) {
		r->kill_may = r->kill_told && r->kill_answer;
		return send_statement(s);
	}
	if (!rights && !r->kill_told)
		return send_statement(s); /* the server says what is wrong with it */
	leave_server(s);
	if (!rights)
		return kill_session(s, r->kill_answer, r->kill_query);
	if (r->kill_told && r->kill_answer)
		return request(s, true);
	return answered(s, session_answer_error(s, OWNED_BY_ANOTHER, "HY000", "You are not owner of thread %llu",
						(unsigned long long)r->kill_id));
}
