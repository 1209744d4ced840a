#include "proxy/pause.h"

#include "proxy/session/session.h"
#include "proxy/worker.h"

_Atomic bool pause_state;

static void wake(struct worker *w, void *arg)
{
	(void)arg;
	sessions_wake_all(&w->waiting);
}

bool pause_set(bool on)
{
	if (atomic_exchange(&pause_state, on) == on)
		return false;
	for (unsigned i = 0; !on && i < workers_count(); i++)
		worker_post(worker_at(i), wake, NULL);
	return true;
}
