/*
 * The errors that clients were answered with, by server, account name and code: one table a worker, for stats_errors.
 *
 * Written by the worker alone, read by anybody (proxy/tally.h). A row keeps the text of its first error, without what may
 * be data.
 */
#ifndef WYE_PROXY_ERRORS_SEEN_H
#define WYE_PROXY_ERRORS_SEEN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "proxy/tally.h"

#define ERRORS_SEEN_ROWS 256u

struct error_id {
	int64_t slot; /* of the server, or STATEMENT_NO_SERVER: wye's own */
	uint64_t code;
	char sqlstate[8];
	char user[88];
	char text[256];
	char statement[256]; /* the digest's text of the first one, cut */
};

struct error_counts {
	_Atomic uint64_t errors;
	_Atomic uint64_t first_us, last_us; /* monotonic clock */
	_Atomic uint64_t digest;            /* of the last one's statement, 0: none */
};
struct error_counts_read {
	uint64_t errors, first_us, last_us, digest;
};

/* Of one worker; NULL: no memory. */
struct tally *errors_seen_create(void);

/* True when its row is there already; else it wants the texts too. */
bool error_seen_before(struct tally *t, int slot, const char *user, uint16_t code, struct tally_ticket *ticket);
struct tally_ticket error_seen_add(struct tally *t, const struct error_id *id);
void error_seen_note(struct tally *t, struct tally_ticket ticket, uint64_t digest, uint64_t now_us);

void error_counts_join(struct error_counts_read *sum, const struct error_counts_read *more);

/* The text of an error of this code with what may be data replaced: what stands in quotes, except where only names
 * do. */
void error_text_without_data(uint16_t code, struct view text, char *out, size_t out_size);

#endif
