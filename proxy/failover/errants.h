/*
 * What one server holds that another lacks, by the texts that the servers give of their histories: pure.
 *
 * MySQL: gtid_executed of both, subtracted. MariaDB: gtid_binlog_state of both, which has the last number of every server
 * in every domain: the highest of a domain alone would not see that two servers gave one number to two transactions.
 */
#ifndef WYE_PROXY_FAILOVER_ERRANTS_H
#define WYE_PROXY_FAILOVER_ERRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/flavor.h"

struct history {
	enum flavor flavor;
	const char *executed;  /* gtid_executed; MariaDB: gtid_binlog_state */
	const char *slave_pos; /* MariaDB: gtid_slave_pos, which a server made from a backup knows before it has logged
				  anything; else NULL */
};

/* How many transactions `a` holds that `b` lacks, and which; -1: the texts cannot be compared. */
int64_t errants_between(const struct history *a, const struct history *b, char *text, size_t size);

/* Both hold some of the same transactions, as far as that can be told. */
bool errants_akin(const struct history *a, const struct history *b);

/* MariaDB: where the history of `a` left that of `b`: the position from which it would have to follow. False: it cannot be
 * told. */
bool errants_fork(const struct history *a, const struct history *b, char *position, size_t size);

#endif
