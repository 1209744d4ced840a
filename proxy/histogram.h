/*
 * Times in microseconds, counted in buckets: four to each doubling, so that a percentile is off by a tenth at most.
 *
 * The arrays are the users': this is the arithmetic only. The last bucket takes all that is longer than a minute.
 */
#ifndef WYE_PROXY_HISTOGRAM_H
#define WYE_PROXY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 104u

static inline unsigned histogram_bucket(uint64_t us)
{
	if (us < 4)
		return (unsigned)us;
	unsigned power = 63u - (unsigned)__builtin_clzll(us);
	unsigned bucket = 4 * (power - 1) + (unsigned)(us >> (power - 2) & 3);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The least time that is counted in it; for HISTOGRAM_BUCKETS, where the last one is taken to end. */
static inline uint64_t histogram_from(unsigned bucket)
{
	return bucket < 4 ? bucket : (4ull + bucket % 4) << (bucket / 4 - 1);
}

/* The time below which `part` (0 to 1) of all lie, in us, where `zeros` more were no time at all; 0 when there are none. */
uint64_t histogram_percentile(const uint64_t counts[HISTOGRAM_BUCKETS], uint64_t zeros, double part);

#endif
