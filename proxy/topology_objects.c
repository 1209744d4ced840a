/* The stored functions and views that the snapshots carry: loaded from the primary, anew from time to time and at once
 * after a client has changed one. */
#include <stdatomic.h>

#include "proxy/topology_state.h"

/* Requests that come within this time of the last answer are answered together. */
#define GAP_US 100000
/* The primary that does not answer in this time is asked again. */
#define PATIENCE_US 5000000
/* One that could not tell is asked again after this time, or catalog_interval if that is shorter. */
#define RETRY_US 1000000

static _Atomic uint64_t requested;

uint64_t topology_objects_requested(void)
{
	return atomic_load_explicit(&requested, memory_order_relaxed);
}

void topology_request_objects(void)
{
	atomic_fetch_add(&requested, 1);
	if (topology.loop)
		uv_async_send(&topology.news);
}

static void note_failure(struct objects_state *o, const struct member *m, const struct library_error *error)
{
	if (o->told_failure != error->code)
		topology_note(LOG_LEVEL_WARNING, "catalog-failed", m->name,
		              "cannot read the stored functions and views: %s", error->text);
	o->told_failure = error->code;
}

static void install(struct objects_state *o, struct member *m, const struct monitor_objects *got)
{
	o->told_failure = 0;
	o->answered = got->ticket;
	if (object_set_equal(o->set, got->set))
		return;
	topology_note(LOG_LEVEL_INFO, "catalog-loaded", m->name, "%zu functions that read, %zu views that write",
	              object_set_count(got->set, OBJECT_FUNCTION, OBJECT_READS),
	              object_set_count(got->set, OBJECT_VIEW, OBJECT_WRITES));
	object_set_unref(o->set);
	o->set = object_set_ref(got->set);
}

static int64_t until_next(bool loaded)
{
	int64_t interval = (int64_t)topology.settings.catalog_interval;
	return loaded || interval < RETRY_US ? interval : RETRY_US;
}

static void take_answers(struct objects_state *o)
{
	for (unsigned i = 0; i < topology.members.n; i++) {
		struct member *m = topology.members.all[i];
		struct monitor_objects got;
		if (!m->monitor || !monitor_take_objects(m->monitor, &got))
			continue;
		/* Of a server that is the primary no more, it says nothing of the new one. */
		bool wanted = o->asking && o->asked_slot == m->slot && m == topology_primary();
		if (wanted) {
			o->asking = false;
			o->ended_us = topology.now_us;
			o->next_us = topology.now_us + until_next(got.set != NULL);
			m->look.missing |= got.missing; /* as every look from now on says itself */
			if (got.set)
				install(o, m, &got);
			else
				note_failure(o, m, &got.error);
		}
		object_set_unref(got.set);
	}
}

void topology_objects_turn(void)
{
	struct objects_state *o = &topology.objects;
	take_answers(o);
	struct member *primary = topology_primary();
	if (o->asking && topology.now_us - o->asked_us > PATIENCE_US)
		o->asking = false;
	bool asked_for = topology_objects_requested() > o->answered && topology.now_us - o->ended_us >= GAP_US;
	bool other_primary = primary && primary->slot != o->asked_slot;
	if (o->asking || !primary || !primary->monitor || !topology_member_up(primary) ||
	    (!asked_for && !other_primary && topology.now_us < o->next_us))
		return;
	o->asking = true;
	o->asked_slot = primary->slot;
	o->asked_us = topology.now_us;
	monitor_want_objects(primary->monitor, topology_objects_requested());
}
