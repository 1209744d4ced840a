/*
 * Opening connections for those who wait: as many as the rooms let in, and where a room is full, in place of one that
 * is idle in another pool or in another worker.
 */
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

#define BORN_TOGETHER 8u /* connections of one pool being opened at once, at most */
#define PATIENCE_MS 10u  /* who has connections waits so long for one of them, before others are asked */
#define RESTED_MS 20u    /* idle for less, a connection is probably about to be used again */
#define LONG_MS 100u     /* but not kept from those who have waited so long */
#define ASK_AGAIN_MS 50u /* after all the other workers had none to give up */

static struct room *room_of_shortage(const struct pool *pool)
{
	return pool->shortage == SHORT_OF_ACCOUNT ? pool->account_room : room_of_server(pool->key.slot);
}

static struct place *place_of(const struct pool *pool)
{
	return &pool->worker->places[pool->key.slot];
}

/* ---- who needs one more than others do ---- */

/* It has none that would come back, fewer than its worker's share of the server, or has waited long enough. */
static bool may_want(const struct pool *pool)
{
	struct worker *w = pool->worker;
	unsigned slot = pool->key.slot;
	if (!pool->n_line)
		return false;
	if (!pool->n_busy && !pool->n_connecting)
		return true;
	if (pool->shortage == SHORT_OF_SERVER && w->backends[slot] < room_inside(room_of_server(slot)) / workers_count())
		return true;
	return worker_now(w) - pool_waits_since(pool) >= PATIENCE_MS;
}

/* It may take the place of one that was used a moment ago. */
static bool is_urgent(const struct pool *pool)
{
	return (!pool->n_busy && !pool->n_connecting) ||
	       worker_now(pool->worker) - pool_waits_since(pool) >= LONG_MS;
}

/* Since when pools of this place wait for this room, the longest of them; 0: none. */
static uint64_t waited_for(const struct place *place, const struct room *room, const struct pool *except)
{
	uint64_t longest = 0;
	struct pool *p;
	TAILQ_FOREACH(p, &place->short_of, short_link) {
		if (p == except || room_of_shortage(p) != room || !may_want(p))
			continue;
		uint64_t since = pool_waits_since(p);
		if (!longest || since < longest)
			longest = since;
	}
	return longest;
}

static void tell_wants(const struct pool *pool, struct room *room)
{
	room_want(room, pool->worker->index, waited_for(place_of(pool), room, NULL));
}

void pool_set_shortage(struct pool *pool, enum pool_shortage shortage)
{
	struct place *place = place_of(pool);
	struct room *left = pool->shortage ? room_of_shortage(pool) : NULL;
	if (!pool->shortage && shortage)
		TAILQ_INSERT_TAIL(&place->short_of, pool, short_link);
	else if (pool->shortage && !shortage)
		TAILQ_REMOVE(&place->short_of, pool, short_link);
	pool->shortage = shortage;
	struct room *now = shortage ? room_of_shortage(pool) : NULL;
	if (left && left != now)
		tell_wants(pool, left);
	if (now)
		tell_wants(pool, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

bool pool_is_outwaited(const struct pool *pool)
{
	const struct place *place = place_of(pool);
	struct room *server = room_of_server(pool->key.slot);
	unsigned me = pool->worker->index;
	uint64_t others = earlier(room_wanted(server, me), room_wanted(pool->account_room, me));
	if (!TAILQ_EMPTY(&place->short_of)) {
		others = earlier(others, waited_for(place, server, pool));
		others = earlier(others, waited_for(place, pool->account_room, pool));
	}
	if (!others)
		return false;
	/* Opening another in its place costs more than a statement: only for who has waited far longer. */
	uint64_t now = worker_now(pool->worker), own = pool_waits_since(pool);
	uint64_t waited = now > others ? now - others : 0, own_waited = own ? now - own : 0;
	return waited > 2 * own_waited + LONG_MS;
}

/* ---- the rooms ---- */

bool pool_enter_rooms(struct pool *pool, enum pool_shortage *shortage)
{
	struct worker *w = pool->worker;
	const struct settings *settings = w->snapshot->settings;
	uint64_t now = worker_now(w);
	*shortage = SHORT_OF_ACCOUNT;
	if (!room_enter(pool->account_room, settings->user_max_connections, w->index, now))
		return false;
	*shortage = SHORT_OF_SERVER;
	if (!room_enter(room_of_server(pool->key.slot), settings->server_max_connections, w->index, now)) {
		room_leave(pool->account_room);
		return false;
	}
	*shortage = SHORT_OF_NOTHING;
	return true;
}

bool pool_may_open(const struct pool *pool)
{
	const struct settings *settings = pool->worker->snapshot->settings;
	return room_is_free(room_of_server(pool->key.slot), settings->server_max_connections) &&
	       room_is_free(pool->account_room, settings->user_max_connections);
}

struct backend *pool_open(struct pool *pool)
{
	const struct server_info *server = snapshot_server_by_slot(pool->worker->snapshot, pool->key.slot);
	if (!server) {
		pool_leave_rooms(pool->key.slot, pool->account_room);
		return NULL;
	}
	pool->counts.opened++;
	return backend_create(pool, server);
}

/* Another worker, or this one, may open one now. */
static void on_told(struct worker *w, void *arg)
{
	struct place *place = &w->places[(uintptr_t)arg];
	struct pool *p, *next;
	for (p = TAILQ_FIRST(&place->short_of); p; p = next) {
		next = TAILQ_NEXT(p, short_link);
		pool_grow(p);
	}
}

void pool_leave_rooms(unsigned slot, struct room *account_room)
{
	int of_server = room_leave(room_of_server(slot));
	int of_account = room_leave(account_room);
	if (of_server >= 0)
		worker_post(worker_at((unsigned)of_server), on_told, (void *)(uintptr_t)slot);
	if (of_account >= 0 && of_account != of_server)
		worker_post(worker_at((unsigned)of_account), on_told, (void *)(uintptr_t)slot);
}

/* ---- in place of an idle one ---- */

/* The longest idle connection to this server, perhaps only of one account, in this worker's pools. */
static struct backend *longest_idle(struct worker *w, unsigned slot, const uint64_t *account_id)
{
	struct backend *longest = NULL;
	for (struct pool *p = w->pools; p; p = p->hh.next) {
		if (p->key.slot != slot || (account_id && p->key.account_id != *account_id))
			continue;
		struct backend *b = TAILQ_LAST(&p->idle, backend_list);
		if (b && (!longest || b->since < longest->since))
			longest = b;
	}
	return longest;
}

/* True: one was closed at once. One that still holds a last insert id is closed when that is known. */
static bool give_one_up(struct worker *w, unsigned slot, const uint64_t *account_id, bool urgent, bool *later)
{
	struct backend *b = longest_idle(w, slot, account_id);
	if (!b || (!urgent && worker_now(w) - b->since < RESTED_MS))
		return false;
	*later = b->keeps_insert_id;
	pool_retire(b, CLOSED_ROOM);
	return !*later;
}

static void ask_next(const struct worker *w, struct place *question);

/* The question has come to this worker, or back to the one that asked. */
static void on_asked(struct worker *w, void *arg)
{
	struct place *question = arg;
	bool later = false;
	if (question->worker == w->index) {
		question->asking = false;
		question->asked_at = worker_now(w);
		on_told(w, (void *)(uintptr_t)question->slot);
		return;
	}
	const uint64_t *account_id = question->only_account ? &question->account_id : NULL;
	if (question->urgent && !longest_idle(w, question->slot, account_id))
		sessions_let_go(w, question->slot);
	question->given = give_one_up(w, question->slot, account_id, question->urgent, &later) || later;
	if (question->given)
		worker_post(worker_at(question->worker), on_asked, question);
	else
		ask_next(w, question);
}

static void ask_next(const struct worker *w, struct place *question)
{
	worker_post(worker_at((w->index + 1) % workers_count()), on_asked, question);
}

static void ask_others(struct pool *pool)
{
	struct worker *w = pool->worker;
	struct place *place = place_of(pool);
	if (workers_count() < 2 || place->asking || !may_want(pool))
		return;
	if (place->asked_at && !place->given && worker_now(w) - place->asked_at < ASK_AGAIN_MS)
		return;
	place->asking = true;
	place->given = false;
	place->only_account = pool->shortage == SHORT_OF_ACCOUNT;
	place->account_id = pool->key.account_id;
	place->urgent = is_urgent(pool);
	ask_next(w, place);
}

/* An idle one of this pool (it holds another session's last insert id), else one of another pool of this worker. */
static bool make_room(struct pool *pool, enum pool_shortage shortage)
{
	struct backend *own = TAILQ_LAST(&pool->idle, backend_list);
	bool later = false;
	if (own) {
		pool_hand_over(own, TAILQ_FIRST(&pool->line));
		return true;
	}
	return give_one_up(pool->worker, pool->key.slot, shortage == SHORT_OF_ACCOUNT ? &pool->key.account_id : NULL,
			   is_urgent(pool), &later);
}

/* ---- growing ---- */

static bool has_to_grow(const struct pool *pool)
{
	return pool->n_line > pool->n_connecting && pool->n_connecting < BORN_TOGETHER &&
	       worker_now(pool->worker) >= pool->retry_at;
}

/* Who comes next should not have to wait. */
static void open_ahead(struct pool *pool)
{
	uint64_t spare = pool->worker->snapshot->settings->pool_min_idle;
	enum pool_shortage shortage;
	while (pool->n_connecting < pool->n_line + spare && pool->n_connecting < BORN_TOGETHER &&
	       worker_now(pool->worker) >= pool->retry_at && pool_may_open(pool) &&
	       pool_enter_rooms(pool, &shortage))
		if (!pool_open(pool))
			return;
}

void pool_grow(struct pool *pool)
{
	enum pool_shortage shortage = SHORT_OF_NOTHING;
	bool grown = false, was_busy = pool->n_busy > 0, made_room = false;
	while (has_to_grow(pool)) {
		if (pool_enter_rooms(pool, &shortage)) {
			grown = true;
			pool_open(pool);
		} else if (made_room || !make_room(pool, shortage)) {
			break;
		} else {
			made_room = TAILQ_EMPTY(&pool->idle);
		}
	}
	if (!has_to_grow(pool))
		shortage = SHORT_OF_NOTHING;
	if (shortage || pool->shortage)
		pool_set_shortage(pool, shortage);
	if (shortage)
		ask_others(pool);
	else if (grown && was_busy)
		open_ahead(pool);
}

void pools_grow(struct worker *w)
{
	for (struct pool *p = w->pools, *next; p; p = next) {
		next = p->hh.next;
		for (unsigned n = p->n_line; n && p->shortage && is_urgent(p) && sessions_let_go(w, p->key.slot); n--)
			continue;
		if (p->n_line || p->shortage)
			pool_grow(p);
	}
}

void pools_init(struct worker *w)
{
	TAILQ_INIT(&w->leaving);
	for (unsigned slot = 0; slot < SERVERS_MAX; slot++) {
		TAILQ_INIT(&w->places[slot].short_of);
		w->places[slot].worker = w->index;
		w->places[slot].slot = slot;
	}
}
