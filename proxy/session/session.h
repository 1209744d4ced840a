/*
 * A session: one client, and the backends it holds at this moment, if any.
 *
 *	            ┌──────────────────────────────────────────────────────────────┐
 *	            v                                                              │
 *	LOGIN ──> COMMAND ──> WANT_BACKEND ──> PREPARE_BACKEND ──> REPLY ──────────┤
 *	            │  ^           ^                  │           (UPLOAD)         │
 *	            └──┘           └──── run again ───┴──────────────┘             │
 *	       answered here        on another server                        next command
 *
 *	LOGIN            the client says who it is                    ends by: its login, or login_timeout
 *	COMMAND          a whole command is awaited                   ends by: the client, or idle_timeout
 *	WANT_BACKEND     a connection to the chosen server            ends by: the pool, or queue_timeout
 *	PREPARE_BACKEND  errands whose answers must be known before   ends by: the server
 *	                 the statement may be sent
 *	REPLY            answers of errands are eaten, the answer     ends by: the server
 *	                 of the statement is passed on
 *	PIPELINED        the statement was written behind another    ends by: that one's end, or PIPELINE_WAIT_MS
 *	                 session's
 *	UPLOAD           the client's bytes go to the server: the     ends by: the client
 *	                 rest of a large command, or a local file
 *	ELSEWHERE        another worker does it, or is asked (KILL)   ends by: its answer
 *	READ_BACK        between commands: values set to expressions  ends by: the server
 *	                 are asked for
 *	MOVING           it is on its way to another process, or       ends by: the other process's answer
 *	                 has come from one (moving.c)
 *	CLOSING          handles are being closed                     ends by: the last close callback
 *
 * Each state has one step function that does what it can with the bytes that are there and says AGAIN, WAIT or CLOSE
 * (session.c). What a step needs beyond the session's lifetime state lies in `run`, which exists only while a command
 * is in work, so that an idle session is small.
 */
#ifndef WYE_PROXY_SESSION_SESSION_H
#define WYE_PROXY_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "protocol/constants.h"
#include "protocol/reply.h"
#include "protocol/splice.h"
#include "proxy/answer_sum.h"
#include "proxy/backend/backend.h"
#include "proxy/conn.h"
#include "proxy/worker.h"
#include "router/address.h"
#include "router/classify.h"
#include "router/position.h"
#include "router/rule.h"

enum session_state {
	SESSION_LOGIN,
	SESSION_COMMAND,
	SESSION_WANT_BACKEND,
	SESSION_PREPARE_BACKEND,
	SESSION_PIPELINED,
	SESSION_REPLY,
	SESSION_UPLOAD,
	SESSION_ELSEWHERE,
	SESSION_READ_BACK,
	SESSION_MOVING,
	SESSION_CLOSING,
	SESSION_STATES
};

enum step { STEP_AGAIN, STEP_WAIT, STEP_CLOSE };

/* Why a session ended: the code in its last log line. */
#define SESSION_ENDS(X)                                                                                                \
	X(NONE, "none")                                                                                                \
	X(QUIT, "quit")                     /* COM_QUIT */                                                             \
	X(CLIENT_GONE, "client-gone")       /* the client closed or reset its connection */                            \
	X(CLIENT_PROTOCOL, "client-protocol") /* the client sent what is not the protocol */                           \
	X(LOGIN_REFUSED, "login-refused")                                                                              \
	X(LOGIN_TIMEOUT, "login-timeout")                                                                              \
	X(GAVE_WAY, "gave-way")             /* it had not logged in, and there was no place for another */             \
	X(IDLE_TIMEOUT, "idle-timeout")                                                                                \
	X(SERVER_LOST, "server-lost")       /* and with it state that cannot be had again */                           \
	X(SERVER_PROTOCOL, "server-protocol")                                                                          \
	X(RELEASED, "released")             /* COMMIT RELEASE */                                                       \
	X(KILLED, "killed")                                                                                            \
	X(MOVED, "moved")                   /* another process has it */                                               \
	X(DRAINED, "drained")               /* wye is stopping */                                                      \
	X(STUCK, "stuck")                   /* its steps would not end */                                              \
	X(NO_MEMORY, "no-memory")
enum session_end {
#define X(name, word) END_##name,
	SESSION_ENDS(X)
#undef X
};

#define WARNINGS_KEPT_MS 1000u /* while others wait: whoever wants to read them does so at once */

/* Capabilities of a client that its backends must have alike, since no connection can change them. */
#define SESSION_POOL_CAPS                                                                                              \
	(CAP_FOUND_ROWS | CAP_LOCAL_FILES | CAP_DEPRECATE_EOF | CAP_MULTI_STATEMENTS | CAP_MULTI_RESULTS |             \
	 CAP_PS_MULTI_RESULTS | CAP_QUERY_ATTRIBUTES)
#define SESSION_POOL_MARIADB_CAPS MCAP_EXTENDED_METADATA

/* Bytes of a command of 16 MiB and more that must be there before it is looked at: the types of 65,535 parameters and
 * what stands before them fit in. */
#define SESSION_LARGE_FRONT (256u << 10)

/* A prepared statement of a client, under the number that wye gave it. */
struct client_statement {
	uint32_t id; /* key */
	struct template *template;
	bool local;            /* wye answers its executions itself */
	uint8_t *types;        /* of the parameters, as bound last */
	size_t types_len;
	uint64_t types_hash;
	bool cursor;           /* open on the pinned backend */
	bool long_data;        /* sent to the pinned backend for the next execution */
	bool data_lost;        /* some of it did not get there, which has no answer: the execution's tells */
	UT_hash_handle hh;
};

/* A transaction that the client has begun, and no server knows of yet. */
enum begun { BEGUN_NOT, BEGUN_READ_WRITE, BEGUN_READ_ONLY };

/* What is sent to a backend on our own account ahead of a statement. */
enum errand_kind {
	ERRAND_RESET,       /* COM_RESET_CONNECTION */
	ERRAND_TRACKERS,    /* tell us what you change */
	ERRAND_OPTION,      /* COM_SET_OPTION */
	ERRAND_ROLE,        /* SET ROLE ... */
	ERRAND_SCHEMA,      /* COM_INIT_DB */
	ERRAND_STATE,       /* SET ... */
	ERRAND_INSERT_ID,   /* SET last_insert_id */
	ERRAND_LAST,        /* SELECT ...: what leaves the counts of the session's last statement */
	ERRAND_SIGNAL,      /* SIGNAL ...: an error that wye has answered itself, which this leaves and answers */
	ERRAND_SAVE_ID,     /* SELECT LAST_INSERT_ID(), for the session that had this backend before */
	ERRAND_WAIT,        /* until a replica has applied what the session must see */
	ERRAND_ASK,         /* what a server has applied, which is what the session has seen there at most */
	ERRAND_KILL,        /* SELECT ...: what a KILL must know before it is carried out */
	ERRAND_CLEAR,       /* DO 0, which leaves no counts and no warnings */
	ERRAND_BEGIN,       /* START TRANSACTION ... */
	ERRAND_GIVEN_ID,    /* SET insert_id: what a row got before, it gets again */
	ERRAND_PREPARE,     /* COM_STMT_PREPARE */
	ERRAND_KINDS
};
#define ERRANDS_MAX 16

/* A query attribute "wye.name" of the command in work. */
#define RUN_HINT_MAX 128u
struct run_hint {
	char name[32];
	char value[RUN_HINT_MAX];
};

/* What the statistics of statements want to know: see statistics.c. Times in ns of the monotonic clock. */
struct run_times {
	uint64_t began;         /* when the command was there; 0: it is not counted */
	uint64_t queue_since;   /* when it began to wait, 0: it does not */
	uint64_t queue;         /* how long it has waited */
	uint64_t sent;          /* when it was sent last */
	uint64_t out_before;    /* bytes_out of the session when it began */
	uint64_t bytes;         /* of the command */
	struct tally_ticket digest;
	uint16_t error;         /* that wye has answered itself */
};
struct statement_done;

/* One command in work. */
struct run {
	SLIST_ENTRY(run) spare; /* the worker's list, while it is none's */
	uint8_t command;
	uint64_t came_at;       /* ms */
	bool large;             /* it continues over several packets: passed on as it comes */
	bool own;               /* no statement, errands only: the login's schema */
	bool sent;              /* the statement has gone to the backend (errands may go alone) */
	bool forwarded;         /* a byte of the answer has gone to the client */
	bool replayable;        /* it may run again elsewhere: a read outside a transaction, nothing passed on */
	bool to_primary;        /* no replica: it was refused by one, or must not */
	bool on_replica;        /* where it runs now */
	bool wait;              /* on a replica that is not known to have what the session must see */
	bool waited, late;      /* it has waited once; in vain */
	bool ask;               /* no statement yet, the server's position only: it is routed anew then */
	uint32_t cost;          /* us for the server, of one that pipelines */
	bool timed;             /* what it takes is to be known (proxy/short_reads.h) */
	bool pipelines;         /* a short read: others may be written behind it, and it behind others (pipelined.c) */
	bool alone;             /* that was tried, and it must not again */
	struct backend *behind; /* PIPELINED: the connection that it was written to; NULL: it must go elsewhere, */
	bool lost_before;       /* ... which was lost */
	size_t answer_held;     /* bytes of its answer that are here, and kept until they are all */
	bool spilled, held;     /* it counts in worker->spilled; it waits for those to become fewer */
	bool keyed;             /* a causal key counts in place of the session: key_position is set */
	struct position key_position; /* what it must see then */
	uint64_t key_number;
	bool error_kept;        /* its ERR is own_error of the session, */
	bool lists_objects;     /* as the classification has it, alone */
	bool carries_error;     /* it ran where that was put before */
	bool error_is_own;      /* and no connection has it so */
	bool noted;             /* it committed something whose position was told */
	bool ended_read_only;   /* it commits a READ ONLY transaction, which has been ended for it */
	bool told;              /* what it changed for other sessions was told them */
	uint64_t lacks_since;   /* us: when it was to wait for that first; 0: not yet */
	uint8_t lookout;        /* the slot where it is a lookout (lookout.h), plus 1; 0: nowhere */
	bool stands_by;
	TAILQ_ENTRY(session) stand_link;
	uint32_t wait_life;     /* of the server when it was told to wait: positions_life() */
	uint64_t wait_us;       /* when it was */
	uint64_t sent_us;       /* when the statement was sent; 0: nobody wants to know */
	struct run_times times; /* for the statistics */
	bool log_kept;          /* what the logs tell of its text has been looked for: */
	char trace_id[33];      /* 32 digits, or empty */
	char *log_text;         /* as it came, if that is asked for; or NULL */
	bool saves_own;         /* the errand under way asks for the session's own last insert id, before it goes elsewhere */
	bool kill_query;
	uint64_t kill_id;
	char *kill_sql;         /* what is asked first (ERRAND_KILL), and of a KILL with an expression what that is; or NULL */
	char *kill_user, *kill_host; /* KILL USER; the second may be NULL */
	bool kill_may;          /* it has the right to kill that user's sessions */
	enum { KILL_KNOWN, KILL_ASKS_VALUE, KILL_ASKS_RIGHTS } kill_asks;
	bool kill_told;         /* the answer was a number: */
	uint64_t kill_answer;
	size_t sql_at, sql_len; /* where the text stands in the command (rules_packet()), when it is not a prepared statement's */
	size_t size;            /* bytes of the command in the client's input, headers included (not when large) */
	bool names_connections; /* ELSEWHERE: their numbers on the server are being looked up */
	char *translated;       /* the text with those; or NULL */
	size_t translated_len;

	/* In a transaction that may have to run again: replay.h. */
	unsigned replay_at;     /* which of its statements it is, plus 1; 0: none that is kept */
	bool replays;           /* it runs again: its answer is compared, and not passed on */
	struct answer_sum sum;

	/* The classifier's word. */
	enum route route;
	enum reason reason;
	uint32_t flags;
	bool reads_found_rows, sets_found_rows, finds_none;
	uint64_t learned_key;   /* of its digest and the default schema */
	uint64_t digest;
	struct learned_row *refusal; /* of a replica, to be remembered when the primary can do it; or NULL */
	uint32_t pins_added, pins_released;
	char *pin_cause;        /* its digest text, when it adds pins */
	struct state *next;     /* the session's state when it has succeeded; a reference, or NULL: no change */
	bool next_unknown;      /* it changes state in a way that is not known: the session is tied then */
	struct bound *bind, *unbind; /* names that its connection has, or has no more, when it has succeeded; or NULL */
	bool plain_begin;       /* BEGIN and nothing else */
	enum begun began;       /* ERRAND_BEGIN has been answered */
	bool reads_counters, uses_tables, diagnoses, runs_routine; /* as the classification has them */
	bool takes_sequence, may_take_sequence, reads_sequence, keeps_sequence; /* sequences.c: sequences_classified() */
	bool sets_state;        /* its text tells of variables that it sets, */
	bool sets_several;      /* of more than one, */
	bool sets_for_good;     /* and what of it was done, if it fails, cannot be asked for */
	bool ask_locks;         /* it may have taken or released user locks */
	bool state_changed;     /* the server says that it has changed what belongs to its connection, */
	bool change_explained;  /* and in the same answer what that was */

	/* What hints ask for: see hints.c. */
	int wanted_slot;        /* the server that was named, -1: none, or unknown */
	bool wants_replica;
	bool has_max_lag, timed_out;
	enum hint_consistency consistency;
	uint64_t max_lag;       /* us, with has_max_lag */
	char *causal_key;
	uint64_t timeout;       /* us, 0: none */
	uint64_t deadline;      /* loop time in ms, 0: none is set */
	struct session_hints *next_hints; /* the session's when it has succeeded; NULL: no change */

	struct explanation *explanation; /* nothing is sent: it is only told where it would go; else NULL */

	/* What rules did: see rules.c. */
	uint8_t *rewritten;     /* the command in the place of the client's, with its packet header; or NULL */
	size_t rewritten_size;
	struct rule_set *mirror_rules; /* a reference, with: */
	const struct rule *mirror; /* the statement is copied to its server, if it fits; or NULL */
	char *denied;           /* what the client reads when the route is ROUTE_DENY */

	struct run_hint *hints; /* of its query attributes */
	unsigned n_hints;

	/* Prepared statements. */
	struct client_statement *statement;
	struct template *preparing; /* COM_STMT_PREPARE of the client, or an errand */
	bool unknown_statement; /* there is none of the number that the client gave: */
	uint32_t unknown_id;
	struct splice *splice;  /* large: the types of its parameters are put in while it passes */
	bool made_room;         /* statements were closed on the server, which has a bound for all of them */

	/* Where. */
	uint32_t tried;         /* bits of slots (below 32) that failed it */
	unsigned attempts;      /* it was begun anew so often, because a server failed it */
	unsigned waits;         /* servers it has waited for in vain */
	bool counted;           /* in the statistics of routes */
	int running_at;         /* slot where it counts as running, -1: nowhere */
	int slot;               /* the chosen server's, -1: none yet */
	bool chosen_pinned;     /* the pinned backend, or one that was kept */
	bool beside;            /* one that was kept, while another ties the session: nothing of that is done there */
	uint64_t waiting_since; /* ms, 0: not yet */
	uint64_t queue_since;   /* ms, 0: not yet, or it waits for a primary: what queue_timeout counts from */
	size_t held_bytes;      /* of its command, counted while it waits for a primary */
	struct pool *line_of;   /* in whose line the session stands, or NULL */
	uint64_t line_since;    /* ms */
	uint8_t gate;           /* the slot whose gate it stands at or has passed, plus 1 (admission.h); 0: none */
	bool gate_waits;
	uint64_t gate_since;    /* ms */
	TAILQ_ENTRY(session) gate_link;
	TAILQ_ENTRY(session) line;

	/* Errands sent whose answers are due, in order. */
	enum errand_kind errands[ERRANDS_MAX];
	struct state *errand_state; /* what the backend holds when they have succeeded; a reference */
	bool errands_reset;     /* one of them resets the connection */
	bool was_reset;         /* one has: what follows may have begun the transaction, which another would end */
	struct session *save_for; /* whose last insert id ERRAND_SAVE_ID asks for */
	unsigned n_errands, at_errand;
	uint16_t failed_code;   /* of the first errand that failed */
	enum errand_kind failed_errand;
	char failed_sqlstate[6];
	char *failed_text;

	struct reply reply;
	uint8_t client_seq;     /* number for the next packet to the client, if wye has to make one */
	uint32_t upload_left;   /* UPLOAD: bytes of the current packet still to come */
	bool upload_last;       /* UPLOAD: no packet follows the current one */
	uint8_t upload_seq;     /* UPLOAD: the current packet's number */
};

struct session_login;

struct session {
	struct conn client; /* first: a conn's owner is found by its address */
	struct worker *worker;
	TAILQ_ENTRY(session) link;      /* the worker's list of all */
	TAILQ_ENTRY(session) queue;     /* one of the worker's lists below, by state */
	struct session_list *queued_on;
	TAILQ_ENTRY(session) wake_link;
	bool woken;
	bool must_stay;                 /* it was not to be moved to another process */

	enum session_state state;
	enum session_end end;
	enum listen_route listen_route;
	bool unix_socket, in_run;
	bool supposed;                  /* it is only told where it would run something (EXPLAIN ROUTE): its backends are
	                                   others' or none at all, and stay as they are */
	bool counted;                   /* among all clients (max_connections) */
	struct room *account_clients;   /* a reference: it is counted among its account's clients */
	uint64_t since;                 /* ms: when it came into its state */
	uint64_t wanted_since;          /* ms: when it began to wait for a backend */
	uint32_t id;                    /* what the client knows as its connection id */
	uint32_t caps, mariadb_caps;    /* in effect towards the client */
	struct session_login *login;    /* while in LOGIN */
	struct run *run;                /* while a command is in work */

	uint64_t account_id;
	uint8_t failed_changes;         /* of the user, all in all; MariaDB bears three */
	uint64_t generation;            /* proxy/generation.h: of the connections it may have */
	bool audited;                   /* its login was told */
	char *user;
	uint64_t user_hash;             /* for statistics; 0: not known yet */
	char *peer;                     /* the client's address, for people */
	uint8_t *attributes;            /* connection attributes that are passed on, as they go over the wire */
	size_t attributes_len;
	uint64_t attributes_hash;       /* 0: none */
	uint64_t peer_hash;             /* of the address without the port */
	struct address address;         /* of the client; ::, which is nobody's, when it cannot be told */
	struct state *want;             /* the session's state */
	struct state *at_login;         /* and what COM_RESET_CONNECTION brings back */
	unsigned tracked;               /* OK_KEEP(...): what the client is told of the session's state */
	char *tracked_variables;        /* which variables: its own list; NULL: those of the default */
	bool skips_init_connect;        /* its account has the right */
	uint32_t wait_timeout;          /* of want: seconds it may be silent; 0: as the settings say */
	uint64_t watched_ms;            /* when it looked at counters of a server, 0: never */
	uint32_t sql_mode;              /* MODE_... of want */
	enum text_charset charset;      /* of want */
	bool state_parsed;              /* the two above are up to date */

	uint16_t status;                /* the server's last status flags */
	enum begun begun;               /* nothing is pinned while it is */
	bool last_was_own;              /* the last statement was answered here: its ROW_COUNT() is on no connection */
	bool trx_unknown;               /* an ERR came inside a transaction: it may be over or not */
	bool trx_may_be_committed;      /* with trx_unknown: that ERR was of a statement that may have committed it first */
	bool autocommit_off, session_read_only; /* of want */
	uint32_t pins;                  /* PIN_... */
	bool warned;                    /* PIN_LAST_STATEMENT is there for warnings only */
	uint64_t pinned_since;          /* ms */
	char *pin_cause;                /* digest text of the statement that tied it, while it is */
	struct bound *bound;            /* what the pinned connection has by name; NULL: nothing */
	struct read_back *reading;      /* while in READ_BACK */
	TAILQ_ENTRY(session) ask_link;  /* the worker's list of those who could be asked and then be free */
	bool to_ask, ask_now;
	uint64_t sequences;             /* its number on connections that have values of sequences it has taken; 0: none yet */
	bool took_sequence;             /* its last statement has, by NEXTVAL() */
	bool reads_sequences;           /* it has asked for such a value */
	bool called, wrote;             /* a routine, or a trigger, may have set user variables that no text names */
	struct backend *pinned;         /* the connection held beyond a statement: transaction or pins */
	struct backend *backend;        /* the connection of the statement in work (may be the pinned one) */
	struct replay *replay;          /* of the open transaction, while it can be run again (replay.h); or NULL */
	LIST_HEAD(, backend) kept;      /* idle ones that were ours last */
	struct backend *last;           /* where the last statement ran, if nobody else had it since */
	struct backend *warned_at;      /* where the warnings of a statement of ours still are, likewise */
	struct backend *rows_at;        /* where the last statement with rows ran, likewise */
	struct backend *insert_id_at;   /* where our LAST_INSERT_ID() lives, likewise */
	uint64_t insert_id;             /* its value when it had to be saved */
	struct own_error *own_error;    /* the last statement's, of wye's own or told by a server; or NULL */
	int64_t last_affected;          /* by the last statement: ROW_COUNT(), -1 after rows or an error */
	uint64_t last_rows;             /* of the last result: FOUND_ROWS() */
	struct run *saving;             /* somebody's run in which it is being saved */
	struct position position;       /* what its reads must not miss */
	uint64_t noted_us;              /* monotonic: when a server told the last part of it */
	bool shown_early;               /* some of it a replica has shown, and the primary was not known to have it then */
	int bound_slot;                 /* what it saw on this server is not in `position` yet; -1: nothing */
	unsigned stays;                 /* reads that stayed there for that reason, in a row */
	uint64_t bound_number;          /* positions_number() when it saw it */
	int position_of;                /* the primary's slot that `position` is known to belong to, -1: none yet */
	uint64_t position_number;       /* positions_number() when it was found to be another's; 0: it was not */
	char *trx_key;                  /* the causal key of statements of the open transaction, or NULL */
	struct session_hints *hints;    /* what its variables @wye_... ask for, or NULL */
	char *trace_note;               /* of its last statement, while its answers are traced; or NULL */
	unsigned user_at;       /* of the configured users, plus 1; 0: none of them. As of: */
	uint64_t user_as_of;    /* the worker's number of snapshots */
	struct session_hints *login_hints; /* what the attributes of its connection do, likewise; both are its own */
	TAILQ_ENTRY(session) timed_link; /* the worker's list of those whose statement has a deadline */

	struct client_statement *statements;
	uint32_t next_statement, last_statement;
	uint64_t commands, bytes_in, bytes_out;
};

static inline struct session *session_of(struct conn *c)
{
	return (struct session *)c;
}

/* ---- session.c: the life of a session ---- */

/* Wye's connection ids: those of servers are smaller as long as they have not had that many connections, so that what a
 * KILL names is known. They fit into 31 bits, since some clients keep them in an int. */
#define SESSION_ID_FIRST 1000000000u
#define SESSION_ID_LIMIT 2147483648u
struct session *session_find(struct worker *w, uint32_t id); /* not one that is closing; or NULL */

static inline bool session_is_mariadb(const struct session *s)
{
	return snapshot_is_mariadb(s->worker->snapshot);
}

/* Sets where it came from: "address:port", or this for a Unix socket, its own or a proxy's. */
#define SESSION_PEER_UNIX "localhost"
void session_come_from(struct session *s, const char *peer);

/* One in the worker's list, with its client's socket, in no state yet; NULL, and the socket is closed: no memory. */
struct session *session_new(struct worker *w, int fd, bool unix_socket, enum listen_route route, uint32_t id);

/* A client that was accepted; the greeting is sent. */
void session_create(struct worker *w, int fd, bool unix_socket, enum listen_route route);

/* The last call of every callback: runs steps until one waits. */
void session_run(struct session *s);

/* The only writer of `state`. */
enum step session_enter(struct session *s, enum session_state state);

enum step session_fail(struct session *s, enum session_end end); /* CLOSE, with the reason kept */
void session_close(struct session *s);

/* Put it on the worker's wake list: it is run before the loop sleeps. */
void session_wake(struct session *s);
void sessions_wake_all(struct session_list *list);
/* Statements that may run again elsewhere, and of whose answer nothing has come, no longer wait for this server. */
void sessions_leave_server(struct worker *w, unsigned slot);
void sessions_run_woken(struct worker *w);
void sessions_check_times(struct worker *w);

const char *session_state_name(enum session_state state);

/* A backend it kept was closed or is another's now. */
void session_lost_kept(struct session *s, struct backend *b);

/* ---- answers of wye's own: session_answer.c ---- */
bool session_answer_ok(struct session *s);
bool session_answer_eof(struct session *s); /* what ends COM_SET_OPTION */
bool session_answer_error(struct session *s, uint16_t code, const char *sqlstate, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool session_answer_row(struct session *s, const char *column, const char *value, bool number, bool binary);
bool session_answer_prepared(struct session *s, uint32_t id, const char *column, bool number);

/* ---- the steps ---- */
enum step login_step(struct session *s);           /* login.c */
void login_begin(struct session *s);
void login_end(struct session *s);

/* unfinished.c: as many clients as there are files for, servers' connections left out. */
uint64_t logins_files(void);
/* There is no place for one more client: one of this worker ends that has not logged in and leaves wye
 * waiting. False: none does. */
bool logins_give_way(struct worker *w);
/* One more is let in whatever the limit, and one of another worker is to end. False: none has such. */
bool logins_give_way_elsewhere(struct worker *w);
enum step command_step(struct session *s);         /* command.c */
enum step command_run(struct session *s, uint8_t command, struct view payload); /* what s->run is for */
enum step command_kill(struct session *s);         /* the statement in work is a KILL: wye's ids, so wye does it */
enum step want_backend_step(struct session *s);    /* want_backend.c */
void want_backend_ends(struct session *s);         /* it is counted as waiting no more */
enum step prepare_backend_step(struct session *s); /* reply.c */
enum step reply_step(struct session *s);           /* reply.c */
enum step upload_step(struct session *s);          /* upload.c */
enum step pipelined_step(struct session *s);       /* pipelined.c */

enum step kill_step(struct session *s);            /* kill.c */
enum step read_back_step(struct session *s);       /* read_back.c */
enum step moving_step(struct session *s);          /* moving.c */

/* KILL [QUERY] id; the answer is given when it was carried out. */
enum step kill_session(struct session *s, uint64_t id, bool query_only);
/* KILL [QUERY] with an expression: a server is asked for its value first. */
enum step kill_ask_value(struct session *s);
enum step kill_user(struct session *s); /* KILL USER: what is another's needs the right */
void kill_take_answer(struct session *s, const struct view *value); /* NULL: an error, or the value NULL */
enum step kill_was_told(struct session *s);
void kill_user_sessions(const struct session *s); /* the primary has done as much as it can */

/* ---- to and from another process: moving.c ---- */
bool moving_may(struct session *s);  /* it is between two commands, and nothing ties it to this process */
enum step moving_begin(struct session *s);
void sessions_move(struct worker *w); /* those that may, now and then: time may have untied one */

/* ---- runs: run.c ---- */
struct run *run_begin(struct session *s, uint8_t command);
void run_end(struct session *s);                   /* the command's bytes are consumed */
void runs_forget(struct worker *w);                /* frees the spare ones */
/* Lets go of the backend (which must be usable or broken) and runs it again on another server. */
enum step run_again(struct session *s, bool to_primary);
/* Likewise, but nothing has failed: it is routed anew. */
enum step run_anew(struct session *s);

/* ---- what a session begins with: initial_state.c ---- */
struct login;
/* Sets want and at_login as a direct connection's would be after this login. False: it cannot be carried. */
bool session_initial_state(struct session *s, const struct login *login, bool exempt);
/* What a connection holds right after its login (a reference); *whole: init_connect did nothing that it does not tell. */
struct state *backend_initial_state(struct worker *w, const struct server_info *server, bool exempt, bool *whole);

/* ---- the numbers of connections: connection_ids.c ---- */
/* True: the statement in work, a question about connections, names some; it goes on when theirs are known. */
bool connection_ids_translate(struct session *s, struct view sql);
bool connection_ids_packet(struct session *s, const uint8_t *packet, struct buf *out); /* in place of the client's */

/* ---- attributes: attributes.c ---- */
/* Keeps those of the client's connection attributes that its servers shall see. */
void attributes_of_login(struct session *s, struct view attributes);
void attributes_restore(struct session *s, struct view attributes); /* as s->attributes was in another process */
/* The text of a COM_QUERY, and what of its attributes is for wye. False when it is malformed. */
bool attributes_of_query(struct session *s, struct view payload, struct view *sql);
void attributes_of_execute(struct session *s, struct view payload, unsigned params);

/* ---- routing: routing.c ---- */
/* Classifies the text and notes what it changes in the run. The text that runs: this one, or what a rule made of it. Where
 * the route is ROUTE_DENY, rules_deny() is all that is left to do. */
struct view routing_classify(struct session *s, struct view sql);
/* The digest's text of the statement in work, cut at the size. Its bytes must still be in the client's input. */
struct view routing_text(struct session *s); /* empty: it is not there any more, or too large */
void routing_digest_text(struct session *s, char *text, size_t text_size);
/* Chooses the server, or takes the very backend that the statement needs into s->backend. NONE: text says why. */
enum routing_result { ROUTING_OK, ROUTING_WAIT, ROUTING_NONE };
enum routing_result routing_choose(struct session *s, char *text, size_t text_size);
int routing_primary_slot(const struct session *s); /* -1: there is none */
bool routing_ties_to_primary(uint32_t flags, uint32_t pins_added); /* a statement of these, whatever it reads */
bool routing_is_usable(const struct server_info *server);
bool routing_runs_anywhere(const struct session *s); /* a change of the session's state that ties it to no server */
struct dialect routing_dialect(const struct session *s); /* in which the session's next text is to be read */
void routing_state_changed(struct session *s);     /* want is another: what steers the lexer is parsed again */

/* ---- hints: hints.c ---- */
/* Those of the command in work's attributes, over those of the session; in room, or NULL: none. */
const struct hints *hints_of_command(struct session *s, struct hints *room);
void hints_note_variable(struct session *s, const struct effect *e); /* the statement sets a user variable */
void hints_take(struct session *s, const struct classification *c); /* those of the statement in work */
void hints_statement_ended(struct session *s, bool ok);
void hints_run_ends(struct session *s);
void hints_forget(struct session *s); /* those of the session, but for its connection's attributes */
void hints_take_attributes(struct session *s, struct view attributes);
/* As pairs of name and value, for another process; nothing for NULL. */
bool hints_write(const struct session_hints *h, struct buf *out) __attribute__((warn_unused_result));
struct session_hints *hints_restore(struct view pairs); /* NULL: there are none */
struct view hints_causal_key(const struct session_hints *h); /* or empty */
void hints_end(struct session *s);
void hints_on_deadline(uv_timer_t *timer);
/* What the client reads of a statement that was stopped: the error's number. */
uint16_t hints_timeout_error(const struct session *s, const char **sqlstate, char *text, size_t text_size);

bool hints_want_trace(const struct session *s); /* its answers are to tell where they come from */

/* ---- what answers tell of themselves: trace.c ---- */
static inline bool trace_is_on(const struct session *s)
{
	return s->hints && hints_want_trace(s);
}
/* The packet, the last of a result of the statement in work, tells of one warning more. */
void trace_count(const struct session *s, uint8_t *packet, size_t n);
void trace_statement(struct session *s);     /* it is answered: the note is made */
uint16_t trace_own_answer(struct session *s); /* by wye; how many warnings its answer tells of */
/* The statement in work is SHOW WARNINGS, and this the end of its rows. With trace_add_row() in front of it the end's
 * packet has the next number. */
bool trace_is_due(const struct session *s);
bool trace_add_row(const struct session *s, struct buf *out, uint8_t *seq);

/* ---- rules: rules.c ---- */
/* What the rules in force say of the statement, classified as *c, is added to *c. The text that runs, which is classified
 * anew when it is another. */
struct view rules_apply(struct session *s, struct view sql, const struct dialect *dialect, const struct context *context,
			struct classification *c);
bool rules_deny_front(struct session *s, struct view sql); /* one of which only the beginning is there: a rule refuses it */
enum step rules_deny(struct session *s);                    /* the answer to what is refused */
/* The command as it goes to a server, of r->size bytes in the client's input, or what a rule has made of it. */
uint8_t *rules_packet(const struct session *s, size_t *size);

/* ---- copies for other servers: mirror.c ---- */
struct rule;
/* Why a statement of the session, classified so, is not copied; MIRROR_DONE: it may be. */
enum mirror_outcome mirror_why_not(const struct session *s, enum route route, enum reason reason, uint32_t flags);
void mirror_ask(struct session *s, const struct rule *rule); /* of several rules the first counts */
void mirror_copy(struct session *s); /* the statement in work is sent, where it belongs, for the first time */
void mirror_run_ends(struct run *r);

/* ---- EXPLAIN ROUTE: explain.c ---- */
struct view explain_command(struct run *r, const char *sql); /* makes it the command in work; its text */
/* The session in which it is told: explain_session.c. NULL: `error` says why not. */
struct explain_where;
struct session *explain_session_begin(struct worker *w, const struct explain_where *where, char *error, size_t error_size);
void explain_session_end(struct session *s);
void explain_note_hints(struct explanation *x, const struct hints *h);
void explain_note_rule(struct explanation *x, const struct rule *rule, bool changed, enum mirror_outcome mirror);
void explain_note_effects(struct explanation *x, const struct classification *c);

/* ---- where reads run: reads.c ---- */
void reads_unspill(struct session *s); /* it runs on the primary no more */
/* The slot of the server for the read in work (run->wait and run->ask are set for it), -1: none can serve. */
#define READS_MUST_WAIT (-2) /* one will, later */
int reads_choose(struct session *s);
int reads_any_replica(struct session *s);          /* whatever it has applied; -1: there is none */
int reads_fresh_replica(struct session *s, bool any); /* one known to have what the session has written, or any */
/* What keeps the read in work off a server. */
enum reads_bar {
	READS_BAR_NONE,
	READS_BAR_OUT,            /* it is no replica of the pool */
	READS_BAR_TRIED,          /* it has failed this statement */
	READS_BAR_LAG,            /* it is further behind than a hint or rule allows */
	READS_BAR_LACKS,          /* it is not known to have what the session must see */
	READS_BAR_PRIMARY,        /* it takes what no replica can serve */
	READS_BAR_REPLICA_WANTED, /* a hint or rule asks for a replica */
};
/* Of the server at this index of the snapshot; `fresh`: the session must miss nothing. */
enum reads_bar reads_bar(struct session *s, unsigned i, bool fresh);
enum consistency reads_level(const struct session *s); /* of the statement in work */

/* ---- what reads must have seen: freshness.c ---- */
void freshness_begin(struct session *s, enum flavor flavor);
/* Forgets what a new primary does not have, and so nobody ever will. */
void freshness_follow_primary(struct session *s);
/* Between two commands: what it has read becomes part of its position, if that can be known now. False: it cannot. */
bool freshness_settle_idle(struct session *s);
/* A server told the position of what the session has committed. */
void freshness_note_position(struct session *s, enum flavor flavor, struct view text);
/* Something may have been committed whose position was not told. */
void freshness_note_unknown(struct session *s);
/* The statement in work has been answered: what it showed must not be missed later. */
void freshness_note_read(struct session *s);
/* What the read in work must see: the session's position, or that of its causal key. */
struct position *freshness_need(struct session *s);
bool freshness_is_bound(const struct session *s); /* and something beside it, which only its server has for certain */
int freshness_teller(const struct session *s); /* whose position tells what was seen there; -1: nobody's */
/* Takes in what others have written: under the same causal key, or, for the level global, under any. */
void freshness_share(struct session *s, bool global);
void freshness_run_ends(struct run *r);
/* Whether the monitors have learned since what it can have shown; settling makes it part of `position`, and is true when
 * nothing else need be asked for any more. */
bool freshness_can_settle(const struct session *s);
bool freshness_settle(struct session *s);
struct view freshness_ask_sql(struct session *s);
bool freshness_wait_sql(struct session *s, struct buf *out);
/* Their answers; NULL: an error, or the value NULL. */
void freshness_answered(struct session *s, const struct view *text);
void freshness_waited(struct session *s, const struct view *result);
bool freshness_stood_in_vain(struct session *s); /* it has stood by as a lookout's fellow (lookout.h) for as long as it may */

/* ---- values that a statement's text does not tell: read_back.c ---- */
/* The command must not be looked at before they are known. */
bool read_back_is_due(struct session *s, uint8_t command, struct view payload);
/* Nothing keeps the pinned connection but what can be asked for. */
bool read_back_would_free(const struct session *s);
enum step read_back_begin(struct session *s);
/* Of user variables that a statement has set on a connection beside that which ties the session; takes both. */
enum step read_back_beside(struct session *s, struct backend *b, struct bound *names);
void read_back_watch(struct session *s); /* pins or names have changed: on the worker's list, or off it */
void read_back_end(struct session *s);
void sessions_read_back(struct worker *w, int slot); /* asks those of a server (-1: that have been idle for a while) */
/* ---- the last insert id: insert_id.c ---- */
bool insert_id_matters(const struct session *s);   /* to the statement in work, or to what may follow it there */
bool insert_id_is_apart(const struct session *s);  /* it is read beside counts that another connection has */
bool insert_id_is_there(const struct session *s, const struct backend *b, bool reset);
struct backend *insert_id_ask_at(struct session *s);
void insert_id_after(struct session *s, struct backend *b, bool ok); /* the statement ran on b */
void insert_id_save_kept(struct session *taker, struct backend *b);
void insert_id_saved(struct run *r, struct backend *b, uint64_t value, bool told);
void insert_id_not_saved(struct run *r);

/* ---- values of sequences: sequences.c ---- */
bool sequences_classified(struct session *s, const struct classification *c); /* false: it is denied */
bool sequences_tie(const struct session *s, const struct backend *b, bool ok); /* it has run on b: PIN_SEQUENCE is added */
void sequences_after(struct session *s, struct backend *b); /* likewise */
/* b, which the session has taken, must be reset before the statement in work runs there. */
bool sequences_in_the_way(const struct session *s, const struct backend *b);
bool sequences_are_at(const struct session *s, const struct backend *b); /* what the one in work reads */
struct backend *sequences_place(const struct session *s); /* where it is, if only the statement before has taken it; or NULL */
void sequences_forget(struct session *s);

/* ---- for stats_statements: statistics.c ---- */
void statistics_begin(struct session *s, size_t size); /* a command of so many bytes is there */
void statistics_wait_begins(struct session *s);
void statistics_wait_ends(struct session *s);
void statistics_waited(struct session *s, uint64_t us); /* the server, with the statement in hand, for what it must see */
void statistics_sent(struct session *s);
void statistics_end(struct session *s);

/* statement_log.c: the slow log and the audit. */
void statement_log_trace(struct run *r, const void *value, size_t len); /* a query attribute traceparent */
void statement_log_keep(struct session *s); /* while its text is there */
void statement_log_end(struct session *s, const struct statement_done *done);
void statistics_error(struct session *s, int slot, uint16_t code, const char *sqlstate, struct view text);
void statistics_error_packet(struct session *s, struct view payload);

/* ---- what the last statement has left: last_statement.c ---- */
void last_statement_ends(struct session *s); /* the one in work is classified: does it end what is kept of the last? */
void last_statement_note(struct session *s, struct backend *b, bool ok);
bool last_statement_is_lost(const struct session *s, const struct backend *b); /* and the one in work reads it */
bool last_statement_is_counted(const struct session *s); /* the one in work may read its ROW_COUNT() */
bool last_statement_is_in_the_way(const struct session *s, const struct backend *b);
bool last_statement_is_carried(const struct session *s, const struct backend *b); /* the error: the one in work needs it there */
/* Leaves no warnings and no rows counted. */
#define LAST_STATEMENT_NONE "DO (SELECT 1 FROM (SELECT 1) wye)"
/* The session's warnings are on b, and what follows leaves them there. */
bool last_statement_again_leaves(const struct session *s, const struct backend *b);
bool last_statement_again(const struct session *s, struct buf *sql); /* what leaves the same counts; false: no room */
/* The statement in work is answered here, and this is its ROW_COUNT(). */
void last_statement_was_own(struct session *s, int64_t affected);
bool last_statement_is_number(struct view sql);
struct backend *last_statement_place(const struct session *s); /* where what the one in work reads is; or NULL */
/* b has the warnings that the one in work reads, and not the counts, which a statement has left that forgets none. */
bool last_statement_count_is_apart(const struct session *s, const struct backend *b);
bool last_statement_count(const struct session *s, struct buf *sql); /* what leaves that and no more; false: no room */
/* An error of wye's own is as good as a server's: SHOW WARNINGS and GET DIAGNOSTICS tell it. */
void last_statement_failed(struct session *s, uint16_t code, const char *sqlstate, const char *text);
/* A server's, should what reads it have to run on another connection than that which has it. */
void last_statement_keep_error(struct session *s, struct view payload);
/* When the one in work fails ROW_COUNT() stays as it was (MariaDB). */
bool last_statement_keeps_count(const struct session *s);
void last_statement_forget(struct session *s); /* that error */
struct session_record;
void last_statement_tell(const struct session *s, struct session_record *r); /* it, and the counts; the views are the session's */
void last_statement_restore(struct session *s, const struct session_record *r);
/* A question of wye's own has left counts on b, in the place of the session's. */
void last_statement_forget_counts(struct session *s, const struct backend *b);
bool last_statement_signal(const struct session *s, struct buf *sql); /* what leaves it; false: there is none, or no room */
/* True: wye has answered a plain question for a count, since its connection is another session's now. */
bool last_statement_answer(struct session *s, struct view sql, bool *sent);

/* ---- BEGIN without a server: begin.c ---- */
/* By completion_type=RELEASE the statement in work, a COMMIT or ROLLBACK, has ended the session. */
bool begin_completion_releases(const struct session *s);
bool begin_is_later(const struct session *s); /* a BEGIN that is answered, and sent with what follows it */
bool begin_takes(struct session *s); /* the statement in work begins or ends what is begun here: no server needs it */
bool begin_answers(struct session *s, enum step *step); /* true: the statement in work has been answered */
struct view begin_sql(const struct session *s);
void begin_done(struct session *s);   /* the server has begun it */
void begin_undo(struct session *s);   /* its first statement runs elsewhere: it has not begun */
void begin_forget(struct session *s);
void begin_set(struct session *s, enum begun begun);
bool begin_shows(const struct session *s); /* when it begins can be seen */

/* ---- errands: errands.c ---- */
enum errands_result { ERRANDS_NONE, ERRANDS_PIPELINE, ERRANDS_FIRST, ERRANDS_IMPOSSIBLE };
/* Appends what the backend must do before the statement; FIRST: its answers must be known before the statement is
 * sent. IMPOSSIBLE: this connection cannot be brought into the session's state. */
enum errands_result errands_collect(struct session *s, struct buf *out);
void errands_begin(struct session *s);             /* they (or the statement alone) are sent: the answers are walked */
enum reply_result errands_eat(struct session *s);  /* DONE when all are answered, with failed_code set if one failed */
/* The one value of a small result set, which must be here as a whole; false: not yet. told: it was no error. */
bool errand_first_value(const uint8_t *data, size_t len, uint32_t caps, uint64_t *value, bool *told);

/* ---- short reads behind others': pipelined.c ---- */
bool pipelined_may(struct session *s); /* the statement in work */
/* Its answer must not be passed on, since others stand behind it and what it leaves on its connection is taken away. */
bool pipelined_must_repeat(const struct session *s);
enum step pipelined_repeat(struct session *s); /* the answer's bytes are consumed */
bool pipelined_holds(const struct session *s, size_t n); /* n bytes of an answer that is not here yet are kept */
void pipelined_note(struct session *s, struct backend *b); /* it is answered, by b */

/* ---- sending: send.c ---- */
enum step send_behind(struct session *s, struct backend *b); /* b is another's */
/* Sends errands and statement in one write, or the errands first; s->backend is lent. */
enum step send_statement(struct session *s);

/* ---- prepared statements: prepared.c ---- */
enum step prepared_command(struct session *s, uint8_t command, struct view payload);
enum step prepared_execute(struct session *s, struct client_statement *c, struct view payload); /* the command in work */
/* The server's PREPARE_OK for the client: registers it and puts wye's number in its place. */
bool prepared_answered(struct session *s, uint8_t *payload, size_t len);
/* Makes EXECUTE and kin fit for s->backend: what comes in place of its first *skip bytes is appended to out, the rest
 * follows as it is. Of a large one only the front is there: its rest goes through run->splice if that was set. */
bool prepared_rewrite(struct session *s, uint8_t *packet, size_t size, struct buf *out, size_t *skip);
void prepared_register(struct backend *b, struct template *t, uint32_t id);
void prepared_close_at(struct backend *b, const struct template *t); /* if it is prepared there */
/* The server has reached max_prepared_stmt_count: closes what this worker does not need there now. */
void prepared_make_room(struct session *s);
void prepared_finished(struct session *s, struct backend *b, bool ok); /* cursors and long data: their pin */
bool prepared_executes(uint8_t command);
/* One that another process has given that number. */
struct client_statement *prepared_restore(struct session *s, uint32_t id, struct template *t);
void prepared_update_pin(struct session *s);
void prepared_data_lost(struct session *s); /* the parameter's data in work could not be sent */
bool prepared_needs(struct session *s); /* the statement in work must be prepared on s->backend first */
struct client_statement *prepared_find(struct session *s, uint32_t id);
struct client_statement *prepared_add(struct session *s, struct template *t);
void prepared_close(struct session *s, struct client_statement *c);
void prepared_close_all(struct session *s);

/* ---- the end of a statement: finish.c ---- */
/* What the statement changed for other sessions (accounts, global variables, objects, positions) is known to them from
 * here on: called before its client can know that it is done. */
void finish_tell_others(struct session *s, bool ok);
/* What the statement in work, answered by b, makes of the session: state, pins, and whether it keeps b. True: the server
 * closes the connection. */
bool finish_apply(struct session *s, struct backend *b, bool ok);
/* The answer is complete (ok: it was not an ERR): states, pins, position; lends the backend back when it is free. */
enum step finish_statement(struct session *s, bool ok);
/* Gives the backend(s) back or discards them: for the end of a session. */
void finish_release_all(struct session *s);
/* ---- trackers_client.c: what the client has asked to be told ---- */
void trackers_follow(struct session *s);                        /* want is another */
unsigned trackers_kept(const struct state *s);                  /* OK_KEEP(...) */
bool trackers_differ(const struct state *a, const struct state *b);
bool trackers_keep_variable(void *session, struct view name);   /* for struct ok_filter */
/* Appends what a connection, in a transaction or not, must be told so that it reports what wye needs and what the client
 * wants. */
bool trackers_sql(const struct state *want, enum flavor flavor, bool in_trx, struct buf *out);

/* ---- trackers.c: an OK packet's session-state block ---- */
#define TRACKERS_VARIABLES 6u
extern const char *const trackers_variables[TRACKERS_VARIABLES]; /* those whose changes servers always tell wye */
bool trackers_tell(struct view name); /* it is one of those */
void trackers_note(struct session *s, struct view trackers);
/* The server was lost while a statement ran. */
enum step finish_lost_server(struct session *s);
/* b, the session's, is lost or to be closed, and with it all that only it held. */
void finish_lost_backend(struct session *s, struct backend *b);
void finish_unpin(struct session *s);      /* gives the pinned backend back when nothing holds it any more */
/* One connection to this server is given back that its session keeps for warnings alone, and has not asked for in a
 * while: who waits for one has nothing else. False: there is none. */
bool sessions_let_go(struct worker *w, unsigned slot);
void finish_leave_pinned(struct session *s);   /* the caller gives it back: the statement in work goes elsewhere */
void finish_last_statement(struct session *s); /* another statement begins: warnings and counts are not kept longer */
bool session_in_trx(const struct session *s);
/* COM_RESET_CONNECTION and COM_CHANGE_USER: nothing of the session's state is left. */
void finish_reset(struct session *s);
void login_change_user(struct session *s, struct view payload);

#endif
