#include "proxy/topology_health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GOOD_LOOKS_TO_RETURN 2
#define LOOKS_WITHOUT_LINK   2
/* A server that has no connection left for the monitor serves those it has, for a while. */
#define LOOKS_WHILE_FULL 5

struct verdict {
	enum server_state state;
	char reason[160];
};

static struct verdict verdict_of(enum server_state state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct verdict verdict_of(enum server_state state, const char *format, ...)
{
	struct verdict v = {.state = state};
	va_list args;
	va_start(args, format);
	vsnprintf(v.reason, sizeof v.reason, format, args);
	va_end(args);
	return v;
}

static struct verdict judge_failure(const struct health *h, const struct look *look)
{
	bool served = h->state != SERVER_STATE_NEW && h->state != SERVER_STATE_DOWN;
	if (look->error.failure == LIBRARY_FULL && served && look->failures < LOOKS_WHILE_FULL)
		return verdict_of(h->state, "%.120s", look->error.text);
	if (look->error.failure == LIBRARY_DENIED)
		return verdict_of(SERVER_STATE_DOWN, "refuses the monitor: %.130s", look->error.text);
	return verdict_of(SERVER_STATE_DOWN, "%.150s", look->error.text);
}

static struct verdict judge_lag(const struct health *h, const struct health_input *in)
{
	int64_t lag = in->look->lag_us, most = (int64_t)in->max_lag;
	bool lagged = h->state == SERVER_STATE_LAGGING;
	/* Without its primary nothing new comes, so nothing new can be said. */
	if (!in->primary_up)
		return verdict_of(lagged ? SERVER_STATE_LAGGING : SERVER_STATE_UP, "%s",
		                  lagged ? h->reason : "");
	if (lag > most || (lagged && lag > most / 2))
		return verdict_of(SERVER_STATE_LAGGING, "%.1f s behind, %s %.1f s", (double)lag / 1e6,
		                  lag > most ? "max_lag is" : "returns below",
		                  (double)(lag > most ? most : most / 2) / 1e6);
	return verdict_of(SERVER_STATE_UP, "%s", "");
}

static struct verdict judge_replica(const struct health *h, const struct health_input *in)
{
	const struct look_channel *ch = in->channel;
	if (!in->look->status_known)
		return verdict_of(SERVER_STATE_STOPPED,
		                  "the monitor may not see whether its replication runs");
	if (!ch) /* a replica by hand that replicates by means of its own */
		return verdict_of(SERVER_STATE_UP, "%s", "");
	if (!ch->sql)
		return verdict_of(SERVER_STATE_STOPPED, "its SQL thread is stopped%s%.110s",
		                  *ch->error ? ": " : "", ch->error);
	if (in->primary_up && !in->attached)
		return verdict_of(SERVER_STATE_STOPPED, "it follows %.60s:%u, which is not under the primary",
		                  ch->source.host, ch->source.port);
	if (in->primary_up && ch->io == LINK_STOPPED)
		return verdict_of(SERVER_STATE_STOPPED, "its IO thread is stopped%s%.110s",
		                  *ch->error ? ": " : "", ch->error);
	if (in->primary_up && h->link_lost >= LOOKS_WITHOUT_LINK)
		return verdict_of(SERVER_STATE_STOPPED, "it has no connection to its source%s%.100s",
		                  *ch->error ? ": " : "", ch->error);
	return judge_lag(h, in);
}

static void enter(struct health *h, const struct verdict *v)
{
	h->state = v->state;
	memcpy(h->reason, v->reason, sizeof h->reason);
}

void health_note(struct health *h, const struct health_input *in)
{
	const struct look *look = in->look;
	bool ok = look->error.failure == LIBRARY_OK;
	bool lost = ok && in->is_replica && in->channel && in->channel->io != LINK_RUNNING && in->primary_up;
	h->link_lost = lost ? h->link_lost + 1 : 0;
	struct verdict v = !ok              ? judge_failure(h, look)
	                   : in->is_replica ? judge_replica(h, in)
	                                    : verdict_of(SERVER_STATE_UP, "%s", "");
	h->good = ok && v.state == SERVER_STATE_UP ? h->good + 1 : 0;
	bool returns =
	    v.state == SERVER_STATE_UP && h->state != SERVER_STATE_UP && h->state != SERVER_STATE_NEW;
	if (!returns || !in->is_replica || h->good >= GOOD_LOOKS_TO_RETURN)
		enter(h, &v);
}

void health_role_changed(struct health *h, const struct look *look)
{
	h->good = h->link_lost = 0;
	if (look->error.failure == LIBRARY_OK) {
		h->state = SERVER_STATE_UP;
		*h->reason = '\0';
	}
}
