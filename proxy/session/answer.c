/* Answers that wye gives itself. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/ok.h"
#include "protocol/resultset.h"
#include "proxy/session/replay.h"
#include "proxy/session/session.h"

#define ANSWER_MAX 8192

/* What a server would say of the session's transaction now. */
static uint16_t status_of(const struct session *s)
{
	uint16_t status = s->status & (STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY | STATUS_NO_BACKSLASH_ESCAPES |
				       STATUS_ANSI_QUOTES);
	return s->autocommit_off ? status : status | STATUS_AUTOCOMMIT;
}

static uint8_t next_seq(const struct session *s)
{
	return s->run ? s->run->client_seq : 1;
}

static bool give(struct session *s, struct buf *b, bool made)
{
	bool sent = made && conn_send(&s->client, buf_data(b), buf_len(b));
	s->bytes_out += buf_len(b);
	stat_add(&s->worker->stats->bytes_to_clients, buf_len(b));
	buf_finish(b);
	return sent;
}

static bool is_replay(const struct session *s)
{
	return s->run && s->run->replays;
}

bool session_answer_ok(struct session *s)
{
	if (is_replay(s))
		return replay_own_answer(s, 0, "", "");
	struct buf b;
	buf_init(&b, ANSWER_MAX);
	uint8_t seq = next_seq(s);
	if (s->run && !s->run->own)
		last_statement_was_own(s, 0);
	const struct ok_packet ok = {.status = status_of(s), .warnings = trace_own_answer(s)};
	return give(s, &b, ok_write(&b, &seq, s->caps, &ok));
}

bool session_answer_error(struct session *s, uint16_t code, const char *sqlstate, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (is_replay(s))
		return replay_own_answer(s, code, sqlstate, text);
	if (s->run && !s->run->own) {
		last_statement_failed(s, code, sqlstate, text);
		s->run->times.error = code;
	}
	statistics_error(s, STATEMENT_NO_SERVER, code, sqlstate, view_of(text));
	(void)trace_own_answer(s);
	struct buf b;
	buf_init(&b, ANSWER_MAX);
	uint8_t seq = next_seq(s);
	return give(s, &b, err_write(&b, &seq, s->caps, code, sqlstate, "%s", text));
}

bool session_answer_eof(struct session *s)
{
	if (is_replay(s))
		return replay_own_answer(s, 1105, "HY000", "wye answers it now, and a server did before");
	struct buf b;
	buf_init(&b, ANSWER_MAX);
	uint8_t seq = next_seq(s);
	last_statement_was_own(s, -1);
	return give(s, &b, eof_write(&b, &seq, s->caps, status_of(s), 0));
}

static struct resultset_column own_column(const struct session *s, const char *name, bool number)
{
	return (struct resultset_column){name, number ? RESULTSET_INTEGER : RESULTSET_TEXT,
					 s->mariadb_caps & MCAP_EXTENDED_METADATA};
}

bool session_answer_row(struct session *s, const char *column, const char *value, bool number, bool binary)
{
	if (is_replay(s))
		return replay_own_answer(s, 1105, "HY000", "wye answers it now, and a server did before");
	struct resultset_column columns[] = {own_column(s, column, number)};
	struct resultset_cell cells[] = {{.kind = CELL_TEXT, .text = view_of(value)}};
	struct buf b;
	buf_init(&b, ANSWER_MAX);
	uint8_t seq = next_seq(s);
	uint16_t status = status_of(s);
	last_statement_was_own(s, -1);
	s->last_rows = 1;
	s->rows_at = NULL;
	return give(s, &b,
		    resultset_begin(&b, &seq, s->caps, columns, 1, status) &&
			    resultset_row(&b, &seq, columns, 1, cells, binary) &&
			    resultset_end(&b, &seq, s->caps, status, trace_own_answer(s)));
}

bool session_answer_prepared(struct session *s, uint32_t id, const char *column, bool number)
{
	if (is_replay(s))
		return replay_own_answer(s, 1105, "HY000", "wye answers it now, and a server did before");
	struct resultset_column columns[] = {own_column(s, column, number)};
	struct buf b;
	buf_init(&b, ANSWER_MAX);
	uint8_t seq = next_seq(s);
	return give(s, &b, resultset_prepared(&b, &seq, s->caps, id, columns, 1, 0, status_of(s)));
}
