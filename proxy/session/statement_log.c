/*
 * Statements in the logs: those that took slow_log_time or longer, and for the audit all of them.
 *
 * What is to be told of a statement's text is kept when it is sent, as long as its bytes are there: the trace that it
 * belongs to (W3C's traceparent, from a comment or a query attribute), and, if the settings ask for literals, the text
 * itself. Times, rows and the digest are the statistics'.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/audit.h"
#include "proxy/session/session.h"
#include "proxy/snapshot.h"

#define TRACEPARENT "traceparent"
#define TRACE_LOOK 1024u /* bytes at either end of a statement that are looked through */
#define TRACE_LEN 55u    /* 00-<32 digits>-<16 digits>-<2 digits> */
#define TRACE_ID_AT 3u
#define TRACE_ID_LEN 32u
#define TEXT_KEPT 1024u

static bool is_traceparent(const uint8_t *p, size_t len)
{
	if (len < TRACE_LEN)
		return false;
	for (size_t i = 0; i < TRACE_LEN; i++) {
		bool dash = i == 2 || i == 35 || i == 52;
		if (dash ? p[i] != '-' : !isdigit(p[i]) && !(p[i] >= 'a' && p[i] <= 'f'))
			return false;
	}
	return len == TRACE_LEN || !isalnum(p[TRACE_LEN]);
}

void statement_log_trace(struct run *r, const void *value, size_t len)
{
	if (is_traceparent(value, len))
		memcpy(r->trace_id, (const char *)value + TRACE_ID_AT, TRACE_ID_LEN);
}

static void find_trace(struct run *r, const uint8_t *p, size_t len)
{
	const uint8_t *at = memmem(p, len, TRACEPARENT, strlen(TRACEPARENT)), *end = p + len;
	if (!at)
		return;
	at += strlen(TRACEPARENT);
	for (unsigned i = 0; i < 4 && at < end && strchr("=: '\"", *at) && *at; i++)
		at++;
	statement_log_trace(r, at, (size_t)(end - at));
}

/* A password may stand in it as a literal. */
static bool may_hold_secret(const struct run *r, struct view text)
{
	static const char *const words[] = {"identified", "password", "secret"};
	if ((r->flags & CLASS_DDL) || r->reason == REASON_ADMIN || r->reason == REASON_SET_GLOBAL)
		return true;
	for (size_t k = 0; k < sizeof words / sizeof *words; k++)
		for (size_t n = strlen(words[k]), i = 0; i + n <= text.len; i++)
			if (strncasecmp((const char *)text.p + i, words[k], n) == 0)
				return true;
	return false;
}

void statement_log_keep(struct session *s)
{
	const struct settings *settings = s->worker->snapshot->settings;
	struct run *r = s->run;
	if ((!settings->slow_log_time && settings->audit < AUDIT_STATEMENTS) || r->log_kept)
		return;
	r->log_kept = true;
	struct view text = routing_text(s);
	if (!text.len)
		return;
	size_t ahead = text.len < TRACE_LOOK ? text.len : TRACE_LOOK;
	if (!*r->trace_id)
		find_trace(r, text.p, ahead);
	if (!*r->trace_id && text.len > TRACE_LOOK)
		find_trace(r, text.p + text.len - ahead, ahead);
	if (settings->log_literals && !may_hold_secret(r, text))
		r->log_text = strndup((const char *)text.p, text.len < TEXT_KEPT ? text.len : TEXT_KEPT);
}

static void add_server(struct log_fields *f, const struct session *s, int slot)
{
	const struct server_info *server =
		slot >= 0 ? snapshot_server_by_slot(s->worker->snapshot, (unsigned)slot) : NULL;
	log_field(f, "server", server ? server->name : "");
}

static void write_line(struct session *s, const struct statement_done *done, enum log_stream stream, const char *event)
{
	static _Thread_local struct statement_id id;
	struct run *r = s->run;
	struct log_fields f;
	struct view schema = state_schema_of(s->want);
	char digest[20];
	snprintf(digest, sizeof digest, "%016llx", (unsigned long long)r->digest);
	log_fields_begin(&f);
	log_field_number(&f, "session", s->id);
	log_field(&f, "user", s->user);
	log_field(&f, "client", s->peer);
	log_field_bytes(&f, "schema", schema.p, schema.len);
	add_server(&f, s, done->slot);
	log_field_number(&f, "time_us", done->part_us[PART_ALL]);
	log_field_number(&f, "queue_us", done->part_us[PART_QUEUE]);
	log_field_number(&f, "own_us", done->part_us[PART_OWN]);
	log_field_number(&f, "server_us", done->part_us[PART_SERVER]);
	log_field_number(&f, "rows_sent", done->rows_sent);
	log_field_number(&f, "rows_affected", done->rows_affected);
	log_field_number(&f, "bytes_received", done->bytes_received);
	log_field_number(&f, "bytes_sent", done->bytes_sent);
	log_field(&f, "failed", done->failed ? "yes" : "no");
	log_field(&f, "route", route_name(r->route));
	log_field(&f, "reason", reason_name(r->reason));
	log_field(&f, "trace_id", r->trace_id);
	log_field(&f, "digest", digest);
	if (r->log_text)
		log_field(&f, "statement", r->log_text);
	else if (tally_id(s->worker->statements.digests, r->times.digest, &id))
		log_field(&f, "statement", id.text);
	log_fields_end(&f, stream, LOG_LEVEL_INFO, event);
}

void statement_log_end(struct session *s, const struct statement_done *done)
{
	const struct settings *settings = s->worker->snapshot->settings;
	if (settings->slow_log_time && done->part_us[PART_ALL] >= settings->slow_log_time)
		write_line(s, done, LOG_STREAM_SLOW, "slow-statement");
	if (settings->audit >= AUDIT_STATEMENTS)
		write_line(s, done, LOG_STREAM_AUDIT, "statement");
}
