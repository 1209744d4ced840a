/* Query attributes of any bytes: every view lies inside the payload, and the text is what they leave. Input: the number of
 * parameters an EXECUTE is taken to have, then the payload. */
#include <assert.h>

#include "protocol/attributes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct query_attributes a, struct view payload, unsigned expected)
{
	struct query_attribute one;
	unsigned n = 0;
	char text[9];
	for (; query_attribute_next(&a, &one); n++) {
		assert(!one.name.len || (one.name.p >= payload.p && one.name.p + one.name.len <= payload.p + payload.len));
		assert(!one.value.len ||
		       (one.value.p >= payload.p && one.value.p + one.value.len <= payload.p + payload.len));
		if (query_attribute_text(&one, text, sizeof text))
			assert(!one.is_null);
	}
	assert(n <= expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct view payload = {data + 1, size - 1}, sql;
	struct query_attributes a;
	struct stmt_execute e;
	if (query_attributes_parse(payload, &a, &sql)) {
		assert(sql.len <= payload.len && (!sql.len || sql.p + sql.len == payload.p + payload.len));
		walk(a, payload, a.count);
	}
	if (stmt_execute_parse(payload, data[0], CAP_QUERY_ATTRIBUTES, &e)) {
		walk(query_attributes_of(&e), payload, e.params);
		if (e.types_bound)
			assert(stmt_types_cut(e.types, e.params, CAP_QUERY_ATTRIBUTES).len == e.types.len);
	}
	return 0;
}
