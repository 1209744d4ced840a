#include "proxy/session/lookout.h"

#include "proxy/positions.h"
#include "proxy/session/session.h"

/* Of all workers, at a replica. */
#define LOOKOUTS 4u
/* What other workers' lookouts and the looks have told is taken note of so often. */
#define LISTEN_MS 1u

static unsigned most_of(const struct server_info *server)
{
	unsigned workers = stats_workers();
	return server->flavor == FLAVOR_MYSQL ? (LOOKOUTS + workers - 1) / workers : UINT_MAX;
}

static bool is_reached(struct session *s)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	const struct position *need = freshness_need(s);
	for (unsigned i = 0; i < snapshot->n_servers; i++)
		if (snapshot->servers[i].takes_reads && positions_reached(snapshot->servers[i].slot, need))
			return true;
	return false;
}

static void wake_reached(struct worker *w)
{
	struct session *s;
	TAILQ_FOREACH(s, &w->standing_by, run->stand_link)
		if (is_reached(s))
			session_wake(s);
}

static void on_listen(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	uint64_t now = uv_hrtime() / 1000, most = w->snapshot->settings->causal_timeout;
	struct session *s;
	if (TAILQ_EMPTY(&w->standing_by)) {
		uv_timer_stop(timer);
		return;
	}
	positions_want(worker_now(w));
	wake_reached(w);
	/* The longest first. */
	TAILQ_FOREACH(s, &w->standing_by, run->stand_link) {
		if (now - s->run->lacks_since < most)
			break;
		session_wake(s);
	}
}

static void stand_by(struct session *s)
{
	struct worker *w = s->worker;
	if (s->run->stands_by)
		return;
	s->run->stands_by = true;
	TAILQ_INSERT_TAIL(&w->standing_by, s, run->stand_link);
	if (!uv_is_active((const uv_handle_t *)&w->listen_timer))
		uv_timer_start(&w->listen_timer, on_listen, LISTEN_MS, LISTEN_MS);
}

static void stop_standing_by(struct session *s)
{
	if (s->run->stands_by)
		TAILQ_REMOVE(&s->worker->standing_by, s, run->stand_link);
	s->run->stands_by = false;
}

bool lookout_enter(struct session *s, const struct server_info *server)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	if (r->explanation || r->lookout)
		return true;
	if (!r->lacks_since)
		r->lacks_since = uv_hrtime() / 1000;
	if (w->lookouts[server->slot] >= most_of(server)) {
		stand_by(s);
		return false;
	}
	stop_standing_by(s);
	w->lookouts[server->slot]++;
	r->lookout = (uint8_t)(server->slot + 1);
	return true;
}

void lookout_leave(struct session *s)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	stop_standing_by(s);
	if (!r->lookout)
		return;
	w->lookouts[r->lookout - 1]--;
	r->lookout = 0;
	wake_reached(w);
	if (!TAILQ_EMPTY(&w->standing_by))
		session_wake(TAILQ_FIRST(&w->standing_by));
}

void lookouts_init(struct worker *w)
{
	TAILQ_INIT(&w->standing_by);
	uv_timer_init(&w->loop, &w->listen_timer);
	w->listen_timer.data = w;
}
