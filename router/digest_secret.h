/*
 * Where in a statement a password stands, for texts of digests: what stands there is no part of them, also when it is no
 * literal. Under ANSI_QUOTES "secret" is a name, and who forgets the quotes writes a word; servers refuse both, and the
 * text would be kept all the same.
 */
#ifndef WYE_ROUTER_DIGEST_SECRET_H
#define WYE_ROUTER_DIGEST_SECRET_H

#include "router/lexer.h"

struct digest_secret {
	bool begun;      /* the statement has a first word, */
	bool of_account; /* which is one of those that define accounts, set variables or administrate */
	bool identified; /* IDENTIFIED has been there */
	bool sets;         /* it is SET: */
	bool set_password; /* ... PASSWORD, where it stands behind the equals sign */
	enum { SECRET_NOWHERE, SECRET_NAMED, SECRET_NEXT } at; /* NAMED: behind the word that says so, NEXT: surely */
};

/* Of each token of one statement in order, beginning with all zero. True: it is, or may be, a password. */
bool digest_secret_is(struct digest_secret *s, const struct token *t);

#endif
