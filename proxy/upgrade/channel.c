#include "proxy/upgrade/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define PART_MAX 32768u
#define PART_HEAD 2u
#define PARTS_AT_ONCE 64u /* so that the loop's other work is not kept waiting */

struct channel_part {
	STAILQ_ENTRY(channel_part) link;
	int file;
	size_t len;
	uint8_t bytes[];
};

/* ---- parts ---- */

static void part_free(struct channel_part *p)
{
	if (p->file >= 0)
		close(p->file);
	OPENSSL_cleanse(p->bytes, p->len);
	free(p);
}

/* 0, or -1 with errno. */
static int part_send(int fd, const struct channel_part *p)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec bytes = {(void *)(uintptr_t)p->bytes, p->len};
	struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1};
	if (p->file >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof control.room;
		control.head = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(&control.head), &p->file, sizeof(int));
	}
	ssize_t did;
	do
		did = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (did < 0 && errno == EINTR);
	return did < 0 ? -1 : 0;
}

static void close_all(int *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(files[i]);
}

/* Its length, 0 at the end of the channel, -1 with errno. More files than one, or a part that is cut, is no part. */
static ssize_t part_receive(int fd, uint8_t *part, int *file)
{
	enum { FILES = 4 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FILES * sizeof(int))];
	} control;
	struct iovec bytes = {part, PART_MAX};
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
	ssize_t n;
	*file = -1;
	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int files[FILES];
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || count > FILES)
			continue;
		memcpy(files, CMSG_DATA(c), count * sizeof(int));
		if (count == 1 && *file < 0)
			*file = files[0];
		else
			close_all(files, count);
	}
	if (n && (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || n < (ssize_t)PART_HEAD)) {
		if (*file >= 0)
			close(*file);
		*file = -1;
		return 0;
	}
	return n;
}

static void forget(struct buf *in)
{
	if (in->base)
		OPENSSL_cleanse(in->base, in->cap);
	buf_finish(in);
}

enum taken { PART_MORE, PART_WHOLE, PART_BAD };

/* Adds a part to the message; a file comes with its last only. */
static enum taken part_take(struct buf *in, const uint8_t *part, size_t len, int file)
{
	bool last = part[1];
	if (!buf_append(in, part + PART_HEAD, len - PART_HEAD) || (file >= 0 && !last))
		return PART_BAD;
	return last ? PART_WHOLE : PART_MORE;
}

bool channel_wait(int fd, unsigned timeout_ms, struct buf *in, struct channel_message *m)
{
	static uint8_t part[PART_MAX];
	forget(in);
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready;
		do
			ready = poll(&p, 1, (int)timeout_ms);
		while (ready < 0 && errno == EINTR);
		int file = -1;
		ssize_t n = ready > 0 ? part_receive(fd, part, &file) : 0;
		enum taken got = n > 0 ? part_take(in, part, (size_t)n, file) : PART_BAD;
		if (got == PART_BAD && file >= 0)
			close(file);
		if (got == PART_WHOLE)
			*m = (struct channel_message){(enum channel_kind)part[0], {buf_data(in), buf_len(in)}, file};
		OPENSSL_cleanse(part, sizeof part);
		if (got != PART_MORE)
			return got == PART_WHOLE;
	}
}

/* ---- on a loop ---- */

static void watch(struct channel *c);

static void end(struct channel *c)
{
	if (c->ended)
		return;
	c->ended = true;
	uv_poll_stop(&c->poll);
	if (c->on_end)
		c->on_end(c);
}

static void write_parts(struct channel *c)
{
	struct channel_part *p;
	while (!c->ended && (p = STAILQ_FIRST(&c->out))) {
		if (part_send(c->fd, p) != 0) {
			if (errno != EAGAIN && errno != ENOBUFS)
				end(c);
			return;
		}
		STAILQ_REMOVE_HEAD(&c->out, link);
		part_free(p);
	}
}

static void read_parts(struct channel *c)
{
	static uint8_t part[PART_MAX]; /* the control thread's */
	for (unsigned i = 0; i < PARTS_AT_ONCE && c->open && !c->ended; i++) {
		int file;
		ssize_t n = part_receive(c->fd, part, &file);
		if (n < 0 && errno == EAGAIN)
			break;
		enum taken got = n > 0 ? part_take(&c->in, part, (size_t)n, file) : PART_BAD;
		if (got == PART_BAD) {
			if (file >= 0)
				close(file);
			end(c);
			return;
		}
		if (got == PART_MORE)
			continue;
		struct buf whole = c->in;
		buf_init(&c->in, CHANNEL_MESSAGE_MAX);
		struct channel_message m = {(enum channel_kind)part[0], {buf_data(&whole), buf_len(&whole)}, file};
		c->on_message(c, &m);
		forget(&whole);
	}
	OPENSSL_cleanse(part, sizeof part);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;
	if (status < 0) {
		end(c);
		return;
	}
	if (events & UV_WRITABLE)
		write_parts(c);
	if (events & UV_READABLE)
		read_parts(c);
	watch(c);
}

static void watch(struct channel *c)
{
	if (c->open && !c->ended)
		uv_poll_start(&c->poll, UV_READABLE | (STAILQ_EMPTY(&c->out) ? 0 : UV_WRITABLE), on_poll);
}

int channel_open(struct channel *c, uv_loop_t *loop, int fd)
{
	c->fd = fd;
	c->open = true;
	c->ended = false;
	c->poll.data = c;
	buf_init(&c->in, CHANNEL_MESSAGE_MAX);
	STAILQ_INIT(&c->out);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	int failed = uv_poll_init(loop, &c->poll, fd);
	if (failed) {
		close(fd);
		c->open = false;
		return failed;
	}
	watch(c);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct channel *c = handle->data;
	close(c->fd);
	c->fd = -1;
	c->closing = false;
}

void channel_close(struct channel *c)
{
	struct channel_part *p;
	if (!c->open)
		return;
	c->open = false;
	c->closing = true;
	while ((p = STAILQ_FIRST(&c->out))) {
		STAILQ_REMOVE_HEAD(&c->out, link);
		part_free(p);
	}
	forget(&c->in);
	uv_close((uv_handle_t *)&c->poll, on_closed);
}

bool channel_has_sent(const struct channel *c)
{
	return !c->open || c->ended || STAILQ_EMPTY(&c->out);
}

void channel_send(struct channel *c, enum channel_kind kind, struct view data, int file)
{
	if (!c->open || c->ended) {
		if (file >= 0)
			close(file);
		return;
	}
	for (size_t at = 0;;) {
		size_t n = data.len - at < PART_MAX - PART_HEAD ? data.len - at : PART_MAX - PART_HEAD;
		struct channel_part *p = malloc(sizeof *p + PART_HEAD + n);
		if (!p)
			abort();
		bool last = at + n == data.len;
		*p = (struct channel_part){.file = last ? file : -1, .len = PART_HEAD + n};
		p->bytes[0] = (uint8_t)kind;
		p->bytes[1] = last;
		if (n)
			memcpy(p->bytes + PART_HEAD, data.p + at, n);
		STAILQ_INSERT_TAIL(&c->out, p, link);
		at += n;
		if (last)
			break;
	}
	write_parts(c);
	watch(c);
}
