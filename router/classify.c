#include "router/classify.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "router/classify_family.h"

static const char *const route_names[] = {
    [ROUTE_REPLICA] = "replica", [ROUTE_PRIMARY] = "primary", [ROUTE_SESSION] = "session",
    [ROUTE_PIN] = "pin",         [ROUTE_LOCAL] = "local",     [ROUTE_DENY] = "deny",
};

const char *route_name(enum route route)
{
	assert((unsigned)route < ROUTE_COUNT);
	return route_names[route];
}

const char *pin_name(enum pin_index index)
{
	static const char *const names[] = {
#define X(name, word) [PIN_INDEX_##name] = word,
	    PINS(X)
#undef X
	};
	assert((unsigned)index < PIN_COUNT);
	return names[index];
}

const char *effect_kind_name(enum effect_kind kind)
{
	static const char *const names[] = {
	    [EFFECT_SET] = "set",
	    [EFFECT_SET_DEFAULT] = "set-default",
	    [EFFECT_SET_READ_BACK] = "set-read-back",
	    [EFFECT_USER_VARIABLE] = "user-variable",
	    [EFFECT_USER_READ_BACK] = "user-read-back",
	    [EFFECT_NAMES] = "names",
	    [EFFECT_CHARACTER_SET] = "character-set",
	    [EFFECT_SCHEMA] = "schema",
	    [EFFECT_ROLE] = "role",
	    [EFFECT_TEMP_CREATE] = "temp-create",
	    [EFFECT_TEMP_DROP] = "temp-drop",
	    [EFFECT_PREPARE] = "prepare",
	    [EFFECT_EXECUTE] = "execute",
	    [EFFECT_DEALLOCATE] = "deallocate",
	    [EFFECT_HANDLER_OPEN] = "handler-open",
	    [EFFECT_HANDLER_CLOSE] = "handler-close",
	    [EFFECT_USER_LOCK] = "user-lock",
	    [EFFECT_USER_UNLOCK] = "user-unlock",
	};
	assert((unsigned)kind < EFFECT_KIND_COUNT);
	return names[kind];
}

/* The first word of a statement, and who reads the rest. */
static void (*const families[KW_TOTAL])(struct statement *) = {
    [KW_SELECT] = classify_select,
    [KW_WITH] = classify_select,
    [KW_VALUES] = classify_select,
    [KW_TABLE] = classify_table,
    [KW_DO] = classify_do,
    [KW_HELP] = classify_help,
    [KW_EXPLAIN] = classify_explain,
    [KW_DESC] = classify_explain,
    [KW_DESCRIBE] = classify_explain,
    [KW_ANALYZE] = classify_analyze,
    [KW_CHECK] = classify_check,
    [KW_CHECKSUM] = classify_checksum,
    [KW_INSERT] = classify_write,
    [KW_REPLACE] = classify_write,
    [KW_UPDATE] = classify_update,
    [KW_DELETE] = classify_delete,
    [KW_LOAD] = classify_load,
    [KW_CALL] = classify_call,
    [KW_CREATE] = classify_create,
    [KW_ALTER] = classify_alter,
    [KW_DROP] = classify_drop,
    [KW_RENAME] = classify_rename,
    [KW_TRUNCATE] = classify_truncate,
    [KW_GRANT] = classify_grant,
    [KW_REVOKE] = classify_grant,
    [KW_BEGIN] = classify_begin,
    [KW_START] = classify_start,
    [KW_COMMIT] = classify_commit,
    [KW_ROLLBACK] = classify_rollback,
    [KW_SAVEPOINT] = classify_savepoint,
    [KW_RELEASE] = classify_savepoint,
    [KW_XA] = classify_xa,
    [KW_SET] = classify_set,
    [KW_USE] = classify_use,
    [KW_SHOW] = classify_show,
    [KW_LOCK] = classify_lock,
    [KW_UNLOCK] = classify_unlock,
    [KW_FLUSH] = classify_flush,
    [KW_BACKUP] = classify_backup,
    [KW_HANDLER] = classify_handler,
    [KW_PREPARE] = classify_prepare,
    [KW_EXECUTE] = classify_execute,
    [KW_DEALLOCATE] = classify_deallocate,
    [KW_GET] = classify_get,
    [KW_KILL] = classify_kill,
    [KW_SHUTDOWN] = classify_admin,
    [KW_RESTART] = classify_admin,
    [KW_CHANGE] = classify_admin,
    [KW_RESET] = classify_admin,
    [KW_PURGE] = classify_admin,
    [KW_STOP] = classify_admin,
    [KW_INSTALL] = classify_install,
    [KW_UNINSTALL] = classify_install,
    [KW_CLONE] = classify_admin,
    [KW_IMPORT] = classify_admin,
    [KW_BINLOG] = classify_admin,
    [KW_OPTIMIZE] = classify_maintenance,
    [KW_REPAIR] = classify_maintenance,
    [KW_CACHE] = classify_maintenance,
    [KW_SIGNAL] = classify_signal,
    [KW_RESIGNAL] = classify_resignal,
};

/* MariaDB runs compound statements outside of routines too; a label may stand before. */
static bool begins_block(struct statement *s)
{
	if (s->dialect->flavor != FLAVOR_MARIADB)
		return false;
	switch (keyword_at(s)) {
	case KW_IF:
	case KW_CASE:
	case KW_LOOP:
	case KW_WHILE:
	case KW_REPEAT:
	case KW_FOR:
	case KW_DECLARE:
		return true;
	default:
		return false;
	}
}

void classify_statement(struct statement *s)
{
	if (current(s)->kind == '(') {
		classify_parenthesis(s);
		return;
	}
	void (*family)(struct statement *) = families[keyword_at(s)];
	if (family) {
		advance(s);
		family(s);
		return;
	}
	bool block = begins_block(s);
	advance(s);
	block |= s->dialect->flavor == FLAVOR_MARIADB && current(s)->kind == ':';
	if (block) {
		classify_block(s);
		return;
	}
	statement_scan(s, 0);
	s->pins_added |= PIN_UNKNOWN;
	statement_decide(s, ROUTE_PRIMARY, REASON_UNKNOWN_STATEMENT, CLASS_WRITES | CLASS_TOUCHES_TABLE);
}

/* What was seen, as flags and pins. */
static const struct {
	uint32_t seen, flags, pins_added, pins_released;
} consequences[] = {
    {SEEN_TABLE, CLASS_TOUCHES_TABLE, 0, 0},
    {SEEN_CONNECTION_ID, CLASS_CONNECTION_ID, 0, 0},
    {SEEN_USER_VARIABLE, CLASS_READS_USER_VARIABLE, 0, 0},
    {SEEN_ASSIGNMENT, CLASS_SETS_USER_VARIABLE, PIN_USER_VARIABLE, 0},
    {SEEN_GET_LOCK, 0, PIN_USER_LOCK, 0},
    {SEEN_RELEASE_ALL_LOCKS, 0, 0, PIN_USER_LOCK},
    {SEEN_LAST_INSERT_ID, CLASS_READS_LAST_INSERT_ID, 0, 0},
    {SEEN_SETS_LAST_INSERT_ID, CLASS_SETS_LAST_INSERT_ID, 0, 0},
    {SEEN_FOUND_ROWS, CLASS_READS_LAST, 0, 0},
    {SEEN_CALC_FOUND_ROWS, 0, PIN_LAST_STATEMENT, 0},
    {SEEN_WARNINGS, CLASS_READS_LAST, 0, 0},
    {SEEN_CONNECTION, CLASS_READS_LAST, 0, 0},
    {SEEN_TEMPORARY, CLASS_USES_TEMPORARY, 0, 0},
    {SEEN_DIFFERS, CLASS_DIFFERS, 0, 0},
    /* Whatever else decides where it runs. */
    {SEEN_UNKNOWN_FUNCTION | SEEN_UNKNOWN_VIEW | SEEN_WRITING_VIEW, CLASS_WRITES | CLASS_CALLS, 0, 0},
    {SEEN_WRITE | SEEN_SEQUENCE, CLASS_WRITES, 0, 0},
};

static void draw_consequences(struct statement *s)
{
	if (s->seen == SEEN_TABLE)
		s->flags |= CLASS_TOUCHES_TABLE;
	if (!(s->seen & ~SEEN_TABLE))
		return;
	s->out->reads_counters |= (s->seen & SEEN_COUNTERS) != 0;
	s->out->takes_sequence |= (s->seen & SEEN_SEQUENCE) != 0;
	s->out->reads_sequence |= (s->seen & SEEN_LASTVAL) != 0;
	/* A sequence is opened as the table that it is. */
	if (s->seen & (SEEN_SEQUENCE | SEEN_LASTVAL))
		s->flags |= CLASS_TOUCHES_TABLE;
	for (size_t i = 0; i < sizeof consequences / sizeof *consequences; i++) {
		if (!(s->seen & consequences[i].seen))
			continue;
		s->flags |= consequences[i].flags;
		s->pins_added |= consequences[i].pins_added;
		s->pins_released |= consequences[i].pins_released;
	}
	/* What has become of the number is not known; beside the server's own list of connections it is only compared. */
	if ((s->seen & SEEN_CONNECTION_ID) && !(s->seen & SEEN_SERVER))
		s->pins_added |= PIN_CONNECTION_ID;
	if (s->pins_added & PIN_USER_LOCK)
		s->pins_released &= ~(uint32_t)PIN_USER_LOCK;
}

/* In a READ ONLY transaction what reads or ends it runs on the server that holds it. */
static void adjust_read_only_trx(struct statement *s)
{
	switch (s->reason) {
	case REASON_COMMIT:
		if (!(s->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK)))
			break; /* savepoints */
		/* fall through */
	case REASON_READ:
		s->route = ROUTE_REPLICA;
		s->reason = REASON_READ_ONLY_TRANSACTION;
		break;
	default:
		break;
	}
}

/* Into what the whole text is. The first statement is the text's own; later ones can only bind it more. */
static void combine(struct statement *s, unsigned *replicas)
{
	static const unsigned rank[ROUTE_COUNT] = {
	    [ROUTE_REPLICA] = 0, [ROUTE_SESSION] = 1, [ROUTE_LOCAL] = 2,
	    [ROUTE_PIN] = 3,     [ROUTE_PRIMARY] = 4, [ROUTE_DENY] = 5,
	};
	struct classification *out = s->out;
	uint32_t flags = s->flags;
	if (s->context->in_read_only_trx)
		adjust_read_only_trx(s);
	*replicas += s->route == ROUTE_REPLICA;
	if (out->n_statements == 0 || rank[s->route] > rank[out->route]) {
		out->route = s->route;
		out->reason = s->reason;
	}
	if (out->n_statements) {
		/* What it reads of the statement before is that of this very text. */
		flags &= ~(CLASS_READS_LAST | CLASS_ANY_SERVER);
		out->flags = (out->flags | CLASS_MULTI) & ~CLASS_ANY_SERVER;
	}
	out->flags |= flags;
	out->pins_added = (out->pins_added & ~s->pins_released) | s->pins_added;
	out->pins_released = (out->pins_released & ~s->pins_added) | s->pins_released;
	out->n_statements++;
}

/* Several reads, or reads among SETs: one connection must run them all, and what runs first may steer the
 * rest. */
static void adjust_multi(struct classification *out, const struct context *c, unsigned replicas)
{
	if (out->n_statements < 2 || c->in_read_only_trx)
		return;
	if (out->route == ROUTE_LOCAL)
		out->route = ROUTE_PIN;
	if (out->route == ROUTE_REPLICA || (out->route == ROUTE_SESSION && replicas)) {
		out->route = ROUTE_PRIMARY;
		out->reason = REASON_MULTI_STATEMENT;
	}
}

static void set_route(struct classification *out, enum route route, enum reason reason)
{
	out->route = route;
	out->reason = reason;
}

/*
 * A hint never moves what writes, what is bound to a connection, or what runs in a transaction that is open; the
 * primary serves every read. In a READ ONLY transaction the beginning has decided.
 */
static void adjust_hints(struct classification *out, const struct context *c, const enum reason reasons[3])
{
	const struct hints *h = &out->hints;
	if (c->in_trx)
		return;
	bool server_specific = out->route == ROUTE_PRIMARY && out->reason == REASON_SERVER_SPECIFIC &&
	                       !out->pins_added && !(c->pins & PINS_FOR_ALL) && out->n_statements == 1;
	if (h->primary) {
		if (out->route == ROUTE_REPLICA && out->n_statements)
			set_route(out, ROUTE_PRIMARY, reasons[0]);
	} else if (out->route == ROUTE_REPLICA ? out->n_statements > 0 : server_specific) {
		if (h->server.len)
			set_route(out, ROUTE_REPLICA, reasons[2]);
		else if (h->replica)
			set_route(out, ROUTE_REPLICA, reasons[1]);
		if (server_specific && out->route == ROUTE_REPLICA)
			out->flags |= CLASS_SERVER_SPECIFIC;
	}
}

static void adjust_context(struct classification *out, const struct context *c)
{
	bool read_write = c->in_trx && !c->in_read_only_trx;
	if (read_write) {
		if (out->route == ROUTE_REPLICA || out->route == ROUTE_SESSION)
			set_route(out, ROUTE_PRIMARY, REASON_IN_TRANSACTION);
	} else if (!c->in_trx && c->autocommit_off && out->route == ROUTE_REPLICA &&
	           ((out->flags & CLASS_TOUCHES_TABLE) || out->calls_reader)) {
		set_route(out, ROUTE_PRIMARY, REASON_AUTOCOMMIT_OFF);
	}
	if ((c->pins & PINS_FOR_ALL) && out->route == ROUTE_REPLICA)
		set_route(out, ROUTE_PIN, REASON_PINNED);
}

/* What could not be read may hide anything. */
static void adjust_unreadable(struct classification *out)
{
	out->flags |= CLASS_UNLEXED;
	out->pins_added |= PIN_UNKNOWN;
	if (out->route != ROUTE_PIN)
		set_route(out, ROUTE_PRIMARY, REASON_UNREADABLE);
}

static const enum reason hint_reasons[] = {REASON_HINT_PRIMARY, REASON_HINT_REPLICA, REASON_HINT_SERVER};

void classify_ask(struct classification *out, const struct context *context, const struct hints *hints,
                  enum reason reason)
{
	const struct hints *h = &out->hints;
	/* What was said before counts; the reason is then that one's. */
	bool said = h->primary || h->replica || h->server.len;
	const enum reason reasons[] = {reason, reason, reason};
	hints_inherit(&out->hints, hints);
	adjust_hints(out, context, said ? hint_reasons : reasons);
	adjust_context(out, context);
}

static void adjust(struct statement *s, unsigned replicas)
{
	struct classification *out = s->out;
	const struct lexer *lx = &s->lexer;
	out->flags |= lx->set_var ? CLASS_SET_VAR : 0;
	if (out->flags & CLASS_MANY_EFFECTS) {
		out->n_effects = 0;
		out->pins_added |= PIN_OVERSIZED;
		if (out->route == ROUTE_SESSION)
			set_route(out, ROUTE_PIN, out->reason);
	}
	bool opaque = out->reason == REASON_CALL || out->reason == REASON_COMPOUND || out->reason == REASON_TEXT_PREPARE;
	out->uses_tables |= (out->flags & CLASS_TOUCHES_TABLE) && !opaque;
	out->runs_routine |= out->reason == REASON_CALL || out->reason == REASON_COMPOUND;
	out->diagnoses &= out->n_statements == 1;
	adjust_multi(out, s->context, replicas);
	if (s->context->hints)
		hints_inherit(&out->hints, s->context->hints);
	if (out->hints.given)
		adjust_hints(out, s->context, hint_reasons);
	adjust_context(out, s->context);
	if (lx->unreadable)
		adjust_unreadable(out);
	if ((out->flags & CLASS_DIFFERS) && out->route == ROUTE_REPLICA && out->reason == REASON_READ)
		out->reason = REASON_DIFFERS;
}

void classify(struct view sql, const struct dialect *dialect, const struct context *context,
              struct classify_scratch *scratch, struct classification *out)
{
	struct statement s;
	unsigned replicas = 0;
	/* The effects themselves are written when they are counted. */
	memset(out, 0, offsetof(struct classification, effects));
	out->route = ROUTE_REPLICA;
	out->reason = REASON_EMPTY;
	statement_init(&s, sql, dialect, context, scratch, out);
	while (current(&s)->kind != TOKEN_END) {
		if (accept_kind(&s, ';'))
			continue;
		statement_begin(&s);
		classify_statement(&s);
		/* Whoever read it must have come to its end. */
		statement_skip(&s);
		draw_consequences(&s);
		combine(&s, &replicas);
	}
	adjust(&s, replicas);
	out->digest = digest_hash(&s.digest);
	out->digest_text = digest_text(&s.digest);
}
