/*
 * SET @wye_trace = 1: each answer's count of warnings is one higher, and SHOW WARNINGS shows, behind the server's own
 * rows, a note that tells which server answered, on which route, and why.
 *
 * The note is of the last statement that left warnings, as the server's rows are: SHOW WARNINGS and its like leave it as it
 * is. What counts warnings without showing them (@@warning_count) tells the server's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/packet.h"
#include "protocol/wire.h"
#include "proxy/learned.h"
#include "proxy/session/session.h"

#define NOTE_CODE 1105 /* ER_UNKNOWN_ERROR: no server's note has it */
#define NOTE_MAX  480u

/* Statements whose answers are told of; not those that read what was left. */
static bool is_traced(const struct run *r)
{
	return (r->command == CMD_QUERY || prepared_executes(r->command)) && !(r->flags & CLASS_READS_LAST);
}

/* ---- counting ---- */

void trace_count(const struct session *s, uint8_t *packet, size_t n)
{
	const struct run *r = s->run;
	if (!is_traced(r))
		return;
	size_t at = r->reply.kind == REPLY_EOF ? PACKET_HEADER + 1 : ok_status_at(packet, n) + 2;
	if (at + 2 > n)
		return;
	uint32_t warnings = get_u16(packet + at) + 1u;
	if (warnings <= UINT16_MAX) {
		packet[at] = (uint8_t)warnings;
		packet[at + 1] = (uint8_t)(warnings >> 8);
	}
}

/* ---- the note ---- */

static void keep(struct session *s, const char *note)
{
	free(s->trace_note);
	s->trace_note = strdup(note);
}

void trace_statement(struct session *s)
{
	const struct run *r = s->run;
	const struct server_info *server =
		r->slot >= 0 ? snapshot_server_by_slot(s->worker->snapshot, (unsigned)r->slot) : NULL;
	char note[NOTE_MAX];
	if (!is_traced(r))
		return;
	int len = snprintf(note, sizeof note, "wye: server=%s route=%s reason=%s", server ? server->name : "?",
			   route_name(r->route), reason_name(r->reason));
	if (r->wait)
		len += snprintf(note + len, sizeof note - (size_t)len, " waited_for_position=1");
	if (r->refusal)
		len += snprintf(note + len, sizeof note - (size_t)len, " refused_by_replica=%u", r->refusal->code);
	if (r->attempts)
		snprintf(note + len, sizeof note - (size_t)len, " attempts=%u", r->attempts + 1);
	keep(s, note);
}

uint16_t trace_own_answer(struct session *s)
{
	const struct run *r = s->run;
	char note[NOTE_MAX];
	if (!trace_is_on(s) || !r || r->own || !is_traced(r))
		return 0;
	snprintf(note, sizeof note, "wye: answered by wye itself, route=%s reason=%s", route_name(r->route),
		 reason_name(r->reason));
	keep(s, note);
	return 1;
}

/* ---- SHOW WARNINGS ---- */

static uint64_t digest_of_show_warnings(const struct session *s)
{
	static _Thread_local uint64_t digest;
	static _Thread_local struct classify_scratch scratch;
	static _Thread_local struct classification c;
	const struct context context = {.pins = 0};
	struct dialect dialect = routing_dialect(s);
	if (!digest) {
		classify(view_of("SHOW WARNINGS"), &dialect, &context, &scratch, &c);
		digest = c.digest;
	}
	return digest;
}

bool trace_is_due(const struct session *s)
{
	const struct run *r = s->run;
	return s->trace_note && (r->flags & CLASS_READS_LAST) && !r->reply.more && r->reply.columns == 3 &&
	       r->digest == digest_of_show_warnings(s);
}

static bool add_text(struct buf *out, const char *text)
{
	return write_lenenc_str(out, view_of(text));
}

bool trace_add_row(const struct session *s, struct buf *out, uint8_t *seq)
{
	static const uint8_t binary_row[] = {0, 0}; /* its header, and no NULLs among three columns */
	static const uint8_t code[] = {NOTE_CODE & 0xff, NOTE_CODE >> 8, 0, 0};
	bool binary = prepared_executes(s->run->command);
	char number[8];
	snprintf(number, sizeof number, "%d", NOTE_CODE);
	size_t begin = packet_begin(out);
	bool made = (!binary || buf_append(out, binary_row, sizeof binary_row)) && add_text(out, "Note") &&
		    (binary ? buf_append(out, code, sizeof code) : add_text(out, number)) && add_text(out, s->trace_note);
	return made && packet_end(out, begin, seq);
}
