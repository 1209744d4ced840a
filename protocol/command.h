/*
 * The commands by number: what each is called and what its answer looks like.
 *
 * What wye does with a command (relay it, answer it, refuse it) is not here: that is the proxy's to decide.
 */
#ifndef WYE_PROTOCOL_COMMAND_H
#define WYE_PROTOCOL_COMMAND_H

#include <stdint.h>

/* The shapes of answers. Each may be an ERR packet instead, except ANSWER_NONE. */
enum command_answer {
	ANSWER_NONE,      /* the server says nothing, whatever happens */
	ANSWER_OK,        /* one OK; also for what servers refuse, whose answer is an ERR */
	ANSWER_EOF,       /* one EOF or OK, in any of their forms */
	ANSWER_RESULTSET, /* OK, LOCAL INFILE or a result set, and more of them while MORE_RESULTS is set */
	ANSWER_ROWS,      /* rows without definitions, and their end */
	ANSWER_FIELDS,    /* definitions without a count, and their end */
	ANSWER_PREPARE,   /* PREPARE_OK, definitions of parameters and of columns */
	ANSWER_STRING,    /* one packet of bare text */
	ANSWER_AUTH,      /* an authentication exchange, ended by OK */
	ANSWER_STREAM,    /* events without an end, as rows */
	ANSWER_FOREIGN    /* another protocol begins: nothing here can follow it */
};

struct command_info {
	const char *name; /* as the manuals write it: "COM_QUERY" */
	enum command_answer answer;
};

/* Never NULL: a number that nobody knows is "COM_UNKNOWN", which servers answer with ERR 1047. */
const struct command_info *command_info(uint8_t command);

#endif
