/*
 * Logging in, as two step machines that eat payloads and append packets: the server role checks a client, the client
 * role logs in to a server. Neither waits, and neither sends OK or ERR as a server: that is for the caller, who knows
 * the account's rights and the message.
 *
 *	server role    begin ──> MORE ──step──> MORE ... ──> DONE / DENIED / BAD
 *	                               └──> CHECK ──checked──> DONE / DENIED
 *	client role    begin (fills the login) ──> step(packet) ──> MORE ... ──> DONE / DENIED / NEED_CLEAR / ...
 *
 * *seq is the number of the next packet out; before each step the caller sets it to the number of the packet received
 * plus one. Both structs hold secrets: end each with its finish function, which wipes them.
 */
#ifndef WYE_PROTOCOL_AUTH_H
#define WYE_PROTOCOL_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/auth_ed25519.h"
#include "protocol/auth_native.h"
#include "protocol/auth_sha2.h"
#include "protocol/buf.h"
#include "protocol/handshake.h"
#include "protocol/rsa_key.h"
#include "protocol/wire.h"

/* The first two can answer for a greeting's nonce. The server role has no AUTH_SHA256: a client that can do it can do
 * AUTH_SHA2 as well, which sends the password once and not at every login. */
enum auth_plugin { AUTH_NATIVE, AUTH_SHA2, AUTH_SHA256, AUTH_ED25519, AUTH_PLUGINS };

/* "mysql_native_password" and so on; AUTH_PLUGINS for a name that is not ours. */
const char *auth_plugin_name(enum auth_plugin plugin);
enum auth_plugin auth_plugin_by_name(struct view name);

enum auth_step {
	AUTH_MORE,        /* out holds the answer (the client role may have none): wait for the next packet */
	AUTH_CHECK,       /* server: run auth_check_stored() off the loop, then auth_server_checked() */
	AUTH_DONE,        /* server: the password is right, send OK. client: the packet is the server's OK */
	AUTH_DENIED,      /* server: send ERR, see denial. client: the packet is the server's ERR */
	AUTH_BAD,         /* the peer broke the protocol, or the buf is full: close */
	AUTH_NEED_CLEAR,  /* client: the server wants what only the clear password gives */
	AUTH_UNSUPPORTED, /* client: the server wants the plugin named in ctx->unsupported */
	AUTH_INSECURE,    /* client: the password would have to go out without TLS, and refuse_rsa is set */
};

/* Why the server role said AUTH_DENIED. */
enum auth_denial {
	AUTH_DENIAL_NONE,
	AUTH_DENIAL_PASSWORD,   /* 1045, "using password" by used_password; also for an account that does not exist */
	AUTH_DENIAL_OLD_CLIENT, /* 1251: the account needs a plugin and the client cannot switch */
	AUTH_DENIAL_INSECURE,   /* the clear password is needed, and there is neither TLS nor a key */
};

struct auth_server {
	/* Filled by the caller before begin. What is pointed to must live until the end. */
	enum auth_plugin plugin;  /* the account's; for an account that does not exist, the default */
	uint8_t nonce[NONCE_LEN]; /* the greeting's, or a fresh one (set `renewed`); also sent with a switch */
	uint8_t long_nonce[ED25519_NONCE_LEN]; /* a fresh one, for AUTH_ED25519 */
	bool renewed;             /* the client has not seen this nonce: always switch. So it is for COM_CHANGE_USER, but for
				     clients without CAP_PLUGIN_AUTH, which must answer for the greeting's */
	bool secure;              /* TLS or a Unix socket: a clear password may come */
	bool unknown;             /* no such account: go through it all, then deny */
	bool force_full;          /* sha2: ask for the password even where the fast path would do */
	struct view verifier;     /* as stored by the server, sha2: any that auth_check_stored() knows; empty: only the empty
				     password is right */
	bool has_stage2;          /* sha2: a stage2 is known from an earlier full authentication */
	uint8_t sha256_stage2[SHA256_LEN];
	const struct rsa_key *rsa; /* may be NULL */

	/* Results. Stages count after DONE only, each where has_* says so: native gives sha1, the fast path sha256, the full
	 * exchange both and clear. clear is there in CHECK too. */
	enum auth_denial denial;
	bool used_password;
	bool has_sha1, has_sha256, has_clear; /* ed25519: none of them */
	uint8_t sha1_stage1[SHA1_LEN];
	uint8_t sha256_stage1[SHA256_LEN];
	char clear[SHA2_PASSWORD_MAX + 1]; /* with a NUL */
	size_t clear_len;

	/* Private. */
	int state;
	struct view checked; /* what AUTH_CHECK is to check against: the verifier, or a decoy */
};

/* Puts everything to zero. */
void auth_server_init(struct auth_server *a);
/* Looks at the login's (or COM_CHANGE_USER's) plugin, answer and flags. */
enum auth_step auth_server_begin(struct auth_server *a, const struct login *login, struct buf *out, uint8_t *seq);
enum auth_step auth_server_step(struct auth_server *a, struct view payload, struct buf *out, uint8_t *seq);
/* Whether the password is that of a stored string of a plugin that has to be given it: of caching_sha2_password,
 * sha256_password or ed25519. As slow as sha2_check_stored(). */
bool auth_check_stored(struct view stored, const char *password, size_t len);
/* After AUTH_CHECK: run auth_check_stored() with these (for an unknown account too, so that it takes as long), */
struct view auth_server_stored(const struct auth_server *a);
/* and say what came out: DONE or DENIED. */
enum auth_step auth_server_checked(struct auth_server *a, bool ok);
void auth_server_finish(struct auth_server *a);

/* What is known of a password. Lives where secrets live; the machines only read it. */
struct credential {
	bool empty; /* the password is the empty one */
	bool has_sha1;
	uint8_t sha1_stage1[SHA1_LEN];
	bool has_sha256;
	uint8_t sha256_stage1[SHA256_LEN];
	const char *clear; /* NULL when not known */
	size_t clear_len;
};

struct auth_client {
	/* Filled by the caller before begin. */
	const struct credential *credential;
	bool secure;     /* TLS or a Unix socket: the clear password may be sent */
	bool tls;        /* sha256_password's servers want it encrypted over a Unix socket too */
	bool refuse_rsa; /* never ask for a public key: whoever sits in between could send his own */

	/* For login_write(): valid after begin. */
	const char *plugin;
	struct view response;

	/* Results. */
	bool sent_clear;      /* the server checked the password itself: its cache is warm now if it said OK */
	char unsupported[64]; /* with AUTH_UNSUPPORTED */

	/* Private. */
	int state;
	unsigned rounds;
	enum auth_plugin kind;
	uint8_t nonce[ED25519_NONCE_LEN]; /* the first NONCE_LEN of it, for the others */
	uint8_t bytes[SHA2_PASSWORD_MAX + 1];
};

void auth_client_init(struct auth_client *a);
/* Chooses the plugin (the greeting's if the credential serves it, else one it serves) and makes the first answer: MORE.
 * NEED_CLEAR when the credential serves neither. nonce: 20 bytes, or 21 with a NUL at the end. plugin is the greeting's
 * name. For COM_CHANGE_USER any nonce will do: the server switches to a fresh one. */
enum auth_step auth_client_begin(struct auth_client *a, const char *plugin, struct view nonce);
enum auth_step auth_client_step(struct auth_client *a, struct view payload, struct buf *out, uint8_t *seq);
void auth_client_finish(struct auth_client *a);

#endif
