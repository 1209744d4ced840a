/* One server's answers: what breaks a promise of wye's, what will in a case that is to be expected. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "proxy/doctor/judge.h"

#define SKEW_MAX_US 1000000LL

static bool has_role(const struct checkup *c, enum server_role role)
{
	return c->role == role;
}

static void judge_trackers(const struct checkup *c, struct findings *out)
{
	if (*c->trackers_error)
		finding_advise(findings_add(out, SEVERITY_PROBLEM, c->server,
					    "it refuses the session trackers: %s", c->trackers_error),
			       "use MySQL 5.7.6 or MariaDB 10.3 and later: what was written and what a session has set is "
			       "told by them");
}

static void judge_clock(const struct checkup *c, struct findings *out)
{
	if (c->skew_known && llabs(c->skew_us) > SKEW_MAX_US + c->skew_error_us)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "its clock is %.1f s %s that of wye's machine",
					    (double)llabs(c->skew_us) / 1e6, c->skew_us > 0 ? "ahead of" : "behind"),
			       "keep both clocks right (NTP): NOW() differs from server to server, and so do lag and times");
}

static void judge_room(const struct checkup *c, const struct judge_input *in, struct findings *out)
{
	int64_t room = checkup_number(c, CHECKUP_MAX_CONNECTIONS);
	if (room >= 0 && (uint64_t)room < in->connections)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "max_connections is %lld there, and wye may open %llu connections",
					    (long long)room, (unsigned long long)in->connections),
			       "SET GLOBAL max_connections = %llu there, or SET server_max_connections = %lld here",
			       (unsigned long long)(in->connections + in->connections / 5),
			       (long long)(room > 20 ? room - room / 10 : room > 1 ? room - 1 : 1));
}

static void judge_binlog(const struct checkup *c, const struct judge_input *in, struct findings *out)
{
	const char *format = c->value[CHECKUP_BINLOG_FORMAT];
	bool is_primary = has_role(c, SERVER_PRIMARY);
	if (checkup_is_off(c, CHECKUP_LOG_BIN)) {
		finding_advise(findings_add(out, is_primary && in->n > 1 ? SEVERITY_PROBLEM : SEVERITY_WARNING, c->server,
					    "its binary log is off: %s",
					    is_primary ? "nobody can replicate from it" : "it cannot take the primary's place"),
			       "start it with log_bin");
		return;
	}
	if (strcasecmp(format, "STATEMENT") == 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "binlog_format is STATEMENT: replicas may come to other rows than the primary"),
			       "SET GLOBAL binlog_format = ROW, and in its option file");
	else if (strcasecmp(format, "MIXED") == 0)
		findings_add(out, SEVERITY_INFO, c->server,
			     "binlog_format is MIXED: what is replicated as a statement may come to other rows; ROW never does");
}

static void judge_gtid(const struct checkup *c, struct findings *out)
{
	if (*c->value[CHECKUP_GTID_MODE] && strcasecmp(c->value[CHECKUP_GTID_MODE], "ON") != 0)
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server, "gtid_mode is %s there: reads that must see their "
					    "session's writes go to the primary", c->value[CHECKUP_GTID_MODE]),
			       "SET PERSIST enforce_gtid_consistency = ON, then gtid_mode step by step to ON on every server");
	if (checkup_is_off(c, CHECKUP_GTID_STRICT_MODE))
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "gtid_strict_mode is off there: a server that has transactions of its own follows all "
					    "the same, and its data differs"),
			       "SET GLOBAL gtid_strict_mode = ON, and in its option file");
}

static void judge_durability(const struct checkup *c, struct findings *out)
{
	int64_t sync = checkup_number(c, CHECKUP_SYNC_BINLOG), flush = checkup_number(c, CHECKUP_FLUSH_LOG);
	if ((sync >= 0 && sync != 1) || (flush >= 0 && flush != 1))
		findings_add(out, SEVERITY_INFO, c->server,
			     "sync_binlog = %lld and innodb_flush_log_at_trx_commit = %lld: a power cut may lose what was "
			     "committed; 1 and 1 lose nothing", (long long)sync, (long long)flush);
}

static void judge_writers(const struct checkup *c, struct findings *out)
{
	if (!c->n_writers || !checkup_is_on(c, CHECKUP_READ_ONLY) || checkup_is_on(c, CHECKUP_SUPER_READ_ONLY))
		return;
	bool mysql = c->flavor != FLAVOR_MARIADB;
	struct finding *f = findings_add(out, c->n_remote_writers ? SEVERITY_WARNING : SEVERITY_INFO, c->server,
					 "%u account%s may write to this replica in spite of read_only: %s", c->n_writers,
					 c->n_writers == 1 ? "" : "s", c->writers);
	if (mysql)
		finding_advise(f, "SET PERSIST super_read_only = ON there");
	else
		finding_advise(f, "%s from whom need not", c->version >= 101100 ? "REVOKE READ ONLY ADMIN ON *.*"
										  : "REVOKE SUPER, READ ONLY ADMIN ON *.*");
}

static void judge_replica(const struct checkup *c, struct findings *out)
{
	if (checkup_is_off(c, CHECKUP_READ_ONLY))
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "this replica is not read_only: a client that connects to it by mistake can write"),
			       "SET GLOBAL read_only = 1 there, and in its option file");
	if (checkup_is_off(c, CHECKUP_LOG_REPLICA_UPDATES))
		finding_advise(findings_add(out, SEVERITY_WARNING, c->server,
					    "%s is off there: it cannot take the primary's place, nor have replicas of its own",
					    checkup_value_name(CHECKUP_LOG_REPLICA_UPDATES, c->flavor)),
			       "start it with %s", checkup_value_name(CHECKUP_LOG_REPLICA_UPDATES, c->flavor));
	judge_writers(c, out);
}

static void judge_zones(const struct checkup *c, struct findings *out)
{
	if (!*c->zones)
		finding_advise(findings_add(out, SEVERITY_INFO, c->server,
					    "it has no time zone tables: CONVERT_TZ() and SET time_zone by name do not work there"),
			       "%s /usr/share/zoneinfo | %s mysql on the primary, if statements name time zones",
			       c->flavor == FLAVOR_MARIADB ? "mariadb-tzinfo-to-sql" : "mysql_tzinfo_to_sql",
			       c->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql");
}

void judge_server(const struct checkup *c, const struct judge_input *in, struct findings *out)
{
	if (!c->asked)
		return;
	judge_trackers(c, out);
	judge_clock(c, out);
	judge_room(c, in, out);
	judge_binlog(c, in, out);
	judge_gtid(c, out);
	if (has_role(c, SERVER_REPLICA))
		judge_replica(c, out);
	judge_durability(c, out);
	judge_zones(c, out);
}
