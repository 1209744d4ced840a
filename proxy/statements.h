/*
 * What is known of statements by their digest, and of servers by kind of statement: one table of each a worker.
 *
 * The worker alone writes, without a lock; whoever wants to know reads it as it is (proxy/tally.h). A digest is counted
 * apart for each server, account name and default schema. The time of a statement, from its last byte's arrival to its
 * answer's end, is divided in three: queue (for a connection, or for a replica to have applied what it must see), server
 * (from its sending; a client that takes its answer slowly counts here), and wye's own, which is the rest.
 */
#ifndef WYE_PROXY_STATEMENTS_H
#define WYE_PROXY_STATEMENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "proxy/histogram.h"
#include "proxy/tally.h"

#define STATEMENT_TEXT_MAX 1024u
#define STATEMENT_NO_SERVER (-1) /* wye has answered it */

/* Kinds of statements: word and what people read about it. */
#define STATEMENT_CLASSES(X)                                                                                           \
	X(READ, "read", "a replica may run it")                                                                        \
	X(PRIMARY_READ, "primary-read", "it writes nothing and belongs on the primary: locking reads, and the like")   \
	X(WRITE, "write", "it changes rows, or calls what may")                                                        \
	X(DEFINITION, "definition", "it changes definitions or accounts")                                              \
	X(TRANSACTION, "transaction", "it begins or ends a transaction")                                               \
	X(SESSION, "session", "it changes the session's state")
enum statement_class {
#define X(name, word, help) STATEMENT_##name,
	STATEMENT_CLASSES(X)
#undef X
		STATEMENT_CLASS_COUNT
};
const char *statement_class_name(enum statement_class class);

enum statement_part { PART_ALL, PART_SERVER, PART_OWN, PART_QUEUE, PARTS };

/* Who a row of a digest is about. */
struct statement_id {
	uint64_t digest;
	int64_t slot;      /* of the server, or STATEMENT_NO_SERVER */
	char schema[72];   /* the default one, empty: none */
	char user[88];
	char text[STATEMENT_TEXT_MAX]; /* the digest's, cut */
};

struct statement_times {
	_Atomic uint64_t statements, errors;
	_Atomic uint64_t sum_us[PARTS], max_us;
	_Atomic uint64_t histograms[PARTS][HISTOGRAM_BUCKETS]; /* of PART_QUEUE without those that did not wait */
};

struct statement_counts {
	_Atomic uint64_t first_us, last_us; /* monotonic clock */
	_Atomic uint64_t min_us;
	_Atomic uint64_t rows_sent, rows_affected;
	_Atomic uint64_t bytes_received, bytes_sent; /* from and to clients */
	struct statement_times times;
};

/* The same as they are read. */
struct statement_times_read {
	uint64_t statements, errors;
	uint64_t sum_us[PARTS], max_us;
	uint64_t histograms[PARTS][HISTOGRAM_BUCKETS];
};
struct statement_counts_read {
	uint64_t first_us, last_us;
	uint64_t min_us;
	uint64_t rows_sent, rows_affected;
	uint64_t bytes_received, bytes_sent;
	struct statement_times_read times;
};

/* One that has ended. */
struct statement_done {
	int slot;
	enum statement_class class;
	bool failed;
	uint64_t now_us, part_us[PARTS];
	uint64_t rows_sent, rows_affected;
	uint64_t bytes_received, bytes_sent;
};

struct statements {
	struct tally *digests;
	struct statement_times *classes; /* [slot + 1][class] */
};

/* Of one worker; false: no memory. */
bool statements_init(struct statements *t, size_t digests);
void statements_finish(struct statements *t);

/* schema_digest: a hash of digest and schema; user_hash: of the account's name. */
uint64_t statement_key(uint64_t schema_digest, uint64_t user_hash, int slot);

void statement_note(struct statements *t, struct tally_ticket digest, const struct statement_done *done);

/* Digest 0: all, and the times by class too. */
void statements_forget(struct statements *t, uint64_t digest);

/* Any thread: the times of a class, as they are now; false: there are none. */
bool statement_class_read(const struct statements *t, int slot, enum statement_class class,
			  struct statement_times_read *out);
/* Adds up what is read of several workers. */
void statement_times_join(struct statement_times_read *sum, const struct statement_times_read *more);
void statement_counts_join(struct statement_counts_read *sum, const struct statement_counts_read *more);
uint64_t statement_percentile(const struct statement_times_read *t, enum statement_part part, double share);

#endif
