/*
 * The process's keys: the certificate shown to clients, the RSA key for passwords without TLS, and the TLS contexts of
 * both sides. Made at start by the main thread; read by all workers.
 */
#ifndef WYE_PROXY_SECURITY_H
#define WYE_PROXY_SECURITY_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/rsa_key.h"
#include "protocol/transport_tls.h"
#include "proxy/settings.h"

/* Loads the files the settings name, or makes what they do not. False with one line in error. The RSA key, which takes a
 * while, is made on a thread of its own meanwhile. */
bool security_start(const struct settings *settings, char *error, size_t error_size);
/* Waits until it is made: before the first client. */
bool security_wait(char *error, size_t error_size);
void security_stop(void);

struct transport_tls_context *security_client_side(void); /* NULL: TLS is not offered to clients */
struct transport_tls_context *security_server_side(void); /* NULL: server_tls is off */
const struct rsa_key *security_rsa(void);

#endif
