#include "proxy/failover/changes.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/events.h"
#include "proxy/failover/change.h"
#include "proxy/ready.h"
#include "proxy/topology_change.h"

static uv_async_t ended_async;
static void (*tell)(void);
static bool started;
static atomic_bool stopping_now, running_now;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock. */
static pthread_t thread;
static bool has_thread;
static struct change_request request_now;
static uint64_t asked, ended;
static bool succeeded;
static char last_error[1900];
static struct change_row rows[CHANGE_ROWS_MAX];
static size_t n_rows;

static const struct {
	const char *name, *event;
	const struct change_step *steps;
	const size_t *n;
} kinds[] = {
	[CHANGE_SWITCHOVER] = {"SWITCHOVER", "switchover", switchover_steps, &switchover_n},
	[CHANGE_FAILOVER] = {"FAILOVER", "failover", failover_steps, &failover_n},
	[CHANGE_REJOIN] = {"REJOIN", "rejoin", rejoin_steps, &rejoin_n},
	[CHANGE_REOPEN] = {"REOPEN", "reopen", reopen_steps, &reopen_n},
};

const char *change_kind_name(enum change_kind kind)
{
	return kinds[kind].name;
}

static bool is_stopping(void)
{
	return atomic_load(&stopping_now);
}

/* ---- rows ---- */

void changes_add_row(const char *step, const char *server, const char *state, int64_t took_us, const char *text)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&lock);
	if (n_rows < CHANGE_ROWS_MAX) {
		struct change_row *r = &rows[n_rows++];
		*r = (struct change_row){.number = asked, .at_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000, .took_us = took_us};
		snprintf(r->change, sizeof r->change, "%s", kinds[request_now.kind].name);
		snprintf(r->step, sizeof r->step, "%s", step);
		snprintf(r->server, sizeof r->server, "%s", server);
		snprintf(r->state, sizeof r->state, "%s", state);
		snprintf(r->text, sizeof r->text, "%s", text);
	}
	pthread_mutex_unlock(&lock);
}

size_t changes_copy(struct change_row out[CHANGE_ROWS_MAX])
{
	pthread_mutex_lock(&lock);
	size_t n = n_rows;
	memcpy(out, rows, n * sizeof *rows);
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---- one change ---- */

/* The password of the account that replicas log in as. */
static bool read_password(struct change *c, const char *path)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(c->replication_password, sizeof c->replication_password, f);
	if (f)
		fclose(f);
	c->replication_password[strcspn(c->replication_password, "\r\n")] = '\0';
	return ok || change_fail(c, "replication_password_file: cannot read %.400s", path);
}

static bool prepare_login(struct change *c, const struct settings *s)
{
	c->own_account = !*s->replication_user;
	if (c->own_account) {
		snprintf(c->replication_user, sizeof c->replication_user, "%.128s", c->login.user);
		snprintf(c->replication_password, sizeof c->replication_password, "%.255s", c->login.password);
		return true;
	}
	snprintf(c->replication_user, sizeof c->replication_user, "%.128s", s->replication_user);
	return !*s->replication_password_file || read_password(c, s->replication_password_file);
}

static void name_lock(struct change *c, const char *cluster)
{
	size_t n = (size_t)snprintf(c->lock_name, sizeof c->lock_name, "wye_topology%s", *cluster ? "_" : "");
	for (; *cluster && n + 1 < sizeof c->lock_name; cluster++)
		c->lock_name[n++] = isalnum((unsigned char)*cluster) ? *cluster : '_';
	c->lock_name[n] = '\0';
}

static bool prepare(struct change *c, struct change_picture *p)
{
	if (!topology_picture(p))
		return change_fail(c, "wye is being stopped");
	if (p->settings.failover == FAILOVER_OFF)
		return change_fail(c, "the setting failover is off: SET failover = 'manual' allows it");
	c->servers = p->servers;
	c->n = p->n;
	if (p->primary < 0)
		return change_fail(c, "there is no primary that could be replaced, nor followed");
	c->old = &p->servers[p->primary];
	c->timeout_us = p->settings.switchover_timeout;
	c->login = p->login;
	c->login.connect_timeout = CHANGE_CONNECT_TIMEOUT;
	c->login.read_timeout = (unsigned)(c->timeout_us / 1000000) + CHANGE_ANSWER_MARGIN;
	name_lock(c, p->settings.cluster_name);
	return prepare_login(c, &p->settings);
}

/* A primary that stays closed is looked at again and again. */
static bool was_told(const struct change *c)
{
	static char told[sizeof c->error]; /* one thread at a time makes changes */
	bool again = c->request.kind == CHANGE_REOPEN && strcmp(told, c->error) == 0;
	snprintf(told, sizeof told, "%s", c->error);
	return again;
}

static void tell_outcome(struct change *c, bool ok)
{
	if (was_told(c) && !ok)
		return;
	const char *name = kinds[c->request.kind].name, *server = c->target ? c->target->name : c->request.server;
	char kind[32];
	snprintf(kind, sizeof kind, "%s%s", kinds[c->request.kind].event, ok ? "" : "-failed");
	if (!ok && c->request.automatic && c->locked_out)
		event_note(LOG_LEVEL_INFO, "left-to-another", server, "%s: %.220s", name, c->error);
	else if (!ok)
		event_note(LOG_LEVEL_ERROR, kind, server, "%s, asked for by %.40s: %.180s", name, c->request.by, c->error);
	else if (*c->outcome)
		event_note(LOG_LEVEL_INFO, kind, server, "%.200s", c->outcome);
	else
		event_note(LOG_LEVEL_WARNING, kind, server, "%s, asked for by %.40s: %s %.120s", name, c->request.by,
			   c->request.kind == CHANGE_REJOIN ? "it follows" : "it takes the place of", c->old->name);
	if (*c->advice)
		event_note(LOG_LEVEL_ERROR, "act", server, "%.255s", c->advice);
}

static void make(struct change *c, struct change_picture *p)
{
	bool ok = prepare(c, p);
	ok = ok && change_run(c, kinds[c->request.kind].steps, *kinds[c->request.kind].n);
	undo_hold(c);
	undo_lock(c);
	for (size_t i = 0; i < c->n; i++)
		change_server_finish(&c->servers[i]);
	if (c->request.kind == CHANGE_REOPEN && !ok && c->hopeless)
		topology_leave_closed();
	tell_outcome(c, ok);
	topology_look_at_all();
	explicit_bzero(c->replication_password, sizeof c->replication_password);
	pthread_mutex_lock(&lock);
	succeeded = ok;
	if (ok)
		snprintf(last_error, sizeof last_error, "%s", c->advice);
	else
		snprintf(last_error, sizeof last_error, "%s%s%s", c->error, *c->advice ? ". To do: " : "", c->advice);
	ended = asked;
	atomic_store(&running_now, false); /* the next one waits for the end of this thread */
	pthread_mutex_unlock(&lock);
}

static void *run(void *unused)
{
	(void)unused;
	struct change *c = calloc(1, sizeof *c);
	struct change_picture *p = calloc(1, sizeof *p);
	if (!c || !p)
		abort();
	pthread_mutex_lock(&lock);
	c->request = request_now;
	pthread_mutex_unlock(&lock);
	c->stopping = is_stopping;
	library_thread_begin();
	make(c, p);
	library_thread_end();
	free(p);
	free(c);
	uv_async_send(&ended_async);
	return NULL;
}

/* ---- outside ---- */

static void on_ended(uv_async_t *unused)
{
	(void)unused;
	if (tell)
		tell();
}

int changes_start(uv_loop_t *loop, void (*told)(void))
{
	int failed = uv_async_init(loop, &ended_async, on_ended);
	if (failed)
		return failed;
	uv_unref((uv_handle_t *)&ended_async);
	tell = told;
	started = true;
	return 0;
}

void changes_stop(void)
{
	if (!started)
		return;
	atomic_store(&stopping_now, true);
	pthread_mutex_lock(&lock);
	bool wait = has_thread;
	pthread_t ending = thread;
	has_thread = started = false;
	pthread_mutex_unlock(&lock);
	if (wait)
		pthread_join(ending, NULL);
	uv_close((uv_handle_t *)&ended_async, NULL);
	tell = NULL;
}

uint64_t changes_ask(const struct change_request *request, char *error, size_t size)
{
	uint64_t number = 0;
	pthread_mutex_lock(&lock);
	if (!started || ready_is_draining()) { /* the process that takes over may act, not both */
		snprintf(error, size, "wye is being stopped");
	} else if (atomic_load(&running_now)) {
		snprintf(error, size, "%s, asked for by %.60s, is under way: stats_changes shows it", kinds[request_now.kind].name,
			 request_now.by);
	} else {
		if (has_thread)
			pthread_join(thread, NULL); /* it has ended, but for its last few instructions */
		request_now = *request;
		n_rows = 0;
		atomic_store(&running_now, true);
		has_thread = pthread_create(&thread, NULL, run, NULL) == 0;
		if (has_thread) {
			number = ++asked;
		} else {
			atomic_store(&running_now, false);
			snprintf(error, size, "no thread can be started");
		}
	}
	pthread_mutex_unlock(&lock);
	return number;
}

uint64_t changes_ended(void)
{
	pthread_mutex_lock(&lock);
	uint64_t number = ended;
	pthread_mutex_unlock(&lock);
	return number;
}

bool changes_running(void)
{
	return atomic_load(&running_now);
}

bool changes_succeeded(uint64_t number, char *error, size_t size)
{
	pthread_mutex_lock(&lock);
	bool ok = succeeded && number == ended;
	snprintf(error, size, "%s", number == ended ? last_error : "another change has been made since");
	pthread_mutex_unlock(&lock);
	return ok;
}
