#include "proxy/reach.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDRESSES_MAX 8

struct addresses {
	struct sockaddr_storage at[ADDRESSES_MAX];
	socklen_t len[ADDRESSES_MAX];
	unsigned n;
};

static int resolve(const struct endpoint *at, struct addresses *out)
{
	memset(out, 0, sizeof *out);
	if (!at->port) {
		struct sockaddr_un *un = (struct sockaddr_un *)(void *)&out->at[0];
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof un->sun_path, "%.*s", (int)sizeof un->sun_path - 1, at->host);
		out->len[out->n++] = sizeof *un;
		return 0;
	}
	char port[8];
	snprintf(port, sizeof port, "%u", at->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
	int failed = getaddrinfo(at->host, port, &hints, &found);
	if (failed)
		return failed;
	for (struct addrinfo *a = found; a && out->n < ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof out->at[0])
			continue;
		memcpy(&out->at[out->n], a->ai_addr, a->ai_addrlen);
		out->len[out->n++] = a->ai_addrlen;
	}
	freeaddrinfo(found);
	return out->n ? 0 : EAI_NONAME;
}

int reach_resolve(const struct endpoint *at, struct sockaddr_storage *address, socklen_t *len)
{
	struct addresses found;
	int failed = resolve(at, &found);
	if (failed)
		return failed;
	*address = found.at[0];
	*len = found.len[0];
	return 0;
}

/* 0 when the descriptor became ready, ETIMEDOUT when not. */
static int wait_for(int fd, short events, unsigned timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	return poll(&p, 1, (int)timeout_ms) > 0 ? 0 : ETIMEDOUT;
}

/* A connected descriptor, or -errno. */
static int connect_to(const struct sockaddr_storage *address, socklen_t len, unsigned timeout_ms)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int error = connect(fd, (const struct sockaddr *)address, len) == 0 ? 0 : errno;
	if (error == EINPROGRESS && (error = wait_for(fd, POLLOUT, timeout_ms)) == 0) {
		socklen_t size = sizeof error;
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	}
	if (!error)
		return fd;
	close(fd);
	return -error;
}

/* The first bytes as a person may read them. */
static void show_bytes(const unsigned char *p, ssize_t n, char *text, size_t text_size)
{
	char shown[24];
	size_t len = 0;
	while (len < (size_t)n && len < sizeof shown - 1 && p[len] >= ' ' && p[len] < 127) {
		shown[len] = (char)p[len];
		len++;
	}
	shown[len] = '\0';
	if (len >= 4)
		snprintf(text, text_size, "what answers there is not a MySQL or MariaDB server: it says '%s'",
		         shown);
	else
		snprintf(text, text_size, "what answers there is not a MySQL or MariaDB server");
}

/* A greeting is a packet of protocol version 10; a server that refuses sends an error packet in its place. */
static enum reach look_at_greeting(int fd, unsigned timeout_ms, char *text, size_t text_size)
{
	unsigned char p[64];
	ssize_t n = wait_for(fd, POLLIN, timeout_ms) == 0 ? recv(fd, p, sizeof p, 0) : -1;
	if (n < 0 && errno != ECONNRESET) {
		snprintf(text, text_size, "it accepts connections, but says nothing");
		return REACH_SILENT;
	}
	if (n <= 0) {
		snprintf(text, text_size, "it closes connections without a word");
		return REACH_CLOSED;
	}
	if (n > 5 && p[2] == 0 && p[3] == 0 && (p[4] == 10 || p[4] == 0xff)) {
		snprintf(text, text_size, "it answers");
		return REACH_GREETS;
	}
	show_bytes(p, n, text, text_size);
	return REACH_FOREIGN;
}

enum reach reach_server(const struct endpoint *at, unsigned timeout_ms, char *text, size_t text_size)
{
	struct addresses found;
	int failed = resolve(at, &found);
	if (failed) {
		snprintf(text, text_size, "unknown host '%s' (%s)", at->host, gai_strerror(failed));
		return REACH_UNKNOWN_HOST;
	}
	int fd = -ECONNREFUSED;
	for (unsigned i = 0; i < found.n && fd < 0; i++)
		fd = connect_to(&found.at[i], found.len[i], timeout_ms);
	if (fd == -ETIMEDOUT) {
		snprintf(text, text_size, "no connection in time");
		return REACH_SILENT;
	}
	if (fd < 0) {
		snprintf(text, text_size, "%s", strerror(-fd));
		return REACH_REFUSED;
	}
	errno = 0;
	enum reach got = look_at_greeting(fd, timeout_ms, text, text_size);
	close(fd);
	return got;
}
