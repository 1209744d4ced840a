/*
 * The heartbeat table: a row of wye's own on the primary that is set to the time now and then, and read on the replicas.
 *
 * It tells how far a replica is behind where positions cannot, as they cannot with a replica that filters what it applies:
 * a replica that has the newest beat is not behind, any other is by the age of the oldest beat that it lacks. No clock
 * but this machine's is asked, so that a primary that stands still makes nobody late.
 *
 * The administrator makes the table, in a schema that is replicated:
 *	CREATE TABLE wye.heartbeat (id CHAR(36) PRIMARY KEY, beat BIGINT NOT NULL)
 * Processes on one machine share a row. Called by the servers' monitors, each in its thread.
 */
#ifndef WYE_PROXY_MONITOR_HEARTBEAT_H
#define WYE_PROXY_MONITOR_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/client_library.h"

/* A schema and a table, as people write them in heartbeat_table: "schema.table". False: it is no such name. */
#define HEARTBEAT_NAME_MAX 130 /* its end included */
#define HEARTBEAT_QUOTED_MAX (2 * HEARTBEAT_NAME_MAX + 8)
bool heartbeat_quote(const char *table, char quoted[HEARTBEAT_QUOTED_MAX]);

/* How far a replica is behind that has read `beat` when `newest` is the last one that the primary has acknowledged, in
 * microseconds: pure. */
int64_t heartbeat_behind(int64_t beat, int64_t newest, int64_t interval_us, int64_t now_us);

/* One beat on the primary. False with the reason. */
bool heartbeat_write(struct library_connection *c, const char *table, int64_t now_us, struct library_error *error);

/* The lag of a replica; -1: its row is not there, or *error says why it cannot be read. */
int64_t heartbeat_read(struct library_connection *c, const char *table, int64_t interval_us, int64_t now_us,
		       struct library_error *error);

#endif
