#include "proxy/doctor/checkup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECOND_US 1000000LL
#define CLOCK_TRIES 3

static const struct {
	const char *name, *other;
} names[] = {
#define X(name, word, other) [CHECKUP_##name] = {word, other},
	CHECKUP_VARIABLES(X) CHECKUP_COUNTERS(X)
#undef X
};

#define X(name, word, other) "','" word "','" other
static const char variables_sql[] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('" CHECKUP_VARIABLES(X) "')";
static const char counters_sql[] = "SHOW GLOBAL STATUS WHERE Variable_name IN ('" CHECKUP_COUNTERS(X) "')";
#undef X

/* As wye sets them on every connection (proxy/session/trackers_client.c). */
static const char mysql_trackers_sql[] =
	"SET SESSION session_track_gtids=OWN_GTID, session_track_state_change=1, session_track_schema=1, "
	"session_track_system_variables='autocommit'";
static const char mariadb_trackers_sql[] =
	"SET SESSION session_track_state_change=1, session_track_schema=1, "
	"session_track_system_variables='autocommit,last_gtid'";

/* Times in zones whose rules changed of late (Mexico 2022, Jordan 2022, Egypt 2023, Kazakhstan 2024, Paraguay 2024):
 * servers with tables of different years disagree. NULL without tables. */
#define ZONE(time, name) "CONVERT_TZ('" time "', 'UTC', '" name "')"
static const char zones_sql[] =
	"SELECT CONCAT(" ZONE("2026-07-15 12:00:00", "Europe/Berlin") ", ' ', " ZONE("2026-07-15 12:00:00", "America/New_York") ", ' ', "
	ZONE("2026-07-15 12:00:00", "America/Mexico_City") ", ' ', " ZONE("2026-01-15 12:00:00", "Asia/Amman") ", ' ', "
	ZONE("2026-07-15 12:00:00", "Africa/Cairo") ", ' ', " ZONE("2026-01-15 12:00:00", "Asia/Almaty") ", ' ', "
	ZONE("2026-07-15 12:00:00", "America/Asuncion") ")";

/* Locked accounts cannot log in, and those of the servers themselves are locked. */
static const char mysql_super_sql[] =
	"SELECT user, host FROM mysql.user WHERE super_priv = 'Y' AND account_locked = 'N'";
static const char mysql_admin_sql[] =
	"SELECT u.user, u.host FROM mysql.user u JOIN mysql.global_grants g USING (user, host) "
	"WHERE g.priv = 'CONNECTION_ADMIN' AND u.super_priv <> 'Y' AND u.account_locked = 'N'";
/* MariaDB's privileges are bits: SUPER, and from 10.5 on READ ONLY ADMIN, without which SUPER does not write from 10.11
 * on. */
#define MARIADB_SUPER 32768LL
#define MARIADB_READ_ONLY_ADMIN 8589934592LL
#define MARIADB_WRITERS                                                                                               \
	"SELECT user, host FROM mysql.global_priv WHERE CAST(JSON_VALUE(priv, '$.access') AS UNSIGNED) & %lld "        \
	"AND COALESCE(JSON_VALUE(priv, '$.account_locked'), '0') NOT IN ('1', 'true') "                                \
	"AND COALESCE(JSON_VALUE(priv, '$.is_role'), '0') NOT IN ('1', 'true')"

const char *checkup_value_name(enum checkup_value value, enum flavor flavor)
{
	return flavor == FLAVOR_MARIADB ? names[value].other : names[value].name;
}

static bool is_on(const char *text)
{
	return strcasecmp(text, "ON") == 0 || strcasecmp(text, "YES") == 0 || strcmp(text, "1") == 0;
}

bool checkup_is_on(const struct checkup *c, enum checkup_value value)
{
	return is_on(c->value[value]);
}

bool checkup_is_off(const struct checkup *c, enum checkup_value value)
{
	return *c->value[value] && !is_on(c->value[value]);
}

int64_t checkup_number(const struct checkup *c, enum checkup_value value)
{
	return *c->value[value] ? strtoll(c->value[value], NULL, 10) : -1;
}

/* ---- questions ---- */

struct asking {
	struct checkup *c;
	struct library_connection *connection;
	const _Atomic bool *stop;
};

/* False when the connection is of no more use, or nobody wants to know any longer. A refusal leaves *result NULL and
 * `refused` filled in, if it is wanted. */
static bool ask(struct asking *a, const char *sql, struct library_result **result, struct library_error *refused)
{
	struct library_error error = {.failure = LIBRARY_OK};
	*result = NULL;
	if (atomic_load(a->stop)) {
		a->c->error.failure = LIBRARY_LOST;
		snprintf(a->c->error.text, sizeof a->c->error.text, "it was not waited for");
		return false;
	}
	if (!library_query(a->connection, sql, result, &error)) {
		*result = NULL;
		if (library_failure_is_final(error.failure)) {
			a->c->error = error;
			return false;
		}
	}
	if (refused)
		*refused = error;
	return true;
}

static const char *text_of(struct library_result *r, unsigned column)
{
	const char *text = library_value(r, column, NULL);
	return text ? text : "";
}

static bool read_values(struct asking *a, const char *sql)
{
	struct library_result *r;
	if (!ask(a, sql, &r, NULL))
		return false;
	while (r && library_row(r))
		for (unsigned i = 0; i < CHECKUP_VALUES; i++) {
			const char *name = text_of(r, 0);
			if (strcasecmp(name, names[i].name) == 0 || strcasecmp(name, names[i].other) == 0)
				snprintf(a->c->value[i], sizeof a->c->value[i], "%s", text_of(r, 1));
		}
	library_free(r);
	return true;
}

static int64_t now_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

/* What NOW() is there in the middle between question and answer; the quickest of a few tells most exactly. */
static bool read_clock(struct asking *a)
{
	for (unsigned i = 0; i < CLOCK_TRIES; i++) {
		struct library_result *r;
		int64_t begun = now_us(CLOCK_MONOTONIC), asked_at = now_us(CLOCK_REALTIME);
		if (!ask(a, "SELECT UNIX_TIMESTAMP(NOW(6))", &r, NULL))
			return false;
		int64_t took = now_us(CLOCK_MONOTONIC) - begun;
		if (r && library_row(r) && (!a->c->skew_known || took / 2 < a->c->skew_error_us)) {
			int64_t there = (int64_t)(strtod(text_of(r, 0), NULL) * 1e6);
			a->c->skew_us = there - (asked_at + took / 2);
			a->c->skew_error_us = took / 2;
			a->c->skew_known = true;
		}
		library_free(r);
	}
	return true;
}

static bool read_zones(struct asking *a)
{
	struct library_result *r;
	if (!ask(a, zones_sql, &r, NULL))
		return false;
	if (r && library_row(r))
		snprintf(a->c->zones, sizeof a->c->zones, "%s", text_of(r, 0));
	library_free(r);
	return true;
}

static bool try_trackers(struct asking *a)
{
	struct library_error refused;
	struct library_result *r;
	if (!ask(a, a->c->flavor == FLAVOR_MARIADB ? mariadb_trackers_sql : mysql_trackers_sql, &r, &refused))
		return false;
	library_free(r);
	if (refused.failure != LIBRARY_OK)
		snprintf(a->c->trackers_error, sizeof a->c->trackers_error, "%.199s", refused.text);
	return true;
}

static bool is_local(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

static bool read_writers(struct asking *a, const char *sql)
{
	struct library_result *r;
	struct checkup *c = a->c;
	if (!ask(a, sql, &r, NULL))
		return false;
	c->writers_known |= r != NULL;
	while (r && library_row(r)) {
		const char *user = text_of(r, 0), *host = text_of(r, 1);
		size_t len = strlen(c->writers), needed = strlen(user) + strlen(host) + 8;
		c->n_writers++;
		c->n_remote_writers += !is_local(host);
		if (len + needed < sizeof c->writers)
			snprintf(c->writers + len, sizeof c->writers - len, "%s'%s'@'%s'", len ? ", " : "", user, host);
	}
	library_free(r);
	return true;
}

static bool read_all_writers(struct asking *a)
{
	char sql[512];
	if (a->c->flavor != FLAVOR_MARIADB)
		return read_writers(a, mysql_super_sql) && read_writers(a, mysql_admin_sql);
	snprintf(sql, sizeof sql, MARIADB_WRITERS,
		 a->c->version >= 101100 ? MARIADB_READ_ONLY_ADMIN : MARIADB_SUPER | MARIADB_READ_ONLY_ADMIN);
	return read_writers(a, sql);
}

void checkup_ask(struct checkup *c, const struct library_login *login, const _Atomic bool *stop)
{
	struct asking a = {.c = c, .stop = stop};
	a.connection = library_open(login, &c->error);
	if (!a.connection)
		return;
	c->asked = read_values(&a, variables_sql) && read_values(&a, counters_sql) && read_clock(&a) &&
		   read_zones(&a) && read_all_writers(&a) && try_trackers(&a);
	library_close(a.connection);
}
