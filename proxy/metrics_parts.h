/* The parts of /metrics, one file each (metrics_NOUN.c); metrics.c writes them one after the other. */
#ifndef WYE_PROXY_METRICS_PARTS_H
#define WYE_PROXY_METRICS_PARTS_H

#include <stdio.h>

#include "proxy/snapshot.h"
#include "proxy/stats.h"

/* The label `server` of what wye has answered itself. */
#define METRIC_SERVER_SELF "wye"

void metrics_write_servers(FILE *out, const struct snapshot *s);
void metrics_write_latency(FILE *out, const struct snapshot *s);
void metrics_write_errors(FILE *out, const struct snapshot *s);
void metrics_write_process(FILE *out);
/* The same under the names of ProxySQL's endpoint, for dashboards that know those. */
void metrics_write_proxysql(FILE *out, const struct snapshot *s);

/* One counter of a block, by its offset in it. */
static inline uint64_t metrics_counter_at(const void *block, size_t offset)
{
	return stat_get((const _Atomic uint64_t *)((const char *)block + offset));
}

/* A counter of struct worker_stats, or of a server's struct server_counters, of all workers together. */
static inline uint64_t metrics_worker_sum(size_t offset)
{
	uint64_t sum = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		sum += metrics_counter_at(stats_worker(w), offset);
	return sum;
}

static inline uint64_t metrics_server_sum(const struct server_info *s, size_t offset)
{
	uint64_t sum = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		sum += metrics_counter_at(&stats_worker(w)->servers[s->slot], offset);
	return sum;
}

#endif
