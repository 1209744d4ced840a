/* The steps that several kinds of changes have. */
#include "proxy/failover/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/failover/drain.h"
#include "proxy/topology_change.h"

#define APPOINT_TRIES 1000
#define APPOINT_EVERY_MS 5
#define LOOK_EVERY_TRIES 4
/* After CHANGE ... START: how long its threads may take until they run or say why not. */
#define LINK_TRIES 100
#define LINK_EVERY_MS 50

static void rest(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* ---- examine ---- */

static bool needs_replication_slave(const struct change *c)
{
	return c->own_account;
}

/* A member that cannot be reached is left out; who takes part is insisted upon by the plan. */
bool step_examine(struct change *c)
{
	char grant[900];
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (!s->up || !change_server_open(s, &c->login) || !change_server_read(s))
			continue;
		change_server_grant(s, needs_replication_slave(c), grant, sizeof grant);
		if (*grant) {
			change_advise(c, "run on the primary: %s", grant);
			c->hopeless = true;
			return change_fail(c, "the monitor account lacks privileges on %s: %.400s", s->name, grant);
		}
	}
	return true;
}

/* ---- locks ---- */

static bool says_about_lock(struct change *c, struct change_server *s, const char *format)
{
	char sql[200];
	snprintf(sql, sizeof sql, format, c->lock_name);
	return change_server_says(s, sql);
}

static bool counts(const struct change *c, const struct change_server *s)
{
	/* Of a dead primary nobody can hold the lock: more than half of the others cannot be had twice either, nor beside
	 * more than half of all. */
	return !(c->request.kind == CHANGE_FAILOVER && s == c->old && !s->connection);
}

static unsigned needed(const struct change *c)
{
	unsigned all = 0;
	for (size_t i = 0; i < c->n; i++)
		all += counts(c, &c->servers[i]);
	return all / 2 + 1;
}

static unsigned held(struct change *c)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->n; i++)
		n += c->servers[i].connection &&
		     says_about_lock(c, &c->servers[i], "SELECT IS_USED_LOCK('%s') = CONNECTION_ID()");
	return n;
}

bool change_still_locked(struct change *c)
{
	if (held(c) >= needed(c))
		return true;
	return change_fail(c, "the lock '%s' is not held on a majority of the servers any more", c->lock_name);
}

void undo_lock(struct change *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->servers[i].connection)
			says_about_lock(c, &c->servers[i], "SELECT RELEASE_LOCK('%s')");
}

bool step_lock(struct change *c)
{
	unsigned got = 0, reached = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		reached += s->connection != NULL;
		got += s->connection && says_about_lock(c, s, "SELECT GET_LOCK('%s', 0)");
	}
	if (got >= needed(c))
		return true;
	if (reached < needed(c))
		return change_fail(c, "%u servers can be reached, and the lock '%s' is needed on %u: nobody may act without a majority",
				   reached, c->lock_name, needed(c));
	c->locked_out = true;
	return change_fail(c, "somebody else changes the topology: the lock '%s' was to be had on %u servers, and %u are needed",
			   c->lock_name, got, needed(c));
}

/* ---- hold ---- */

bool step_hold(struct change *c)
{
	struct drain_use use;
	char why[160];
	snprintf(why, sizeof why, "%.20s to %.110s is under way", change_kind_name(c->request.kind), c->target->name);
	if (!topology_hold(c->old->slot, why))
		return change_fail(c, "wye is being stopped");
	c->holds = true;
	/* What has not ended by then loses its connection. */
	if (!drain_wait(c->old->slot, c->timeout_us, c->stopping, &use))
		change_tell(c, "hold", c->old->name, true, "%u sessions have not ended what they do there (switchover_timeout)", use.busy);
	return !c->stopping() || change_fail(c, "wye is being stopped");
}

static void let_go(struct change *c)
{
	if (c->holds)
		topology_hold_end();
	c->holds = false;
}

/* A look begun from here on has come; one that was under way may have seen what is undone by now. */
static bool is_seen_anew(const struct change_server *s, uint64_t looks)
{
	return !s->connection || topology_looks(s->slot) >= looks + 2;
}

/* Statements that were let go before the monitors know who is the primary again would go to one that refuses them. */
void undo_hold(struct change *c)
{
	if (!c->holds)
		return;
	uint64_t old = topology_looks(c->old->slot), new = topology_looks(c->target->slot);
	bool writable = c->old->connection && !c->old_was_read_only;
	for (unsigned i = 0; !c->stopping() && i < APPOINT_TRIES; i++) {
		if (is_seen_anew(c->old, old) && is_seen_anew(c->target, new) &&
		    (!writable || topology_is_primary(c->old->slot)))
			break;
		if (i % LOOK_EVERY_TRIES == 0)
			topology_look_at_all();
		rest(APPOINT_EVERY_MS);
	}
	let_go(c);
}

/* ---- fence ---- */

static bool set_read_only(struct change_server *s)
{
	return change_server_run(s, s->flavor == FLAVOR_MARIADB ? "SET GLOBAL read_only = 1" : "SET GLOBAL super_read_only = 1");
}

/* Accounts that write in spite of read_only (MariaDB: READ_ONLY ADMIN, or SUPER before 10.11), as a list of literals. */
#define MARIADB_WRITERS                                                                                                        \
	"SELECT user FROM mysql.global_priv WHERE CAST(JSON_VALUE(priv, '$.access') AS UNSIGNED) & %lld"

static void kill_one(struct change_server *s, const char *id)
{
	char sql[64];
	snprintf(sql, sizeof sql, "KILL %.20s", id);
	change_server_run(s, sql); /* it may have gone, or be out of reach (SYSTEM_USER): read_only holds it back then */
}

static void kill_listed(struct change_server *s, const char *sql)
{
	static _Thread_local char ids[4096][21];
	unsigned n = 0;
	struct library_result *r = NULL;
	if (!s->connection || !library_query(s->connection, sql, &r, &s->error))
		return;
	while (n < sizeof ids / sizeof *ids && library_row(r)) {
		const char *id = library_value(r, 0, NULL);
		if (id)
			snprintf(ids[n++], sizeof *ids, "%.20s", id);
	}
	library_free(r);
	for (unsigned i = 0; i < n; i++)
		kill_one(s, ids[i]);
}

/* Clients of this wye whose state lives in a connection there, and those that read_only does not hold back; or everybody. Replicas,
 * the server's own threads and wye's own account are left alone. Others stay connected: they may read. */
static void kill_clients(struct change *c, struct change_server *s, bool everybody)
{
	char sql[1200], writers[300];
	struct drain_use use;
	if (c->holds && drain_look(s->slot, &use))
		for (unsigned i = 0; i < use.n_tied; i++) {
			char id[21];
			snprintf(id, sizeof id, "%u", use.tied[i]);
			kill_one(s, id);
		}
	if (!everybody && s->flavor != FLAVOR_MARIADB)
		return;
	snprintf(writers, sizeof writers, "AND user IN (" MARIADB_WRITERS ")", s->version < 101100 ? 32768LL : 8589934592LL);
	snprintf(sql, sizeof sql,
		 "SELECT id FROM information_schema.processlist WHERE user NOT IN ('system user', 'event_scheduler') AND "
		 "user <> SUBSTRING_INDEX(USER(), '@', 1) AND command NOT LIKE 'Binlog Dump%%' AND command <> 'Daemon' %s",
		 everybody ? "" : writers);
	kill_listed(s, sql);
}

/* Who keeps read_only waiting, by a long write or by LOCK TABLES, cannot be told from others: all lose their connections then,
 * and it is tried once more. */
bool change_fence(struct change *c, struct change_server *s)
{
	bool done = set_read_only(s);
	if (!done && s->error.code == 1205) {
		kill_clients(c, s, true);
		done = set_read_only(s);
	}
	if (!done)
		return change_fail(c, "%s does not become read-only: %s", s->name, s->error.text);
	kill_clients(c, s, false);
	return true;
}

bool step_fence(struct change *c)
{
	c->fenced = true;
	return change_fence(c, c->old);
}

void undo_fence(struct change *c)
{
	if (!c->fenced || c->old_was_read_only)
		return;
	c->fenced = false;
	bool done = change_server_run(c->old, "SET GLOBAL read_only = 0");
	if (done && c->old->flavor != FLAVOR_MARIADB)
		done = change_server_run(c->old, "SET GLOBAL super_read_only = 0");
	if (!done)
		change_advise(c, "%s is read-only, and wye could not undo it (%s): run there SET GLOBAL read_only = 0", c->old->name,
			      c->old->error.text);
}

/* ---- promote ---- */

bool change_make_writable(struct change_server *s)
{
	if (s->flavor != FLAVOR_MARIADB && !change_server_run(s, "SET GLOBAL super_read_only = 0"))
		return false;
	return change_server_run(s, "SET GLOBAL read_only = 0");
}

/* Its channel is forgotten last, so that until then it can take it up again. */
bool step_promote(struct change *c)
{
	struct change_server *s = c->target;
	if (!change_still_locked(c))
		return false;
	c->stopped = true;
	if (!change_server_act(s, ACT_STOP))
		return change_fail(c, "%s does not stop replicating: %s", s->name, s->error.text);
	c->writable = true;
	if (!change_make_writable(s))
		return change_fail(c, "%s does not become writable: %s", s->name, s->error.text);
	if (!change_server_act(s, ACT_RESET_ALL))
		return change_fail(c, "%s does not forget its source: %s", s->name, s->error.text);
	s->follows = false;
	return true;
}

void undo_promote(struct change *c)
{
	struct change_server *s = c->target;
	char sql[CHANGE_SQL_MAX];
	if (!c->stopped)
		return;
	if (c->writable && !set_read_only(s))
		change_advise(c, "%s may be writable: run there SET GLOBAL read_only = 1", s->name);
	if (!s->follows && c->old->connection) { /* its channel is gone */
		if (!change_follow(c, s, c->old, false))
			change_advise(c, "%s follows nobody: REJOIN '%s'", s->name, s->name);
	} else if (!change_server_act(s, ACT_START)) {
		words_act(sql, s->flavor, s->version, ACT_START, s->channel);
		change_advise(c, "%s does not replicate: run there %.100s", s->name, sql);
	}
	c->stopped = c->writable = false;
}

bool step_appoint(struct change *c)
{
	bool done = topology_appoint(c->target->slot);
	for (unsigned i = 0; done && i < APPOINT_TRIES && !topology_is_primary(c->target->slot); i++) {
		if (i && i % 100 == 0)
			topology_look_at_all();
		rest(APPOINT_EVERY_MS);
	}
	done = done && topology_is_primary(c->target->slot);
	topology_appoint_end();
	if (!done)
		return change_fail(c, "%s may be written, but the monitors do not see it as the primary", c->target->name);
	let_go(c);
	return true;
}

/* ---- following ---- */

static bool link_runs(struct change *c, struct change_server *s)
{
	for (unsigned i = 0; i < LINK_TRIES; i++) {
		if (!change_server_read_status(s))
			return change_fail(c, "%s: %s", s->name, s->error.text);
		if (s->follows && s->sql && s->io == LINK_RUNNING)
			return true;
		if (s->follows && *s->link_error && s->io != LINK_RUNNING && i >= LINK_TRIES / 5)
			break;
		rest(LINK_EVERY_MS);
	}
	return change_fail(c, "%s does not replicate: %s", s->name, *s->link_error ? s->link_error : "its threads do not run");
}

/* Some channel to the primary, as it is or was: how one is made here. */
static const struct change_server *model(const struct change *c, const struct change_server *s)
{
	for (size_t i = 0; i < c->n; i++)
		if (&c->servers[i] != s && c->servers[i].read && c->servers[i].source == (int)c->old->slot)
			return &c->servers[i];
	return s;
}

bool change_follow(struct change *c, struct change_server *s, const struct change_server *source, bool demote)
{
	const struct change_server *like = model(c, s);
	struct source_login login = {.user = c->replication_user,
				     .password = c->replication_password,
				     .tls = like->tls,
				     .retry = like->retry};
	char sql[CHANGE_SQL_MAX];
	if (demote && s->flavor == FLAVOR_MARIADB && !words_know_demote(s->flavor, s->version) &&
	    !change_server_run(s, "SET GLOBAL gtid_slave_pos = @@global.gtid_binlog_pos"))
		return change_fail(c, "%s: %s", s->name, s->error.text);
	words_source(sql, s->flavor, s->version, s->channel, &source->at, &login, demote);
	bool done = change_server_run(s, sql) && change_server_act(s, ACT_START);
	explicit_bzero(sql, sizeof sql);
	if (!done)
		return change_fail(c, "%s does not follow %s: %s", s->name, source->name, s->error.text);
	return link_runs(c, s);
}

static bool repoint(struct change *c, struct change_server *s)
{
	char sql[CHANGE_SQL_MAX];
	words_source(sql, s->flavor, s->version, s->channel, &c->target->at, NULL, false);
	if (!change_server_act(s, ACT_STOP) || !change_server_run(s, sql) || !change_server_act(s, ACT_START))
		return change_fail(c, "%s does not follow %s: %s", s->name, c->target->name, s->error.text);
	return link_runs(c, s);
}

/* Those under other replicas follow these still. */
bool step_repoint(struct change *c)
{
	bool all = true;
	for (size_t i = 0; i < c->n; i++) {
		struct change_server *s = &c->servers[i];
		if (s == c->old || s == c->target || !s->follows || s->source != (int)c->old->slot)
			continue;
		bool ok = s->read && repoint(c, s);
		if (!s->read)
			change_fail(c, "%s cannot be reached: %.100s", s->name, s->error.text);
		if (!ok)
			change_advise(c, "%s follows the old primary still, or nobody: REJOIN '%s' (%.200s)", s->name, s->name, c->error);
		change_tell(c, "repoint", s->name, ok, "%s", ok ? "it follows the new primary" : c->error);
		all &= ok;
	}
	return all || change_fail(c, "not every replica follows the new primary");
}
