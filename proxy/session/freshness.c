/*
 * What a session's reads must have seen: its own writes by the positions that servers told, and what it has read by
 * where and when.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/monitor_words.h"
#include "proxy/positions.h"
#include "proxy/session/lookout.h"
#include "proxy/session/session.h"
#include "proxy/shared_position.h"

/* A wait sent so soon after the commit tells how long the replica needed; a later one only that it was no longer. */
#define SOON_US 2000

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

static void forget_bound(struct session *s)
{
	s->bound_slot = -1;
	s->stays = 0;
}

void freshness_begin(struct session *s, enum flavor flavor)
{
	position_init(&s->position, flavor);
	s->position_of = -1;
	forget_bound(s);
}

/* A look that began after the change, and after the session's last commit, tells all of it: what a server lacks when it
 * becomes the primary nobody sends it. */
void freshness_follow_primary(struct session *s)
{
	int primary = routing_primary_slot(s);
	struct gtid_set has;
	if (primary < 0 || s->position_of == primary)
		return;
	if (s->position_of >= 0 && !s->position_number)
		s->position_number = positions_number();
	gtid_set_init(&has, s->position.seen.flavor);
	bool known = s->position_of < 0 || positions_after((unsigned)primary, s->position_number, &has);
	if (known && s->position_of >= 0)
		position_clamp(&s->position, &has);
	gtid_set_finish(&has);
	if (known) {
		s->position_of = primary;
		s->position_number = 0;
	}
}

/* ---- what others share ---- */

struct position *freshness_need(struct session *s)
{
	return s->run && s->run->keyed ? &s->run->key_position : &s->position;
}

bool freshness_is_bound(const struct session *s)
{
	return s->bound_slot >= 0 && !s->run->keyed;
}

void freshness_share(struct session *s, bool global)
{
	struct run *r = s->run;
	int primary = routing_primary_slot(s);
	if (r->causal_key) {
		if (!r->keyed)
			position_init(&r->key_position, s->position.seen.flavor);
		r->keyed = true;
		shared_position_add(s->account_id, view_of(r->causal_key), primary, &r->key_position, &r->key_number);
	}
	if (global)
		shared_position_add(0, (struct view){NULL, 0}, primary, freshness_need(s),
				    r->keyed ? &r->key_number : &s->bound_number);
}

void freshness_run_ends(struct run *r)
{
	if (r->keyed)
		position_finish(&r->key_position);
}

/* An empty text: it was not told. A COMMIT commits what statements with a key have written. */
static void tell_others(struct session *s, enum flavor flavor, struct view text)
{
	const char *key = s->run->causal_key ? s->run->causal_key : s->trx_key;
	if (key)
		shared_position_note(s->account_id, view_of(key), flavor, text);
	if (shared_position_is_global_used())
		shared_position_note(0, (struct view){NULL, 0}, flavor, text);
}

/* Until the end of the transaction. */
static void keep_key(struct session *s)
{
	struct run *r = s->run;
	bool open = (s->status & STATUS_IN_TRANS) || s->trx_unknown;
	if (open && !r->causal_key)
		return;
	free(s->trx_key);
	s->trx_key = open ? strdup(r->causal_key) : NULL;
}

/* ---- noting ---- */

/* What was committed after a read has a position behind all that the read can have shown. MariaDB repeats an old
 * position now and then, which says nothing of the kind. */
void freshness_note_position(struct session *s, enum flavor flavor, struct view text)
{
	const uint32_t commits =
		CLASS_WRITES | CLASS_DDL | CLASS_CALLS | CLASS_COMMITS | CLASS_BEGINS | CLASS_MAY_COMMIT_IMPLICITLY;
	if (flavor == FLAVOR_MYSQL)
		position_note_mysql(&s->position, text);
	else
		position_note_mariadb(&s->position, text);
	s->noted_us = now_us();
	if (s->position_number)
		s->position_number = positions_number();
	if (!(s->run->flags & commits))
		return;
	s->run->noted = true;
	if (s->position_of < 0)
		s->position_of = s->run->slot;
	forget_bound(s);
	tell_others(s, flavor, text);
}

void freshness_note_unknown(struct session *s)
{
	position_note_unknown(&s->position);
	s->bound_number = positions_number();
	tell_others(s, s->position.seen.flavor, (struct view){NULL, 0});
}

void freshness_note_read(struct session *s)
{
	struct run *r = s->run;
	if (r->causal_key || s->trx_key)
		keep_key(s);
	/* An UPDATE that finds no row, or an INSERT that finds one, tells something as well. */
	if (!(r->flags & (CLASS_TOUCHES_TABLE | CLASS_CALLS)) || (r->noted && !(r->flags & CLASS_MULTI)))
		return;
	if (s->bound_slot != r->slot)
		s->stays = 0;
	s->bound_slot = r->slot;
	s->bound_number = positions_number();
}

/* ---- from "where and when" to a position ---- */

/* A replica's own transactions, which no other server will ever have, ask for nothing: of sources that are not the
 * primary only what the primary has counts. False: out of memory. */
static bool leave_out_errant(struct gtid_set *set, const struct server_info *primary)
{
	struct gtid_set others, had;
	gtid_set_init(&others, set->flavor);
	gtid_set_init(&had, set->flavor);
	bool done = gtid_set_copy(&others, set) && gtid_set_keep_source(set, primary->uuid_hi, primary->uuid_lo);
	if (done && positions_read(primary->slot, &had))
		done = gtid_set_intersect(&others, &had) && gtid_set_union(set, &others);
	gtid_set_finish(&others);
	gtid_set_finish(&had);
	return done;
}

/* The server had executed this: nothing newer has been seen there. */
static void note_executed(struct session *s, unsigned slot, struct gtid_set *set)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	const struct server_info *primary = snapshot->primary >= 0 ? &snapshot->servers[snapshot->primary] : NULL;
	if (set->flavor == FLAVOR_MYSQL && primary && primary->slot != slot && !leave_out_errant(set, primary))
		position_note_unknown(freshness_need(s));
	else
		position_note_set(freshness_need(s), set);
	if (primary && primary->slot != slot && !s->run->keyed)
		s->shown_early |= !positions_reached(primary->slot, &s->position);
}

/* The server that was read from; one that is gone showed nothing that the primary does not have. The primary's own
 * position is asked for only where it must be: no replica has it at once. */
int freshness_teller(const struct session *s)
{
	const struct server_info *server =
		freshness_is_bound(s) && !s->position.unknown
			? snapshot_server_by_slot(s->worker->snapshot, (unsigned)s->bound_slot)
			: NULL;
	return server && routing_is_usable(server) ? s->bound_slot : routing_primary_slot(s);
}

bool freshness_can_settle(const struct session *s)
{
	int teller = freshness_teller(s);
	return teller >= 0 && positions_looked_after((unsigned)teller, s->bound_number);
}

bool freshness_settle(struct session *s)
{
	int teller = freshness_teller(s);
	bool known = false;
	struct gtid_set set;
	gtid_set_init(&set, s->position.seen.flavor);
	if (teller >= 0 && positions_after((unsigned)teller, s->bound_number, &set)) {
		note_executed(s, (unsigned)teller, &set);
		known = !s->position.unknown;
	}
	gtid_set_finish(&set);
	if (known)
		forget_bound(s);
	return known;
}

bool freshness_settle_idle(struct session *s)
{
	if (s->bound_slot < 0 && !s->position.unknown)
		return true;
	run_begin(s, CMD_PING); /* what is asked here is asked of a command in work */
	bool known = freshness_settle(s);
	run_end(s);
	return known;
}

/* ---- the errands ---- */

struct view freshness_ask_sql(struct session *s)
{
	const struct server_info *server = snapshot_server_by_slot(s->worker->snapshot, (unsigned)s->run->slot);
	const struct monitor_words *w = monitor_words_of(server ? server->flavor : FLAVOR_MYSQL,
							 server ? server->version : 0);
	s->run->wait_life = positions_life((unsigned)s->run->slot);
	return view_of(s->run->on_replica ? w->applied : w->position);
}

/* It may take a while until a look tells as much; meanwhile the session can go on there. What it has is taken as it is:
 * position_note_set() would close gaps. */
static void learn_executed(const struct session *s, const struct gtid_set *set)
{
	struct position has;
	position_init(&has, set->flavor);
	if (gtid_set_copy(&has.seen, set))
		positions_learn((unsigned)s->run->slot, s->run->wait_life, &has);
	position_finish(&has);
}

void freshness_answered(struct session *s, const struct view *text)
{
	struct gtid_set set;
	gtid_set_init(&set, s->position.seen.flavor);
	stat_add(&s->worker->stats->asks, 1);
	if (text && gtid_set_parse(&set, *text) == GTID_OK) {
		if (s->run->on_replica)
			learn_executed(s, &set);
		note_executed(s, (unsigned)s->run->slot, &set);
		/* Nothing executed yet: nothing can have been seen. */
		freshness_need(s)->unknown = freshness_need(s)->unknown && !gtid_set_is_empty(&set);
		if (!s->run->keyed)
			forget_bound(s);
	} else {
		s->run->to_primary = true;
	}
	gtid_set_finish(&set);
}

bool freshness_wait_sql(struct session *s, struct buf *out)
{
	struct run *r = s->run;
	uint64_t us = s->worker->snapshot->settings->causal_timeout;
	r->wait_life = positions_life((unsigned)r->slot);
	r->wait_us = now_us();
	/* It may have stood by for part of the time. */
	uint64_t stood = r->lacks_since ? r->wait_us - r->lacks_since : 0;
	uint64_t ms = (us > stood ? us - stood : 0) / 1000;
	stat_add(&s->worker->stats->waits, 1);
	return position_wait_sql(out, freshness_need(s), (unsigned)ms);
}

void freshness_waited(struct session *s, const struct view *result)
{
	struct run *r = s->run;
	uint64_t now = now_us(), began = r->lacks_since ? r->lacks_since : r->wait_us;
	bool soon = began - s->noted_us < SOON_US;
	statistics_waited(s, now - r->wait_us);
	r->late = !result || result->len != 1 || result->p[0] != '0';
	if (r->late) {
		stat_add(&s->worker->stats->waits_late, 1);
		positions_note_in_vain((unsigned)r->slot, r->wait_us, now,
				       (uint32_t)s->worker->snapshot->settings->causal_timeout);
	} else {
		positions_learn((unsigned)r->slot, r->wait_life, freshness_need(s));
		positions_note_catch_up((unsigned)r->slot, (uint32_t)(now - (soon ? s->noted_us : began)),
					now - s->noted_us, now);
	}
	lookout_leave(s);
}

bool freshness_stood_in_vain(struct session *s)
{
	struct run *r = s->run;
	if (!r->stands_by || now_us() - r->lacks_since < s->worker->snapshot->settings->causal_timeout)
		return false;
	r->waited = true;
	stat_add(&s->worker->stats->waits_late, 1);
	return true;
}
