/*
 * The payloads of prepared statements: finding and replacing the statement's number, and the types of parameters.
 *
 * A client's statement numbers are ours; each backend has its own. The types of the parameters are sent once by the
 * client and remembered by the server with its statement, so a statement prepared anew elsewhere must be told them.
 *
 * A payload is what follows the packet's header: the command byte first. A view of its front is enough where the
 * comment says so; the rest of a long one may still be on its way.
 */
#ifndef WYE_PROTOCOL_STMT_H
#define WYE_PROTOCOL_STMT_H

#include "protocol/constants.h"
#include "protocol/wire.h"

#define STMT_LAST_PREPARED 0xFFFFFFFFu /* MariaDB: the statement prepared last on this connection */

/* Flags of COM_STMT_EXECUTE. */
#define STMT_CURSOR_READ_ONLY 0x01
#define STMT_CURSOR_FOR_UPDATE 0x02
#define STMT_CURSOR_SCROLLABLE 0x04
#define STMT_PARAM_COUNT_AVAILABLE 0x08 /* with CAP_QUERY_ATTRIBUTES: a count of parameters is in the payload */

struct stmt_prepare_ok {
	uint32_t id;
	uint16_t columns, params, warnings;
	bool has_definitions; /* false only with CAP_OPTIONAL_RESULTSET_METADATA: none follow */
};

bool stmt_prepare_ok_parse(struct view payload, uint32_t caps, struct stmt_prepare_ok *out)
	__attribute__((warn_unused_result));

/* The number in EXECUTE, BULK_EXECUTE, FETCH, CLOSE, RESET, SEND_LONG_DATA; the first 5 bytes are enough. */
bool stmt_id(struct view payload, uint32_t *id) __attribute__((warn_unused_result));

/* Replaces it in place, also in the PREPARE_OK of a server (where it is at the same offset). */
bool stmt_set_id(uint8_t *payload, size_t len, uint32_t id) __attribute__((warn_unused_result));

struct stmt_execute {
	uint32_t id;
	uint8_t flags; /* STMT_CURSOR_* */
	uint32_t iterations;
	unsigned params;         /* parameters with values, query attributes among them */
	struct view null_bitmap; /* empty without parameters */
	bool types_bound;        /* new-params-bound: the types are in this payload */
	struct view types;       /* two bytes each (with CAP_QUERY_ATTRIBUTES a name each): empty unless types_bound */
	struct view values;      /* the rest */
};

/* `params` is the count from PREPARE_OK. The front up to the end of the types is enough; false when it is shorter or
 * malformed. */
bool stmt_execute_parse(struct view payload, unsigned params, uint32_t caps, struct stmt_execute *out)
	__attribute__((warn_unused_result));

/* COM_STMT_BULK_EXECUTE of MariaDB: many rows of parameters for one statement. */
#define STMT_BULK_UNIT_RESULTS 0x40 /* one row of result (id, affected rows) for each row of parameters */
#define STMT_BULK_TYPES 0x80        /* the types are in this payload */

struct stmt_bulk {
	uint32_t id;
	uint16_t flags; /* STMT_BULK_* */
	struct view types;
	struct view rows; /* the rest */
};

/* As stmt_execute_parse. */
bool stmt_bulk_parse(struct view payload, unsigned params, struct stmt_bulk *out) __attribute__((warn_unused_result));

/* The types in the front of an EXECUTE or a BULK_EXECUTE, or where they would be: *bound says which. */
struct stmt_types {
	unsigned params;   /* as stmt_execute.params */
	bool bound;
	struct view types; /* empty unless bound */
	size_t at;         /* offset in the payload of the types, or of what stands in their place */
};
bool stmt_types_find(struct view payload, unsigned params, uint32_t caps, struct stmt_types *out)
	__attribute__((warn_unused_result));

/* The first `params` of the types of an EXECUTE, without those of query attributes; empty when there are fewer. */
struct view stmt_types_cut(struct view types, unsigned params, uint32_t caps);

/* Appends the front of the payload up to and with the types, which it did not have (`types` as taken from an earlier
 * payload): what follows *replaced bytes of the payload can be sent unchanged behind it. False when it has them already
 * or no parameters, when it is malformed, when the types do not fit the count, or when the buf is full (nothing is
 * added then). */
bool stmt_front_with_types(struct buf *out, struct view payload, unsigned params, uint32_t caps, struct view types,
			   size_t *replaced) __attribute__((warn_unused_result));

#endif
