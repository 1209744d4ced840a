#include "proxy/upgrade/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sqlite3.h>
#include <uthash.h>

#include "proxy/config/config_change.h"
#include "proxy/console/console.h"
#include "proxy/control_call.h"
#include "proxy/events.h"
#include "proxy/http.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/ready.h"
#include "proxy/snapshot.h"
#include "proxy/upgrade/arguments.h"
#include "proxy/upgrade/channel.h"
#include "proxy/upgrade/moving_session.h"
#include "proxy/upgrade/notify.h"
#include "proxy/upgrade/passed_account.h"
#include "proxy/upgrade/predecessor.h"
#include "proxy/upgrade/session_record.h"
#include "proxy/upgrade/sockets.h"
#include "proxy/worker.h"

#define START_MS 120000u /* until the new process must be prepared */
#define GO_MS 20000u     /* and until it must serve then */
#define LOOK_MS 2u       /* nobody accepts meanwhile */
#define LEAVE_LOOK_MS 20u

static uv_loop_t *loop;
static enum { SERVING, STARTING, CLOSING, GOING, LEAVING } state;
static uv_process_t process;
static struct channel channel;
static uv_timer_t timer, looking;
static bool process_open;
static pid_t pid;
static bool takes_sessions;             /* it keeps them in the same form */
static uint64_t n_moved;
static struct moving_session *moving;   /* on their way */
struct told_account {
	uint64_t id; /* key */
	UT_hash_handle hh;
};
static struct told_account *told;

static void on_process_closed(uv_handle_t *handle)
{
	(void)handle;
	process_open = false;
}

/* ---- it came to nothing ---- */

static void give_up(const char *why)
{
	event_note(LOG_LEVEL_ERROR, "upgrade-failed", NULL, "%s; this process (%ld) goes on", why, (long)getpid());
	if (pid)
		kill(pid, SIGKILL);
	pid = 0;
	uv_timer_stop(&timer);
	uv_timer_stop(&looking);
	channel_close(&channel);
	if (state == CLOSING || state == GOING)
		workers_listen(true);
	config_freeze(false);
	notify_ready();
	state = SERVING;
}

static void on_late(uv_timer_t *unused)
{
	(void)unused;
	give_up(state == STARTING ? "the new process was not ready in time" : "the new process did not begin to serve in time");
}

static void on_exit_of_process(uv_process_t *p, int64_t status, int signal_number)
{
	char why[160];
	uv_close((uv_handle_t *)p, on_process_closed);
	if (p->pid != pid)
		return; /* one that was given up */
	pid = 0;
	if (state == LEAVING) {
		event_note(LOG_LEVEL_ERROR, "successor-ended", NULL, "status %lld, signal %d", (long long)status, signal_number);
		return;
	}
	if (signal_number)
		snprintf(why, sizeof why, "the new process was ended by signal %d", signal_number);
	else
		snprintf(why, sizeof why, "the new process ended with status %lld; standard error says why", (long long)status);
	give_up(why);
}

static void refuse_all(void);

static void on_channel_end(struct channel *c)
{
	(void)c;
	/* Of one that has ended its exit says more. */
	if (state != LEAVING)
		return;
	log_info("upgrade-channel-closed", "pid=%ld", (long)pid);
	refuse_all();
}

/* ---- handing over ---- */

static void answer(struct moving_session *m, bool taken)
{
	m->taken = taken;
	n_moved += taken;
	worker_post(m->worker, moving_answered, m);
}

static bool tell_account(uint64_t id)
{
	struct told_account *t = NULL;
	struct passed_account a = {.secret.empty = false};
	struct buf b;
	HASH_FIND(hh, told, &id, sizeof id, t);
	if (t)
		return true;
	struct snapshot *s = snapshot_get();
	const struct account *account = s->accounts ? account_set_by_id(s->accounts, id) : NULL;
	bool known = account && vault_get(id, &a.secret);
	if (known)
		a.account = *account;
	snapshot_unref(s);
	buf_init(&b, PASSED_ACCOUNT_MAX);
	known = known && passed_account_write(id, &a, &b);
	if (known) {
		channel_send(&channel, CHANNEL_ACCOUNT, (struct view){buf_data(&b), buf_len(&b)}, -1);
		t = calloc(1, sizeof *t);
		if (!t)
			abort();
		t->id = id;
		HASH_ADD(hh, told, id, sizeof t->id, t);
	}
	if (b.base)
		explicit_bzero(b.base, b.cap);
	buf_finish(&b);
	explicit_bzero(&a, sizeof a);
	return known;
}

static void forget_told(void)
{
	struct told_account *t, *next;
	HASH_ITER(hh, told, t, next) {
		HASH_DEL(told, t);
		free(t);
	}
}

static void refuse_all(void)
{
	struct moving_session *m, *next;
	HASH_ITER(hh, moving, m, next) {
		HASH_DEL(moving, m);
		answer(m, false);
	}
}

/* Of an account whose password was changed since nothing can be told: it stays. */
static void send_session(void *arg)
{
	struct moving_session *m = arg;
	if (state != LEAVING || !channel.open || channel.ended || !tell_account(m->account)) {
		answer(m, false);
		return;
	}
	channel_send(&channel, CHANNEL_SESSION, (struct view){buf_data(&m->record), buf_len(&m->record)}, m->file);
	m->file = -1;
	buf_finish(&m->record);
	HASH_ADD(hh, moving, id, sizeof m->id, m);
	if (channel.ended)
		refuse_all();
}

bool successor_take(struct moving_session *m)
{
	return control_post(send_session, m);
}

static void take_answer(const struct channel_message *message)
{
	struct moving_session *m = NULL;
	uint32_t id = message->data.len == 4 ? get_u32(message->data.p) : 0;
	HASH_FIND(hh, moving, &id, sizeof id, m);
	if (!m)
		return;
	HASH_DEL(moving, m);
	answer(m, message->kind == CHANNEL_TAKEN);
}

static void end_if_nobody_is_left(uv_timer_t *unused)
{
	(void)unused;
	if (workers_idle() && channel_has_sent(&channel)) {
		uv_timer_stop(&looking);
		log_info("upgrade-done", "pid=%ld successor=%ld moved=%llu", (long)getpid(), (long)pid,
			 (unsigned long long)n_moved);
		uv_stop(loop);
	}
}

static void stay_no_longer(uv_timer_t *unused)
{
	(void)unused;
	struct snapshot *s = snapshot_get();
	log_info("draining", "reason=upgrade_timeout");
	workers_drain(s->settings->drain_timeout);
	snapshot_unref(s);
}

static void leave(void)
{
	struct snapshot *s = snapshot_get();
	state = LEAVING;
	event_note(LOG_LEVEL_INFO, "upgraded", NULL, "process %ld serves, %ld finishes what it has", (long)pid, (long)getpid());
	notify_upgraded(pid);
	sockets_passed_on();
	ready_set_draining(true);
	listeners_close();
	console_leave();
	http_leave();
	if (takes_sessions)
		workers_leave();
	else
		log_info("upgrade-sessions-stay", "reason=\"the new process keeps sessions in another form\"");
	uv_timer_start(&timer, stay_no_longer, s->settings->upgrade_timeout / 1000, 0);
	uv_timer_start(&looking, end_if_nobody_is_left, LEAVE_LOOK_MS, LEAVE_LOOK_MS);
	snapshot_unref(s);
}

static void say_go(uv_timer_t *unused)
{
	(void)unused;
	struct buf b;
	uint32_t next[WORKERS_MAX] = {0};
	if (!workers_next_sessions(next))
		return;
	uv_timer_stop(&looking);
	buf_init(&b, sizeof next);
	bool written = true;
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		written = written && write_u32(&b, next[i]);
	state = GOING;
	channel_send(&channel, CHANNEL_GO, (struct view){buf_data(&b), written ? buf_len(&b) : 0}, -1);
	buf_finish(&b);
	uv_timer_start(&timer, on_late, GO_MS, 0);
}

static void on_message(struct channel *c, const struct channel_message *m)
{
	(void)c;
	if (m->file >= 0)
		close(m->file);
	if (m->kind == CHANNEL_PREPARED && state == STARTING) {
		takes_sessions = m->data.len == 4 && get_u32(m->data.p) == SESSION_RECORD_VERSION;
		state = CLOSING;
		workers_listen(false);
		uv_timer_start(&looking, say_go, 0, LOOK_MS);
	} else if (m->kind == CHANNEL_SERVING && state == GOING) {
		uv_timer_stop(&timer);
		leave();
	} else if (m->kind == CHANNEL_TAKEN || m->kind == CHANNEL_REFUSED) {
		take_answer(m);
	}
}

/* ---- the start ---- */

static void send_sockets(void)
{
	for (size_t i = 0; i < sockets_count(); i++) {
		const struct listening_socket *s = sockets_at(i);
		uint8_t text[1 + SOCKET_NAME_MAX] = {s->foreign};
		size_t len = strlen(s->name);
		int copy = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0)
			continue; /* the new process opens it itself, and says so if it cannot */
		memcpy(text + 1, s->name, len);
		channel_send(&channel, CHANNEL_SOCKET, (struct view){text, 1 + len}, copy);
	}
}

static bool send_what_it_needs(void)
{
	struct view arguments = arguments_told();
	struct buf b;
	sqlite3_int64 size = 0;
	buf_init(&b, CHANNEL_MESSAGE_MAX);
	bool written = write_u32(&b, CHANNEL_VERSION) && write_bytes(&b, arguments.p, arguments.len);
	if (written)
		channel_send(&channel, CHANNEL_ARGUMENTS, (struct view){buf_data(&b), buf_len(&b)}, -1);
	if (b.base)
		explicit_bzero(b.base, b.cap);
	buf_finish(&b);
	uint8_t *image = config_image(&size);
	if (image)
		channel_send(&channel, CHANNEL_CONFIG, (struct view){image, (size_t)size}, -1);
	if (image)
		explicit_bzero(image, (size_t)size);
	sqlite3_free(image);
	send_sockets();
	channel_send(&channel, CHANNEL_BEGIN, (struct view){NULL, 0}, -1);
	return written;
}

/* The caller's environment, and where the channel is. */
static char **environment(char *channel_at)
{
	size_t n = 0;
	while (environ[n])
		n++;
	char **list = calloc(n + 2, sizeof *list);
	if (!list)
		abort();
	memcpy(list, environ, n * sizeof *list);
	list[n] = channel_at;
	return list;
}

/* 0 or UV_E*. */
static int spawn(int theirs)
{
	char channel_at[] = PREDECESSOR_VARIABLE "=3"; /* behind standard error */
	char **env = environment(channel_at), **argv = arguments_shown();
	uv_stdio_container_t files[4];
	for (int i = 0; i < 3; i++)
		files[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = i};
	files[3] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = theirs};
	uv_process_options_t options = {
		.exit_cb = on_exit_of_process, .file = argv[0], .args = argv, .env = env, .stdio_count = 4, .stdio = files};
	int failed = uv_spawn(loop, &process, &options);
	process_open = true;
	if (failed)
		uv_close((uv_handle_t *)&process, on_process_closed);
	else
		uv_unref((uv_handle_t *)&process);
	free(env);
	return failed;
}

static const char *unable(void)
{
	if (getpid() == 1)
		return "this is process 1, with which all others end";
	if (state != SERVING)
		return state == LEAVING ? "this process is leaving" : "one is under way";
	if (channel.open || channel.closing || process_open)
		return "the one before has not ended yet";
	if (ready_is_draining())
		return "this process is stopping";
	return config_freeze(true) ? NULL : "the configuration is being changed: COMMIT or ROLLBACK first";
}

void successor_start(void)
{
	const char *why = unable();
	int ends[2] = {-1, -1};
	if (why) {
		log_warning("upgrade-refused", "reason=\"%s\"", why);
		return;
	}
	int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0 ? -errno : 0;
	if (!failed)
		failed = spawn(ends[1]);
	if (ends[1] >= 0)
		close(ends[1]);
	if (failed && ends[0] >= 0)
		close(ends[0]);
	if (!failed) {
		pid = process.pid;
		failed = channel_open(&channel, loop, ends[0]);
		channel.on_message = on_message;
		channel.on_end = on_channel_end;
	}
	state = STARTING;
	if (failed) {
		char text[200];
		snprintf(text, sizeof text, "cannot start %.100s: %s", arguments_shown()[0], uv_strerror(failed));
		give_up(text);
		return;
	}
	event_note(LOG_LEVEL_INFO, "upgrade", NULL, "process %ld is started to take over from %ld", (long)pid, (long)getpid());
	notify_upgrading();
	uv_timer_start(&timer, on_late, START_MS, 0);
	if (!send_what_it_needs())
		give_up("the command line is too long");
}

bool successor_serves(void)
{
	return state == LEAVING;
}

void successor_init(uv_loop_t *loop_given)
{
	loop = loop_given;
	uv_timer_init(loop, &timer);
	uv_timer_init(loop, &looking);
}

void successor_cancel(void)
{
	if (state != SERVING && state != LEAVING)
		give_up("this process was told to stop");
}

void successor_stop(void)
{
	struct moving_session *m, *next;
	successor_cancel();
	HASH_ITER(hh, moving, m, next) { /* the workers are gone */
		HASH_DEL(moving, m);
		moving_session_free(m);
	}
	forget_told();
	channel_close(&channel);
}
