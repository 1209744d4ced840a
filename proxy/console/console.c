#include "proxy/console/console.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/ok.h"
#include "proxy/config/config_change.h"
#include "proxy/console/console_catalog.h"
#include "proxy/console/console_login.h"
#include "proxy/console/console_session.h"
#include "proxy/console/console_table.h"
#include "proxy/control_call.h"
#include "proxy/doctor/doctor.h"
#include "proxy/failover/changes.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/peer_user.h"
#include "proxy/security.h"
#include "proxy/upgrade/sockets.h"

#define CLIENTS_MAX 100
#define BACKLOG 64
#define LOGIN_MS 10000
#define WRITE_MS 60000 /* a client that takes nothing for so long is given up */
#define DENIAL_MS 500 /* until a refused login hears of it: guessing takes time */
#define READ_SIZE (64u << 10)
#define FIRST_ID 1000000000u /* far from the ids of the sessions that wye relays */

/* TCP or Unix socket. */
union stream {
	uv_handle_t handle;
	uv_stream_t stream;
	uv_tcp_t tcp;
	uv_pipe_t pipe;
};

struct door {
	union stream uv;
	bool is_unix;
	char path[256]; /* of a Unix socket */
};

/* One client. Closed by client_close(), freed when both handles' close callbacks have run. */
struct client {
	union stream uv;
	uv_timer_t timer;
	uv_write_t write;
	bool writing, closing, is_unix, is_owner, was_delayed;
	int open_handles;
	struct console_session *session; /* NULL: refused, only the refusal is sent */
	struct buf refusal;
	struct transport_tls *tls; /* NULL: the bytes go as they are */
	struct buf cipher;         /* what is sent, with TLS */
	TAILQ_ENTRY(client) link;
};

static uv_loop_t *loop;
static struct console_catalog *catalog;
static struct door *doors[OPTIONS_LISTEN_MAX];
static size_t n_doors;
static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned n_clients;
static uint32_t next_id = FIRST_ID;
static char read_buffer[READ_SIZE]; /* one read at a time on this thread */
static uint8_t plain_buffer[READ_SIZE], cipher_buffer[READ_SIZE];

/* ---- clients ---- */

static void on_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	if (--c->open_handles)
		return;
	console_session_destroy(c->session);
	buf_finish(&c->refusal);
	buf_finish(&c->cipher);
	transport_tls_destroy(c->tls);
	free(c);
}

static void client_close(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	TAILQ_REMOVE(&clients, c, link);
	n_clients--;
	uv_close(&c->uv.handle, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_late(uv_timer_t *timer)
{
	client_close(timer->data);
}

/* ---- TLS ---- */

/* False: it is broken, or the client has ended it. */
static bool decrypt(struct client *c, struct view cipher)
{
	for (;;) {
		size_t n = 0;
		enum transport_tls_result got = transport_tls_read(c->tls, &cipher, plain_buffer, sizeof plain_buffer, &n);
		if (n && !console_session_feed(c->session, plain_buffer, n))
			return false;
		if (got == TRANSPORT_TLS_FULL || (got == TRANSPORT_TLS_OK && cipher.len))
			continue;
		return got == TRANSPORT_TLS_OK;
	}
}

/* All that is to be said, the layer's own words too. */
static bool encrypt(struct client *c, struct buf *out)
{
	struct view plain = {buf_data(out), buf_len(out)};
	for (;;) {
		size_t n = 0;
		enum transport_tls_result got =
			transport_tls_write(c->tls, &plain, cipher_buffer, sizeof cipher_buffer, &n);
		if (n && !buf_append(&c->cipher, cipher_buffer, n))
			return false;
		if (got == TRANSPORT_TLS_FULL)
			continue;
		buf_reset(out);
		return got == TRANSPORT_TLS_OK || (got == TRANSPORT_TLS_WAIT && !plain.len);
	}
}

/* The client has asked for it; what came behind that belongs to it. */
static bool begin_tls(struct client *c)
{
	struct buf *in = &c->session->in;
	c->session->wants_tls = false;
	c->tls = security_begin_client();
	if (!c->tls)
		return false;
	struct buf early = *in;
	buf_init(in, 2 * CONSOLE_COMMAND_MAX);
	bool fine = decrypt(c, (struct view){buf_data(&early), buf_len(&early)});
	buf_finish(&early);
	return fine;
}

/* Bytes of the client: false when it is to be closed. */
static bool take_bytes(struct client *c, const void *data, size_t n)
{
	bool fine = c->tls ? decrypt(c, (struct view){data, n}) : console_session_feed(c->session, data, n);
	if (!fine)
		return false;
	console_session_run(c->session);
	if (!c->session->wants_tls)
		return true;
	if (!begin_tls(c))
		return false;
	console_session_run(c->session);
	return true;
}

static struct buf *output_of(struct client *c)
{
	return c->session ? &c->session->out : &c->refusal;
}

static void client_arm(struct client *c);

static void on_written(uv_write_t *write, int status)
{
	struct client *c = write->data;
	c->writing = false;
	if (c->closing)
		return;
	if (status < 0) {
		client_close(c);
		return;
	}
	buf_reset(c->tls ? &c->cipher : output_of(c));
	if (c->session)
		console_session_run(c->session);
	client_arm(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)handle, (void)suggested;
	*out = uv_buf_init(read_buffer, sizeof read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
{
	struct client *c = stream->data;
	if (n < 0 || !take_bytes(c, data->base, (size_t)n)) {
		client_close(c);
		return;
	}
	client_arm(c);
}

/* True when it reads from now on, or did already. */
static bool listen_to(struct client *c)
{
	int failed = uv_read_start(&c->uv.stream, on_alloc, on_read);
	return !failed || failed == UV_EALREADY;
}

static void on_delayed(uv_timer_t *timer)
{
	client_arm(timer->data);
}

/* Either something is being sent, or the client is listened to: never both, so that answers do not pile up. */
static void client_arm(struct client *c)
{
	struct buf *out = output_of(c);
	if (c->writing)
		return;
	bool ends = !c->session || c->session->state == CONSOLE_CLOSING;
	if (c->session && c->session->denied && !c->was_delayed) {
		c->was_delayed = true;
		uv_read_stop(&c->uv.stream);
		uv_timer_start(&c->timer, on_delayed, DENIAL_MS, 0);
	} else if (c->tls && (buf_len(out) || transport_tls_pending(c->tls)) && !encrypt(c, out)) {
		client_close(c);
	} else if (buf_len(c->tls ? &c->cipher : out)) {
		if (c->tls)
			out = &c->cipher;
		uv_buf_t data = uv_buf_init((char *)buf_data(out), (unsigned)buf_len(out));
		uv_read_stop(&c->uv.stream);
		c->writing = uv_write(&c->write, &c->uv.stream, &data, 1, on_written) == 0;
		if (!c->writing)
			client_close(c);
		else
			uv_timer_start(&c->timer, on_late, WRITE_MS, 0);
	} else if (ends || !listen_to(c)) {
		client_close(c);
	} else if (c->session->state == CONSOLE_READY) {
		uv_timer_stop(&c->timer);
	} else {
		uv_timer_start(&c->timer, on_late, LOGIN_MS, 0);
	}
}

/* ---- who may come in ---- */

/* The user who may come in while there are no accounts, by name if it has one. */
static void name_owner(char *out, size_t size)
{
	struct passwd entry, *found = NULL;
	char texts[1024];
	uid_t user = geteuid();
	if (getpwuid_r(user, &entry, texts, sizeof texts, &found) == 0 && found)
		snprintf(out, size, "'%.64s'", found->pw_name);
	else
		snprintf(out, size, "number %u", (unsigned)user);
}

/* Of a client over TCP whose address cannot be told: ::, which is nobody's. */
static struct address address_of(struct client *c)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
	int len = sizeof peer;
	char text[INET6_ADDRSTRLEN] = "::";
	struct address a = {.local = c->is_unix};
	if (!c->is_unix && uv_tcp_getpeername(&c->uv.tcp, (struct sockaddr *)&peer, &len) == 0)
		uv_ip_name((struct sockaddr *)&peer, text, sizeof text);
	if (!c->is_unix && !address_parse(&a, text))
		a = (struct address){.local = false};
	return a;
}

static bool refuse_stranger(struct buf *refusal)
{
	char owner[80];
	uint8_t seq = 0;
	name_owner(owner, sizeof owner);
	return err_write(refusal, &seq, 0, 1130, "HY000",
			 "wye's console has no admin accounts, and until then takes only the Unix user who runs wye, %s, on "
			 "this machine: connect so and create one, INSERT INTO admins(name, password) VALUES('...', '...')",
			 owner);
}

/* Writes the refusal and returns false when the client may not come in. */
static bool is_welcome(struct client *c)
{
	uint8_t seq = 0;
	uv_os_fd_t fd;
	bool written = true;
	struct address address = address_of(c);
	c->is_owner = uv_fileno(&c->uv.handle, &fd) == 0 && peer_is_owner(fd);
	if (!c->is_owner && !console_has_admins())
		written = refuse_stranger(&c->refusal);
	else if (console_is_guessing(&address))
		written = err_write(&c->refusal, &seq, 0, 1129, "HY000",
				    "Your address is blocked because of too many wrong passwords (login_failures_max); try "
				    "again later, or use a Unix socket");
	else if (n_clients > CLIENTS_MAX)
		written = err_write(&c->refusal, &seq, 0, 1040, "08004",
				    "wye's console has %d clients already: close one", CLIENTS_MAX);
	(void)written; /* a refusal fits */
	return !buf_len(&c->refusal);
}

static int stream_init(union stream *s, bool is_unix)
{
	return is_unix ? uv_pipe_init(loop, &s->pipe, 0) : uv_tcp_init(loop, &s->tcp);
}

static struct client *client_create(bool is_unix)
{
	struct client *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	if (stream_init(&c->uv, is_unix) != 0) {
		free(c);
		return NULL;
	}
	uv_timer_init(loop, &c->timer);
	buf_init(&c->refusal, 1024);
	buf_init(&c->cipher, CONSOLE_ANSWER_MAX + CONSOLE_ANSWER_MAX / 64 + READ_SIZE);
	c->is_unix = is_unix;
	c->open_handles = 2;
	c->uv.handle.data = c->timer.data = c->write.data = c;
	TAILQ_INSERT_TAIL(&clients, c, link);
	n_clients++;
	return c;
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct door *d = stream->data;
	struct client *c = status < 0 ? NULL : client_create(d->is_unix);
	if (!c)
		return;
	if (uv_accept(stream, &c->uv.stream) != 0) {
		client_close(c);
		return;
	}
	if (!c->is_unix)
		uv_tcp_nodelay(&c->uv.tcp, 1);
	if (is_welcome(c))
		c->session = console_session_create(catalog, next_id++, !c->is_unix && security_offers_tls());
	if (c->session) {
		c->session->owner = c->is_owner;
		c->session->by_unix = c->is_unix;
		c->session->address = address_of(c);
	}
	client_arm(c);
}

/* ---- listening ---- */

static void on_door_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int refuse(char *error, size_t n, const char *name, int failed)
{
	snprintf(error, n, "cannot listen on %s: %s", name, uv_strerror(failed));
	return failed;
}

static int door_on(int fd, const struct endpoint *at, char *error, size_t n)
{
	char name[280];
	endpoint_format(at, name, sizeof name);
	struct door *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->is_unix = at->host[0] == '/';
	int failed = stream_init(&d->uv, d->is_unix);
	if (failed) {
		free(d);
		close(fd);
		return refuse(error, n, name, failed);
	}
	d->uv.handle.data = d;
	doors[n_doors++] = d;
	if (d->is_unix) {
		snprintf(d->path, sizeof d->path, "%s", at->host);
		chmod(d->path, 0600); /* its owner's; whom he lets in beside, by other rights, needs an account */
	}
	failed = d->is_unix ? uv_pipe_open(&d->uv.pipe, fd) : uv_tcp_open(&d->uv.tcp, fd);
	if (failed)
		close(fd);
	else
		failed = uv_listen(&d->uv.stream, BACKLOG, on_connection);
	return failed ? refuse(error, n, name, failed) : 0;
}

static int door_open(const struct endpoint *at, char *error, size_t n)
{
	int fd = listener_socket(at, "admin", error, n);
	return fd < 0 ? UV_EADDRINUSE : door_on(fd, at, error, n);
}

static int doors_open(const struct options *options, char *error, size_t n)
{
	int failed = 0, fd;
	char name[SOCKET_NAME_MAX];
	struct endpoint at;
	bool given = sockets_have(SOCKET_ADMIN), defaults = !options->admin_by_hand;
	for (size_t i = 0; !failed && i < options->n_admin && !(given && defaults); i++)
		failed = door_open(&options->admin[i], error, n);
	while (!failed && n_doors < OPTIONS_LISTEN_MAX && (fd = sockets_take_next(SOCKET_ADMIN, &at, name)) >= 0)
		failed = door_on(fd, &at, error, n);
	return failed;
}

/* Sessions that wait are run again. */
static void wake_waiting(void)
{
	struct client *c, *next;
	for (c = TAILQ_FIRST(&clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->session && c->session->waits && !c->writing && !c->closing) {
			console_session_run(c->session);
			client_arm(c);
		}
	}
}

int console_start(uv_loop_t *loop_given, const struct options *options, char *error, size_t n)
{
	loop = loop_given;
	catalog = console_catalog_create(config_db(), error, n);
	if (!catalog)
		return UV_ENOMEM;
	int failed = control_call_start(loop);
	if (!failed)
		failed = doctor_start(loop, wake_waiting);
	if (!failed)
		failed = changes_start(loop, wake_waiting);
	if (failed)
		snprintf(error, n, "the console cannot start: %s", uv_strerror(failed));
	if (!failed)
		failed = doors_open(options, error, n);
	if (failed)
		console_stop();
	return failed;
}

void console_leave(void)
{
	for (size_t i = 0; i < n_doors; i++) {
		if (*doors[i]->path)
			sockets_remove_file(doors[i]->path);
		uv_close(&doors[i]->uv.handle, on_door_closed);
	}
	n_doors = 0;
}

void console_stop(void)
{
	if (!catalog)
		return;
	console_leave();
	struct client *c;
	while ((c = TAILQ_FIRST(&clients)))
		client_close(c);
	doctor_stop();
	control_call_stop(); /* a change that goes on asks no more */
	changes_stop();
	console_catalog_destroy(catalog); /* sqlite keeps it until the last session's statements are gone */
	catalog = NULL;
}
