/*
 * The listening sockets of this process: those it was given, by systemd (sd_listen_fds(3)) or by the process it takes over
 * from, and those it passes on.
 *
 * What was given is taken by its address, whatever it is called. What no option names is taken by its name, in systemd
 * FileDescriptorName=: `admin` is the console's, `http` HTTP's, `primary` and `replica` are for clients with that route,
 * and everything else is for clients. Options that are not given by hand do not count then.
 *
 * The file of a Unix socket belongs to whoever made it: one that systemd did is never removed. The control thread's.
 */
#ifndef WYE_PROXY_UPGRADE_SOCKETS_H
#define WYE_PROXY_UPGRADE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "proxy/options.h"

#define SOCKETS_MAX 128
#define SOCKET_NAME_MAX 32

enum socket_use { SOCKET_CLIENTS, SOCKET_ADMIN, SOCKET_HTTP };

struct listening_socket {
	int fd;
	char name[SOCKET_NAME_MAX]; /* as in FileDescriptorName= */
	bool foreign;               /* its file, if it has one, is not wye's */
	bool given, taken;          /* the second: by one of our listeners */
};

/* One that this process was given; false, and it is closed, when it is no listening stream socket or one too many. */
bool sockets_give(int fd, const char *name, bool foreign);
void sockets_give_systemd(void);

bool sockets_have(enum socket_use use); /* a given one that nobody has taken */

/* The given one at this address, or -1. */
int sockets_take_at(const struct sockaddr *address, socklen_t len);
/* The next given one of that use, or -1; its address in *at and the name in room for SOCKET_NAME_MAX. */
int sockets_take_next(enum socket_use use, struct endpoint *at, char *name);
void sockets_close_rest(void); /* given ones that nobody wants */

/* One that this process has opened itself. */
void sockets_note(int fd, const char *name);

/* All that are open, for whoever comes next. */
size_t sockets_count(void);
const struct listening_socket *sockets_at(size_t index);

/* Removes the file of a Unix socket that is listened on no more, unless it is systemd's, or was passed on. */
void sockets_remove_file(const char *path);
void sockets_passed_on(void);

#endif
