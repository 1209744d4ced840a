#include "proxy/monitor_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/log.h"
#include "proxy/positions.h"

/* A login waits at most so many seconds. */
#define LOGIN_TIMEOUT 2
/* However many ask for a look, this lies between the end of one and the next. */
#define LOOK_GAP_US 50000
/* Looks that only free sessions which stay on one server have at least this part of the usual interval between them. */
#define SOON_PART 8
/* What is heard of in a stream of the server's log is looked at so long after the look before, at the earliest. */
#define HEARD_GAP_US 250

/* What there is to do now. */
struct errands {
	bool stop, look, position, accounts, objects, stream;
	uint64_t ticket, objects_ticket;
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

/* It is time for a look. */
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
	while (!is_due(m, &e, monitor_now_us()))
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
			monitor_look_at(m, false);
			m->next_look_us = m->look_ended_us + e.look_interval;
		}
		if (e.accounts)
			monitor_load_accounts(m, e.ticket);
		if (e.objects)
			monitor_load_objects(m, e.objects_ticket);
		if (e.position && m->connection && !monitor_read_position(m))
			monitor_look_at(m, true);
		if (e.look || e.stream)
			monitor_keep_stream(m);
	}
	position_stream_stop(m->stream);
	monitor_disconnect(m);
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
	m->tls = library_tls_of(settings);
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
	if (m->follow != follow) {
		m->follow = follow;
		m->stream_due = true;
		pthread_cond_signal(&m->wake);
	}
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
