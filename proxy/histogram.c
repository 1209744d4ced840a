#include "proxy/histogram.h"

#include <math.h>

uint64_t histogram_percentile(const uint64_t counts[HISTOGRAM_BUCKETS], uint64_t zeros, double part)
{
	uint64_t all = zeros, before = zeros;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += counts[i];
	double wanted = ceil(part * (double)all);
	if (wanted <= (double)zeros)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!counts[i] || wanted > (double)(before + counts[i])) {
			before += counts[i];
			continue;
		}
		/* Within a bucket they are taken to lie evenly. */
		uint64_t from = histogram_from(i), width = histogram_from(i + 1) - from;
		double share = (wanted - (double)before - 0.5) / (double)counts[i];
		return from + (uint64_t)(share * (double)width);
	}
	return 0;
}
