/*
 * One client of the console: bytes in, bytes out; whoever holds the socket moves them.
 *
 *	greeting sent ──login──> (switch sent ──answer──>) ready ──command──> answered ... ──COM_QUIT──> closing
 *
 * While the table `admins` is empty the Unix user who runs wye may come in, from this machine, with any name and password,
 * and nobody else. From the first row on a name and its password are asked for, of everybody but that user on a Unix
 * socket. Runs on the control thread.
 */
#ifndef WYE_PROXY_CONSOLE_SESSION_H
#define WYE_PROXY_CONSOLE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/auth.h"
#include "protocol/buf.h"
#include "proxy/console/console_catalog.h"
#include "router/address.h"

#define CONSOLE_COMMAND_MAX (1u << 20)
#define CONSOLE_ANSWER_MAX (64u << 20)
#define CONSOLE_STATEMENTS_MAX 256

enum console_session_state { CONSOLE_EXPECT_LOGIN, CONSOLE_EXPECT_ANSWER, CONSOLE_READY, CONSOLE_CLOSING };

struct console_statement;

struct console_session {
	enum console_session_state state; /* CLOSING: send what is in out, then close */
	struct buf in, out;
	struct console_catalog *catalog; /* borrowed, shared by all sessions of the thread */
	uint32_t id;
	uint32_t caps;
	enum auth_plugin plugin;
	uint8_t nonce[NONCE_LEN];
	bool owner;   /* its process is the user's who runs wye, or root's; set by who made the session */
	bool by_unix; /* it came by a Unix socket; likewise */
	struct address address; /* where it came from; likewise */
	bool monitor; /* it may only read */
	bool logged_in; /* once */
	bool denied;  /* what is in out says so: send it later */
	bool offers_tls;
	bool wants_tls; /* it asked for it: what is in `in` now is the beginning of TLS; cleared by who has begun that */
	bool waits;   /* its command has no answer yet: it is run again with the next console_session_run() */
	uint64_t change; /* likewise of a change of the topology */
	uint64_t check; /* the number of the check that it waits for; 0: none */
	char user[129];
	char schema[65];		 /* empty: none */
	bool autocommit, in_transaction; /* in one of BEGIN's */
	struct console_statement *statements;
	uint32_t last_statement;
	unsigned n_statements;
};

/* With the greeting in out. */
struct console_session *console_session_create(struct console_catalog *catalog, uint32_t id, bool offers_tls);
void console_session_destroy(struct console_session *s); /* NULL is fine */

/* Bytes from the client. False when they pass the bound: close it. */
bool console_session_feed(struct console_session *s, const void *data, size_t len);

/* Answers whole commands as long as the output is small; call it again when the output was sent, and when what a session
 * that waits is waiting for may be there. */
void console_session_run(struct console_session *s);

#endif
