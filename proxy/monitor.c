#include "proxy/monitor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/accounts_load.h"
#include "proxy/config/config_change.h"
#include "proxy/log.h"
#include "proxy/monitor_heartbeat.h"
#include "proxy/objects_load.h"
#include "proxy/position_stream.h"
#include "proxy/positions.h"
#include "proxy/reach.h"
#include "proxy/snapshot.h"

#define SECOND_US 1000000
/* The time-outs of the client libraries are whole seconds: one for an answer, at most two for a login. */
#define READ_TIMEOUT  1
#define LOGIN_TIMEOUT 2
/* However many ask for a look, this lies between the end of one and the next. */
#define LOOK_GAP_US 50000
/* Looks that only free sessions which stay on one server have at least this part of the usual interval between them. */
#define SOON_PART 8
/* Who replicates from whom changes seldom. */
#define REPLICAS_EVERY_US (5 * SECOND_US)
/* A delay between two servers is told by looks at them that lie so many of the short intervals apart, at most. */
#define NEAR_LOOKS 5
/* What is heard of in a stream of the server's log is looked at so long after the look before, at the earliest. */
#define HEARD_GAP_US 250

struct monitor {
	unsigned slot;
	struct endpoint at;
	const struct monitor_common *common;
	pthread_t thread;

	/* The thread's own. */
	struct look look;
	struct library_connection *connection; /* replaced under the lock, for monitor_stop() */
	struct gtid_set position;
	struct lag_reader lag;
	bool doubted;   /* a time-out is being made sure of: the server is to prove that it lives */
	int64_t lag_us; /* by the history, at the newest position; -1 = not known */
	unsigned heartbeat_told; /* the error that its heartbeat met last, and was told of; 0: none */
	unsigned objects_missing; /* duties that the last load of them lacked a GRANT for */
	int64_t next_look_us, next_position_us, next_replicas_us, look_ended_us;
	int64_t position_us; /* when the position was read last */
	struct position_stream *stream; /* while position_stream is on, of a replica that can be reached */
	enum server_tls stream_tls;     /* what it was started with */
	char stream_ca[sizeof((struct settings *)NULL)->server_ca];

	/* Shared with the control thread. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool heard; /* by the stream, since the position was asked for last */
	bool wants_stream, stream_due; /* due: something has changed that decides whether there is one */
	bool stopping, look_wanted, accounts_wanted, objects_wanted, has_look, has_accounts, has_objects;
	enum monitor_follow follow;
	int64_t monitor_interval, position_interval, position_interval_busy;
	unsigned login_timeout;
	enum server_tls tls;
	char ca[sizeof((struct settings *)NULL)->server_ca];
	char heartbeat_table[sizeof((struct settings *)NULL)->heartbeat_table];
	uint64_t ticket, objects_ticket;
	struct look newest;
	struct monitor_accounts accounts;
	struct monitor_objects objects;
};

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)SECOND_US + t.tv_nsec / 1000;
}

static bool is_stopping(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	bool stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return stopping;
}

/* The lock is held so that monitor_stop() never meets a connection that is being closed. */
static void set_connection(struct monitor *m, struct library_connection *c)
{
	pthread_mutex_lock(&m->lock);
	struct library_connection *old = m->connection;
	m->connection = c;
	pthread_mutex_unlock(&m->lock);
	library_close(old);
}

/* What the server has applied is not known any more: it may come back with older data. */
static void disconnect(struct monitor *m)
{
	set_connection(m, NULL);
	positions_forget(m->slot);
	m->lag = (struct lag_reader){.epoch = 0};
	m->lag_us = -1;
}

/* `ca`: as large as m->ca; stays with the login. */
static struct library_login login_now(struct monitor *m, char *ca)
{
	pthread_mutex_lock(&m->lock);
	struct library_login login = {.at = &m->at,
	                              .user = m->common->user,
	                              .password = m->common->password,
	                              .connect_timeout = m->login_timeout,
	                              .read_timeout = READ_TIMEOUT,
	                              .tls = m->tls,
	                              .ca = ca};
	memcpy(ca, m->ca, sizeof m->ca);
	pthread_mutex_unlock(&m->lock);
	return login;
}

static bool connect_to_server(struct monitor *m)
{
	char ca[sizeof m->ca];
	struct library_login login = login_now(m, ca);
	struct library_connection *c = library_open(&login, &m->look.error);
	if (!c)
		return false;
	set_connection(m, c);
	m->next_replicas_us = 0;
	return look_identify(c, &m->look);
}

/* How long the newest position that it has reached now took to get there: as exact as the looks at both servers are
 * frequent. Seldom looks tell at least when it has become quicker than was known. */
static void note_catch_up(struct monitor *m, int64_t now)
{
	int64_t delay = m->lag.delay_us, apart = now - m->position_us, busy = m->position_interval_busy;
	if (delay < 0)
		return;
	if (apart > NEAR_LOOKS * busy) {
		delay += apart;
		if (delay >= positions_catch_up_us(m->slot))
			return;
	}
	positions_note_catch_up(m->slot, delay < POSITIONS_NEVER ? (uint32_t)delay : POSITIONS_NEVER - 1);
}

/* `began_us`: when the server was asked. A replica had all of this at that time or soon after: on a busy machine it may be
 * long before this thread gets to read the answer. */
static void note_position(struct monitor *m, enum monitor_follow follow, uint64_t number, int64_t began_us)
{
	int64_t now = now_us();
	positions_publish(m->slot, &m->position, number, (uint64_t)now);
	if (follow == FOLLOW_AS_PRIMARY) {
		lag_history_note(m->common->history, &m->position, now);
		positions_publish_behind(m->slot, 0);
	} else {
		m->lag_us = lag_history_read(m->common->history, &m->lag, &m->position, began_us);
		positions_publish_behind(m->slot, m->lag_us);
		note_catch_up(m, now);
	}
	m->position_us = now;
}

/* Reads the position that the server's part in replication makes the interesting one. False when the
 * connection is lost: m->look.error says how. */
static bool read_position(struct monitor *m, enum monitor_follow follow)
{
	const struct monitor_words *w = monitor_words_of(m->look.flavor, m->look.version);
	struct library_result *r;
	struct library_error error;
	uint64_t number = positions_look();
	int64_t began_us = now_us();
	if (!library_query(m->connection, follow == FOLLOW_AS_PRIMARY ? w->position : w->applied, &r,
	                   &error)) {
		if (library_failure_is_final(error.failure))
			m->look.error = error;
		return !library_failure_is_final(error.failure);
	}
	size_t len = 0;
	const char *text = library_row(r) ? library_value(r, 0, &len) : NULL;
	if (m->position.flavor != m->look.flavor) {
		gtid_set_finish(&m->position);
		gtid_set_init(&m->position, m->look.flavor);
	}
	if (text && gtid_set_parse(&m->position, (struct view){(const uint8_t *)text, len}) == GTID_OK)
		note_position(m, follow, number, began_us);
	library_free(r);
	return true;
}

static enum monitor_follow follow_now(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	enum monitor_follow follow = m->follow;
	pthread_mutex_unlock(&m->lock);
	return follow;
}

/* An error is told when it is another one than before. */
static void tell_of_heartbeat(struct monitor *m, const char *table, const struct library_error *error)
{
	if (error->code && error->code != m->heartbeat_told)
		log_warning("heartbeat", "table=%s error=%u %s", table, error->code, error->text);
	m->heartbeat_told = error->code;
}

/* A server that was only just reached may be no primary any more, which the control thread has to find out first: what is
 * written there then would be in the way of its return. */
static void beat(struct monitor *m, enum monitor_follow follow, bool just_reached)
{
	struct library_error error = {.failure = LIBRARY_OK};
	char table[sizeof m->heartbeat_table];
	pthread_mutex_lock(&m->lock);
	memcpy(table, m->heartbeat_table, sizeof table);
	int64_t interval = m->monitor_interval;
	pthread_mutex_unlock(&m->lock);
	if (!*table || follow == FOLLOW_NOTHING)
		return;
	if (follow == FOLLOW_AS_PRIMARY) {
		if (!just_reached && !m->look.read_only)
			(void)heartbeat_write(m->connection, table, now_us(), &error);
	} else {
		int64_t behind = heartbeat_read(m->connection, table, interval, now_us(), &error);
		if (behind > m->look.lag_us)
			m->look.lag_us = behind;
	}
	tell_of_heartbeat(m, table, &error);
}

static bool look_once(struct monitor *m)
{
	bool just_reached = !m->connection;
	m->look.error = (struct library_error){.failure = LIBRARY_OK};
	if (!m->connection && !connect_to_server(m))
		return false;
	int64_t now = now_us();
	bool with_replicas = now >= m->next_replicas_us;
	if (!look_at_state(m->connection, &m->look, with_replicas))
		return false;
	if (with_replicas)
		m->next_replicas_us = now + REPLICAS_EVERY_US;
	enum monitor_follow follow = follow_now(m);
	if (follow != FOLLOW_NOTHING && !read_position(m, follow))
		return false;
	/* Positions tell more exactly than the server's own word, once they can be compared. */
	if (follow == FOLLOW_AS_REPLICA && m->lag_us >= 0)
		m->look.lag_us = m->lag_us;
	beat(m, follow, just_reached);
	return true;
}

/* A connection that broke may be one that the server had closed for idling, and a time-out a moment's stall:
 * those are tried once more. A refusal is a fact. */
static bool is_worth_another_try(const struct monitor *m)
{
	return m->look.error.failure == LIBRARY_LOST ||
	       (m->look.error.failure == LIBRARY_TIMED_OUT && m->look.failures == 0 && !m->doubted);
}

static void give_look(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->newest = m->look;
	m->has_look = true;
	pthread_mutex_unlock(&m->lock);
	m->common->told();
}

/* `after_failure`: the connection just failed, as m->look.error says; another one is tried at once. */
static void look(struct monitor *m, bool after_failure)
{
	bool ok = !after_failure && look_once(m);
	for (int tries = after_failure ? 0 : 1;
	     !ok && tries < 2 && is_worth_another_try(m) && !is_stopping(m); tries++) {
		m->doubted = m->look.error.failure == LIBRARY_TIMED_OUT;
		disconnect(m);
		ok = look_once(m);
	}
	m->doubted = false;
	if (!ok)
		disconnect(m);
	m->look.number++;
	m->look.missing |= m->objects_missing;
	m->look.at_us = now_us();
	m->look.failures = ok ? 0 : m->look.failures + 1;
	if (!m->look.address_len && m->look.error.failure != LIBRARY_UNKNOWN_HOST)
		reach_resolve(&m->at, &m->look.address, &m->look.address_len);
	m->look_ended_us = m->look.at_us;
	give_look(m);
}

static void load_accounts(struct monitor *m, uint64_t ticket)
{
	struct monitor_accounts got = {.ticket = ticket};
	struct config *config = config_get();
	if (m->connection)
		got.set = accounts_load(m->connection, m->look.flavor, config, &got.error);
	else
		got.error = m->look.error;
	config_unref(config);
	if (m->connection && !got.set && library_failure_is_final(got.error.failure))
		m->next_look_us = 0; /* the look finds the broken connection and makes another */
	pthread_mutex_lock(&m->lock);
	struct account_set *untaken = m->has_accounts ? m->accounts.set : NULL;
	m->accounts = got;
	m->has_accounts = true;
	pthread_mutex_unlock(&m->lock);
	account_set_unref(untaken);
	m->common->told();
}

static void load_objects(struct monitor *m, uint64_t ticket)
{
	struct monitor_objects got = {.ticket = ticket, .error = m->look.error};
	struct dialect dialect = {.flavor = m->look.flavor, .version = m->look.version};
	if (m->connection) {
		got.set = objects_load(m->connection, &dialect, &m->objects_missing, &got.error);
		if (!got.set && library_failure_is_final(got.error.failure))
			m->next_look_us = 0;
	}
	pthread_mutex_lock(&m->lock);
	struct object_set *untaken = m->has_objects ? m->objects.set : NULL;
	m->objects = got;
	m->has_objects = true;
	pthread_mutex_unlock(&m->lock);
	object_set_unref(untaken);
	m->common->told();
}

/* What there is to do now. */
struct errands {
	bool stop, look, position, accounts, objects, stream;
	uint64_t ticket, objects_ticket;
	enum monitor_follow follow;
	int64_t look_interval;
};

static int64_t until_next_position(const struct monitor *m, uint64_t now_ms)
{
	if (positions_are_wanted(now_ms))
		return m->position_interval_busy;
	uint64_t every = positions_wanted_every(now_ms);
	if (every >= (uint64_t)m->position_interval / 1000)
		return m->position_interval;
	int64_t least = m->position_interval / SOON_PART;
	return (int64_t)every * 1000 > least ? (int64_t)every * 1000 : least;
}

/* In the stream's thread. */
static void heard(void *arg)
{
	struct monitor *m = arg;
	pthread_mutex_lock(&m->lock);
	if (!m->heard)
		pthread_cond_signal(&m->wake);
	m->heard = true;
	pthread_mutex_unlock(&m->lock);
}

/* A replica that can be reached has a stream, if that is wanted; what it logs in with may have changed. */
static void keep_stream(struct monitor *m)
{
	char ca[sizeof m->ca];
	struct library_login login = login_now(m, ca);
	pthread_mutex_lock(&m->lock);
	bool wanted = m->wants_stream && m->follow == FOLLOW_AS_REPLICA && m->connection;
	pthread_mutex_unlock(&m->lock);
	if (m->stream && (!wanted || m->stream_tls != login.tls || strcmp(m->stream_ca, ca) != 0)) {
		position_stream_stop(m->stream);
		m->stream = NULL;
	}
	if (m->stream || !wanted)
		return;
	memcpy(m->stream_ca, ca, sizeof m->stream_ca);
	m->stream_tls = login.tls;
	login.ca = m->stream_ca;
	struct stream_source source = {
	    .login = login, .flavor = m->look.flavor, .version = m->look.version, .heard = heard, .arg = m};
	m->stream = position_stream_start(&source);
}

static void note_heard(struct monitor *m, int64_t now)
{
	int64_t soon = m->position_us + HEARD_GAP_US;
	if (!m->heard)
		return;
	if (soon < now)
		soon = now;
	if (m->next_position_us > soon)
		m->next_position_us = soon;
}

static bool is_due(struct monitor *m, struct errands *e, int64_t now)
{
	*e = (struct errands){.stop = m->stopping,
	                      .accounts = m->accounts_wanted,
	                      .ticket = m->ticket,
	                      .objects = m->objects_wanted,
	                      .objects_ticket = m->objects_ticket,
	                      .stream = m->stream_due,
	                      .follow = m->follow,
	                      .look_interval = m->monitor_interval};
	if (m->look_wanted && m->next_look_us > m->look_ended_us + LOOK_GAP_US)
		m->next_look_us = m->look_ended_us + LOOK_GAP_US;
	note_heard(m, now);
	e->look = now >= m->next_look_us;
	e->position = m->follow != FOLLOW_NOTHING && m->connection && now >= m->next_position_us;
	if (e->look)
		m->look_wanted = false;
	if (e->position) {
		/* What was heard of is visible only a moment after it was logged: there is another look soon. */
		m->next_position_us =
		    now + (m->heard ? m->position_interval_busy : until_next_position(m, (uint64_t)now / 1000));
		m->heard = false;
	}
	if (e->accounts)
		m->accounts_wanted = false;
	if (e->objects)
		m->objects_wanted = false;
	m->stream_due = false;
	return e->stop || e->look || e->position || e->accounts || e->objects || e->stream;
}

static void sleep_until_due(struct monitor *m)
{
	int64_t until = m->next_look_us;
	if (m->follow != FOLLOW_NOTHING && m->connection && m->next_position_us < until)
		until = m->next_position_us;
	struct timespec at = {.tv_sec = until / SECOND_US, .tv_nsec = until % SECOND_US * 1000};
	pthread_cond_timedwait(&m->wake, &m->lock, &at);
}

static struct errands wait_for_errands(struct monitor *m)
{
	struct errands e;
	pthread_mutex_lock(&m->lock);
	while (!is_due(m, &e, now_us()))
		sleep_until_due(m);
	pthread_mutex_unlock(&m->lock);
	return e;
}

static void *run(void *arg)
{
	struct monitor *m = arg;
	char name[64], at[300];
	endpoint_format(&m->at, at, sizeof at);
	snprintf(name, sizeof name, "monitor:%.50s", at);
	log_thread_name(name);
	library_thread_begin();
	for (struct errands e = wait_for_errands(m); !e.stop; e = wait_for_errands(m)) {
		if (e.look) {
			look(m, false);
			m->next_look_us = m->look_ended_us + e.look_interval;
		}
		if (e.accounts)
			load_accounts(m, e.ticket);
		if (e.objects)
			load_objects(m, e.objects_ticket);
		if (e.position && m->connection && !read_position(m, e.follow))
			look(m, true);
		if (e.look || e.stream)
			keep_stream(m);
	}
	position_stream_stop(m->stream);
	disconnect(m);
	library_thread_end();
	return NULL;
}

struct monitor *monitor_start(unsigned slot, const struct endpoint *at, const struct monitor_common *common,
                              const struct settings *settings)
{
	struct monitor *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	m->slot = slot;
	m->at = *at;
	m->common = common;
	m->lag_us = -1;
	gtid_set_init(&m->position, FLAVOR_MYSQL);
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	monitor_configure(m, settings);
	library_begin();
	if (pthread_create(&m->thread, NULL, run, m) == 0)
		return m;
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return NULL;
}

void monitor_configure(struct monitor *m, const struct settings *settings)
{
	uint64_t login = (settings->connect_timeout + SECOND_US - 1) / SECOND_US;
	pthread_mutex_lock(&m->lock);
	m->monitor_interval = (int64_t)settings->monitor_interval;
	m->position_interval = (int64_t)settings->position_interval;
	m->position_interval_busy = (int64_t)settings->position_interval_busy;
	if (m->position_interval_busy > m->position_interval)
		m->position_interval_busy = m->position_interval;
	m->login_timeout = login < 1 ? 1 : login > LOGIN_TIMEOUT ? LOGIN_TIMEOUT : (unsigned)login;
	m->tls = settings->server_tls;
	snprintf(m->ca, sizeof m->ca, "%s", settings->server_ca);
	m->wants_stream = settings->position_stream;
	m->stream_due = true;
	memcpy(m->heartbeat_table, settings->heartbeat_table, sizeof m->heartbeat_table);
	m->look_wanted = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_follow(struct monitor *m, enum monitor_follow follow)
{
	pthread_mutex_lock(&m->lock);
	m->follow = follow;
	m->stream_due = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_look_soon(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->look_wanted = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_want_accounts(struct monitor *m, uint64_t ticket)
{
	pthread_mutex_lock(&m->lock);
	m->accounts_wanted = true;
	m->ticket = ticket;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_want_objects(struct monitor *m, uint64_t ticket)
{
	pthread_mutex_lock(&m->lock);
	m->objects_wanted = true;
	m->objects_ticket = ticket;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

bool monitor_take_look(struct monitor *m, struct look *look_out)
{
	pthread_mutex_lock(&m->lock);
	bool has = m->has_look;
	if (has)
		*look_out = m->newest;
	m->has_look = false;
	pthread_mutex_unlock(&m->lock);
	return has;
}

bool monitor_take_accounts(struct monitor *m, struct monitor_accounts *accounts)
{
	pthread_mutex_lock(&m->lock);
	bool has = m->has_accounts;
	if (has)
		*accounts = m->accounts;
	m->has_accounts = false;
	m->accounts.set = NULL;
	pthread_mutex_unlock(&m->lock);
	return has;
}

bool monitor_take_objects(struct monitor *m, struct monitor_objects *objects)
{
	pthread_mutex_lock(&m->lock);
	bool has = m->has_objects;
	if (has)
		*objects = m->objects;
	m->has_objects = false;
	m->objects.set = NULL;
	pthread_mutex_unlock(&m->lock);
	return has;
}

void monitor_stop(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	if (m->connection)
		library_interrupt(m->connection);
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_join(struct monitor *m)
{
	if (!m)
		return;
	pthread_join(m->thread, NULL);
	if (m->has_accounts)
		account_set_unref(m->accounts.set);
	if (m->has_objects)
		object_set_unref(m->objects.set);
	gtid_set_finish(&m->position);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
