/* Where transactions begin and end. */
#include "router/classify_family.h"
#include "router/sql_mode.h"

static void decide_begin(struct statement *s, bool read_only, bool plain)
{
	statement_decide(s, read_only ? ROUTE_REPLICA : ROUTE_PRIMARY,
	                 read_only ? REASON_READ_ONLY_TRANSACTION : REASON_BEGIN,
	                 CLASS_BEGINS | CLASS_MAY_COMMIT_IMPLICITLY |
	                     (read_only ? CLASS_BEGINS_READ_ONLY : 0) | (plain ? CLASS_PLAIN_BEGIN : 0));
}

void classify_begin(struct statement *s)
{
	bool oracle = s->dialect->flavor == FLAVOR_MARIADB && (s->dialect->sql_mode & MODE_ORACLE);
	bool block = s->dialect->flavor == FLAVOR_MARIADB && keyword_at(s) == KW_NOT;
	if (block || (oracle && !at_end(s) && keyword_at(s) != KW_WORK)) {
		classify_block(s);
		return;
	}
	accept_keyword(s, KW_WORK);
	bool plain = at_end(s);
	statement_skip(s);
	decide_begin(s, s->context->session_read_only, plain);
}

static void start_transaction(struct statement *s)
{
	bool read_only = s->context->session_read_only;
	bool plain = at_end(s);
	if (accept_keyword(s, KW_READ)) {
		read_only = keyword_at(s) == KW_ONLY;
		s->flags |= keyword_at(s) == KW_WRITE ? CLASS_BEGINS_READ_WRITE : 0;
		plain = accept_keyword(s, KW_ONLY) || accept_keyword(s, KW_WRITE);
		plain = plain && at_end(s);
	}
	for (; !at_end(s); advance(s))
		if (behind(s, 1)->word && behind(s, 1)->word->keyword == KW_READ)
			read_only = keyword_at(s) == KW_ONLY;
	decide_begin(s, read_only, plain);
}

void classify_start(struct statement *s)
{
	if (accept_keyword(s, KW_TRANSACTION))
		start_transaction(s);
	else
		classify_admin(s); /* START REPLICA, ... */
}

/* [WORK] [AND [NO] CHAIN] [[NO] RELEASE], the same behind COMMIT and ROLLBACK. */
static void completion(struct statement *s, uint32_t flag)
{
	bool chain = false, release = false;
	accept_keyword(s, KW_WORK);
	for (bool no = false; !at_end(s); advance(s)) {
		enum keyword keyword = keyword_at(s);
		if (keyword == KW_CHAIN)
			chain = !no;
		else if (keyword == KW_RELEASE)
			release = !no;
		no = keyword == KW_NO;
	}
	statement_decide(s, ROUTE_PRIMARY, REASON_COMMIT, flag);
	if (chain)
		s->flags |= CLASS_BEGINS;
	if (release)
		statement_decide(s, ROUTE_PIN, REASON_RELEASE, CLASS_RELEASES);
}

void classify_commit(struct statement *s)
{
	completion(s, CLASS_COMMITS);
}

void classify_rollback(struct statement *s)
{
	accept_keyword(s, KW_WORK);
	if (keyword_at(s) == KW_TO)
		classify_savepoint(s);
	else
		completion(s, CLASS_ROLLS_BACK);
}

void classify_savepoint(struct statement *s)
{
	statement_skip(s);
	/* It begins a transaction of which no status flag tells before a table is touched. */
	if (s->context->autocommit_off && !s->context->in_trx)
		s->pins_added |= PIN_SET_TRANSACTION;
	statement_decide(s, ROUTE_PRIMARY, REASON_COMMIT, 0);
}

void classify_xa(struct statement *s)
{
	enum keyword keyword = keyword_at(s);
	statement_skip(s);
	bool held = s->context->pins & PIN_XA;
	statement_decide(s, held ? ROUTE_PIN : ROUTE_PRIMARY, REASON_XA, 0);
	switch (keyword) {
	case KW_START:
	case KW_BEGIN:
		s->pins_added |= PIN_XA;
		statement_decide(s, ROUTE_PIN, REASON_XA, CLASS_BEGINS);
		break;
	case KW_COMMIT:
	case KW_ROLLBACK:
		s->pins_released |= PIN_XA;
		s->flags |= keyword == KW_COMMIT ? CLASS_COMMITS : CLASS_ROLLS_BACK;
		break;
	case KW_RECOVER:
		break;
	default: /* END, PREPARE: of the transaction this connection has open */
		statement_decide(s, ROUTE_PIN, REASON_XA, 0);
	}
}
