#include "proxy/log_repeats.h"

#include <string.h>

#define SECOND_US 1000000LL
#define NAMES_MAX 64u /* events there are more than enough; one beyond is never left out */

static struct {
	char event[40];
	enum log_level level; /* of the last one left out */
	int64_t since_us;
	uint64_t lines, left_out;
} seen[NAMES_MAX];
static unsigned n_seen, n_pending;

static unsigned find(const char *event)
{
	for (unsigned i = 0; i < n_seen; i++)
		if (strcmp(seen[i].event, event) == 0)
			return i;
	if (n_seen == NAMES_MAX)
		return NAMES_MAX;
	memset(&seen[n_seen], 0, sizeof seen[n_seen]);
	strncpy(seen[n_seen].event, event, sizeof seen[n_seen].event - 1);
	return n_seen++;
}

static void end_second(unsigned i, log_repeats_fn *tell)
{
	uint64_t left_out = seen[i].left_out;
	seen[i].left_out = seen[i].lines = 0;
	if (!left_out)
		return;
	n_pending--;
	tell(seen[i].event, seen[i].level, left_out);
}

bool log_repeats_allow(const char *event, enum log_level level, int64_t now_us, uint64_t most, log_repeats_fn *tell)
{
	unsigned i = find(event);
	if (i == NAMES_MAX)
		return true;
	if (now_us - seen[i].since_us >= SECOND_US || now_us < seen[i].since_us) {
		end_second(i, tell);
		seen[i].since_us = now_us;
	}
	if (seen[i].lines++ < most)
		return true;
	n_pending += seen[i].left_out == 0;
	seen[i].left_out++;
	seen[i].level = level;
	return false;
}

void log_repeats_tell(int64_t now_us, log_repeats_fn *tell)
{
	for (unsigned i = 0; i < n_seen && n_pending; i++)
		if (seen[i].left_out && now_us - seen[i].since_us >= SECOND_US)
			end_second(i, tell);
}

bool log_repeats_pending(void)
{
	return n_pending > 0;
}
