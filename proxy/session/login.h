/*
 * What the parts of a client's login know of each other: login.c is its machine, and tells how its stages follow.
 */
#ifndef WYE_PROXY_SESSION_LOGIN_H
#define WYE_PROXY_SESSION_LOGIN_H

#include "protocol/auth.h"
#include "protocol/packet.h"
#include "proxy/accounts.h"
#include "proxy/session/session.h"

#define LOGIN_PACKET_MAX 65536u

enum stage { STAGE_HEADER, STAGE_RESPONSE, STAGE_ACCOUNT, STAGE_FRESH, STAGE_AUTH, STAGE_CHECKING, STAGE_SCHEMA, STAGE_DONE };

struct check; /* the slow hash, on another thread */

struct session_login {
	enum stage stage;
	uint8_t seq;             /* of the next packet out */
	uint8_t nonce[NONCE_LEN];
	uint32_t offered;        /* CAP_... in the greeting, without those that TLS adds */
	uint32_t extensions;     /* MCAP_... likewise */
	struct buf packet;       /* the login's payload: `login` points into it */
	struct login login;
	struct auth_server auth;
	struct account account;  /* a copy: snapshots go */
	bool header_refused;     /* a PROXY header has come from where none may */
	bool known;              /* account is one */
	bool fresh;              /* the accounts were asked for again */
	bool again;              /* the exchange is done a second time */
	bool renewed;            /* the client has not seen this nonce: it must be sent with a switch */
	bool checked_once;       /* the slow check has failed against an account that may be old */
	uint64_t ticket;
	struct check *check;
	char *user_before;       /* COM_CHANGE_USER: who the session is while the new one is being checked */
};

static inline bool login_is_secure(const struct session *s)
{
	return s->unix_socket || s->client.tls;
}

/* login_greeting.c */
bool login_send_greeting(struct session *s); /* false: the client is gone, or there is no memory */

/* login_header.c: what a proxy ahead of wye says of the client, if one does. */
enum step login_on_header(struct session *s);

/* login_refuse.c: each tells the client why, and returns the step that follows. */
bool login_send_error(struct session *s, uint16_t code, const char *sqlstate, const char *text);
enum step login_refuse(struct session *s, uint16_t code, const char *sqlstate, const char *text);
enum step login_refuse_password(struct session *s);
enum step login_refuse_locked(struct session *s);
enum step login_refuse_guesser(struct session *s);
enum step login_refuse_plugin(struct session *s, const char *plugin);
enum step login_refuse_header(struct session *s);
enum step login_refuse_network(struct session *s);
enum step login_refuse_crowd(struct session *s, uint64_t most, bool own);

/* login_account.c: the account and the exchange that proves the client to be its owner; the slow hash. */
enum packet_result login_next_packet(struct session *s, struct packet *p);
enum step login_on_account(struct session *s);
enum step login_on_fresh(struct session *s);
enum step login_on_auth(struct session *s);
enum step login_on_checking(struct session *s);
enum step login_begin_check(struct session *s);
enum step login_ask_for_accounts(struct session *s);
void login_forget_check(struct session_login *l); /* the session goes while the hash is being computed */

/* login.c: what comes of the exchange. */
enum step login_on_auth_result(struct session *s, enum auth_step got);

#endif
