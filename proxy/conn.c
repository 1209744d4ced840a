#include "proxy/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/conn_packed.h"
#include "proxy/worker.h"

#define OUT_MAX (64u << 20) /* far above CONN_OUT_HIGH: only one large statement may come near it */

#define CIPHER_MAX (1u << 20)

struct sending {
	uv_write_t request;
	struct conn *conn;
	struct buf bytes;
};

static void send_queued(struct conn *c);

void conn_fail(struct conn *c, int error)
{
	if (!c->error)
		c->error = error;
}

static void prepare(struct conn *c, struct worker *w, size_t in_max, const struct conn_ops *ops)
{
	c->worker = w;
	c->ops = ops;
	c->uv.handle.data = c;
	buf_init(&c->in, in_max);
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->cipher, CIPHER_MAX);
}

int conn_open(struct conn *c, struct worker *w, int fd, bool unix_socket, size_t in_max, const struct conn_ops *ops)
{
	prepare(c, w, in_max, ops);
	int failed = unix_socket ? uv_pipe_init(&w->loop, &c->uv.pipe, 0) : uv_tcp_init(&w->loop, &c->uv.tcp);
	if (failed) {
		close(fd);
		return failed;
	}
	c->opened = true;
	failed = unix_socket ? uv_pipe_open(&c->uv.pipe, fd) : uv_tcp_open(&c->uv.tcp, fd);
	if (failed) {
		close(fd);
		return failed;
	}
	if (!unix_socket)
		uv_tcp_nodelay(&c->uv.tcp, 1);
	return 0;
}

struct connecting {
	uv_connect_t request;
	struct conn *conn;
	void (*connected)(struct conn *, int);
};

static void on_connected(uv_connect_t *request, int status)
{
	struct connecting *k = (struct connecting *)request;
	struct conn *c = k->conn;
	void (*connected)(struct conn *, int) = k->connected;
	free(k);
	if (status == 0 && c->uv.handle.type == UV_TCP) {
		uv_tcp_nodelay(&c->uv.tcp, 1);
		uv_tcp_keepalive(&c->uv.tcp, 1, 30);
	}
	if (status)
		conn_fail(c, status);
	if (!c->closing)
		connected(c, status);
}

int conn_connect(struct conn *c, struct worker *w, const struct sockaddr *address, size_t in_max,
		 const struct conn_ops *ops, void (*connected)(struct conn *c, int status))
{
	prepare(c, w, in_max, ops);
	bool unix_socket = address->sa_family == AF_UNIX;
	int failed = unix_socket ? uv_pipe_init(&w->loop, &c->uv.pipe, 0) : uv_tcp_init(&w->loop, &c->uv.tcp);
	if (failed)
		return failed;
	c->opened = true;
	struct connecting *k = malloc(sizeof *k);
	if (!k)
		return UV_ENOMEM;
	k->conn = c;
	k->connected = connected;
	if (unix_socket) {
		uv_pipe_connect(&k->request, &c->uv.pipe, ((const struct sockaddr_un *)address)->sun_path,
				on_connected);
		return 0;
	}
	failed = uv_tcp_connect(&k->request, &c->uv.tcp, address, on_connected);
	if (failed)
		free(k);
	return failed;
}

/* ---- input ---- */

/* Keeps what the owner has not consumed, since the worker's buffer is about to be used by others. */
static void keep_rest(struct conn *c)
{
	if (!c->view_len || c->view_kept)
		return;
	if (!buf_append(&c->in, c->view, c->view_len)) {
		conn_fail(c, UV_ENOBUFS);
		c->view_len = 0;
		c->ops->run(c);
		return;
	}
	c->view = buf_data(&c->in);
	c->view_kept = true;
}

/* New bytes from one of the worker's buffers: the owner sees them behind what was kept. */
void conn_offer(struct conn *c, const uint8_t *data, size_t n)
{
	if (c->view_kept) {
		if (!buf_append(&c->in, data, n)) {
			conn_fail(c, UV_ENOBUFS);
			c->ops->run(c);
			return;
		}
		c->view = buf_data(&c->in);
		c->view_len = buf_len(&c->in);
	} else {
		c->view = data;
		c->view_len = n;
	}
	c->ops->run(c);
	if (!c->closing)
		keep_rest(c);
}

/* Bytes as they lie above TLS. */
static void deliver(struct conn *c, const uint8_t *data, size_t n)
{
	if (c->packed)
		conn_packed_read(c, data, n);
	else
		conn_offer(c, data, n);
}

void conn_consume(struct conn *c, size_t n)
{
	assert(n <= c->view_len);
	c->view += n;
	c->view_len -= n;
	if (c->view_kept) {
		buf_consume(&c->in, n);
		c->view = c->in.base ? buf_data(&c->in) : NULL;
		c->view_kept = c->view_len > 0;
	}
	if (!c->view_len)
		c->view = NULL;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct conn *c = handle->data;
	*buf = uv_buf_init((char *)c->worker->read_buffer, WORKER_READ_BUFFER);
}

static bool send_cipher(struct conn *c, struct view *plain);

/* Ciphertext that was not decrypted, because the owner stopped reading, is kept as it is. */
static void keep_cipher(struct conn *c, struct view rest, bool kept)
{
	if (kept)
		buf_consume(&c->cipher, buf_len(&c->cipher) - rest.len);
	else if (rest.len && !buf_append(&c->cipher, rest.p, rest.len))
		conn_fail(c, UV_ENOBUFS);
	c->more_plain = true;
}

/* Decrypts what can be and offers it piece by piece, while the owner wants to read. */
static void read_plain(struct conn *c, struct view cipher, bool kept)
{
	for (;;) {
		if (c->closing || c->error)
			return;
		if (!c->reading) {
			keep_cipher(c, cipher, kept);
			return;
		}
		size_t n = 0;
		bool was_ready = transport_tls_is_ready(c->tls);
		enum transport_tls_result got =
			transport_tls_read(c->tls, &cipher, c->worker->plain_buffer, WORKER_READ_BUFFER, &n);
		if (transport_tls_pending(c->tls) && !send_cipher(c, &(struct view){NULL, 0}))
			got = TRANSPORT_TLS_FAILED;
		/* A handshake that ended without a byte for the owner is news all the same. */
		if (n)
			deliver(c, c->worker->plain_buffer, n);
		else if (!was_ready && transport_tls_is_ready(c->tls))
			c->ops->run(c);
		if (got == TRANSPORT_TLS_FULL)
			continue;
		if (got == TRANSPORT_TLS_OK && cipher.len)
			continue;
		if (c->closing)
			return;
		if (kept)
			buf_consume(&c->cipher, buf_len(&c->cipher) - cipher.len);
		c->more_plain = conn_packed_is_left(c);
		if (got == TRANSPORT_TLS_OK)
			return;
		conn_fail(c, got == TRANSPORT_TLS_CLOSED ? UV_EOF : UV_EPROTO);
		c->ops->run(c);
		return;
	}
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	if (nread == 0)
		return;
	c->worker->pace.events++;
	if (nread < 0) {
		conn_fail(c, (int)nread);
		uv_read_stop(stream);
		c->reading = false;
		c->ops->run(c);
	} else if (!c->tls) {
		deliver(c, (const uint8_t *)buf->base, (size_t)nread);
	} else if (!buf_len(&c->cipher)) {
		read_plain(c, (struct view){(const uint8_t *)buf->base, (size_t)nread}, false);
	} else if (buf_append(&c->cipher, buf->base, (size_t)nread)) {
		read_plain(c, (struct view){buf_data(&c->cipher), buf_len(&c->cipher)}, true);
	} else {
		conn_fail(c, UV_ENOBUFS);
		c->ops->run(c);
	}
}

void conn_pump(struct conn *c)
{
	if (!c->more_plain || !c->reading)
		return;
	c->more_plain = false;
	if (c->packed)
		conn_packed_pump(c);
	if (!c->tls || c->closing || c->error)
		return;
	if (c->reading)
		read_plain(c, (struct view){buf_data(&c->cipher), buf_len(&c->cipher)}, true);
	else
		c->more_plain = true;
}

void conn_set_reading(struct conn *c, bool on)
{
	if (c->closing || on == c->reading || (on && c->error))
		return;
	c->reading = on;
	if (on) {
		int failed = uv_read_start(&c->uv.stream, on_alloc, on_read);
		if (failed)
			conn_fail(c, failed);
	} else {
		uv_read_stop(&c->uv.stream);
	}
}

bool conn_has_news(const struct conn *c)
{
	return conn_is_broken(c) || c->view_len || conn_socket_has_news(c);
}

bool conn_socket_has_news(const struct conn *c)
{
	uv_os_fd_t fd;
	char byte;
	if (uv_fileno(&c->uv.handle, &fd) != 0)
		return true;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* ---- output ---- */

static void on_sent(uv_write_t *request, int status)
{
	struct sending *s = (struct sending *)request;
	struct conn *c = s->conn;
	c->sending = 0;
	buf_finish(&s->bytes);
	free(s);
	if (status)
		conn_fail(c, status);
	if (c->closing)
		return;
	if (buf_len(&c->out))
		send_queued(c);
	c->ops->run(c);
}

/* Gives what is queued to libuv, which watches the socket for us. */
static void send_queued(struct conn *c)
{
	if (c->sending || !buf_len(&c->out) || c->error || c->corked)
		return;
	struct sending *s = malloc(sizeof *s);
	if (!s) {
		conn_fail(c, UV_ENOMEM);
		return;
	}
	s->conn = c;
	s->bytes = c->out;
	buf_init(&c->out, OUT_MAX);
	c->sending = buf_len(&s->bytes);
	uv_buf_t part = uv_buf_init((char *)buf_data(&s->bytes), (unsigned)c->sending);
	int failed = uv_write(&s->request, &c->uv.stream, &part, 1, on_sent);
	if (failed) {
		c->sending = 0;
		buf_finish(&s->bytes);
		free(s);
		conn_fail(c, failed);
	}
}

/* Queues the parts from byte `skip` on. */
static bool queue_rest(struct conn *c, const uv_buf_t *parts, unsigned n, size_t skip)
{
	for (unsigned i = 0; i < n; i++) {
		if (skip >= parts[i].len) {
			skip -= parts[i].len;
			continue;
		}
		if (!buf_append(&c->out, parts[i].base + skip, parts[i].len - skip)) {
			conn_fail(c, UV_ENOBUFS);
			return false;
		}
		skip = 0;
	}
	send_queued(c);
	return !c->error;
}

void conn_cork(struct conn *c)
{
	c->corked = true;
}

void conn_uncork(struct conn *c)
{
	c->corked = false;
	if (conn_is_broken(c) || c->sending || !buf_len(&c->out))
		return;
	uv_buf_t part = uv_buf_init((char *)buf_data(&c->out), (unsigned)buf_len(&c->out));
	int did = uv_try_write(&c->uv.stream, &part, 1);
	if (did >= 0) {
		buf_consume(&c->out, (size_t)did);
		send_queued(c);
	} else if (did == UV_EAGAIN) {
		send_queued(c);
	} else {
		conn_fail(c, did);
	}
	if (c->error)
		c->ops->run(c);
}

static bool send_raw(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	size_t total = 0;
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	size_t sent = 0;
	if (!c->sending && !buf_len(&c->out) && !c->corked) {
		int did = uv_try_write(&c->uv.stream, parts, n);
		if (did >= 0) {
			sent = (size_t)did;
		} else if (did != UV_EAGAIN) {
			conn_fail(c, did);
			return false;
		}
	}
	return sent == total || queue_rest(c, parts, n, sent);
}

/* Encrypts all of the plain bytes, and what the TLS layer itself has to say, and sends them. */
static bool send_cipher(struct conn *c, struct view *plain)
{
	for (;;) {
		size_t n = 0;
		enum transport_tls_result got =
			transport_tls_write(c->tls, plain, c->worker->cipher_buffer, WORKER_READ_BUFFER, &n);
		uv_buf_t part = uv_buf_init((char *)c->worker->cipher_buffer, (unsigned)n);
		if (n && !send_raw(c, &part, 1))
			return false;
		if (got == TRANSPORT_TLS_FULL)
			continue;
		if (got == TRANSPORT_TLS_OK || (got == TRANSPORT_TLS_WAIT && !plain->len))
			return true;
		conn_fail(c, UV_EPROTO);
		return false;
	}
}

bool conn_send_below(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	if (!c->tls)
		return send_raw(c, parts, n);
	for (unsigned i = 0; i < n; i++) {
		struct view plain = {(const uint8_t *)parts[i].base, parts[i].len};
		if (plain.len && !send_cipher(c, &plain))
			return false;
	}
	return true;
}

bool conn_sendv(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	if (conn_is_broken(c))
		return false;
	return c->packed ? conn_packed_sendv(c, parts, n) : conn_send_below(c, parts, n);
}

bool conn_send(struct conn *c, const void *data, size_t n)
{
	uv_buf_t part = uv_buf_init((char *)(uintptr_t)data, (unsigned)n);
	return conn_sendv(c, &part, 1);
}

/* ---- to another process ---- */

bool conn_can_move(const struct conn *c)
{
	return !conn_is_broken(c) && !c->tls && !c->view_len && !conn_queued(c) && !c->corked && conn_packed_is_between(c);
}

int conn_copy_socket(const struct conn *c)
{
	uv_os_fd_t fd;
	return uv_fileno(&c->uv.handle, &fd) == 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
}

/* ---- TLS and the end ---- */

bool conn_start_tls(struct conn *c, struct transport_tls *tls)
{
	assert(!c->tls);
	c->tls = tls;
	if (c->view_len) {
		if (!buf_append(&c->cipher, c->view, c->view_len))
			return false;
		conn_consume(c, c->view_len);
		c->more_plain = true;
	}
	return true;
}

bool conn_tls_begin(struct conn *c)
{
	size_t n = 0;
	struct view nothing = {NULL, 0};
	enum transport_tls_result got =
		transport_tls_read(c->tls, &nothing, c->worker->plain_buffer, WORKER_READ_BUFFER, &n);
	return got == TRANSPORT_TLS_OK && send_cipher(c, &nothing);
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	buf_finish(&c->in);
	buf_finish(&c->out);
	buf_finish(&c->cipher);
	transport_tls_destroy(c->tls);
	c->tls = NULL;
	conn_packed_destroy(c);
	c->ops->closed(c);
}

void conn_close(struct conn *c)
{
	if (c->closing)
		return;
	c->closing = true;
	c->view = NULL;
	c->view_len = 0;
	if (!c->opened) {
		on_closed(&c->uv.handle);
		return;
	}
	uv_close(&c->uv.handle, on_closed);
}
