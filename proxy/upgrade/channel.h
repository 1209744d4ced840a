/*
 * The channel between the process that leaves and the one that takes over: messages in order, each with a file at most.
 *
 * A Unix socket of records (SOCK_SEQPACKET). A message goes in parts of a size that a socket takes at once, the file with
 * the last: kind (1), last (1), bytes. Messages may hold secrets: what held them is wiped. Owned by the control thread.
 *
 *	the old one says                             the new one says
 *	ARGUMENTS  its command line
 *	CONFIG     its tables, when no file has them
 *	SOCKET     one that it listens on
 *	BEGIN      that is all, start
 *	                                             PREPARED   it could serve; its SESSION_RECORD_VERSION
 *	GO         nobody accepts now: serve
 *	                                             SERVING    it does
 *	ACCOUNT    what logs in to servers
 *	SESSION    a client, with its state
 *	                                             TAKEN, REFUSED
 */
#ifndef WYE_PROXY_UPGRADE_CHANNEL_H
#define WYE_PROXY_UPGRADE_CHANNEL_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "protocol/buf.h"
#include "protocol/wire.h"

#define CHANNEL_VERSION 1u              /* of all that is said; another one's process is not handed anything */
#define CHANNEL_MESSAGE_MAX (64u << 20) /* bytes */

enum channel_kind {
	CHANNEL_ARGUMENTS = 1,
	CHANNEL_CONFIG,
	CHANNEL_SOCKET,
	CHANNEL_BEGIN,
	CHANNEL_PREPARED,
	CHANNEL_GO,
	CHANNEL_SERVING,
	CHANNEL_ACCOUNT,
	CHANNEL_SESSION,
	CHANNEL_TAKEN,
	CHANNEL_REFUSED,
};

struct channel_message {
	enum channel_kind kind;
	struct view data; /* valid during the call */
	int file;         /* the receiver's to close; -1: none */
};

struct channel {
	int fd;
	uv_poll_t poll;
	bool open, ended, closing;
	struct buf in;    /* of a message whose parts are not all here */
	STAILQ_HEAD(, channel_part) out;
	void (*on_message)(struct channel *c, const struct channel_message *m);
	void (*on_end)(struct channel *c); /* once: the other one is gone, or does not speak as it should */
};

/* Takes the socket. 0 or UV_E*. */
int channel_open(struct channel *c, uv_loop_t *loop, int fd);
void channel_close(struct channel *c); /* fine when it is not open */

/* Takes the file (-1: none). What cannot be sent at once is sent later. */
void channel_send(struct channel *c, enum channel_kind kind, struct view data, int file);
bool channel_has_sent(const struct channel *c);

/* Before there is a loop: one message, waited for at most so long. The data lies in *in, initialised by the caller. */
bool channel_wait(int fd, unsigned timeout_ms, struct buf *in, struct channel_message *m);

#endif
