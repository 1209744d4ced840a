/*
 * Which reads are known to be short, by their digests' own history: those that other statements may stand behind.
 *
 * What one of a digest costs its server is taken from those that had a connection to themselves: the quickest of the last
 * ones, since everything takes long on a crowded server, and without the way to the server and back. Only some are timed
 * once a digest is known. A digest whose statements keep others waiting more than now and then is out for a while. The
 * table is one worker's, of fixed size; a digest that falls on another's place takes it.
 */
#ifndef WYE_PROXY_SHORT_READS_H
#define WYE_PROXY_SHORT_READS_H

#include <stdbool.h>
#include <stdint.h>

/* What those that stand behind one another may cost together, and so the longest that one may cost is a half of it. */
#define SHORT_READS_TOGETHER_US 2000u
#define SHORT_READS_BYTES (32u << 10) /* longer answers keep others waiting, too */

struct short_reads;

struct short_reads *short_reads_create(void); /* NULL: out of memory, which every function takes for "nothing known" */
void short_reads_destroy(struct short_reads *t);

/* us that one of this digest costs its server; 0: it is not known to be short. Times now_ms are of a monotonic clock. */
uint32_t short_reads_cost(const struct short_reads *t, uint64_t digest, uint64_t now_ms);

/* The next one of this digest is to be timed, if it gets a connection to itself. */
bool short_reads_asks(struct short_reads *t, uint64_t digest);

/* It has been answered: it took so many us, on a server where so many statements of the pool ran. */
void short_reads_note(struct short_reads *t, uint64_t digest, uint64_t us, uint64_t beside);

/* One has kept others waiting: when that is no exception, the digest is refused for a while. */
void short_reads_strike(struct short_reads *t, uint64_t digest, uint64_t now_ms);

/* Its answer was not a plain one, or too large: refused for a while. */
void short_reads_refuse(struct short_reads *t, uint64_t digest, uint64_t now_ms);

#endif
