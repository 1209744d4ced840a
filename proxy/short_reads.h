/*
 * Which reads are known to be short, by their digests' own history: those that other statements may stand behind.
 *
 * One of a digest is short when it is answered within SHORT_READS_MS. Since a crowded server takes long for everything, the
 * time is divided among those that ran beside it, and it is enough that some of the last ones were short. A digest whose statements keep others waiting
 * more than now and then is out for a while. The table is one worker's, of fixed size; a digest that falls on another's place takes it.
 */
#ifndef WYE_PROXY_SHORT_READS_H
#define WYE_PROXY_SHORT_READS_H

#include <stdbool.h>
#include <stdint.h>

#define SHORT_READS_MS    2u
#define SHORT_READS_BYTES (32u << 10) /* longer answers keep others waiting, too */

struct short_reads;

struct short_reads *short_reads_create(void); /* NULL: out of memory, which every function takes for "nothing known" */
void short_reads_destroy(struct short_reads *t);

/* Times are of a monotonic clock, in ms. */
bool short_reads_know(const struct short_reads *t, uint64_t digest, uint64_t now_ms);

/* One has been answered: so long after the server could begin with it, beside so many others, in so many bytes. */
void short_reads_note(struct short_reads *t, uint64_t digest, uint64_t took_ms, uint64_t beside, uint64_t bytes,
		      uint64_t now_ms);

/* One has kept others waiting: when that is no exception, the digest is refused for a while. */
void short_reads_strike(struct short_reads *t, uint64_t digest, uint64_t now_ms);

/* Its answer was not a plain one: refused for a while. */
void short_reads_refuse(struct short_reads *t, uint64_t digest, uint64_t now_ms);

#endif
