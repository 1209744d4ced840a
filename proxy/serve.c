/*
 * The control thread: starts everything in the order in which one part leans on another, waits for signals, and takes
 * it all down again in the opposite order.
 *
 *	options ─> log, vault, keys ─> listening sockets ─> topology (first picture) ─> workers ─> console, HTTP ─> ready
 */
#include "proxy/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "proxy/config/config_change.h"
#include "proxy/console/console.h"
#include "proxy/doctor/doctor.h"
#include "proxy/events.h"
#include "proxy/footprint.h"
#include "proxy/http.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/log_settings.h"
#include "proxy/options.h"
#include "proxy/ready.h"
#include "proxy/security.h"
#include "proxy/snapshot.h"
#include "proxy/topology.h"
#include "proxy/upgrade/notify.h"
#include "proxy/upgrade/predecessor.h"
#include "proxy/upgrade/sockets.h"
#include "proxy/upgrade/successor.h"
#include "proxy/vault.h"
#include "proxy/worker.h"

#define DRAIN_LOOK_MS 20

static struct options options;
static uv_loop_t loop;
static uv_signal_t on_term, on_int, on_hup, on_usr2;
static uv_timer_t drain_timer;
static bool draining, serving;

/* ---- signals ---- */

static void look_at_drain(uv_timer_t *timer)
{
	(void)timer;
	if (!workers_have_stopped_listening())
		return;
	listeners_close(); /* whoever connects now is refused at once */
	if (workers_idle())
		uv_stop(&loop);
}

static void terminate(uv_signal_t *signal, int number)
{
	(void)signal;
	struct snapshot *s = snapshot_get();
	uint64_t timeout = draining ? 0 : s->settings->drain_timeout;
	snapshot_unref(s);
	log_info(draining ? "stop-now" : "draining", "signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
	if (!draining) {
		successor_cancel();
		if (!successor_serves())
			notify_stopping();
		ready_set_draining(true);
		uv_timer_start(&drain_timer, look_at_drain, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
	}
	draining = true;
	workers_drain(timeout);
}

static void hang_up(uv_signal_t *signal, int number)
{
	(void)signal;
	(void)number;
	char error[400];
	int failed = log_reopen();
	log_info("log-reopened", "result=%s", failed ? strerror(-failed) : "ok");
	if (!topology_reload_tls(error, sizeof error))
		event_note(LOG_LEVEL_ERROR, "tls-failed", NULL, "%s; what was in use stays", error);
}

static void hand_over(uv_signal_t *signal, int number)
{
	(void)signal;
	(void)number;
	if (serving)
		successor_start();
	else
		log_warning("upgrade-refused", "reason=\"this process does not serve yet\"");
}

static void watch_signals(void)
{
	uv_signal_init(&loop, &on_term);
	uv_signal_init(&loop, &on_int);
	uv_signal_init(&loop, &on_hup);
	uv_signal_init(&loop, &on_usr2);
	uv_timer_init(&loop, &drain_timer);
	uv_signal_start(&on_term, terminate, SIGTERM);
	uv_signal_start(&on_int, terminate, SIGINT);
	uv_signal_start(&on_hup, hang_up, SIGHUP);
	uv_signal_start(&on_usr2, hand_over, SIGUSR2);
}

/* ---- start ---- */

static int cannot_run(const char *error)
{
	fprintf(stderr, "wye: %s\n", error);
	return 1;
}

/* As many files as the system lets us have: every client and every backend is one. */
static void raise_limits(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		log_info("limits", "open_files=%llu", (unsigned long long)limit.rlim_cur);
	}
}

static void tell_ready(void)
{
	struct snapshot *s = snapshot_get();
	unsigned replicas = 0;
	for (unsigned i = 0; i < s->n_servers; i++)
		replicas += s->servers[i].takes_reads;
	char at[280] = "";
	if (listeners_count())
		snprintf(at, sizeof at, "%s", listener_at(0)->name);
	log_info("ready", "listen=%s workers=%u primary=%s replicas=%u", at, workers_count(),
		 s->primary >= 0 ? s->servers[s->primary].name : "none", replicas);
	snapshot_unref(s);
	notify_ready();
	serving = true;
}

static int run(void)
{
	char error[1024] = "";
	if (!listeners_open(&options, error, sizeof error))
		return cannot_run(error);
	if (!topology_wait_first(options.settings.connect_timeout * 2, error, sizeof error))
		return cannot_run(error);
	if (!security_wait(error, sizeof error))
		return cannot_run(error);
	if (!predecessor_wait(&loop))
		return cannot_run("cannot take over: the channel to the process before this one cannot be watched");
	if (workers_start(config_workers(), &options) != 0)
		return cannot_run("cannot start the worker threads: out of memory or of threads");
	int status = 0;
	if (console_start(&loop, &options, error, sizeof error) != 0)
		status = cannot_run(error);
	else if (!options.http_off && http_start(&options, error, sizeof error) != 0)
		status = cannot_run(error);
	if (status == 0) {
		sockets_close_rest();
		predecessor_serving();
		tell_ready();
		notify_watch(&loop);
		(void)footprint_settle(&loop); /* without its timer it is done this once */
		uv_run(&loop, UV_RUN_DEFAULT);
	} else {
		workers_drain(0);
	}
	http_stop();
	console_stop();
	workers_join();
	return status;
}

/* ---- stop ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void take_down(void)
{
	listeners_close();
	successor_stop();
	predecessor_stop();
	doctor_stop();
	topology_stop();
	uv_walk(&loop, close_handle, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	snapshot_drop();
	security_stop();
	vault_close();
}

/* Everything, with the logs open. */
static int serve_logged(void)
{
	char error[1024];
	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	vault_open();
	if (!security_start(&options.settings, error, sizeof error))
		return cannot_run(error);
	uv_loop_init(&loop);
	int status;
	if (topology_start(&loop, &options) != 0) {
		status = cannot_run("cannot start the monitors: out of memory or of threads");
	} else if (options.check) {
		topology_wait_first(options.settings.connect_timeout * 2, error, sizeof error);
		status = doctor_report(&loop) ? 1 : 0;
	} else {
		watch_signals();
		successor_init(&loop);
		sockets_give_systemd();
		status = run();
	}
	take_down();
	config_stop();
	return status;
}

int serve(int argc, char **argv)
{
	char error[1024];
	signal(SIGUSR2, SIG_IGN); /* until it can be answered */
	if (!predecessor_begin(&argc, &argv, error, sizeof error))
		return cannot_run(error);
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_OK:
		break;
	case OPTIONS_EXIT:
		return 0;
	case OPTIONS_USAGE:
		return 2;
	}
	predecessor_configure(&options);
	if (!config_start(&options, topology_configure, error, sizeof error)) {
		cannot_run(error);
		return 2;
	}
	log_configure(&options.settings);
	log_thread_name("control");
	if (!log_open_files(&options.settings, error, sizeof error))
		return cannot_run(error);
	log_start();
	int status = serve_logged();
	log_info("stopped", "status=%d", status);
	log_stop();
	return status;
}
