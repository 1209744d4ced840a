/*
 * Which Unix user is at the other end of a connection from this machine.
 *
 * Of a Unix socket the kernel says it (SO_PEERCRED). Of a TCP connection over loopback it is the user who made the other
 * socket, which the kernel lists too: asked for by netlink, else looked up in /proc/self/net. Only a connection whose
 * process still holds it counts: of the others the kernel says root.
 */
#ifndef WYE_PROXY_PEER_USER_H
#define WYE_PROXY_PEER_USER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/* 127.0.0.0/8 and ::1. */
bool peer_is_loopback(const struct sockaddr_storage *address);

/* False: it is on another machine, or not to be found. */
bool peer_user(int fd, uid_t *user);

/* It is who runs this process, or root, who could be anybody. */
bool peer_is_owner(int fd);

#endif
