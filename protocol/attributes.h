/*
 * Query attributes of MySQL: named values that a client sends with a statement (CAP_QUERY_ATTRIBUTES).
 *
 * In a COM_QUERY they stand before the text, in a COM_STMT_EXECUTE behind the statement's own parameters and in the same
 * form. Views point into the payload.
 */
#ifndef WYE_PROTOCOL_ATTRIBUTES_H
#define WYE_PROTOCOL_ATTRIBUTES_H

#include "protocol/stmt.h"
#include "protocol/wire.h"

struct query_attribute {
	struct view name;
	uint16_t type;
	bool is_null;
	struct view value; /* as on the wire, without the length of what has one */
};

struct query_attributes {
	unsigned count; /* parameters of the statement among them; these have no name */
	/* Private. */
	unsigned at;
	struct view nulls;
	struct reader types, values;
};

/* Takes a COM_QUERY of a client with the capability apart; the first byte is the command. False when it is malformed. */
bool query_attributes_parse(struct view payload, struct query_attributes *out, struct view *sql)
	__attribute__((warn_unused_result));

/* Those of an EXECUTE that has its types. Parameters whose values were sent as long data must not be among them: where
 * the others begin cannot be known then. */
struct query_attributes query_attributes_of(const struct stmt_execute *e);

/* False at the end, and where the bytes end too soon. */
bool query_attribute_next(struct query_attributes *a, struct query_attribute *out);

/* The value as text, which is cut to the size: strings as they are, whole numbers in digits. False for others and NULL. */
bool query_attribute_text(const struct query_attribute *a, char *out, size_t size);

#endif
