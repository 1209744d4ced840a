/*
 * Statements that stand for all that applications send, to see what a rule is about and whether two ways of routing agree:
 * one or more of every kind that wye's classifier tells apart, and those that somebody adds.
 */
#ifndef WYE_PROXY_IMPORT_SAMPLES_H
#define WYE_PROXY_IMPORT_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/classify.h"

struct sample {
	char *text, *digest_text;
	enum route route; /* wye's own, without any rule */
	enum reason reason;
	uint64_t digest;
	bool made; /* to find out about a rule, nothing that anybody sends */
};

struct samples {
	struct sample *all;
	size_t n;
};

void samples_init(struct samples *s); /* with wye's own */
void samples_finish(struct samples *s);

/* The text is copied. One that is there already changes nothing. */
void samples_add(struct samples *s, const char *text, bool made);

/* One a line. False: `error` is one line. */
bool samples_read(struct samples *s, const char *path, char *error, size_t error_size);

#endif
