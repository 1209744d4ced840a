/*
 * The configuration: what the tables `settings`, `servers`, `users`, `admins` and `rules` say, over what was given at start.
 *
 * A struct config is one state of it, immutable and reference-counted. The tables are kept by sqlite, in the file of
 * --config or in memory (config_store.h), and a change of any number of rows becomes the next state at its COMMIT: it is
 * checked, stored and put into force as a whole, or not at all (config_change.h).
 */
#ifndef WYE_PROXY_CONFIG_H
#define WYE_PROXY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/options.h"
#include "proxy/settings.h"
#include "router/hints.h"
#include "router/rules.h"

#define CONFIG_COMMENT_MAX 255

/* Where a value or a row comes from. */
enum config_source {
	CONFIG_DEFAULT,
	CONFIG_GIVEN,  /* the command line or the environment, until the next start */
	CONFIG_STORED, /* the tables */
};

struct config_server {
	struct server_option option;
	char comment[CONFIG_COMMENT_MAX + 1];
	enum config_source source;
};

struct config_user {
	struct user_option option;
	/* What its statements ask for where nothing nearer does; as written, empty: nothing. */
	char consistency[16], max_lag[24], causal_key[128];
	char networks[512];   /* ranges its clients must come from; empty: anywhere */
	unsigned max_clients; /* at once, of one account; 0: user_max_clients holds */
	struct hints hints; /* what is asked, read; its texts are those here (config_store_read) */
	char comment[CONFIG_COMMENT_MAX + 1];
	enum config_source source;
};

enum admin_role { ADMIN_ROLE_ADMIN, ADMIN_ROLE_MONITOR };

/* "*", 40 hex digits (SHA1 of SHA1), ":", 64 hex digits (SHA256 of SHA256): what both ways of logging in are checked with.
 * The password itself is kept nowhere. */
#define ADMIN_VERIFIER_LEN 106

struct config_admin {
	char name[129];
	char verifier[ADMIN_VERIFIER_LEN + 1];
	enum admin_role role;
	char comment[CONFIG_COMMENT_MAX + 1];
};

/* As written: config_rules.h. */
struct config_rule {
	char *texts[RULE_FIELD_COUNT];
};

struct config {
	_Atomic unsigned references;
	uint64_t version;	  /* of the stored tables; 0: nothing was ever stored */
	struct settings settings; /* as they are wanted: some are read at start only */
	enum config_source sources[SETTINGS_MAX];
	size_t n_servers, n_users, n_admins;
	struct config_server *servers;
	struct config_user *users;
	struct config_admin *admins;
	size_t n_users_asking;      /* users that ask for something */
	size_t n_users_limited;     /* users with networks or max_clients */
	size_t n_rules;
	struct config_rule *rules;  /* in order */
	struct rule_set *rule_set;  /* a reference, of a state that is or may come into force */
};

/* With one reference, empty, every setting at its default. */
struct config *config_create(void);
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* NULL is fine; passwords are wiped */

/* Room for one more, zeroed. The arrays move. */
struct config_server *config_add_server(struct config *c);
struct config_user *config_add_user(struct config *c);
struct config_admin *config_add_admin(struct config *c);

/* By address and by name; NULL when there is none. */
const struct config_server *config_server_at(const struct config *c, const struct endpoint *at);
const struct config_user *config_user_named(const struct config *c, const char *name);
/* Its limits, NULL when it has none; c may be NULL. */
const struct config_user *config_user_limited(const struct config *c, const char *name);
void config_user_max_clients(const struct config_user *u, char text[16]); /* as written; empty: none */
const struct config_admin *config_admin_named(const struct config *c, const char *name);

const char *config_source_name(enum config_source source);
const char *config_role_name(enum server_role_option role);
const char *config_admin_role_name(enum admin_role role);

/* What differs, in one line for the log and the history: "max_lag = 5s, servers + db4:3306". Never a password. */
void config_describe_change(const struct config *before, const struct config *after, char *out, size_t out_size);

/* False, with a sentence in error. */
bool config_refuse(char *error, size_t error_size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
