/*
 * What a statement changes for its session: noted when its text is read, applied when it has succeeded.
 *
 * What can be carried becomes another state. What stays on one connection gets a name there (router/bound.h)
 * and a pin that ends with the last name of its kind. Values that the text does not tell are such names too,
 * until they have been asked for (read_back.c).
 */
#include "proxy/session/effects.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/backend/pool.h"
#include "proxy/sequence_reads.h"
#include "proxy/session/session.h"

/* Which pin stands for the names of a kind. */
static const uint32_t pin_of[BOUND_KINDS] = {
    [BOUND_TEMPORARY] = PIN_TEMPORARY_TABLE, [BOUND_PREPARED] = PIN_TEXT_PREPARE,
    [BOUND_HANDLER] = PIN_HANDLER,           [BOUND_LOCK] = PIN_USER_LOCK,
    [BOUND_VARIABLE] = PIN_READ_BACK,        [BOUND_USER_VARIABLE] = PIN_USER_VARIABLE,
};

/* Pins that leave nothing on the connection that another session could find, once they have ended. */
#define PINS_CLEAN ((uint32_t)(PIN_LAST_STATEMENT | PIN_READ_BACK))

static struct bound *bound_of(struct bound **b)
{
	if (*b)
		return *b;
	*b = malloc(sizeof **b);
	if (!*b)
		abort();
	bound_init(*b);
	return *b;
}

void effects_free(struct bound **b)
{
	if (*b)
		bound_finish(*b);
	free(*b);
	*b = NULL;
}

static void note(struct bound **b, enum bound_kind kind, struct view name)
{
	bound_add(bound_of(b), &(struct bound_name){.kind = kind, .name = name});
}

/* ---- from the text ---- */

static struct state *user_variable(struct worker *w, const struct state *from, const struct effect *e)
{
	uint8_t name[UINT8_MAX];
	if (!e->name.len || e->name.len >= sizeof name)
		return NULL;
	name[0] = '@';
	memcpy(name + 1, e->name.p, e->name.len);
	struct view v = {name, e->name.len + 1};
	return e->value_kind == VALUE_STRING ? state_set_string(w->states, from, v, e->value, e->introducer)
	                                     : state_set(w->states, from, v, e->value);
}

/* The state that one effect makes of `from`; NULL when it cannot be carried. */
static struct state *after_effect(struct worker *w, const struct state *from, const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_SET:
		return e->value_kind == VALUE_STRING
		           ? state_set_string(w->states, from, e->name, e->value, e->introducer)
		           : state_set(w->states, from, e->name, e->value);
	case EFFECT_SET_DEFAULT:
		return state_set_default(w->states, from, e->name);
	case EFFECT_NAMES:
		return state_names(w->states, from, e->name, e->value);
	case EFFECT_CHARACTER_SET:
		return state_character_set(w->states, from, e->name);
	case EFFECT_SCHEMA:
		return state_schema(w->states, from, e->name);
	case EFFECT_USER_VARIABLE:
		return user_variable(w, from, e);
	default:
		return NULL;
	}
}

bool effects_of_text(struct worker *w, const struct state *from, struct view sql, const struct dialect *dialect,
                     struct state **next)
{
	struct classification *c = malloc(sizeof *c);
	if (!c)
		abort();
	struct context context = {.schema = state_schema_of(from)};
	classify(sql, dialect, &context, w->classify_scratch, c);
	struct state *at = NULL;
	bool whole = !(c->flags & (CLASS_CALLS | CLASS_MANY_EFFECTS | CLASS_UNLEXED));
	uint32_t explained = 0;
	for (unsigned i = 0; i < c->n_effects; i++) {
		struct state *after = after_effect(w, at ? at : from, &c->effects[i]);
		if (!after) {
			whole = false;
			continue;
		}
		if (c->effects[i].kind == EFFECT_USER_VARIABLE)
			explained |= PIN_USER_VARIABLE;
		state_unref(w->states, at);
		at = after;
	}
	whole = whole && !(c->pins_added & ~(explained | PINS_CLEAN));
	free(c);
	*next = at;
	return whole;
}

struct state *effects_schema(struct session *s, const struct state *from, struct view schema)
{
	bool ask;
	struct state *next = state_schema_moved(s->worker->states, from, schema, &ask);
	if (next && ask)
		note(&s->run->bind, BOUND_VARIABLE, view_of("collation_connection"));
	return next;
}

static bool is_of_charsets(const struct effect *e)
{
	static const char *const names[] = {"character_set_client", "character_set_connection",
	                                    "collation_connection"};
	if (e->kind == EFFECT_NAMES || e->kind == EFFECT_CHARACTER_SET)
		return true;
	for (size_t i = 0; e->kind != EFFECT_USER_VARIABLE && i < sizeof names / sizeof *names; i++)
		if (view_equal(e->name, view_of(names[i])))
			return true;
	return false;
}

/* A literal has the character set that was in effect when its statement was read, not the one that it sets.
 */
static bool is_of_another_charset(const struct classification *c, unsigned at)
{
	const struct effect *e = &c->effects[at];
	if (e->kind != EFFECT_USER_VARIABLE || e->value_kind != VALUE_STRING || e->introducer.len)
		return false;
	for (unsigned i = 0; i < at; i++)
		if (is_of_charsets(&c->effects[i]))
			return true;
	return false;
}

/* Set to NULL a user variable keeps the type of its value, which is not known yet. */
static bool is_null_of_bound(const struct session *s, const struct effect *e)
{
	struct bound_name found;
	bool null = e->kind == EFFECT_USER_VARIABLE && e->value.len == 4 && !strncasecmp((const char *)e->value.p, "NULL", 4);
	return null && s->bound &&
	       (s->bound->unknown[BOUND_USER_VARIABLE] || bound_find(s->bound, BOUND_USER_VARIABLE, e->name, &found));
}

/* True when it is of the state; *at is moved on where it can be carried. */
static bool note_state(struct session *s, const struct effect *e, struct state **at, bool ask)
{
	struct run *r = s->run;
	switch (e->kind) {
	case EFFECT_SET:
	case EFFECT_SET_DEFAULT:
	case EFFECT_NAMES:
	case EFFECT_CHARACTER_SET:
	case EFFECT_SCHEMA:
	case EFFECT_USER_VARIABLE:
		break;
	default:
		return false;
	}
	/* WHERE id IS NULL finds the last insert id then, but only in the statement that follows the insert. */
	if (view_equal(e->name, view_of("sql_auto_is_null")) && !view_equal(e->value, view_of("0")))
		r->next_unknown = true;
	ask = ask || is_null_of_bound(s, e);
	struct state *from = *at ? *at : s->want, *next = NULL;
	if (!ask)
		next = e->kind == EFFECT_SCHEMA ? effects_schema(s, from, e->name) : after_effect(s->worker, from, e);
	if (next) {
		state_unref(s->worker->states, *at);
		*at = next;
	}
	if (e->kind == EFFECT_USER_VARIABLE) {
		hints_note_variable(s, e);
		note(next ? &r->unbind : &r->bind, BOUND_USER_VARIABLE, e->name);
	} else if (e->kind == EFFECT_SET || e->kind == EFFECT_SET_DEFAULT) {
		note(next ? &r->unbind : &r->bind, BOUND_VARIABLE, e->name);
	} else if (!next) {
		r->next_unknown = true;
	}
	return true;
}

/* An execution of this text leaves nothing behind on its connection that the server's status flags do not
 * tell. */
static bool is_harmless(const struct session *s, struct view sql, const struct dialect *dialect, bool *uses_tables)
{
	struct classify_scratch *scratch = malloc(sizeof *scratch);
	struct classification *c = malloc(sizeof *c);
	if (!scratch || !c)
		abort();
	scratch->text = NULL;
	struct context context = {.schema = state_schema_of(s->want)};
	classify(sql, dialect, &context, scratch, c);
	bool harmless = !c->n_effects && !c->pins_added && !(c->flags & CLASS_CALLS);
	*uses_tables = c->uses_tables;
	if (c->reads_sequence)
		sequence_reads_note();
	free(scratch);
	free(c);
	return harmless;
}

static void note_prepared(struct session *s, const struct effect *e, const struct dialect *dialect)
{
	struct bound_name n = {.kind = BOUND_PREPARED, .name = e->name};
	bool uses_tables = false;
	n.harmless = e->value_kind == VALUE_STRING && is_harmless(s, e->value, dialect, &uses_tables);
	s->run->uses_tables |= uses_tables; /* as it is looked at now */
	bound_add(bound_of(&s->run->bind), &n);
}

static void note_executed(struct session *s, const struct effect *e)
{
	struct bound_name found;
	bool known = s->bound && bound_find(s->bound, BOUND_PREPARED, e->name, &found);
	if (!known || !found.harmless)
		s->run->pins_added |= PIN_UNKNOWN;
}

/* A role granted a moment ago is there on the primary first. */
static bool note_role(struct session *s, const struct effect *e, struct state **at)
{
	struct run *r = s->run;
	if (e->kind != EFFECT_ROLE)
		return false;
	struct state *next = state_role(s->worker->states, *at ? *at : s->want, e->value);
	if (next) {
		state_unref(s->worker->states, *at);
		*at = next;
		r->pins_added &= ~(uint32_t)PIN_ROLE;
	}
	r->to_primary = true;
	return true;
}

static void note_bound(struct session *s, const struct effect *e, const struct dialect *dialect)
{
	struct run *r = s->run;
	struct view schema = e->value.len ? e->value : state_schema_of(s->want);
	struct bound_name table = {.kind = BOUND_TEMPORARY, .schema = schema, .name = e->name};
	switch (e->kind) {
	case EFFECT_SET_READ_BACK:
		note(&r->bind, BOUND_VARIABLE, e->name);
		break;
	case EFFECT_USER_READ_BACK:
		note(&r->bind, BOUND_USER_VARIABLE, e->name);
		break;
	case EFFECT_TEMP_CREATE:
		bound_add(bound_of(&r->bind), &table);
		break;
	case EFFECT_TEMP_DROP:
		bound_add(bound_of(&r->unbind), &table);
		break;
	case EFFECT_PREPARE:
		note_prepared(s, e, dialect);
		break;
	case EFFECT_EXECUTE:
		note_executed(s, e);
		break;
	case EFFECT_DEALLOCATE:
		note(&r->unbind, BOUND_PREPARED, e->name);
		break;
	case EFFECT_HANDLER_OPEN:
		note(&r->bind, BOUND_HANDLER, e->name);
		break;
	case EFFECT_HANDLER_CLOSE:
		note(&r->unbind, BOUND_HANDLER, e->name);
		break;
	case EFFECT_USER_LOCK:
		note(&r->bind, BOUND_LOCK, e->name);
		r->ask_locks = true; /* it may not have been given */
		break;
	case EFFECT_USER_UNLOCK:
		r->ask_locks = true;
		break;
	default:
		break;
	}
}

/* Literals that are carried bind the session to nothing. */
static void carry_user_variables(struct run *r, const struct classification *c)
{
	bool from_data = c->flags & CLASS_SETS_USER_VARIABLE;
	bool refused = r->bind && bound_has(r->bind, BOUND_USER_VARIABLE);
	if (!(r->pins_added & PIN_USER_VARIABLE) || from_data || refused)
		return;
	r->pins_added &= ~(uint32_t)PIN_USER_VARIABLE;
	if (r->route == ROUTE_PIN && r->reason == REASON_USER_VARIABLE && !r->pins_added &&
	    c->n_statements == 1)
		r->route = ROUTE_SESSION;
}

/* What cannot be asked for, or not be set to what was answered: a DEFAULT that needs a right, and SET NAMES, whose collation
 * of results no variable tells. */
static bool sets_for_good(const struct classification *c)
{
	for (unsigned i = 0; i < c->n_effects; i++) {
		enum effect_kind kind = c->effects[i].kind;
		if (kind == EFFECT_SET_DEFAULT || kind == EFFECT_NAMES || kind == EFFECT_CHARACTER_SET)
			return true;
	}
	return false;
}

void effects_note(struct session *s, const struct classification *c, const struct dialect *dialect)
{
	struct state *at = NULL;
	for (unsigned i = 0; i < c->n_effects; i++)
		if (!note_state(s, &c->effects[i], &at, is_of_another_charset(c, i)) &&
		    !note_role(s, &c->effects[i], &at))
			note_bound(s, &c->effects[i], dialect);
	s->run->next = at;
	s->run->sets_state = at || s->run->next_unknown;
	s->run->sets_several = c->n_effects > 1 && (at || (s->run->bind && bound_has(s->run->bind, BOUND_VARIABLE)));
	/* Where the servers' own values differ, those of the primary count; and what may be done in part and tie is done there. */
	s->run->sets_for_good = s->run->sets_several && sets_for_good(c);
	if ((s->run->bind && bound_has(s->run->bind, BOUND_VARIABLE)) || s->run->sets_for_good)
		s->run->to_primary = true;
	carry_user_variables(s->run, c);
}

/* Preparing an assignment makes the variable, and MariaDB may give one that is there another type. */
static void keep_user_variables(struct bound **to, const struct bound *from)
{
	struct bound_name n;
	for (size_t at = 0; from && bound_next(from, &at, &n);)
		if (n.kind == BOUND_USER_VARIABLE)
			bound_add(bound_of(to), &n);
}

void effects_of_prepare(struct session *s)
{
	struct run *r = s->run;
	struct bound *kept = NULL;
	state_unref(s->worker->states, r->next);
	r->next = NULL;
	r->next_unknown = false;
	keep_user_variables(&kept, r->bind);
	keep_user_variables(&kept, r->unbind);
	effects_free(&r->bind);
	effects_free(&r->unbind);
	r->bind = kept;
	r->ask_locks = false;
	r->pins_added = kept ? PIN_USER_VARIABLE : 0;
	r->pins_released = 0;
	r->to_primary = kept != NULL;
}

/* ---- after it has run ---- */

/* Names first go and then come, so that a renamed table is there, and what is done twice in one text stays
 * too long. */
/* A SET that warns may have given a variable another value than its text says: the nearest that it can have. Those that
 * servers tell wye of have what they were given. */
static void ask_adjusted(struct session *s)
{
	struct bound_name n;
	const struct run *r = s->run;
	for (size_t at = 0; r->unbind && bound_next(r->unbind, &at, &n);)
		if (n.kind == BOUND_VARIABLE && !trackers_tell(n.name))
			bound_add(bound_of(&s->bound), &n);
}

/* What has failed was read as a whole, with the names of system variables in it. */
static bool is_begun(const struct run *r)
{
	return r->reply.error != 1064 && r->reply.error != 1193;
}

static void ask_all(struct session *s, const struct bound *names)
{
	struct bound_name n;
	for (size_t at = 0; names && bound_next(names, &at, &n);)
		if (n.kind == BOUND_VARIABLE)
			bound_add(bound_of(&s->bound), &n);
}

/* Servers look at all that is to be set before they set the first. But the value of a user variable is looked at when it is
 * its turn, and so is the right to set some to DEFAULT (MySQL: SET foreign_key_checks=0, max_error_count=DEFAULT). */
static void ask_done_in_part(struct session *s)
{
	const struct run *r = s->run;
	uint16_t error = r->reply.error;
	bool looked_at = error == 1229 || error == 1231 || error == 1232 || error == 1238 || (error == 1227 && !r->sets_for_good);
	if (!r->sets_several || looked_at || !is_begun(r))
		return;
	if (r->sets_for_good && !r->on_replica) {
		s->pins |= PIN_SESSION_VARIABLE;
		return;
	}
	ask_all(s, r->bind);
	ask_all(s, r->unbind);
}

static void apply_names(struct session *s, bool ok)
{
	struct run *r = s->run;
	struct bound_name n;
	if (ok && r->unbind && s->bound)
		for (size_t at = 0; bound_next(r->unbind, &at, &n);)
			bound_remove(s->bound, &n);
	/* A SET that is refused has made its user variables, if only with the value NULL and a type. */
	if (!ok && r->unbind && is_begun(r))
		for (size_t at = 0; bound_next(r->unbind, &at, &n);)
			if (n.kind == BOUND_USER_VARIABLE)
				bound_add(bound_of(&s->bound), &n);
	if (ok && r->reply.warnings)
		ask_adjusted(s);
	if (!ok)
		ask_done_in_part(s);
	if (!r->bind)
		return;
	/* A statement that fails may have set user variables before, unless it could not be read; and a
	 * PREPARE that fails has deallocated the one of that name. */
	bool failed_alone = !ok && !(r->flags & CLASS_MULTI);
	for (size_t at = 0; bound_next(r->bind, &at, &n);) {
		if (!failed_alone || (n.kind == BOUND_USER_VARIABLE && is_begun(r)))
			bound_add(bound_of(&s->bound), &n);
		else if (n.kind == BOUND_PREPARED && s->bound)
			bound_remove(s->bound, &n);
	}
	for (unsigned kind = 0; !failed_alone && kind < BOUND_KINDS; kind++)
		if (r->bind->unknown[kind])
			effects_unknown(s, (enum bound_kind)kind);
}

void effects_unknown(struct session *s, enum bound_kind kind)
{
	struct bound *b = bound_of(&s->bound);
	bound_forget(b, kind);
	b->unknown[kind] = true;
	s->pins |= pin_of[kind];
}

/* Pins and names say the same: a pin whose names nobody told is of an unknown name. */
static void settle(struct session *s, uint32_t before)
{
	for (unsigned kind = 0; kind < BOUND_KINDS; kind++) {
		bool named = s->bound && bound_has(s->bound, (enum bound_kind)kind);
		if (named)
			s->pins |= pin_of[kind];
		else if ((s->pins & pin_of[kind]) && !(before & pin_of[kind]))
			effects_unknown(s, (enum bound_kind)kind);
		else
			s->pins &= ~pin_of[kind];
	}
	if (s->bound && !(s->pins & EFFECTS_PINS))
		effects_free(&s->bound);
}

void effects_settle(struct session *s)
{
	settle(s, s->pins);
}

static void release(struct session *s, uint32_t pins)
{
	for (unsigned kind = 0; s->bound && kind < BOUND_KINDS; kind++)
		if (pins & pin_of[kind])
			bound_forget(s->bound, (enum bound_kind)kind);
	s->pins &= ~pins;
}

/* Begun, ended or done: what was set for the next transaction is used up, and an XA transaction that was
 * prepared may have left its connection. */
static uint32_t pins_ended(const struct session *s, bool ok)
{
	const struct run *r = s->run;
	uint32_t ended = 0;
	if (!ok)
		return 0;
	bool wrote = r->reason == REASON_WRITE || r->reason == REASON_DDL;
	if (wrote || (r->flags & (CLASS_COMMITS | CLASS_ROLLS_BACK | CLASS_BEGINS)))
		ended |= PIN_SET_TRANSACTION;
	if (r->reason == REASON_XA && r->reply.has_status && !(s->status & STATUS_IN_TRANS))
		ended |= PIN_XA;
	return ended;
}

static void apply_state(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	struct worker *w = s->worker;
	if (ok && r->next) {
		struct state *next = r->next;
		r->next = NULL;
		state_unref(w->states, s->want);
		s->want = next;
		/* What one server has accepted, it accepts again. */
		if (!s->supposed)
			worker_accept_state(w, next, b->pool->key.slot);
		backend_set_have(b, state_ref(next));
		routing_state_changed(s);
	} else if (!ok && r->next && (r->flags & (CLASS_MULTI | CLASS_CALLS))) {
		r->next_unknown = true; /* how far it came is not known */
	}
	if (r->next_unknown && (ok || (r->flags & CLASS_MULTI)))
		s->pins |= PIN_SESSION_VARIABLE;
}

static void count_pins(struct session *s, struct backend *b, uint32_t before)
{
	struct run *r = s->run;
	uint32_t added = s->pins & ~before;
	if (!added)
		return;
	b->dirty |= (s->pins & ~PINS_CLEAN) != 0;
	if (r->pin_cause) {
		free(s->pin_cause);
		s->pin_cause = r->pin_cause;
		r->pin_cause = NULL;
	}
	for (unsigned i = 0; !s->supposed && i < PIN_COUNT; i++)
		if (added & (1u << i))
			stat_add(&s->worker->stats->pins[i], 1);
}

/* Warnings and errors are there until the next statement, on this connection only. */
static bool leaves_warnings(const struct session *s, const struct backend *b, bool ok)
{
	const struct run *r = s->run;
	bool can = r->command == CMD_QUERY || prepared_executes(r->command) || r->unknown_statement ||
	           r->command == CMD_STMT_PREPARE || r->command == CMD_INIT_DB || r->command == CMD_FIELD_LIST;
	return can && (!ok || r->reply.warnings || r->carries_error) && (!s->pinned || s->pinned == b) &&
	       !conn_is_broken(&b->conn);
}

/* A global variable that was set in a READ ONLY transaction on a replica must not keep the session there, where what it
 * does next has no place: no later session gets this connection, with what it has of its own. */
static uint32_t keeps_of_replica(struct backend *b, uint32_t pins)
{
	if (pins & PIN_GLOBAL_VARIABLE)
		b->killed = true;
	return pins & ~(uint32_t)PIN_GLOBAL_VARIABLE;
}

static void apply_pins(struct session *s, struct backend *b, bool ok, uint32_t before)
{
	struct run *r = s->run;
	if (ok || (r->flags & CLASS_MULTI)) {
		release(s, r->pins_released | pins_ended(s, ok));
		s->pins |= r->on_replica ? keeps_of_replica(b, r->pins_added) : r->pins_added;
	}
	if (sequences_tie(s, b, ok))
		s->pins |= PIN_SEQUENCE;
	apply_names(s, ok);
	settle(s, before);
	if (s->bound)
		s->bound->ask_locks |= r->ask_locks;
	prepared_finished(s, b, ok);
	if (leaves_warnings(s, b, ok)) {
		s->warned = !(s->pins & PIN_LAST_STATEMENT);
		s->pins |= PIN_LAST_STATEMENT;
	}
	count_pins(s, b, before);
}

/* ---- what no text tells ---- */

/* Routines and triggers set user variables, make temporary tables and prepare statements. The servers report
 * some of that, if the statement ends well, without saying what it was. */
static void note_hidden(struct session *s, struct backend *b, bool ok)
{
	struct run *r = s->run;
	bool calls = r->flags & CLASS_CALLS;
	bool routine = r->reason == REASON_CALL || r->reason == REASON_COMPOUND;
	bool text_tells = r->sets_state || r->bind || r->unbind || r->pins_added;
	/* A routine may have set more variables than those that the servers tell of. */
	bool told = (r->change_explained && !calls) || (text_tells && !routine);
	s->called |= calls;
	s->wrote |= (r->flags & CLASS_WRITES) != 0;
	/* What it leaves in user variables, another session must not find. */
	bool hidden = r->state_changed && !told;
	b->dirty |= calls || hidden;
	/* Nobody tells which user variables a routine sets by INTO. */
	bool untold = r->reply.kind == REPLY_EOF && r->reason != REASON_WRITE; /* no trackers come behind rows */
	if (!r->on_replica && r->runs_routine && (routine || r->reason == REASON_UNKNOWN_FUNCTION || untold))
		effects_unknown(s, BOUND_USER_VARIABLE);
	if (!ok || !hidden)
		return;
	/* A function that is declared to read: nothing may tie a session to a replica that is to write later.
	 */
	if (r->on_replica)
		s->called = true;
	else if (calls)
		s->pins |= PIN_ROUTINE;
	else
		effects_unknown(s, BOUND_USER_VARIABLE);
}

/* What a routine has set before it failed is not reported, or only with the next statement's answer. What wye itself
 * must know is asked for; the rest stays with the connection, since it can be any variable. */
static void ask_after_failure(struct session *s)
{
	static const uint16_t not_begun[] = {1044, 1046, 1049, 1064, 1305, 1318, 1370};
	const struct run *r = s->run;
	if (r->reason != REASON_CALL && r->reason != REASON_COMPOUND)
		return;
	for (size_t i = 0; i < sizeof not_begun / sizeof *not_begun; i++)
		if (r->reply.error == not_begun[i])
			return;
	for (size_t i = 0; i < TRACKERS_VARIABLES; i++)
		note(&s->bound, BOUND_VARIABLE, view_of(trackers_variables[i]));
	s->pins |= r->on_replica ? PIN_READ_BACK : PIN_READ_BACK | PIN_ROUTINE;
}

void effects_apply(struct session *s, struct backend *b, bool ok)
{
	uint32_t before = s->pins;
	apply_state(s, b, ok);
	note_hidden(s, b, ok);
	if (!ok)
		ask_after_failure(s);
	apply_pins(s, b, ok, before);
}
