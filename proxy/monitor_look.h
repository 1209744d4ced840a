/*
 * One look at a server: what it is, whether it may be written, whom it replicates from, who replicates from
 * it.
 *
 * Everything is read with the least privilege that shows it; what is refused is left unknown and the duty
 * that lacks its GRANT is marked. Blocking; the monitor thread's.
 */
#ifndef WYE_PROXY_MONITOR_LOOK_H
#define WYE_PROXY_MONITOR_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proxy/client_library.h"
#include "proxy/monitor_words.h"
#include "proxy/options.h"
#include "proxy/server_defaults.h"
#include "router/flavor.h"

#define LOOK_CHANNELS_MAX 8
#define LOOK_REPLICAS_MAX 32

enum link_state { LINK_STOPPED, LINK_CONNECTING, LINK_RUNNING };

/* One source that the server replicates from. */
struct look_channel {
	struct endpoint source;
	uint32_t source_id;   /* server_id, 0 until it was connected once */
	char source_uuid[40]; /* MySQL */
	enum link_state io;
	bool sql;        /* the applier runs */
	int64_t lag_us;  /* Seconds_Behind in microseconds, -1 = it cannot tell */
	bool gtid;       /* follows by GTIDs */
	char error[160]; /* why a thread stopped */
};

struct look_replica {
	struct endpoint at; /* host empty: it does not tell */
	uint32_t server_id;
	char uuid[40];
};

struct look {
	uint64_t number;                 /* counts the looks at this server from 1 */
	int64_t at_us;                   /* monotonic clock */
	struct library_error error;      /* failure LIBRARY_OK: it answered, and the rest is filled in */
	unsigned failures;               /* looks that failed in a row up to this one */
	struct sockaddr_storage address; /* also of a server that does not answer, when its name resolves */
	socklen_t address_len;

	bool is_known_kind; /* the version could be read */
	enum flavor flavor;
	unsigned version;
	char version_text[80];
	uint16_t collation;
	char identity[400];
	char uuid[40];
	uint32_t server_id;
	char account[400]; /* CURRENT_USER(): whom a GRANT is for */
	bool read_only;
	bool gtid; /* GTIDs are in use */
	uint32_t sql_mode;   /* MODE_... of the global sql_mode: what new sessions begin with */
	bool autocommit_off; /* likewise */
	struct server_defaults defaults;

	bool status_known; /* the replication status could be read */
	unsigned n_channels;
	struct look_channel channels[LOOK_CHANNELS_MAX];
	int64_t lag_us; /* the best measure there is; -1 = not known */

	bool replicas_known;
	unsigned n_replicas;
	struct look_replica replicas[LOOK_REPLICAS_MAX];

	unsigned missing; /* bits 1 << enum duty: GRANTs that are missing */
};

/* Once after each connect: version and identity. False when the connection is of no use: look->error says
 * why. */
bool look_identify(struct library_connection *c, struct look *look);

/* State and replication; `with_replicas` also asks who replicates from it, else what the look holds is kept.
 * False when the connection broke: look->error says how. */
bool look_at_state(struct library_connection *c, struct look *look, bool with_replicas);

#endif
