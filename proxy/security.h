/*
 * The process's keys: the certificate shown to clients, the RSA key for passwords without TLS, and the TLS contexts of
 * both sides. Made by the control thread, at start and when the files are read again; used by all threads.
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

/* Reads the files again and makes what is shown and trusted from then on; connections that are there stay. False with
 * one line in error: then all is as it was. Control thread, as the next two. */
bool security_reload(const struct settings *settings, char *error, size_t error_size);
/* It could be done with these settings, as far as they concern TLS and are not in use already. */
bool security_can_use(const struct settings *settings, char *error, size_t error_size);
/* Uses them. Where that fails all the same there is an event, and until the next reload no TLS towards servers. */
void security_configure(const struct settings *settings);

/* Any thread. The beginning of TLS on a connection, or NULL: it is not offered, or out of memory. */
struct transport_tls *security_begin_client(void);
struct transport_tls *security_begin_server(const char *host);
bool security_offers_tls(void);	    /* to clients */
bool security_has_server_tls(void); /* towards servers */
const struct rsa_key *security_rsa(void);

#endif
