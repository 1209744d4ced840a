/*
 * The settings: one row a setting in settings.c (name, unit, default, bounds, description), one field here.
 *
 * A struct settings is immutable once published in a snapshot; whoever changes one copies it.
 * Times are in microseconds inside; people write them with a unit (10s, 500ms) and a bare number means the unit that
 * the table's row names.
 */
#ifndef WYE_PROXY_SETTINGS_H
#define WYE_PROXY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/log.h"
#include "router/balance.h"

enum server_tls { SERVER_TLS_AUTO, SERVER_TLS_OFF, SERVER_TLS_REQUIRED, SERVER_TLS_VERIFY_CA, SERVER_TLS_VERIFY_IDENTITY };
enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };
enum server_compression { SERVER_COMPRESSION_OFF, SERVER_COMPRESSION_ZLIB, SERVER_COMPRESSION_ZSTD };
enum consistency { CONSISTENCY_EVENTUAL, CONSISTENCY_SESSION, CONSISTENCY_GLOBAL, CONSISTENCY_PRIMARY };
enum audit { AUDIT_OFF, AUDIT_LOGINS, AUDIT_STATEMENTS };
enum failover { FAILOVER_OFF, FAILOVER_MANUAL, FAILOVER_AUTO };
enum reads_on_primary { READS_ON_PRIMARY_FALLBACK, READS_ON_PRIMARY_ALWAYS, READS_ON_PRIMARY_NEVER };

#define ZONE_MAX 64 /* of the name of a zone, its end included */

struct settings {
	/* clients */
	uint64_t max_connections;     /* clients at once; more get 1040 */
	uint64_t user_max_clients;    /* of one account; more get 1203; 0 = any number */
	uint64_t max_packet;          /* bytes of one command; more gets 1153 and the end */
	uint64_t login_timeout;       /* us from accept to the end of the login */
	uint64_t login_failures_max;  /* wrong passwords of one address in login_failures_time; then 1129; 0 = any number */
	uint64_t login_failures_time; /* us */
	char proxy_protocol_networks[512]; /* ranges of addresses whose PROXY headers are believed */
	uint64_t idle_timeout;        /* us a client may be silent outside a transaction; 0 = for ever */
	bool client_tls;              /* offer TLS to clients */
	bool client_compression;      /* offer the compressed protocol to clients */
	char tls_cert[512], tls_key[512]; /* PEM files; empty = a self-signed certificate made at start */
	char tls_ca[512];             /* whom clients' certificates are verified with; empty = they are asked for none */
	enum tls_version tls_min_version; /* of both sides */
	bool require_tls;             /* clients over TCP without TLS get 3159 */
	char server_version[64];      /* what clients are told; empty = the primary's own */

	/* servers */
	uint64_t server_max_connections; /* connections to one server, all workers together */
	uint64_t user_max_connections;   /* of these, in one account's name; 0 = any number */
	uint64_t pool_min_idle;          /* connections of each pool kept open, and ahead of the need */
	uint64_t pool_idle_timeout;      /* us an unused connection is kept */
	uint64_t pool_max_age;           /* us after which an idle connection is replaced */
	uint64_t server_statements;      /* prepared statements kept on one connection to a server */
	uint64_t connect_timeout;        /* us for connect and login to a server */
	uint64_t queue_timeout;          /* us a statement waits for a connection or a server */
	uint64_t failover_timeout;       /* us it waits for a primary; 0: not at all */
	uint64_t mirror_queue;           /* copies that wait for one server */
	uint64_t mirror_connections;     /* of a worker's pool for them */
	uint64_t mirror_timeout;         /* us */
	uint64_t transaction_replay_max_bytes; /* of one; 0: none is kept */
	uint64_t hold_max_bytes;         /* of commands that do; 0: any number */
	uint64_t queue_max;              /* sessions that may wait for one server; 0 = any number */
	enum server_tls server_tls;
	char server_ca[512];
	char server_cert[512], server_key[512]; /* what wye shows to servers; empty = nothing */
	enum server_compression server_compression;
	bool connection_affinity;        /* a session's last connection is the first it is lent */

	uint64_t pipeline_depth;         /* short reads at once on one connection; 0, 1: each has its own */
	uint64_t pipeline_after;         /* connections of a worker's pool that are busy before any is shared so */
	uint64_t coalesce;               /* us a loop may let events gather; 0: it looks for them at once */
	bool admission;                  /* as many reads run on a server at once as it runs well */

	/* routing and consistency */
	uint64_t max_lag;             /* us; a replica further behind leaves the pool */
	enum consistency consistency;
	enum reads_on_primary reads_on_primary;
	uint64_t primary_reads_max;   /* reads on the primary at once that no replica could serve; 0 = any number */
	enum balance_policy balance;
	char zone[ZONE_MAX];          /* reads go to this zone's replicas while one of them can serve; empty = to all alike */
	uint64_t slow_start;          /* us in which a replica that comes back gets its full share of reads */
	uint64_t causal_timeout;      /* us a read may wait on a replica for what it must see; 0: it never does */
	uint64_t observe_timeout;     /* us that reads of who changed a global variable, or counts, prefer the primary */
	uint64_t learned_timeout;     /* us that a replica's refusal of a statement is remembered */

	/* monitor */
	uint64_t monitor_interval;    /* us between looks at a server's state */
	uint64_t position_interval;   /* us between looks at a server's applied position */
	uint64_t position_interval_busy; /* the same while a session lacks a position */
	bool position_stream;         /* the replicas' binary logs are followed, to look at once when they applied something */
	char heartbeat_table[130];    /* schema.table of a row that is set on the primary and read on replicas; empty: none */
	uint64_t accounts_interval;   /* us between looks at the accounts */
	uint64_t catalog_interval;    /* us between looks at the stored functions and views */

	/* changes of the topology */
	enum failover failover;       /* who may change it: nobody, administrators, wye itself too */
	uint64_t failover_delay;      /* us that a primary must have been gone before wye replaces it */
	uint64_t switchover_timeout;  /* us for transactions to end, and for the new primary to catch up */
	char replication_user[130];   /* whom an old primary replicates as; empty: the monitor account */
	char replication_password_file[512];
	char cluster_name[33];        /* wyes of one name agree who acts */

	/* statistics */
	bool statement_statistics;    /* statements are counted by digest and class, with their times */
	uint64_t statement_digests;   /* rows of them that each worker keeps */
	bool proxysql_metrics;        /* /metrics has ProxySQL's names as well */

	/* process */
	uint64_t threads;             /* workers; 0 = the machine's cores */
	uint64_t drain_timeout;       /* us that SIGTERM waits for running transactions */
	uint64_t upgrade_timeout;     /* us that a process which was replaced waits for what it could not hand over */

	/* logs */
	enum log_level log_level;
	char log_levels[200];         /* of areas that have their own: "sessions=debug" */
	enum log_format log_format;
	uint64_t log_rate;            /* lines of one event a second; 0 = any number */
	char log_file[512];           /* empty = standard error */
	uint64_t slow_log_time;       /* us; 0 = none is logged */
	char slow_log_file[512];      /* empty = the log */
	enum audit audit;
	char audit_file[512];         /* likewise */
	bool log_literals;            /* statements in logs are as they came */
};

#define SETTINGS_MAX 128 /* there are not more */

void settings_default(struct settings *s);

/* Sets one by name from text. False: `error` says what is wrong, what is allowed and the nearest right name. */
bool settings_set(struct settings *s, const char *name, const char *value, char *error, size_t error_size);

/* Rows of the table, for SHOW SETTINGS and the help: index from 0, NULL past the last. */
struct setting_info {
	const char *name, *unit, *description, *default_text;
	bool needs_restart;
};
const struct setting_info *settings_info(size_t index);
void settings_allowed(size_t index, char *out, size_t out_size); /* what it may be, for a person */
int settings_index(const char *name); /* -1: there is none */

/* The value as a person would write it. */
void settings_format(const struct settings *s, size_t index, char *out, size_t out_size);

#endif
