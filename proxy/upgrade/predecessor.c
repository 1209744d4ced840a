#include "proxy/upgrade/predecessor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <uthash.h>

#include "proxy/control_call.h"
#include "proxy/log.h"
#include "proxy/shared_position.h"
#include "proxy/upgrade/arguments.h"
#include "proxy/upgrade/channel.h"
#include "proxy/upgrade/moving_session.h"
#include "proxy/upgrade/notify.h"
#include "proxy/upgrade/passed_account.h"
#include "proxy/upgrade/session_record.h"
#include "proxy/upgrade/sockets.h"
#include "proxy/worker.h"

#define BEGIN_MS 30000u

static int channel_fd = -1;
static struct channel channel;
static struct buf config;
static bool may_go;

struct account_number {
	uint64_t there, here; /* the first is the key */
	UT_hash_handle hh;
};
static struct account_number *numbers;

/* ---- before this process begins ---- */

static bool take_socket(const struct channel_message *m)
{
	char name[SOCKET_NAME_MAX] = "";
	if (m->file < 0 || !m->data.len || m->data.len > SOCKET_NAME_MAX)
		return false;
	memcpy(name, m->data.p + 1, m->data.len - 1);
	return sockets_give(m->file, name, m->data.p[0]);
}

static bool take_arguments(struct view data, int *argc, char ***argv)
{
	if (data.len < 4 || get_u32(data.p) != CHANNEL_VERSION ||
	    !arguments_take((struct view){data.p + 4, data.len - 4}, argc, argv))
		return false;
	if (*argc && strcmp(**argv, "serve") == 0) { /* main() has seen it */
		--*argc;
		++*argv;
	}
	return true;
}

static bool take_first(const struct channel_message *m, int *argc, char ***argv)
{
	if (m->kind == CHANNEL_SOCKET)
		return take_socket(m);
	if (m->file >= 0)
		close(m->file);
	if (m->kind == CHANNEL_ARGUMENTS)
		return take_arguments(m->data, argc, argv);
	return m->kind == CHANNEL_CONFIG && buf_append(&config, m->data.p, m->data.len);
}

static bool listen_to_it(int *argc, char ***argv)
{
	struct channel_message m;
	struct buf in;
	buf_init(&in, CHANNEL_MESSAGE_MAX);
	bool fine;
	while ((fine = channel_wait(channel_fd, BEGIN_MS, &in, &m)) && m.kind != CHANNEL_BEGIN)
		if (!(fine = take_first(&m, argc, argv)))
			break;
	if (in.base)
		explicit_bzero(in.base, in.cap);
	buf_finish(&in);
	return fine;
}

bool predecessor_begin(int *argc, char ***argv, char *error, size_t error_size)
{
	const char *at = getenv(PREDECESSOR_VARIABLE);
	buf_init(&config, CHANNEL_MESSAGE_MAX);
	if (!at)
		return true;
	channel_fd = atoi(at);
	unsetenv(PREDECESSOR_VARIABLE);
	/* What a library has opened there is not for this process. */
	close_range((unsigned)channel_fd + 1, ~0u, 0);
	notify_take_over();
	if (channel_fd > 2 && listen_to_it(argc, argv))
		return true;
	snprintf(error, error_size, "cannot take over from process %ld: it says what this version does not understand",
		 (long)getppid());
	return false;
}

void predecessor_configure(struct options *options)
{
	options->config_image = (struct view){buf_data(&config), buf_len(&config)};
}

/* ---- with a loop ---- */

static void take_go(struct view data)
{
	uint32_t next[WORKERS_MAX] = {0};
	for (size_t i = 0; i < WORKERS_MAX && data.len >= (i + 1) * 4; i++)
		next[i] = get_u32(data.p + i * 4);
	workers_begin_sessions(next);
	may_go = true;
}

/* ---- what it hands over ---- */

static void take_account(struct view data)
{
	struct passed_account a;
	uint64_t there;
	if (passed_account_read(data, &there, &a)) {
		struct account_number *n = calloc(1, sizeof *n);
		if (!n)
			abort();
		n->there = there;
		n->here = account_id(&a.account);
		vault_put(n->here, &a.secret);
		HASH_ADD(hh, numbers, there, sizeof n->there, n);
	} else {
		log_warning("account-not-taken", "bytes=%zu", data.len);
	}
	OPENSSL_cleanse(&a, sizeof a);
}

static void tell(uint32_t id, bool taken)
{
	uint8_t number[4];
	put_u32(number, id);
	channel_send(&channel, taken ? CHANNEL_TAKEN : CHANNEL_REFUSED, (struct view){number, sizeof number}, -1);
}

/* The number of a session says which worker has it: it keeps both. Takes the file. */
static void take_session(struct view data, int file)
{
	struct session_record r;
	struct account_number *n = NULL;
	if (!session_record_read(data, &r)) {
		close(file);
		return;
	}
	HASH_FIND(hh, numbers, &r.account, sizeof r.account, n);
	if (!n || r.id % WORKERS_MAX >= workers_count()) {
		close(file);
		tell(r.id, false);
		return;
	}
	struct moving_session *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	buf_init(&m->record, SESSION_RECORD_MAX);
	m->id = r.id;
	m->account = n->here;
	m->file = file;
	m->worker = worker_at(r.id % WORKERS_MAX);
	if (buf_append(&m->record, data.p, data.len)) {
		worker_post(m->worker, moving_arrive, m);
	} else {
		moving_session_free(m);
		tell(r.id, false);
	}
}

/* The worker has it, or has not; it goes on when that was said. */
static void on_arrived(void *arg)
{
	struct moving_session *m = arg;
	tell(m->id, m->taken);
	if (m->taken)
		worker_post(m->worker, moving_answered, m);
	else
		moving_session_free(m);
}

bool predecessor_tell(struct moving_session *m)
{
	return control_post(on_arrived, m);
}

static void on_message(struct channel *c, const struct channel_message *m)
{
	(void)c;
	if (m->kind == CHANNEL_SESSION && m->file >= 0) {
		take_session(m->data, m->file);
		return;
	}
	if (m->file >= 0)
		close(m->file);
	if (m->kind == CHANNEL_GO && !may_go)
		take_go(m->data);
	else if (m->kind == CHANNEL_ACCOUNT)
		take_account(m->data);
}

/* If it has gone before it said GO this process has its sockets, and serves. */
static void on_end(struct channel *c)
{
	log_info("predecessor-gone", "pid=%ld", (long)getppid());
	may_go = true;
	channel_close(c);
}

bool predecessor_wait(uv_loop_t *loop)
{
	if (channel_fd < 0)
		return true;
	if (channel_open(&channel, loop, channel_fd) != 0)
		return false;
	channel.on_message = on_message;
	channel.on_end = on_end;
	uint8_t version[4];
	put_u32(version, SESSION_RECORD_VERSION);
	channel_send(&channel, CHANNEL_PREPARED, (struct view){version, sizeof version}, -1);
	while (!may_go && uv_run(loop, UV_RUN_ONCE))
		;
	return may_go;
}

void predecessor_serving(void)
{
	if (channel.open)
		shared_position_took_over();
	channel_send(&channel, CHANNEL_SERVING, (struct view){NULL, 0}, -1);
}

void predecessor_stop(void)
{
	struct account_number *n, *next;
	HASH_ITER(hh, numbers, n, next) {
		HASH_DEL(numbers, n);
		free(n);
	}
	channel_close(&channel);
	if (config.base)
		explicit_bzero(config.base, config.cap);
	buf_finish(&config);
}
