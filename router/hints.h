/*
 * What a client asks of the route in its own words: in a comment of the statement, in a query attribute, or in a
 * variable of the session.
 *
 * In a comment, which may stand anywhere in the statement, `wye:` is followed by words separated by blanks or commas:
 *	primary | replica       where (of both, primary counts)
 *	server=host:port        that server, by its address as the console shows it
 *	consistency=LEVEL       eventual, session, global or primary, for this statement
 *	max_lag=TIME            no replica that is further behind
 *	timeout=TIME            the statement is stopped after that time
 *	causal_key=NAME         what was written under this name, by any session, is seen
 * A TIME has a unit (us, ms, s, m, h); without one it means seconds. A value may stand in quotes.
 *
 * The spellings of other proxies that mean the same are read too. Words that are not understood are counted and
 * mean nothing. A hint is a wish: what it may move is the classifier's decision.
 */
#ifndef WYE_ROUTER_HINTS_H
#define WYE_ROUTER_HINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

enum hint_consistency {
	HINT_CONSISTENCY_NONE,
	HINT_CONSISTENCY_EVENTUAL,
	HINT_CONSISTENCY_SESSION,
	HINT_CONSISTENCY_GLOBAL,
	HINT_CONSISTENCY_PRIMARY
};

/* All zero: none. */
struct hints {
	bool given;        /* some were, or were tried */
	bool primary, replica;
	bool has_max_lag;
	enum hint_consistency consistency;
	unsigned ignored;  /* words that were not understood */
	uint64_t max_lag;  /* us, with has_max_lag */
	uint64_t timeout;  /* us, 0: none */
	struct view server, causal_key; /* in the text that was read; empty: none */
};

/* The inside of a comment, without its marks. */
void hints_read_comment(struct hints *h, struct view body);

/* One by name: "route" (primary, replica, or auto for neither), "server", "consistency", "max_lag", "timeout",
 * "causal_key". An empty value takes it back. False, and counted, when name or value are not understood. */
bool hints_set(struct hints *h, struct view name, struct view value);

/* Adds what h itself does not say; where to run (primary, replica, server) is one thing. */
void hints_inherit(struct hints *h, const struct hints *from);

#endif
