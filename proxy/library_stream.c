#include "proxy/library_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/client_library_inside.h"

#ifdef MARIADB_PACKAGE_VERSION
#include <mariadb_rpl.h>
#endif

#define NAME_MAX_LEN 512

/* Kinds of events; the numbers are the protocol's (MySQL internals manual, "Binary Log Event"; MariaDB
 * knowledge base, "2-binlog-event-header"). */
enum {
	KIND_QUERY = 2,
	KIND_XID = 16,
	KIND_XA_PREPARE = 38,
	KIND_PAYLOAD = 40,           /* MySQL: a whole transaction, compressed */
	KIND_QUERY_COMPRESSED = 165, /* MariaDB */
};

static bool ends_transaction(unsigned kind)
{
	return kind == KIND_QUERY || kind == KIND_XID || kind == KIND_XA_PREPARE || kind == KIND_PAYLOAD ||
	       kind == KIND_QUERY_COMPRESSED;
}

/* Where the log ends now. */
struct log_end {
	char name[NAME_MAX_LEN];
	unsigned long at;
};

#ifdef MARIADB_PACKAGE_VERSION

struct library_stream {
	MARIADB_RPL *rpl;
};

bool library_stream_can(enum flavor flavor, const char **why)
{
	*why = "MariaDB's client library cannot follow a MySQL server; wye built with Oracle's can";
	return flavor == FLAVOR_MARIADB;
}

static bool open_at(struct library_stream *s, MYSQL *m, const struct log_end *end, uint32_t server_id)
{
	s->rpl = mariadb_rpl_init(m);
	return s->rpl &&
	       mariadb_rpl_optionsv(s->rpl, MARIADB_RPL_FILENAME, end->name, strlen(end->name)) == 0 &&
	       mariadb_rpl_optionsv(s->rpl, MARIADB_RPL_START, end->at) == 0 &&
	       mariadb_rpl_optionsv(s->rpl, MARIADB_RPL_SERVER_ID, server_id) == 0 &&
	       mariadb_rpl_optionsv(s->rpl, MARIADB_RPL_FLAGS, 0u) == 0 && mariadb_rpl_open(s->rpl) == 0;
}

static void explain(struct library_stream *s, struct library_error *error)
{
	if (!s->rpl) {
		library_explain(0, "out of memory", error);
	} else if (mariadb_rpl_errno(s->rpl)) {
		library_explain(mariadb_rpl_errno(s->rpl), mariadb_rpl_error(s->rpl), error);
	} else {
		library_explain(mysql_errno(s->rpl->mysql), mysql_error(s->rpl->mysql), error);
	}
}

bool library_stream_next(struct library_stream *s, enum stream_event *event, struct library_error *error)
{
	/* An event that is given to be used again has been freed by some of its failures, and by others not.
	 */
	MARIADB_RPL_EVENT *got = mariadb_rpl_fetch(s->rpl, NULL);
	if (!got) {
		explain(s, error);
		return false;
	}
	*event = ends_transaction(got->event_type) ? STREAM_COMMIT : STREAM_NOTHING;
	mariadb_free_rpl_event(got);
	return true;
}

void library_stream_close(struct library_stream *s)
{
	if (!s)
		return;
	if (s->rpl)
		mariadb_rpl_close(s->rpl);
	free(s);
}

#else

struct library_stream {
	MYSQL *mysql;
	MYSQL_RPL rpl;
	bool opened;
};

bool library_stream_can(enum flavor flavor, const char **why)
{
	(void)flavor;
	*why = NULL;
	return true;
}

static bool open_at(struct library_stream *s, MYSQL *m, const struct log_end *end, uint32_t server_id)
{
	s->mysql = m;
	s->rpl = (MYSQL_RPL){.file_name_length = strlen(end->name),
	                     .file_name = end->name,
	                     .start_position = end->at,
	                     .server_id = server_id};
	s->opened = mysql_binlog_open(m, &s->rpl) == 0;
	s->rpl.file_name = NULL; /* it was sent */
	return s->opened;
}

static void explain(struct library_stream *s, struct library_error *error)
{
	library_explain(mysql_errno(s->mysql), mysql_error(s->mysql), error);
}

/* A packet is a zero and an event, whose fifth byte is its kind. */
bool library_stream_next(struct library_stream *s, enum stream_event *event, struct library_error *error)
{
	if (mysql_binlog_fetch(s->mysql, &s->rpl) != 0) {
		explain(s, error);
		return false;
	}
	if (!s->rpl.size) {
		library_explain(0, "the server has ended the stream", error);
		return false;
	}
	*event = s->rpl.size > 5 && ends_transaction(s->rpl.buffer[5]) ? STREAM_COMMIT : STREAM_NOTHING;
	return true;
}

void library_stream_close(struct library_stream *s)
{
	if (!s)
		return;
	if (s->opened)
		mysql_binlog_close(s->mysql, &s->rpl);
	free(s);
}

#endif

/* MySQL has renamed it in 8.2. */
static bool find_end(struct library_connection *c, bool new_words, struct log_end *end,
                     struct library_error *error)
{
	struct library_result *r;
	if (!library_query(c, new_words ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", &r, error))
		return false;
	const char *name = library_row(r) ? library_value(r, 0, NULL) : NULL,
	           *at = name ? library_value(r, 1, NULL) : NULL;
	bool found = at && strlen(name) < sizeof end->name;
	if (found) {
		snprintf(end->name, sizeof end->name, "%s", name);
		end->at = strtoul(at, NULL, 10);
	} else {
		library_explain(0, "it writes no binary log", error);
	}
	library_free(r);
	return found;
}

/* A replica of MariaDB does not log what it applies, unless told to. */
static bool logs_what_it_applies(struct library_connection *c, bool new_words, struct library_error *error)
{
	struct library_result *r;
	if (!library_query(
	        c, new_words ? "SELECT @@global.log_replica_updates" : "SELECT @@global.log_slave_updates",
	        &r, error))
		return false;
	const char *value = library_row(r) ? library_value(r, 0, NULL) : NULL;
	bool does = value && strcmp(value, "1") == 0;
	library_free(r);
	if (!does)
		library_explain(0, "it does not log what it applies: log_slave_updates is off", error);
	return does;
}

/* Under the old names and the new ones: user variables that a server does not read do no harm. Without a word
 * about checksums the server refuses where its events have them. */
static bool prepare(struct library_connection *c, unsigned heartbeat, struct library_error *error)
{
	char sql[160];
	snprintf(sql, sizeof sql,
	         "SET @master_heartbeat_period = %u000000000, @source_heartbeat_period = %u000000000,"
	         " @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'",
	         heartbeat, heartbeat);
	return library_query(c, sql, NULL, error);
}

struct library_stream *library_stream_open(struct library_connection *c, enum flavor flavor, unsigned version,
                                           uint32_t server_id, unsigned heartbeat,
                                           struct library_error *error)
{
	struct log_end end;
	bool new_words = flavor == FLAVOR_MYSQL && version >= 80200;
	*error = (struct library_error){.failure = LIBRARY_OK};
	if (!logs_what_it_applies(c, new_words, error) || !prepare(c, heartbeat, error) ||
	    !find_end(c, new_words, &end, error))
		return NULL;
	struct library_stream *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	if (open_at(s, c->mysql, &end, server_id))
		return s;
	explain(s, error);
	library_stream_close(s);
	return NULL;
}
