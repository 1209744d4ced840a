/*
 * What the fake server of the bench answers: byte strings made once, each in two forms, for clients that know no EOF
 * packets any more (DEPRECATE_EOF) and for those that do.
 */
#ifndef WYE_BENCH_FAKE_ANSWERS_H
#define WYE_BENCH_FAKE_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_kind {
	ANSWER_OK,
	ANSWER_REFUSED,  /* of rights that the fake server has nothing to tell for */
	ANSWER_ONE,      /* SELECT anything: one row, 1 */
	ANSWER_POINT,    /* a point select of sysbench: one row of 119 characters */
	ANSWER_ROWS,     /* ten thousand rows, about 2 MB */
	ANSWER_STREAM,   /* 1 GiB */
	ANSWER_PREPARED, /* of a point select: one parameter, one column; its number is 1 */
	ANSWER_EXECUTED, /* its row, in the binary form */
	ANSWER_STATE,    /* and what wye's monitor asks for: */
	ANSWER_IDENTITY,
	ANSWER_POSITION,
	ANSWER_STATUS,   /* of replication, one row on a replica */
	ANSWER_KINDS
};

/* Sent as head, then `repeats` times the body, then the tail. The body holds a multiple of 256 packets, so that the
 * numbers of its packets fit every time. */
struct answer {
	uint8_t *bytes;
	size_t head, body, tail, repeats;
};

/* 0 for `source`: this server is a primary. */
void answers_make(uint16_t port, uint16_t source);
const struct answer *answer_of(enum answer_kind kind, bool deprecate_eof);

/* To a text. */
enum answer_kind answer_to(const char *sql, size_t len);

#endif
