/*
 * Where a statement would run and why, told by the code that runs statements: a worker is asked to classify and route it
 * in a session that has just logged in, and nothing is sent.
 */
#ifndef WYE_PROXY_EXPLAIN_H
#define WYE_PROXY_EXPLAIN_H

#include <stdbool.h>

/* Empty texts: nothing to tell. */
struct explanation {
	char route[24], reason[40];
	char server[280];       /* the one chosen; empty: wye answers itself, or there is none */
	char outcome[360];      /* what happens there, or why there is none */
	char consistency[200];  /* the level, where it comes from, and what it means here */
	char servers[4096];     /* each with why or why not, a line each */
	char hint[240];         /* what the statement asks for in its own words */
	char rules[1024];       /* those that matched, in order, and what each did */
	char effects[2048];     /* what it does and changes, by the classifier's words */
	char pins[512];         /* what would tie the session to its connection */
	char digest[24];
	char digest_text[2049];
	char text[2049];        /* the statement as it runs, when a rule has made it another */
};

/* `user` and `schema` may be empty; `client` is an address that rules may ask for, empty: 127.0.0.1. Control thread only;
 * false: the worker did not answer in time. */
bool explain_route(const char *sql, const char *user, const char *schema, const char *client, struct explanation *out);

#endif
