/*
 * What clients tell of themselves and of their statements.
 *
 * Connection attributes: connections are shared, so a server sees those that are equal for all who share one. An
 * application's own (program_name and whatever it has set) are part of what a pool is found by; those of its client
 * library, whose names begin with an underscore (a pid, a thread), are wye's own instead.
 *
 * Query attributes of the command in work. Servers get them as they came; those whose names begin with "wye." are hints
 * to wye itself, and are kept while the command runs.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/attributes.h"
#include "protocol/handshake.h"
#include "proxy/session/session.h"

#define PREFIX "wye."
#define TRACEPARENT "traceparent" /* W3C's: it goes into the logs */
#define HINTS_MAX 8u /* of one command; more are not looked at */

#define PASSED_ON_MAX 1024u /* bytes; servers keep 512 unless told otherwise */

static bool is_passed_on(struct view name)
{
	size_t prefix = strlen(PREFIX);
	return name.len && name.p[0] != '_' &&
	       (name.len < prefix || strncasecmp((const char *)name.p, PREFIX, prefix) != 0);
}

void attributes_restore(struct session *s, struct view attributes)
{
	free(s->attributes);
	s->attributes = NULL;
	s->attributes_hash = 0;
	s->attributes_len = attributes.len;
	if (!attributes.len || !(s->attributes = malloc(attributes.len)))
		return;
	memcpy(s->attributes, attributes.p, attributes.len);
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < attributes.len; i++)
		h = (h ^ attributes.p[i]) * 1099511628211u;
	s->attributes_hash = h | 1;
}

void attributes_of_login(struct session *s, struct view attributes)
{
	struct buf out;
	struct view name, value;
	buf_init(&out, PASSED_ON_MAX);
	while (attribute_next(&attributes, &name, &value)) {
		size_t before = buf_len(&out);
		if (is_passed_on(name) && !(write_lenenc_str(&out, name) && write_lenenc_str(&out, value)))
			out.end = out.start + before; /* what does not fit as a whole is left out */
	}
	attributes_restore(s, (struct view){buf_data(&out), buf_len(&out)});
	buf_finish(&out);
}

static void keep(struct run *r, const struct query_attribute *a)
{
	size_t prefix = strlen(PREFIX);
	char trace[64];
	if (a->name.len == strlen(TRACEPARENT) && strncasecmp((const char *)a->name.p, TRACEPARENT, a->name.len) == 0 &&
	    query_attribute_text(a, trace, sizeof trace))
		statement_log_trace(r, trace, strlen(trace));
	if (a->name.len <= prefix || strncasecmp((const char *)a->name.p, PREFIX, prefix) != 0)
		return;
	char value[RUN_HINT_MAX];
	if (r->n_hints == HINTS_MAX || !query_attribute_text(a, value, sizeof value))
		return;
	if (!r->hints)
		r->hints = calloc(HINTS_MAX, sizeof *r->hints);
	if (!r->hints)
		return;
	struct run_hint *hint = &r->hints[r->n_hints++];
	size_t n = a->name.len - prefix;
	snprintf(hint->name, sizeof hint->name, "%.*s", (int)(n < sizeof hint->name ? n : sizeof hint->name),
		 (const char *)a->name.p + prefix);
	memcpy(hint->value, value, sizeof value);
}

bool attributes_of_query(struct session *s, struct view payload, struct view *sql)
{
	*sql = (struct view){payload.p + 1, payload.len - 1};
	if (!(s->caps & CAP_QUERY_ATTRIBUTES))
		return true;
	struct query_attributes all;
	struct query_attribute one;
	if (!query_attributes_parse(payload, &all, sql))
		return false;
	while (query_attribute_next(&all, &one))
		keep(s->run, &one);
	return true;
}

void attributes_of_execute(struct session *s, struct view payload, unsigned params)
{
	struct stmt_execute e;
	if (!(s->caps & CAP_QUERY_ATTRIBUTES) || !stmt_execute_parse(payload, params, s->caps, &e) || e.params == params)
		return;
	struct query_attributes all = query_attributes_of(&e);
	struct query_attribute one;
	for (unsigned i = 0; query_attribute_next(&all, &one); i++)
		if (i >= params)
			keep(s->run, &one);
}
