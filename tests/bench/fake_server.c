/*
 * A server that answers at once, so that what stands in front of it is measured: just enough of the protocol for
 * logins, fixed result sets, one prepared statement and what wye's monitor asks for.
 *
 *	fake_server PORT [PORT-OF-ITS-PRIMARY]
 *
 * It lets in everybody with any password (as a MariaDB 10.4, whose definitions of columns have no extended metadata), parses nothing and keeps nothing.
 * One thread, on the loopback address; a connection may have 64 KiB of commands under way and what its answers need.
 * Ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_answers.h"

#define IN_MAX 65536u
#define GATHER_MAX 16384u /* answers of pipelined commands that leave in one write */
#define CAP_DEPRECATE_EOF (1u << 24)

struct connection {
	int fd;
	bool logged_in, deprecate_eof, gone;
	const struct answer *answer; /* under way, or NULL */
	size_t at, repeated;         /* in it: the offset in its bytes, bodies that are done */
	uint8_t *kept;               /* a command that is not whole yet, or behind an answer under way */
	size_t kept_len;
	struct connection *next_gone;
};

static int poller;
static struct connection *gone;
static uint8_t shared[IN_MAX], gathered[GATHER_MAX];
static size_t gathered_len;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void drop(struct connection *c)
{
	if (c->gone)
		return;
	c->gone = true;
	close(c->fd);
	c->next_gone = gone;
	gone = c;
}

static void free_gone(void)
{
	while (gone) {
		struct connection *c = gone;
		gone = c->next_gone;
		free(c->kept);
		free(c);
	}
}

static void watch(struct connection *c, uint32_t events, int how)
{
	struct epoll_event e = {.events = events, .data.ptr = c};
	if (epoll_ctl(poller, how, c->fd, &e))
		die("epoll_ctl");
}

/* ---- output ---- */

static bool send_gathered(struct connection *c)
{
	size_t n = gathered_len;
	gathered_len = 0;
	/* So little always fits, unless the peer does not read at all. */
	return !n || send(c->fd, gathered, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

/* Sends what is left of the answer under way. False: the peer is gone. */
static bool send_answer(struct connection *c)
{
	const struct answer *a = c->answer;
	while (a) {
		bool in_body = c->at >= a->head && c->repeated < a->repeats;
		size_t end = c->at < a->head ? a->head : in_body ? a->head + a->body : a->head + a->body + a->tail;
		ssize_t n = c->at < end ? send(c->fd, a->bytes + c->at, end - c->at, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		if (n < 0)
			return errno == EAGAIN;
		c->at += (size_t)n;
		if (c->at < end)
			continue;
		if (in_body && ++c->repeated < a->repeats)
			c->at = a->head;
		else if (c->at == a->head + a->body + a->tail)
			a = c->answer = NULL;
	}
	return true;
}

static bool answer(struct connection *c, enum answer_kind kind)
{
	const struct answer *a = answer_of(kind, c->deprecate_eof);
	if (!a->repeats && gathered_len + a->head <= GATHER_MAX) {
		memcpy(gathered + gathered_len, a->bytes, a->head);
		gathered_len += a->head;
		return true;
	}
	c->answer = a;
	c->at = c->repeated = 0;
	if (!send_gathered(c) || !send_answer(c))
		return false;
	if (c->answer)
		watch(c, EPOLLOUT, EPOLL_CTL_MOD);
	return true;
}

/* ---- input ---- */

/* False: it ends. */
static bool command(struct connection *c, const uint8_t *payload, size_t n)
{
	if (!c->logged_in) {
		c->logged_in = true;
		c->deprecate_eof = n >= 4 && ((uint32_t)payload[3] << 24 & CAP_DEPRECATE_EOF);
		memcpy(gathered, "\7\0\0\2\0\0\0\2\0\0\0", 11);
		gathered_len = 11;
		return true;
	}
	switch (n ? payload[0] : 1) {
	case 0x01: /* COM_QUIT */
		return false;
	case 0x03: /* COM_QUERY */
		return answer(c, answer_to((const char *)payload + 1, n - 1));
	case 0x16: /* COM_STMT_PREPARE */
		return answer(c, ANSWER_PREPARED);
	case 0x17: /* COM_STMT_EXECUTE */
		return answer(c, ANSWER_EXECUTED);
	case 0x19: /* COM_STMT_CLOSE */
		return true;
	default:
		return answer(c, ANSWER_OK);
	}
}

/* Bytes of whole commands that were done; SIZE_MAX: the connection ends. */
static size_t commands(struct connection *c, const uint8_t *data, size_t len)
{
	size_t at = 0;
	while (!c->answer && len - at >= 4) {
		size_t n = data[at] | (size_t)data[at + 1] << 8 | (size_t)data[at + 2] << 16;
		if (len - at - 4 < n)
			break;
		if (!command(c, data + at + 4, n))
			return SIZE_MAX;
		at += 4 + n;
	}
	return at;
}

static void take(struct connection *c, const uint8_t *data, size_t len)
{
	size_t done = commands(c, data, len), rest = len - done;
	if (done == SIZE_MAX || !send_gathered(c) || rest >= IN_MAX)
		return drop(c);
	uint8_t *kept = rest ? malloc(rest) : NULL;
	if (rest && !kept)
		return drop(c);
	if (rest)
		memcpy(kept, data + done, rest);
	free(c->kept);
	c->kept = kept;
	c->kept_len = rest;
}

static void on_readable(struct connection *c)
{
	if (c->kept_len)
		memcpy(shared, c->kept, c->kept_len);
	ssize_t n = recv(c->fd, shared + c->kept_len, IN_MAX - c->kept_len, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		return drop(c);
	take(c, shared, c->kept_len + (size_t)n);
}

static void on_writable(struct connection *c)
{
	if (!send_answer(c))
		return drop(c);
	if (c->answer)
		return;
	watch(c, EPOLLIN, EPOLL_CTL_MOD);
	size_t n = c->kept_len;
	if (!n)
		return;
	memcpy(shared, c->kept, n);
	take(c, shared, n);
}

static void greet(int fd)
{
	static const uint8_t greeting[] =
		"\0\0\0\0\x0a" "5.5.5-10.4.34-MariaDB\0" "\1\0\0\0" "abcdefgh\0" "\xfe\xf7" "\x21" "\2\0" "\xff\x81"
		"\x15" "\0\0\0\0\0\0" "\0\0\0\0" "ijklmnopqrst\0" "mysql_native_password";
	uint8_t packet[sizeof greeting];
	int one = 1;
	struct connection *c = calloc(1, sizeof *c);
	memcpy(packet, greeting, sizeof packet);
	packet[0] = sizeof packet - 4;
	if (!c || send(fd, packet, sizeof packet, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof packet) {
		close(fd);
		free(c);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->fd = fd;
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void serve(int listener)
{
	struct epoll_event events[256];
	for (;;) {
		int n = epoll_wait(poller, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			if (!c) {
				int fd = accept(listener, NULL, NULL);
				if (fd >= 0)
					greet(fd);
				continue;
			}
			if (!c->gone && c->answer && (events[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR)))
				on_writable(c);
			else if (!c->gone && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
				on_readable(c);
		}
		free_gone();
	}
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: fake_server PORT [PORT-OF-ITS-PRIMARY]\n");
		return 2;
	}
	uint16_t port = (uint16_t)atoi(argv[1]);
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	answers_make(port, argc > 2 ? (uint16_t)atoi(argv[2]) : 0);
	poller = epoll_create1(0);
	if (listener < 0 || poller < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096))
		die("listen");
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e))
		die("epoll_ctl");
	serve(listener);
}
