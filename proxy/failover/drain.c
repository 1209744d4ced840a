#include "proxy/failover/drain.h"

#include <string.h>
#include <time.h>

#include "proxy/session/session.h"
#include "proxy/worker.h"
#include "proxy/worker_call.h"

#define LOOK_EVERY_MS 3
/* Of one worker, whose answer is copied as a whole. */
#define TIED_HERE 256u

struct use_here {
	unsigned slot, busy, n_tied;
	uint32_t tied[TIED_HERE];
};

static bool is_at(const struct backend *b, unsigned slot)
{
	return b && b->slot == slot;
}

static void count(struct worker *w, void *arg)
{
	struct use_here *use = arg;
	const struct session *s;
	TAILQ_FOREACH(s, &w->sessions, link) {
		bool runs = is_at(s->backend, use->slot) || (s->run && is_at(s->run->behind, use->slot));
		bool tied = is_at(s->pinned, use->slot);
		bool open = tied && (session_in_trx(s) || (s->pins & (PIN_TABLE_LOCK | PIN_XA)));
		use->busy += runs || open;
		if (tied && (open || (s->pins & ~(uint32_t)PIN_LAST_STATEMENT)) && use->n_tied < TIED_HERE)
			use->tied[use->n_tied++] = s->pinned->thread_id;
	}
}

bool drain_look(unsigned slot, struct drain_use *out)
{
	bool all = true;
	out->busy = out->n_tied = 0;
	for (unsigned i = 0; i < workers_count(); i++) {
		struct use_here here = {.slot = slot};
		if (!worker_call(worker_at(i), count, &here, sizeof here)) {
			all = false;
			continue;
		}
		out->busy += here.busy;
		for (unsigned k = 0; k < here.n_tied && out->n_tied < DRAIN_TIED_MAX; k++)
			out->tied[out->n_tied++] = here.tied[k];
	}
	return all;
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

bool drain_wait(unsigned slot, uint64_t timeout_us, bool (*stopping)(void), struct drain_use *out)
{
	uint64_t until = now_us() + timeout_us;
	for (;;) {
		if (drain_look(slot, out) && !out->busy)
			return true;
		if (now_us() >= until || stopping())
			return false;
		nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
	}
}
