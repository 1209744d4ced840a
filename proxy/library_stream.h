/*
 * A server's binary log, followed through the client library from its present end on.
 *
 * Everything that the server logs comes over the connection, row data too; only the kinds of its events are looked at.
 * Oracle's library follows MySQL, and MariaDB where it can log in; MariaDB Connector/C follows MariaDB only: MySQL's events
 * it takes for malformed. The account needs REPLICATION SLAVE, and the right to ask for the log's end (MySQL: REPLICATION CLIENT,
 * MariaDB: BINLOG MONITOR). A replica logs what it applies only with log_replica_updates (log_slave_updates).
 */
#ifndef WYE_PROXY_LIBRARY_STREAM_H
#define WYE_PROXY_LIBRARY_STREAM_H

#include "proxy/client_library.h"
#include "router/flavor.h"

/* What came: nothing of interest, or the end of a transaction (it is committed at that moment or soon after). */
enum stream_event { STREAM_NOTHING, STREAM_COMMIT };

/* False, and *why, where this build cannot follow such a server. */
bool library_stream_can(enum flavor flavor, const char **why);

struct library_stream;

/* `server_id` must be no other server's, nor another follower's: the server ends the older of two. It says something at
 * least every `heartbeat` seconds, which must be less than the connection's read_timeout. The connection serves nothing
 * else from then on, and is still the caller's. NULL with the reason. */
struct library_stream *library_stream_open(struct library_connection *c, enum flavor flavor, unsigned version,
                                           uint32_t server_id, unsigned heartbeat, struct library_error *error);

/* Waits for the next event. False: the stream has ended, for the reason in *error. */
bool library_stream_next(struct library_stream *s, enum stream_event *event, struct library_error *error);

void library_stream_close(struct library_stream *s); /* NULL is fine; before library_close() */

#endif
