/*
 * Compound statements: texts in which a ';' does not end the statement.
 *
 * What counts is where the block ends. BEGIN and CASE open one, END closes it; the END of IF, LOOP, WHILE,
 * REPEAT and FOR names what it ends, so that neither those nor their END need to be counted.
 */
#include "router/classify_family.h"

/* True when an END here ends something: behind it stands nothing, a ';' or a label. */
static bool ends_block(struct statement *s)
{
	if (at_end(s))
		return true;
	if (current(s)->kind == TOKEN_QUOTED)
		return true;
	return current(s)->kind == TOKEN_WORD && !(current(s)->word && current(s)->word->reserved);
}

/* END [CASE|IF|LOOP|WHILE|REPEAT|FOR]: gives how many blocks it closes. */
static unsigned on_end(struct statement *s)
{
	advance(s);
	switch (keyword_at(s)) {
	case KW_IF:
	case KW_LOOP:
	case KW_WHILE:
	case KW_REPEAT:
	case KW_FOR:
		advance(s);
		return 0;
	case KW_CASE:
		advance(s);
		return 1;
	default:
		/* Inside an expression END ends a CASE, and anything may follow it. */
		return 1;
	}
}

/*
 * Reads a block and what stands before it, up to the ';' behind it. False when it did not end before the text
 * did. With runs set, what the block does is noted in s->seen.
 */
static bool read_block(struct statement *s, unsigned depth)
{
	unsigned cases = 0;
	while (current(s)->kind != TOKEN_END) {
		if (current(s)->kind == ';' && !depth)
			return true;
		bool is_name = behind(s, 1)->kind == '.';
		switch (is_name ? KW_OTHER : keyword_at(s)) {
		case KW_BEGIN:
			advance(s);
			/* A column may be called begin. */
			if (current(s)->kind == TOKEN_WORD || current(s)->kind == ';')
				depth++;
			continue;
		case KW_CASE:
			advance(s);
			cases++;
			continue;
		case KW_END: {
			unsigned closes = on_end(s);
			if (cases && closes)
				cases--;
			else if (closes && depth && ends_block(s))
				depth--;
			continue;
		}
		default:
			advance(s);
		}
	}
	return !depth && !cases;
}

void classify_skip_body(struct statement *s)
{
	if (!read_block(s, 0))
		s->pins_added |= PIN_UNKNOWN;
}

/* Which words of a running block change what the session is: a look at all of them, wherever they stand. */
void classify_block(struct statement *s)
{
	while (current(s)->kind != TOKEN_END) {
		statement_scan(s, 0);
		accept_kind(s, ';');
	}
	if (s->seen & (SEEN_STATE | SEEN_USER_VARIABLE | SEEN_ASSIGNMENT | SEEN_GET_LOCK))
		s->pins_added |= PIN_UNKNOWN;
	statement_decide(s, ROUTE_PRIMARY, REASON_COMPOUND,
	                 CLASS_WRITES | CLASS_CALLS | CLASS_TOUCHES_TABLE | CLASS_MAY_COMMIT_IMPLICITLY);
}
