/* What calling a stored function or reading a view does, told from its text. */
#include "router/classify.h"

#include <string.h>

#include "router/statement.h"

#define LOCALS_MAX 64u

/* The names that a routine declares for itself. */
struct locals {
	struct view names[LOCALS_MAX];
	unsigned n;
	bool complete;
};

static void note_local(struct locals *l, struct view name)
{
	if (l->n < LOCALS_MAX)
		l->names[l->n++] = name;
	else
		l->complete = false;
}

/* DECLARE a, b INT ...: a cursor's or condition's name among them does no harm. */
static void declared(struct lexer *lx, struct token *t, struct locals *l)
{
	do {
		lexer_next(lx, t);
		if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED)
			return;
		note_local(l, token_inside(t));
		lexer_next(lx, t);
	} while (t->kind == ',');
}

static bool is_local(const struct locals *l, struct view name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (view_equal(l->names[i], name))
			return true;
	return false;
}

/* Words that may stand in a routine that only reads are not here; what they mean is statement_scan()'s. */
static enum object_access access_of_word(enum keyword keyword)
{
	switch (keyword) {
	case KW_INSERT:
	case KW_UPDATE:
	case KW_DELETE:
	case KW_OUTFILE:
	case KW_DUMPFILE:
		return OBJECT_WRITES;
	case KW_CALL:
	case KW_CREATE:
	case KW_DROP:
	case KW_ALTER:
	case KW_TRUNCATE:
	case KW_RENAME:
	case KW_GRANT:
	case KW_REVOKE:
	case KW_LOAD:
	case KW_LOCK:
	case KW_UNLOCK:
	case KW_HANDLER:
	case KW_PREPARE:
	case KW_EXECUTE:
	case KW_DEALLOCATE:
	case KW_COMMIT:
	case KW_ROLLBACK:
	case KW_SAVEPOINT:
	case KW_TRANSACTION:
	case KW_XA:
	case KW_FLUSH:
	case KW_KILL:
	case KW_TEMPORARY:
		return OBJECT_UNKNOWN;
	default:
		return OBJECT_READS;
	}
}

static enum object_access worse(enum object_access a, enum object_access b)
{
	if (a == OBJECT_WRITES || b == OBJECT_WRITES)
		return OBJECT_WRITES;
	return a == OBJECT_UNKNOWN || b == OBJECT_UNKNOWN ? OBJECT_UNKNOWN : OBJECT_READS;
}

/* Behind SET: only variables of the routine's own are nobody else's. */
static enum object_access assigned(struct lexer *lx, struct token *t, const struct locals *l)
{
	lexer_next(lx, t);
	bool name = t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
	return name && is_local(l, token_inside(t)) ? OBJECT_READS : OBJECT_UNKNOWN;
}

/* Word by word: what it might do that is no part of a query. */
static enum object_access access_of_words(struct view body, const struct dialect *dialect)
{
	struct locals locals = {.complete = true};
	enum object_access access = OBJECT_READS;
	struct lexer lx;
	struct token t;
	int before = TOKEN_END;
	lexer_init(&lx, body, dialect);
	for (lexer_next(&lx, &t); t.kind != TOKEN_END; before = t.kind, lexer_next(&lx, &t)) {
		if (t.kind != TOKEN_WORD || !t.word || before == '.')
			continue;
		switch (t.word->keyword) {
		case KW_DECLARE:
			declared(&lx, &t, &locals);
			break;
		case KW_SET:
			access = worse(access, assigned(&lx, &t, &locals));
			break;
		case KW_REPLACE:
			lexer_next(&lx, &t);
			access = worse(access, t.kind == '(' ? OBJECT_READS : OBJECT_WRITES);
			break;
		default:
			access = worse(access, access_of_word((enum keyword)t.word->keyword));
		}
	}
	return lx.unreadable || !locals.complete ? OBJECT_UNKNOWN : access;
}

/* What it may see of tables, of itself and of the queries it makes, on any server. */
#define HARMLESS (SEEN_TABLE | SEEN_FILE | SEEN_STATE | SEEN_FOUND_ROWS | SEEN_WARNINGS)

enum object_access classify_function(struct view body, const struct dialect *dialect, const struct context *context)
{
	static _Thread_local struct classification out;
	struct classify_scratch scratch = {.text = NULL};
	struct statement s;
	enum object_access access = access_of_words(body, dialect);
	if (access == OBJECT_WRITES)
		return access;
	memset(&out, 0, offsetof(struct classification, effects));
	statement_init(&s, body, dialect, context, &scratch, &out);
	statement_begin(&s);
	while (current(&s)->kind != TOKEN_END) {
		statement_scan(&s, 0);
		accept_kind(&s, ';');
	}
	if (s.seen & ~(uint32_t)(HARMLESS | SEEN_UNKNOWN_FUNCTION))
		return OBJECT_WRITES;
	return s.seen & SEEN_UNKNOWN_FUNCTION || s.lexer.unreadable ? OBJECT_UNKNOWN : access;
}

enum object_access classify_view(struct view definition, const struct dialect *dialect, const struct context *context)
{
	static _Thread_local struct classification out;
	struct classify_scratch scratch = {.text = NULL};
	classify(definition, dialect, context, &scratch, &out);
	return out.route == ROUTE_REPLICA ? OBJECT_READS : OBJECT_WRITES;
}
