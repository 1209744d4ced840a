/*
 * What the server reports of its session in OK packets: positions, and what nobody could read in the
 * statement's text.
 *
 * A variable that is reported has that value, on every flavor and version, even where it is reported under
 * the name of another that changed (MariaDB 11.8). What is missing in the reports is known by reading the
 * statement.
 */
#include <string.h>

#include "protocol/tracker.h"
#include "proxy/session/effects.h"
#include "proxy/session/session.h"

const char *const trackers_variables[TRACKERS_VARIABLES] = {
	"autocommit", "character_set_client", "character_set_connection", "character_set_results", "time_zone", "sql_mode",
};

/* A client may ask for others, which mean nothing here. */
bool trackers_tell(struct view name)
{
	for (size_t i = 0; i < TRACKERS_VARIABLES; i++)
		if (view_equal(name, view_of(trackers_variables[i])))
			return true;
	return false;
}

static bool learn(struct session *s, const struct tracker_entry *e)
{
	struct worker *w = s->worker;
	struct run *r = s->run;
	const struct state *from = r->next ? r->next : s->want;
	struct state *next = state_set_shown(w->states, from, e->name, e->value);
	if (!next)
		return false;
	state_unref(w->states, r->next);
	r->next = next;
	return true;
}

/* The value of an expression that the text did not tell. */
static bool is_answer(const struct run *r, struct view name)
{
	struct bound_name found;
	return r->bind && !(r->flags & CLASS_MULTI) && bound_find(r->bind, BOUND_VARIABLE, name, &found);
}

/* A statement that sets nothing itself has had it set by a routine, a trigger, or one before it that failed.
 * Values for one statement only are reported too, but not always what they become again. */
static bool is_hidden_change(const struct run *r)
{
	bool sets = r->sets_state || (r->bind && bound_has(r->bind, BOUND_VARIABLE));
	return !(r->flags & CLASS_SET_VAR) && ((r->flags & CLASS_CALLS) || !sets);
}

static void note_variable(struct session *s, const struct tracker_entry *e)
{
	struct run *r = s->run;
	if (view_equal(e->name, view_of("last_gtid"))) {
		freshness_note_position(s, FLAVOR_MARIADB, e->value);
		return;
	}
	if (!trackers_tell(e->name))
		return;
	r->change_explained = true;
	if (is_answer(r, e->name)) {
		struct bound_name n = {.kind = BOUND_VARIABLE, .name = e->name};
		if (learn(s, e))
			bound_remove(r->bind, &n);
	} else if (is_hidden_change(r) && !learn(s, e)) {
		r->next_unknown = true;
	}
}

static void note_schema(struct session *s, struct view schema)
{
	struct run *r = s->run;
	const struct state *expected = r->next ? r->next : s->want;
	r->change_explained = true;
	if (view_equal(state_schema_of(expected), schema))
		return;
	struct state *next = effects_schema(s, expected, schema);
	if (!next) {
		r->next_unknown = true;
		return;
	}
	state_unref(s->worker->states, r->next);
	r->next = next;
}

void trackers_note(struct session *s, struct view trackers)
{
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, trackers);
	while (tracker_next(&it, &e)) {
		switch (e.type) {
		case TRACK_SYSTEM_VARIABLES:
			note_variable(s, &e);
			break;
		case TRACK_SCHEMA:
			note_schema(s, e.value);
			break;
		case TRACK_GTIDS:
			freshness_note_position(s, FLAVOR_MYSQL, e.value);
			break;
		case TRACK_STATE_CHANGE:
			s->run->state_changed = true;
			break;
		default:
			break;
		}
	}
}
