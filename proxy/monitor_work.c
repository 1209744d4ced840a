#include "proxy/monitor_inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/accounts_load.h"
#include "proxy/config/config_change.h"
#include "proxy/log.h"
#include "proxy/monitor_heartbeat.h"
#include "proxy/objects_load.h"
#include "proxy/positions.h"
#include "proxy/reach.h"

/* The client libraries' time-outs are whole seconds. */
#define READ_TIMEOUT 1
/* Who replicates from whom changes seldom. */
#define REPLICAS_EVERY_US (5 * SECOND_US)
/* A delay between two servers is told by looks at them that lie so many of the short intervals apart, at most. */
#define NEAR_LOOKS 5

int64_t monitor_now_us(void)
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

void monitor_disconnect(struct monitor *m)
{
	set_connection(m, NULL);
	positions_forget(m->slot);
	m->lag = (struct lag_reader){.epoch = 0};
	m->lag_us = -1;
}

struct library_login monitor_login(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	struct library_login login = {.at = &m->at,
	                              .user = m->common->user,
	                              .password = m->common->password,
	                              .connect_timeout = m->login_timeout,
	                              .read_timeout = READ_TIMEOUT,
	                              .tls = m->tls};
	pthread_mutex_unlock(&m->lock);
	return login;
}

static bool connect_to_server(struct monitor *m)
{
	struct library_login login = monitor_login(m);
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
	positions_note_catch_up(m->slot, delay < POSITIONS_NEVER ? (uint32_t)delay : POSITIONS_NEVER - 1, (uint64_t)delay,
				(uint64_t)now);
}

/* `began_us`: when the server was asked. A replica had all of this at that time or soon after: on a busy machine it may be
 * long before this thread gets to read the answer. */
static void note_position(struct monitor *m, enum monitor_follow follow, uint64_t number, int64_t began_us)
{
	int64_t now = monitor_now_us();
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

static enum monitor_follow follow_now(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	enum monitor_follow follow = m->follow;
	pthread_mutex_unlock(&m->lock);
	return follow;
}

/* What the server's part is now is read behind the number: a look whose number is above one that was taken after the part
 * had changed reads what the new part makes the position. */
bool monitor_read_position(struct monitor *m)
{
	const struct monitor_words *w = monitor_words_of(m->look.flavor, m->look.version);
	struct library_result *r;
	struct library_error error;
	uint64_t number = positions_look();
	enum monitor_follow follow = follow_now(m);
	int64_t began_us = monitor_now_us();
	if (follow == FOLLOW_NOTHING)
		return true;
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
			(void)heartbeat_write(m->connection, table, monitor_now_us(), &error);
	} else {
		int64_t behind = heartbeat_read(m->connection, table, interval, monitor_now_us(), &error);
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
	int64_t now = monitor_now_us();
	bool with_replicas = now >= m->next_replicas_us;
	if (!look_at_state(m->connection, &m->look, with_replicas))
		return false;
	if (with_replicas)
		m->next_replicas_us = now + REPLICAS_EVERY_US;
	enum monitor_follow follow = follow_now(m);
	if (follow != FOLLOW_NOTHING && !monitor_read_position(m))
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

void monitor_look_at(struct monitor *m, bool after_failure)
{
	bool ok = !after_failure && look_once(m);
	for (int tries = after_failure ? 0 : 1;
	     !ok && tries < 2 && is_worth_another_try(m) && !is_stopping(m); tries++) {
		m->doubted = m->look.error.failure == LIBRARY_TIMED_OUT;
		monitor_disconnect(m);
		ok = look_once(m);
	}
	m->doubted = false;
	if (!ok)
		monitor_disconnect(m);
	m->look.number++;
	m->look.missing |= m->objects_missing;
	m->look.at_us = monitor_now_us();
	m->look.failures = ok ? 0 : m->look.failures + 1;
	if (!m->look.address_len && m->look.error.failure != LIBRARY_UNKNOWN_HOST)
		reach_resolve(&m->at, &m->look.address, &m->look.address_len);
	m->look_ended_us = m->look.at_us;
	give_look(m);
}

void monitor_load_accounts(struct monitor *m, uint64_t ticket)
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

void monitor_load_objects(struct monitor *m, uint64_t ticket)
{
	struct monitor_objects got = {.ticket = ticket, .error = m->look.error};
	struct dialect dialect = {.flavor = m->look.flavor, .version = m->look.version};
	if (m->connection) {
		got.set = objects_load(m->connection, &dialect, &m->objects_missing, &got.error);
		if (!got.set && library_failure_is_final(got.error.failure))
			m->next_look_us = 0;
	}
	got.missing = m->objects_missing;
	pthread_mutex_lock(&m->lock);
	struct object_set *untaken = m->has_objects ? m->objects.set : NULL;
	m->objects = got;
	m->has_objects = true;
	pthread_mutex_unlock(&m->lock);
	object_set_unref(untaken);
	m->common->told();
}
