/*
 * One stream connection, a client's or a server's: bytes in as a view, bytes out at once or queued; TLS and compression
 * beneath.
 *
 * Input. What was read lies in the worker's one read buffer and is offered to the owner as a view; what the owner does
 * not consume before its callback returns is kept in a buffer of the connection. An idle connection holds no buffer.
 *
 * Output. conn_send offers bytes to the socket at once; only what the socket does not take is kept and sent when it can
 * be. conn_is_full says that enough is queued: whoever fills it stops reading its source until `run` is called again.
 *
 * Owned by one worker; every function is that worker's thread's.
 */
#ifndef WYE_PROXY_CONN_H
#define WYE_PROXY_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "protocol/buf.h"
#include "protocol/compress.h"
#include "protocol/transport_tls.h"

struct conn;
struct worker;

struct conn_ops {
	void (*run)(struct conn *c);    /* new input, room for output, the end or an error: look at everything */
	void (*closed)(struct conn *c); /* the handle is gone: free what embeds the connection */
};

struct conn {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	struct worker *worker;
	const struct conn_ops *ops;
	struct transport_tls *tls;      /* NULL: the bytes go as they are */
	struct conn_packed *packed;     /* the compressed protocol above TLS; NULL: packets go as they are */
	const uint8_t *view;            /* unread input; in the worker's buffer or in `in` */
	size_t view_len;
	struct buf in;                  /* input kept from earlier */
	struct buf out;                 /* output kept for later */
	struct buf cipher;              /* TLS: input kept undecrypted while reading was off */
	size_t sending;                 /* bytes in a write that libuv has */
	int error;                      /* the first UV_E*, UV_EOF when the peer closed; 0 while all is well */
	bool reading, closing, opened, view_kept;
	bool corked;                    /* output is kept until conn_uncork */
	bool more_plain;                /* TLS, compression: bytes may be left while reading is off */
};

#define CONN_OUT_HIGH (64u << 10) /* queued bytes from which conn_is_full */

/* Takes an open socket (accepted). `in_max` bounds what may be kept unread. 0 or UV_E* (the fd is closed then). */
int conn_open(struct conn *c, struct worker *w, int fd, bool unix_socket, size_t in_max, const struct conn_ops *ops);

/* Begins to connect; `connected` is called with 0 or UV_E*. */
int conn_connect(struct conn *c, struct worker *w, const struct sockaddr *address, size_t in_max,
		 const struct conn_ops *ops, void (*connected)(struct conn *c, int status));

/* Unread input; valid until bytes are consumed or the callback returns. */
static inline const uint8_t *conn_input(const struct conn *c, size_t *len)
{
	*len = c->view_len;
	return c->view;
}

void conn_consume(struct conn *c, size_t n);

/* Sends in order. False when the connection is broken or the bound would be passed (then it is marked broken). */
bool conn_send(struct conn *c, const void *data, size_t n);
bool conn_sendv(struct conn *c, const uv_buf_t *parts, unsigned n);

/* Keeps what is sent from here on until it is uncorked, so that it goes with one call to the kernel. */
void conn_cork(struct conn *c);
void conn_uncork(struct conn *c); /* a failure shows in `error`, and the owner is run */

static inline size_t conn_queued(const struct conn *c)
{
	return c->sending + buf_len(&c->out);
}

static inline bool conn_is_full(const struct conn *c)
{
	return conn_queued(c) >= CONN_OUT_HIGH;
}

static inline bool conn_is_broken(const struct conn *c)
{
	return c->error != 0 || c->closing;
}

void conn_set_reading(struct conn *c, bool on);

/* Something has come that was not read yet: bytes, or the end. One call to the kernel. */
bool conn_has_news(const struct conn *c);

/* Bytes, or the end, lie in the socket unread. One call to the kernel. */
bool conn_socket_has_news(const struct conn *c);

/* From here on the bytes are TLS; unread input is taken as its first bytes. Takes ownership. */
bool conn_start_tls(struct conn *c, struct transport_tls *tls);

/* The first flight of a TLS client. */
bool conn_tls_begin(struct conn *c);

/* From here on both sides speak the compressed protocol. */
bool conn_start_compression(struct conn *c, enum compress_algorithm algorithm, int level)
	__attribute__((warn_unused_result));

/* The compressed protocol has numbers of its own, which begin anew with every command: what is sent next begins one, or
 * answers one. `to_the_last`: the command ends with what was read last; false when more commands have come behind it. */
void conn_command_begins(struct conn *c);
void conn_answer_begins(struct conn *c, bool to_the_last);

/* As conn_sendv and conn_send, for parts that each hold whole commands. */
bool conn_send_commands(struct conn *c, const uv_buf_t *parts, unsigned n);
bool conn_send_command(struct conn *c, const void *data, size_t n);

/* Nothing of it is in this process, neither read nor to be written, and it is as plain as its socket: another process may
 * go on with that. */
bool conn_can_move(const struct conn *c);
/* Another one of its socket, or -1. */
int conn_copy_socket(const struct conn *c);
enum compress_algorithm conn_compression(const struct conn *c, int *level);

/* Sends what is queued as far as the socket takes it at once, then closes. Safe to call twice. */
void conn_close(struct conn *c);

/* Worker's hook: feeds bytes that were left in the layers when reading was turned off. */
void conn_pump(struct conn *c);

#endif
