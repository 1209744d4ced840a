/*
 * What the last statement has left on its connection: warnings, errors, ROW_COUNT(), FOUND_ROWS().
 *
 * Where it has left warnings or an error, the session keeps the connection until its next statement (PIN_LAST_STATEMENT).
 * Else another session may have had the connection since, and what is there is the other's: the counts are then made
 * again on another connection by a statement of wye's own that leaves the same (ERRAND_LAST), or answered by wye. An
 * error that wye has answered itself is on no connection, and one of a server's may be on another than the session is tied
 * to; a SIGNAL puts it where it is asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/ok.h"
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"
#include "proxy/upgrade/session_record.h"
#include "router/state_value.h"

#define ERROR_NO_SCHEMA 1046

struct own_error {
	uint16_t code;
	bool untold; /* max_error_count=0: no server has it in its list */
	char sqlstate[6];
	char text[];
};

#define ROWS_MADE 16u /* up to so many are selected just to be counted; more, only for who asks for no more than that */

/* MariaDB forgets warnings only with a statement that uses a table: SELECT 1, SET and USE leave them; MySQL with every
 * statement that does not tell them. Commands without a text leave them on both. */
static bool forgets(const struct session *s)
{
	const struct run *r = s->run;
	if (r->command != CMD_QUERY && r->command != CMD_STMT_PREPARE && !prepared_executes(r->command))
		return false;
	if (!session_is_mariadb(s))
		return !r->diagnoses;
	return r->uses_tables;
}

/* Not only what else belongs to its connection: counters of its own, SET timestamp. */
static bool reads_it(const struct run *r)
{
	return (r->flags & CLASS_READS_LAST) && r->reason != REASON_SESSION_STATUS && r->reason != REASON_SESSION_VARIABLE;
}

void last_statement_ends(struct session *s)
{
	const struct run *r = s->run;
	bool ties = r->pins_added || r->next_unknown || (r->route != ROUTE_REPLICA && r->route != ROUTE_SESSION);
	bool moves = ties && s->pinned && (int)s->pinned->pool->key.slot != routing_primary_slot(s);
	if (reads_it(r))
		return;
	if (forgets(s)) {
		last_statement_forget(s);
		s->warned_at = NULL;
	}
	if (moves || forgets(s))
		finish_last_statement(s);
}

bool last_statement_keeps_count(const struct session *s)
{
	/* Without a schema it fails before it is begun. */
	return s->run->lists_objects && s->run->reply.error != ERROR_NO_SCHEMA && session_is_mariadb(s);
}

void last_statement_keep_error(struct session *s, struct view payload)
{
	struct err_packet e;
	char text[512];
	if (!err_parse(payload, s->backend->caps, &e))
		return;
	snprintf(text, sizeof text, "%.*s", (int)e.message.len, (const char *)e.message.p);
	int64_t affected = s->last_affected;
	struct backend *last = s->last;
	last_statement_failed(s, e.code, e.sqlstate, text);
	if (last_statement_keeps_count(s)) {
		s->last_affected = affected;
		s->last = last;
	}
	s->run->error_kept = true;
}

static bool lists_nothing(const struct session *s)
{
	struct view v;
	return state_get(s->want, view_of("max_error_count"), &v) && view_equal(v, view_of("0"));
}

void last_statement_failed(struct session *s, uint16_t code, const char *sqlstate, const char *text)
{
	size_t size = strlen(text) + 1;
	struct own_error *e = malloc(sizeof *e + size);
	last_statement_forget(s);
	if (!e)
		return;
	e->code = code;
	e->untold = lists_nothing(s);
	snprintf(e->sqlstate, sizeof e->sqlstate, "%s", sqlstate);
	memcpy(e->text, text, size);
	s->own_error = e;
	s->last_affected = -1;
	s->last = s->warned_at = NULL; /* no connection has this, or none that is known yet */
}

void last_statement_tell(const struct session *s, struct session_record *r)
{
	const struct own_error *e = s->own_error;
	r->last_affected = s->last_affected;
	r->last_rows = s->last_rows;
	r->flags |= (s->last_was_own ? SESSION_LAST_WAS_OWN : 0) | (e ? SESSION_HAS_ERROR : 0);
	if (!e)
		return;
	r->error_code = e->code;
	r->error_sqlstate = view_of(e->sqlstate);
	r->error_text = view_of(e->text);
}

void last_statement_restore(struct session *s, const struct session_record *r)
{
	if (r->flags & SESSION_HAS_ERROR) {
		char text[1024], sqlstate[6];
		snprintf(text, sizeof text, "%.*s", (int)(r->error_text.len & 0xFFFF), (const char *)r->error_text.p);
		snprintf(sqlstate, sizeof sqlstate, "%.*s", (int)(r->error_sqlstate.len & 0xFF),
			 (const char *)r->error_sqlstate.p);
		last_statement_failed(s, r->error_code, sqlstate, text);
	}
	s->last_affected = r->last_affected;
	s->last_rows = r->last_rows;
	s->last_was_own = r->flags & SESSION_LAST_WAS_OWN;
}

void last_statement_was_own(struct session *s, int64_t affected)
{
	s->last_was_own = true;
	s->last_affected = affected;
}

void last_statement_forget_counts(struct session *s, const struct backend *b)
{
	if (s->last == b)
		s->last = NULL;
	if (s->rows_at == b)
		s->rows_at = NULL;
}

void last_statement_forget(struct session *s)
{
	if (!s->supposed)
		free(s->own_error);
	s->own_error = NULL;
}

static void note_warnings(struct session *s, struct backend *b, bool ok)
{
	const struct run *r = s->run;
	if (!r->error_kept && (!ok || r->reply.warnings || forgets(s) || r->carries_error))
		last_statement_forget(s);
	/* COM_FIELD_LIST adds that it is deprecated, which its answer does not count. */
	bool adds = r->command == CMD_FIELD_LIST && !session_is_mariadb(s);
	/* The first of several may have left what the last does neither count nor forget. */
	if (!ok || adds || r->reply.warnings || ((r->flags & CLASS_MULTI) && !forgets(s))) {
		b->has_warnings = true;
		s->warned_at = r->error_is_own ? NULL : b;
	} else if (forgets(s)) {
		b->has_warnings = false;
		s->warned_at = NULL;
	}
}

/* What failed while it ran has found no rows, says MariaDB, and one row where that was to be put into a variable. MySQL
 * goes on with the count before, as both do for what could not begin. */
static void note_failed_rows(struct session *s, struct backend *b)
{
	const struct run *r = s->run;
	uint16_t error = r->reply.error;
	bool runs = error == 1242 || error == 1690 || error == 1062 || error == 1172 || error == 1317;
	bool sets = r->reason == REASON_SET || r->reason == REASON_USER_VARIABLE;
	if (!session_is_mariadb(s) || !runs || !(r->sets_found_rows || (sets && error == 1242)) || s->rows_at == b)
		return;
	s->last_rows = error == 1172 || !r->sets_found_rows;
	s->rows_at = b;
}

static void note_counts(struct session *s, struct backend *b, bool ok)
{
	const struct run *r = s->run;
	bool has_rows = r->reply.kind == REPLY_EOF || r->reply.kind == REPLY_END;
	if (ok && r->command == CMD_STMT_PREPARE)
		return;
	if (ok ? has_rows : !last_statement_keeps_count(s))
		s->last_affected = -1;
	if (!ok)
		note_failed_rows(s, b);
	if ((r->flags & CLASS_MULTI) && r->reply.results) {
		s->last_rows = r->reply.rows - r->reply.rows_before;
		s->rows_at = b;
	}
	if (!ok || (r->command != CMD_QUERY && !prepared_executes(r->command)))
		return;
	if (!has_rows)
		s->last_affected = (int64_t)r->reply.affected;
	bool routine = r->reason == REASON_CALL || r->reason == REASON_COMPOUND || r->reason == REASON_TEXT_PREPARE;
	if (has_rows ? r->sets_found_rows || routine : r->sets_found_rows && !(r->flags & CLASS_MULTI)) {
		bool counts = (r->flags & CLASS_WRITES) || r->reply.affected;
		if (has_rows)
			s->last_rows = r->reply.rows - r->reply.rows_before;
		else
			s->last_rows = r->finds_none ? 0 : counts ? r->reply.affected : 1;
		s->rows_at = b;
	} else if (r->reason == REASON_CALL || (r->sets_found_rows && !has_rows && !r->reply.results)) {
		s->rows_at = b; /* what a routine has selected last counts, or one of several has found */
	}
}

void last_statement_note(struct session *s, struct backend *b, bool ok)
{
	const struct run *r = s->run;
	/* COM_INIT_DB and its kin leave what they tell, but for a count. */
	if (ok && r->command == CMD_INIT_DB)
		s->last_affected = 0;
	bool has_text = r->command == CMD_QUERY || prepared_executes(r->command);
	if (ok && r->diagnoses && r->sets_found_rows) { /* SHOW COUNT(*) */
		s->last_rows = 1;
		s->rows_at = b;
	}
	/* GET DIAGNOSTICS of a condition that is not there, says MariaDB, is an error beside those that are. */
	if (ok && r->diagnoses && r->reply.kind == REPLY_OK && r->reply.warnings)
		note_warnings(s, b, ok);
	bool has_rows = r->reply.kind == REPLY_EOF || r->reply.kind == REPLY_END;
	if (ok && r->diagnoses && has_rows)
		s->last_affected = -1;
	if (ok && (r->diagnoses || (!has_text && reads_it(r))))
		return;
	note_warnings(s, b, ok);
	note_counts(s, b, ok);
}

bool last_statement_is_lost(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	bool reads = r->command == CMD_QUERY || prepared_executes(r->command) || r->command == CMD_INIT_DB ||
		     r->command == CMD_PING || r->command == CMD_SET_OPTION || r->unknown_statement;
	if (!reads || !(r->flags & CLASS_READS_LAST))
		return false;
	if ((s->own_error && s->warned_at != b && r->reason != REASON_FOUND_ROWS) || insert_id_is_apart(s))
		return true;
	if (r->reads_found_rows)
		return s->rows_at != b;
	if (r->reason == REASON_FOUND_ROWS)
		return s->last != b;
	return s->warned_at != b && (b->has_warnings || s->last != b);
}

bool last_statement_is_counted(const struct session *s)
{
	const struct run *r = s->run;
	return (r->command == CMD_QUERY || prepared_executes(r->command)) && (r->flags & CLASS_READS_LAST) &&
	       !r->reads_found_rows;
}

struct backend *last_statement_place(const struct session *s)
{
	const struct run *r = s->run;
	if (r->reads_found_rows && s->rows_at)
		return s->rows_at;
	return r->reason != REASON_FOUND_ROWS && s->warned_at ? s->warned_at : s->last;
}

bool last_statement_count_is_apart(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	if (!(r->flags & CLASS_READS_LAST) || r->reads_found_rows)
		return false;
	bool later = s->last != b && s->last_affected <= 0 && session_is_mariadb(s);
	return s->last_was_own || (later && r->reason != REASON_FOUND_ROWS && s->warned_at == b);
}

/* What was left before would be taken for that of the first of several, and COM_FIELD_LIST adds to it. */
bool last_statement_is_in_the_way(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	bool adds = (r->flags & CLASS_MULTI) || r->command == CMD_FIELD_LIST;
	return adds && b->has_warnings && s->warned_at != b && !forgets(s);
}

static bool text(struct buf *out, const char *t)
{
	return buf_append(out, t, strlen(t));
}

/* What leaves the error that wye answered itself; false: there is none, or no room. */
bool last_statement_signal(const struct session *s, struct buf *sql)
{
	const struct own_error *e = s->own_error;
	char number[16];
	if (!e)
		return false;
	snprintf(number, sizeof number, "%u", e->code);
	bool listed = !session_is_mariadb(s) || e->untold || !lists_nothing(s);
	return text(sql, listed ? "" : "SET STATEMENT max_error_count=1 FOR ") && text(sql, "SIGNAL SQLSTATE '") &&
	       text(sql, e->sqlstate) && text(sql, "' SET MYSQL_ERRNO=") && text(sql, number) && text(sql, ", MESSAGE_TEXT=") &&
	       value_write_charset_string(sql, view_of("utf8mb4"), (struct view){NULL, 0}, view_of(e->text));
}

/* Whether a routine, or one of several, forgets warnings and errors, only their connection knows; COM_FIELD_LIST does not. */
bool last_statement_is_carried(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	if (!s->own_error || s->warned_at == b)
		return false;
	if (r->command == CMD_FIELD_LIST)
		return true;
	bool routine = r->runs_routine || r->reason == REASON_TEXT_PREPARE;
	return session_is_mariadb(s) && (r->command == CMD_QUERY || prepared_executes(r->command)) &&
	       !(r->flags & CLASS_READS_LAST) && (routine || (r->flags & CLASS_MULTI)) && !forgets(s);
}

bool last_statement_again_leaves(const struct session *s, const struct backend *b)
{
	return s->warned_at == b && session_is_mariadb(s);
}

/* A table, if only a derived one, makes MariaDB forget the warnings, and everything MySQL. With 0 for ROW_COUNT() it keeps
 * FOUND_ROWS() of the last SELECT. */
bool last_statement_again(const struct session *s, struct buf *sql)
{
	bool leaves = last_statement_again_leaves(s, s->backend);
	if (s->last_affected == 0 && !s->run->reads_found_rows)
		return text(sql, leaves ? "DO 0" : session_is_mariadb(s) ? LAST_STATEMENT_NONE : "SET @@sql_notes=@@sql_notes");
	unsigned rows = s->last_rows < ROWS_MADE ? (unsigned)s->last_rows : ROWS_MADE;
	bool ok = text(sql, leaves ? "SELECT 1" : "SELECT 1 FROM (SELECT 1");
	for (unsigned i = 1; ok && i < rows; i++)
		ok = text(sql, " UNION ALL SELECT 1");
	return ok && text(sql, leaves ? "" : ") wye") && (rows || text(sql, " LIMIT 0"));
}

bool last_statement_count(const struct session *s, struct buf *sql)
{
	return text(sql, s->last_affected == 0 ? "DO 0" : "SELECT 1");
}

static bool is_text(struct view sql, const char *text)
{
	return sql.len == strlen(text) && !strncasecmp((const char *)sql.p, text, sql.len);
}

/* It asks for nothing but how many warnings or errors there are. */
bool last_statement_is_number(struct view sql)
{
	while (sql.len && (sql.p[sql.len - 1] == ';' || sql.p[sql.len - 1] == ' '))
		sql.len--;
	return is_text(sql, "SELECT @@warning_count") || is_text(sql, "SELECT @@error_count");
}

bool last_statement_answer(struct session *s, struct view sql, bool *sent)
{
	char value[24], name[16];
	while (sql.len && (sql.p[sql.len - 1] == ';' || sql.p[sql.len - 1] == ' '))
		sql.len--;
	const struct backend *at = s->run->reads_found_rows ? s->rows_at : s->last;
	if (s->pinned || s->own_error || (at && at->state == BACKEND_IDLE))
		return false;
	if (s->run->reads_found_rows ? s->last_rows <= ROWS_MADE : s->last_affected <= 0)
		return false; /* a server can, after ERRAND_LAST */
	if (is_text(sql, "SELECT ROW_COUNT()"))
		snprintf(value, sizeof value, "%lld", (long long)s->last_affected);
	else if (is_text(sql, "SELECT FOUND_ROWS()"))
		snprintf(value, sizeof value, "%llu", (unsigned long long)s->last_rows);
	else
		return false;
	snprintf(name, sizeof name, "%.*s", (int)(sql.len - strlen("SELECT ")), (const char *)sql.p + strlen("SELECT "));
	*sent = session_answer_row(s, name, value, true, false);
	s->last_affected = -1;
	s->last_rows = 1;
	return true;
}
