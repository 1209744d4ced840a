#include "proxy/peer_user.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED of the kernel's list */
#define NETLINK_WAIT_S 1    /* it answers within its call: this only bounds a kernel that does not */

/* A connection as the one at its other end has it: `near` is the peer's own address. */
struct pair {
	struct sockaddr_storage near, far;
};

static bool is_mapped(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

bool peer_is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	if (address->ss_family != AF_INET6)
		return false;
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(v6) || (is_mapped(v6) && v6->s6_addr[12] == 127);
}

/* The address in network order, and its length. */
static size_t bytes_of(const struct sockaddr_storage *a, void *out, uint16_t *port)
{
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
		*port = v4->sin_port;
		memcpy(out, &v4->sin_addr, sizeof v4->sin_addr);
		return sizeof v4->sin_addr;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	*port = v6->sin6_port;
	memcpy(out, &v6->sin6_addr, sizeof v6->sin6_addr);
	return sizeof v6->sin6_addr;
}

/* ---- netlink ---- */

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 request;
};

static bool ask(int fd, const struct pair *p, struct inet_diag_msg *out)
{
	struct question q = {
		.header = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
		.request = {.sdiag_family = (uint8_t)p->near.ss_family,
			    .sdiag_protocol = IPPROTO_TCP,
			    .idiag_states = UINT32_MAX,
			    .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
	bytes_of(&p->near, q.request.id.idiag_src, &q.request.id.idiag_sport);
	bytes_of(&p->far, q.request.id.idiag_dst, &q.request.id.idiag_dport);
	if (send(fd, &q, sizeof q, 0) != (ssize_t)sizeof q)
		return false;
	_Alignas(struct nlmsghdr) char answer[4096];
	ssize_t n = recv(fd, answer, sizeof answer, 0);
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof *out) || h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	memcpy(out, NLMSG_DATA(h), sizeof *out);
	/* The kernel looks for what fits best: it must be this very connection. */
	return memcmp(&out->id, &q.request.id, offsetof(struct inet_diag_sockid, idiag_if)) == 0;
}

static bool by_netlink(const struct pair *p, uid_t *user)
{
	struct inet_diag_msg found;
	struct timeval patience = {.tv_sec = NETLINK_WAIT_S};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	bool fine = ask(fd, p, &found) && found.idiag_state == STATE_ESTABLISHED && found.idiag_inode;
	close(fd);
	if (fine)
		*user = found.idiag_uid;
	return fine;
}

/* ---- /proc ---- */

/* As the kernel writes it: words of four bytes in the machine's order. */
static void listed(const struct sockaddr_storage *a, char *out, size_t size)
{
	uint32_t words[4];
	uint16_t port;
	size_t n = bytes_of(a, words, &port) / sizeof *words, len = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, size - len, "%08" PRIX32, words[i]);
	snprintf(out + len, size - len, ":%04X", ntohs(port));
}

static bool by_list(const struct pair *p, uid_t *user)
{
	char near[48], far[48], line[512];
	bool found = false;
	FILE *f = fopen(p->near.ss_family == AF_INET ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", "re");
	if (!f)
		return false;
	listed(&p->near, near, sizeof near);
	listed(&p->far, far, sizeof far);
	while (!found && fgets(line, sizeof line, f)) {
		char one[48], other[48];
		unsigned state, uid;
		unsigned long inode;
		found = sscanf(line, " %*[^:]: %47s %47s %x %*s %*s %*s %u %*s %lu", one, other, &state, &uid, &inode) == 5 &&
			state == STATE_ESTABLISHED && inode && strcmp(one, near) == 0 && strcmp(other, far) == 0;
		*user = found ? (uid_t)uid : *user;
	}
	fclose(f);
	return found;
}

/* ---- both ---- */

/* An IPv4 address that a socket of IPv6 holds, which another list has. */
static void as_mapped(struct sockaddr_storage *a)
{
	struct sockaddr_in v4;
	memcpy(&v4, a, sizeof v4);
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
	v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(v6.sin6_addr.s6_addr + 12, &v4.sin_addr, sizeof v4.sin_addr);
	memset(a, 0, sizeof *a);
	memcpy(a, &v6, sizeof v6);
}

bool peer_user(int fd, uid_t *user)
{
	struct pair p = {.near = {.ss_family = AF_UNSPEC}};
	struct ucred who;
	socklen_t near_len = sizeof p.near, far_len = sizeof p.far, who_len = sizeof who;
	if (getpeername(fd, (struct sockaddr *)&p.near, &near_len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&p.far, &far_len) != 0)
		return false;
	if (p.far.ss_family == AF_UNIX) {
		bool told = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) == 0;
		if (told)
			*user = who.uid;
		return told;
	}
	if (!peer_is_loopback(&p.near))
		return false;
	if (by_netlink(&p, user) || by_list(&p, user))
		return true;
	if (p.near.ss_family != AF_INET)
		return false;
	as_mapped(&p.near);
	as_mapped(&p.far);
	return by_netlink(&p, user) || by_list(&p, user);
}

bool peer_is_owner(int fd)
{
	uid_t user;
	return peer_user(fd, &user) && (user == geteuid() || user == 0);
}
