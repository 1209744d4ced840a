/*
 * What a server tells of its connections (its list of processes, of transactions, EXPLAIN FOR CONNECTION) has the server's own
 * numbers for them, and the client knows wye's. Where a statement that only one server can answer names sessions of this
 * wye, it is sent with the numbers of the connections that those have on the primary: the one of the statement in work,
 * the one that is held, or the one that was lent last and is nobody else's yet.
 *
 * A session's connections are known to its worker only, so the workers are asked in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/session/session.h"

#define NAMED_MAX 16u
#define ID_DIGITS 10u /* of all from SESSION_ID_FIRST to SESSION_ID_LIMIT */

struct named {
	struct worker *from;
	uint32_t from_id;
	unsigned slot; /* the primary's */
	unsigned n, at;
	uint32_t ids[NAMED_MAX];
	uint32_t threads[NAMED_MAX]; /* the server's numbers; 0: it has no connection there, or is none of ours */
};

static bool is_word(uint8_t c)
{
	return c == '_' || c == '$' || c == '.' || c == '@' || c >= 0x80 || (uint8_t)(c - '0') < 10 ||
	       (uint8_t)((c | 0x20) - 'a') < 26;
}

/* The next number in the text that may be a session's, from *at on; its place is there then. */
static bool next_number(struct view sql, size_t *at, uint32_t *id)
{
	for (size_t i = *at; i < sql.len;) {
		size_t begin = i;
		uint64_t number = 0;
		if (!is_word(sql.p[i])) {
			i++;
			continue;
		}
		bool digits = true;
		for (; i < sql.len && is_word(sql.p[i]); i++) {
			digits = digits && (uint8_t)(sql.p[i] - '0') < 10;
			number = number * 10 + (uint8_t)(sql.p[i] - '0');
		}
		if (!digits || i - begin != ID_DIGITS || number < SESSION_ID_FIRST || number >= SESSION_ID_LIMIT)
			continue;
		*at = begin;
		*id = (uint32_t)number;
		return true;
	}
	return false;
}

static uint32_t thread_of(const struct session *s, unsigned slot)
{
	const struct backend *b;
	if (s->backend && s->backend->slot == slot)
		return s->backend->thread_id;
	if (s->pinned && s->pinned->slot == slot)
		return s->pinned->thread_id;
	LIST_FOREACH(b, &s->kept, kept)
		if (b->slot == slot)
			return b->thread_id;
	return 0;
}

static void answered(struct worker *w, void *arg);

static void look_up(struct worker *w, void *arg)
{
	struct named *n = arg;
	const struct session *s = session_find(w, n->ids[n->at]);
	n->threads[n->at] = s ? thread_of(s, n->slot) : 0;
	n->at++;
	if (n->at < n->n)
		worker_post(worker_at(n->ids[n->at] % WORKERS_MAX), look_up, n);
	else
		worker_post(n->from, answered, n);
}

static struct view text_of(const struct session *s)
{
	size_t size;
	return (struct view){rules_packet(s, &size) + s->run->sql_at, s->run->sql_len};
}

/* No number becomes longer. */
static char *translated(struct view sql, const struct named *n, size_t *len)
{
	char *out = malloc(sql.len + 1);
	size_t from = 0, at = 0, size = 0;
	uint32_t id;
	if (!out)
		return NULL;
	for (unsigned i = 0; i < n->n && next_number(sql, &at, &id); i++, at += ID_DIGITS) {
		if (!n->threads[i])
			continue;
		memcpy(out + size, sql.p + from, at - from);
		size += at - from;
		size += (size_t)sprintf(out + size, "%u", n->threads[i]);
		from = at + ID_DIGITS;
	}
	memcpy(out + size, sql.p + from, sql.len - from);
	*len = size + sql.len - from;
	return out;
}

static void answered(struct worker *w, void *arg)
{
	struct named *n = arg;
	struct session *s = session_find(w, n->from_id);
	if (s && s->state == SESSION_ELSEWHERE && s->run->names_connections) {
		s->run->translated = translated(text_of(s), n, &s->run->translated_len);
		session_enter(s, SESSION_WANT_BACKEND);
		session_run(s);
	}
	free(n);
}

bool connection_ids_translate(struct session *s, struct view sql)
{
	struct run *r = s->run;
	int primary = routing_primary_slot(s);
	struct named n = {.from = s->worker, .from_id = s->id, .slot = (unsigned)primary};
	size_t at = 0;
	if (r->reason != REASON_SERVER_SPECIFIC || r->route != ROUTE_PRIMARY || !r->sql_len || primary < 0)
		return false;
	while (n.n < NAMED_MAX && next_number(sql, &at, &n.ids[n.n])) {
		if (n.ids[n.n] % WORKERS_MAX >= workers_count())
			return false; /* none of ours */
		n.n++;
		at += ID_DIGITS;
	}
	struct named *asked = n.n ? malloc(sizeof *asked) : NULL;
	if (!asked)
		return false;
	*asked = n;
	r->names_connections = true;
	session_enter(s, SESSION_ELSEWHERE);
	worker_post(worker_at(n.ids[0] % WORKERS_MAX), look_up, asked);
	return true;
}

bool connection_ids_packet(struct session *s, const uint8_t *packet, struct buf *out)
{
	const struct run *r = s->run;
	uint8_t seq = 0;
	size_t begin = packet_begin(out);
	return begin != SIZE_MAX && write_bytes(out, packet + PACKET_HEADER, r->sql_at - PACKET_HEADER) &&
	       write_bytes(out, (const uint8_t *)r->translated, r->translated_len) && packet_end(out, begin, &seq);
}
