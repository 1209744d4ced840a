/*
 * Why a statement goes where it goes: one fixed word for each reason, counted per digest and shown to people.
 *
 * The words are part of what `wye route`, stats_routes and EXPLAIN ROUTE print; they do not change meaning.
 */
#ifndef WYE_ROUTER_REASON_H
#define WYE_ROUTER_REASON_H

#define REASONS(X)                                                                                           \
	X(EMPTY, "empty")                             /* no statement at all: blanks or comments */             \
	X(READ, "read")                               /* reads tables or computes: any server can answer */     \
	X(DIFFERS, "differs")                         /* a read that servers answer differently: plans, rights */ \
	X(READ_ONLY_TRANSACTION, "read-only-transaction") /* begins, or runs in, a READ ONLY transaction */     \
	X(IN_TRANSACTION, "in-transaction")           /* the connection that holds the open transaction */      \
	X(AUTOCOMMIT_OFF, "autocommit-off")           /* touches a table, which begins a transaction */         \
	X(BEGIN, "begin")                             /* begins a transaction that may write */                 \
	X(COMMIT, "commit")                           /* COMMIT, ROLLBACK, SAVEPOINT and kin */                  \
	X(RELEASE, "release")                         /* COMMIT RELEASE: the server closes the connection */    \
	X(WRITE, "write")                             /* changes rows */                                        \
	X(DDL, "ddl")                                 /* changes definitions or accounts */                     \
	X(CALL, "call")                               /* a procedure: what it does is not known */              \
	X(ADMIN, "admin")                             /* acts on the server itself */                           \
	X(LOCKING_READ, "locking-read")               /* FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE */           \
	X(INTO_FILE, "into-file")                     /* INTO OUTFILE or DUMPFILE, or INTO something unknown */ \
	X(SEQUENCE, "sequence")                       /* takes a value from a sequence, or asks for its last */  \
	X(UNKNOWN_FUNCTION, "unknown-function")       /* a stored function or UDF: it may write */              \
	X(WRITING_VIEW, "writing-view")               /* a view or routine that is known to write */            \
	X(UNKNOWN_VIEW, "unknown-view")               /* by its name a view, and nobody knows what it does */   \
	X(SERVER_SPECIFIC, "server-specific")         /* the answer differs from server to server */            \
	X(EXPLAIN_WRITE, "explain-write")             /* servers refuse to explain a write on a replica */      \
	X(KILL, "kill")                               /* KILL: wye translates the id */                         \
	X(SET, "set")                                 /* sets session variables or character sets */            \
	X(USE, "use")                                 /* changes the default schema */                          \
	X(ROLE, "role")                               /* SET ROLE */                                            \
	X(SET_GLOBAL, "set-global")                   /* SET GLOBAL, PERSIST, PASSWORD, DEFAULT ROLE */         \
	X(SET_TRANSACTION, "set-transaction")         /* SET TRANSACTION for the next transaction only */       \
	X(SESSION_VARIABLE, "session-variable")       /* a variable that lives in one connection */             \
	X(USER_VARIABLE, "user-variable")             /* reads or sets @variables */                            \
	X(TEMPORARY_TABLE, "temporary-table")         /* makes or touches a temporary table */                  \
	X(TABLE_LOCK, "table-lock")                   /* LOCK TABLES, FLUSH ... WITH READ LOCK */               \
	X(USER_LOCK, "user-lock")                     /* GET_LOCK and kin */                                    \
	X(BACKUP_LOCK, "backup-lock")                 /* LOCK INSTANCE, BACKUP STAGE */                         \
	X(HANDLER, "handler")                         /* HANDLER */                                             \
	X(XA, "xa")                                   /* XA transactions */                                     \
	X(TEXT_PREPARE, "text-prepare")               /* PREPARE, EXECUTE, DEALLOCATE as SQL */                 \
	X(LAST_INSERT_ID, "last-insert-id")           /* reads or sets what the last insert left */             \
	X(FOUND_ROWS, "found-rows")                   /* SQL_CALC_FOUND_ROWS, FOUND_ROWS(), ROW_COUNT() */      \
	X(WARNINGS, "warnings")                       /* SHOW WARNINGS, @@warning_count, GET DIAGNOSTICS */     \
	X(SESSION_STATUS, "session-status")           /* counters of one connection: SHOW STATUS, PROFILES */   \
	X(CONNECTION_ID, "connection-id")             /* wye's own id */                                        \
	X(PINNED, "pinned")                           /* the session is bound to its connection */              \
	X(COMPOUND, "compound")                       /* BEGIN NOT ATOMIC, IF, LOOP ... outside a routine */    \
	X(MULTI_STATEMENT, "multi-statement")         /* several statements in one text */                      \
	X(HINT_PRIMARY, "hint-primary")               /* a hint asked for the primary */                        \
	X(HINT_REPLICA, "hint-replica")               /* a hint asked for a replica */                          \
	X(HINT_SERVER, "hint-server")                 /* a hint named the server */                             \
	X(RULE, "rule")                               /* a rule said where */                                   \
	X(GLOBAL_CHANGED, "global-changed")           /* its account changed a global variable a moment ago */  \
	X(COUNTERS, "counters")                       /* its session looked at a server's counters a moment ago */ \
	X(LEARNED, "learned")                         /* a replica refused this digest before */                \
	X(UNKNOWN_STATEMENT, "unknown-statement")     /* no statement of either dialect begins so */            \
	X(UNREADABLE, "unreadable")                   /* an unfinished string or comment, or a stray byte */

enum reason {
#define X(name, word) REASON_##name,
	REASONS(X)
#undef X
	REASON_COUNT
};

const char *reason_name(enum reason reason);

#endif
