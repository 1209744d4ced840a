/*
 * Reading the accounts from a server: the primary, or a replica while the primary is away (they are
 * replicated).
 *
 * MySQL keeps them in mysql.user, MariaDB in mysql.global_priv (or, where that may not be read, in the view
 * mysql.user, which does not tell which accounts are locked). Those given by hand are added, and what logs in
 * with them is put into the vault. An account that wants a certificate of the client's cannot be verified by
 * wye and has the plugin name "client certificate".
 */
#ifndef WYE_PROXY_ACCOUNTS_LOAD_H
#define WYE_PROXY_ACCOUNTS_LOAD_H

#include "proxy/accounts.h"
#include "proxy/client_library.h"
#include "proxy/config/config.h"
#include "router/flavor.h"

/* A sealed set with one reference, or NULL with the reason. */
struct account_set *accounts_load(struct library_connection *c, enum flavor flavor,
                                  const struct config *config, struct library_error *error);

/* Only those given by hand with a password: what there is when no server lets wye read its accounts. */
struct account_set *accounts_by_hand(const struct config *config);

/* The first of `users` without a password that the set has no account for: such a row names an account that must
 * exist. NULL when there is none. */
const struct user_option *accounts_unknown(const struct account_set *set, const struct config *config);

#endif
