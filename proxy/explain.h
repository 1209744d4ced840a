/*
 * Where a statement would run and why, told by the code that runs statements: a worker is asked to classify and route it
 * in a session that has just logged in, in one that has then run other statements, or in one that is there. Nothing is
 * sent.
 */
#ifndef WYE_PROXY_EXPLAIN_H
#define WYE_PROXY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* In which session. */
#define EXPLAIN_AFTER_MAX 16u
struct explain_where {
	const char *user, *schema; /* of one that has just logged in; may be empty */
	const char *client;        /* its address, which rules may ask for; empty: 127.0.0.1 */
	const char *after[EXPLAIN_AFTER_MAX]; /* and has run these since, each one command, of which none failed */
	unsigned n_after;
	uint32_t connection; /* or one that is there, as it is now, by its id; 0: none */
};

/* Control thread only; False: `error` says why it cannot be told. */
bool explain_route(const char *sql, const struct explain_where *where, struct explanation *out, char *error,
		   size_t error_size);

#endif
