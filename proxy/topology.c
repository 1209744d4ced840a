#include "proxy/topology.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/accounts_load.h"
#include "proxy/log.h"
#include "proxy/topology_state.h"

#define CLOCK_MS 100
#define HURRY_US 3000000
/* Where a guess at a replica's address found nothing, it is looked at again from time to time. */
#define GUESS_REST_US 60000000u

struct topology topology;
static struct topology *const t = &topology;

int64_t topology_clock_us(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void topology_note(enum log_level level, const char *kind, const char *server, const char *format, ...)
{
	struct event e = {.level = level};
	va_list args;
	va_start(args, format);
	vsnprintf(e.text, sizeof e.text, format, args);
	va_end(args);
	if (t->running) {
		event_note(level, kind, server, "%s", e.text);
	} else if (t->n_held < HELD_EVENTS_MAX) {
		snprintf(e.kind, sizeof e.kind, "%s", kind);
		snprintf(e.server, sizeof e.server, "%s", server ? server : "");
		t->held[t->n_held++] = e;
	}
}

static void tell_held_events(void)
{
	for (unsigned i = 0; i < t->n_held; i++)
		event_note(t->held[i].level, t->held[i].kind, t->held[i].server, "%s", t->held[i].text);
	t->n_held = 0;
	t->running = true;
}

bool topology_member_up(const struct member *m)
{
	if (m->look.error.failure == LIBRARY_OK)
		return m->looked;
	return m->look.error.failure == LIBRARY_FULL && m->health.state != SERVER_STATE_DOWN &&
	       m->health.state != SERVER_STATE_NEW;
}

struct member *topology_primary(void)
{
	return t->roles.primary >= 0 ? t->members.all[t->roles.primary] : NULL;
}

bool topology_primary_usable(void)
{
	const struct member *p = topology_primary();
	return p && t->roles.usable && p->health.state == SERVER_STATE_UP;
}

bool topology_primary_answers(void)
{
	const struct member *p = topology_primary();
	return p && (t->roles.usable || t->roles.read_only) && p->health.state == SERVER_STATE_UP;
}

void topology_primary_reason(char *out, size_t out_size)
{
	const struct member *p = topology_primary();
	if (p && !topology_member_up(p) && p->looked)
		snprintf(out, out_size, "%.90s is down: %s", p->name, p->look.error.text);
	else
		snprintf(out, out_size, "%s", t->roles.reason);
}

/* --- members --- */

static void settle_guess(struct member *m)
{
	bool is_it = m->known && m->look.server_id == m->expected_id &&
	             strcasecmp(m->look.uuid, m->expected_uuid) == 0;
	if (is_it) {
		m->hidden = false;
		topology_note(
		    LOG_LEVEL_INFO, "member-found", m->name,
		    "a replica that does not tell its address (report_host), found beside its source");
	} else if (!m->refuted) {
		struct settings rest = t->settings;
		rest.monitor_interval = GUESS_REST_US;
		monitor_configure(m->monitor, &rest);
	}
	m->refuted = !is_it;
}

static void take_looks(void)
{
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		if (!m->monitor || !monitor_take_look(m->monitor, &m->look))
			continue;
		m->looked = m->has_news = true;
		m->known = m->known || m->look.error.failure == LIBRARY_OK;
		if (m->hidden)
			settle_guess(m);
	}
}

static void find_members(void)
{
	members_find_same(&t->members);
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		if (!m->has_news || !member_is_real(m) || m->look.error.failure != LIBRARY_OK)
			continue;
		if (m->option.role == SERVER_ROLE_MIRROR) /* whom it follows, and who follows it, is none of this cluster */
			continue;
		members_discover(&t->members, m, topology_add_found);
		const struct look_replica *unnamed = member_unnamed_replica(&t->members, m);
		if (unnamed && !m->told_unnamed)
			topology_note(
			    LOG_LEVEL_WARNING, "member-unnamed", m->name,
			    "its replica with server_id %u does not tell its address: set report_host there, "
			    "or name it with --server HOST:PORT",
			    unnamed->server_id);
		m->told_unnamed = m->told_unnamed || unnamed;
	}
}

static bool all_looked_at(void)
{
	for (unsigned i = 0; i < t->members.n && !t->hurry; i++)
		if (!t->members.all[i]->looked && t->members.all[i]->monitor)
			return false;
	return true;
}

/* --- roles --- */

static void view_of_member(const struct member *m, struct role_view *v, int source)
{
	const struct look_channel *ch = member_channel(&t->members, m);
	*v = (struct role_view){
	    .name = m->name,
	    .by_hand = m->option.role,
	    .known = m->known,
	    .up = topology_member_up(m),
	    .writable = m->known && !m->look.read_only,
	    .source = source,
	    .linked = ch && (ch->io != LINK_STOPPED || ch->sql),
	    .was_replica = m->was_replica,
	};
}

/* Only real members are put before the decision; indices there are translated to slots. */
static void decide_roles(struct role_decision *out)
{
	static struct role_view views[SERVERS_MAX];
	static struct role_decision d;
	unsigned slots[SERVERS_MAX], n = 0;
	int index[SERVERS_MAX], present = ROLE_NO_SERVER;
	for (unsigned i = 0; i < t->members.n; i++) {
		index[i] = member_is_real(t->members.all[i]) ? (int)n : ROLE_NO_SERVER;
		if (index[i] >= 0)
			slots[n++] = i;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct member *m = t->members.all[slots[i]];
		const struct look_channel *ch = member_channel(&t->members, m);
		const struct member *source = ch ? members_source(&t->members, m, ch) : NULL;
		int at = !ch ? ROLE_NO_SERVER : source ? index[source->slot] : ROLE_OTHER_SERVER;
		view_of_member(m, &views[i], ch && at < 0 ? ROLE_OTHER_SERVER : at);
	}
	if (t->roles.primary >= 0) {
		const struct member *p = t->members.all[t->roles.primary];
		present = index[p->same_as ? p->same_as->slot : p->slot];
	}
	if (t->appointed >= 0 && index[t->appointed] >= 0)
		present = index[t->appointed];
	roles_decide(views, n, present, &d);
	*out = d;
	out->primary = d.primary >= 0 ? (int)slots[d.primary] : d.primary;
	out->rival = d.rival >= 0 ? (int)slots[d.rival] : d.rival;
	memset(out->roles, 0, sizeof out->roles);
	memset(out->attached, 0, sizeof out->attached);
	for (unsigned i = 0; i < n; i++) {
		out->roles[slots[i]] = d.roles[i];
		out->attached[slots[i]] = d.attached[i];
	}
}

/* Positions are compared with the primary's: another primary, another history. */
static void follow_positions(bool new_primary)
{
	if (new_primary)
		lag_history_restart(t->common.history);
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		bool replica = member_is_real(m) && t->roles.roles[i] == SERVER_REPLICA;
		if (m->monitor)
			monitor_follow(m->monitor, (int)i == t->roles.primary && (int)i != t->held_slot ? FOLLOW_AS_PRIMARY
			                           : replica                  ? FOLLOW_AS_REPLICA
			                                                      : FOLLOW_NOTHING);
	}
}

void topology_look_soon(void)
{
	for (unsigned i = 0; i < t->members.n; i++)
		if (t->members.all[i]->monitor && !t->members.all[i]->hidden)
			monitor_look_soon(t->members.all[i]->monitor);
}

static void tell_of_rival(void)
{
	int rival = t->roles.rival;
	if (rival == t->told_rival)
		return;
	t->told_rival = rival;
	if (rival < 0)
		return;
	const struct member *p = topology_primary();
	topology_note(LOG_LEVEL_ERROR, "two-primaries", t->members.all[rival]->name,
	              "it may be written and follows nobody%s%s: it gets no statement; make it a replica "
	              "(read_only=1), "
	              "or say which is the primary with --server ADDR,role=primary",
	              p ? ", while the primary is " : "", p ? p->name : "");
}

/* Another one has taken its place: when it comes back it may hold what nobody else does. */
static void note_deposed(int slot)
{
	if (slot >= 0 && t->roles.primary >= 0)
		t->members.all[slot]->deposed = true;
}

/* It follows somebody, or is the primary again: it is as any other. While it does not answer it is to come back. */
static void forget_deposed(void)
{
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		if ((int)i == t->roles.primary || (topology_member_up(m) && m->look.n_channels))
			m->deposed = m->return_refused = false;
		else if (!topology_member_up(m))
			m->return_refused = false;
	}
}

static void roles_turn(void)
{
	static struct role_decision before;
	before = t->roles;
	bool was_usable = t->first_done && topology_primary_usable();
	decide_roles(&t->roles);
	bool changed = before.primary != t->roles.primary;
	for (unsigned i = 0; i < t->members.n; i++) {
		struct member *m = t->members.all[i];
		/* Cut off from the primary: no look is needed to know that it must not serve reads. */
		m->has_news = m->has_news || (m->looked && m->attached && !t->roles.attached[i]);
		m->attached = t->roles.attached[i];
		if (m->role != t->roles.roles[i]) {
			m->role = t->roles.roles[i];
			m->since_us = topology_clock_us(CLOCK_REALTIME);
			if (m->role == SERVER_PRIMARY)
				health_role_changed(&m->health, &m->look);
		}
		if (t->roles.usable)
			m->was_replica = m->role == SERVER_REPLICA && m->attached;
	}
	if (changed)
		note_deposed(before.primary);
	forget_deposed();
	follow_positions(changed);
	const struct member *p = topology_primary();
	if (changed && p && t->roles.usable)
		topology_note(LOG_LEVEL_INFO, "new-primary", p->name, "%s%s",
		              before.primary >= 0 ? "it takes the place of "
		                                  : "it may be written and follows nobody",
		              before.primary >= 0 ? t->members.all[before.primary]->name : "");
	tell_of_rival();
	if (was_usable && !t->roles.usable)
		topology_look_soon(); /* somebody else may just have become it */
}

/* --- what people are told --- */

static void tell_of_primary(void)
{
	bool usable = topology_primary_usable();
	if (!usable && !t->told_no_primary) {
		char reason[160];
		topology_primary_reason(reason, sizeof reason);
		topology_note(LOG_LEVEL_ERROR, "no-primary", NULL, "%s", reason);
	} else if (usable && t->told_no_primary) {
		topology_note(LOG_LEVEL_INFO, "primary-back", topology_primary()->name,
		              "writes are possible again");
	}
	t->told_no_primary = !usable;
}

/* Each missing GRANT is told once, whichever server lacks it: accounts are the same on all. */
static void tell_of_grants(void)
{
	unsigned missing = 0;
	for (unsigned i = 0; i < t->members.n; i++) {
		const struct member *m = t->members.all[i];
		unsigned news =
		    member_is_real(m) && m->known ? m->look.missing & ~t->told_missing & ~missing : 0;
		for (enum duty duty = 0; duty < DUTY_COUNT; duty++) {
			if (!(news & 1u << duty))
				continue;
			char grant[512];
			monitor_grant(monitor_words_of(m->look.flavor, m->look.version), duty,
			              m->look.account, grant, sizeof grant);
			bool wish = duty == DUTY_LAG || duty == DUTY_FUNCTIONS || duty == DUTY_VIEWS;
			topology_note(wish ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "grant-missing",
			              m->name, "%s, run: %s", monitor_purpose(duty), grant);
		}
		missing |= member_is_real(m) && m->known ? m->look.missing : 0;
	}
	t->told_missing = missing;
}

/* --- the loop --- */

static void turn(void)
{
	t->now_us = topology_clock_us(CLOCK_MONOTONIC);
	take_looks();
	find_members();
	/* Half a picture would name the wrong primary. */
	if (!t->first_done && !all_looked_at())
		return;
	roles_turn();
	topology_health_turn();
	if (t->held_slot < 0) /* else it is on purpose, and who does it tells of it */
		tell_of_primary();
	tell_of_grants();
	topology_changes_turn();
	topology_accounts_turn();
	topology_objects_turn();
	if (!t->first_done && (!t->accounts.settled || (t->objects.asking && !t->hurry)))
		return;
	t->first_done = true;
	topology_publish_changes();
}

static void on_news(uv_async_t *handle)
{
	(void)handle;
	turn();
}

static void on_clock(uv_timer_t *handle)
{
	(void)handle;
	turn();
}

static void tell_control(void)
{
	uv_async_send(&t->news);
}

static int start_loop(uv_loop_t *loop)
{
	t->loop = loop;
	int failed = uv_async_init(loop, &t->news, on_news);
	if (failed)
		return failed;
	failed = uv_timer_init(loop, &t->clock);
	return failed ? failed : uv_timer_start(&t->clock, on_clock, CLOCK_MS, CLOCK_MS);
}

int topology_start(uv_loop_t *loop, const struct options *options)
{
	memset(t, 0, sizeof *t);
	t->options = *options;
	t->settings = options->settings;
	t->roles.primary = t->roles.rival = t->told_rival = t->held_slot = t->appointed = ROLE_NO_SERVER;
	t->common = (struct monitor_common){.user = t->options.monitor_user,
	                                    .password = t->options.monitor_password,
	                                    .history = lag_history_create(),
	                                    .told = tell_control};
	int failed = start_loop(loop);
	return failed ? failed : topology_add_given();
}

static void run_until_first(int64_t timeout_us)
{
	int64_t until = topology_clock_us(CLOCK_MONOTONIC) + timeout_us;
	while (!t->first_done && topology_clock_us(CLOCK_MONOTONIC) < until)
		uv_run(t->loop, UV_RUN_ONCE); /* the clock wakes it */
}

bool topology_wait_first(uint64_t timeout_us, char *error, size_t error_size)
{
	run_until_first((int64_t)timeout_us);
	t->hurry = true; /* what is known by now must do; the accounts may still take a moment */
	run_until_first(HURRY_US);
	bool can_run = !topology_obstacle(error, error_size);
	if (can_run)
		tell_held_events();
	return can_run;
}

static void close_handle(uv_handle_t *handle)
{
	if (handle->loop && !uv_is_closing(handle))
		uv_close(handle, NULL);
}

void topology_stop(void)
{
	if (!t->loop)
		return;
	topology_stop_monitors();
	close_handle((uv_handle_t *)&t->news);
	close_handle((uv_handle_t *)&t->clock);
	members_finish(&t->members);
	lag_history_destroy(t->common.history);
	account_set_unref(t->accounts.set);
	object_set_unref(t->objects.set);
	snapshot_unref(t->published);
	t->accounts.set = NULL;
	t->objects.set = NULL;
	t->published = NULL;
	t->loop = NULL;
}
