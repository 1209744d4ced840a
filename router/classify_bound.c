/* What lives in one connection: table locks, handlers, statements prepared as text, diagnostics. */
#include "router/classify_family.h"

static void decide_pin(struct statement *s, enum reason reason, uint32_t pin)
{
	s->pins_added |= pin;
	statement_decide(s, ROUTE_PIN, reason, 0);
}

void classify_lock(struct statement *s)
{
	bool instance = keyword_at(s) == KW_INSTANCE;
	statement_skip(s);
	if (instance)
		decide_pin(s, REASON_BACKUP_LOCK, PIN_BACKUP_LOCK);
	else
		decide_pin(s, REASON_TABLE_LOCK, PIN_TABLE_LOCK);
	s->flags |= instance ? 0 : CLASS_MAY_COMMIT_IMPLICITLY | CLASS_TOUCHES_TABLE;
}

/* Without a lock it does nothing, wherever it runs. */
static void decide_release(struct statement *s, enum reason reason, uint32_t pin)
{
	s->pins_released |= pin;
	statement_decide(s, s->context->pins & pin ? ROUTE_PIN : ROUTE_PRIMARY, reason, 0);
}

void classify_unlock(struct statement *s)
{
	bool instance = keyword_at(s) == KW_INSTANCE;
	statement_skip(s);
	if (instance)
		decide_release(s, REASON_BACKUP_LOCK, PIN_BACKUP_LOCK);
	else
		decide_release(s, REASON_TABLE_LOCK, PIN_TABLE_LOCK);
	s->flags |= instance ? 0 : CLASS_MAY_COMMIT_IMPLICITLY;
}

/* FLUSH TABLES ... WITH READ LOCK and FOR EXPORT lock. FLUSH STATUS sets the session's counters to zero, and who does
 * so will count what it does from there on. All others act on the server, and some write to its log. */
void classify_flush(struct statement *s)
{
	bool locks = false;
	for (; !at_end(s); advance(s)) {
		if (view_is(token_inside(current(s)), "STATUS"))
			s->pins_added |= PIN_STATUS;
		if (view_is(token_inside(current(s)), "PRIVILEGES"))
			s->flags |= CLASS_NEW_CONNECTIONS;
		enum keyword before =
		    behind(s, 1)->word ? (enum keyword)behind(s, 1)->word->keyword : KW_OTHER;
		locks |= keyword_at(s) == KW_READ && before == KW_WITH;
		locks |= keyword_at(s) == KW_EXPORT && before == KW_FOR;
	}
	if (locks)
		decide_pin(s, REASON_TABLE_LOCK, PIN_TABLE_LOCK);
	else
		statement_decide(s, ROUTE_PRIMARY, REASON_ADMIN, CLASS_WRITES);
	s->flags |= CLASS_MAY_COMMIT_IMPLICITLY;
}

void classify_backup(struct statement *s)
{
	bool ends = keyword_at(s) == KW_UNLOCK;
	if (accept_keyword(s, KW_STAGE))
		ends = keyword_at(s) == KW_END;
	statement_skip(s);
	if (ends) {
		s->pins_released |= PIN_BACKUP_LOCK;
		statement_decide(s, ROUTE_PIN, REASON_BACKUP_LOCK, 0);
	} else {
		decide_pin(s, REASON_BACKUP_LOCK, PIN_BACKUP_LOCK);
	}
}

/* HANDLER t OPEN [[AS] alias], HANDLER t READ ..., HANDLER t CLOSE. */
void classify_handler(struct statement *s)
{
	struct view schema, name = {NULL, 0};
	statement_table_name(s, &schema, &name);
	statement_touches_table(s);
	statement_decide(s, ROUTE_PIN, REASON_HANDLER, 0);
	if (accept_keyword(s, KW_OPEN)) {
		accept_keyword(s, KW_AS);
		if (!at_end(s))
			name = statement_name(s);
		s->pins_added |= PIN_HANDLER;
		statement_effect(s, EFFECT_HANDLER_OPEN, name);
	} else if (keyword_at(s) == KW_CLOSE) {
		statement_effect(s, EFFECT_HANDLER_CLOSE, name);
	}
	statement_scan(s, 0);
}

void classify_prepare(struct statement *s)
{
	struct effect *e = statement_effect(s, EFFECT_PREPARE, statement_name(s));
	advance(s);
	if (accept_keyword(s, KW_FROM) && current(s)->kind == TOKEN_STRING) {
		struct view text = statement_name(s);
		advance(s);
		if (text.p && at_end(s)) {
			e->value_kind = VALUE_STRING;
			e->value = text;
		}
	}
	statement_scan(s, 0);
	decide_pin(s, REASON_TEXT_PREPARE, PIN_TEXT_PREPARE);
}

/* The statement is known to the server only: it may do anything. */
#define RUNS_ANYTHING (CLASS_WRITES | CLASS_CALLS | CLASS_TOUCHES_TABLE | CLASS_MAY_COMMIT_IMPLICITLY)

/* EXECUTE IMMEDIATE 'text' does what the text says, where it can be read as it stands. */
static void execute_text(struct statement *s, struct view text)
{
	struct classify_scratch scratch = {.text = NULL};
	struct classification inner;
	classify(text, s->dialect, s->context, &scratch, &inner);
	bool reads = inner.route == ROUTE_REPLICA &&
	             (inner.reason == REASON_READ || inner.reason == REASON_DIFFERS);
	s->pins_added |= inner.pins_added;
	/* Its effects point into what ends here. */
	for (unsigned i = 0; i < inner.n_effects; i++)
		if (inner.effects[i].kind == EFFECT_USER_VARIABLE ||
		    inner.effects[i].kind == EFFECT_USER_READ_BACK)
			s->seen |= SEEN_ASSIGNMENT;
		else
			s->pins_added |= PIN_UNKNOWN;
	s->pins_released |= inner.pins_released;
	statement_decide(s, reads ? ROUTE_REPLICA : ROUTE_PRIMARY, reads ? REASON_READ : REASON_TEXT_PREPARE,
	                 inner.flags & ~CLASS_ANY_SERVER);
}

static void execute_immediate(struct statement *s)
{
	struct token text = *current(s);
	advance(s);
	bool whole = text.kind == TOKEN_STRING && !text.escaped && text.quote && at_end(s);
	statement_scan(s, 0);
	if (whole) {
		execute_text(s, token_inside(&text));
		return;
	}
	s->pins_added |= PIN_UNKNOWN;
	statement_decide(s, ROUTE_PRIMARY, REASON_TEXT_PREPARE, RUNS_ANYTHING);
}

void classify_execute(struct statement *s)
{
	if (accept_keyword(s, KW_IMMEDIATE)) {
		execute_immediate(s);
		return;
	}
	statement_effect(s, EFFECT_EXECUTE, statement_name(s));
	statement_scan(s, 0);
	decide_pin(s, REASON_TEXT_PREPARE, PIN_TEXT_PREPARE);
	s->flags |= RUNS_ANYTHING;
}

/* DEALLOCATE PREPARE name, DROP PREPARE name. */
void classify_deallocate(struct statement *s)
{
	accept_keyword(s, KW_PREPARE);
	statement_effect(s, EFFECT_DEALLOCATE, statement_name(s));
	statement_skip(s);
	statement_decide(s, ROUTE_PIN, REASON_TEXT_PREPARE, 0);
}

void classify_get(struct statement *s)
{
	/* Its targets are user variables; it reads what the statement before left. */
	s->watch |= WATCH_ASSIGNED;
	statement_scan(s, 0);
	s->seen |= SEEN_WARNINGS;
	s->out->diagnoses = true;
	statement_decide(s, ROUTE_PIN, REASON_WARNINGS, CLASS_ANY_SERVER);
}
