/*
 * What one server says when it is examined: its settings that wye's promises lean on, its clock, its time zones, who may
 * write to it in spite of read_only.
 *
 * Asked over a connection of its own, in the monitor account's name, so that nothing waits for it that is needed to route.
 * Blocking, for a few seconds at most; any thread.
 */
#ifndef WYE_PROXY_DOCTOR_CHECKUP_H
#define WYE_PROXY_DOCTOR_CHECKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/client_library.h"
#include "proxy/snapshot.h"
#include "router/flavor.h"

/* Variables: name here, its name there, and another one that it has elsewhere. */
#define CHECKUP_VARIABLES(X)                                                                                           \
	X(LOG_BIN, "log_bin", "log_bin")                                                                               \
	X(BINLOG_FORMAT, "binlog_format", "binlog_format")                                                             \
	X(GTID_MODE, "gtid_mode", "gtid_mode")                                                                         \
	X(GTID_STRICT_MODE, "gtid_strict_mode", "gtid_strict_mode")                                                    \
	X(LOG_REPLICA_UPDATES, "log_replica_updates", "log_slave_updates")                                             \
	X(READ_ONLY, "read_only", "read_only")                                                                         \
	X(SUPER_READ_ONLY, "super_read_only", "super_read_only")                                                       \
	X(SEMI_SYNC_SOURCE, "rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled")                            \
	X(SEMI_SYNC_REPLICA, "rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled")                           \
	X(SYNC_BINLOG, "sync_binlog", "sync_binlog")                                                                   \
	X(FLUSH_LOG, "innodb_flush_log_at_trx_commit", "innodb_flush_log_at_trx_commit")                               \
	X(MAX_CONNECTIONS, "max_connections", "max_connections")                                                       \
	X(TIME_ZONE, "time_zone", "time_zone")                                                                         \
	X(SYSTEM_TIME_ZONE, "system_time_zone", "system_time_zone")                                                    \
	X(LOWER_CASE_NAMES, "lower_case_table_names", "lower_case_table_names")                                        \
	X(TRUST_FUNCTIONS, "log_bin_trust_function_creators", "log_bin_trust_function_creators")

/* Likewise of SHOW GLOBAL STATUS. */
#define CHECKUP_COUNTERS(X)                                                                                            \
	X(SEMI_SYNC_STATUS, "Rpl_semi_sync_source_status", "Rpl_semi_sync_master_status")                              \
	X(SEMI_SYNC_CLIENTS, "Rpl_semi_sync_source_clients", "Rpl_semi_sync_master_clients")

enum checkup_value {
#define X(name, word, other) CHECKUP_##name,
	CHECKUP_VARIABLES(X) CHECKUP_COUNTERS(X)
#undef X
		CHECKUP_VALUES
};

struct checkup {
	/* What is known before it is asked. */
	char server[280];
	struct endpoint at;
	enum server_role role;
	enum flavor flavor;
	unsigned version;
	char version_text[80];
	bool up; /* it answers the monitor: worth asking */

	/* What it said. */
	bool asked;                 /* it answered all: the rest means something */
	struct library_error error; /* else why not */
	char value[CHECKUP_VALUES][80]; /* empty: it has no such variable */
	char trackers_error[200];   /* why it refuses what wye asks of every connection; empty: it does not */
	bool skew_known;
	int64_t skew_us, skew_error_us; /* of its clock against this machine's, and what that may be wrong by */
	char zones[400];            /* what time it is elsewhere, by its tables; empty: it has none */
	bool writers_known;
	unsigned n_writers;         /* accounts that read_only does not hold back */
	unsigned n_remote_writers;  /* of these, not only from its own machine */
	char writers[300];          /* their names, as many as fit, a comma between them */
};

/* Fills in the answer. `stop`, set by another thread, ends it before the next question. */
void checkup_ask(struct checkup *c, const struct library_login *login, const _Atomic bool *stop);

/* A switch: ON, 1, YES; a variable that it has not is off. A number: -1 when it has none. */
bool checkup_is_on(const struct checkup *c, enum checkup_value value);
int64_t checkup_number(const struct checkup *c, enum checkup_value value);
/* It has it, and it is off. */
bool checkup_is_off(const struct checkup *c, enum checkup_value value);
const char *checkup_value_name(enum checkup_value value, enum flavor flavor);

#endif
