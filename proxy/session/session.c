#include "proxy/audit.h"
#include "proxy/session/session.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/ok.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/session/effects.h"
#include "proxy/session/replay.h"

#define CLIENT_INPUT_MAX (PACKET_MAX_PAYLOAD + 65536u) /* one whole packet; larger commands are passed on in parts */
#define KEEP_READING_BELOW 65536u                      /* of pipelined input while a command is in work */
#define STEPS_MAX 100000u                              /* in one go: more is our own endless loop */

static const struct {
	const char *name;
	enum step (*run)(struct session *);
} states[SESSION_STATES] = {
	[SESSION_LOGIN] = {"login", login_step},
	[SESSION_COMMAND] = {"command", command_step},
	[SESSION_WANT_BACKEND] = {"want-backend", want_backend_step},
	[SESSION_PREPARE_BACKEND] = {"prepare-backend", prepare_backend_step},
	[SESSION_PIPELINED] = {"pipelined", pipelined_step},
	[SESSION_REPLY] = {"reply", reply_step},
	[SESSION_UPLOAD] = {"upload", upload_step},
	[SESSION_ELSEWHERE] = {"elsewhere", kill_step},
	[SESSION_READ_BACK] = {"read-back", read_back_step},
	[SESSION_MOVING] = {"moving", moving_step},
	[SESSION_CLOSING] = {"closing", NULL},
};

static const char *const end_names[] = {
#define X(name, word) [END_##name] = word,
	SESSION_ENDS(X)
#undef X
};

const char *session_state_name(enum session_state state)
{
	return states[state].name;
}

/* ---- queues: a session is on the list that its state names ---- */

static struct session_list *list_of_state(struct session *s)
{
	switch (s->state) {
	case SESSION_LOGIN:
		return &s->worker->logging_in;
	case SESSION_COMMAND:
		return &s->worker->idle;
	case SESSION_WANT_BACKEND:
		return &s->worker->waiting;
	default:
		return NULL;
	}
}

static void requeue(struct session *s)
{
	struct session_list *list = list_of_state(s);
	if (s->queued_on)
		TAILQ_REMOVE(s->queued_on, s, queue);
	s->queued_on = list;
	if (list)
		TAILQ_INSERT_TAIL(list, s, queue);
}

enum step session_enter(struct session *s, enum session_state state)
{
	s->state = state;
	s->since = worker_now(s->worker);
	return STEP_AGAIN;
}

enum step session_fail(struct session *s, enum session_end end)
{
	if (s->end == END_NONE)
		s->end = end;
	return STEP_CLOSE;
}

/* ---- the run loop ---- */

/* The only place that starts and stops reading: all of it follows from the state and the queues. */
static void arm(struct session *s)
{
	struct conn *server = s->backend ? &s->backend->conn : NULL;
	bool want_client, want_server;
	switch (s->state) {
	case SESSION_UPLOAD:
		want_client = !server || !conn_is_full(server);
		want_server = !conn_is_full(&s->client);
		break;
	case SESSION_MOVING:
		want_client = want_server = false;
		break;
	case SESSION_LOGIN:
	case SESSION_COMMAND:
		want_client = !conn_is_full(&s->client);
		want_server = true;
		break;
	default:
		want_client = s->client.view_len < KEEP_READING_BELOW;
		want_server = !conn_is_full(&s->client);
		break;
	}
	bool client_was_off = !s->client.reading, server_was_off = server && !server->reading;
	conn_set_reading(&s->client, want_client);
	if (server)
		conn_set_reading(server, want_server);
	/* Bytes decrypted or kept while reading was off are not announced by the socket again. */
	if ((client_was_off && want_client && s->client.more_plain) ||
	    (server_was_off && want_server && server->more_plain))
		session_wake(s);
}

static bool lost_client(struct session *s)
{
	if (!s->client.error)
		return false;
	/* What a client sent before it closed its side is still to be done when it may be waiting for the answer of it. */
	if (s->client.error == UV_ENOBUFS)
		session_fail(s, END_CLIENT_PROTOCOL);
	else
		session_fail(s, s->state == SESSION_COMMAND && s->commands ? END_QUIT : END_CLIENT_GONE);
	return true;
}

void session_run(struct session *s)
{
	if (s->state == SESSION_CLOSING || s->in_run)
		return;
	s->in_run = true;
	enum step step = lost_client(s) ? STEP_CLOSE : STEP_AGAIN;
	for (unsigned steps = 0; step == STEP_AGAIN; steps++) {
		if (steps == STEPS_MAX) {
			/* A fault of ours; it costs this session only. */
			log_line(LOG_LEVEL_ERROR, "session-stuck", "session=%u state=%s", s->id,
				 session_state_name(s->state));
			step = session_fail(s, END_STUCK);
			break;
		}
		step = states[s->state].run(s);
	}
	s->in_run = false;
	if (step == STEP_CLOSE || (s->client.error && lost_client(s))) {
		session_close(s);
		return;
	}
	if (s->queued_on != list_of_state(s) || s->state == SESSION_COMMAND)
		requeue(s);
	arm(s);
}

void session_wake(struct session *s)
{
	if (s->woken || s->state == SESSION_CLOSING)
		return;
	s->woken = true;
	TAILQ_INSERT_TAIL(&s->worker->wake, s, wake_link);
}

void sessions_wake_all(struct session_list *list)
{
	struct session *s;
	TAILQ_FOREACH(s, list, queue)
		session_wake(s);
}

void sessions_leave_server(struct worker *w, unsigned slot)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link) {
		struct run *r = s->run;
		if (!s->backend || !r || r->slot != (int)slot || r->forwarded || s->backend == s->pinned)
			continue;
		if (!r->replayable && r->sent)
			continue;
		s->backend->conn.error = UV_ETIMEDOUT;
		session_wake(s);
	}
}

void sessions_run_woken(struct worker *w)
{
	struct session *s;
	for (unsigned i = 0; i < STEPS_MAX && (s = TAILQ_FIRST(&w->wake)); i++) {
		TAILQ_REMOVE(&w->wake, s, wake_link);
		s->woken = false;
		conn_pump(&s->client);
		if (s->state != SESSION_CLOSING && s->backend)
			conn_pump(&s->backend->conn);
		session_run(s);
	}
	if (!TAILQ_EMPTY(&w->wake))
		uv_async_send(&w->async);
}

/* ---- time-outs: the lists are in the order of `since`, so only their heads are looked at ---- */

/* MySQL says good-bye, MariaDB just goes. */
static void say_it_was_silent(struct session *s)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	struct buf b;
	uint8_t seq = 0;
	if (!any || any->flavor != FLAVOR_MYSQL || any->version < 80024)
		return;
	buf_init(&b, 512);
	if (err_write(&b, &seq, s->caps, 4031, "HY000",
		      "The client was disconnected by the server because of inactivity. See wait_timeout and "
		      "interactive_timeout for configuring this behavior."))
		conn_send(&s->client, buf_data(&b), buf_len(&b));
	buf_finish(&b);
}

/* Sessions with a wait_timeout of their own: few, and in no order. */
static void check_own_limits(struct worker *w, uint64_t now)
{
	struct session *s, *next;
	for (s = w->n_limited ? TAILQ_FIRST(&w->idle) : NULL; s; s = next) {
		next = TAILQ_NEXT(s, queue);
		if (!s->wait_timeout || now - s->since < s->wait_timeout * 1000ull)
			continue;
		say_it_was_silent(s);
		s->end = END_IDLE_TIMEOUT;
		session_close(s);
	}
}

void sessions_check_times(struct worker *w)
{
	const struct settings *settings = w->snapshot->settings;
	uint64_t now = worker_now(w);
	struct session *s;
	while ((s = TAILQ_FIRST(&w->logging_in)) && (now - s->since) * 1000 > settings->login_timeout) {
		s->end = END_LOGIN_TIMEOUT;
		session_close(s);
	}
	while (settings->idle_timeout && (s = TAILQ_FIRST(&w->idle)) &&
	       (now - s->since) * 1000 > settings->idle_timeout) {
		s->end = END_IDLE_TIMEOUT;
		session_close(s);
	}
	check_own_limits(w, now);
}

/* ---- birth and death ---- */

static void on_run(struct conn *c)
{
	session_run(session_of(c));
}

static void on_closed(struct conn *c)
{
	struct session *s = session_of(c);
	struct worker *w = s->worker;
	prepared_close_all(s);
	state_unref(w->states, s->want);
	state_unref(w->states, s->at_login);
	position_finish(&s->position);
	free(s->trx_key);
	last_statement_forget(s);
	hints_end(s);
	free(s->trace_note);
	free(s->user);
	free(s->peer);
	free(s->attributes);
	free(s->tracked_variables);
	free(s->pin_cause);
	effects_free(&s->bound);
	TAILQ_REMOVE(&w->sessions, s, link);
	w->n_sessions--;
	w->n_limited -= s->wait_timeout != 0;
	atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
	stat_sub(&w->stats->clients, 1);
	free(s);
}

static const struct conn_ops ops = {on_run, on_closed};

/* FNV-1a over what is before the port. */
static uint64_t hash_of_host(const char *peer)
{
	const char *end = strrchr(peer, ':');
	uint64_t h = 1469598103934665603u;
	for (const char *p = peer; *p && p != end; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211u;
	return h;
}

void session_come_from(struct session *s, const char *peer)
{
	char host[64];
	const char *port = strrchr(peer, ':');
	free(s->peer);
	s->peer = strdup(peer);
	s->peer_hash = hash_of_host(peer);
	s->address = (struct address){.local = strcmp(peer, SESSION_PEER_UNIX) == 0};
	snprintf(host, sizeof host, "%.*s", port ? (int)(port - peer) : (int)sizeof host - 1, peer);
	if (!s->address.local && !address_parse(&s->address, host))
		s->address = (struct address){.local = false};
}

static void peer_name(struct session *s, int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	char text[INET6_ADDRSTRLEN + 10] = SESSION_PEER_UNIX;
	if (!s->unix_socket)
		strcpy(text, "?"); /* it has gone again */
	if (!s->unix_socket && getpeername(fd, (struct sockaddr *)&a, &len) == 0) {
		char host[INET6_ADDRSTRLEN] = "?";
		unsigned port;
		if (a.ss_family == AF_INET6) {
			const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
			inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
			port = ntohs(in6->sin6_port);
		} else {
			const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
			inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
			port = ntohs(in->sin_port);
		}
		snprintf(text, sizeof text, "%s:%u", host, port);
	}
	session_come_from(s, text);
}

struct session *session_find(struct worker *w, uint32_t id)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link)
		if (s->id == id && s->state != SESSION_CLOSING)
			return s;
	return NULL;
}

/* The lowest digits, in base WORKERS_MAX, say whose it is. */
static uint32_t next_id(struct worker *w)
{
	static_assert(SESSION_ID_FIRST % WORKERS_MAX == 0, "ids begin with the first worker's");
	uint32_t id;
	do {
		id = SESSION_ID_FIRST + w->next_session++ * WORKERS_MAX + w->index;
		if (id >= SESSION_ID_LIMIT - WORKERS_MAX) {
			w->next_session = 0;
			w->ids_used_up = true;
		}
	} while (w->ids_used_up && session_find(w, id));
	return id;
}

struct session *session_new(struct worker *w, int fd, bool unix_socket, enum listen_route route, uint32_t id)
{
	struct session *s = calloc(1, sizeof *s);
	if (!s) {
		close(fd);
		atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
		return NULL;
	}
	s->worker = w;
	s->unix_socket = unix_socket;
	s->listen_route = route;
	s->id = id;
	LIST_INIT(&s->kept);
	TAILQ_INSERT_TAIL(&w->sessions, s, link);
	w->n_sessions++;
	stat_add(&w->stats->clients, 1);
	peer_name(s, fd);
	s->want = state_initial(w->states);
	s->at_login = state_ref(s->want);
	int failed = conn_open(&s->client, w, fd, unix_socket, CLIENT_INPUT_MAX, &ops);
	if (!failed)
		return s;
	session_close(s);
	return NULL;
}

void session_create(struct worker *w, int fd, bool unix_socket, enum listen_route route)
{
	struct session *s = session_new(w, fd, unix_socket, route, next_id(w));
	if (!s)
		return;
	session_enter(s, SESSION_LOGIN);
	login_begin(s);
	session_run(s);
}

static void leave_rooms(struct session *s)
{
	if (s->counted)
		room_leave(room_of_clients());
	if (s->account_clients)
		room_leave(s->account_clients);
	room_unref(s->account_clients);
	s->account_clients = NULL;
	s->counted = false;
}

void session_close(struct session *s)
{
	if (s->state == SESSION_CLOSING)
		return;
	struct worker *w = s->worker;
	log_line(s->end == END_QUIT || s->end == END_CLIENT_GONE || s->end == END_NONE ? LOG_LEVEL_DEBUG
										       : LOG_LEVEL_INFO,
		 "session-end", "session=%u user=%s client=%s end=%s state=%s commands=%llu bytes_in=%llu bytes_out=%llu",
		 s->id, s->user ? s->user : "", s->peer ? s->peer : "", end_names[s->end], session_state_name(s->state),
		 (unsigned long long)s->commands, (unsigned long long)s->bytes_in, (unsigned long long)s->bytes_out);
	if (s->audited)
		audit_client("logout", s->id, s->user, s->peer, 0);
	if (s->queued_on)
		TAILQ_REMOVE(s->queued_on, s, queue);
	s->queued_on = NULL;
	if (s->woken)
		TAILQ_REMOVE(&w->wake, s, wake_link);
	s->woken = false;
	s->state = SESSION_CLOSING;
	login_end(s);
	if (s->saving)
		s->saving->save_for = NULL;
	s->saving = NULL;
	finish_release_all(s);
	replay_forget(s);
	run_end(s);
	read_back_end(s);
	while (!LIST_EMPTY(&s->kept))
		backend_keep(LIST_FIRST(&s->kept), NULL);
	stat_add(&w->stats->sessions_ended, 1);
	leave_rooms(s);
	conn_close(&s->client);
}

/* ---- what it left on backends ---- */

void session_lost_kept(struct session *s, struct backend *b)
{
	if (s->last == b)
		s->last = NULL;
	if (s->warned_at == b)
		s->warned_at = NULL;
	if (s->rows_at == b)
		s->rows_at = NULL;
	if (s->insert_id_at == b)
		s->insert_id_at = NULL;
}
