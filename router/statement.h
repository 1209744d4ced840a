/*
 * One statement while it is read: the tokens around the reading position, and what was seen of it so far.
 *
 * The files classify_*.c each know a family of statements: they read its words from here and leave the
 * verdict in it. What may stand in any statement (expressions, subqueries, function calls, variables) is read
 * by statement_scan(), which notes in `seen` what it means for the route;
 * that part is in statement_scan.c.
 */
#ifndef WYE_ROUTER_STATEMENT_H
#define WYE_ROUTER_STATEMENT_H

#include "router/classify.h"
#include "router/digest.h"
#include "router/lexer.h"

/* What a statement was seen to do. */
#define SEEN_TABLE               (1u << 0) /* names a table, or may */
#define SEEN_WRITE               (1u << 1) /* a word that writes, inside a statement that begins as a read */
#define SEEN_LOCKING_READ        (1u << 2)
#define SEEN_FILE                (1u << 3) /* INTO something that is no user variable */
#define SEEN_SEQUENCE            (1u << 4)
#define SEEN_UNKNOWN_FUNCTION    (1u << 5)
#define SEEN_WRITING_VIEW        (1u << 6)
#define SEEN_SERVER              (1u << 7) /* the answer belongs to one server */
#define SEEN_CONNECTION          (1u << 8) /* ... to one connection */
#define SEEN_CONNECTION_ID       (1u << 9)
#define SEEN_USER_VARIABLE       (1u << 10)
#define SEEN_ASSIGNMENT          (1u << 11) /* of a user variable */
#define SEEN_USER_LOCK           (1u << 12)
#define SEEN_GET_LOCK            (1u << 13)
#define SEEN_RELEASE_ALL_LOCKS   (1u << 14)
#define SEEN_LAST_INSERT_ID      (1u << 15)
#define SEEN_SETS_LAST_INSERT_ID (1u << 16)
#define SEEN_FOUND_ROWS          (1u << 17)
#define SEEN_CALC_FOUND_ROWS     (1u << 18)
#define SEEN_WARNINGS            (1u << 19)
#define SEEN_TEMPORARY           (1u << 20) /* names one of the session's temporary tables, or may */
#define SEEN_HIDDEN_VARIABLE     (1u << 22) /* a user variable that is not known to have a value */
#define SEEN_DIFFERS             (1u << 23) /* any server may answer, but servers differ in that */
#define SEEN_COUNTERS            (1u << 24) /* the answer tells what a server, or a connection, has done */
#define SEEN_UNKNOWN_VIEW        (1u << 25)
#define SEEN_LASTVAL             (1u << 26) /* what this connection has taken from a sequence */
#define SEEN_STATE               (1u << 21) /* in a block: a word that changes session state */

/* What else than the statement's end stops statement_scan(), outside of parentheses. */
#define STOP_COMMA (1u << 0)
#define STOP_FOR   (1u << 1)

#define RING 4u

struct statement {
	struct lexer lexer;
	struct digest digest;
	struct token ring[RING];
	unsigned at; /* ring[at % RING] is the token to be read next, those before it lie behind */
	const struct dialect *dialect;
	const struct context *context;
	struct classify_scratch *scratch;
	struct classification *out; /* effects and kill are written here at once */
	/* Reset for every statement of the text. */
	uint32_t seen;
	enum route route;
	enum reason reason;
	uint32_t flags, pins_added, pins_released;
	unsigned depth;       /* of parentheses */
	uint64_t cte_depths;  /* parentheses that hold the body of a WITH, by depth */
	uint64_t from_depths; /* ... in which FROM names no table: EXTRACT(... FROM ...) */
	unsigned watch;       /* which names to look at: WATCH_... */
	uint32_t names_mark;  /* effects dropped */
};

#define WATCH_TEMPORARY (1u << 0)
#define WATCH_RELATIONS (1u << 1)
#define WATCH_ASSIGNED  (1u << 3) /* every user variable that stands here may be given a value */
#define WATCH_MADE (1u << 4) /* a user variable that stands here and nobody has set yet is set to NULL */
#define WATCH_SERVER_SCHEMA                                                                                  \
	(1u << 2) /* the default schema is one whose tables differ from server to server */

void statement_init(struct statement *s, struct view sql, const struct dialect *dialect,
                    const struct context *context, struct classify_scratch *scratch,
                    struct classification *out);
/* For the next statement of the same text. */
void statement_begin(struct statement *s);

static inline const struct token *current(const struct statement *s)
{
	return &s->ring[s->at % RING];
}

/* The token n places before the current one, n < RING. */
static inline const struct token *behind(const struct statement *s, unsigned n)
{
	return &s->ring[(s->at - n) % RING];
}

/* Passes the current token. */
void advance(struct statement *s);

static inline bool at_end(const struct statement *s)
{
	return current(s)->kind == TOKEN_END || current(s)->kind == ';';
}

/* The keyword of the current token, KW_OTHER when it is none. */
static inline enum keyword keyword_at(const struct statement *s)
{
	const struct token *t = current(s);
	return t->kind == TOKEN_WORD && t->word ? (enum keyword)t->word->keyword : KW_OTHER;
}

/* Passes the keyword if it is there. */
bool accept_keyword(struct statement *s, enum keyword keyword);
/* Passes a token of that kind if it is there. */
bool accept_kind(struct statement *s, int kind);

/* Notes that a table is named, for what statement_scan() does not see. */
void statement_touches_table(struct statement *s);

/* Reads to the end of the statement, or to what stops it. */
void statement_scan(struct statement *s, unsigned stop);
/* Behind WITH: passes RECURSIVE and the head of the list's first member. */
void statement_with(struct statement *s);
/* At '(': passes it and those that follow at once. */
void statement_open_parentheses(struct statement *s);
/* At '(': passes it; the name before it calls nothing. */
void statement_open_list(struct statement *s);
/* Passes everything up to the end without a look at what it means. */
void statement_skip(struct statement *s);

/* The verdict. */
void statement_decide(struct statement *s, enum route route, enum reason reason, uint32_t flags);
/* The verdict on something that reads, from what was seen. */
void statement_decide_read(struct statement *s);

/* The current token as a name, unquoted, in the text or the scratch; empty when it is none. Not passed. */
struct view statement_name(struct statement *s);
/* Reads [schema.]name; false when there is none. */
bool statement_table_name(struct statement *s, struct view *schema, struct view *name);
/* Copies to the scratch; empty when it does not fit. */
struct view statement_keep(struct statement *s, struct view v, bool to_lower);
/* Adds an effect; more than fit leave none and pin the session. */
struct effect *statement_effect(struct statement *s, enum effect_kind kind, struct view name);

/* @name gets a value that the text does not tell. */
void statement_assigns(struct statement *s, struct view name);
/* The name of a user variable's token, unquoted. */
struct view statement_variable(struct statement *s, const struct token *t);

/* A name equal to one of the session's temporary tables; true also when their names are not known. */
bool is_temporary(const struct statement *s, struct view name);

bool view_is(struct view v, const char *word); /* without regard to case */

#endif
