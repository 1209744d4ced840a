#include "proxy/topology_change.h"

#include <stdio.h>
#include <string.h>

#include "proxy/control_call.h"
#include "proxy/failover/changes.h"
#include "proxy/topology_state.h"

#define PATIENCE_MS 5000
/* How long a change that was refused or failed is not asked for again: at first, and twice as long each time, but so often. */
#define REST_US 2000000
#define REST_DOUBLED_MAX 4

static struct topology *const t = &topology;

/* ---- the picture ---- */

static void fill(struct change_server *s, const struct member *m)
{
	const struct look_channel *ch = member_channel(&t->members, m);
	const struct member *source = ch ? members_source(&t->members, m, ch) : NULL;
	*s = (struct change_server){.slot = m->slot,
				    .at = m->option.at,
				    .up = topology_member_up(m),
				    .primary = (int)m->slot == t->roles.primary,
				    .mirror = m->option.role == SERVER_ROLE_MIRROR,
				    .by_hand = m->option.role == SERVER_ROLE_REPLICA || m->option.role == SERVER_ROLE_MIRROR,
				    .deposed = m->deposed,
				    .source = source ? (int)source->slot : -1,
				    .distance = *t->settings.zone && strcmp(m->option.zone, t->settings.zone) != 0,
				    .weight = m->option.weight,
				    .flavor = m->look.flavor,
				    .version = m->look.version};
	memcpy(s->name, m->name, sizeof s->name);
	if (!s->up)
		s->error = m->look.error;
}

static void picture(void *arg)
{
	struct change_picture *p = arg;
	p->n = 0;
	p->primary = -1;
	for (unsigned i = 0; i < t->members.n; i++) {
		const struct member *m = t->members.all[i];
		if (!member_is_real(m) || m->option.role == SERVER_ROLE_MIRROR)
			continue;
		if ((int)i == t->roles.primary)
			p->primary = (int)p->n;
		fill(&p->servers[p->n++], m);
	}
	p->primary_usable = topology_primary_usable();
	topology_login(&p->login);
	p->settings = t->settings;
}

bool topology_picture(struct change_picture *out)
{
	return control_call(picture, out, PATIENCE_MS);
}

/* ---- holding, appointing ---- */

struct hold {
	unsigned slot;
	const char *why;
};

static void hold(void *arg)
{
	const struct hold *h = arg;
	t->held_slot = (int)h->slot;
	snprintf(t->held_reason, sizeof t->held_reason, "%s", h->why);
	topology_publish_changes();
}

bool topology_hold(unsigned slot, const char *why)
{
	struct hold h = {slot, why};
	return control_call(hold, &h, PATIENCE_MS);
}

static void hold_end(void *unused)
{
	(void)unused;
	t->held_slot = ROLE_NO_SERVER;
	topology_publish_changes();
}

bool topology_hold_end(void)
{
	return control_call(hold_end, NULL, PATIENCE_MS);
}

static void leave_closed(void *unused)
{
	(void)unused;
	t->left_closed = true;
	topology_publish_changes();
}

bool topology_leave_closed(void)
{
	return control_call(leave_closed, NULL, PATIENCE_MS);
}

/* It is back from a start, or somebody has made it read-only. */
static bool primary_is_closed(void)
{
	return topology_primary_answers() && t->roles.read_only && !topology_primary()->look.n_channels;
}

int topology_held(const char **why)
{
	*why = t->held_reason;
	if (t->held_slot >= 0)
		return t->held_slot;
	if (t->settings.failover != FAILOVER_AUTO || t->left_closed || !primary_is_closed())
		return ROLE_NO_SERVER;
	*why = "it is read-only since its start, and is opened when all others are there and follow it";
	return t->roles.primary;
}

static void look_at_all(void *unused)
{
	(void)unused;
	topology_look_soon();
}

bool topology_look_at_all(void)
{
	return control_call(look_at_all, NULL, PATIENCE_MS);
}

static void appoint(void *arg)
{
	t->appointed = (int)*(const unsigned *)arg;
	topology_look_soon();
}

bool topology_appoint(unsigned slot)
{
	return control_call(appoint, &slot, PATIENCE_MS);
}

static void appoint_end(void *unused)
{
	(void)unused;
	t->appointed = ROLE_NO_SERVER;
}

bool topology_appoint_end(void)
{
	return control_call(appoint_end, NULL, PATIENCE_MS);
}

struct looks {
	unsigned slot;
	uint64_t n;
};

static void count_looks(void *arg)
{
	struct looks *l = arg;
	l->n = t->members.all[l->slot]->look.number;
}

uint64_t topology_looks(unsigned slot)
{
	struct looks l = {.slot = slot};
	return control_call(count_looks, &l, PATIENCE_MS) ? l.n : 0;
}

struct question {
	unsigned slot;
	bool yes;
};

static void is_primary(void *arg)
{
	struct question *q = arg;
	q->yes = t->roles.primary == (int)q->slot && topology_primary_usable();
}

bool topology_is_primary(unsigned slot)
{
	struct question q = {.slot = slot};
	return control_call(is_primary, &q, PATIENCE_MS) && q.yes;
}

/* ---- failover = auto ---- */

/* It is dead for this wye: it does not answer, and that is no refusal. Whether the replicas say so too is asked when the
 * change begins. */
static bool primary_is_gone(const struct member *p)
{
	enum library_failure failure = p->look.error.failure;
	bool answered = failure == LIBRARY_OK || failure == LIBRARY_FULL || failure == LIBRARY_DENIED || failure == LIBRARY_SQL ||
			failure == LIBRARY_MISSING_GRANT || failure == LIBRARY_TLS || failure == LIBRARY_NOT_MYSQL;
	return p->known && p->looked && !answered && p->look.failures >= 2;
}

static bool ask(enum change_kind kind, const struct member *server)
{
	struct change_request r = {.kind = kind, .automatic = true};
	char error[256];
	snprintf(r.by, sizeof r.by, "failover=auto");
	if (server)
		snprintf(r.server, sizeof r.server, "%s", server->name);
	t->changes_rest_us = t->now_us + ((int64_t)REST_US << t->changes_tried);
	t->changes_tried += t->changes_tried < REST_DOUBLED_MAX;
	return changes_ask(&r, error, sizeof error) != 0;
}

static void watch_primary(void)
{
	const struct member *p = topology_primary();
	if (primary_is_closed() && p->look.at_us > t->change_seen_us)
		ask(CHANGE_REOPEN, p); /* again after a rest: who follows it may not be back yet */
	if (!p || !primary_is_gone(p)) {
		t->gone_since_us = 0;
		return;
	}
	if (!t->gone_since_us)
		t->gone_since_us = t->now_us;
	if (t->now_us - t->gone_since_us >= (int64_t)t->settings.failover_delay)
		ask(CHANGE_FAILOVER, NULL);
	else
		topology_suspect(p->slot);
}

/* A primary of before that is back: whether it may be written or not, it is to take no write, and to follow. */
static struct member *returned(void)
{
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		/* What was seen of it before the last change has ended is no longer so. */
		bool alone = member_is_real(m) && topology_member_up(m) && m->look.at_us > t->change_seen_us && (int)i != t->roles.primary && !m->look.n_channels;
		bool ours = m->deposed || (t->roles.rival == (int)i && m->option.role == SERVER_ROLE_AUTO);
		if (alone && ours && m->option.role != SERVER_ROLE_MIRROR)
			return m;
	}
	return NULL;
}

void topology_changes_turn(void)
{
	if (changes_running())
		t->change_seen_us = t->now_us;
	if (t->settings.failover != FAILOVER_AUTO || !t->first_done || changes_running() || t->held_slot >= 0)
		return;
	/* A refused change rests, and so does looking for another. */
	if (t->now_us < t->changes_rest_us)
		return;
	if (!topology_primary_usable()) {
		watch_primary();
		return;
	}
	t->gone_since_us = 0;
	t->changes_tried = 0;
	t->left_closed = false;
	struct member *m = returned();
	if (!m || m->return_refused)
		return;
	m->return_refused = ask(CHANGE_REJOIN, m); /* once for each time that it comes back */
}
