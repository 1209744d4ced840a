/*
 * The floor: a relay that looks at nothing. One thread, epoll, one read and one write a way and turn.
 *
 *	relay LISTEN-PORT SERVER-PORT
 *
 * Both on the loopback address. What cannot be written at once waits in the pair's own buffer, and the side it came
 * from is not read meanwhile. Ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

struct side {
	int fd;
	struct pair *pair;
	struct side *other;
	bool ended;          /* the peer has said so: its last bytes are followed by the end */
	size_t at, left;     /* of what waits to be written here */
	uint8_t *waiting;    /* CHUNK bytes, NULL until something had to wait */
};

struct pair {
	struct side client, server;
	bool gone;
	struct pair *next_gone;
};

static uint8_t shared[CHUNK];
static int poller;
static struct pair *gone;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(struct side *s)
{
	/* Edge-triggered, so that no call is needed to change what is watched. */
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll_ctl");
}

/* Freed when the turn is over: events of this turn may still name it. */
static void drop(struct pair *p)
{
	if (p->gone)
		return;
	p->gone = true;
	close(p->client.fd);
	close(p->server.fd);
	p->next_gone = gone;
	gone = p;
}

static void free_gone(void)
{
	while (gone) {
		struct pair *p = gone;
		gone = p->next_gone;
		free(p->client.waiting);
		free(p->server.waiting);
		free(p);
	}
}

static bool keep(struct side *to, const uint8_t *data, size_t len)
{
	if (!to->waiting && !(to->waiting = malloc(CHUNK)))
		return false;
	memcpy(to->waiting, data, len);
	to->at = 0;
	to->left = len;
	return true;
}

/* Passes on what `from` has, as long as the other side takes it. */
static void relay(struct side *from)
{
	struct side *to = from->other;
	while (!to->left) {
		ssize_t n = recv(from->fd, shared, sizeof shared, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			return drop(from->pair);
		ssize_t sent = send(to->fd, shared, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return drop(from->pair);
		sent = sent < 0 ? 0 : sent;
		if (sent < n && !keep(to, shared + sent, (size_t)(n - sent)))
			return drop(from->pair);
		if ((size_t)n < sizeof shared && !from->ended)
			return;
	}
}

static void flush(struct side *to)
{
	ssize_t n = send(to->fd, to->waiting + to->at, to->left, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? (void)0 : drop(to->pair);
	to->at += (size_t)n;
	to->left -= (size_t)n;
	if (!to->left)
		relay(to->other);
}

static void join(int fd, const struct sockaddr_in *server)
{
	int one = 1;
	struct pair *p = calloc(1, sizeof *p);
	int to = socket(AF_INET, SOCK_STREAM, 0);
	if (!p || to < 0 || connect(to, (const struct sockaddr *)server, sizeof *server)) {
		close(fd);
		if (to >= 0)
			close(to);
		free(p);
		return;
	}
	p->client = (struct side){.fd = fd, .pair = p, .other = &p->server};
	p->server = (struct side){.fd = to, .pair = p, .other = &p->client};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(&p->client);
	watch(&p->server);
}

static void serve(int listener, const struct sockaddr_in *server)
{
	struct epoll_event events[256];
	for (;;) {
		int n = epoll_wait(poller, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct side *s = events[i].data.ptr;
			if (!s) {
				int fd = accept(listener, NULL, NULL);
				if (fd >= 0)
					join(fd, server);
				continue;
			}
			s->ended |= (events[i].events & (EPOLLRDHUP | EPOLLHUP)) != 0;
			if (!s->pair->gone && s->left && (events[i].events & EPOLLOUT))
				flush(s);
			if (!s->pair->gone && (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
				relay(s);
		}
		free_gone();
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: relay LISTEN-PORT SERVER-PORT\n");
		return 2;
	}
	struct sockaddr_in here = loopback(argv[1]), server = loopback(argv[2]);
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	poller = epoll_create1(0);
	if (listener < 0 || poller < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096))
		die("listen");
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e))
		die("epoll_ctl");
	serve(listener, &server);
}
