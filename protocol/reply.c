#include "protocol/reply.h"

#include <string.h>

#include "protocol/constants.h"
#include "protocol/ok.h"
#include "protocol/stmt.h"
#include "protocol/wire.h"

#define EOF_BELOW      9u      /* FE in a packet of this size or more begins a row of over 16 MiB */
#define MAX_COLUMNS    0xFFFFFFu /* tables stop at 4096; a SELECT without one was seen with 68,001 */
#define PROGRESS_ERROR 0xFFFF  /* the error number that is none */

/* What the packet at the front is. */
enum look {
	LOOK_MORE,    /* not enough of it is here to tell */
	LOOK_BODY,    /* a row or a definition */
	LOOK_CONTROL, /* one that tells how the answer goes on */
	LOOK_BAD
};

_Static_assert(sizeof(struct reply) < 120, "one for every command in flight: it stays small");

static enum reply_state first_state(uint8_t command)
{
	switch (command_info(command)->answer) {
	case ANSWER_NONE:
		return REPLY_AT_END;
	case ANSWER_ROWS:
	case ANSWER_STREAM:
	case ANSWER_FIELDS:
		return REPLY_AT_ROWS;
	case ANSWER_FOREIGN:
		return REPLY_AT_NOWHERE;
	default:
		return REPLY_AT_FIRST;
	}
}

void reply_begin(struct reply *r, uint8_t command, uint32_t caps, uint32_t mariadb_caps)
{
	*r = (struct reply){
	    .command = command,
	    .caps = caps,
	    .mariadb_caps = mariadb_caps,
	    .state = first_state(command),
	};
}

void reply_local_sent(struct reply *r)
{
	if (r->state != REPLY_AT_CLIENT)
		return;
	r->state = REPLY_AT_FIRST;
	r->seq_known = false;
}

void reply_repair_numbers(struct reply *r, uint8_t last)
{
	r->repair = r->seq_known = true;
	r->seq = last;
}

/* The packet's number is the one that is due, or is made so. */
static bool is_due(const struct reply *r, const uint8_t *header)
{
	uint8_t due = (uint8_t)(r->seq + 1);
	if (r->repair)
		((uint8_t *)(uintptr_t)header)[3] = due;
	return header[3] == due;
}

/* Definitions go on after a block has ended: columns behind parameters, rows behind columns. */
static void enter_columns(struct reply *r)
{
	r->definitions = r->has_definitions ? r->columns : 0;
	bool prepare = command_info(r->command)->answer == ANSWER_PREPARE;
	if (r->definitions)
		r->state = REPLY_AT_COLUMNS;
	else if (prepare)
		r->state = REPLY_AT_END;
	else
		/* MariaDB leaves out the definitions a client has cached, but not the EOF behind them. */
		r->state = r->caps & CAP_DEPRECATE_EOF ? REPLY_AT_ROWS : REPLY_AT_COLUMNS_EOF;
}

static void leave_columns(struct reply *r)
{
	r->state = command_info(r->command)->answer == ANSWER_PREPARE ? REPLY_AT_END : REPLY_AT_ROWS;
}

static void definition_done(struct reply *r)
{
	if (--r->definitions)
		return;
	if (!(r->caps & CAP_DEPRECATE_EOF))
		r->state = r->state == REPLY_AT_PARAMS ? REPLY_AT_PARAMS_EOF : REPLY_AT_COLUMNS_EOF;
	else if (r->state == REPLY_AT_PARAMS)
		enter_columns(r);
	else
		leave_columns(r);
}

/* A result is complete. Only where several may come does MORE_RESULTS mean anything: a server may leave the
 * flag set in the answer to a later FETCH. */
static void result_done(struct reply *r)
{
	r->more = r->status & STATUS_MORE_RESULTS && command_info(r->command)->answer == ANSWER_RESULTSET;
	r->state = r->more ? REPLY_AT_FIRST : REPLY_AT_END;
}

static bool take_ok(struct reply *r, struct view p)
{
	struct ok_packet ok;
	if (!ok_parse(p, r->caps, &ok))
		return false;
	r->kind = ok.header == HEADER_EOF ? REPLY_END : REPLY_OK;
	r->has_status = true;
	r->status = ok.status;
	r->warnings = ok.warnings;
	r->affected = ok.affected;
	r->insert_id = ok.insert_id;
	result_done(r);
	return true;
}

static bool take_plain_eof(struct reply *r, struct view p)
{
	struct eof_packet eof;
	if (!eof_parse(p, &eof))
		return false;
	r->kind = REPLY_EOF;
	r->has_status = true;
	r->status = eof.status;
	r->warnings = eof.warnings;
	return true;
}

/* The end of rows; which form it has depends on the capability, but the forms cannot be confused, and servers
 * are not consistent for the lesser commands. */
static bool take_end(struct reply *r, struct view p)
{
	if (take_plain_eof(r, p)) {
		result_done(r);
		return true;
	}
	return r->caps & CAP_DEPRECATE_EOF && take_ok(r, p);
}

/* With a cursor no rows follow: they are fetched later. (With CAP_DEPRECATE_EOF the same packet is the end of
 * rows.) */
static bool take_columns_eof(struct reply *r, struct view p)
{
	if (!take_plain_eof(r, p))
		return false;
	r->after_definitions = true;
	r->more = r->status & STATUS_MORE_RESULTS;
	if (r->command == CMD_STMT_EXECUTE && r->status & STATUS_CURSOR_EXISTS)
		result_done(r);
	else
		leave_columns(r);
	return true;
}

static bool take_params_eof(struct reply *r, struct view p)
{
	if (!take_plain_eof(r, p))
		return false;
	r->after_definitions = true;
	enter_columns(r);
	return true;
}

static bool take_err(struct reply *r, struct view p)
{
	struct err_packet err;
	if (!err_parse(p, r->caps, &err))
		return false;
	if (err.code == PROGRESS_ERROR && r->mariadb_caps & MCAP_PROGRESS) {
		r->kind = REPLY_PROGRESS; /* the state stays: what was awaited still is */
		return true;
	}
	r->kind = REPLY_ERR;
	r->error = err.code;
	memcpy(r->sqlstate, err.sqlstate, sizeof r->sqlstate);
	r->state = REPLY_AT_END;
	return true;
}

static bool take_column_count(struct reply *r, struct view p)
{
	struct reader in = reader_of(p.p, p.len);
	uint64_t columns = read_lenenc(&in, NULL);
	bool flagged = r->caps & CAP_OPTIONAL_RESULTSET_METADATA || r->mariadb_caps & MCAP_CACHE_METADATA;
	r->has_definitions = true;
	if (flagged && reader_left(&in))
		r->has_definitions = read_u8(&in);
	if (in.bad || reader_left(&in) || !columns || columns > MAX_COLUMNS)
		return false;
	r->kind = REPLY_COLUMN_COUNT;
	r->columns = (uint32_t)columns;
	r->results++;
	r->rows_before = r->rows;
	enter_columns(r);
	return true;
}

static bool take_client_turn(struct reply *r, enum reply_kind kind)
{
	r->kind = kind;
	r->state = REPLY_AT_CLIENT;
	return true;
}

static bool take_result(struct reply *r, struct view p)
{
	switch (*p.p) {
	case HEADER_OK:
		return take_ok(r, p);
	case HEADER_LOCAL_INFILE:
		return take_client_turn(r, REPLY_LOCAL_INFILE);
	case HEADER_EOF:
		return false;
	default:
		return take_column_count(r, p);
	}
}

static bool take_prepare_ok(struct reply *r, struct view p)
{
	struct stmt_prepare_ok ok;
	if (!stmt_prepare_ok_parse(p, r->caps, &ok))
		return false;
	r->kind = REPLY_PREPARE_OK;
	r->statement_id = ok.id;
	r->columns = ok.columns;
	r->params = ok.params;
	r->warnings = ok.warnings;
	r->has_definitions = ok.has_definitions;
	if (ok.params && ok.has_definitions) {
		r->definitions = ok.params;
		r->state = REPLY_AT_PARAMS;
	} else {
		enter_columns(r);
	}
	return true;
}

static bool take_string(struct reply *r)
{
	r->kind = REPLY_STRING;
	r->state = REPLY_AT_END;
	return true;
}

static bool take_first(struct reply *r, struct view p)
{
	switch (command_info(r->command)->answer) {
	case ANSWER_OK:
		return *p.p == HEADER_OK && take_ok(r, p);
	case ANSWER_EOF:
		return *p.p == HEADER_OK ? take_ok(r, p) : take_end(r, p);
	case ANSWER_RESULTSET:
		return take_result(r, p);
	case ANSWER_PREPARE:
		return take_prepare_ok(r, p);
	case ANSWER_STRING:
		return take_string(r);
	case ANSWER_AUTH:
		return *p.p == HEADER_OK ? take_ok(r, p) : take_client_turn(r, REPLY_AUTH);
	default:
		return false;
	}
}

static bool take(struct reply *r, struct view p)
{
	if (p.len && *p.p == HEADER_ERR)
		return take_err(r, p);
	switch (r->state) {
	case REPLY_AT_FIRST:
		return p.len ? take_first(r, p)
		             : command_info(r->command)->answer == ANSWER_STRING && take_string(r);
	case REPLY_AT_PARAMS_EOF:
		return take_params_eof(r, p);
	case REPLY_AT_COLUMNS_EOF:
		return take_columns_eof(r, p);
	case REPLY_AT_ROWS:
		return take_end(r, p);
	default:
		return false;
	}
}

/* Takes the whole packet at the front as the one that says how the answer goes on. */
static bool take_control(struct reply *r, const uint8_t *data)
{
	struct view payload = {data + PACKET_HEADER, get_u24(data)};
	r->kind = REPLY_NONE;
	r->has_status = r->more = r->after_definitions = false;
	r->status = r->warnings = r->error = 0;
	r->affected = r->insert_id = 0;
	memset(r->sqlstate, 0, sizeof r->sqlstate);
	r->seq = data[3];
	r->seq_known = true;
	return take(r, payload);
}

static bool ends_rows(const struct reply *r, uint8_t first, size_t size)
{
	if (first != HEADER_EOF)
		return first == HEADER_ERR;
	return size < (r->caps & CAP_DEPRECATE_EOF ? PACKET_MAX_PAYLOAD : EOF_BELOW);
}

static enum look look(const struct reply *r, const uint8_t *data, size_t len)
{
	if (len < PACKET_HEADER)
		return LOOK_MORE;
	size_t size = get_u24(data);
	if (r->seq_known && !is_due(r, data))
		return LOOK_BAD;
	bool body = r->state == REPLY_AT_ROWS || r->state == REPLY_AT_PARAMS || r->state == REPLY_AT_COLUMNS;
	if (body) {
		if (!size)
			return LOOK_BAD;
		if (len == PACKET_HEADER)
			return LOOK_MORE;
		uint8_t first = data[PACKET_HEADER];
		if (r->state == REPLY_AT_ROWS ? !ends_rows(r, first, size) : first < HEADER_LOCAL_INFILE)
			return LOOK_BODY;
	}
	if (size > REPLY_CONTROL_MAX)
		return LOOK_BAD;
	return len - PACKET_HEADER < size ? LOOK_MORE : LOOK_CONTROL;
}

/* Passes what is here of the packet whose header has been seen. */
static size_t pass_left(struct reply *r, size_t len)
{
	size_t n = r->left < len ? r->left : len;
	r->left -= (uint32_t)n;
	return n;
}

static void pass_header(struct reply *r, const uint8_t *data)
{
	r->left = get_u24(data);
	r->continues = r->left == PACKET_MAX_PAYLOAD;
	r->seq = data[3];
	r->seq_known = true;
}

/* The next packet of a payload of 16 MiB and more: only its number can be wrong. */
static enum look look_continuation(const struct reply *r, const uint8_t *data, size_t len)
{
	if (len < PACKET_HEADER)
		return LOOK_MORE;
	return is_due(r, data) ? LOOK_BODY : LOOK_BAD;
}

/* The rows that lie whole in the bytes, as fast as they can be stepped over: nearly all bytes of all answers
 * pass here. Stops before anything that is not plainly the next row. */
static size_t pass_whole_rows(struct reply *r, const uint8_t *data, size_t len)
{
	size_t at = 0;
	uint64_t rows = 0;
	uint8_t seq = r->seq;
	while (len - at > PACKET_HEADER) {
		const uint8_t *p = data + at;
		size_t size = get_u24(p);
		if (size - 1 >= PACKET_MAX_PAYLOAD - 1 || p[3] != (uint8_t)(seq + 1) ||
		    p[PACKET_HEADER] >= HEADER_EOF || len - at - PACKET_HEADER < size)
			break;
		seq++;
		rows++;
		at += PACKET_HEADER + size;
	}
	r->seq = seq;
	r->rows += rows;
	return at;
}

/* As many bytes as need no look; *next is what stands behind them. */
static size_t pass(struct reply *r, const uint8_t *data, size_t len, enum look *next)
{
	size_t at = 0;
	for (;;) {
		at += pass_left(r, len - at);
		*next = LOOK_MORE;
		if (at == len)
			return at;
		if (!r->continues && (r->state == REPLY_AT_END || r->state == REPLY_AT_CLIENT))
			return at;
		if (!r->continues && r->state == REPLY_AT_ROWS && r->seq_known)
			at += pass_whole_rows(r, data + at, len - at);
		*next =
		    r->continues ? look_continuation(r, data + at, len - at) : look(r, data + at, len - at);
		if (*next != LOOK_BODY)
			return at;
		bool begins = !r->continues;
		pass_header(r, data + at);
		at += PACKET_HEADER;
		if (!begins)
			continue;
		if (r->state == REPLY_AT_ROWS)
			r->rows++;
		else
			definition_done(r);
	}
}

static enum reply_result refuse(struct reply *r)
{
	r->state = REPLY_AT_NOWHERE;
	r->left = 0;
	r->continues = false;
	return REPLY_BAD;
}

enum reply_result reply_walk(struct reply *r, const uint8_t *data, size_t len, size_t *n)
{
	*n = 0;
	if (r->state == REPLY_AT_NOWHERE)
		return REPLY_BAD;
	if (reply_is_done(r))
		return REPLY_DONE;
	enum look next;
	size_t passed = pass(r, data, len, &next);
	if (passed) {
		r->bytes += passed;
		*n = passed;
		return REPLY_PASS;
	}
	switch (next) {
	case LOOK_MORE:
		return REPLY_PARTIAL;
	case LOOK_CONTROL:
		if (!take_control(r, data))
			return refuse(r);
		*n = PACKET_HEADER + get_u24(data);
		r->bytes += *n;
		return REPLY_PACKET;
	default:
		return refuse(r);
	}
}
