/*
 * What each family of servers calls the same things: statements, columns, privileges. One row a family, pure.
 */
#ifndef WYE_PROXY_MONITOR_WORDS_H
#define WYE_PROXY_MONITOR_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "router/flavor.h"

/* What wye asks a server for that wants a privilege. */
enum duty {
	DUTY_STATUS,   /* replication status: needed */
	DUTY_REPLICAS, /* who replicates from it: to find members */
	DUTY_LAG,      /* microseconds of lag: to know more exactly */
	DUTY_ACCOUNTS, /* the accounts: needed unless they are given by hand */
	DUTY_FUNCTIONS, /* the stored functions: to know which only read */
	DUTY_VIEWS,     /* the queries of views: to know which write */
	DUTY_COUNT,
};

struct monitor_words {
	const char *state;    /* read_only, super_read_only (or 0), server_id, GTIDs in use (1/0), sql_mode, autocommit, wait_timeout,
	                       * interactive_timeout, init_connect */
	const char *identity; /* a text no other server has, server_uuid (or '') and the account we are */
	const char *status;   /* one row a replication channel */
	const char *replicas; /* one row a replica */
	const char
	    *lag; /* one number of microseconds, NULL when nothing is being applied; NULL = cannot tell */
	const char *applied;  /* position of a replica */
	const char *position; /* position of a primary */
	struct {
		const char *channel, *host, *port, *io, *sql, *lag, *io_error, *sql_error, *gtid, *server_id,
		    *uuid;
	} column;                       /* of `status` */
	const char *replica_uuid;       /* column of `replicas` */
	const char *grants[DUTY_COUNT]; /* GRANT <this> TO ... */
};

const struct monitor_words *monitor_words_of(enum flavor flavor, unsigned version);

/* The complete statement an administrator runs for this duty: account is what CURRENT_USER() said. */
void monitor_grant(const struct monitor_words *w, enum duty duty, const char *account, char *out,
                   size_t out_size);
const char *monitor_purpose(enum duty duty); /* "to see whether replication runs" */

/* "5.5.5-10.11.19-MariaDB-log" -> FLAVOR_MARIADB, 101119. False for a text that is no version. */
bool monitor_parse_version(const char *text, enum flavor *flavor, unsigned *version);

#endif
