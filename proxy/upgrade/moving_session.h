/* A session between two processes, and between a worker and the control thread of either: whoever has it owns it. */
#ifndef WYE_PROXY_UPGRADE_MOVING_SESSION_H
#define WYE_PROXY_UPGRADE_MOVING_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>

#include "protocol/buf.h"

struct worker;

struct moving_session {
	uint32_t id;        /* key */
	uint64_t account;   /* in this process */
	struct worker *worker;
	int file;           /* its client's socket; -1: it is elsewhere by now */
	struct buf record;  /* session_record_write() */
	bool arrives;       /* it comes; else it goes */
	bool taken;         /* the answer */
	UT_hash_handle hh;
};

static inline void moving_session_free(struct moving_session *m)
{
	if (m->file >= 0)
		close(m->file);
	buf_finish(&m->record);
	free(m);
}

/* On the worker's thread: one that has come; predecessor_tell() hears what has become of it. */
void moving_arrive(struct worker *w, void *moving);
void moving_answered(struct worker *w, void *moving); /* and what has become of one */

#endif
