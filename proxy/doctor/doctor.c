#include "proxy/doctor/doctor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "proxy/config/config_change.h"
#include "proxy/doctor/judge.h"
#include "proxy/topology.h"

/* A server that has not answered everything by then is not waited for. */
#define PATIENCE_MS 6000
#define LOGIN_SECONDS 2
#define ANSWER_SECONDS 2
/* Of wye's own to each server, beside its pools: the monitor's, its stream's, and this one. */
#define OWN_CONNECTIONS 3

/* One server being asked. The pool's thread fills in `checkup`; freed in the loop's thread when it has ended, perhaps
 * long after its check. */
struct job {
	uv_work_t work;
	struct checkup checkup;
	uint64_t check;
	size_t index; /* among that check's servers */
	struct library_login login;
	_Atomic bool stop;
	bool begun;
	TAILQ_ENTRY(job) link;
};

static uv_loop_t *loop;
static uv_timer_t timer;
static void (*tell)(void);
static TAILQ_HEAD(, job) jobs = TAILQ_HEAD_INITIALIZER(jobs);
static struct checkup servers[SERVERS_MAX];
static size_t n_servers, waited_for;
static uint64_t asked, running, answered; /* numbers of checks; running 0: none */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct findings newest; /* under the lock */
static int64_t newest_us;

static void begin(void);

static void judge(void)
{
	struct findings found = {.n = 0};
	struct config *config = config_get();
	struct judge_input in = {.servers = servers,
				 .n = n_servers,
				 .connections = config->settings.server_max_connections + OWN_CONNECTIONS};
	config_unref(config);
	topology_findings(&found);
	for (size_t i = 0; i < n_servers; i++) {
		const struct checkup *c = &servers[i];
		if (c->up && !c->asked)
			finding_advise(findings_add(&found, SEVERITY_WARNING, c->server, "it could not be examined: %s",
						    *c->error.text ? c->error.text : "no answer in time"),
				       "CHECK again");
		judge_server(c, &in, &found);
	}
	judge_cluster(&in, &found);
	doctor_judge_statements(&found);
	findings_sort(&found);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&lock);
	struct findings old = newest;
	newest = found;
	newest_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
	pthread_mutex_unlock(&lock);
	findings_finish(&old);
}

static void end(void)
{
	uv_timer_stop(&timer);
	struct job *job;
	TAILQ_FOREACH(job, &jobs, link)
		atomic_store(&job->stop, true);
	judge();
	answered = running;
	running = 0;
	if (tell)
		tell();
	if (!running && asked > answered)
		begin();
}

static void on_late(uv_timer_t *unused)
{
	(void)unused;
	end();
}

/* In a thread of the pool. */
static void ask(uv_work_t *work)
{
	struct job *job = work->data;
	library_thread_begin();
	checkup_ask(&job->checkup, &job->login, &job->stop);
	library_thread_end();
}

static void on_asked(uv_work_t *work, int status)
{
	struct job *job = work->data;
	(void)status;
	TAILQ_REMOVE(&jobs, job, link);
	bool counts = loop && running && job->check == running;
	if (counts)
		servers[job->index] = job->checkup;
	free(job);
	if (counts && --waited_for == 0)
		end();
}

static void ask_server(size_t index)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		abort();
	job->checkup = servers[index];
	job->check = running;
	job->index = index;
	topology_login(&job->login);
	job->login.at = &job->checkup.at;
	job->login.connect_timeout = LOGIN_SECONDS;
	job->login.read_timeout = ANSWER_SECONDS;
	job->work.data = job;
	TAILQ_INSERT_TAIL(&jobs, job, link);
	if (uv_queue_work(loop, &job->work, ask, on_asked) == 0) {
		waited_for++;
	} else {
		TAILQ_REMOVE(&jobs, job, link);
		free(job);
	}
}

/* The timer ends it in every case, and always later than here. */
static void begin(void)
{
	running = asked;
	waited_for = 0;
	n_servers = topology_checkups(servers, SERVERS_MAX);
	for (size_t i = 0; i < n_servers; i++)
		if (servers[i].up)
			ask_server(i);
	uv_timer_start(&timer, on_late, waited_for ? PATIENCE_MS : 0, 0);
}

int doctor_start(uv_loop_t *loop_given, void (*told)(void))
{
	int failed = uv_timer_init(loop_given, &timer);
	if (failed)
		return failed;
	loop = loop_given;
	tell = told;
	return 0;
}

void doctor_stop(void)
{
	if (!loop)
		return;
	struct job *job;
	TAILQ_FOREACH(job, &jobs, link) {
		atomic_store(&job->stop, true);
		uv_cancel((uv_req_t *)&job->work); /* those that run end by themselves, soon */
	}
	uv_close((uv_handle_t *)&timer, NULL);
	loop = NULL;
	tell = NULL;
	pthread_mutex_lock(&lock);
	findings_finish(&newest);
	pthread_mutex_unlock(&lock);
}

uint64_t doctor_ask(void)
{
	if (running && asked > running)
		return asked; /* the next one begins after this */
	asked++;
	if (!running)
		begin();
	return asked;
}

uint64_t doctor_answered(void)
{
	return answered;
}

int64_t doctor_copy(struct findings *out)
{
	*out = (struct findings){.n = 0};
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < newest.n; i++) {
		const struct finding *f = &newest.all[i];
		finding_advise(findings_add(out, f->severity, f->subject, "%s", f->text), "%s", f->advice);
	}
	int64_t at = newest_us;
	pthread_mutex_unlock(&lock);
	return at;
}

int doctor_report(uv_loop_t *loop_given)
{
	char line[2048];
	int problems = 0;
	if (doctor_start(loop_given, NULL) != 0)
		return 1;
	for (uint64_t mine = doctor_ask(); doctor_answered() < mine;)
		uv_run(loop_given, UV_RUN_ONCE);
	for (size_t i = 0; i < newest.n; i++) {
		problems += newest.all[i].severity == SEVERITY_PROBLEM;
		finding_line(&newest.all[i], line, sizeof line);
		printf("%-8s %s\n", severity_name(newest.all[i].severity), line);
	}
	fflush(stdout);
	return problems;
}
