/*
 * One account of MariaDB's mysql.global_priv: the JSON of its Priv column -> struct account.
 *
 * An account may offer several plugins ("auth_or"; an empty object in that list means the one at the top):
 * the one chosen is one that wye can verify, if there is any. One thread uses a reader.
 */
#ifndef WYE_PROXY_ACCOUNTS_JSON_H
#define WYE_PROXY_ACCOUNTS_JSON_H

#include <stdbool.h>

#include "proxy/accounts.h"

struct accounts_json;

struct accounts_json *accounts_json_create(void); /* NULL without memory */
void accounts_json_destroy(struct accounts_json *j);

/* False for a role, and for what is no such JSON. */
bool accounts_json_read(struct accounts_json *j, const char *user, const char *host, const char *priv,
                        struct account *account);

/* Fills in the plugin by its name, with the verifier as the server stores it; an empty name is the native
 * one. False when the verifier is longer than any that is known. */
bool account_set_plugin(struct account *account, const char *plugin, const void *verifier, size_t len);

#endif
