/*
 * The walker: finds the end of the answer to one command while the bytes pass by.
 *
 * It reads packet headers and the few bytes that tell OK, EOF and ERR apart; rows and definitions are never looked at.
 * It keeps no bytes and allocates nothing: what it could not use yet must be given again, with more behind it. Where
 * the bytes are cut makes no difference to what it reports, except how the passed bytes are divided.
 *
 *	reply_begin(&r, CMD_QUERY, caps, mariadb_caps);
 *	for (;;) {
 *		switch (reply_walk(&r, data, len, &n)) {
 *		case REPLY_PARTIAL: return;           read more, come again with what is left and what came
 *		case REPLY_PASS:    relay n bytes     then go on behind them
 *		case REPLY_PACKET:  look at r.kind    relay the n bytes, or others in their place; go on behind them
 *		case REPLY_DONE:    the answer is over; what is left belongs to the next command
 *		case REPLY_BAD:     close the connection
 *		}
 *	}
 *
 * One struct reply per command: of commands sent in one write each has its own answer. `caps` are the capabilities in
 * effect on the connection that the bytes come from (what both sides have), not those that one side offers.
 */
#ifndef WYE_PROTOCOL_REPLY_H
#define WYE_PROTOCOL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/command.h"

/* The most a packet that is looked at may hold (an OK with trackers, an ERR): above it the answer is BAD. */
#define REPLY_CONTROL_MAX (1u << 20)

enum reply_result {
	REPLY_PARTIAL, /* more bytes are needed, *n = 0 */
	REPLY_PASS,    /* the next *n bytes belong to the answer and need no look; may end anywhere inside a packet */
	REPLY_PACKET,  /* a whole packet of *n bytes (header included) is at the front: see kind; the walker is past it */
	REPLY_DONE,    /* the answer ended with what was reported last, *n = 0 */
	REPLY_BAD      /* not the protocol, *n = 0; and so on every later call */
};

enum reply_kind {
	REPLY_NONE,         /* no packet was reported yet */
	REPLY_OK,           /* status, affected, insert_id, warnings */
	REPLY_ERR,          /* error, sqlstate; no status: what a transaction has become is unknown. Ends the answer */
	REPLY_EOF,          /* status, warnings; plain EOF, after definitions or (after_definitions not set) after rows */
	REPLY_END,          /* OK with header FE, in the place of an EOF after rows: as REPLY_OK */
	REPLY_COLUMN_COUNT, /* columns, has_definitions: a result set begins */
	REPLY_LOCAL_INFILE, /* FB and the file's name: the client sends the file now, see reply_local_sent() */
	REPLY_PREPARE_OK,   /* statement_id, columns, params, warnings, has_definitions */
	REPLY_PROGRESS,     /* MariaDB's progress report: the answer is still to come */
	REPLY_STRING,       /* the bare text of COM_STATISTICS */
	REPLY_AUTH          /* COM_CHANGE_USER: auth switch or more data; the answer to it is due, then reply_local_sent() */
};

enum reply_state {
	REPLY_AT_FIRST,       /* the first packet of the answer, or of the next result in it */
	REPLY_AT_PARAMS,      /* definitions of a prepared statement's parameters */
	REPLY_AT_PARAMS_EOF,
	REPLY_AT_COLUMNS,     /* definitions of columns */
	REPLY_AT_COLUMNS_EOF,
	REPLY_AT_ROWS,        /* rows, or anything else up to an EOF */
	REPLY_AT_CLIENT,      /* it is the client's turn: a file, a password */
	REPLY_AT_END,
	REPLY_AT_NOWHERE      /* it was not the protocol */
};

struct reply {
	/* The packet reported last; what its kind does not have is zero, except what describes a result set or a
	 * statement: columns, has_definitions, params and statement_id stay until the next such packet. */
	enum reply_kind kind;
	bool has_status;        /* status below is the server's word */
	bool more;              /* MORE_RESULTS is set: another result follows the one this packet belongs to */
	bool after_definitions; /* an EOF between definitions and rows (or of a PREPARE) */
	bool has_definitions;   /* false: the peer keeps them from PREPARE, none are sent */
	uint16_t status, warnings;
	uint16_t error;
	char sqlstate[6];
	uint32_t columns;
	uint16_t params;
	uint8_t seq; /* number of the last packet seen, also of rows */
	uint8_t command;
	uint64_t affected, insert_id;
	uint32_t statement_id;

	/* Of the whole answer so far. */
	uint32_t results; /* result sets begun */
	uint64_t rows_before; /* of the last result set */
	uint64_t rows;    /* rows begun, of all result sets (and the definitions of COM_FIELD_LIST) */
	uint64_t bytes;   /* reported by PASS and PACKET */

	/* Private. */
	enum reply_state state;
	uint32_t caps, mariadb_caps;
	uint32_t left;        /* bytes of the current packet that are still to pass */
	uint32_t definitions; /* packets of the current block of definitions still to come */
	bool continues;       /* the packet being passed has 0xFFFFFF bytes: the next one belongs to it */
	bool seq_known;       /* false: the next packet's number is taken as it is */
	bool repair;          /* numbers are put right */
};

/* The first packet may have any number (it is the command's number of packets); later ones run on from it, and a jump
 * is BAD. A command that has no answer is DONE at once. */
void reply_begin(struct reply *r, uint8_t command, uint32_t caps, uint32_t mariadb_caps);

/* Call it until PARTIAL, DONE or BAD, also with no bytes left: an answer may end with passed bytes. */
enum reply_result reply_walk(struct reply *r, const uint8_t *data, size_t len, size_t *n);

/* After REPLY_LOCAL_INFILE (or REPLY_AUTH) the walker says PARTIAL until it is told that the client's last packet has
 * been sent; the server's next one may have any number. */
void reply_local_sent(struct reply *r);

/* Over the compressed protocol servers number their packets by those of the compression, with jumps between results. From
 * here on the walker puts the numbers right in the bytes it is given, which must be writable: they run on from `last`,
 * the number of the client's last packet (0 for a command of one). To be called again after the client's turn. */
void reply_repair_numbers(struct reply *r, uint8_t last);

/* Nothing of the answer is still to come: the next call of reply_walk would say DONE. */
static inline bool reply_is_done(const struct reply *r)
{
	return r->state == REPLY_AT_END && !r->left && !r->continues;
}

#endif
