/*
 * The generation of connections: counted up whenever a statement that passes through changes what new connections begin
 * with (accounts, rights, global variables).
 *
 * A connection to a server keeps what held when it was made: its rights on all databases and on its default one, its own
 * value of every variable. A session that began after such a change would have got the new, so sessions share only
 * connections of their own generation; and a login waits until the accounts have been read after the change.
 *
 * All functions may be called from any thread.
 */
#ifndef WYE_PROXY_GENERATION_H
#define WYE_PROXY_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

uint64_t generation_now(void);

/* A statement has changed what new connections begin with; `accounts`: accounts or rights, which are to be read anew. */
void generation_changed(bool accounts);

/* The ticket of topology_request_accounts() whose answer a login must have seen; 0: none. */
uint64_t generation_accounts_ticket(void);

#endif
