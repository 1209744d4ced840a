/*
 * The statements that change who replicates from whom, in each flavor's and version's words: pure.
 *
 * Nothing here is sent by itself; a text that does not fit is empty.
 */
#ifndef WYE_PROXY_FAILOVER_CHANGE_WORDS_H
#define WYE_PROXY_FAILOVER_CHANGE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/options.h"
#include "router/flavor.h"

#define CHANGE_SQL_MAX 2048

enum replica_act { ACT_STOP, ACT_STOP_IO, ACT_START, ACT_START_IO, ACT_RESET_ALL };

/* STOP REPLICA and its kin, of one channel. */
void words_act(char out[CHANGE_SQL_MAX], enum flavor flavor, unsigned version, enum replica_act act, const char *channel);

/* Whom a replica logs in as at its source, and how. */
struct source_login {
	const char *user, *password;
	bool tls;
	unsigned retry; /* seconds between attempts; 0: the server's default */
};

/* Another source for a channel, by GTIDs. `login` NULL: the channel keeps the one it has. `demote`: it was a primary so
 * far, whose own transactions count as applied (MariaDB from 10.10 on; where it is not known the caller sets
 * gtid_slave_pos). */
void words_source(char out[CHANGE_SQL_MAX], enum flavor flavor, unsigned version, const char *channel,
		  const struct endpoint *source, const struct source_login *login, bool demote);
bool words_know_demote(enum flavor flavor, unsigned version);

/* Waits until this position has been applied: one row, 1 when it has. */
void words_wait(char *out, size_t size, enum flavor flavor, const char *position, unsigned seconds);

/* A text as a literal, quotes included. */
void words_quote(char *out, size_t size, const char *text);

/* Privileges that changing the topology takes: name as information_schema.USER_PRIVILEGES and GRANT have it; SUPER stands
 * for those marked so. Index from 0, NULL past the last. */
struct change_privilege {
	const char *name;
	bool in_super;
};
const struct change_privilege *words_privilege(enum flavor flavor, unsigned version, unsigned index);

#endif
