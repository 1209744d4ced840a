/*
 * What hints ask for, in a session: those of its variables @wye_route, @wye_consistency, @wye_max_lag, @wye_timeout,
 * @wye_server, @wye_causal_key and @wye_trace (trace.c), which last until they are set to NULL or the session is reset;
 * those of connection attributes of the same names, without the @, which hold from the login on and again after a reset;
 * those of the statement in work; and below all of them what its user asks for (the table users). Stopping a statement
 * after its timeout is done here; the rest is routing's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/handshake.h"
#include "proxy/backend/pool.h"
#include "proxy/config/config.h"
#include "proxy/session/session.h"

#define US_PER_MS 1000u

/* With the texts that its views are in. */
struct session_hints {
	struct hints hints;
	char server[280], causal_key[128];
	bool trace;
};

/* ---- of the session ---- */

/* What its user asks for in all its sessions: the snapshot's. */
static const struct hints *of_user(struct session *s)
{
	const struct worker *w = s->worker;
	const struct config *c = w->snapshot->config;
	if (!c || !c->n_users_asking)
		return NULL;
	if (s->user_as_of != w->snapshots) {
		const struct config_user *u = config_user_named(c, s->user);
		s->user_at = u ? (unsigned)(u - c->users) + 1 : 0;
		s->user_as_of = w->snapshots;
	}
	return s->user_at ? &c->users[s->user_at - 1].hints : NULL;
}

const struct hints *hints_of_command(struct session *s, struct hints *room)
{
	const struct run *r = s->run;
	const struct hints *session = s->hints ? &s->hints->hints : NULL, *user = of_user(s);
	if (!r->n_hints && (!session || !user))
		return session ? session : user;
	*room = (struct hints){.given = true};
	for (unsigned i = 0; i < r->n_hints; i++)
		hints_set(room, view_of(r->hints[i].name), view_of(r->hints[i].value));
	if (room->ignored)
		stat_add(&s->worker->stats->hints_ignored, room->ignored);
	if (session)
		hints_inherit(room, session);
	if (user)
		hints_inherit(room, user);
	return room;
}

static bool is_own_variable(struct view name)
{
	return name.len > 4 && strncasecmp((const char *)name.p, "wye_", 4) == 0;
}

static struct session_hints *copy_of(const struct session_hints *from)
{
	struct session_hints *h = calloc(1, sizeof *h);
	if (!h)
		abort();
	if (!from)
		return h;
	*h = *from;
	h->hints.server.p = (const uint8_t *)h->server;
	h->hints.causal_key.p = (const uint8_t *)h->causal_key;
	return h;
}

/* Moves a value into the session's own memory; one that is too long is as good as none. */
static void keep_text(struct view *v, char *room, size_t size)
{
	if (v->len >= size)
		v->len = 0;
	if (v->len)
		memmove(room, v->p, v->len);
	v->p = (const uint8_t *)room;
}

static bool is_word(struct view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp((const char *)v.p, word, v.len) == 0;
}

/* One by its name without "wye_". */
static bool set_one(struct session_hints *h, struct view name, struct view value)
{
	bool off = !value.len || is_word(value, "0") || is_word(value, "off");
	if (is_word(name, "trace") && (off || is_word(value, "1") || is_word(value, "on"))) {
		h->trace = !off;
		return true;
	}
	bool understood = hints_set(&h->hints, name, value);
	h->hints.ignored = 0;
	keep_text(&h->hints.server, h->server, sizeof h->server);
	keep_text(&h->hints.causal_key, h->causal_key, sizeof h->causal_key);
	return understood;
}

bool hints_want_trace(const struct session *s)
{
	return s->hints && s->hints->trace;
}

void hints_note_variable(struct session *s, const struct effect *e)
{
	struct run *r = s->run;
	if (!is_own_variable(e->name))
		return;
	if (!r->next_hints)
		r->next_hints = copy_of(s->hints);
	struct session_hints *h = r->next_hints;
	struct view name = {e->name.p + 4, e->name.len - 4}, value = e->value;
	if (e->value_kind == VALUE_WORD && value.len == 4 && strncasecmp((const char *)value.p, "NULL", 4) == 0)
		value.len = 0;
	if (!set_one(h, name, value))
		stat_add(&s->worker->stats->hints_ignored, 1);
}

void hints_take_attributes(struct session *s, struct view attributes)
{
	struct view name, value;
	free(s->login_hints);
	s->login_hints = NULL;
	while (attribute_next(&attributes, &name, &value)) {
		if (!is_own_variable(name))
			continue;
		if (!s->login_hints)
			s->login_hints = copy_of(NULL);
		if (!set_one(s->login_hints, (struct view){name.p + 4, name.len - 4}, value))
			stat_add(&s->worker->stats->hints_ignored, 1);
	}
	hints_forget(s);
}

/* ---- to another process ---- */

static bool write_pair(struct buf *out, const char *name, struct view value)
{
	return !value.len || (write_lenenc_str(out, view_of(name)) && write_lenenc_str(out, value));
}

static bool write_time(struct buf *out, const char *name, bool given, uint64_t us)
{
	char text[32];
	snprintf(text, sizeof text, "%lluus", (unsigned long long)us);
	return !given || write_pair(out, name, view_of(text));
}

bool hints_write(const struct session_hints *h, struct buf *out)
{
	static const char *const levels[] = {"", "eventual", "session", "global", "primary"};
	if (!h)
		return true;
	const struct hints *in = &h->hints;
	return write_pair(out, "route", view_of(in->primary ? "primary" : in->replica ? "replica" : "")) &&
	       write_pair(out, "server", in->server) && write_pair(out, "consistency", view_of(levels[in->consistency])) &&
	       write_time(out, "max_lag", in->has_max_lag, in->max_lag) &&
	       write_time(out, "timeout", in->timeout != 0, in->timeout) &&
	       write_pair(out, "causal_key", in->causal_key) && write_pair(out, "trace", view_of(h->trace ? "1" : ""));
}

struct session_hints *hints_restore(struct view pairs)
{
	struct session_hints *h = NULL;
	struct reader r = reader_of(pairs.p, pairs.len);
	while (reader_left(&r)) {
		struct view name = read_lenenc_str(&r), value = read_lenenc_str(&r);
		if (r.bad)
			break;
		if (!h)
			h = copy_of(NULL);
		set_one(h, name, value);
	}
	return h;
}

struct view hints_causal_key(const struct session_hints *h)
{
	return h ? h->hints.causal_key : (struct view){NULL, 0};
}

void hints_statement_ended(struct session *s, bool ok)
{
	struct run *r = s->run;
	if (!ok || !r->next_hints)
		return;
	free(s->hints);
	s->hints = r->next_hints;
	r->next_hints = NULL;
}

void hints_forget(struct session *s)
{
	free(s->hints);
	s->hints = s->login_hints ? copy_of(s->login_hints) : NULL;
}

void hints_end(struct session *s)
{
	free(s->hints);
	free(s->login_hints);
	s->hints = s->login_hints = NULL;
}

/* ---- of the statement ---- */

/* host:port as the console shows it, or the host where only one server has it; -1: none of the servers. */
static int slot_of(const struct snapshot *snapshot, struct view name)
{
	int found = -1;
	for (unsigned i = 0; i < snapshot->n_servers; i++) {
		const struct server_info *server = &snapshot->servers[i];
		size_t len = strlen(server->name), host = strlen(server->at.host);
		if (len == name.len && strncasecmp(server->name, (const char *)name.p, len) == 0)
			return (int)server->slot;
		if (host == name.len && strncasecmp(server->at.host, (const char *)name.p, host) == 0)
			found = found == -1 ? (int)server->slot : -2;
	}
	return found >= 0 ? found : -1;
}

static void start_deadline(struct session *s)
{
	struct worker *w = s->worker;
	struct run *r = s->run;
	uv_update_time(&w->loop);
	r->deadline = worker_now(w) + (r->timeout + US_PER_MS - 1) / US_PER_MS;
	TAILQ_INSERT_TAIL(&w->timed, s, timed_link);
	uint64_t due = uv_is_active((const uv_handle_t *)&w->deadline) ? uv_timer_get_due_in(&w->deadline) : UINT64_MAX;
	if (r->deadline - worker_now(w) < due)
		uv_timer_start(&w->deadline, hints_on_deadline, r->deadline - worker_now(w), 0);
}

/* They are what has moved it to where it runs, and not only said how. */
static bool have_moved(const struct classification *c)
{
	return c->route == ROUTE_REPLICA && !c->hints.primary &&
	       (c->reason == REASON_HINT_REPLICA || c->reason == REASON_HINT_SERVER || c->reason == REASON_RULE);
}

void hints_take(struct session *s, const struct classification *c)
{
	struct worker *w = s->worker;
	struct run *r = s->run;
	const struct hints *h = &c->hints;
	bool moved = have_moved(c);
	if (h->ignored)
		stat_add(&w->stats->hints_ignored, h->ignored);
	r->wants_replica = moved && !h->server.len;
	r->consistency = h->consistency;
	r->has_max_lag = h->has_max_lag;
	r->max_lag = h->max_lag;
	if (h->causal_key.len)
		r->causal_key = strndup((const char *)h->causal_key.p, h->causal_key.len);
	if (moved && h->server.len) {
		r->wanted_slot = slot_of(w->snapshot, h->server);
		if (r->wanted_slot < 0)
			stat_add(&w->stats->hints_ignored, 1);
	}
	r->timeout = h->timeout;
	if (r->timeout)
		start_deadline(s);
}

void hints_run_ends(struct session *s)
{
	struct run *r = s->run;
	if (r->deadline)
		TAILQ_REMOVE(&s->worker->timed, s, timed_link);
	free(r->next_hints);
	free(r->causal_key);
}

/* ---- time-outs ---- */

/* What is on its way is stopped, and its answer is looked at; what still waits for a connection is given up. */
static void stop(struct session *s)
{
	struct run *r = s->run;
	stat_add(&s->worker->stats->timeouts, 1);
	r->timed_out = true;
	if (s->backend && r->sent)
		pool_kill(s->backend, true);
	else if (s->state == SESSION_WANT_BACKEND)
		session_wake(s);
}

void hints_on_deadline(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	struct session *s, *next;
	uint64_t now = worker_now(w), soonest = UINT64_MAX;
	for (s = TAILQ_FIRST(&w->timed); s; s = next) {
		next = TAILQ_NEXT(s, timed_link);
		struct run *r = s->run;
		if (r->deadline > now) {
			soonest = r->deadline < soonest ? r->deadline : soonest;
			continue;
		}
		/* Errands are answered soon; their connection is of no use with half of them done. */
		if (s->backend && !r->sent) {
			r->deadline = soonest = now + 1;
			continue;
		}
		TAILQ_REMOVE(&w->timed, s, timed_link);
		r->deadline = 0;
		stop(s);
	}
	if (soonest != UINT64_MAX)
		uv_timer_start(timer, hints_on_deadline, soonest - now, 0);
}

uint16_t hints_timeout_error(const struct session *s, const char **sqlstate, char *text, size_t text_size)
{
	bool mariadb = session_is_mariadb(s);
	snprintf(text, text_size, "wye: the statement was stopped, it took longer than its timeout of %llu ms",
		 (unsigned long long)(s->run->timeout / US_PER_MS));
	/* What max_statement_time and max_execution_time end in. */
	*sqlstate = mariadb ? "70100" : "HY000";
	return mariadb ? 1969 : 3024;
}
