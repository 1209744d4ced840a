/*
 * The admin console: the MySQL protocol on every --admin address, on the control thread's loop.
 *
 * Until there are admin accounts it lets in clients of this machine only (loopback, or a Unix socket, which its owner
 * alone may open), with any user name and password; from then on it asks for them, but for the Unix socket. Over TCP it
 * offers TLS as it is offered to the proxy's clients.
 */
#ifndef WYE_PROXY_CONSOLE_H
#define WYE_PROXY_CONSOLE_H

#include <stddef.h>
#include <uv.h>

#include "proxy/options.h"

/* 0, or a negative UV_E* with one line in error. The options must live until console_stop(). It also makes the loop's
 * thread the one that answers control_call(). */
int console_start(uv_loop_t *loop, const struct options *options, char *error, size_t n);

/* Takes no new clients: another process does. The files of sockets that were passed on stay. */
void console_leave(void);

/* Closes everything; run the loop once more for the last callbacks. Safe to call when it was not started. */
void console_stop(void);

#endif
