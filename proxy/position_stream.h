/*
 * Follows one replica's binary log, in a thread of its own, to hear at once when it has applied something.
 *
 * What is heard says only that it is time for a look at the position: an event is in the log a moment before its
 * transaction can be seen. Where it cannot follow it says why, once, and tries again each half minute; wye then knows
 * what its regular looks tell. The price of it: all that the replica applies is sent to wye, and a thread.
 */
#ifndef WYE_PROXY_POSITION_STREAM_H
#define WYE_PROXY_POSITION_STREAM_H

#include "proxy/client_library.h"
#include "router/flavor.h"

struct position_stream;

struct stream_source {
	struct library_login login; /* its texts must stay while the stream lives; read_timeout is the stream's own */
	enum flavor flavor;
	unsigned version;
	/* Called in the stream's thread for every transaction. */
	void (*heard)(void *arg);
	void *arg;
};

/* NULL when no thread can be made. */
struct position_stream *position_stream_start(const struct stream_source *source);
void position_stream_stop(struct position_stream *s); /* NULL is fine; waits for the thread and frees */

#endif
