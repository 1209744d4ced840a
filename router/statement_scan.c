/* What may stand in any statement: expressions, subqueries, calls, variables, and what they mean for the
 * route. */
#include "router/statement.h"

#include "router/lexer_short.h"
#include "router/plain_list.h"
#include "router/quiet_tokens.h"
#include "router/relations.h"
#include "router/sql_mode.h"
#include "router/variables.h"

/* Out of line everywhere else; the loop below is where the time goes. */
static inline __attribute__((always_inline)) void advance_here(struct statement *s)
{
	struct token *t = &s->ring[++s->at % RING];
	lexer_next_short(&s->lexer, t);
	digest_add(&s->digest, t);
}

void advance(struct statement *s)
{
	advance_here(s);
}

/* Table names of the servers' own schemas and what is known of others, where names have to be looked at. */
static void note_read(struct statement *s, enum variable_read read)
{
	static const uint32_t seen[] = {
	    [READ_ANYWHERE] = 0,
	    [READ_SERVER] = SEEN_SERVER,
	    [READ_DIFFERS] = SEEN_DIFFERS,
	    [READ_CONNECTION] = SEEN_CONNECTION,
	    [READ_COUNTERS] = SEEN_SERVER | SEEN_COUNTERS,
	    [READ_STATUS] = SEEN_CONNECTION | SEEN_COUNTERS,
	    [READ_WARNINGS] = SEEN_WARNINGS,
	    [READ_LAST_INSERT_ID] = SEEN_LAST_INSERT_ID,
	    [READ_CONNECTION_ID] = SEEN_CONNECTION_ID,
	};
	s->seen |= seen[read];
}

/* From 11.2 on MariaDB lists the session's temporary tables there. */
static void note_information_schema(struct statement *s)
{
	if (s->context->temp_tables && s->dialect->flavor == FLAVOR_MARIADB)
		s->seen |= SEEN_TEMPORARY;
}

/* There a table's name stands, and no column's. */
static bool follows_from(const struct token *before)
{
	struct view v = {before->p, before->len};
	return before->kind == TOKEN_WORD && (view_is(v, "FROM") || view_is(v, "JOIN") ||
	                                      view_is(v, "STRAIGHT_JOIN") || view_is(v, "TABLE"));
}

static void watch_name(struct statement *s)
{
	struct view name = token_inside(current(s));
	struct view schema = s->context->schema;
	bool qualified = behind(s, 1)->kind == '.';
	if ((s->watch & WATCH_TEMPORARY) && s->context->n_temp_names && is_temporary(s, name))
		s->seen |= SEEN_TEMPORARY;
	if (!qualified && (s->watch & WATCH_SERVER_SCHEMA)) {
		const struct word *w = word_of(schema.p, schema.len);
		/* Everything in performance_schema and sys is of one server; there a column's name does no
		 * harm. */
		if (w && (w->keyword == KW_INFORMATION_SCHEMA || w->keyword == KW_MYSQL ||
		          (s->seen & SEEN_TABLE))) {
			note_information_schema(s);
			note_read(s, relation_read((enum keyword)w->keyword, name));
		}
	}
	if (s->watch & WATCH_RELATIONS) {
		struct view of = qualified ? token_inside(behind(s, 2)) : schema;
		enum object_access access = s->context->catalog->relation(s->context->catalog, of, name);
		if (access == OBJECT_WRITES)
			s->seen |= SEEN_WRITING_VIEW;
		else if (access == OBJECT_DOUBTED && follows_from(behind(s, qualified ? 3 : 1)))
			s->seen |= SEEN_UNKNOWN_VIEW;
	}
}

void statement_touches_table(struct statement *s)
{
	s->seen |= SEEN_TABLE;
	if (s->context->temp_tables && !s->context->n_temp_names)
		s->seen |= SEEN_TEMPORARY;
}

/* At a '.': schema.table of the servers' own, and the sequences of sql_mode ORACLE. */
static void on_dot(struct statement *s)
{
	const struct token *before = behind(s, 1);
	const struct word *w = before->word;
	enum keyword schema = w ? (enum keyword)w->keyword : KW_OTHER;
	advance(s);
	const struct token *t = current(s);
	if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED)
		return;
	switch (schema) {
	case KW_INFORMATION_SCHEMA:
		note_information_schema(s);
		note_read(s, relation_read(schema, token_inside(t)));
		break;
	case KW_PERFORMANCE_SCHEMA:
	case KW_MYSQL:
	case KW_SYS:
		note_read(s, relation_read(schema, token_inside(t)));
		break;
	default:
		break;
	}
	if (s->dialect->flavor == FLAVOR_MARIADB && (s->dialect->sql_mode & MODE_ORACLE) && t->word) {
		if (t->word->keyword == KW_NEXTVAL)
			s->seen |= SEEN_SEQUENCE;
		if (t->word->keyword == KW_CURRVAL)
			s->seen |= SEEN_LASTVAL;
	}
}

/* At '@@'. */
static void system_variable(struct statement *s)
{
	advance(s);
	struct view name = token_inside(current(s));
	int kind = current(s)->kind;
	if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
		return;
	advance(s);
	if (current(s)->kind == '.') {
		advance(s);
		if (view_is(name, "global") || view_is(name, "session") || view_is(name, "local")) {
			s->seen |= view_is(name, "global") ? SEEN_DIFFERS : 0;
			name = token_inside(current(s));
		}
		kind = current(s)->kind;
		if (kind == TOKEN_WORD || kind == TOKEN_QUOTED)
			advance(s);
	}
	note_read(s, variable_find(name)->read);
}

static void function_call(struct statement *s, enum function_class class)
{
	switch (class) {
	case FUNCTION_UNKNOWN:
	case FUNCTION_HARMLESS:
		break;
	case FUNCTION_GET_LOCK:
		s->seen |= SEEN_GET_LOCK; /* its name stands behind the parenthesis, for the caller */
		break;
	case FUNCTION_USER_LOCK:
		s->seen |= SEEN_USER_LOCK;
		statement_effect(s, EFFECT_USER_UNLOCK, (struct view){NULL, 0});
		break;
	case FUNCTION_RELEASE_ALL_LOCKS:
		s->seen |= SEEN_RELEASE_ALL_LOCKS;
		break;
	case FUNCTION_LAST_INSERT_ID:
		/* With an argument it also sets what the next one reads; the caller looks behind the
		 * parenthesis. */
		s->seen |= SEEN_LAST_INSERT_ID;
		break;
	case FUNCTION_FOUND_ROWS:
		s->out->reads_found_rows = true;
		s->seen |= SEEN_FOUND_ROWS;
		break;
	case FUNCTION_LAST_STATEMENT:
		s->seen |= SEEN_FOUND_ROWS;
		break;
	case FUNCTION_CONNECTION_ID:
		s->seen |= SEEN_CONNECTION_ID;
		break;
	case FUNCTION_CONNECTION:
		s->seen |= SEEN_CONNECTION;
		break;
	case FUNCTION_SERVER:
		s->seen |= SEEN_SERVER;
		break;
	case FUNCTION_SEQUENCE:
		s->seen |= SEEN_SEQUENCE;
		break;
	case FUNCTION_LASTVAL:
		s->seen |= SEEN_LASTVAL;
		break;
	}
}

static void unknown_call(struct statement *s, struct view schema, struct view name)
{
	const struct catalog *c = s->context->catalog;
	if (!schema.len)
		schema = s->context->schema;
	if (s->context->temp_tables)
		s->seen |= SEEN_TEMPORARY; /* its body may name them */
	enum object_access access = c && c->function ? c->function(c, schema, name) : OBJECT_UNKNOWN;
	if (access == OBJECT_WRITES)
		s->seen |= SEEN_WRITING_VIEW;
	else if (access == OBJECT_UNKNOWN)
		s->seen |= SEEN_UNKNOWN_FUNCTION;
	s->out->runs_routine |= access != OBJECT_READS;
	s->out->calls_reader |= access == OBJECT_READS;
}

/* Words of the grammar that are not reserved and may stand before a parenthesis that is no call. */
static bool is_syntax(const struct word *w)
{
	switch (w->keyword) {
	case KW_AGAINST:
	case KW_ANY:
	case KW_SOME:
	case KW_ROLLUP:
	case KW_BERNOULLI:
	case KW_SQL_CACHE:
	case KW_SQL_NO_CACHE:
	case KW_SQL_BUFFER_RESULT:
	case KW_VALUE:
	case KW_OFFSET:
		return true;
	default:
		return false;
	}
}

/* True when what stands before a name shows that it cannot be called: an alias with its columns, a type. */
static bool stands_as_alias(const struct token *before)
{
	switch (before->kind) {
	case TOKEN_NUMBER:
	case TOKEN_STRING:
	case TOKEN_QUOTED:
	case ')':
		return true;
	case TOKEN_WORD:
		return before->word &&
		       (before->word->keyword == KW_AS || before->word->keyword == KW_PROCEDURE);
	default:
		return false;
	}
}

/* Types that are no function, behind the name of a column: JSON_TABLE(... COLUMNS (a DATETIME(6) PATH ...)); the
 * first two also as the second argument of CONVERT(). */
static bool stands_as_type(const struct token *f, const struct token *before)
{
	static const char *const types[] = {"DATETIME", "NCHAR",    "TEXT",  "BIT",
	                                    "FIXED",    "NVARCHAR", "VECTOR"};
	size_t n = before->kind == ','                           ? 2
	           : before->kind == TOKEN_WORD && !before->word ? sizeof types / sizeof *types
	                                                         : 0;
	for (size_t i = 0; i < n; i++)
		if (view_is((struct view){f->p, f->len}, types[i]))
			return true;
	return false;
}

/* The built-in function the token means when a parenthesis follows it; FUNCTION_UNKNOWN for none. */
static enum function_class built_in(const struct statement *s, const struct token *f, bool space_behind)
{
	const struct word *w = f->word;
	enum flavor flavor = s->dialect->flavor;
	if (!w || !w->class[flavor] || s->dialect->version < w->since[flavor])
		return FUNCTION_UNKNOWN;
	enum function_form form = (enum function_form)w->form[flavor];
	if (f->kind == TOKEN_QUOTED && form != FORM_NATIVE)
		return FUNCTION_UNKNOWN;
	if (form == FORM_ADJACENT && space_behind && !(s->dialect->sql_mode & MODE_IGNORE_SPACE))
		return FUNCTION_UNKNOWN;
	return (enum function_class)w->class[flavor];
}

/* FROM has another meaning in the arguments of these. */
static bool takes_from(const struct token *f)
{
	static const char *const names[] = {"EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (view_is((struct view){f->p, f->len}, names[i]))
			return true;
	return false;
}

static void push(struct statement *s, bool cte, bool other_from)
{
	s->depth++;
	if (s->depth >= 64)
		return;
	uint64_t bit = (uint64_t)1 << s->depth;
	s->cte_depths = cte ? s->cte_depths | bit : s->cte_depths & ~bit;
	s->from_depths = other_from ? s->from_depths | bit : s->from_depths & ~bit;
}

static bool holds(uint64_t depths, unsigned depth)
{
	return depth < 64 && (depths >> depth & 1);
}

/* At the first argument of GET_LOCK. */
static void lock_name(struct statement *s)
{
	struct view name = {NULL, 0};
	if (current(s)->kind == TOKEN_STRING) {
		name = statement_name(s);
		advance(s);
		if (current(s)->kind != ',')
			name.len = 0;
	}
	statement_effect(s, EFFECT_USER_LOCK, name);
}

/* At '(': what stands before it may be a function. */
static void on_open(struct statement *s)
{
	const struct token *f = behind(s, 1), *before = behind(s, 2);
	bool space_behind = current(s)->space_before;
	bool other_from = false;
	enum function_class class = FUNCTION_UNKNOWN;
	if (f->kind == TOKEN_WORD || f->kind == TOKEN_QUOTED) {
		struct view name = token_inside(f);
		if (before->kind == '.') {
			unknown_call(s, token_inside(behind(s, 3)), name);
		} else if ((class = built_in(s, f, space_behind)) != FUNCTION_UNKNOWN) {
			function_call(s, class);
			other_from = class == FUNCTION_HARMLESS && takes_from(f);
		} else {
			unsigned reserved =
			    s->dialect->flavor == FLAVOR_MARIADB ? RESERVED_MARIADB : RESERVED_MYSQL;
			bool grammar = f->kind == TOKEN_WORD && f->word &&
			               ((f->word->reserved & reserved) || is_syntax(f->word));
			if (!grammar && !stands_as_alias(before) && !stands_as_type(f, before))
				unknown_call(s, (struct view){NULL, 0}, name);
		}
	}
	push(s, false, other_from);
	advance(s);
	if (class == FUNCTION_GET_LOCK)
		lock_name(s);
	if (class == FUNCTION_LAST_INSERT_ID && current(s)->kind != ')')
		s->seen |= SEEN_SETS_LAST_INSERT_ID;
}

/* Behind WITH or the comma of its list: name [(columns)] AS (. Anything else is left for the caller. */
static void cte_head(struct statement *s)
{
	int kind = current(s)->kind;
	if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
		return;
	advance(s);
	if (accept_kind(s, '('))
		while (!at_end(s) && !accept_kind(s, ')'))
			advance(s);
	if (!accept_keyword(s, KW_AS) || current(s)->kind != '(')
		return;
	push(s, true, false);
	advance(s);
}

void statement_with(struct statement *s)
{
	accept_keyword(s, KW_RECURSIVE);
	cte_head(s);
}

void statement_open_list(struct statement *s)
{
	push(s, false, false);
	advance(s);
}

void statement_open_parentheses(struct statement *s)
{
	while (current(s)->kind == '(')
		on_open(s);
}

static void on_close(struct statement *s)
{
	bool cte = holds(s->cte_depths, s->depth);
	if (digest_repeats_row(&s->digest))
		pass_plain_rows(s);
	if (s->depth)
		s->depth--;
	advance(s);
	if (cte && accept_kind(s, ','))
		cte_head(s);
}

static void on_into(struct statement *s)
{
	advance(s);
	if (current(s)->kind != TOKEN_USER_VAR)
		s->seen |= SEEN_FILE;
	while (current(s)->kind == TOKEN_USER_VAR) {
		statement_assigns(s, statement_variable(s, current(s)));
		advance(s);
		if (!accept_kind(s, ','))
			break;
	}
}

static void on_user_variable(struct statement *s)
{
	const struct context *c = s->context;
	s->seen |= SEEN_USER_VARIABLE;
	if ((s->watch & WATCH_MADE) && c->carried && !state_has_user(c->carried, statement_variable(s, current(s))))
		statement_effect(s, EFFECT_USER_READ_BACK, statement_variable(s, current(s)));
	if (s->watch & WATCH_ASSIGNED)
		statement_assigns(s, statement_variable(s, current(s)));
	if (c->hidden_user_variables &&
	    !(c->carried && state_has_user(c->carried, statement_variable(s, current(s)))))
		s->seen |= SEEN_HIDDEN_VARIABLE;
}

/* At ':='. */
static void on_assign(struct statement *s)
{
	if (behind(s, 1)->kind == TOKEN_USER_VAR)
		statement_assigns(s, statement_variable(s, behind(s, 1)));
	else
		s->seen |= SEEN_ASSIGNMENT;
}

static void on_for(struct statement *s)
{
	advance(s);
	if (keyword_at(s) == KW_UPDATE || keyword_at(s) == KW_SHARE) {
		s->seen |= SEEN_LOCKING_READ;
		advance(s);
	}
}

static void on_from(struct statement *s)
{
	advance(s);
	if (!holds(s->from_depths, s->depth) && keyword_at(s) != KW_DUAL)
		statement_touches_table(s);
}

/* INSERT(...) and REPLACE(...) are functions too. */
static void on_insert(struct statement *s)
{
	advance(s);
	if (current(s)->kind != '(')
		s->seen |= SEEN_WRITE;
}

/* True when the keyword has been dealt with and passed. */
static bool on_keyword(struct statement *s, enum keyword keyword)
{
	switch (keyword) {
	case KW_FROM:
		on_from(s);
		return true;
	case KW_FOR:
		on_for(s);
		return true;
	case KW_LOCK:
		advance(s);
		if (keyword_at(s) == KW_IN)
			s->seen |= SEEN_LOCKING_READ;
		return true;
	case KW_INTO:
		on_into(s);
		return true;
	case KW_UPDATE:
	case KW_DELETE:
		s->seen |= SEEN_WRITE;
		return false;
	case KW_INSERT:
	case KW_REPLACE:
		on_insert(s);
		return true;
	case KW_WITH:
		advance(s);
		statement_with(s);
		return true;
	case KW_SQL_CALC_FOUND_ROWS:
		s->seen |= SEEN_CALC_FOUND_ROWS;
		return false;
	case KW_TABLE:
		statement_touches_table(s);
		return false;
	case KW_NEXT:
		advance(s);
		if (keyword_at(s) == KW_VALUE)
			s->seen |= SEEN_SEQUENCE;
		return true;
	case KW_PREVIOUS:
		advance(s);
		if (keyword_at(s) == KW_VALUE)
			s->seen |= SEEN_LASTVAL;
		return true;
	case KW_EXAMINED:
		/* LIMIT ROWS EXAMINED n: how many it takes depends on the server's plan. */
		s->seen |= s->dialect->flavor == FLAVOR_MARIADB ? SEEN_DIFFERS : 0;
		return false;
	case KW_TEMPORARY:
	case KW_PREPARE:
	case KW_EXECUTE:
	case KW_XA:
		s->seen |= SEEN_STATE;
		return false;
	case KW_SET:
		/* Where a statement may begin, not the SET of an UPDATE. */
		if (behind(s, 1)->kind == ';' || (behind(s, 1)->kind == TOKEN_WORD && behind(s, 1)->word))
			s->seen |= SEEN_STATE;
		return false;
	default:
		return false;
	}
}

void statement_scan(struct statement *s, unsigned stop)
{
	bool quiet = !s->watch && s->dialect->charset == TEXT_ASCII_SAFE;
	for (;;) {
		const struct token *t = current(s);
		switch (t->kind) {
		case TOKEN_END:
		case ';':
			return;
		case TOKEN_WORD:
			if (t->word && t->word->acts && behind(s, 1)->kind != '.') {
				if (stop & STOP_FOR && t->word->keyword == KW_FOR && !s->depth)
					return;
				if (on_keyword(s, (enum keyword)t->word->keyword))
					continue;
			}
			if (s->watch)
				watch_name(s);
			break;
		case TOKEN_QUOTED:
			if (s->watch)
				watch_name(s);
			break;
		case '(':
			on_open(s);
			continue;
		case ')':
			on_close(s);
			continue;
		case TOKEN_NUMBER:
		case TOKEN_STRING:
			if (s->digest.mode == DIGEST_LIST)
				pass_plain_list(s);
			break;
		case ',':
			if (stop & STOP_COMMA && !s->depth)
				return;
			if (s->digest.mode == DIGEST_LIST)
				pass_plain_list(s);
			break;
		case '.':
			on_dot(s);
			continue;
		case TOKEN_USER_VAR:
			on_user_variable(s);
			break;
		case TOKEN_ASSIGN:
			on_assign(s);
			break;
		case TOKEN_SYSTEM_VAR:
			system_variable(s);
			continue;
		}
		if (quiet)
			pass_quiet_tokens(s, !(stop & STOP_COMMA));
		advance_here(s);
	}
}
