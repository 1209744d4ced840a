#include "proxy/position_stream.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/library_stream.h"
#include "proxy/log.h"

/* Seconds. A server that says nothing for three of its heartbeats is gone. */
#define HEARTBEAT    2u
#define READ_TIMEOUT (3 * HEARTBEAT)
#define AGAIN_AFTER  30
#define BROKEN_AFTER 1 /* it worked before */

struct position_stream {
	struct stream_source source;
	char at[300];
	uint32_t server_id;
	pthread_t thread;
	unsigned told_code; /* the last reason that was told of */
	bool told;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	struct library_connection *connection; /* replaced under the lock, for position_stream_stop() */
};

/* Far from the small numbers that people give; in use as long as this process lives. */
static uint32_t make_server_id(void)
{
	uint32_t id = 0;
	if (RAND_bytes((unsigned char *)&id, sizeof id) != 1)
		abort();
	return id | 0x40000000u;
}

/* False when it is to stop. */
static bool set_connection(struct position_stream *s, struct library_connection *c)
{
	pthread_mutex_lock(&s->lock);
	struct library_connection *old = s->connection;
	s->connection = c;
	bool goes_on = !s->stopping;
	pthread_mutex_unlock(&s->lock);
	library_close(old);
	return goes_on;
}

/* The same reason again is no news. */
static void tell(struct position_stream *s, const struct library_error *error)
{
	const char *grants = s->source.flavor == FLAVOR_MYSQL ? "REPLICATION SLAVE, REPLICATION CLIENT"
	                                                      : "REPLICATION SLAVE, BINLOG MONITOR";
	bool lacks = error->failure == LIBRARY_MISSING_GRANT || error->failure == LIBRARY_DENIED;
	if (s->told && s->told_code == error->code)
		return;
	s->told = true;
	s->told_code = error->code;
	log_warning("position-stream", "server=%s the binary log is not followed: %s%s%s%s", s->at,
	            error->text, lacks ? "; the monitor account needs GRANT " : "", lacks ? grants : "",
	            lacks ? " ON *.*" : "");
}

/* Until the stream ends; false when there was none. */
static bool follow(struct position_stream *s, struct library_error *error)
{
	struct stream_source *from = &s->source;
	struct library_connection *c = library_open(&from->login, error);
	if (!c)
		return false;
	struct library_stream *stream = NULL;
	if (set_connection(s, c))
		stream = library_stream_open(c, from->flavor, from->version, s->server_id, HEARTBEAT, error);
	if (stream) {
		log_info("position-stream", "server=%s following the binary log", s->at);
		s->told = false;
		enum stream_event event;
		while (library_stream_next(stream, &event, error))
			if (event == STREAM_COMMIT)
				from->heard(from->arg);
	}
	library_stream_close(stream);
	set_connection(s, NULL);
	return stream != NULL;
}

/* False when it is to stop. */
static bool rest(struct position_stream *s, int seconds)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		;
	bool goes_on = !s->stopping;
	pthread_mutex_unlock(&s->lock);
	return goes_on;
}

static bool is_stopping(struct position_stream *s)
{
	pthread_mutex_lock(&s->lock);
	bool stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

static void *run(void *arg)
{
	struct position_stream *s = arg;
	char name[64];
	const char *why;
	snprintf(name, sizeof name, "stream:%.50s", s->at);
	log_thread_name(name);
	library_thread_begin();
	if (!library_stream_can(s->source.flavor, &why)) {
		struct library_error error = {.failure = LIBRARY_SQL};
		snprintf(error.text, sizeof error.text, "%s", why);
		tell(s, &error);
	} else {
		bool worked;
		do {
			struct library_error error;
			worked = follow(s, &error);
			if (!is_stopping(s))
				tell(s, &error);
		} while (rest(s, worked ? BROKEN_AFTER : AGAIN_AFTER));
	}
	library_thread_end();
	return NULL;
}

struct position_stream *position_stream_start(const struct stream_source *source)
{
	struct position_stream *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->source = *source;
	s->source.login.read_timeout = READ_TIMEOUT;
	s->server_id = make_server_id();
	endpoint_format(source->login.at, s->at, sizeof s->at);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void position_stream_stop(struct position_stream *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	if (s->connection)
		library_interrupt(s->connection);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
