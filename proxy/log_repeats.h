/*
 * Events that come too often: of each name so many lines a second, the rest is counted and told when the second is over.
 * One thread's.
 */
#ifndef WYE_PROXY_LOG_REPEATS_H
#define WYE_PROXY_LOG_REPEATS_H

#include "proxy/log.h"

typedef void log_repeats_fn(const char *event, enum log_level level, uint64_t times);

/* False: it is left out, and counted. A second that is over is told first. */
bool log_repeats_allow(const char *event, enum log_level level, int64_t now_us, uint64_t most, log_repeats_fn *tell);
/* Tells those whose second is over. */
void log_repeats_tell(int64_t now_us, log_repeats_fn *tell);
bool log_repeats_pending(void); /* something was left out and not told yet */

#endif
