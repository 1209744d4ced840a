#include "router/statement.h"

#include <string.h>
#include <strings.h>

bool view_is(struct view v, const char *word)
{
	return v.len && strlen(word) == v.len && strncasecmp((const char *)v.p, word, v.len) == 0;
}

static bool is_server_schema(struct view name)
{
	switch (name.len) {
	case sizeof "sys" - 1:
		return view_is(name, "sys");
	case sizeof "mysql" - 1:
		return view_is(name, "mysql");
	case sizeof "performance_schema" - 1:
		return view_is(name, "performance_schema") || view_is(name, "information_schema");
	default:
		return false;
	}
}

_Static_assert(sizeof "performance_schema" == sizeof "information_schema", "both are looked for under one length");

static unsigned names_to_watch(const struct context *c)
{
	unsigned watch = 0;
	if (c->temp_tables)
		watch |= WATCH_TEMPORARY;
	if (c->catalog && c->catalog->relation)
		watch |= WATCH_RELATIONS;
	if (is_server_schema(c->schema))
		watch |= WATCH_SERVER_SCHEMA;
	return watch;
}

void statement_init(struct statement *s, struct view sql, const struct dialect *dialect,
                    const struct context *context, struct classify_scratch *scratch,
                    struct classification *out)
{
	s->dialect = dialect;
	s->context = context;
	s->scratch = scratch;
	s->out = out;
	s->at = 0;
	s->watch = names_to_watch(context);
	scratch->names_len = 0;
	for (unsigned i = 0; i < RING; i++)
		s->ring[i] = (struct token){.kind = TOKEN_END};
	lexer_init(&s->lexer, sql, dialect);
	s->lexer.hints = &out->hints;
	digest_init(&s->digest, scratch->text, scratch->text_capacity);
	advance(s);
}

void statement_begin(struct statement *s)
{
	s->seen = 0;
	s->route = ROUTE_PRIMARY;
	s->reason = REASON_UNKNOWN_STATEMENT;
	s->flags = s->pins_added = s->pins_released = 0;
	s->depth = 0;
	s->cte_depths = s->from_depths = 0;
	s->watch &= ~(WATCH_ASSIGNED | WATCH_MADE);
	/* What stands before the statement must not be taken for a part of it. */
	for (unsigned i = 1; i < RING; i++)
		s->ring[(s->at - i) % RING].kind = TOKEN_END;
}

bool accept_keyword(struct statement *s, enum keyword keyword)
{
	if (keyword_at(s) != keyword)
		return false;
	advance(s);
	return true;
}

bool accept_kind(struct statement *s, int kind)
{
	if (current(s)->kind != kind)
		return false;
	advance(s);
	return true;
}

void statement_skip(struct statement *s)
{
	while (!at_end(s))
		advance(s);
}

/* Names. */

struct view statement_keep(struct statement *s, struct view v, bool to_lower)
{
	struct classify_scratch *scratch = s->scratch;
	if (v.len > CLASSIFY_NAMES_MAX - scratch->names_len)
		return (struct view){NULL, 0};
	uint8_t *to = scratch->names + scratch->names_len;
	for (size_t i = 0; i < v.len; i++)
		to[i] = to_lower && v.p[i] >= 'A' && v.p[i] <= 'Z' ? (uint8_t)(v.p[i] | 0x20) : v.p[i];
	scratch->names_len += v.len;
	return (struct view){to, v.len};
}

/* The token as a name, decoded where it has to be. */
static struct view name_of(struct statement *s, const struct token *t)
{
	struct view inside = token_inside(t);
	if (t->kind == TOKEN_WORD || !t->escaped)
		return inside;
	struct classify_scratch *scratch = s->scratch;
	if (inside.len > CLASSIFY_NAMES_MAX - scratch->names_len)
		return (struct view){NULL, 0};
	uint8_t *to = scratch->names + scratch->names_len;
	size_t n = token_decode(t, s->dialect, to);
	scratch->names_len += n;
	return (struct view){to, n};
}

struct view statement_name(struct statement *s)
{
	const struct token *t = current(s);
	if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED && t->kind != TOKEN_STRING &&
	    t->kind != TOKEN_USER_VAR)
		return (struct view){NULL, 0};
	return name_of(s, t);
}

struct view statement_variable(struct statement *s, const struct token *t)
{
	return name_of(s, t);
}

bool statement_table_name(struct statement *s, struct view *schema, struct view *name)
{
	*schema = (struct view){NULL, 0};
	int kind = current(s)->kind;
	if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
		return false;
	*name = statement_name(s);
	advance(s);
	if (!accept_kind(s, '.'))
		return name->len > 0;
	*schema = *name;
	*name = statement_name(s);
	advance(s);
	return name->len > 0;
}

bool is_temporary(const struct statement *s, struct view name)
{
	const struct context *c = s->context;
	if (!c->temp_tables || !c->n_temp_names)
		return c->temp_tables;
	for (unsigned i = 0; i < c->n_temp_names; i++)
		if (c->temp_names[i].len == name.len && name.len &&
		    strncasecmp((const char *)c->temp_names[i].p, (const char *)name.p, name.len) == 0)
			return true;
	return false;
}

struct effect *statement_effect(struct statement *s, enum effect_kind kind, struct view name)
{
	struct classification *out = s->out;
	if (out->n_effects >= CLASSIFY_EFFECTS_MAX || (out->flags & CLASS_MANY_EFFECTS)) {
		out->flags |= CLASS_MANY_EFFECTS;
		return &out->effects[CLASSIFY_EFFECTS_MAX - 1]; /* none will be counted */
	}
	struct effect *e = &out->effects[out->n_effects++];
	*e = (struct effect){.kind = kind, .name = name};
	return e;
}

void statement_assigns(struct statement *s, struct view name)
{
	const struct classification *out = s->out;
	s->seen |= SEEN_ASSIGNMENT;
	for (unsigned i = 0; i < out->n_effects; i++)
		if (out->effects[i].kind == EFFECT_USER_READ_BACK && view_equal(out->effects[i].name, name))
			return;
	statement_effect(s, EFFECT_USER_READ_BACK, name);
}

/* Verdicts. */

void statement_decide(struct statement *s, enum route route, enum reason reason, uint32_t flags)
{
	s->route = route;
	s->reason = reason;
	s->flags |= flags;
}

/* The first that was seen decides. */
static const struct {
	uint32_t seen;
	enum route route;
	enum reason reason;
	uint32_t flags;
} verdicts[] = {
    {SEEN_ASSIGNMENT | SEEN_USER_VARIABLE, ROUTE_PIN, REASON_USER_VARIABLE, 0},
    {SEEN_GET_LOCK | SEEN_USER_LOCK | SEEN_RELEASE_ALL_LOCKS, ROUTE_PIN, REASON_USER_LOCK, 0},
    {SEEN_TEMPORARY, ROUTE_PIN, REASON_TEMPORARY_TABLE, 0},
    {SEEN_WRITE, ROUTE_PRIMARY, REASON_WRITE, CLASS_WRITES},
    {SEEN_LOCKING_READ, ROUTE_PRIMARY, REASON_LOCKING_READ, 0},
    {SEEN_FILE, ROUTE_PRIMARY, REASON_INTO_FILE, 0},
    {SEEN_SEQUENCE, ROUTE_PRIMARY, REASON_SEQUENCE, CLASS_WRITES},
    {SEEN_LASTVAL, ROUTE_PIN, REASON_SEQUENCE, 0},
    {SEEN_WRITING_VIEW, ROUTE_PRIMARY, REASON_WRITING_VIEW, CLASS_WRITES | CLASS_CALLS},
    {SEEN_UNKNOWN_VIEW, ROUTE_PRIMARY, REASON_UNKNOWN_VIEW, CLASS_WRITES | CLASS_CALLS},
    {SEEN_UNKNOWN_FUNCTION, ROUTE_PRIMARY, REASON_UNKNOWN_FUNCTION, CLASS_WRITES | CLASS_CALLS},
    {SEEN_LAST_INSERT_ID | SEEN_SETS_LAST_INSERT_ID, ROUTE_PIN, REASON_LAST_INSERT_ID, 0},
    {SEEN_FOUND_ROWS | SEEN_CALC_FOUND_ROWS, ROUTE_PIN, REASON_FOUND_ROWS, CLASS_ANY_SERVER},
    {SEEN_WARNINGS, ROUTE_PIN, REASON_WARNINGS, CLASS_ANY_SERVER},
    {SEEN_SERVER, ROUTE_PRIMARY, REASON_SERVER_SPECIFIC, 0},
    {SEEN_CONNECTION, ROUTE_PIN, REASON_SESSION_STATUS, CLASS_ANY_SERVER},
    {SEEN_CONNECTION_ID, ROUTE_PIN, REASON_CONNECTION_ID, 0},
    {0, ROUTE_REPLICA, REASON_READ, 0},
};

void statement_decide_read(struct statement *s)
{
	unsigned i = sizeof verdicts / sizeof *verdicts - 1;
	uint32_t seen = s->seen;
	const struct context *c = s->context;
	if (c->carried && !(c->pins & PIN_USER_VARIABLE) &&
	    !(c->hidden_user_variables && (seen & SEEN_HIDDEN_VARIABLE)))
		seen &= ~SEEN_USER_VARIABLE;
	seen &= ~(SEEN_HIDDEN_VARIABLE | SEEN_COUNTERS);
	if (seen & ~SEEN_TABLE)
		i = 0;
	while (verdicts[i].seen && !(seen & verdicts[i].seen))
		i++;
	statement_decide(s, verdicts[i].route, verdicts[i].reason,
			 verdicts[i].flags & (seen & SEEN_SERVER ? ~CLASS_ANY_SERVER : ~0u));
}
