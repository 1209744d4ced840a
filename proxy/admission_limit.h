/*
 * How many statements a server runs well at once, found by trying: pure.
 *
 * The rates of two periods in a row are compared. Fewer are let in while that costs nothing, and the way is turned round
 * when a step has cost throughput, so that the limit stays about the least that gives the most.
 */
#ifndef WYE_PROXY_ADMISSION_LIMIT_H
#define WYE_PROXY_ADMISSION_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define ADMISSION_FIRST 16u
#define ADMISSION_LEAST 2u
#define ADMISSION_MOST  1024u

struct admission_limit {
	unsigned limit;
	bool grows;    /* at the last step */
	uint64_t rate; /* of the period before, in any unit */
};

void admission_limit_init(struct admission_limit *l);

/* A period in which the limit was what held statements up, and how many ended a second in it. */
void admission_limit_step(struct admission_limit *l, uint64_t rate);

#endif
