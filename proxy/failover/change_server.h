/*
 * One server as a change of the topology sees it: what is known of it, and an administrative connection to it.
 *
 * What the control thread knows is filled in first (proxy/topology_change.h); the rest is read over the connection, in the
 * monitor account's name, by the thread that makes the change. Calls block, for a few seconds at most.
 */
#ifndef WYE_PROXY_FAILOVER_CHANGE_SERVER_H
#define WYE_PROXY_FAILOVER_CHANGE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/client_library.h"
#include "proxy/failover/change_words.h"
#include "proxy/failover/errants.h"
#include "proxy/monitor_look.h"

struct change_server {
	/* From the control thread. */
	unsigned slot;
	struct endpoint at;
	char name[280];
	bool up;          /* it answers the monitor */
	bool primary;     /* by role */
	bool mirror;
	bool by_hand;     /* it is a replica or a mirror because the configuration says so */
	bool deposed;     /* it was the primary before the present one */
	int source;       /* slot of the member it is set to replicate from; -1: none */
	unsigned distance, weight;
	enum flavor flavor;
	unsigned version;

	/* Read by itself; valid while `read`. */
	struct library_connection *connection; /* NULL: it could not be reached, or was lost */
	struct library_error error;            /* of the last call that failed */
	bool read;
	char account[400];
	unsigned missing; /* bits by words_privilege() */
	bool lacks_replication_slave, has_role;
	bool read_only, super_read_only, log_bin, logs_updates, gtid;
	char *executed, *slave_pos; /* as struct history has them */
	char *position;             /* what a replica of it would have to have applied */
	bool follows;               /* it has a channel with a source: */
	char channel[65];
	struct endpoint source_at;
	enum link_state io;
	bool sql, channel_gtid, tls, filtered;
	unsigned delay, retry; /* seconds */
	char *received;        /* what its relay log holds, applied or not */
	char link_error[160];
};

/* Connects; false with s->error. */
bool change_server_open(struct change_server *s, const struct library_login *login);
void change_server_close(struct change_server *s);
void change_server_finish(struct change_server *s); /* and frees what was read */

/* One statement whose rows are of no interest; false with s->error. */
bool change_server_run(struct change_server *s, const char *sql);
/* The same, and the first row's first value, as a copy that the caller frees: NULL for SQL's NULL, and when it failed. */
char *change_server_value(struct change_server *s, const char *sql);
/* A statement that answers 1 for yes. */
bool change_server_says(struct change_server *s, const char *sql);
bool change_server_act(struct change_server *s, enum replica_act act);
/* The same in two parts, for several servers at once; false with s->error, and then there is no second part. */
bool change_server_begin(struct change_server *s, enum replica_act act);
bool change_server_end(struct change_server *s);

/* Reads everything above; again for what has changed meanwhile. */
bool change_server_read(struct change_server *s);
bool change_server_read_status(struct change_server *s);   /* replication only */
bool change_server_read_position(struct change_server *s); /* executed, slave_pos, position */

struct history change_server_history(const struct change_server *s);

/* The GRANT that it lacks, with the account; empty: none. */
void change_server_grant(const struct change_server *s, bool with_replication_slave, char *out, size_t size);

#endif
