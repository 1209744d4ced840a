/*
 * Query attributes of the command in work. Servers get them as they came; those whose names begin with "wye." are hints
 * to wye itself, and are kept while the command runs.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/attributes.h"
#include "proxy/session/session.h"

#define PREFIX "wye."
#define HINTS_MAX 8u /* of one command; more are not looked at */

static void keep(struct run *r, const struct query_attribute *a)
{
	size_t prefix = strlen(PREFIX);
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

const char *run_attribute(const struct run *r, const char *name)
{
	for (unsigned i = 0; i < r->n_hints; i++)
		if (strcasecmp(r->hints[i].name, name) == 0)
			return r->hints[i].value;
	return NULL;
}
