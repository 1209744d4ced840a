#include "fake_answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_AUTOCOMMIT 2
#define POINT_LEN 119

#define STREAM_ROW 4096u
#define STREAM_BODY 256u   /* rows: 1 MiB */
#define STREAM_REPEATS 1024u

static struct answer answers[ANSWER_KINDS][2];

/* ---- packets ---- */

struct packets {
	uint8_t *bytes;
	size_t len, room;
	uint8_t seq;
	bool deprecate_eof;
};

static void put(struct packets *p, const void *data, size_t n)
{
	if (p->len + n > p->room) {
		p->room = (p->len + n) * 2;
		p->bytes = realloc(p->bytes, p->room);
		if (!p->bytes)
			abort();
	}
	memcpy(p->bytes + p->len, data, n);
	p->len += n;
}

static void packet(struct packets *p, const void *payload, size_t n)
{
	uint8_t header[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), p->seq++};
	put(p, header, sizeof header);
	put(p, payload, n);
}

static size_t lenenc(uint8_t *out, size_t n)
{
	if (n < 251)
		return out[0] = (uint8_t)n, 1;
	out[0] = 0xfc;
	out[1] = (uint8_t)n;
	out[2] = (uint8_t)(n >> 8);
	return 3;
}

static size_t string(uint8_t *out, const char *text)
{
	size_t n = lenenc(out, strlen(text));
	memcpy(out + n, text, strlen(text));
	return n + strlen(text);
}

static void eof(struct packets *p)
{
	packet(p, "\xfe\0\0\2\0", 5);
}

static void definition(struct packets *p, const char *name)
{
	uint8_t payload[300];
	static const uint8_t fixed[] = {12, 33, 0, 0, 4, 0, 0, 253, 0, 0, 0, 0, 0}; /* utf8, VARCHAR */
	size_t n = string(payload, "def");
	for (unsigned i = 0; i < 3; i++)
		payload[n++] = 0;
	n += string(payload + n, name);
	n += string(payload + n, name);
	memcpy(payload + n, fixed, sizeof fixed);
	packet(p, payload, n + sizeof fixed);
}

static void definitions(struct packets *p, const char *const *names, unsigned n)
{
	uint8_t count = (uint8_t)n;
	packet(p, &count, 1);
	for (unsigned i = 0; i < n; i++)
		definition(p, names[i]);
	if (!p->deprecate_eof)
		eof(p);
}

static void row(struct packets *p, const char *const *values, unsigned n)
{
	static uint8_t payload[STREAM_ROW + 1024];
	size_t len = 0;
	for (unsigned i = 0; i < n; i++)
		len += string(payload + len, values[i]);
	packet(p, payload, len);
}

static void end_rows(struct packets *p)
{
	if (p->deprecate_eof)
		packet(p, "\xfe\0\0\2\0\0\0", 7);
	else
		eof(p);
}

/* ---- the answers ---- */

static char point[POINT_LEN + 1], stream_value[STREAM_ROW];
static char identity[64], server_id[16], source_port[16];
static bool is_replica;

static void select_of(struct packets *p, const char *const *names, const char *const *values, unsigned n)
{
	definitions(p, names, n);
	if (values)
		row(p, values, n);
	end_rows(p);
}

static void state(struct packets *p)
{
	static const char *const names[] = {"ro", "sro", "id", "gtid", "mode", "autocommit", "wait", "interactive", "init"};
	const char *values[] = {is_replica ? "1" : "0", "0", server_id, "1", "STRICT_TRANS_TABLES", "1", "28800", "28800", ""};
	select_of(p, names, values, 9);
}

static void status(struct packets *p)
{
	static const char *const names[] = {"Connection_name",   "Master_Host",   "Master_Port",
					    "Slave_IO_Running",  "Slave_SQL_Running", "Seconds_Behind_Master",
					    "Last_IO_Error",     "Last_SQL_Error", "Using_Gtid", "Master_Server_Id"};
	const char *values[] = {"", "127.0.0.1", source_port, "Yes", "Yes", "0", "", "", "Slave_Pos", source_port};
	select_of(p, names, is_replica ? values : NULL, 10);
}

static void prepared(struct packets *p)
{
	packet(p, "\0\1\0\0\0\1\0\1\0\0\0\0", 12); /* number 1, one column, one parameter */
	definition(p, "?");
	if (!p->deprecate_eof)
		eof(p);
	definition(p, "c");
	if (!p->deprecate_eof)
		eof(p);
}

static void executed(struct packets *p)
{
	static const char *const name = "c";
	uint8_t payload[POINT_LEN + 3] = {0, 0};
	definitions(p, &name, 1);
	packet(p, payload, 2 + string(payload + 2, point));
	end_rows(p);
}

static void ten_thousand(struct packets *p)
{
	static const char *const names[] = {"id", "k", "c", "pad"};
	char id[16], pad[60];
	const char *values[] = {id, "9999", point, pad};
	memset(pad, '5', sizeof pad - 1);
	pad[sizeof pad - 1] = 0;
	definitions(p, names, 4);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(id, sizeof id, "%u", 10000 + i);
		row(p, values, 4);
	}
	end_rows(p);
}

static void one_of(struct packets *p, enum answer_kind kind)
{
	static const char *const c = "c";
	const char *value = kind == ANSWER_POINT ? point : kind == ANSWER_IDENTITY ? identity : kind == ANSWER_POSITION ? "0-1-1" : "1";
	static const char *const names[] = {"identity", "uuid", "user"};
	const char *values[] = {identity, "", "monitor@%"};
	if (kind == ANSWER_IDENTITY)
		select_of(p, names, values, 3);
	else
		select_of(p, &c, &value, 1);
}

static void make(struct packets *p, enum answer_kind kind)
{
	switch (kind) {
	case ANSWER_OK:
		packet(p, "\0\0\0\2\0\0\0", 7);
		break;
	case ANSWER_REFUSED:
		packet(p, "\xff\x76\x04#42000not told here", 3 + 6 + 13);
		break;
	case ANSWER_ROWS:
		ten_thousand(p);
		break;
	case ANSWER_PREPARED:
		prepared(p);
		break;
	case ANSWER_EXECUTED:
		executed(p);
		break;
	case ANSWER_STATE:
		state(p);
		break;
	case ANSWER_STATUS:
		status(p);
		break;
	default:
		one_of(p, kind);
	}
}

static void make_stream(struct answer *a, struct packets *p)
{
	static const char *const name = "c";
	const char *value = stream_value;
	memset(stream_value, 's', sizeof stream_value - 7); /* with its header and length a row has STREAM_ROW bytes */
	definitions(p, &name, 1);
	a->head = p->len;
	for (unsigned i = 0; i < STREAM_BODY; i++)
		row(p, &value, 1);
	a->body = p->len - a->head;
	a->repeats = STREAM_REPEATS;
	end_rows(p);
	a->tail = p->len - a->head - a->body;
	a->bytes = p->bytes;
}

void answers_make(uint16_t port, uint16_t source)
{
	is_replica = source != 0;
	memset(point, 'c', POINT_LEN);
	snprintf(identity, sizeof identity, "fake|%u|/", port);
	snprintf(server_id, sizeof server_id, "%u", port);
	snprintf(source_port, sizeof source_port, "%u", source);
	for (unsigned kind = 0; kind < ANSWER_KINDS; kind++)
		for (unsigned form = 0; form < 2; form++) {
			struct packets p = {.seq = 1, .deprecate_eof = form};
			struct answer *a = &answers[kind][form];
			if (kind == ANSWER_STREAM) {
				make_stream(a, &p);
				continue;
			}
			make(&p, (enum answer_kind)kind);
			*a = (struct answer){.bytes = p.bytes, .head = p.len};
		}
}

const struct answer *answer_of(enum answer_kind kind, bool deprecate_eof)
{
	return &answers[kind][deprecate_eof];
}

enum answer_kind answer_to(const char *sql, size_t len)
{
	static const struct {
		const char *begin;
		enum answer_kind kind;
	} known[] = {
		{"SELECT c FROM", ANSWER_POINT},
		{"SELECT id, k, c, pad", ANSWER_ROWS},
		{"SELECT stream", ANSWER_STREAM},
		{"SELECT CONCAT_WS(", ANSWER_IDENTITY},
		{"SELECT @@global.read_only", ANSWER_STATE},
		{"SELECT @@global.gtid", ANSWER_POSITION},
		{"SELECT MASTER_GTID_WAIT", ANSWER_ONE},
		{"SHOW ALL SLAVES STATUS", ANSWER_STATUS},
		{"SELECT user, host", ANSWER_REFUSED},
		{"SELECT 1 FROM mysql", ANSWER_REFUSED},
		{"SELECT ROUTINE", ANSWER_REFUSED},
		{"SELECT TABLE", ANSWER_REFUSED},
		{"SHOW", ANSWER_REFUSED},
		{"SELECT", ANSWER_ONE},
	};
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		size_t n = strlen(known[i].begin);
		if (len >= n && memcmp(sql, known[i].begin, n) == 0)
			return known[i].kind;
	}
	return ANSWER_OK;
}
