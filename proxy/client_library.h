/*
 * Administrative connections through the MySQL client library, MariaDB Connector/C or Oracle's libmysqlclient
 * alike.
 *
 * This is the only place that sees mysql.h: what the two libraries name or do differently ends here. Calls
 * block, with time-outs of whole seconds; one thread uses a connection, save library_interrupt(). Every
 * thread that opens one calls library_thread_begin() first and library_thread_end() last. Results are read
 * into memory whole: they are for status and accounts, not for data.
 */
#ifndef WYE_PROXY_CLIENT_LIBRARY_H
#define WYE_PROXY_CLIENT_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proxy/options.h"
#include "proxy/settings.h"

enum library_failure {
	LIBRARY_OK,
	LIBRARY_UNKNOWN_HOST,
	LIBRARY_REFUSED, /* nobody listens, or the machine cannot be reached */
	LIBRARY_TIMED_OUT,
	LIBRARY_LOST,          /* the connection broke */
	LIBRARY_NOT_MYSQL,     /* something answers that does not speak the protocol */
	LIBRARY_TLS,           /* no TLS where it is required, or a certificate that is not trusted */
	LIBRARY_DENIED,        /* wrong user or password, or the host may not connect */
	LIBRARY_FULL,          /* too many connections: it lives, but has no room */
	LIBRARY_MISSING_GRANT, /* a privilege is missing for this statement */
	LIBRARY_SQL,           /* any other error the server answered */
};

struct library_error {
	enum library_failure failure;
	unsigned code; /* the server's or the library's error number */
	char text[256];
};

/* PEM files, or empty. */
struct library_tls {
	enum server_tls mode;
	bool only_13;
	char ca[512], cert[512], key[512];
};

struct library_login {
	const struct endpoint *at;
	const char *user, *password;
	unsigned connect_timeout, read_timeout; /* seconds, at least 1 */
	struct library_tls tls;
};

/* The settings' part in it: nothing stands between the texts but zeros, so that two can be compared as they are. */
struct library_tls library_tls_of(const struct settings *settings);

struct library_connection;
struct library_result;

void library_begin(void); /* once a process, before any thread; safe to call again */
void library_thread_begin(void);
void library_thread_end(void);

/* Connects and logs in; NULL with the reason. The password is not kept by wye's side of it. */
struct library_connection *library_open(const struct library_login *login, struct library_error *error);
void library_close(struct library_connection *c); /* NULL is fine */

/* What a call under way waits for ends with LIBRARY_LOST. Another thread's: the caller makes sure that the
 * connection is not closed meanwhile. */
void library_interrupt(struct library_connection *c);

const char *library_server_version(const struct library_connection *c); /* as the greeting has it */
unsigned library_server_collation(const struct library_connection *c);
unsigned long library_thread_id(const struct library_connection *c);

/* The address that was reached in the end (a name may have several). */
bool library_peer(const struct library_connection *c, struct sockaddr_storage *address, socklen_t *len);

/* Runs one statement; false with the reason. *result may be NULL when its rows are of no interest. */
bool library_query(struct library_connection *c, const char *sql, struct library_result **result,
                   struct library_error *error);

/* The same in two parts, so that several servers can be at work at once: what was sent must be answered before anything else
 * is asked on this connection. */
bool library_send(struct library_connection *c, const char *sql, struct library_error *error);
bool library_answer(struct library_connection *c, struct library_result **result, struct library_error *error);

/* The next row, false after the last. Values are valid until the next call. */
bool library_row(struct library_result *r);
unsigned library_columns(const struct library_result *r);

/* A value of the current row: NULL for SQL's NULL and for a column there is not. `len` may be NULL. */
const char *library_value(struct library_result *r, unsigned column, size_t *len);
const char *library_value_of(struct library_result *r, const char *column_name);
void library_free(struct library_result *r); /* NULL is fine */

/* A connection that such a failure leaves behind is of no more use. */
bool library_failure_is_final(enum library_failure failure);

#endif
