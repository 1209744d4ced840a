/*
 * Where a statement may run, why, and what it changes for the session: one pass over the text.
 *
 * classify() reads the text with the lexer of the session's own dialect, hashes its digest on the way, and
 * answers for the whole text, which may hold several statements. It allocates nothing, keeps nothing, and
 * never fails: what it does not understand goes to the primary and says so.
 *
 * The pins and effects are those of a statement that succeeds: apply them when it was answered without an
 * error. In a text of several statements apply them even then, since those before the failing one have run.
 */
#ifndef WYE_ROUTER_CLASSIFY_H
#define WYE_ROUTER_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "router/dialect.h"
#include "router/hints.h"
#include "router/reason.h"
#include "router/state.h"

/* The words of DESIGN.md section 2. */
enum route {
	ROUTE_REPLICA, /* may run on a replica; in a READ ONLY transaction: on the server that holds it */
	ROUTE_PRIMARY, /* in a transaction: on the connection that holds it */
	ROUTE_SESSION, /* changes session state: run where the session is, carry to later connections */
	ROUTE_PIN,     /* lives in, or reads from, one connection: see the pins and CLASS_READS_... */
	ROUTE_LOCAL,   /* wye answers itself */
	ROUTE_DENY,    /* a firewall rule refuses it; never from classify() */
	ROUTE_COUNT
};
const char *route_name(enum route route);

/* What is known of objects by name; from the servers' catalog, kept by others. */
struct context;
enum object_access { OBJECT_UNKNOWN, OBJECT_READS, OBJECT_WRITES, OBJECT_DOUBTED /* a relation that may write */ };
struct catalog {
	/* Either may be NULL. The schema is empty when there is none. Names as written, unquoted. */
	enum object_access (*function)(const struct catalog *, struct view schema, struct view name);
	enum object_access (*relation)(const struct catalog *, struct view schema, struct view name);
};

/* What is known of an object by its text: the body of a stored function (as information_schema.routines has it), the
 * query of a view. The context has the schema it lives in and the catalog of what it may use; it is of one thread at
 * a time. A function that might do more than read, or touches what is not the routine's own, does not READ; a view
 * whose query belongs on the primary WRITES. */
enum object_access classify_function(struct view body, const struct dialect *dialect, const struct context *context);
enum object_access classify_view(struct view definition, const struct dialect *dialect,
                                 const struct context *context);

/* State that ties a session to one connection, by name. */
#define PINS(X)                                                                                              \
	X(TEMPORARY_TABLE, "temporary-table")                                                                \
	X(TABLE_LOCK, "table-lock")                                                                          \
	X(USER_LOCK, "user-lock")                                                                            \
	X(USER_VARIABLE, "user-variable")                                                                    \
	X(HANDLER, "handler")                                                                                \
	X(CURSOR, "cursor")                                                                                  \
	X(XA, "xa")                                                                                          \
	X(SET_TRANSACTION, "set-transaction") /* until the next transaction or table-touching statement */   \
	X(TEXT_PREPARE, "text-prepare")                                                                      \
	X(ROLE, "role")                                                                                      \
	X(SESSION_VARIABLE, "session-variable") /* one that cannot be set again elsewhere: timestamp, ... */ \
	X(READ_BACK, "read-back") /* set to an expression, until its value was asked for */                  \
	X(ROUTINE, "routine")     /* a routine has left something on its connection */                       \
	X(BACKUP_LOCK, "backup-lock")                                                                        \
	X(GLOBAL_VARIABLE, "global-variable") /* its connection has the session's value still */             \
	X(STATUS, "status")                 /* it counts what it does: FLUSH STATUS */                        \
	X(CONNECTION_ID, "connection-id")   /* the number that CONNECTION_ID() has in its statements */       \
	X(SEQUENCE, "sequence")             /* what it has taken from sequences, which somebody asks for */  \
	X(LAST_STATEMENT, "last-statement") /* until the next statement: SQL_CALC_FOUND_ROWS */              \
	X(UNKNOWN, "unknown")               /* something was not understood */                               \
	X(OVERSIZED, "oversized")           /* state too large to carry */

enum pin_index {
#define X(name, word) PIN_INDEX_##name,
	PINS(X)
#undef X
	    PIN_COUNT
};
enum pin {
#define X(name, word) PIN_##name = 1 << PIN_INDEX_##name,
	PINS(X)
#undef X
	/* While one of these is held, every statement belongs on that connection; the others bind only what
	   touches them. */
	PINS_FOR_ALL = PIN_TABLE_LOCK | PIN_XA | PIN_SET_TRANSACTION | PIN_ROLE | PIN_SESSION_VARIABLE |
	               PIN_UNKNOWN | PIN_OVERSIZED | PIN_READ_BACK | PIN_ROUTINE | PIN_STATUS
};
const char *pin_name(enum pin_index index);

/* The session at this moment. All zero: autocommit, nothing open. */
struct context {
	bool in_trx;           /* by the server's status flags */
	bool in_read_only_trx; /* as well as in_trx */
	bool autocommit_off;
	bool session_read_only; /* transaction_read_only=1: BEGIN begins a READ ONLY transaction */
	bool temp_tables;       /* the session has temporary tables */
	/* Every connection gets the user variables of this state, if it is given, and without PIN_USER_VARIABLE they
	 * are all that the session has; or, with hidden ones, that it is known to have. */
	const struct state *carried;
	bool hidden_user_variables;
	uint32_t pins;          /* PIN_... held */
	struct view schema;     /* the default schema, empty when none */
	/* The names of its temporary tables, without schema. None: every statement that names a table is
	 * taken to touch one. */
	const struct view *temp_names;
	unsigned n_temp_names;
	const struct catalog *catalog; /* may be NULL */
	const struct hints *hints;     /* what the session asks for all its statements, or NULL */
};

enum effect_kind {
	EFFECT_SET,           /* session variable name := value, a literal or a word */
	EFFECT_SET_DEFAULT,   /* session variable name := DEFAULT */
	EFFECT_SET_READ_BACK, /* session variable name := what must be asked for after it ran */
	EFFECT_USER_VARIABLE, /* @name := value, a literal; PIN_USER_VARIABLE is added too, for who does not
	                         carry them */
	EFFECT_USER_READ_BACK, /* @name := what must be asked for after it ran; CLASS_SETS_USER_VARIABLE */
	EFFECT_NAMES,         /* SET NAMES name COLLATE value; an empty name: DEFAULT */
	EFFECT_CHARACTER_SET, /* SET CHARACTER SET name; empty: DEFAULT */
	EFFECT_SCHEMA,        /* USE name */
	EFFECT_ROLE,          /* SET ROLE value, SQL text; PIN_ROLE is added too */
	EFFECT_TEMP_CREATE,   /* temporary table name, in schema value (empty: the default one) */
	EFFECT_TEMP_DROP,     /* table name, in schema value, is gone; it may have been a temporary one */
	EFFECT_PREPARE,       /* PREPARE name; value: the statement's text, a VALUE_STRING if it can be read */
	EFFECT_EXECUTE,       /* EXECUTE name: what the prepared text says */
	EFFECT_DEALLOCATE,    /* DEALLOCATE PREPARE name */
	EFFECT_HANDLER_OPEN,  /* HANDLER name OPEN (its alias if it has one) */
	EFFECT_HANDLER_CLOSE, /* HANDLER name CLOSE */
	EFFECT_USER_LOCK,     /* GET_LOCK(name), an empty name: not a literal */
	EFFECT_USER_UNLOCK,   /* RELEASE_LOCK and kin: whether a lock is left must be asked for */
	EFFECT_KIND_COUNT
};
const char *effect_kind_name(enum effect_kind kind);

enum value_kind { VALUE_NONE, VALUE_WORD, VALUE_NUMBER, VALUE_STRING };

struct effect {
	enum effect_kind kind;
	enum value_kind value_kind;
	/* Names are unquoted. Names of system variables are lower case and canonical: aliases give one name
	 * (tx_isolation and transaction_isolation: whichever this server has). */
	struct view name;
	/* VALUE_STRING: the decoded text, no quotes, no escapes. VALUE_WORD (ON, NULL, utf8mb4),
	 * VALUE_NUMBER: as written. */
	struct view value;
	/* VALUE_STRING: the character set of its introducer, _utf8mb4'...': "utf8mb4"; empty without one. */
	struct view introducer;
};

#define CLASS_MULTI            (1u << 0) /* more than one statement */
#define CLASS_WRITES           (1u << 1) /* may change data */
#define CLASS_DDL_CATALOG      (1u << 26) /* ... of stored functions or views, or of schemas that may hold some */
#define CLASS_DDL              (1u << 2) /* may change definitions: forget what was learned of names */
#define CLASS_BEGINS           (1u << 3) /* BEGIN, START TRANSACTION, COMMIT AND CHAIN */
#define CLASS_BEGINS_READ_ONLY (1u << 4) /* ... with READ ONLY, or under session_read_only */
#define CLASS_COMMITS          (1u << 5)
#define CLASS_ROLLS_BACK       (1u << 6) /* the whole transaction, not to a savepoint */
#define CLASS_READS_LAST                                                                                     \
	(1u << 7) /* reads what the statement before left on its connection: warnings, counts */
#define CLASS_READS_LAST_INSERT_ID (1u << 8) /* reads what the last insert left on its connection */
#define CLASS_READS_USER_VARIABLE  (1u << 9)
#define CLASS_SETS_USER_VARIABLE   (1u << 10) /* to something else than a literal */
#define CLASS_KILL                 (1u << 11)
#define CLASS_CONNECTION_ID                                                                                  \
	(1u << 12) /* holds CONNECTION_ID() or @@pseudo_thread_id; alone if the route is local */
#define CLASS_RELEASES              (1u << 13) /* COMMIT RELEASE: the server closes the connection */
#define CLASS_MAY_COMMIT_IMPLICITLY (1u << 14)
#define CLASS_UNLEXED               (1u << 15) /* the text ended inside a string or comment, or held a stray byte */
#define CLASS_TOUCHES_TABLE         (1u << 16) /* reads or writes a table or view, or may */
#define CLASS_SET_VAR               (1u << 17) /* values for one statement (SET_VAR hint, SET STATEMENT): ignore trackers \
	                                        */
#define CLASS_LOCAL_INFILE        (1u << 18) /* LOAD DATA LOCAL: the server will ask the client for a file */
#define CLASS_SETS_LAST_INSERT_ID (1u << 19) /* LAST_INSERT_ID(expr), LOAD DATA */
#define CLASS_USES_TEMPORARY      (1u << 20) /* names one of the session's temporary tables, or may */
#define CLASS_MANY_EFFECTS        (1u << 21) /* more effects than fit: n_effects is 0 and PIN_OVERSIZED is added */
#define CLASS_CALLS               (1u << 22) /* CALL, a block, EXECUTE, an unknown function: trackers tell what it set */
#define CLASS_SETS_TRACKERS       (1u << 23) /* SET session_track_...: would blind wye */
#define CLASS_BEGINS_READ_WRITE (1u << 29) /* CLASS_BEGINS with READ WRITE: a replica refuses it */
#define CLASS_PLAIN_BEGIN (1u << 28) /* CLASS_BEGINS, and no snapshot is taken with it */
/* ROUTE_PIN, and any server would do if what it reads were there (SHOW WARNINGS): run it where the statement before ran.
 * SQL_CALC_FOUND_ROWS reads nothing of the kind: run it as any read. Other pins belong to the primary. */
#define CLASS_ANY_SERVER (1u << 24)
/* Changes what new connections begin with: accounts, rights, global variables. */
#define CLASS_NEW_CONNECTIONS (1u << 27)
/* Any server may answer, but they differ in what they say: plans, indexes' cardinalities, rights, global variables. The
 * primary's answer is preferred. */
#define CLASS_DIFFERS (1u << 30)
/* Changes a global variable that steers reads, or the plugins of the server it runs on; replicas are not told. */
#define CLASS_CHANGES_GLOBAL (1u << 31)
#define CLASS_SERVER_SPECIFIC (1u << 25) /* moved by a hint: the answer belongs to the server that gives it */

#define CLASSIFY_EFFECTS_MAX 32u
#define CLASSIFY_NAMES_MAX   2048u

/* Memory of one classification, the caller's; it may be used again for the next. */
struct classify_scratch {
	/* Where the digest's text is written; it is cut at the capacity. NULL: only the hash is computed. */
	uint8_t *text;
	size_t text_capacity;
	/* Private. */
	uint8_t names[CLASSIFY_NAMES_MAX];
	size_t names_len;
};

#define KILL_UNKNOWN UINT64_MAX
#define KILL_OWN     (UINT64_MAX - 1)

struct classification {
	enum route route;
	enum reason reason;
	uint32_t flags; /* CLASS_... */
	bool reads_found_rows; /* CLASS_READS_LAST: what the last statement with rows has left, others since or not */
	bool sets_found_rows;  /* SELECT, INSERT ... SELECT, MariaDB's CREATE TABLE ... SELECT, what reads the dictionary as tables, MySQL's UPDATE and DO */
	bool finds_none;       /* with sets_found_rows, and no rows in the answer: that none was found */
	uint32_t pins_added, pins_released;
	unsigned n_effects;
	unsigned n_statements; /* 0: blanks and comments only */
	uint64_t kill_id;      /* CLASS_KILL: KILL_UNKNOWN when it is not a plain number, KILL_OWN: CONNECTION_ID() */
	struct view kill_value; /* KILL_UNKNOWN: the expression for it; empty: it names no connection (USER, QUERY ID) */
	struct view kill_user, kill_host; /* KILL USER name[@host]; empty: not given */
	bool kill_query;       /* KILL QUERY: the connection lives on */
	bool uses_tables;      /* CLASS_TOUCHES_TABLE, or reads the dictionary as tables: MariaDB forgets warnings then */
	bool runs_routine;     /* CALL, or a function that is not known to read: it may set user variables */
	bool diagnoses;        /* SHOW WARNINGS and its kin, GET DIAGNOSTICS, alone: leaves what it tells */
	bool lists_objects;    /* SHOW COLUMNS, DESCRIBE and their kin: read from the dictionary as from tables */
	bool calls_reader;     /* a stored function that is known to read: tables, too, as far as is known */
	bool takes_sequence;   /* NEXTVAL() and its kin; what a DEFAULT, a trigger or a routine takes no text tells */
	bool reads_sequence;   /* LASTVAL() and its kin */
	bool reads_counters;   /* of what a server or connection has done: what the session reads next counts where it runs */
	uint64_t digest;
	struct view digest_text; /* in scratch->text */
	struct hints hints;      /* asked for in comments, over what the session asks for; in the statement */
	/* Views into the statement or the scratch. */
	struct effect effects[CLASSIFY_EFFECTS_MAX];
};

void classify(struct view sql, const struct dialect *dialect, const struct context *context,
              struct classify_scratch *scratch, struct classification *out);

/* As if the session had asked for this too; `reason` where it moves the statement. For who knows what to ask for only when
 * the statement is classified. */
void classify_ask(struct classification *out, const struct context *context, const struct hints *hints,
                  enum reason reason);

#endif
