/*
 * The accounts clients log in with: read from the primary, or given by hand; immutable sets with a reference
 * count.
 *
 * A login is matched as the servers do it: the host patterns from the most to the least specific, then the
 * user name before the anonymous one.
 */
#ifndef WYE_PROXY_ACCOUNTS_H
#define WYE_PROXY_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/wire.h"

enum account_plugin { /* the numbers are passed on by an upgrade */
	ACCOUNT_NATIVE,
	ACCOUNT_SHA2,
	ACCOUNT_OTHER, /* named in plugin, cannot be verified here */
	ACCOUNT_SHA256,
	ACCOUNT_ED25519,
	ACCOUNT_PLUGINS
};

/* What accounts may have to log in through wye. */
#define ACCOUNT_PLUGINS_KNOWN "mysql_native_password, caching_sha2_password, sha256_password, ed25519"
/* Stands for a plugin where an account must show one that wye cannot check. */
#define ACCOUNT_CERTIFICATE "certificate of a subject or issuer"

struct account {
	char user[129];
	char host[256]; /* the pattern */
	enum account_plugin plugin;
	char plugin_name[64];
	char verifier[256]; /* as the server stores it; empty = no password */
	size_t verifier_len;
	bool locked, password_expired, require_tls;
	bool require_certificate; /* X509: any that is trusted */
	bool skips_init_connect; /* SUPER, CONNECTION_ADMIN or CONNECTION ADMIN */
	bool by_hand; /* --user: comes before what the primary has, whatever the host patterns are */
	uint64_t id;  /* changes when user, host, plugin or verifier change: the key of what is remembered */
};

struct account_set;

/* What `id` is for this account: stable while the process lives, different in the next one. */
uint64_t account_id(const struct account *account);

/* What the builder needs: a set is filled (`id` is filled in), then sealed (sorted), then shared. False when
 * the account is not well-formed (a name that is not terminated, a verifier that is too long). */
struct account_set *account_set_create(void);
bool account_set_add(struct account_set *set, const struct account *account);
void account_set_seal(struct account_set *set);
struct account_set *account_set_ref(struct account_set *set);
void account_set_unref(struct account_set *set); /* NULL is fine */
/* Wrong passwords in a row after which an account is refused; 0: any number may be tried. */
void account_set_limit_errors(struct account_set *set, uint64_t max_password_errors);
uint64_t account_set_errors_max(const struct account_set *set);
size_t account_set_size(const struct account_set *set);
const struct account *account_set_by_id(const struct account_set *set, uint64_t id); /* or NULL */
const struct account *account_set_at(const struct account_set *set, size_t index);
bool account_set_equal(const struct account_set *a, const struct account_set *b);

/* NULL when nobody matches. A Unix-socket client (address NULL) is `localhost`; a loopback address matches
 * `localhost` too, as the servers' reverse look-up makes it. Other host names in an account match nobody: wye
 * does not look clients' addresses up. */
const struct account *account_find(const struct account_set *set, struct view user,
                                   const struct sockaddr *address);

#endif
