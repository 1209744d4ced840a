/*
 * A session as one string of bytes: what the process that it moves to must know of it.
 *
 * Pure. Numbers are little-endian, texts have their length in front; every length is checked, and what is too long, cut or
 * has something behind it is no record. Only processes with the same SESSION_RECORD_VERSION hand sessions to each other.
 */
#ifndef WYE_PROXY_UPGRADE_SESSION_RECORD_H
#define WYE_PROXY_UPGRADE_SESSION_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

#define SESSION_RECORD_VERSION 1u
#define SESSION_RECORD_MAX (32u << 20) /* bytes; one that would be longer stays where it is */
#define SESSION_STATEMENTS_MAX 65536u

enum session_record_flag {
	SESSION_UNIX_SOCKET = 1,
	SESSION_SKIPS_INIT_CONNECT = 2,
	SESSION_LAST_WAS_OWN = 4,
	SESSION_CALLED = 8,
	SESSION_WROTE = 16,
	SESSION_READS_SEQUENCES = 32,
	SESSION_POSITION_UNKNOWN = 64,
	SESSION_SHOWN_EARLY = 128,
	SESSION_HAS_ERROR = 256,
};

/* As the fields of struct session; views point into the string that was read, or into what is to be written. */
struct session_record {
	uint32_t id, flags, caps, mariadb_caps;
	uint8_t listen_route, compression, compression_level, failed_changes;
	uint16_t status;
	uint32_t watched_ms_ago; /* plus 1; 0: never */
	uint64_t account;        /* in the process that it comes from */
	uint64_t commands, bytes_in, bytes_out;
	uint64_t insert_id, last_rows;
	int64_t last_affected;
	struct view user, peer, attributes;
	struct view want, at_login;     /* state_content() */
	struct view hints, login_hints; /* hints_write() */
	struct view position;           /* of gtid_set_write() */
	uint16_t error_code;
	struct view error_sqlstate, error_text;
	uint32_t next_statement, last_statement;
	struct view statements;         /* of session_record_statement() */
};

struct session_record_statement {
	uint32_t id;
	bool local, data_lost;
	uint16_t params, columns;
	uint64_t types_hash;
	struct view state, sql, types;
};

bool session_record_write(const struct session_record *r, struct buf *out) __attribute__((warn_unused_result));
bool session_record_add_statement(const struct session_record_statement *s, struct buf *out)
	__attribute__((warn_unused_result));

bool session_record_read(struct view bytes, struct session_record *r) __attribute__((warn_unused_result));
/* The next of r->statements, which is moved behind it; false at the end. */
bool session_record_next_statement(struct view *rest, struct session_record_statement *s);

#endif
