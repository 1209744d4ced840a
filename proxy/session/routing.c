/* Where the command in work goes: the classifier's word, the session's bonds, and what the servers have applied. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/global_changes.h"
#include "proxy/learned.h"
#include "proxy/objects.h"
#include "proxy/session/effects.h"
#include "proxy/session/read_only.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"
#include "proxy/topology.h"
#include "router/sql_mode.h"

static bool is_on(struct view v)
{
	return (v.len == 1 && v.p[0] == '1') || (v.len == 2 && !strncasecmp((const char *)v.p, "on", 2)) ||
	       (v.len == 4 && !strncasecmp((const char *)v.p, "true", 4)) ||
	       (v.len == 4 && !strncasecmp((const char *)v.p, "'on'", 4)) ||
	       (v.len == 3 && !strncasecmp((const char *)v.p, "'1'", 3));
}

/* The text between the first two quotes, or all of it. */
static struct view unquoted(struct view v)
{
	if (v.len < 2 || v.p[0] != '\'')
		return v;
	const uint8_t *end = memchr(v.p + 1, '\'', v.len - 1);
	return (struct view){v.p + 1, end ? (size_t)(end - v.p - 1) : v.len - 1};
}

/* 0 where it is no plain number (DEFAULT). */
static uint32_t seconds_of(struct view v)
{
	uint32_t n = 0;
	for (size_t i = 0; i < v.len && v.p[i] >= '0' && v.p[i] <= '9' && n < UINT32_MAX / 100; i++)
		n = n * 10 + (uint32_t)(v.p[i] - '0');
	return n;
}

static bool has_autocommit_off(const struct state *state, const struct server_info *any)
{
	struct view v;
	return state_get(state, view_of("autocommit"), &v) ? !is_on(v) : any && any->autocommit_off;
}

void routing_state_changed(struct session *s)
{
	struct view v;
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	enum flavor flavor = any ? any->flavor : FLAVOR_MYSQL;
	s->sql_mode = state_get(s->want, view_of("sql_mode"), &v) ? sql_mode_parse(unquoted(v), flavor)
		      : any					  ? any->sql_mode
								  : 0;
	s->charset = state_get(s->want, view_of("character_set_client"), &v) ||
				     state_get(s->want, view_of("character set"), &v) ||
				     state_get(s->want, view_of("names"), &v)
			     ? text_charset_of(unquoted(v))
			     : TEXT_ASCII_SAFE;
	s->autocommit_off = has_autocommit_off(s->want, any);
	trackers_follow(s);
	s->worker->n_limited -= s->wait_timeout != 0;
	s->wait_timeout = state_get(s->want, view_of("wait_timeout"), &v) ? seconds_of(v) : 0;
	s->worker->n_limited += s->wait_timeout != 0;
	s->session_read_only = (state_get(s->want, view_of("transaction_read_only"), &v) && is_on(v)) ||
			       (state_get(s->want, view_of("tx_read_only"), &v) && is_on(v));
}

struct dialect routing_dialect(const struct session *s)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	return (struct dialect){
		.flavor = any ? any->flavor : FLAVOR_MYSQL,
		.version = any ? any->version : 0,
		.sql_mode = s->sql_mode,
		.charset = s->charset,
	};
}

/* For people who ask what tied a session to its connection; rare enough to read the statement a second time. */
static struct view digest_text_of(struct session *s, struct view sql, uint8_t *text, size_t size)
{
	static _Thread_local struct classification c;
	struct classify_scratch *scratch = s->worker->classify_scratch;
	struct context context = {.pins = 0};
	struct dialect dialect = routing_dialect(s);
	scratch->text = text;
	scratch->text_capacity = size;
	classify(sql, &dialect, &context, scratch, &c);
	scratch->text = NULL;
	return c.digest_text;
}

static void note_cause(struct session *s, struct view sql)
{
	struct run *r = s->run;
	uint8_t text[128];
	struct view v = digest_text_of(s, sql, text, sizeof text);
	free(r->pin_cause);
	r->pin_cause = strndup((const char *)v.p, v.len);
}

struct view routing_text(struct session *s)
{
	struct run *r = s->run;
	size_t len;
	const uint8_t *packet = rules_packet(s, &len);
	if (r->statement)
		return (struct view){r->statement->template->sql, r->statement->template->len};
	if (!r->sql_len || r->sql_at + r->sql_len > len)
		return (struct view){.len = 0};
	return (struct view){packet + r->sql_at, r->sql_len};
}

void routing_digest_text(struct session *s, char *text, size_t text_size)
{
	struct view sql = routing_text(s);
	*text = 0;
	if (!sql.len)
		return;
	struct view v = digest_text_of(s, sql, (uint8_t *)text, text_size - 1);
	text[v.len] = 0;
}

/* A replica has refused the like before. What it refused to write is as good as a write. */
static void apply_learned(struct session *s, const struct classification *c)
{
	struct run *r = s->run;
	r->digest = c->digest;
	r->learned_key = learned_key(c->digest, state_schema_of(s->want));
	if (r->route != ROUTE_REPLICA || session_in_trx(s) || (r->flags & CLASS_BEGINS) ||
	    !learned_applies(r->learned_key, worker_now(s->worker)))
		return;
	r->route = ROUTE_PRIMARY;
	r->reason = REASON_LEARNED;
	r->flags |= CLASS_WRITES | CLASS_CALLS;
}

/* Who has changed a global variable, of which no replica is told, or looks at what a server counts, is answered where that
 * is seen. A hint that asks for a replica holds all the same. */
static void prefer_primary(struct session *s)
{
	struct run *r = s->run;
	uint64_t now = worker_now(s->worker), timeout = s->worker->snapshot->settings->observe_timeout / 1000;
	if (r->route != ROUTE_REPLICA || r->reason != REASON_READ || session_in_trx(s))
		return;
	if (global_changes_apply(s->account_id, now, timeout))
		r->reason = REASON_GLOBAL_CHANGED;
	else if (s->watched_ms && now - s->watched_ms < timeout)
		r->reason = REASON_COUNTERS;
	else
		return;
	r->flags |= CLASS_DIFFERS;
}

/* Where the text is, for who has to read it again while the statement runs. */
static void note_place(struct session *s, struct view sql)
{
	size_t len;
	const uint8_t *packet = rules_packet(s, &len);
	if (sql.p >= packet && sql.len <= len && sql.p + sql.len <= packet + len) {
		s->run->sql_at = (size_t)(sql.p - packet);
		s->run->sql_len = sql.len;
	}
}

/* The names of its temporary tables; when they are not known, none. */
static unsigned temporary_names(const struct session *s, struct view names[BOUND_NAMES_MAX])
{
	struct bound_name n;
	unsigned count = 0;
	if (!s->bound || s->bound->unknown[BOUND_TEMPORARY])
		return 0;
	for (size_t at = 0; bound_next(s->bound, &at, &n);)
		if (n.kind == BOUND_TEMPORARY)
			names[count++] = n.name;
	return count;
}

/* It changes nothing but the session's state: when one server has refused it, or went away, another may do it. */
static bool may_repeat(const struct session *s, const struct run *r)
{
	if ((r->flags & (CLASS_MULTI | CLASS_BEGINS)) || session_in_trx(s))
		return false;
	return r->route == ROUTE_REPLICA || (r->route == ROUTE_SESSION && !r->pins_added && !r->next_unknown);
}

/* SET autocommit=1 ends the transaction and not its being READ ONLY: the next one on the connection is that too, or the
 * next write there (both flavors). Until then the session stays with it, and at the primary, where it writes. */
static void note_left_read_only(struct session *s)
{
	struct run *r = s->run;
	bool in_it = s->begun == BEGUN_READ_ONLY || (session_in_trx(s) && (s->status & STATUS_IN_TRANS_READONLY));
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	if (!in_it || !s->autocommit_off || !r->next || has_autocommit_off(r->next, any))
		return;
	r->pins_added |= PIN_SET_TRANSACTION;
	r->to_primary |= s->begun == BEGUN_READ_ONLY;
}

/* A READ ONLY transaction on a replica, when the statement in work has no place there. */
static void end_or_move(struct session *s)
{
	note_left_read_only(s);
	read_only_ends_implicitly(s);
	read_only_moves(s);
}

/* SQL_CALC_FOUND_ROWS leaves a count on its connection, which the session keeps until it has been asked for. For the rest it
 * is a read as any other. */
static void free_counting_read(const struct context *context, struct classification *c)
{
	uint32_t others = c->flags & ~(uint32_t)(CLASS_TOUCHES_TABLE | CLASS_DIFFERS);
	bool reads = c->reason == REASON_FOUND_ROWS && c->pins_added == PIN_LAST_STATEMENT && others == CLASS_ANY_SERVER;
	if (!reads || context->in_trx || context->autocommit_off || (context->pins & PINS_FOR_ALL))
		return;
	c->route = ROUTE_REPLICA;
	c->reason = REASON_READ;
}

struct view routing_classify(struct session *s, struct view sql)
{
	struct worker *w = s->worker;
	struct run *r = s->run;
	struct dialect dialect = routing_dialect(s);
	/* What is known of functions and views is old once a client has changed some. */
	const struct object_set *objects =
		topology_objects_requested() <= w->snapshot->objects_ticket ? w->snapshot->objects : NULL;
	struct view names[BOUND_NAMES_MAX];
	bool in_trx = session_in_trx(s) || s->begun != BEGUN_NOT;
	struct hints room;
	struct context context = {
		.carried = s->called ? NULL : s->want,
		.hidden_user_variables = s->wrote,
		.temp_names = names,
		.n_temp_names = temporary_names(s, names),
		.catalog = objects ? object_set_catalog(objects) : NULL,
		.in_trx = in_trx,
		.in_read_only_trx = (s->status & STATUS_IN_TRANS_READONLY) != 0 && in_trx,
		.autocommit_off = s->autocommit_off,
		.session_read_only = s->session_read_only,
		.temp_tables = (s->pins & PIN_TEMPORARY_TABLE) != 0,
		.pins = s->pins,
		.schema = state_schema_of(s->want),
		.hints = hints_of_command(s, &room),
	};
	static _Thread_local struct classification c; /* 2 KiB that need no clearing */
	classify(sql, &dialect, &context, w->classify_scratch, &c);
	free_counting_read(&context, &c);
	if (r->explanation)
		explain_note_hints(r->explanation, &c.hints);
	/* What runs again is as the rules have left it. */
	if (w->snapshot->rules && !r->replay_at)
		sql = rules_apply(s, sql, &dialect, &context, &c);
	r->route = c.route;
	r->reason = c.reason;
	r->flags = c.flags;
	note_place(s, sql);
	if (r->explanation)
		explain_note_effects(r->explanation, &c);
	if (r->route == ROUTE_DENY) {
		last_statement_ends(s);
		return sql;
	}
	r->reads_found_rows = c.reads_found_rows;
	r->sets_found_rows = c.sets_found_rows;
	r->finds_none = c.finds_none;
	r->pins_added = c.pins_added;
	r->pins_released = c.pins_released;
	r->kill_id = c.kill_id;
	r->kill_query = c.kill_query;
	r->kill_user = c.kill_user.len ? strndup((const char *)c.kill_user.p, c.kill_user.len) : NULL;
	r->kill_host = c.kill_host.len ? strndup((const char *)c.kill_host.p, c.kill_host.len) : NULL;
	if (c.kill_value.len && asprintf(&r->kill_sql, "SELECT (%.*s)", (int)c.kill_value.len, (const char *)c.kill_value.p) < 0)
		abort();
	r->reads_counters = c.reads_counters;
	r->uses_tables = c.uses_tables;
	r->diagnoses = c.diagnoses;
	r->lists_objects = c.lists_objects && c.n_statements == 1;
	r->runs_routine = c.runs_routine;
	r->plain_begin = (c.flags & CLASS_PLAIN_BEGIN) && !(c.flags & CLASS_MULTI) && !c.hints.given;
	if (c.hints.given)
		hints_take(s, &c);
	if (!sequences_classified(s, &c)) {
		last_statement_ends(s);
		return sql;
	}
	effects_note(s, &c, &dialect);
	apply_learned(s, &c);
	prefer_primary(s);
	last_statement_ends(s);
	if (r->command == CMD_QUERY || prepared_executes(r->command))
		end_or_move(s);
	r->replayable = may_repeat(s, r);
	uint32_t pins = r->pins_added | (r->keeps_sequence ? PIN_SEQUENCE : 0);
	if (pins & ~s->pins)
		note_cause(s, sql);
	return sql;
}

/* ---- where ---- */

bool routing_is_usable(const struct server_info *server)
{
	return server->state == SERVER_STATE_UP || server->state == SERVER_STATE_LAGGING ||
	       server->state == SERVER_STATE_STOPPED;
}

int routing_primary_slot(const struct session *s)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	return snapshot->primary >= 0 ? (int)snapshot->servers[snapshot->primary].slot : -1;
}

static enum routing_result no_server(const struct session *s, char *text, size_t text_size)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	if (snapshot->primary >= 0)
		snprintf(text, text_size, "no replica answers, and %s",
			 s->listen_route == LISTEN_REPLICA ? "this address is for replicas only (route=replica)"
							   : "the primary may not be read (reads_on_primary=never)");
	else
		snprintf(text, text_size, "no primary: %s",
			 *snapshot->primary_reason ? snapshot->primary_reason : "none of the servers is one");
	return ROUTING_NONE;
}

/* The statement belongs to the connection that the session holds. One that is held on a replica, for user variables that
 * were set from what a read has left there, is no place for the session's writes. */
static bool belongs_to_pinned(const struct session *s)
{
	const struct run *r = s->run;
	if (!s->pinned)
		return false;
	bool bound = r->statement && (r->statement->cursor || r->statement->long_data);
	bool held = session_in_trx(s) || (s->pins & (PINS_FOR_ALL | PIN_LAST_STATEMENT));
	if (bound || held || r->command == CMD_RESET_CONNECTION || r->pins_added ||
	    (r->flags & (CLASS_READS_LAST | CLASS_USES_TEMPORARY)))
		return true;
	if ((int)s->pinned->pool->key.slot != routing_primary_slot(s))
		return (r->flags & (CLASS_READS_USER_VARIABLE | CLASS_SETS_USER_VARIABLE)) ||
		       ((r->flags & CLASS_BEGINS) && r->route == ROUTE_REPLICA);
	return r->route != ROUTE_REPLICA || (r->flags & (CLASS_READS_LAST_INSERT_ID | CLASS_BEGINS));
}

/* An idle connection that still has what the statement reads, or adds to. */
static struct backend *kept_for(const struct session *s)
{
	const struct run *r = s->run;
	struct backend *b = NULL;
	if (insert_id_is_apart(s))
		return NULL;
	if (r->flags & CLASS_READS_LAST)
		b = last_statement_place(s);
	else if (r->reads_sequence)
		b = sequences_place(s);
	else if (insert_id_matters(s) && r->route != ROUTE_REPLICA && s->worker->snapshot->settings->connection_affinity &&
		 s->insert_id_at && (int)s->insert_id_at->pool->key.slot == routing_primary_slot(s) &&
		 s->insert_id_at->pool->key.caps == (s->caps & SESSION_POOL_CAPS))
		b = s->insert_id_at;
	if (!b || b->state != BACKEND_IDLE)
		return NULL;
	/* The server may have closed it a moment ago. */
	if (s->supposed || !pool_has_gone(b))
		return b;
	backend_discard(b);
	return NULL;
}

/* It is being asked for, by the statement of another session or because its connection is to be closed. */
static bool is_saving_insert_id(const struct session *s)
{
	return s->saving || (s->insert_id_at && s->insert_id_at->task == TASK_SAVE_ID);
}

/* connection_affinity=off: a state that is changed on any server, and not where the session was, must be carried. */
static int slot_for_moving_change(struct session *s)
{
	int primary = routing_primary_slot(s);
	bool was_there = s->last && (int)s->last->pool->key.slot == primary;
	int replica = was_there || primary < 0 ? reads_fresh_replica(s, primary < 0) : -1;
	return replica >= 0 ? replica : primary;
}

static bool has_failed_it(const struct session *s, int slot)
{
	return slot < 32 && (s->run->tried & 1u << slot);
}

/* A login's schema is asked for on the primary, which has it first. While all of that one's connections are lent, or it
 * hangs and nobody knows yet, one to a replica that stands in this schema will do: who comes to read needs no primary. */
static int slot_for_login(struct session *s, int primary)
{
	const struct snapshot *snapshot = s->worker->snapshot;
	const struct server_info *first = primary < 0 ? NULL : snapshot_server_by_slot(snapshot, (unsigned)primary);
	if (!first || pool_has_idle(s->worker, first, s, false))
		return primary;
	for (unsigned i = 0; i < snapshot->n_servers; i++) {
		const struct server_info *server = &snapshot->servers[i];
		if (server->role == SERVER_REPLICA && routing_is_usable(server) && pool_has_idle(s->worker, server, s, true))
			return (int)server->slot;
	}
	return primary;
}

static int slot_for_session_change(struct session *s)
{
	if (!s->worker->snapshot->settings->connection_affinity)
		return slot_for_moving_change(s);
	if (s->last && s->last->state == BACKEND_IDLE && !has_failed_it(s, (int)s->last->pool->key.slot))
		return (int)s->last->pool->key.slot;
	int slot = routing_primary_slot(s);
	if (slot >= 0 && !has_failed_it(s, slot))
		return s->run->own ? slot_for_login(s, slot) : slot;
	int replica = reads_any_replica(s);
	return replica >= 0 ? replica : slot;
}

/* It writes, or ties the session to more than values that can be asked for: on a replica, where what it reads of the last
 * statement may be, the session's writes would have no place then, and its locks would be nobody else's. */
static bool belongs_to_primary(const struct session *s)
{
	const struct run *r = s->run;
	uint32_t pins = r->pins_added | (r->next_unknown ? PIN_SESSION_VARIABLE : 0);
	return s->listen_route == LISTEN_AUTO && routing_ties_to_primary(r->flags, pins);
}

bool routing_ties_to_primary(uint32_t flags, uint32_t pins_added)
{
	const uint32_t anywhere = PIN_USER_VARIABLE | PIN_READ_BACK | PIN_LAST_STATEMENT;
	return (flags & (CLASS_WRITES | CLASS_DDL | CLASS_CALLS)) || (pins_added & ~anywhere);
}

static bool is_at_primary(const struct session *s, const struct backend *b)
{
	return (int)b->pool->key.slot == routing_primary_slot(s);
}

/* Held for its warnings only, which a statement that fails there replaces. */
static bool may_leave(const struct session *s, const struct backend *b)
{
	return b == s->pinned && s->pins == PIN_LAST_STATEMENT && !session_in_trx(s) &&
	       !(s->run->flags & CLASS_READS_LAST);
}

static enum routing_result take(struct session *s, struct backend *b, bool idle)
{
	struct run *r = s->run;
	if (idle && !s->supposed)
		pool_take_this(b, s);
	s->backend = b;
	const struct server_info *server = snapshot_server_by_slot(s->worker->snapshot, b->pool->key.slot);
	r->slot = (int)b->pool->key.slot;
	r->on_replica = server && server->role == SERVER_REPLICA;
	r->chosen_pinned = true;
	r->replayable = r->replayable && r->on_replica && may_leave(s, b);
	return ROUTING_OK;
}

/* The first statement of a transaction chooses where all of it runs. */
static enum route route_of(const struct session *s)
{
	enum route route = s->run->route;
	if (s->begun == BEGUN_NOT || route != ROUTE_SESSION)
		return route;
	return s->begun == BEGUN_READ_ONLY ? ROUTE_REPLICA : ROUTE_PRIMARY;
}

bool routing_runs_anywhere(const struct session *s)
{
	const struct run *r = s->run;
	return s->listen_route == LISTEN_AUTO && route_of(s) == ROUTE_SESSION && !r->to_primary && !r->next_unknown &&
	       !r->pins_added;
}

/* The session's last insert id is asked for where it lives, before its statement goes elsewhere; false: no need. */
static bool ask_insert_id(struct session *s)
{
	struct backend *first = s->supposed ? NULL : insert_id_ask_at(s);
	if (!first)
		return false;
	pool_take_this(first, s);
	s->backend = first;
	s->run->slot = (int)first->pool->key.slot;
	return true;
}

/* Takes the connection that the session holds. The last insert id may be another's: that one is asked for it. */
static enum routing_result take_pinned(struct session *s)
{
	if (insert_id_matters(s) || (s->run->flags & CLASS_READS_LAST_INSERT_ID)) {
		if (is_saving_insert_id(s))
			return ROUTING_WAIT;
		if (ask_insert_id(s))
			return ROUTING_OK;
	}
	return take(s, s->pinned, false);
}

/* What the last statement has left, on another connection than that which ties the session: who asks for nothing else is
 * answered there. */
static struct backend *diagnosed_beside(struct session *s)
{
	const struct run *r = s->run;
	struct backend *b = s->warned_at;
	bool tied = s->pinned || s->begun != BEGUN_NOT;
	if (r->command != CMD_QUERY || !tied || !b || b == s->pinned || b->state != BACKEND_IDLE)
		return NULL;
	bool numbers = (r->flags & CLASS_READS_LAST) && r->reason == REASON_WARNINGS && last_statement_is_number(routing_text(s));
	if (!r->diagnoses && !numbers)
		return NULL;
	if (s->supposed || !pool_has_gone(b))
		return b;
	backend_discard(b);
	return NULL;
}

enum routing_result routing_choose(struct session *s, char *text, size_t text_size)
{
	struct run *r = s->run;
	const struct snapshot *snapshot = s->worker->snapshot;
	/* Never out of an open transaction, or of what ties every statement. */
	bool tied = s->pinned && (session_in_trx(s) || (s->pins & PINS_FOR_ALL) || r->reason == REASON_TEXT_PREPARE ||
				  (r->flags & (CLASS_USES_TEMPORARY | CLASS_READS_USER_VARIABLE | CLASS_SETS_USER_VARIABLE)));
	/* Nothing but what the last statement has left there keeps the session where it must not be tied. */
	if (s->pinned && !(r->flags & CLASS_READS_LAST) && sequences_in_the_way(s, s->pinned))
		finish_last_statement(s);
	if (s->pinned && s->pins == PIN_LAST_STATEMENT && !session_in_trx(s) && !is_at_primary(s, s->pinned) &&
	    belongs_to_primary(s))
		finish_last_statement(s);
	struct backend *beside = diagnosed_beside(s);
	if (beside) {
		r->beside = true;
		return take(s, beside, true);
	}
	struct backend *kept = tied ? NULL : kept_for(s);
	if (kept && !is_at_primary(s, kept) && (s->begun == BEGUN_READ_WRITE || belongs_to_primary(s)))
		kept = NULL;
	if (kept)
		return take(s, kept, true);
	if (belongs_to_pinned(s))
		return take_pinned(s);
	bool with_insert_id = insert_id_matters(s);
	if (with_insert_id && is_saving_insert_id(s))
		return ROUTING_WAIT;

	r->wait = r->ask = false;
	enum route route = route_of(s);
	int slot;
	if (s->listen_route == LISTEN_REPLICA)
		slot = reads_any_replica(s);
	else if (s->listen_route == LISTEN_PRIMARY)
		slot = routing_primary_slot(s);
	else if (routing_runs_anywhere(s))
		slot = slot_for_session_change(s);
	else if (route == ROUTE_REPLICA)
		slot = reads_choose(s);
	else
		slot = routing_primary_slot(s);
	if (slot == READS_MUST_WAIT)
		return ROUTING_WAIT;
	if (slot < 0)
		return no_server(s, text, text_size);
	const struct server_info *server = snapshot_server_by_slot(snapshot, (unsigned)slot);
	if (!server || !routing_is_usable(server))
		return no_server(s, text, text_size);
	/* What it holds may be what the statement needs: a temporary table that a routine has made, for one. */
	if (s->pinned && (int)s->pinned->pool->key.slot == slot && r->route == ROUTE_REPLICA && !r->ask && !r->wait)
		return take(s, s->pinned, false);
	r->slot = slot;
	r->on_replica = server->role == SERVER_REPLICA;
	if (with_insert_id)
		ask_insert_id(s);
	return ROUTING_OK;
}
