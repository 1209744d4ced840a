/*
 * Prepared statements on the servers: what a backend has prepared, how many of them, and the client's commands made fit
 * for them (numbers and types).
 *
 * A server counts the statements of all its connections against max_prepared_stmt_count, so each backend keeps a bounded
 * number and closes the least recently used; the CLOSE is written ahead of the next command.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/stmt.h"
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"
#include "proxy/session/template.h"

static void close_on_backend(struct backend *b, struct backend_statement *statement)
{
	uint8_t packet[PACKET_HEADER + 5] = {5, 0, 0, 0, CMD_STMT_CLOSE};
	put_u32(packet + PACKET_HEADER + 1, statement->id);
	conn_send_command(&b->conn, packet, sizeof packet);
	backend_statement_remove(b, statement);
}

void prepared_close_at(struct backend *b, const struct template *t)
{
	struct backend_statement *statement = backend_statement_find(b, t);
	if (statement)
		close_on_backend(b, statement);
}

static struct backend_statement *least_recently_used(struct backend *b)
{
	struct backend_statement *oldest = NULL;
	for (struct backend_statement *s = b->statements; s; s = s->hh.next)
		if (!s->bound_by && (!oldest || s->used < oldest->used))
			oldest = s;
	return oldest;
}

void prepared_register(struct backend *b, struct template *t, uint32_t id)
{
	prepared_close_at(b, t);
	while (b->n_statements >= b->conn.worker->snapshot->settings->server_statements) {
		struct backend_statement *oldest = least_recently_used(b);
		if (!oldest)
			break;
		close_on_backend(b, oldest);
	}
	backend_statement_add(b, t, id);
}

/* Half of them, so that what is in use now need not be prepared anew at once. */
static void close_half(struct backend *b)
{
	unsigned keep = b->n_statements / 2;
	struct backend_statement *oldest;
	while (b->n_statements > keep && (oldest = least_recently_used(b)))
		close_on_backend(b, oldest);
}

void prepared_make_room(struct session *s)
{
	struct worker *w = s->worker;
	uint32_t slot = s->backend->pool->key.slot;
	s->run->made_room = true;
	close_half(s->backend);
	for (struct pool *pool = w->pools; pool; pool = pool->hh.next) {
		struct backend *b;
		if (pool->key.slot != slot)
			continue;
		TAILQ_FOREACH(b, &pool->idle, link)
			close_half(b);
	}
}

bool prepared_answered(struct session *s, uint8_t *payload, size_t len)
{
	struct run *r = s->run;
	r->preparing->params = r->reply.params;
	r->preparing->columns = (uint16_t)r->reply.columns;
	prepared_register(s->backend, r->preparing, r->reply.statement_id);
	struct client_statement *c = prepared_add(s, r->preparing);
	return stmt_set_id(payload, len, c->id);
}

bool prepared_needs(struct session *s)
{
	struct run *r = s->run;
	struct client_statement *c = r->statement;
	if (!c || r->command == CMD_STMT_PREPARE)
		return false;
	struct backend_statement *there = backend_statement_find(s->backend, c->template);
	if (there && there->bound_by && there->bound_by != c) {
		/* Two of the same text, and one has a cursor or long data there: the other needs its own. */
		struct template *own = template_copy(c->template);
		template_unref(s->worker, c->template);
		c->template = own;
		there = NULL;
	}
	if (there)
		return false;
	template_unref(s->worker, r->preparing);
	r->preparing = template_ref(c->template);
	return true;
}

/* ---- numbers and types ---- */

static uint64_t hash_of(struct view types)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < types.len; i++)
		h = (h ^ types.p[i]) * 1099511628211u;
	return h | 1;
}

static void remember_types(struct client_statement *c, struct view types)
{
	uint64_t hash = hash_of(types);
	if (hash == c->types_hash || !types.len)
		return;
	uint8_t *copy = malloc(types.len);
	if (!copy)
		abort();
	memcpy(copy, types.p, types.len);
	free(c->types);
	c->types = copy;
	c->types_len = types.len;
	c->types_hash = hash;
}

/* The whole command with another front, cut into packets again: it may have become one of two. */
static bool put_whole(struct buf *out, struct buf *front, size_t replaced, const uint8_t *packet, size_t size)
{
	struct splice splice;
	size_t used;
	splice_begin(&splice, front, replaced);
	bool done = splice_feed(&splice, packet, size, &used, out) && splice.done;
	splice_finish(&splice);
	return done;
}

/* The rest is still to come from the client. */
static bool put_while_it_passes(struct run *r, struct buf *front, size_t replaced)
{
	r->splice = calloc(1, sizeof *r->splice);
	if (!r->splice)
		return false;
	splice_begin(r->splice, front, replaced);
	return true;
}

static bool put_types(struct session *s, uint8_t *packet, size_t size, struct buf *out, size_t *skip)
{
	struct client_statement *c = s->run->statement;
	struct view payload = {packet + PACKET_HEADER, size - PACKET_HEADER}, types = {c->types, c->types_len};
	struct buf front;
	size_t replaced;
	buf_init(&front, SESSION_LARGE_FRONT);
	if (!stmt_front_with_types(&front, payload, c->template->params, s->backend->caps, types, &replaced)) {
		buf_finish(&front);
		return true; /* the server will say what is wrong with it */
	}
	bool done;
	if (s->run->large) {
		done = put_while_it_passes(s->run, &front, replaced);
	} else {
		done = put_whole(out, &front, replaced, packet, size);
		*skip = size;
	}
	buf_finish(&front);
	return done;
}

/* The server remembers the types of the last execution on its own statement, which may have been another session's. */
static bool with_types(struct session *s, struct backend_statement *b, uint8_t *packet, size_t size, struct buf *out,
		       size_t *skip)
{
	struct client_statement *c = s->run->statement;
	struct stmt_types found;
	unsigned params = c->template->params;
	if (!stmt_types_find((struct view){packet + PACKET_HEADER, size - PACKET_HEADER}, params, s->backend->caps, &found) ||
	    !found.params)
		return true;
	if (found.bound) {
		remember_types(c, stmt_types_cut(found.types, params, s->backend->caps));
		b->types_hash = c->types_hash;
		return true;
	}
	if (b->types_hash == c->types_hash || !c->types_len)
		return true;
	b->types_hash = c->types_hash;
	return put_types(s, packet, size, out, skip);
}

bool prepared_rewrite(struct session *s, uint8_t *packet, size_t size, struct buf *out, size_t *skip)
{
	struct run *r = s->run;
	struct backend_statement *b = backend_statement_find(s->backend, r->statement->template);
	uint8_t *payload = packet + PACKET_HEADER;
	if (r->large && size > SESSION_LARGE_FRONT)
		size = SESSION_LARGE_FRONT;
	*skip = 0;
	if (!b || !stmt_set_id(payload, size - PACKET_HEADER, b->id))
		return false;
	b->used = worker_now(s->worker);
	if (r->command == CMD_STMT_SEND_LONG_DATA)
		b->bound_by = r->statement;
	return !prepared_executes(r->command) || with_types(s, b, packet, size, out, skip);
}
