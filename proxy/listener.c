#include "proxy/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/upgrade/sockets.h"

#define BACKLOG 1024

static struct listener listeners[LISTENERS_MAX];
static size_t n_listeners;

/* A socket file that nobody listens on any more is left over from a process that died. */
static bool remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	if (stat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
	close(fd);
	return dead && unlink(address->sun_path) == 0;
}

static int listen_unix(const char *path, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int fd = sockets_take_at((struct sockaddr *)&address, sizeof address);
	if (fd >= 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (!bound && errno == EADDRINUSE && remove_stale(&address))
		bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	/* Everybody may connect, as with the servers' own socket: accounts and passwords decide. */
	if (bound && chmod(path, 0777) == 0 && listen(fd, BACKLOG) == 0) {
		sockets_note(fd, name);
		return fd;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int listen_tcp(const struct addrinfo *a, const char *name)
{
	int fd = sockets_take_at(a->ai_addr, a->ai_addrlen);
	if (fd >= 0)
		return fd;
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
		sockets_note(fd, name);
		return fd;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static struct addrinfo *resolve(const struct endpoint *at, char *error, size_t error_size)
{
	char port[8];
	snprintf(port, sizeof port, "%u", at->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
	int failed = getaddrinfo(at->host, port, &hints, &found);
	if (failed) {
		snprintf(error, error_size, "cannot listen on %s: %s", at->host, gai_strerror(failed));
		return NULL;
	}
	return found;
}

static void cannot(const struct endpoint *at, char *error, size_t error_size)
{
	char name[280];
	int saved = errno;
	endpoint_format(at, name, sizeof name);
	snprintf(error, error_size, "cannot listen on %s: %s%s", name, strerror(saved),
		 saved == EADDRINUSE ? "; stop what listens there or choose another address" : "");
}

int listener_socket(const struct endpoint *at, const char *name, char *error, size_t error_size)
{
	int fd;
	if (at->host[0] == '/') {
		fd = listen_unix(at->host, name);
	} else {
		struct addrinfo *found = resolve(at, error, error_size);
		if (!found)
			return -1;
		fd = listen_tcp(found, name);
		freeaddrinfo(found);
	}
	if (fd < 0)
		cannot(at, error, error_size);
	return fd;
}

static const char *name_of(enum listen_route route)
{
	static const char *const names[] = {[LISTEN_AUTO] = "clients", [LISTEN_PRIMARY] = "primary", [LISTEN_REPLICA] = "replica"};
	return names[route];
}

static bool add(int fd, const struct listen_option *option)
{
	struct listener *l = &listeners[n_listeners++];
	l->fd = fd;
	l->route = option->route;
	l->unix_socket = option->at.host[0] == '/';
	endpoint_format(&option->at, l->name, sizeof l->name);
	return true;
}

static bool open_one(const struct listen_option *option, char *error, size_t error_size)
{
	if (option->at.host[0] == '/') {
		int fd = listener_socket(&option->at, name_of(option->route), error, error_size);
		return fd >= 0 && add(fd, option);
	}
	struct addrinfo *found = resolve(&option->at, error, error_size);
	if (!found)
		return false;
	bool all = true;
	for (struct addrinfo *a = found; a && all && n_listeners < LISTENERS_MAX; a = a->ai_next) {
		int fd = listen_tcp(a, name_of(option->route));
		all = fd >= 0 && add(fd, option);
	}
	if (!all)
		cannot(&option->at, error, error_size);
	freeaddrinfo(found);
	return all;
}

/* What this process was given, and no option names. */
static void open_given(void)
{
	struct listen_option option = {.route = LISTEN_AUTO};
	char name[SOCKET_NAME_MAX];
	int fd;
	while (n_listeners < LISTENERS_MAX && (fd = sockets_take_next(SOCKET_CLIENTS, &option.at, name)) >= 0) {
		option.route = strcmp(name, "primary") == 0   ? LISTEN_PRIMARY
			       : strcmp(name, "replica") == 0 ? LISTEN_REPLICA
							      : LISTEN_AUTO;
		add(fd, &option);
	}
}

bool listeners_open(const struct options *options, char *error, size_t error_size)
{
	bool given = sockets_have(SOCKET_CLIENTS), defaults = !options->listen_by_hand;
	for (size_t i = 0; i < options->n_listen && !(given && defaults); i++)
		if (!open_one(&options->listen[i], error, error_size)) {
			listeners_close();
			return false;
		}
	open_given();
	return true;
}

void listeners_close(void)
{
	for (size_t i = 0; i < n_listeners; i++) {
		if (listeners[i].unix_socket)
			sockets_remove_file(listeners[i].name); /* while it is known whose it is */
		close(listeners[i].fd);
	}
	n_listeners = 0;
}

size_t listeners_count(void)
{
	return n_listeners;
}

const struct listener *listener_at(size_t index)
{
	return &listeners[index];
}
