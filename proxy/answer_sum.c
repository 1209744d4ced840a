#include "proxy/answer_sum.h"

#include <string.h>
#include <zlib.h>

/* In the place of what stands in a packet that is not compared as it is. */
enum mark { MARK_OK = 1, MARK_EOF, MARK_ERR };

static void add(struct answer_sum *a, const void *data, size_t n)
{
	a->crc = (uint32_t)crc32_z(a->crc, data, n);
	a->bytes += n;
}

static void add_mark(struct answer_sum *a, enum mark mark, uint64_t number)
{
	const uint64_t both[2] = {mark, number};
	add(a, both, sizeof both);
}

static void add_ok(struct answer_sum *a, uint64_t affected, uint64_t insert_id, bool more)
{
	add_mark(a, MARK_OK, affected);
	add_mark(a, MARK_OK, more);
	a->insert_id = a->insert_id * 31 + insert_id;
}

void answer_sum_bytes(struct answer_sum *a, const uint8_t *data, size_t n)
{
	add(a, data, n);
}

void answer_sum_packet(struct answer_sum *a, const struct reply *r, const uint8_t *packet, size_t n)
{
	switch (r->kind) {
	case REPLY_OK:
	case REPLY_END:
		add_ok(a, r->affected, r->insert_id, r->more);
		break;
	case REPLY_EOF:
		add_mark(a, MARK_EOF, r->more);
		break;
	case REPLY_ERR:
		answer_sum_error(a, r->error, r->sqlstate);
		break;
	case REPLY_NONE:
	case REPLY_PROGRESS:
	case REPLY_PREPARE_OK:
		break;
	case REPLY_COLUMN_COUNT:
	case REPLY_LOCAL_INFILE:
	case REPLY_STRING:
	case REPLY_AUTH:
		add(a, packet, n);
		break;
	}
}

void answer_sum_ok(struct answer_sum *a)
{
	add_ok(a, 0, 0, false);
}

void answer_sum_error(struct answer_sum *a, uint16_t code, const char *sqlstate)
{
	add_mark(a, MARK_ERR, code);
	add(a, sqlstate, strlen(sqlstate));
	a->error = code;
}

bool answer_sum_is_same(const struct answer_sum *a, const struct answer_sum *b)
{
	return a->crc == b->crc && a->bytes == b->bytes && a->error == b->error;
}
