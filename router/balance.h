/*
 * Choosing one server among those that may serve a statement.
 *
 * Every worker has its own `struct balance` and chooses without talking to the others; the policies are such
 * that the sum of many workers' choices is as even as one's. Randomness comes in as an argument, so that a
 * test gets the same answer every time.
 */
#ifndef WYE_ROUTER_BALANCE_H
#define WYE_ROUTER_BALANCE_H

#include <stdint.h>

#define BALANCE_SLOTS      256u /* servers the round robin keeps a credit for */
#define BALANCE_NONE       UINT32_MAX
#define BALANCE_WEIGHT_MAX 10000u

enum balance_policy {
	BALANCE_ROUND_ROBIN,       /* in turn, by weight, spread evenly (the default) */
	BALANCE_WEIGHTED,          /* at random, by weight */
	BALANCE_LEAST_CONNECTIONS, /* fewest statements in flight for its weight */
	BALANCE_LEAST_LATENCY,     /* two at random, the one expected to answer first */
	BALANCE_SOURCE_HASH /* always the same for the same hash, as far as the set of servers allows */
};

struct candidate {
	unsigned slot;       /* the server's number, the same in all snapshots */
	unsigned weight;     /* 0: only when nobody has more */
	uint32_t in_flight;  /* statements running there now */
	uint32_t latency_us; /* moving average (balance_ewma); 0: not known yet */
	unsigned distance;   /* 0: own zone; only the nearest candidates are chosen from */
};

/* Zeroed is a valid one. */
struct balance {
	int32_t credit[BALANCE_SLOTS];
};

/* The index in c of the one chosen, BALANCE_NONE when n is 0. `random` is a fresh random number, or, for
 * BALANCE_SOURCE_HASH, a hash of the client's address. */
unsigned balance_pick(struct balance *b, enum balance_policy policy, const struct candidate *c, unsigned n,
                      uint64_t random);

/* The one at index `at` serves without having been chosen: the round robin takes it into account. How many turns of
 * the whole field it is ahead of its share now. */
unsigned balance_charge(struct balance *b, const struct candidate *c, unsigned n, unsigned at);

/* The policy of that name ("round_robin", "weighted", "least_connections", "least_latency", "source_hash"),
 * or -1. */
int balance_policy_of(const char *name);
const char *balance_policy_name(enum balance_policy policy);

/* The moving average after one more sample (weight 1/8; the first sample is taken whole). Never 0. */
uint32_t balance_ewma(uint32_t average_us, uint32_t sample_us);

/* A fast generator for the argument above; *state is any number, kept by the worker. */
uint64_t balance_random(uint64_t *state);

#endif
