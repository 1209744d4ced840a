/*
 * Where a read runs, so that it misses nothing that its session has written or read before.
 *
 * First choice is a replica that is known to have all of it. Else one that is expected to have it soon: the wait for it
 * is written ahead of the statement, in the same write. Else the primary.
 *
 * What the session has read (the "bound") is known only by where and when: a look at that server's position which began
 * later tells an upper limit of it. Until there is such a look the session stays on that server, which never goes back
 * in time, or asks it for its position.
 */
#include <limits.h>

#include "proxy/positions.h"
#include "proxy/session/lookout.h"
#include "proxy/session/session.h"

/* A wait is worth it where at most this part of causal_timeout is expected. */
#define WORTH_PART 2u
/* Replicas are as good as each other when they are expected within so much of the first, in parts of its time. */
#define ALIKE_PART 2u
/* Reads in a row that stay on one server because nobody knows what its session has seen, and turns that the server is
 * ahead of its share by then: after both it is asked, which costs as much as a read. */
#define STAYS_MAX 32u
#define AHEAD_MAX 64u
/* Looks at all servers cost as much as some reads: they are worth it for so many that stayed where they had better not. */
#define READS_A_LOOK 512u
/* Weights are counted in so many parts, for a server that is to get less than one. */
#define WEIGHT_STEPS 10u
/* A read is held back from the primary for at most this part of queue_timeout. */
#define HELD_PART 2u

struct field {
	struct candidate c[SERVERS_MAX];
	unsigned n;
};

enum consistency reads_level(const struct session *s)
{
	static const enum consistency levels[] = {
		[HINT_CONSISTENCY_EVENTUAL] = CONSISTENCY_EVENTUAL,
		[HINT_CONSISTENCY_SESSION] = CONSISTENCY_SESSION,
		[HINT_CONSISTENCY_GLOBAL] = CONSISTENCY_GLOBAL,
		[HINT_CONSISTENCY_PRIMARY] = CONSISTENCY_PRIMARY,
	};
	enum hint_consistency hint = s->run->consistency;
	return hint == HINT_CONSISTENCY_NONE ? s->worker->snapshot->settings->consistency : levels[hint];
}

static bool was_tried(const struct run *r, const struct server_info *server)
{
	return server->slot < 32 && (r->tried & (1u << server->slot));
}

/* What a hint allows: the lag at the last look, or for how long it lacks something now. */
static bool is_near_enough(const struct run *r, const struct server_info *server)
{
	uint32_t behind = positions_behind_us(server->slot);
	return !r->has_max_lag || (server->lag_us >= 0 && (uint64_t)server->lag_us <= r->max_lag &&
				   (behind == POSITIONS_NEVER || behind <= r->max_lag));
}

static enum reads_bar bar_of_replica(const struct session *s, const struct server_info *server)
{
	return !server->takes_reads		    ? READS_BAR_OUT
	       : was_tried(s->run, server)	    ? READS_BAR_TRIED
	       : !is_near_enough(s->run, server) ? READS_BAR_LAG
						    : READS_BAR_NONE;
}

static bool may_serve(const struct session *s, const struct server_info *server)
{
	return bar_of_replica(s, server) == READS_BAR_NONE;
}

static enum reads_bar bar_of_primary(const struct session *s, const struct server_info *server)
{
	return s->run->wants_replica					       ? READS_BAR_REPLICA_WANTED
	       : s->worker->snapshot->settings->reads_on_primary != READS_ON_PRIMARY_ALWAYS ? READS_BAR_PRIMARY
	       : was_tried(s->run, server)				       ? READS_BAR_TRIED
									       : READS_BAR_NONE;
}

/* Of all workers. */
static uint32_t in_flight(unsigned slot)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < stats_workers(); i++)
		sum += stat_get(&stats_worker(i)->servers[slot].running);
	return (uint32_t)sum;
}

/* One that has just returned gets little at first: its caches are cold. */
static unsigned weight_of(const struct session *s, const struct server_info *server)
{
	uint64_t whole = s->worker->snapshot->settings->slow_start / 1000;
	uint64_t now = worker_now(s->worker), since = server->reads_since_ms;
	unsigned weight = server->weight * WEIGHT_STEPS;
	if (!since || now >= since + whole)
		return weight;
	unsigned part = now > since ? (unsigned)(weight * (now - since) / whole) : 0;
	return part ? part : 1;
}

static void add(const struct session *s, struct field *f, const struct server_info *server)
{
	const struct worker *w = s->worker;
	enum balance_policy policy = w->snapshot->settings->balance;
	bool by_load = policy == BALANCE_LEAST_CONNECTIONS || policy == BALANCE_LEAST_LATENCY;
	f->c[f->n++] = (struct candidate){
		.slot = server->slot,
		.weight = weight_of(s, server),
		.in_flight = by_load ? in_flight(server->slot) : 0,
		.latency_us = w->latency_us[server->slot],
		.distance = server->distance,
	};
}

static int pick(struct session *s, const struct field *f)
{
	struct worker *w = s->worker;
	enum balance_policy policy = w->snapshot->settings->balance;
	uint64_t random = policy == BALANCE_SOURCE_HASH ? s->peer_hash : worker_random(w);
	unsigned at = balance_pick(w->balance, policy, f->c, f->n, random);
	return at == BALANCE_NONE ? -1 : (int)f->c[at].slot;
}

/* Looks are wanted as often as such reads come, so that they cost little at any rate. */
static void note_uneven(struct worker *w)
{
	uint64_t now = worker_now(w);
	if (++w->uneven_reads < READS_A_LOOK)
		return;
	positions_want_every(now - w->uneven_since, now);
	w->uneven_reads = 0;
	w->uneven_since = now;
}

/* It serves as if it had been picked; false when it is not among them, or has served for too long. Where that makes the
 * servers' shares uneven, since there are few sessions, a look is wanted, so that this one may move. */
static bool stay(struct session *s, const struct field *f)
{
	unsigned i = 0;
	while (i < f->n && (int)f->c[i].slot != s->bound_slot)
		i++;
	if (i == f->n)
		return false;
	unsigned ahead = balance_charge(s->worker->balance, f->c, f->n, i);
	if (ahead)
		note_uneven(s->worker);
	return ++s->stays <= STAYS_MAX || ahead <= AHEAD_MAX;
}

static bool has_all(struct session *s, unsigned slot)
{
	const struct position *need = freshness_need(s);
	return position_is_free(need) || positions_reached(slot, need);
}

enum reads_bar reads_bar(struct session *s, unsigned i, bool fresh)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	const struct server_info *server = &snapshot->servers[i];
	enum reads_bar bar = (int)i == snapshot->primary ? bar_of_primary(s, server) : READS_BAR_NONE;
	/* A primary that takes reads is known to have everything, and may be in the pool of replicas beside. */
	if ((int)i == snapshot->primary && (bar == READS_BAR_NONE || !server->takes_reads))
		return bar;
	bar = bar_of_replica(s, server);
	return bar == READS_BAR_NONE && fresh && !has_all(s, server->slot) ? READS_BAR_LACKS : bar;
}

/* Everyone who may serve; `fresh` leaves out those that are not known to have all the session must see. */
static void gather(struct session *s, bool fresh, struct field *f)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	bool lacking = false;
	f->n = 0;
	for (unsigned i = 0; i < snapshot->n_servers; i++) {
		enum reads_bar bar = reads_bar(s, i, fresh);
		if (bar == READS_BAR_NONE)
			add(s, f, &snapshot->servers[i]);
		lacking |= bar == READS_BAR_LACKS;
	}
	if (lacking)
		positions_want(worker_now(s->worker));
}

int reads_fresh_replica(struct session *s, bool any)
{
	struct field f;
	gather(s, !any, &f);
	return pick(s, &f);
}

int reads_any_replica(struct session *s)
{
	return reads_fresh_replica(s, true);
}

/* How soon the replica is expected to have what is lacking; POSITIONS_NEVER: not soon enough, unless any time will do.
 *
 * One that was on time a moment ago is waited for, however late it is now. The primary would answer sooner, but clients that
 * are answered sooner write more: what made the replica stumble for a moment would leave it behind for good, with the
 * primary serving all reads. Those that wait in vain meanwhile have waited for causal_timeout. */
static uint32_t expected(const struct session *s, const struct server_info *server, bool any_time)
{
	uint32_t worth = (uint32_t)(s->worker->snapshot->settings->causal_timeout / WORTH_PART);
	uint32_t us = positions_catch_up_us(server->slot);
	bool soon = us <= worth || positions_stumbles(server->slot, worth);
	return may_serve(s, server) && (soon || any_time) ? us : POSITIONS_NEVER;
}

/* Of the first of all. */
static uint32_t soonest(const struct session *s, bool any_time)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	uint32_t first = POSITIONS_NEVER;
	for (unsigned i = 0; i < snapshot->n_servers; i++) {
		uint32_t us = expected(s, &snapshot->servers[i], any_time);
		first = us < first ? us : first;
	}
	return first;
}

/* The replica to wait on, -1 when none is expected soon enough. */
static int expected_first(struct session *s, bool any_time)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	uint32_t first = soonest(s, any_time);
	struct field f = {.n = 0};
	if (first == POSITIONS_NEVER)
		return -1;
	for (unsigned i = 0; i < snapshot->n_servers; i++)
		if (expected(s, &snapshot->servers[i], any_time) <= first + first / ALIKE_PART)
			add(s, &f, &snapshot->servers[i]);
	return pick(s, &f);
}

static bool may_run_on_primary(const struct session *s)
{
	return s->worker->snapshot->settings->reads_on_primary != READS_ON_PRIMARY_NEVER;
}

/* For a read; -1 where there is none that could be reached just now. */
static int readable_primary(const struct session *s)
{
	int slot = routing_primary_slot(s);
	const struct server_info *primary = slot < 0 ? NULL : snapshot_server_by_slot(s->worker->snapshot, (unsigned)slot);
	return primary && !was_tried(s->run, primary) ? slot : -1;
}

/* This worker's part of primary_reads_max. */
static unsigned spills_max(const struct session *s)
{
	uint64_t most = s->worker->snapshot->settings->primary_reads_max;
	unsigned workers = stats_workers();
	return most ? (unsigned)((most + workers - 1) / workers) : UINT_MAX;
}

static bool has_waited_long(const struct session *s)
{
	const struct run *r = s->run;
	uint64_t ms = s->worker->snapshot->settings->queue_timeout / 1000 / HELD_PART;
	return r->waiting_since && worker_now(s->worker) - r->waiting_since >= ms;
}

/* Where there is none, all reads are the primary's own. */
static bool has_replicas(const struct snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->n_servers; i++)
		if (snapshot->servers[i].role == SERVER_REPLICA)
			return true;
	return false;
}

/* The primary takes a read that belongs on a replica, unless it has enough of them. */
static int spill(struct session *s, int primary)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	if (primary < 0 || r->spilled || !has_replicas(w->snapshot))
		return primary;
	r->held = w->spilled >= spills_max(s) && !has_waited_long(s);
	if (r->held)
		return READS_MUST_WAIT;
	r->spilled = true;
	w->spilled++;
	return primary;
}

void reads_unspill(struct session *s)
{
	struct session *next;
	if (!s->run->spilled)
		return;
	s->run->spilled = false;
	s->worker->spilled--;
	TAILQ_FOREACH(next, &s->worker->waiting, queue) {
		if (next->run && next->run->held) {
			session_wake(next);
			return;
		}
	}
}

/* Nobody is known to have it. */
static int wait_or_primary(struct session *s)
{
	struct run *r = s->run;
	int primary = may_run_on_primary(s) ? readable_primary(s) : -1;
	bool any_time = primary < 0 || r->wants_replica;
	/* The replica that it was read on has left the pool, and a look may have told since. */
	if (freshness_is_bound(s) && s->bound_slot != routing_primary_slot(s))
		(void)freshness_settle(s);
	/* What was read is not known, or has been waited for in vain. */
	bool can_wait = s->worker->snapshot->settings->causal_timeout && !freshness_is_bound(s) &&
			!freshness_need(s)->unknown && !r->waited && !freshness_stood_in_vain(s);
	int slot = can_wait ? expected_first(s, any_time) : -1;
	if (slot >= 0) {
		r->wait = lookout_enter(s, snapshot_server_by_slot(s->worker->snapshot, (unsigned)slot));
		return r->wait ? slot : READS_MUST_WAIT;
	}
	if (primary >= 0)
		return spill(s, primary);
	/* A dead primary's followers will have applied what the session wrote, or nobody will. */
	if (reads_any_replica(s) >= 0)
		return READS_MUST_WAIT;
	return may_run_on_primary(s) ? routing_primary_slot(s) : -1;
}

/* Asks a server what the session can have seen. */
static int ask(struct session *s)
{
	int slot = freshness_need(s)->unknown ? routing_primary_slot(s) : freshness_teller(s);
	const struct server_info *teller =
		slot < 0 ? NULL : snapshot_server_by_slot(s->worker->snapshot, (unsigned)slot);
	/* One that cannot be reached showed nothing that the primary does not have. */
	if (teller && was_tried(s->run, teller))
		slot = readable_primary(s);
	/* Who only stays too long on a server has said how often looks are wanted. */
	if (!freshness_is_bound(s) || freshness_need(s)->unknown)
		positions_want(worker_now(s->worker));
	if (slot < 0)
		return wait_or_primary(s);
	/* What the primary has now no replica will have soon: asking for it would be in vain. */
	if (slot == routing_primary_slot(s) && may_run_on_primary(s) && !s->run->wants_replica &&
	    soonest(s, false) == POSITIONS_NEVER)
		return spill(s, slot);
	s->run->ask = true;
	return slot;
}

/* The server that a hint names, also one out of the pool, unless it has not applied what the session must see; -1 when
 * it cannot serve: the statement goes where it goes without the hint. */
static int by_name(struct session *s, bool fresh)
{
	struct run *r = s->run;
	const struct server_info *server =
		r->wanted_slot < 0 ? NULL : snapshot_server_by_slot(s->worker->snapshot, (unsigned)r->wanted_slot);
	if (!server || !routing_is_usable(server) || was_tried(r, server))
		return -1;
	if (server->role == SERVER_PRIMARY || (r->flags & CLASS_SERVER_SPECIFIC) || !fresh)
		return r->wanted_slot;
	if (freshness_need(s)->unknown ||
	    (freshness_is_bound(s) && s->bound_slot != r->wanted_slot && !freshness_settle(s)))
		return ask(s);
	r->wait = !has_all(s, server->slot);
	return !r->wait || (!r->waited && s->worker->snapshot->settings->causal_timeout) ? r->wanted_slot : -1;
}

static int on_primary(const struct session *s)
{
	int slot = routing_primary_slot(s);
	return slot >= 0 || !s->worker->snapshot->n_servers ? slot : READS_MUST_WAIT;
}

/* Some server that is known to have all the session must see. */
static int choose_fresh(struct session *s)
{
	struct field f;
	if (freshness_need(s)->unknown && (s->run->keyed || !freshness_settle(s)))
		return ask(s);
	gather(s, true, &f);
	if (!f.n)
		return wait_or_primary(s);
	if (freshness_is_bound(s) && !freshness_can_settle(s))
		return stay(s, &f) ? s->bound_slot : ask(s);
	int slot = pick(s, &f);
	if (!freshness_is_bound(s) || s->bound_slot == slot)
		return slot;
	if (!freshness_settle(s))
		return ask(s);
	if (has_all(s, (unsigned)slot))
		return slot;
	gather(s, true, &f);
	slot = pick(s, &f);
	return slot >= 0 ? slot : wait_or_primary(s);
}

/* A semi-synchronous replica (AFTER_SYNC) may show what its primary does not show yet, for as long as another replica lets
 * the primary wait. MySQL's primary can be waited on as well; MariaDB's cannot, and has it in its position already. */
static void wait_for_what_was_shown_early(struct session *s, int slot)
{
	struct run *r = s->run;
	if (!s->shown_early || slot < 0 || slot != routing_primary_slot(s) || r->ask || r->keyed)
		return;
	if (positions_reached((unsigned)slot, &s->position))
		s->shown_early = false;
	else if (s->position.seen.flavor == FLAVOR_MYSQL && !s->position.unknown && !r->waited)
		r->wait = s->worker->snapshot->settings->causal_timeout > 0;
}

static int choose(struct session *s, enum consistency level)
{
	struct run *r = s->run;
	bool fresh = level != CONSISTENCY_EVENTUAL;
	if (r->to_primary || level == CONSISTENCY_PRIMARY)
		return on_primary(s);
	if (fresh)
		freshness_follow_primary(s);
	if (fresh && (r->causal_key || level == CONSISTENCY_GLOBAL))
		freshness_share(s, level == CONSISTENCY_GLOBAL);
	int slot = by_name(s, fresh);
	if (slot >= 0)
		return slot;
	r->wait = false;
	bool by_primary = (r->flags & CLASS_DIFFERS) && !r->wants_replica && may_run_on_primary(s);
	if (by_primary && (slot = on_primary(s)) >= 0)
		return slot;
	/* A named server's answer is no other replica's. */
	if ((r->flags & CLASS_SERVER_SPECIFIC) && !r->wants_replica)
		return on_primary(s);
	if (fresh)
		return choose_fresh(s);
	slot = reads_any_replica(s);
	return slot >= 0 || !may_run_on_primary(s) ? slot : spill(s, on_primary(s));
}

int reads_choose(struct session *s)
{
	enum consistency level = reads_level(s);
	int slot = choose(s, level);
	if (level != CONSISTENCY_EVENTUAL)
		wait_for_what_was_shown_early(s, slot);
	if (slot != READS_MUST_WAIT && !s->run->lookout)
		lookout_leave(s);
	return slot;
}
