/* SET in all its forms, and USE: what changes the session's own state. */
#include "router/classify_family.h"
#include "router/variables.h"

/* Which copy of a variable an assignment is for. */
enum scope {
	SCOPE_SESSION,
	SCOPE_GLOBAL, /* also PERSIST */
	SCOPE_NEXT    /* @@name: the session's, for some variables only the next transaction's */
};

/* One SET statement while it is read. */
struct set {
	struct statement *s;
	enum scope
	    scope;    /* of assignments that do not say: the last one that was said, as the servers do it */
	bool global;  /* something that is not the session's */
	bool steers;  /* ... and may change what reads answer */
	bool session; /* something that later connections must have */
	uint32_t pins;
	enum reason reason; /* of the pins */
};

/* Scopes as they are written. */
static bool scope_of(enum keyword keyword, enum scope *scope)
{
	switch (keyword) {
	case KW_GLOBAL:
	case KW_PERSIST:
	case KW_PERSIST_ONLY:
		*scope = SCOPE_GLOBAL;
		return true;
	case KW_SESSION:
	case KW_LOCAL:
		*scope = SCOPE_SESSION;
		return true;
	default:
		return false;
	}
}

/* The end of one value: what follows it is the next assignment or nothing. */
static bool at_value_end(const struct statement *s)
{
	return at_end(s) || current(s)->kind == ',';
}

static bool equals_sign(struct statement *s)
{
	return accept_kind(s, '=') || accept_kind(s, TOKEN_ASSIGN);
}

/* One literal or word. */
struct value {
	enum value_kind kind; /* VALUE_NONE: an expression */
	bool is_default;
	struct view text, introducer;
};

/* A string, decoded where it has to be; VALUE_NONE when it does not fit. */
static void string_value(struct statement *s, struct value *v)
{
	const struct token *t = current(s);
	struct view text = statement_name(s);
	if (t->escaped && !text.p)
		return;
	v->kind = VALUE_STRING;
	v->text = text;
	if (t->p[0] == 'N' || t->p[0] == 'n')
		v->introducer = view_of("utf8mb3"); /* N'text' */
}

static void word_value(struct statement *s, struct value *v)
{
	const struct token *t = current(s);
	v->kind = VALUE_WORD;
	v->text = (struct view){t->p, t->len};
	v->is_default = keyword_at(s) == KW_DEFAULT;
}

/* Reads what stands behind the '=', up to the next ',' or the end. */
static struct value read_value(struct statement *s)
{
	struct value v = {VALUE_NONE, false, {NULL, 0}, {NULL, 0}};
	const uint8_t *from = current(s)->p;
	bool sign = current(s)->kind == '-' || current(s)->kind == '+';
	bool introducer = current(s)->kind == TOKEN_WORD && current(s)->p[0] == '_';
	if (introducer)
		v.introducer = (struct view){current(s)->p + 1, current(s)->len - 1};
	if (sign || introducer)
		advance(s);
	const struct token *t = current(s);
	if (t->kind == TOKEN_NUMBER && !introducer) {
		v.kind = VALUE_NUMBER;
		v.text = (struct view){from, (size_t)(t->p + t->len - from)};
	} else if (sign) {
		v.kind = VALUE_NONE;
	} else if (t->kind == TOKEN_STRING || (t->kind == TOKEN_QUOTED && !introducer)) { /* no N follows _utf8 */
		string_value(s, &v);
	} else if (t->kind == TOKEN_WORD && !introducer) {
		word_value(s, &v);
	}
	if (v.kind != VALUE_NONE)
		advance(s);
	if (v.kind == VALUE_NONE || !at_value_end(s)) {
		v.kind = VALUE_NONE;
		v.is_default = false;
		/* A word that was passed may have been a function's name. */
		statement_scan(s, STOP_COMMA | STOP_FOR);
	}
	return v;
}

static void pin(struct set *set, uint32_t pins, enum reason reason)
{
	if (!set->pins)
		set->reason = reason;
	set->pins |= pins;
}

static void user_variable(struct set *set)
{
	struct statement *s = set->s;
	struct view name = statement_name(s);
	advance(s);
	if (!equals_sign(s)) {
		s->pins_added |= PIN_UNKNOWN;
		statement_scan(s, STOP_COMMA);
		return;
	}
	struct value v = read_value(s);
	pin(set, PIN_USER_VARIABLE, REASON_USER_VARIABLE);
	if (v.kind == VALUE_NONE || v.is_default) {
		statement_assigns(s, name);
		return;
	}
	struct effect *e = statement_effect(s, EFFECT_USER_VARIABLE, name);
	e->value_kind = v.kind;
	e->value = v.text;
	e->introducer = v.introducer;
}

/* The variable's own name for this server, in lower case, in the scratch. */
static struct view canonical(struct statement *s, struct view name)
{
	struct view other = variable_canonical(name, s->dialect);
	return statement_keep(s, other.len ? other : name, true);
}

static void carried(struct set *set, struct view name, const struct value *v, bool sticky_global)
{
	struct statement *s = set->s;
	struct view kept = canonical(s, name);
	set->session = true;
	if (!kept.len) {
		pin(set, PIN_OVERSIZED, REASON_SESSION_VARIABLE);
		return;
	}
	enum effect_kind kind = EFFECT_SET;
	if (v->kind == VALUE_NONE || sticky_global || v->introducer.len)
		kind = EFFECT_SET_READ_BACK;
	else if (v->is_default)
		kind = EFFECT_SET_DEFAULT;
	struct effect *e = statement_effect(s, kind, kept);
	if (kind != EFFECT_SET)
		return;
	e->value_kind = v->kind;
	e->value = v->text;
}

static void variable(struct set *set, struct view name, enum scope scope, bool sticky)
{
	struct statement *s = set->s;
	struct value v = read_value(s);
	const struct variable *known = variable_find(name);
	if (scope == SCOPE_GLOBAL) {
		set->global = true;
		set->steers |= variable_steers_reads(name);
		if (sticky)
			carried(set, name, &v, true);
		return;
	}
	switch (known->write) {
	case WRITE_PINS:
		/* Back to its default it binds nothing that was not bound before. */
		set->reason = set->pins ? set->reason : REASON_SESSION_VARIABLE;
		if (v.is_default)
			s->seen |= SEEN_CONNECTION;
		else
			pin(set, PIN_SESSION_VARIABLE, REASON_SESSION_VARIABLE);
		return;
	case WRITE_TRANSACTION:
		if (scope == SCOPE_NEXT) {
			pin(set, PIN_SET_TRANSACTION, REASON_SET_TRANSACTION);
			return;
		}
		break;
	case WRITE_TRACKERS:
		s->flags |= CLASS_SETS_TRACKERS;
		break;
	case WRITE_CARRIED:
		break;
	}
	if (view_is(name, "autocommit"))
		s->flags |= CLASS_MAY_COMMIT_IMPLICITLY;
	carried(set, name, &v, false);
}

/* At a variable's name, the scope passed: name, or cache.name, or MySQL's component.name. */
static void named_variable(struct set *set, enum scope scope, bool sticky)
{
	struct statement *s = set->s;
	struct view name = token_inside(current(s));
	int kind = current(s)->kind;
	if (kind == TOKEN_WORD || kind == TOKEN_QUOTED)
		advance(s);
	if (current(s)->kind == '.') {
		const uint8_t *from = name.p;
		advance(s);
		name = (struct view){from, (size_t)(current(s)->p + current(s)->len - from)};
		advance(s);
	}
	if ((kind == TOKEN_WORD || kind == TOKEN_QUOTED) && equals_sign(s)) {
		variable(set, name, scope, sticky);
		return;
	}
	s->pins_added |= PIN_UNKNOWN;
	statement_scan(s, STOP_COMMA);
}

/* @@name, @@scope.name. */
static void at_variable(struct set *set)
{
	struct statement *s = set->s;
	enum scope scope = SCOPE_NEXT;
	advance(s);
	enum keyword keyword = keyword_at(s);
	if (scope_of(keyword, &scope)) {
		advance(s);
		accept_kind(s, '.');
	}
	set->scope = scope == SCOPE_NEXT ? SCOPE_SESSION : scope;
	named_variable(set, scope, false);
}

/* NAMES charset [COLLATE collation], NAMES DEFAULT; CHARACTER SET charset. */
static void charset(struct set *set, enum effect_kind kind)
{
	struct statement *s = set->s;
	struct view name = {NULL, 0}, collation = {NULL, 0};
	bool plain = true;
	if (!accept_keyword(s, KW_DEFAULT)) {
		name = statement_name(s);
		plain = name.len && current(s)->kind != TOKEN_USER_VAR;
		advance(s);
		if (accept_keyword(s, KW_COLLATE)) {
			if (!accept_keyword(s, KW_DEFAULT)) {
				collation = statement_name(s);
				advance(s);
			}
		}
	}
	set->session = true;
	if (!plain || !at_value_end(s)) {
		s->pins_added |= PIN_UNKNOWN;
		statement_scan(s, STOP_COMMA);
		return;
	}
	struct effect *e = statement_effect(s, kind, name);
	e->value_kind = collation.len ? VALUE_STRING : VALUE_NONE;
	e->value = collation;
}

static void set_effect(struct set *set, const char *variable_name, const char *value)
{
	struct statement *s = set->s;
	struct view name = canonical(s, view_of(variable_name));
	struct view kept = statement_keep(s, view_of(value), false);
	set->session = true;
	if (!name.len || !kept.len) {
		pin(set, PIN_OVERSIZED, REASON_SESSION_VARIABLE);
		return;
	}
	struct effect *e = statement_effect(s, EFFECT_SET, name);
	e->value_kind = VALUE_STRING;
	e->value = kept;
}

/* ISOLATION LEVEL words: the value the variable has then; NULL for no level. */
static const char *isolation_level(struct statement *s)
{
	accept_keyword(s, KW_LEVEL);
	if (accept_keyword(s, KW_SERIALIZABLE))
		return "SERIALIZABLE";
	if (accept_keyword(s, KW_REPEATABLE))
		return accept_keyword(s, KW_READ) ? "REPEATABLE-READ" : NULL;
	if (!accept_keyword(s, KW_READ))
		return NULL;
	if (accept_keyword(s, KW_COMMITTED))
		return "READ-COMMITTED";
	return accept_keyword(s, KW_UNCOMMITTED) ? "READ-UNCOMMITTED" : NULL;
}

/* SET [scope] TRANSACTION characteristic, ... */
static void transaction(struct set *set, enum scope scope)
{
	struct statement *s = set->s;
	bool understood = true;
	do {
		const char *level = NULL;
		bool read_only = false;
		if (accept_keyword(s, KW_ISOLATION)) {
			level = isolation_level(s);
			understood &= level != NULL;
		} else {
			understood &= accept_keyword(s, KW_READ);
			read_only = accept_keyword(s, KW_ONLY);
			understood &= read_only || accept_keyword(s, KW_WRITE);
		}
		if (scope != SCOPE_SESSION || !understood)
			continue;
		if (level)
			set_effect(set, "transaction_isolation", level);
		else
			set_effect(set, "transaction_read_only", read_only ? "ON" : "OFF");
	} while (accept_kind(s, ','));
	if (!at_end(s) || !understood)
		s->pins_added |= PIN_UNKNOWN;
	statement_skip(s);
	if (scope == SCOPE_GLOBAL)
		set->global = set->steers = true;
	else if (scope == SCOPE_NEXT)
		pin(set, PIN_SET_TRANSACTION, REASON_SET_TRANSACTION);
	else
		set->session = true;
}

static bool at_assignment(const struct statement *s)
{
	int kind = current(s)->kind;
	return kind == '=' || kind == TOKEN_ASSIGN || kind == '.';
}

/* One member of the list. */
static void assignment(struct set *set)
{
	struct statement *s = set->s;
	enum scope scope = set->scope;
	if (current(s)->kind == TOKEN_USER_VAR) {
		user_variable(set);
		return;
	}
	if (current(s)->kind == TOKEN_SYSTEM_VAR) {
		at_variable(set);
		return;
	}
	if (scope_of(keyword_at(s), &scope)) {
		advance(s);
		set->scope = scope;
		if (accept_keyword(s, KW_TRANSACTION))
			transaction(set, scope);
		else
			named_variable(set, scope, false);
		return;
	}
	if (accept_keyword(s, KW_NAMES)) {
		charset(set, EFFECT_NAMES);
	} else if (accept_keyword(s, KW_CHARSET)) {
		charset(set, EFFECT_CHARACTER_SET);
	} else if (accept_keyword(s, KW_CHARACTER)) {
		accept_keyword(s, KW_SET);
		charset(set, EFFECT_CHARACTER_SET);
	} else {
		named_variable(set, scope, scope == SCOPE_GLOBAL);
	}
}

static void decide(struct set *set)
{
	struct statement *s = set->s;
	s->pins_added |= set->pins;
	if (set->global) {
		/* Connections made from here on have the new value for their own, those of this session have not. */
		s->pins_added |= PIN_GLOBAL_VARIABLE;
		statement_decide(s, ROUTE_PRIMARY, REASON_SET_GLOBAL, CLASS_WRITES | CLASS_NEW_CONNECTIONS |
		                     (set->steers ? CLASS_CHANGES_GLOBAL : 0));
	} else if (set->pins || (s->seen & (SEEN_CONNECTION | SEEN_LASTVAL))) {
		statement_decide(s, ROUTE_PIN, set->reason, 0);
	} else if (set->session) {
		statement_decide(s, ROUTE_SESSION, REASON_SET, 0);
		/* The value may come from what only the primary may compute. */
		uint32_t seen =
		    s->seen & (SEEN_UNKNOWN_FUNCTION | SEEN_WRITING_VIEW | SEEN_SEQUENCE | SEEN_LOCKING_READ);
		if (seen)
			statement_decide_read(s);
	}
}

/* SET STATEMENT name = value, ... FOR statement: values for that statement only. */
static void set_statement(struct statement *s)
{
	statement_scan(s, STOP_FOR);
	s->flags |= CLASS_SET_VAR;
	if (!accept_keyword(s, KW_FOR)) {
		s->pins_added |= PIN_UNKNOWN;
		return;
	}
	uint32_t seen = s->seen;
	s->seen = 0;
	/* What FOR SET changes is taken back with it where both name the variable. */
	if (keyword_at(s) == KW_SET)
		s->pins_added |= PIN_SESSION_VARIABLE;
	classify_statement(s);
	s->seen |= seen;
}

static void set_role(struct statement *s)
{
	const uint8_t *from = current(s)->p, *to = from;
	for (; !at_end(s); advance(s))
		to = current(s)->p + current(s)->len;
	struct effect *e = statement_effect(s, EFFECT_ROLE, (struct view){NULL, 0});
	e->value_kind = VALUE_WORD;
	e->value = (struct view){from, (size_t)(to - from)};
	s->pins_added |= PIN_ROLE;
	statement_decide(s, ROUTE_SESSION, REASON_ROLE, 0);
}

/* SET PASSWORD, SET DEFAULT ROLE: accounts. */
static void set_account(struct statement *s)
{
	statement_skip(s);
	statement_decide(s, ROUTE_PRIMARY, REASON_SET_GLOBAL,
	                 CLASS_WRITES | CLASS_DDL | CLASS_MAY_COMMIT_IMPLICITLY | CLASS_NEW_CONNECTIONS);
}

/* The forms that are no list of assignments, told by a first word that no '=' follows; true when it was one.
 */
static bool special_form(struct statement *s)
{
	enum keyword keyword = keyword_at(s);
	switch (keyword) {
	case KW_STATEMENT:
	case KW_PASSWORD:
	case KW_ROLE:
	case KW_DEFAULT:
	case KW_RESOURCE:
	case KW_TRANSACTION:
		break;
	default:
		return false;
	}
	advance(s);
	if (at_assignment(s) && keyword != KW_PASSWORD) {
		s->pins_added |= PIN_UNKNOWN;
		statement_scan(s, 0);
		return true;
	}
	struct set set = {.s = s};
	switch (keyword) {
	case KW_STATEMENT:
		set_statement(s);
		break;
	case KW_ROLE:
		set_role(s);
		break;
	case KW_RESOURCE:
		statement_skip(s);
		s->pins_added |= PIN_SESSION_VARIABLE;
		statement_decide(s, ROUTE_PIN, REASON_SESSION_VARIABLE, 0);
		break;
	case KW_TRANSACTION:
		transaction(&set, SCOPE_NEXT);
		decide(&set);
		break;
	default:
		set_account(s);
	}
	return true;
}

void classify_set(struct statement *s)
{
	struct set set = {.s = s};
	if (special_form(s))
		return;
	do
		assignment(&set);
	while (accept_kind(s, ','));
	if (!at_end(s)) {
		s->pins_added |= PIN_UNKNOWN;
		statement_scan(s, 0);
	}
	decide(&set);
}

void classify_use(struct statement *s)
{
	struct view name = statement_name(s);
	int kind = current(s)->kind;
	advance(s);
	if (name.len && at_end(s) && (kind == TOKEN_WORD || kind == TOKEN_QUOTED)) {
		statement_effect(s, EFFECT_SCHEMA, name);
		statement_decide(s, ROUTE_SESSION, REASON_USE, 0);
		return;
	}
	s->pins_added |= PIN_UNKNOWN;
	statement_scan(s, 0);
}
