#include "proxy/upgrade/notify.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef WYE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "proxy/log.h"
#include "proxy/worker.h"

static void tell(const char *state)
{
#ifdef WYE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

void notify_ready(void)
{
	tell("READY=1\nSTATUS=");
}

void notify_stopping(void)
{
	tell("STOPPING=1\nSTATUS=letting transactions finish");
}

void notify_upgrading(void)
{
	struct timespec now;
	char state[120];
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=starting the next process",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(state);
}

void notify_upgraded(pid_t successor)
{
	char state[64];
	snprintf(state, sizeof state, "MAINPID=%ld\nREADY=1\nSTATUS=", (long)successor);
	tell(state);
}

/* ---- the watchdog ---- */

#ifdef WYE_SYSTEMD
static uv_timer_t timer;
static _Atomic unsigned unanswered;

static void on_worker(struct worker *w, void *arg)
{
	(void)w, (void)arg;
	atomic_fetch_sub(&unanswered, 1);
}

static void on_watch(uv_timer_t *unused)
{
	(void)unused;
	if (atomic_load(&unanswered))
		return; /* systemd ends a process that says nothing */
	tell("WATCHDOG=1");
	atomic_store(&unanswered, workers_count());
	for (unsigned i = 0; i < workers_count(); i++)
		worker_post(worker_at(i), on_worker, NULL);
}
#endif

void notify_watch(uv_loop_t *loop)
{
#ifdef WYE_SYSTEMD
	uint64_t us = 0;
	if (sd_watchdog_enabled(0, &us) <= 0 || us < 2000)
		return;
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_watch, 0, us / 2000);
	uv_unref((uv_handle_t *)&timer);
	log_info("watchdog", "every_ms=%llu", (unsigned long long)(us / 2000));
#else
	(void)loop;
#endif
}

void notify_take_over(void)
{
	char pid[16];
	if (!getenv("WATCHDOG_PID"))
		return;
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
}
