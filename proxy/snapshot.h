/*
 * What workers read: servers, roles, lag, accounts and settings as one immutable, reference-counted snapshot.
 *
 * The control thread builds and publishes one whenever something changed; each worker picks it up between statements.
 * What moves all the time (applied positions, connection counts) lies beside it, in slots that live as long as the
 * process: a server keeps its slot for ever.
 */
#ifndef WYE_PROXY_SNAPSHOT_H
#define WYE_PROXY_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proxy/options.h"
#include "proxy/server_defaults.h"
#include "proxy/settings.h"
#include "router/flavor.h"
#include "router/position.h"

#define SERVERS_MAX 128

enum server_role { SERVER_UNKNOWN, SERVER_PRIMARY, SERVER_REPLICA, SERVER_MIRROR };

enum server_state {
	SERVER_STATE_NEW,     /* not looked at yet */
	SERVER_STATE_UP,
	SERVER_STATE_DOWN,    /* unreachable, or refuses the monitor */
	SERVER_STATE_STOPPED, /* a replica whose replication does not run */
	SERVER_STATE_LAGGING, /* a replica beyond max_lag */
};

struct server_info {
	unsigned slot;                   /* index into every worker's pools and counters */
	struct endpoint at;
	char name[280];                  /* host:port, as people write it */
	struct sockaddr_storage address; /* resolved */
	socklen_t address_len;
	bool local;                      /* loopback or a Unix socket: TLS is not needed to be private */
	enum flavor flavor;
	unsigned version;                /* 90704, 101119 */
	char version_text[80];           /* as the greeting has it */
	uint64_t uuid_hi, uuid_lo;       /* MySQL's server_uuid: whose transactions are its own; 0: not known */
	enum server_role role;
	enum server_state state;
	bool takes_reads;                /* a replica in the pool */
	bool drained;                    /* an administrator has taken it out */
	uint64_t reads_since_ms;         /* monotonic: when it returned to it; 0: it was there from the start */
	bool read_only;
	int64_t lag_us;                  /* -1 = not known */
	unsigned weight;
	unsigned distance;               /* 0: in this wye's zone, or zones do not matter */
	uint16_t default_collation;      /* the greeting's */
	uint32_t sql_mode;               /* MODE_... of router/sql_mode.h: the global default, for texts of new sessions */
	bool autocommit_off;             /* the global default, for new sessions */
	struct server_defaults defaults;
	char reason[160];                /* why the state is what it is */
	int64_t since_us;                /* when the state or role changed last, epoch */
	char source[280];                /* whom it replicates from, host:port, or empty */
};

struct account_set;
struct object_set;
struct config;
struct rule_set;

struct snapshot {
	_Atomic unsigned references;
	uint64_t number;
	const struct settings *settings;        /* lives as long as the snapshot */
	struct settings settings_storage;
	struct account_set *accounts;           /* a reference; see proxy/accounts.h */
	uint64_t accounts_ticket;               /* the newest request for fresh accounts that this answers */
	struct object_set *objects;             /* a reference, or NULL; see proxy/objects.h */
	uint64_t objects_ticket;                /* the newest request for them that this answers */
	struct config *config;                  /* a reference: what its users ask for; NULL in tests */
	struct rule_set *rules;                 /* a reference; NULL: there are none that are enabled */
	int primary;                            /* index into servers, or -1 */
	int held;                               /* slot of a primary that is being replaced: nothing new begins there; -1: none is */
	char primary_reason[160];               /* why there is none, or none that may be written */
	unsigned n_servers;
	struct server_info servers[];
};

/* The current one with a reference of the caller's; NULL before the first. Any thread. */
struct snapshot *snapshot_get(void);
void snapshot_unref(struct snapshot *s);

/* A snapshot with room for n servers, one reference. The builder fills it and gives it away by publishing. */
struct snapshot *snapshot_create(unsigned n_servers, const struct settings *settings);
void snapshot_publish(struct snapshot *s);
void snapshot_drop(void); /* at the end: the current one is let go */

/* Called in the publishing thread after each publication (the workers' wake-up). Set once at start. */
void snapshot_on_publish(void (*told)(void));

/* Whose version, dialect and defaults clients see: the primary, or else any that was reached; NULL: none was. */
const struct server_info *snapshot_reference(const struct snapshot *s);
bool snapshot_is_mariadb(const struct snapshot *s); /* false as well while none was reached */

const struct server_info *snapshot_server_by_slot(const struct snapshot *s, unsigned slot);
const char *server_role_name(enum server_role role);
const char *server_state_name(enum server_state state);

#endif
