/*
 * Clients that have not logged in give way when there is no place for another: whoever connects and says nothing, or
 * something very slowly, keeps nobody out.
 *
 * Of those that wye waits for longest, one of the address that has most of them goes, so that a flood from a few addresses
 * is its own victim, and the oldest where they all have their own. Whose answer lies in its socket, unread, stays: it is
 * wye that is slow.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "proxy/backend/room.h"
#include "proxy/session/login.h"

#define LOOKED_AT   64u
#define PASSED_OVER 256u /* at most, to find these */
#define V6_BYTES    8u   /* one host can have a whole network of 64 bits */
#define FOR_SERVERS 8u   /* the part of all files that clients leave to connections to servers */

uint64_t logins_files(void)
{
	static _Atomic uint64_t files;
	uint64_t known = atomic_load_explicit(&files, memory_order_relaxed);
	struct rlimit limit;
	if (!known) {
		known = UINT64_MAX;
		if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
			known = limit.rlim_cur - limit.rlim_cur / FOR_SERVERS;
		atomic_store_explicit(&files, known, memory_order_relaxed);
	}
	return known;
}

static bool is_awaited(const struct session *s)
{
	const struct session_login *l = s->login;
	return l && !l->renewed && (l->stage == STAGE_HEADER || l->stage == STAGE_RESPONSE || l->stage == STAGE_AUTH);
}

static unsigned awaited(struct worker *w, struct session *at[LOOKED_AT])
{
	unsigned n = 0, passed = 0;
	struct session *s;
	TAILQ_FOREACH(s, &w->logging_in, queue) {
		if (n == LOOKED_AT || passed++ == PASSED_OVER)
			break;
		if (is_awaited(s))
			at[n++] = s;
	}
	return n;
}

static bool is_from_where(const struct address *a, const struct address *b)
{
	return a->local == b->local && memcmp(a->bytes, b->bytes, address_is_v4(a) ? sizeof a->bytes : V6_BYTES) == 0;
}

/* How many of them come from where each does. */
static void count(struct session *const at[], unsigned n, unsigned alike[])
{
	memset(alike, 0, n * sizeof *alike);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n; j++)
			alike[i] += is_from_where(&at[i]->address, &at[j]->address);
}

bool logins_give_way(struct worker *w)
{
	struct session *at[LOOKED_AT];
	unsigned alike[LOOKED_AT], n = awaited(w, at);
	count(at, n, alike);
	for (unsigned tries = 0; tries < n; tries++) {
		unsigned worst = 0;
		for (unsigned i = 1; i < n; i++)
			if (alike[i] > alike[worst])
				worst = i;
		if (!conn_socket_has_news(&at[worst]->client)) {
			session_fail(at[worst], END_GAVE_WAY);
			session_close(at[worst]);
			return true;
		}
		alike[worst] = 0;
	}
	return false;
}

static void give_way(struct worker *w, void *arg)
{
	(void)arg;
	(void)logins_give_way(w);
}

bool logins_give_way_elsewhere(struct worker *w)
{
	for (unsigned i = 0; i < workers_count(); i++) {
		struct worker *other = worker_at(i);
		if (other == w || !atomic_load_explicit(&other->unfinished, memory_order_relaxed))
			continue;
		room_force(room_of_clients());
		worker_post(other, give_way, NULL);
		return true;
	}
	return false;
}
