/*
 * What a client has asked its servers to report (SET session_track_...), beside what wye needs to be told itself.
 *
 * A connection is told to report both; a client sees what it has asked for, or what servers report by default.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "proxy/session/session.h"

static const char *const names[] = {"session_track_system_variables", "session_track_schema",
				    "session_track_state_change", "session_track_gtids", "session_track_transaction_info"};
enum { VARIABLES, SCHEMA, STATE_CHANGE, GTIDS, TRANSACTION, N_NAMES };

/* What wye needs: positions and changes; variables that every version of the flavor knows, one of each group whose names
 * MariaDB 11.8 mixes up. */
/* trackers_variables, as a list. */
#define OWN "autocommit,character_set_client,character_set_connection,character_set_results,time_zone,sql_mode"

static struct view without_quotes(struct view v)
{
	if (v.len >= 2 && v.p[0] == '\'' && v.p[v.len - 1] == '\'')
		return (struct view){v.p + 1, v.len - 2};
	return v;
}

/* False: it is as it is by default. */
static bool wish(const struct state *s, unsigned which, struct view *value)
{
	if (!state_get(s, view_of(names[which]), value))
		return false;
	*value = without_quotes(*value);
	return !(value->len == 7 && !strncasecmp((const char *)value->p, "default", 7));
}

static bool is_word(struct view v, const char *word)
{
	return v.len == strlen(word) && !strncasecmp((const char *)v.p, word, v.len);
}

static bool is_off(struct view v)
{
	return is_word(v, "0") || is_word(v, "off") || is_word(v, "false");
}

bool trackers_differ(const struct state *a, const struct state *b)
{
	for (unsigned i = 0; i < N_NAMES; i++) {
		struct view x = {NULL, 0}, y = {NULL, 0};
		if (state_get(a, view_of(names[i]), &x) != state_get(b, view_of(names[i]), &y) || !view_equal(x, y))
			return true;
	}
	return false;
}

unsigned trackers_kept(const struct state *s)
{
	struct view v;
	unsigned kept = OK_KEEP(TRACK_SYSTEM_VARIABLES);
	if (!wish(s, SCHEMA, &v) || !is_off(v))
		kept |= OK_KEEP(TRACK_SCHEMA);
	if (wish(s, STATE_CHANGE, &v) && !is_off(v))
		kept |= OK_KEEP(TRACK_STATE_CHANGE);
	if (wish(s, GTIDS, &v) && !is_off(v))
		kept |= OK_KEEP(TRACK_GTIDS);
	if (wish(s, TRANSACTION, &v) && !is_off(v))
		kept |= OK_KEEP(TRACK_TRX_STATE) |
			(is_word(v, "characteristics") ? OK_KEEP(TRACK_TRX_CHARACTERISTICS) : 0);
	return kept;
}

void trackers_follow(struct session *s)
{
	struct view v;
	free(s->tracked_variables);
	s->tracked_variables = wish(s->want, VARIABLES, &v) ? strndup((const char *)v.p, v.len) : NULL;
	s->tracked = trackers_kept(s->want);
}

/* The list as the client wrote it: names with commas and blanks between them, or a star. */
bool trackers_keep_variable(void *arg, struct view name)
{
	const struct session *s = arg;
	if (!s->tracked_variables)
		return ok_variable_is_default(NULL, name);
	for (const char *p = s->tracked_variables; *p;) {
		size_t n = strcspn(p, ", ");
		struct view one = {(const uint8_t *)p, n};
		if (is_word(one, "*") || (n == name.len && !strncasecmp(p, (const char *)name.p, n)))
			return true;
		p += n + strspn(p + n, ", ");
	}
	return false;
}

/* Names that could end the string they are put into are not passed on. */
static bool is_plain(struct view list)
{
	for (size_t i = 0; i < list.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_,. *", list.p[i]) || !list.p[i])
			return false;
	return true;
}

/* MySQL refuses a list that names one twice. */
static bool is_own(struct view name)
{
	for (const char *p = OWN; *p;) {
		size_t n = strcspn(p, ",");
		if (n == name.len && !strncasecmp(p, (const char *)name.p, n))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static bool add_names(struct buf *out, struct view list)
{
	struct reader r = reader_of(list.p, list.len);
	bool done = true;
	while (reader_left(&r) && done) {
		size_t n = 0;
		while (n < reader_left(&r) && r.p[n] != ',' && r.p[n] != ' ')
			n++;
		struct view name = read_bytes(&r, n ? n : 1);
		if (n && !is_own(name))
			done = write_u8(out, ',') && write_bytes(out, name.p, name.len);
	}
	return done;
}

bool trackers_sql(const struct state *want, enum flavor flavor, bool in_trx, struct buf *out)
{
	bool mariadb = flavor == FLAVOR_MARIADB;
	struct view v, list = {NULL, 0}, own = view_of(mariadb ? OWN ",last_gtid" : OWN);
	/* MySQL lets nobody change session_track_gtids in a transaction. */
	struct view set = view_of(mariadb || in_trx ? "SET SESSION " : "SET SESSION session_track_gtids=OWN_GTID, ");
	if (wish(want, VARIABLES, &v) && is_plain(v))
		list = v;
	struct view rest = view_of("session_track_state_change=1, session_track_schema=1, session_track_system_variables='");
	bool done = write_bytes(out, set.p, set.len) && write_bytes(out, rest.p, rest.len);
	/* MariaDB's star would hide last_gtid behind other names. */
	if (list.len && memchr(list.p, '*', list.len))
		done = done && (mariadb ? write_bytes(out, own.p, own.len) : write_u8(out, '*'));
	else
		done = done && write_bytes(out, own.p, own.len) && add_names(out, list);
	return done && write_u8(out, '\'');
}
