/*
 * The sockets where clients connect. Opened once by the main thread; every worker watches all of them, and a client
 * goes to the worker with the fewest sessions.
 */
#ifndef WYE_PROXY_LISTENER_H
#define WYE_PROXY_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "proxy/options.h"

#define LISTENERS_MAX (OPTIONS_LISTEN_MAX * 4) /* a name may stand for several addresses */

struct listener {
	int fd;
	bool unix_socket;
	enum listen_route route;
	char name[280];
};

/* Opens all; false with one line in error ("cannot listen on 127.0.0.1:6033: address already in use"). */
bool listeners_open(const struct options *options, char *error, size_t error_size);
void listeners_close(void);
size_t listeners_count(void);
const struct listener *listener_at(size_t index);

/* A listening TCP or Unix socket for other parts too: `name` says whose (proxy/upgrade/sockets.h). One that this process was
 * given is taken, a stale Unix socket file is replaced. -1 and a line in error. */
int listener_socket(const struct endpoint *at, const char *name, char *error, size_t error_size);

#endif
