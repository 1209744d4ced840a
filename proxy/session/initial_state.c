/*
 * The state that a session begins with: what a direct connection would have after the same login.
 *
 * The client's collation, and what its capabilities mean as session variables: INTERACTIVE takes interactive_timeout for
 * wait_timeout, IGNORE_SPACE adds itself to sql_mode. Servers run init_connect at the login of every account that is not
 * exempt; what it sets is in the session's state from the beginning, as it is in that of a connection that has just logged
 * in (backend_initial_state), so that neither a reset nor another account's connection can lose it.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/charset.h"
#include "protocol/handshake.h"
#include "proxy/accounts.h"
#include "proxy/session/effects.h"
#include "proxy/session/session.h"

/* Moves *at on; false when it could not be. */
static bool move_on(struct worker *w, struct state **at, struct state *next)
{
	if (!next)
		return false;
	state_unref(w->states, *at);
	*at = next;
	return true;
}

static bool name_charset(struct worker *w, struct state **at, const struct login *login, const struct server_info *server)
{
	bool mariadb = server && server->flavor == FLAVOR_MARIADB;
	const struct collation *c = charset_session_collation(login->collation, mariadb, server ? server->version : 0);
	if (!c && server)
		c = charset_session_collation(server->default_collation, mariadb, server->version);
	struct view charset = c ? view_of(c->charset->name) : view_of("utf8mb4");
	struct view collation = c ? view_of(c->name) : (struct view){NULL, 0};
	return move_on(w, at, state_names(w->states, *at, charset, collation));
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = strcasestr(list, word); p; p = strcasestr(p + 1, word))
		if ((p == list || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

static bool follow_capabilities(struct session *s, struct state **at, const struct server_defaults *d)
{
	struct worker *w = s->worker;
	char text[sizeof d->sql_mode + 16];
	bool done = true;
	if (s->caps & CAP_INTERACTIVE && d->interactive_timeout && d->interactive_timeout != d->wait_timeout) {
		snprintf(text, sizeof text, "%u", d->interactive_timeout);
		done = move_on(w, at, state_set(w->states, *at, view_of("wait_timeout"), view_of(text)));
	}
	if (s->caps & CAP_IGNORE_SPACE && !has_word(d->sql_mode, "IGNORE_SPACE")) {
		snprintf(text, sizeof text, "%s%sIGNORE_SPACE", d->sql_mode, *d->sql_mode ? "," : "");
		struct view none = {NULL, 0};
		done = done && move_on(w, at, state_set_string(w->states, *at, view_of("sql_mode"), view_of(text), none));
	}
	return done;
}

/* True when all that it does to the session is in the state. */
static bool follow_init_connect(struct worker *w, struct state **at, const struct server_info *server)
{
	const struct server_defaults *d = &server->defaults;
	if (!*d->init_connect)
		return true;
	struct dialect dialect = {.flavor = server->flavor, .version = server->version, .sql_mode = server->sql_mode,
				  .charset = TEXT_ASCII_SAFE};
	struct state *next = NULL;
	bool whole = effects_of_text(w, *at, view_of(d->init_connect), &dialect, &next) && !d->init_connect_cut;
	move_on(w, at, next);
	return whole;
}

struct state *backend_initial_state(struct worker *w, const struct server_info *server, bool exempt, bool *whole)
{
	struct state *at = state_initial(w->states);
	*whole = exempt || follow_init_connect(w, &at, server);
	return at;
}

static bool make(struct session *s, const struct login *login, bool exempt, struct login_state *out)
{
	struct worker *w = s->worker;
	const struct server_info *server = snapshot_reference(w->snapshot);
	struct state *first = state_initial(w->states);
	bool done = name_charset(w, &first, login, server) &&
		    (!login->schema.len || move_on(w, &first, state_schema(w->states, first, login->schema)));
	/* COM_RESET_CONNECTION: MySQL keeps what the capabilities mean, MariaDB does not; none runs init_connect again. */
	struct state *after_reset = state_ref(first);
	if (done && server) {
		done = follow_capabilities(s, &first, &server->defaults);
		if (server->flavor == FLAVOR_MYSQL)
			move_on(w, &after_reset, state_ref(first));
		if (!exempt)
			follow_init_connect(w, &first, server);
	}
	out->first = first;
	out->after_reset = after_reset;
	return done;
}

static void drop(struct worker *w, struct login_state *l)
{
	state_unref(w->states, l->first);
	state_unref(w->states, l->after_reset);
	l->first = l->after_reset = NULL;
}

bool session_initial_state(struct session *s, const struct login *login, bool exempt)
{
	struct worker *w = s->worker;
	struct login_state *last = &w->login_state;
	struct login_state this = {.snapshot = w->snapshot->number,
				   .caps = s->caps & (CAP_INTERACTIVE | CAP_IGNORE_SPACE),
				   .collation = login->collation,
				   .exempt = exempt};
	if (!last->first || last->snapshot != this.snapshot || last->caps != this.caps ||
	    last->collation != this.collation || last->exempt != exempt ||
	    !view_equal(state_schema_of(last->after_reset), login->schema)) {
		if (!make(s, login, exempt, &this)) {
			drop(w, &this);
			return false;
		}
		drop(w, last);
		*last = this;
	}
	state_unref(w->states, s->want);
	state_unref(w->states, s->at_login);
	s->want = state_ref(last->first);
	s->at_login = state_ref(last->after_reset);
	return true;
}
