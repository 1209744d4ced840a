/* What the files of a monitor share: its state, and what its thread does. Nobody else includes this. */
#ifndef WYE_PROXY_MONITOR_INSIDE_H
#define WYE_PROXY_MONITOR_INSIDE_H

#include <pthread.h>

#include "proxy/client_library.h"
#include "proxy/monitor.h"
#include "proxy/position_stream.h"
#include "router/gtid.h"

#define SECOND_US 1000000

struct monitor {
	unsigned slot;
	struct endpoint at;
	const struct monitor_common *common;
	pthread_t thread;

	/* The thread's own. */
	struct look look;
	struct library_connection *connection; /* replaced under the lock, for monitor_stop() */
	struct gtid_set position;
	struct lag_reader lag;
	bool doubted;   /* a time-out is being made sure of: the server is to prove that it lives */
	int64_t lag_us; /* by the history, at the newest position; -1 = not known */
	unsigned heartbeat_told; /* the error that its heartbeat met last, and was told of; 0: none */
	unsigned objects_missing; /* duties that the last load of them lacked a GRANT for */
	int64_t next_look_us, next_position_us, next_replicas_us, look_ended_us;
	int64_t position_us; /* when the position was read last */
	struct position_stream *stream; /* while position_stream is on, of a replica that can be reached */
	struct library_tls stream_tls;  /* what it was started with */

	/* Shared with the control thread. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool heard; /* by the stream, since the position was asked for last */
	bool wants_stream, stream_due; /* due: something has changed that decides whether there is one */
	bool stopping, look_wanted, accounts_wanted, objects_wanted, has_look, has_accounts, has_objects;
	enum monitor_follow follow;
	int64_t monitor_interval, position_interval, position_interval_busy;
	unsigned login_timeout;
	struct library_tls tls;
	char heartbeat_table[sizeof((struct settings *)NULL)->heartbeat_table];
	uint64_t ticket, objects_ticket;
	struct look newest;
	struct monitor_accounts accounts;
	struct monitor_objects objects;
};

int64_t monitor_now_us(void); /* monotonic */

struct library_login monitor_login(struct monitor *m); /* what it logs in with now */

/* ---- what its thread does (monitor_work.c) ---- */

/* `after_failure`: the connection just failed, as m->look.error says; another one is tried at once. */
void monitor_look_at(struct monitor *m, bool after_failure);

/* Reads the position that the server's part in replication makes the interesting one. False when the
 * connection is lost: m->look.error says how. */
bool monitor_read_position(struct monitor *m);
void monitor_load_accounts(struct monitor *m, uint64_t ticket);
void monitor_load_objects(struct monitor *m, uint64_t ticket);

/* What the server has applied is not known any more: it may come back with older data. */
void monitor_disconnect(struct monitor *m);

/* A replica that can be reached has a stream, if that is wanted (monitor_stream.c). */
void monitor_keep_stream(struct monitor *m);

#endif
