/*
 * What a connection does on wye's own account, lent to nobody: a KILL for another connection of the same account,
 * telling the last insert id of the session that had it last, before it is closed, eating an answer (pool_drain.c), or
 * running a copy of a statement (mirror.c).
 */
#include <stdio.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/backend/mirror.h"
#include "proxy/backend/pool.h"
#include "proxy/session/session.h"

static bool send_query(struct backend *b, const char *sql)
{
	struct buf out;
	uint8_t seq = 0;
	/* Where query attributes are in effect there must be a word of them: none, in one set. */
	const char *none = b->caps & CAP_QUERY_ATTRIBUTES ? "\0\1" : "";
	size_t n_none = b->caps & CAP_QUERY_ATTRIBUTES ? 2 : 0;
	buf_init(&out, 256);
	size_t packet = packet_begin(&out);
	bool sent = packet != SIZE_MAX && write_u8(&out, CMD_QUERY) && write_bytes(&out, none, n_none) &&
		    write_bytes(&out, sql, strlen(sql)) && packet_end(&out, packet, &seq) &&
		    conn_send_command(&b->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return sent;
}

static void begin(struct backend *b, enum backend_task task, const char *sql)
{
	pool_move(b, BACKEND_BUSY);
	b->task = task;
	if (!send_query(b, sql))
		backend_discard(b);
}

/* ---- KILL ---- */

void pool_begin_kill(struct backend *b)
{
	char sql[64];
	snprintf(sql, sizeof sql, "KILL %s%u", b->kill_query ? "QUERY " : "", b->kill_thread);
	backend_keep(b, NULL);
	begin(b, TASK_KILL, sql);
}

/* It cannot wait for room: what it is to end may be what fills it. */
static struct backend *open_killer(struct pool *pool)
{
	room_force(room_of_server(pool->key.slot));
	room_force(pool->account_room);
	return pool_open(pool);
}

void pool_kill(struct backend *b, bool query_only)
{
	struct pool *pool = b->pool;
	struct backend *killer = TAILQ_FIRST(&pool->idle);
	b->killed = true;
	if (!killer || killer->keeps_insert_id)
		killer = open_killer(pool);
	if (!killer)
		return;
	killer->kill_thread = b->thread_id;
	killer->kill_query = query_only;
	killer->kill_was_idle = killer->state == BACKEND_IDLE;
	if (killer->kill_was_idle)
		pool_begin_kill(killer);
}

/* An idle connection that its server had closed without wye knowing yet: one that is new can tell. */
static void kill_again(const struct backend *b)
{
	struct backend *killer = b->kill_was_idle ? open_killer(b->pool) : NULL;
	if (!killer)
		return;
	killer->kill_thread = b->kill_thread;
	killer->kill_query = b->kill_query;
}

/* One packet, OK or ERR (the statement had ended by itself); either way it is over. */
static void kill_answered(struct backend *b)
{
	size_t len;
	struct packet p;
	const uint8_t *data = conn_input(&b->conn, &len);
	enum packet_result got = packet_next(data, len, 65536, &p);
	if (got == PACKET_PARTIAL && !conn_is_broken(&b->conn))
		return;
	b->task = TASK_NONE;
	if (got != PACKET_OK) {
		b->conn.error = UV_EPROTO;
		kill_again(b);
	} else {
		b->has_warnings |= p.payload.len && p.payload.p[0] == HEADER_ERR; /* whoever's it will be next */
		conn_consume(&b->conn, p.size);
	}
	b->kill_thread = 0;
	pool_give(b);
}

/* ---- the last insert id of the session that had it last ---- */

void pool_retire(struct backend *b, enum closed_reason reason)
{
	b->retired = true;
	b->retired_for = reason;
	if (b->keeps_insert_id)
		begin(b, TASK_SAVE_ID, "SELECT LAST_INSERT_ID() LIMIT 1");
	else
		backend_discard(b);
}

static void id_answered(struct backend *b)
{
	size_t len;
	uint64_t value = 0;
	bool told = false;
	const uint8_t *data = conn_input(&b->conn, &len);
	if (!errand_first_value(data, len, b->caps, &value, &told) && !conn_is_broken(&b->conn))
		return;
	struct session *keeper = b->keeper;
	if (keeper && b->keeps_insert_id) {
		if (told)
			keeper->insert_id = value;
		session_wake(keeper);
	}
	backend_discard(b);
}

void pool_task_run(struct backend *b)
{
	if (b->task == TASK_KILL)
		kill_answered(b);
	else if (b->task == TASK_DRAIN)
		pool_drain_more(b);
	else if (b->task == TASK_MIRROR)
		mirror_run(b);
	else
		id_answered(b);
}
