/*
 * TLS between two spans of bytes: OpenSSL with no socket.
 *
 *	ciphertext from the socket ──transport_tls_read──> plaintext
 *	plaintext ──transport_tls_write──> ciphertext for the socket
 *
 * Both work from and into memory of the caller, with no queue in between; what the handshake, alerts and key updates have
 * to send is kept inside, bounded, and comes out first with the next write. The handshake needs no call of its own: read
 * what comes, and write whenever transport_tls_pending() says so, with or without plaintext. A client begins with a read of
 * nothing. An idle connection gives OpenSSL's record buffers back. A socket that ends without CLOSED was cut off.
 *
 * A context is shared by the connections of all threads; a connection belongs to one.
 */
#ifndef WYE_PROTOCOL_TRANSPORT_TLS_H
#define WYE_PROTOCOL_TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

enum transport_tls_role { TRANSPORT_TLS_SERVER, TRANSPORT_TLS_CLIENT };

enum transport_tls_verify {
	TRANSPORT_TLS_VERIFY_NONE,     /* encrypt, believe anybody */
	TRANSPORT_TLS_VERIFY_CA,       /* an authority signed the certificate */
	TRANSPORT_TLS_VERIFY_IDENTITY, /* and it is for the name or address we connect to */
};

struct transport_tls_options {
	struct view certificate_pem; /* leaf first, then the chain; must be given for the server role */
	struct view key_pem;
	struct view ca_pem; /* whom to trust; empty: the system's authorities. Not looked at with VERIFY_NONE */
	enum transport_tls_verify verify; /* of the server by us in the client role */
	struct view client_ca_pem; /* the server role: whom clients' certificates must be from, if they show any; empty: they
				      are asked for none */
	bool only_13;		   /* TLS 1.2 is not spoken */
};

struct transport_tls_context;
struct transport_tls;

/* TLS 1.2 and later. NULL with a sentence in error. */
struct transport_tls_context *transport_tls_context_create(const struct transport_tls_options *options, char *error,
							   size_t error_size);
/* Connections of it may outlive it. */
void transport_tls_context_destroy(struct transport_tls_context *context);
/* SHA-256 of the DER of our certificate; false when there is none. For tls_proof(). */
bool transport_tls_context_leaf_sha256(const struct transport_tls_context *context, uint8_t out[32]);

/* server_name: the host we connect to, name or address, for the client role; NULL: none. NULL when out of memory. */
struct transport_tls *transport_tls_create(struct transport_tls_context *context, enum transport_tls_role role,
					   const char *server_name);
void transport_tls_destroy(struct transport_tls *t);

enum transport_tls_result {
	TRANSPORT_TLS_OK,     /* all of the input was taken */
	TRANSPORT_TLS_FULL,   /* the output span is full: call again, also when no input is left */
	TRANSPORT_TLS_WAIT,   /* write: the handshake is not over, no plaintext was taken */
	TRANSPORT_TLS_CLOSED, /* read: the peer ended it properly. write: we did, by transport_tls_close() */
	TRANSPORT_TLS_FAILED, /* broken: see transport_tls_error(); a write may still bring out an alert for the peer */
};

/* Decrypts from the front of *cipher, which is moved on, into plain[0..cap); *got counts the bytes. cap may be 0 while
 * the handshake lasts. */
enum transport_tls_result transport_tls_read(struct transport_tls *t, struct view *cipher, uint8_t *plain, size_t cap,
					     size_t *got);

/* Encrypts from the front of *plain, which is moved on, into cipher[0..cap), after what is pending; *got counts the
 * bytes. Give it at least TRANSPORT_TLS_ROOM bytes, or plaintext does not move; best 16 KiB and that, or a multiple. */
#define TRANSPORT_TLS_ROOM 512
enum transport_tls_result transport_tls_write(struct transport_tls *t, struct view *plain, uint8_t *cipher, size_t cap,
					      size_t *got);

/* A connection begins with what must not stay in memory, a password: what OpenSSL has decrypted it wipes, until told that
 * the rest may be treated as quickly as can be. */
void transport_tls_secrets_are_over(struct transport_tls *t);

size_t transport_tls_pending(const struct transport_tls *t); /* bytes of our own that wait for a write */
bool transport_tls_is_ready(const struct transport_tls *t);  /* the handshake is over */
void transport_tls_close(struct transport_tls *t);           /* the farewell becomes pending */

/* Why it FAILED, as a clause: "certificate verify failed: self-signed certificate". Lives as long as t. */
const char *transport_tls_error(const struct transport_tls *t);

const char *transport_tls_version(const struct transport_tls *t); /* "TLSv1.3" */
const char *transport_tls_cipher(const struct transport_tls *t);
bool transport_tls_resumed(const struct transport_tls *t);
bool transport_tls_verified(const struct transport_tls *t); /* the peer has shown a certificate that we trust */
/* SHA-256 of the DER of the certificate we showed (server role) or were shown (client role); false when none. */
bool transport_tls_leaf_sha256(const struct transport_tls *t, uint8_t out[32]);

#endif
