#include "proxy/upgrade/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef WYE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "proxy/log.h"

static struct listening_socket sockets[SOCKETS_MAX];
static size_t n_sockets;
static bool passed_on;

static void add(int fd, const char *name, bool foreign, bool given)
{
	struct listening_socket *s = &sockets[n_sockets++];
	*s = (struct listening_socket){.fd = fd, .foreign = foreign, .given = given, .taken = !given};
	snprintf(s->name, sizeof s->name, "%.*s", SOCKET_NAME_MAX - 1, name);
}

static bool is_listening_stream(int fd)
{
	int type = 0, listens = 0;
	socklen_t a = sizeof type, b = sizeof listens;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &a) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &b) == 0 && listens;
}

bool sockets_give(int fd, const char *name, bool foreign)
{
	if (n_sockets == SOCKETS_MAX || !is_listening_stream(fd)) {
		log_warning("socket-refused", "fd=%d name=%s error=\"%s\"", fd, name,
			    n_sockets == SOCKETS_MAX ? "too many" : "it is no listening stream socket");
		close(fd);
		return false;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	add(fd, name, foreign, true);
	return true;
}

void sockets_give_systemd(void)
{
#ifdef WYE_SYSTEMD
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < n; i++)
		sockets_give(SD_LISTEN_FDS_START + i, names && names[i] ? names[i] : "", true);
	for (int i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
#endif
}

static enum socket_use use_of(const struct listening_socket *s)
{
	return strcmp(s->name, "admin") == 0 ? SOCKET_ADMIN : strcmp(s->name, "http") == 0 ? SOCKET_HTTP : SOCKET_CLIENTS;
}

bool sockets_have(enum socket_use use)
{
	for (size_t i = 0; i < n_sockets; i++)
		if (!sockets[i].taken && use_of(&sockets[i]) == use)
			return true;
	return false;
}

/* Of a Unix socket up to the end of its path, which servers count in or not. */
static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_UNIX)
		return strcmp(((const struct sockaddr_un *)a)->sun_path, ((const struct sockaddr_un *)b)->sun_path) == 0;
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *x = (const struct sockaddr_in *)a, *y = (const struct sockaddr_in *)b;
		return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a, *y = (const struct sockaddr_in6 *)b;
	return a->sa_family == AF_INET6 && x->sin6_port == y->sin6_port &&
	       memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

/* A terminating NUL is there whatever the kernel wrote. */
static bool address_of(int fd, struct sockaddr_storage *at)
{
	socklen_t len = sizeof *at - 1;
	memset(at, 0, sizeof *at);
	return getsockname(fd, (struct sockaddr *)at, &len) == 0;
}

static void take(struct listening_socket *s)
{
	s->taken = true;
}

int sockets_take_at(const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_storage wanted = {0}, at;
	if (len > sizeof wanted - 1)
		return -1;
	memcpy(&wanted, address, len);
	for (size_t i = 0; i < n_sockets; i++) {
		struct listening_socket *s = &sockets[i];
		if (s->taken || !address_of(s->fd, &at) ||
		    !same_address((const struct sockaddr *)&at, (const struct sockaddr *)&wanted))
			continue;
		take(s);
		return s->fd;
	}
	return -1;
}

static void endpoint_of(const struct sockaddr_storage *a, struct endpoint *at)
{
	*at = (struct endpoint){.port = 0};
	if (a->ss_family == AF_UNIX) {
		snprintf(at->host, sizeof at->host, "%s", ((const struct sockaddr_un *)a)->sun_path);
	} else if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
		inet_ntop(AF_INET6, &in->sin6_addr, at->host, sizeof at->host);
		at->port = ntohs(in->sin6_port);
	} else {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;
		inet_ntop(AF_INET, &in->sin_addr, at->host, sizeof at->host);
		at->port = ntohs(in->sin_port);
	}
}

int sockets_take_next(enum socket_use use, struct endpoint *at, char *name)
{
	struct sockaddr_storage address;
	for (size_t i = 0; i < n_sockets; i++) {
		struct listening_socket *s = &sockets[i];
		if (s->taken || use_of(s) != use || !address_of(s->fd, &address))
			continue;
		endpoint_of(&address, at);
		memcpy(name, s->name, SOCKET_NAME_MAX);
		take(s);
		return s->fd;
	}
	return -1;
}

void sockets_close_rest(void)
{
	size_t kept = 0;
	for (size_t i = 0; i < n_sockets; i++) {
		if (sockets[i].taken) {
			sockets[kept++] = sockets[i];
			continue;
		}
		log_warning("socket-not-used", "fd=%d name=%s", sockets[i].fd, sockets[i].name);
		close(sockets[i].fd);
	}
	n_sockets = kept;
}

void sockets_note(int fd, const char *name)
{
	if (n_sockets < SOCKETS_MAX)
		add(fd, name, false, false);
}

size_t sockets_count(void)
{
	return n_sockets;
}

const struct listening_socket *sockets_at(size_t index)
{
	return &sockets[index];
}

static bool is_foreign(const char *path)
{
	struct sockaddr_storage at;
	for (size_t i = 0; i < n_sockets; i++)
		if (sockets[i].foreign && address_of(sockets[i].fd, &at) && at.ss_family == AF_UNIX &&
		    strcmp(((const struct sockaddr_un *)&at)->sun_path, path) == 0)
			return true;
	return false;
}

void sockets_remove_file(const char *path)
{
	if (!passed_on && !is_foreign(path))
		unlink(path);
}

void sockets_passed_on(void)
{
	passed_on = true;
}
