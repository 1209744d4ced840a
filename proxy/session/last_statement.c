/*
 * What the last statement has left on its connection: warnings, errors, ROW_COUNT(), FOUND_ROWS().
 *
 * Where it has left warnings or an error, the session keeps the connection until its next statement (PIN_LAST_STATEMENT).
 * Else another session may have had the connection since, and what is there is the other's: the counts are then made
 * again on another connection by a statement of wye's own that leaves the same (ERRAND_LAST), or answered by wye.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/session/session.h"

#define ROWS_MADE 16u /* up to so many are selected just to be counted; more, only for who asks for no more than that */

/* MariaDB forgets warnings only with a statement that uses a table: SELECT 1, SET and USE leave them. */
static bool forgets(const struct session *s)
{
	const struct server_info *any = snapshot_reference(s->worker->snapshot);
	uint32_t uses = CLASS_TOUCHES_TABLE | CLASS_WRITES | CLASS_DDL | CLASS_CALLS | CLASS_MULTI;
	return !any || any->flavor == FLAVOR_MYSQL || (s->run->flags & uses);
}

void last_statement_ends(struct session *s)
{
	const struct run *r = s->run;
	bool moves = r->pins_added || r->next_unknown || (r->route != ROUTE_REPLICA && r->route != ROUTE_SESSION);
	if ((r->flags & CLASS_READS_LAST) || (!moves && !forgets(s)))
		return;
	finish_last_statement(s);
}

void last_statement_note(struct session *s, struct backend *b, bool ok)
{
	const struct run *r = s->run;
	if (r->flags & CLASS_READS_LAST)
		return;
	if (!ok || r->reply.warnings) {
		b->has_warnings = true;
		s->warned_at = b;
	} else if (forgets(s)) {
		b->has_warnings = false;
		s->warned_at = NULL;
	}
	if (r->command != CMD_QUERY && !prepared_executes(r->command))
		return;
	bool has_rows = r->reply.kind == REPLY_EOF || r->reply.kind == REPLY_END;
	s->last_affected = ok && !has_rows ? (int64_t)r->reply.affected : -1;
	if (has_rows)
		s->last_rows = r->reply.rows;
}

bool last_statement_is_lost(const struct session *s, const struct backend *b)
{
	const struct run *r = s->run;
	bool reads = r->command == CMD_QUERY || prepared_executes(r->command) || r->command == CMD_INIT_DB;
	if (!reads || !(r->flags & CLASS_READS_LAST) || s->warned_at == b)
		return false;
	return b->has_warnings || (s->last != b && s->pinned != b);
}

/* A table, if only a derived one, makes MariaDB forget the warnings; both keep FOUND_ROWS() of the last SELECT. */
void last_statement_again(const struct session *s, char *sql, size_t size)
{
	if (s->last_affected == 0) {
		snprintf(sql, size, "DO (SELECT 1 FROM (SELECT 1) wye)");
		return;
	}
	unsigned rows = s->last_rows < ROWS_MADE ? (unsigned)s->last_rows : ROWS_MADE;
	size_t at = (size_t)snprintf(sql, size, "SELECT 1 FROM (SELECT 1");
	for (unsigned i = 1; i < rows; i++)
		at += (size_t)snprintf(sql + at, size - at, " UNION ALL SELECT 1");
	snprintf(sql + at, size - at, ") wye%s", rows ? "" : " LIMIT 0");
}

static bool is_text(struct view sql, const char *text)
{
	return sql.len == strlen(text) && !strncasecmp((const char *)sql.p, text, sql.len);
}

bool last_statement_answer(struct session *s, struct view sql, bool *sent)
{
	char value[24], name[16];
	while (sql.len && (sql.p[sql.len - 1] == ';' || sql.p[sql.len - 1] == ' '))
		sql.len--;
	if (s->pinned || (s->last && s->last->state == BACKEND_IDLE))
		return false;
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
