/* The client's bytes to the server as they come: the rest of a large command, or a local file. */
#include "protocol/packet.h"
#include "proxy/session/session.h"

/* As many bytes as belong to the upload and are here: packets up to and with the one that ends it. */
static size_t belonging(struct run *r, const uint8_t *data, size_t len)
{
	size_t at = 0;
	while (at < len) {
		if (r->upload_left) {
			size_t n = len - at < r->upload_left ? len - at : r->upload_left;
			r->upload_left -= (uint32_t)n;
			at += n;
			continue;
		}
		if (r->upload_last || len - at < PACKET_HEADER)
			break;
		uint32_t size = get_u24(data + at);
		/* A large command ends with the first packet that is not full, a file with an empty one. */
		r->upload_last = r->large ? size < PACKET_MAX_PAYLOAD : size == 0;
		r->upload_left = size;
		r->upload_seq = data[at + 3];
		at += PACKET_HEADER;
	}
	return at;
}

/* What of it is here, with the types put in. */
static bool send_spliced(struct session *s, const uint8_t *data, size_t len, size_t *used)
{
	struct run *r = s->run;
	struct buf out;
	buf_init(&out, len + SESSION_LARGE_FRONT);
	bool sent = splice_feed(r->splice, data, len, used, &out) &&
		    conn_send(&s->backend->conn, buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return sent;
}

static enum step ended(struct session *s)
{
	struct run *r = s->run;
	conn_answer_begins(&s->client, true);
	if (!r->large)
		reply_local_sent(&r->reply);
	if (s->backend->conn.packed)
		reply_repair_numbers(&r->reply, r->splice ? r->splice->in_seq : r->upload_seq);
	if (r->large && r->command == CMD_STMT_SEND_LONG_DATA)
		return finish_statement(s, true);
	return session_enter(s, SESSION_REPLY);
}

enum step upload_step(struct session *s)
{
	struct run *r = s->run;
	struct conn *server = &s->backend->conn;
	if (server->error)
		return finish_lost_server(s);
	if (conn_is_full(server))
		return STEP_WAIT;
	size_t len;
	const uint8_t *data = conn_input(&s->client, &len);
	size_t n = 0;
	bool sent = true;
	if (r->splice)
		sent = send_spliced(s, data, len, &n);
	else if ((n = belonging(r, data, len)))
		sent = conn_send(server, data, n);
	if (n) {
		s->bytes_in += n;
		r->times.bytes += n;
		stat_add(&s->worker->stats->bytes_from_clients, n);
		stat_add(&s->worker->stats->servers[r->slot].bytes_sent, n);
		conn_consume(&s->client, n);
	}
	if (!sent)
		return finish_lost_server(s);
	if (r->splice ? r->splice->done : r->upload_last && !r->upload_left)
		return ended(s);
	return n ? STEP_AGAIN : STEP_WAIT;
}
