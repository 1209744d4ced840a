/*
 * The system variables that mean something for the route: those whose value belongs to one server or one
 * connection, and those that cannot be set again on another connection. All others are carried with the
 * session.
 */
#ifndef WYE_ROUTER_VARIABLES_H
#define WYE_ROUTER_VARIABLES_H

#include <stdbool.h>

#include "protocol/wire.h"
#include "router/dialect.h"

enum variable_read {
	READ_ANYWHERE,
	READ_SERVER,     /* the answer differs from server to server */
	READ_DIFFERS,    /* likewise, but any may be asked */
	READ_CONNECTION, /* ... from connection to connection */
	READ_COUNTERS,   /* what one server has done */
	READ_STATUS,     /* what one connection has done */
	READ_WARNINGS,   /* belongs to the statement before */
	READ_LAST_INSERT_ID,
	READ_CONNECTION_ID
};

enum variable_write {
	WRITE_CARRIED,
	WRITE_PINS,       /* lives in one connection */
	WRITE_TRACKERS,   /* what the servers report: wye depends on it */
	WRITE_TRANSACTION /* "SET @@name" without a scope is for the next transaction only */
};

struct variable {
	const char *name; /* lower case */
	enum variable_read read;
	enum variable_write write;
};

/* By name, in any case; never NULL: an ordinary one for names not in the table. */
const struct variable *variable_find(struct view name);

/* Whether another value of the global variable may change what reads answer: not those of logs and replication, of how
 * the engine InnoDB works, and of who may do what. */
bool variable_steers_reads(struct view name);

/* The name this server knows the variable by, in lower case, when the one given is an alias; else an empty
 * view. */
struct view variable_canonical(struct view name, const struct dialect *dialect);

/* What SHOW VARIABLES LIKE pattern may show: READ_SERVER when it matches variables of several kinds,
 * or all because it is empty. */
enum variable_read variables_like(struct view pattern);

/* SQL's LIKE with % and _ and backslash, without regard to case. */
bool like_matches(struct view pattern, const char *text);

#endif
