#include "protocol/tracker.h"

#define GTID_TEXT 0 /* the only encoding of GTIDs there is: the text of a set */

void tracker_begin(struct tracker_iter *it, struct view block)
{
	*it = (struct tracker_iter){
	    .block = reader_of(block.p, block.len),
	    .variables = reader_of(NULL, 0),
	};
}

/* The server writes the bare character; a length before it is what every other type has. */
static struct view read_state(struct reader *r)
{
	struct view state = reader_left(r) == 1 ? read_rest(r) : read_lenenc_str(r);
	if (!state.len)
		r->bad = true;
	return state;
}

static struct view read_gtids(struct reader *r)
{
	if (read_u8(r) != GTID_TEXT)
		r->bad = true;
	return read_lenenc_str(r);
}

static struct view read_value(uint8_t type, struct reader *r)
{
	switch (type) {
	case TRACK_SCHEMA:
	case TRACK_TRX_CHARACTERISTICS:
	case TRACK_TRX_STATE:
		return read_lenenc_str(r);
	case TRACK_STATE_CHANGE:
		return read_state(r);
	case TRACK_GTIDS:
		return read_gtids(r);
	default:
		return read_rest(r);
	}
}

static bool fail(struct tracker_iter *it)
{
	it->bad = true;
	return false;
}

static bool next_variable(struct tracker_iter *it, struct tracker_entry *entry)
{
	*entry = (struct tracker_entry){.type = TRACK_SYSTEM_VARIABLES};
	entry->name = read_lenenc_str(&it->variables);
	entry->value = read_lenenc_str(&it->variables);
	return !it->variables.bad || fail(it);
}

bool tracker_next(struct tracker_iter *it, struct tracker_entry *entry)
{
	if (it->bad)
		return false;
	if (reader_left(&it->variables))
		return next_variable(it, entry);
	while (reader_left(&it->block)) {
		uint8_t type = read_u8(&it->block);
		struct view content = read_lenenc_str(&it->block);
		if (it->block.bad)
			return fail(it);
		struct reader r = reader_of(content.p, content.len);
		if (type == TRACK_SYSTEM_VARIABLES) {
			it->variables = r;
			if (!content.len)
				continue; /* no pair at all is nothing to report */
			return next_variable(it, entry);
		}
		*entry = (struct tracker_entry){.type = type, .value = read_value(type, &r)};
		return !r.bad || fail(it);
	}
	return false;
}

static size_t lenenc_size(size_t n)
{
	return n < 0xFB ? 1 : n <= 0xFFFF ? 3 : n <= 0xFFFFFF ? 4 : 9;
}

static size_t str_size(struct view s)
{
	return lenenc_size(s.len) + s.len;
}

static size_t content_size(const struct tracker_entry *e)
{
	switch (e->type) {
	case TRACK_SYSTEM_VARIABLES:
		return str_size(e->name) + str_size(e->value);
	case TRACK_SCHEMA:
	case TRACK_TRX_CHARACTERISTICS:
	case TRACK_TRX_STATE:
		return str_size(e->value);
	case TRACK_STATE_CHANGE:
		return e->value.len == 1 ? 1 : str_size(e->value);
	case TRACK_GTIDS:
		return 1 + str_size(e->value);
	default:
		return e->value.len;
	}
}

size_t tracker_size(const struct tracker_entry *entry)
{
	size_t n = content_size(entry);
	return 1 + lenenc_size(n) + n;
}

bool tracker_write(struct buf *b, const struct tracker_entry *e)
{
	if (!buf_reserve(b, tracker_size(e)))
		return false;
	bool ok = write_u8(b, e->type) && write_lenenc(b, content_size(e));
	switch (e->type) {
	case TRACK_SYSTEM_VARIABLES:
		return ok && write_lenenc_str(b, e->name) && write_lenenc_str(b, e->value);
	case TRACK_SCHEMA:
	case TRACK_TRX_CHARACTERISTICS:
	case TRACK_TRX_STATE:
		return ok && write_lenenc_str(b, e->value);
	case TRACK_STATE_CHANGE:
		return ok && (e->value.len == 1 ? write_u8(b, *e->value.p) : write_lenenc_str(b, e->value));
	case TRACK_GTIDS:
		return ok && write_u8(b, GTID_TEXT) && write_lenenc_str(b, e->value);
	default:
		return ok && buf_append(b, e->value.p, e->value.len);
	}
}
