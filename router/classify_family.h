/*
 * The families of statements: who reads what after its first word.
 *
 * Each function is called with the first word passed, reads to the end of the statement and leaves its
 * verdict in s. The name of the file that holds it is in the comment of its group.
 */
#ifndef WYE_ROUTER_CLASSIFY_FAMILY_H
#define WYE_ROUTER_CLASSIFY_FAMILY_H

#include "router/statement.h"

/* classify.c: the statement at the current token, whatever it is; also what stands behind SET STATEMENT ...
 * FOR. */
void classify_statement(struct statement *s);

/* classify_read.c */
void classify_select(struct statement *s); /* also WITH and VALUES */
void classify_table(struct statement *s);
void classify_parenthesis(struct statement *s); /* the parenthesis is not passed */
void classify_do(struct statement *s);
void classify_help(struct statement *s);
void classify_explain(struct statement *s);
void classify_analyze(struct statement *s);
void classify_check(struct statement *s);
void classify_checksum(struct statement *s);

/* classify_write.c */
void classify_write(struct statement *s);
void classify_update(struct statement *s);
void classify_delete(struct statement *s); /* INSERT, REPLACE, UPDATE, DELETE */
void classify_load(struct statement *s);
void classify_call(struct statement *s);

/* classify_ddl.c */
void classify_create(struct statement *s);
void classify_alter(struct statement *s);
void classify_drop(struct statement *s);
void classify_rename(struct statement *s);
void classify_truncate(struct statement *s);
void classify_grant(struct statement *s); /* and REVOKE */

/* classify_transaction.c */
void classify_begin(struct statement *s);
void classify_start(struct statement *s);
void classify_commit(struct statement *s);
void classify_rollback(struct statement *s);
void classify_savepoint(struct statement *s); /* and RELEASE SAVEPOINT */
void classify_xa(struct statement *s);

/* classify_set.c */
void classify_set(struct statement *s);
void classify_use(struct statement *s);

/* classify_show.c */
void classify_show(struct statement *s);

/* classify_bound.c: what lives in one connection */
void classify_lock(struct statement *s);
void classify_unlock(struct statement *s);
void classify_flush(struct statement *s);
void classify_backup(struct statement *s);
void classify_handler(struct statement *s);
void classify_prepare(struct statement *s);
void classify_execute(struct statement *s);
void classify_deallocate(struct statement *s);
void classify_get(struct statement *s); /* GET DIAGNOSTICS */

/* classify_admin.c */
void classify_kill(struct statement *s);
void classify_admin(struct statement *s);
void classify_maintenance(struct statement *s);
void classify_signal(struct statement *s);
void classify_resignal(struct statement *s);
void classify_install(struct statement *s); /* what acts on one server */

/* classify_block.c: the current token is the first of the block. */
void classify_block(struct statement *s);     /* outside of a routine: it runs */
void classify_skip_body(struct statement *s); /* of a routine that is being made: it does not */

#endif
