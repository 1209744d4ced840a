/*
 * The control thread's picture of the cluster, shared by the files of topology: topology.c keeps it up to
 * date, topology_servers.c who is in it, topology_accounts.c the accounts in it, topology_publish.c makes snapshots of it, topology_check.c
 * says what is wrong with it. Nobody else includes this.
 */
#ifndef WYE_PROXY_TOPOLOGY_STATE_H
#define WYE_PROXY_TOPOLOGY_STATE_H

#include <stdatomic.h>
#include <time.h>

#include "proxy/events.h"
#include "proxy/topology.h"
#include "proxy/topology_members.h"

#define HELD_EVENTS_MAX 64

struct objects_state {
	struct object_set *set; /* a reference; NULL before the first */
	uint64_t answered;      /* the newest request that `set` answers */
	bool asking;
	unsigned asked_slot;
	unsigned told_failure; /* the error that was told last, 0: none since it succeeded */
	int64_t asked_us, ended_us, next_us; /* monotonic: when it was asked, when answered, when the next look is due */
};

struct accounts_state {
	struct account_set *set;    /* a reference; NULL before the first */
	bool settled;               /* loaded, or known not to be to be had */
	struct library_error error; /* of the last attempt; failure LIBRARY_OK when it succeeded */
	char error_server[280];
	uint64_t answered;  /* the newest ticket that `set` answers */
	uint64_t in_flight; /* the ticket being answered */
	bool asking;
	unsigned asked_slot;
	bool tried[SERVERS_MAX];   /* servers that failed to answer this ticket */
	int64_t asked_us, next_us; /* monotonic: when it was asked; when the next look is due */
	int64_t ended_us;
	int64_t changed_us;        /* since when something changed through here waits to be read; 0: nothing does */
};

struct topology {
	uv_loop_t *loop;
	uv_async_t news; /* a monitor has something, or somebody asks for accounts */
	uv_timer_t clock;
	struct options options;
	struct settings settings;
	struct monitor_common common;
	struct members members;
	struct role_decision roles; /* indices are slots here */
	bool first_done;            /* the first picture is complete and published */
	bool hurry;                 /* no more waiting for servers that were never looked at */
	bool running;               /* nothing kept wye from starting: events are told at once */
	struct event
	    held[HELD_EVENTS_MAX]; /* until then they are held back: a failed start is told in one line */
	unsigned n_held;
	int64_t now_us;        /* monotonic, at the beginning of the turn */
	unsigned told_missing; /* GRANTs that were asked for: bits of enum duty */
	int told_rival;
	int held_slot;    /* slot of the primary that is being replaced: nothing new begins there; or ROLE_NO_SERVER */
	char held_reason[160];
	bool left_closed; /* the primary is read-only, and failover = auto is not to open it: clients are told */
	int appointed;    /* slot of who is to be primary as soon as it may be written; or ROLE_NO_SERVER */
	unsigned changes_tried;
	int64_t change_seen_us; /* monotonic: when a change was still under way */
	int64_t gone_since_us, changes_rest_us; /* monotonic: failover = auto, see topology_change.c */
	bool told_no_primary;
	struct accounts_state accounts;
	struct objects_state objects;
	struct snapshot *published; /* a reference: what changed since? */
	int64_t published_us;
};

extern struct topology topology;

/* A member that another one tells of; `expected` as with found_fn. */
void topology_add_found(const struct endpoint *at, const struct member *by, const struct look_replica *expected);
/* The members that the configuration names, at start. 0 or UV_E*. */
int topology_add_given(void);
void topology_stop_monitors(void);

/* event_note(), held back while it is not known whether wye can run. */
void topology_note(enum log_level level, const char *kind, const char *server, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* It answered the last look, or is only out of connections for a moment. */
bool topology_member_up(const struct member *m);
struct member *topology_primary(void); /* by role, up or not; NULL */
bool topology_primary_usable(void);    /* up, and may be written */
bool topology_primary_answers(void);   /* up, and at most read-only */
void topology_primary_reason(char *out, size_t out_size);

/* Asks for accounts when it is time, takes what came. Once a turn. */
void topology_accounts_turn(void);

/* The same for stored functions and views. */
void topology_objects_turn(void);

/* Judges every member that was looked at, and says who takes reads. Once a turn, after the roles. */
void topology_health_turn(void);

int64_t topology_clock_us(clockid_t id); /* microseconds */

/* Every server is looked at now. */
void topology_look_soon(void);

/* failover = auto: asks for the change that is due. Once a turn, after the roles. */
void topology_changes_turn(void);

/* Publishes a snapshot when it would differ from the last one in what workers go by. */
void topology_publish_changes(void);

/* What keeps wye from running: false when nothing does. */
bool topology_obstacle(char *error, size_t error_size);

#endif
