/*
 * The numbers of the MySQL client/server protocol that more than one file needs.
 *
 * Sources: dev.mysql.com/doc/dev/mysql-server "Client/Server Protocol"; mariadb.com/kb "Client/Server Protocol".
 * Our names avoid those of mysql.h (CLIENT_*, SERVER_*, COM_*), so that both may be included together.
 */
#ifndef WYE_PROTOCOL_CONSTANTS_H
#define WYE_PROTOCOL_CONSTANTS_H

#include <stdint.h>

#define PACKET_HEADER 4
#define PACKET_MAX_PAYLOAD 0xFFFFFFu /* a payload of this size continues in the next packet */
#define NONCE_LEN 20                 /* the challenge ("scramble") of both native and caching_sha2 */

/* Capability flags, both vendors. */
#define CAP_LONG_PASSWORD (1u << 0) /* MariaDB calls it CLIENT_MYSQL: clear in its greeting = extended flags follow */
#define CAP_FOUND_ROWS (1u << 1)
#define CAP_LONG_FLAG (1u << 2)
#define CAP_CONNECT_WITH_DB (1u << 3)
#define CAP_NO_SCHEMA (1u << 4)
#define CAP_COMPRESS (1u << 5)
#define CAP_ODBC (1u << 6)
#define CAP_LOCAL_FILES (1u << 7)
#define CAP_IGNORE_SPACE (1u << 8)
#define CAP_PROTOCOL_41 (1u << 9)
#define CAP_INTERACTIVE (1u << 10)
#define CAP_SSL (1u << 11)
#define CAP_IGNORE_SIGPIPE (1u << 12)
#define CAP_TRANSACTIONS (1u << 13)
#define CAP_RESERVED (1u << 14)
#define CAP_SECURE_CONNECTION (1u << 15)
#define CAP_MULTI_STATEMENTS (1u << 16)
#define CAP_MULTI_RESULTS (1u << 17)
#define CAP_PS_MULTI_RESULTS (1u << 18)
#define CAP_PLUGIN_AUTH (1u << 19)
#define CAP_CONNECT_ATTRS (1u << 20)
#define CAP_PLUGIN_AUTH_LENENC (1u << 21)
#define CAP_CAN_HANDLE_EXPIRED_PASSWORDS (1u << 22)
#define CAP_SESSION_TRACK (1u << 23)
#define CAP_DEPRECATE_EOF (1u << 24)
#define CAP_OPTIONAL_RESULTSET_METADATA (1u << 25)
#define CAP_ZSTD (1u << 26)
#define CAP_QUERY_ATTRIBUTES (1u << 27)
#define CAP_MULTI_FACTOR (1u << 28)
#define CAP_SSL_VERIFY_SERVER_CERT (1u << 30)
#define CAP_REMEMBER_OPTIONS (1u << 31)

/* MariaDB's extended flags: the last four of the ten reserved bytes. */
#define MCAP_PROGRESS (1u << 0)
#define MCAP_COM_MULTI (1u << 1)
#define MCAP_STMT_BULK (1u << 2)
#define MCAP_EXTENDED_METADATA (1u << 3)
#define MCAP_CACHE_METADATA (1u << 4)
#define MCAP_BULK_UNIT_RESULTS (1u << 5)

/* Status flags of OK and EOF. */
#define STATUS_IN_TRANS (1u << 0)
#define STATUS_AUTOCOMMIT (1u << 1)
#define STATUS_MORE_RESULTS (1u << 3)
#define STATUS_NO_GOOD_INDEX (1u << 4)
#define STATUS_NO_INDEX (1u << 5)
#define STATUS_CURSOR_EXISTS (1u << 6)
#define STATUS_LAST_ROW_SENT (1u << 7)
#define STATUS_DB_DROPPED (1u << 8)
#define STATUS_NO_BACKSLASH_ESCAPES (1u << 9)
#define STATUS_METADATA_CHANGED (1u << 10)
#define STATUS_QUERY_WAS_SLOW (1u << 11)
#define STATUS_PS_OUT_PARAMS (1u << 12)
#define STATUS_IN_TRANS_READONLY (1u << 13)
#define STATUS_SESSION_STATE_CHANGED (1u << 14)
#define STATUS_ANSI_QUOTES (1u << 15) /* MariaDB only */

/* First bytes of a server's packets. */
#define HEADER_OK 0x00
#define HEADER_LOCAL_INFILE 0xFB
#define HEADER_EOF 0xFE
#define HEADER_ERR 0xFF
#define HEADER_AUTH_MORE 0x01
#define HEADER_AUTH_SWITCH 0xFE

/* Commands. */
enum {
	CMD_SLEEP = 0x00,
	CMD_QUIT = 0x01,
	CMD_INIT_DB = 0x02,
	CMD_QUERY = 0x03,
	CMD_FIELD_LIST = 0x04,
	CMD_CREATE_DB = 0x05,
	CMD_DROP_DB = 0x06,
	CMD_REFRESH = 0x07,
	CMD_SHUTDOWN = 0x08,
	CMD_STATISTICS = 0x09,
	CMD_PROCESS_INFO = 0x0A,
	CMD_CONNECT = 0x0B,
	CMD_PROCESS_KILL = 0x0C,
	CMD_DEBUG = 0x0D,
	CMD_PING = 0x0E,
	CMD_TIME = 0x0F,
	CMD_DELAYED_INSERT = 0x10,
	CMD_CHANGE_USER = 0x11,
	CMD_BINLOG_DUMP = 0x12,
	CMD_TABLE_DUMP = 0x13,
	CMD_CONNECT_OUT = 0x14,
	CMD_REGISTER_SLAVE = 0x15,
	CMD_STMT_PREPARE = 0x16,
	CMD_STMT_EXECUTE = 0x17,
	CMD_STMT_SEND_LONG_DATA = 0x18,
	CMD_STMT_CLOSE = 0x19,
	CMD_STMT_RESET = 0x1A,
	CMD_SET_OPTION = 0x1B,
	CMD_STMT_FETCH = 0x1C,
	CMD_DAEMON = 0x1D,
	CMD_BINLOG_DUMP_GTID = 0x1E,
	CMD_RESET_CONNECTION = 0x1F,
	CMD_CLONE = 0x20,
	CMD_SUBSCRIBE_GROUP_REPLICATION = 0x21,
	CMD_STMT_BULK_EXECUTE = 0xFA /* MariaDB */
};

/* Types of entries in a session-state block of an OK packet. */
enum {
	TRACK_SYSTEM_VARIABLES = 0,
	TRACK_SCHEMA = 1,
	TRACK_STATE_CHANGE = 2,
	TRACK_GTIDS = 3,
	TRACK_TRX_CHARACTERISTICS = 4,
	TRACK_TRX_STATE = 5
};

#endif
