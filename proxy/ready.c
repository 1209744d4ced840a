#include "proxy/ready.h"

#include <stdatomic.h>
#include <stdio.h>

#include "proxy/snapshot.h"

static _Atomic bool draining_now;

/* NULL: every statement can run somewhere. */
static const char *lacking(const struct snapshot *s)
{
	if (atomic_load(&draining_now))
		return "draining";
	if (!s)
		return "the servers have not been looked at yet";
	if (s->held >= 0) /* another primary is there in a moment, and statements wait for it */
		return NULL;
	if (s->primary < 0 || *s->primary_reason)
		return *s->primary_reason ? s->primary_reason : "there is no primary";
	const struct server_info *primary = &s->servers[s->primary];
	if (primary->state != SERVER_STATE_UP)
		return *primary->reason ? primary->reason : "the primary is down";
	return NULL;
}

bool ready_now(char *why, size_t n)
{
	struct snapshot *s = snapshot_get();
	const char *lacks = lacking(s);
	snprintf(why, n, "%s", lacks ? lacks : "");
	snapshot_unref(s);
	return !lacks;
}

void ready_set_draining(bool draining)
{
	atomic_store(&draining_now, draining);
}

bool ready_is_draining(void)
{
	return atomic_load(&draining_now);
}
