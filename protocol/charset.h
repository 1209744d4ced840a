/*
 * Collation ids and the character sets they stand for, of both vendors.
 *
 * A client names one byte of collation id in its login. Servers that do not know an id use their own default instead, so
 * an id is never passed on blindly: look it up here, choose with charset_session_collation() what the server gets.
 */
#ifndef WYE_PROTOCOL_CHARSET_H
#define WYE_PROTOCOL_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

struct charset {
	const char *name;
	uint8_t default_collation; /* id; where the vendors differ (utf8mb4), one that all servers know */
	uint8_t max_bytes;         /* of a character */
	bool backslash_trails;     /* 0x5C may be the last byte of a character: gbk, sjis, cp932, big5, gb18030 */
	bool client_usable;        /* false for ucs2, utf16, utf16le, utf32 */
};

struct collation {
	uint16_t id;
	const char *name;
	const struct charset *charset;
	uint8_t vendors; /* COLLATION_MYSQL, COLLATION_MARIADB */
	unsigned mysql_since, mariadb_since; /* first version_number that knows it; 0: all */
};
#define COLLATION_MYSQL 1
#define COLLATION_MARIADB 2

/* NULL when unknown. */
const struct collation *collation_by_id(unsigned id);
const struct collation *collation_by_name(struct view name); /* any case; utf8_* means utf8mb3_* */
const struct charset *charset_by_collation_id(unsigned id);
const struct charset *charset_by_name(struct view name); /* any case; utf8 is utf8mb3 */

/* Whether a server of this flavour and version knows the collation. */
bool collation_is_known_to(const struct collation *c, bool mariadb, unsigned version_number);

/* The collation a session gets on such a server when its client named this id: the same one where the server knows it,
 * else that character set's default there (255 on MariaDB 10: utf8mb4_general_ci), else NULL: the server's own default
 * (id 0, unknown ids, character sets that no client may use). */
const struct collation *charset_session_collation(unsigned id, bool mariadb, unsigned version_number);

#endif
