/*
 * The packets of the connection phase in both roles: greeting, TLS request, login, authentication switch, more
 * authentication data, and COM_CHANGE_USER, which is a login within a connection.
 *
 * Parsers take a payload (no packet header) and answer PACKET_OK or PACKET_BAD; the views they give point into that
 * payload. Writers append one whole packet to a buf and move *seq on; they answer false, and add nothing, when the
 * buf is full. Which authentication follows is auth.h's business.
 */
#ifndef WYE_PROTOCOL_HANDSHAKE_H
#define WYE_PROTOCOL_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/buf.h"
#include "protocol/constants.h"
#include "protocol/packet.h"
#include "protocol/wire.h"

#define PLUGIN_NATIVE "mysql_native_password"
#define PLUGIN_SHA2 "caching_sha2_password"
#define PLUGIN_SHA256 "sha256_password"
#define PLUGIN_ED25519 "client_ed25519" /* of the client; the account's is called ed25519 */

struct greeting {
	uint8_t protocol;  /* 10 */
	char version[128]; /* as sent, with MariaDB's 5.5.5- if it was there; cut when longer */
	uint32_t connection_id;
	uint8_t nonce[NONCE_LEN];
	uint32_t caps;
	uint32_t mariadb_caps; /* 0 unless CAP_LONG_PASSWORD is clear in caps */
	uint8_t collation;     /* of no use on MariaDB 11 and later: ids above 255 do not fit */
	uint16_t status;
	char plugin[64];
	/* Derived by the parser; the writer does not look at them. */
	bool is_mariadb;
	unsigned version_number; /* 90704, 101119 */
};

/* BAD for anything but protocol 10. An ERR in place of a greeting begins with 0xFF: the caller looks for it first
 * (it has no sqlstate, whatever the server). A nonce of another plugin than ours may be longer: its first 20 bytes. */
enum packet_result greeting_parse(struct view payload, struct greeting *out);
bool greeting_write(struct buf *b, uint8_t *seq, const struct greeting *g) __attribute__((warn_unused_result));

/* 80036 of "8.0.36-log", 101119 of "5.5.5-10.11.19-MariaDB"; 0 when there is no number. */
unsigned version_number_of(const char *version);
bool version_is_mariadb(const char *version);

/* A login, an SSL request (the first 32 bytes of a login) or a COM_CHANGE_USER. */
struct login {
	uint32_t caps;         /* what holds: the client's flags AND the offered ones */
	uint32_t client_caps;  /* the client's flags as sent (the parser sets it, the writer does not look) */
	uint32_t mariadb_caps; /* as sent, 0 when bit 0 of either side is set; AND it with the greeting's */
	uint32_t max_packet;
	uint16_t collation; /* one byte in a login, two in a COM_CHANGE_USER; 0: none was named */
	struct view user, auth, schema, plugin;
	struct view attributes; /* for attribute_next() */
	uint8_t zstd_level;
	bool ssl_request; /* only caps, mariadb_caps, max_packet and collation are there */
};

/* A login or an SSL request. Clients do not mask their flags by the greeting's, so the fields that follow are found by
 * the client's own flags; offer PLUGIN_AUTH, PLUGIN_AUTH_LENENC, CONNECT_WITH_DB and CONNECT_ATTRS always, since the C
 * clients of both vendors leave fields out when they were not offered, and keep the flag. BAD for clients older than
 * protocol 4.1, and for an SSL request that was not offered. What lies behind an SSL request in the same read is TLS
 * already (PHP sends both at once); after it the client's login comes once more, whole, inside TLS. */
enum packet_result login_parse(struct view payload, uint32_t offered_caps, struct login *out);

/* For the client role. l->caps says which fields are written; mariadb_caps only when CAP_LONG_PASSWORD is clear.
 * The SSL request uses the same login, before the TLS handshake; CAP_SSL is added to it (not to the login: keep it
 * in l->caps yourself). */
bool login_write(struct buf *b, uint8_t *seq, const struct login *l) __attribute__((warn_unused_result));
bool ssl_request_write(struct buf *b, uint8_t *seq, const struct login *l) __attribute__((warn_unused_result));

/* "Use this plugin instead, with this nonce." A nonce of NONCE_LEN goes out with a NUL after it, as clients demand; it
 * comes back without. The old form of one byte gives "mysql_old_password" and an empty nonce. */
bool auth_switch_write(struct buf *b, uint8_t *seq, const char *plugin, struct view nonce)
	__attribute__((warn_unused_result));
enum packet_result auth_switch_parse(struct view payload, struct view *plugin, struct view *nonce);

/* 0x01 and the plugin's data. */
bool auth_more_write(struct buf *b, uint8_t *seq, const void *data, size_t len) __attribute__((warn_unused_result));

/* The payload with its command byte. caps are those in force on the connection. */
enum packet_result change_user_parse(struct view payload, uint32_t caps, struct login *out);
bool change_user_write(struct buf *b, uint8_t *seq, const struct login *l) __attribute__((warn_unused_result));

/* Connection attributes one by one: true and the next pair, taken from the front of *rest; false at the end, or when
 * the rest is malformed (then *rest is not empty). */
bool attribute_next(struct view *rest, struct view *name, struct view *value);

#endif
