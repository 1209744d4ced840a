#include "protocol/ok.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/packet.h"
#include "protocol/tracker.h"

#define OK_END_MIN  7u  /* FE with an OK behind it: what is shorter is a plain EOF */
#define EOF_SIZE    5u  /* the header byte, warnings, status */
#define ERR_MESSAGE 512 /* the servers' own bound, with the NUL */

/* Without session tracking old servers may have written the text without its length: take it as it stands
 * then. */
static struct view read_info(struct reader *r, uint32_t caps)
{
	struct reader start = *r;
	struct view info = read_lenenc_str(r);
	if (!r->bad || caps & CAP_SESSION_TRACK)
		return info;
	*r = start;
	return read_rest(r);
}

bool ok_parse(struct view payload, uint32_t caps, struct ok_packet *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct ok_packet){.header = read_u8(&r)};
	if (out->header != HEADER_OK && (out->header != HEADER_EOF || payload.len < OK_END_MIN))
		return false;
	out->affected = read_lenenc(&r, NULL);
	out->insert_id = read_lenenc(&r, NULL);
	out->status = read_u16(&r);
	out->warnings = read_u16(&r);
	if (!r.bad && reader_left(&r))
		out->info = read_info(&r, caps);
	if (!r.bad && reader_left(&r) && caps & CAP_SESSION_TRACK &&
	    out->status & STATUS_SESSION_STATE_CHANGED)
		out->trackers = read_lenenc_str(&r);
	return !r.bad;
}

size_t ok_status_at(const uint8_t *packet, size_t size)
{
	if (size <= PACKET_HEADER)
		return size;
	struct reader r = reader_of(packet + PACKET_HEADER + 1, size - PACKET_HEADER - 1);
	(void)read_lenenc(&r, NULL);
	(void)read_lenenc(&r, NULL);
	return r.bad || reader_left(&r) < 4 ? size : (size_t)(r.p - packet);
}

bool err_parse(struct view payload, uint32_t caps, struct err_packet *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct err_packet){.sqlstate = "HY000"};
	if (read_u8(&r) != HEADER_ERR)
		return false;
	out->code = read_u16(&r);
	if (caps & CAP_PROTOCOL_41 && reader_left(&r) > sizeof "#HY000" - 1 - 1 && *r.p == '#') {
		read_u8(&r);
		memcpy(out->sqlstate, read_bytes(&r, sizeof out->sqlstate - 1).p, sizeof out->sqlstate - 1);
	}
	out->message = read_rest(&r);
	return !r.bad;
}

bool eof_parse(struct view payload, struct eof_packet *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct eof_packet){0};
	if (payload.len != EOF_SIZE || read_u8(&r) != HEADER_EOF)
		return false;
	out->warnings = read_u16(&r);
	out->status = read_u16(&r);
	return true;
}

/* Ends a packet whose fields were all written, or takes it back. */
static bool finish(struct buf *b, size_t begin, bool written, uint8_t *seq)
{
	if (written)
		return packet_end(b, begin, seq);
	if (begin != SIZE_MAX)
		b->end = b->start + begin;
	return false;
}

static bool keeps(const struct ok_filter *f, const struct tracker_entry *e)
{
	if (e->type >= 32 || !(f->keep & OK_KEEP(e->type)))
		return false;
	if (e->type != TRACK_SYSTEM_VARIABLES)
		return true;
	return f->keep_variable ? f->keep_variable(f->arg, e->name) : ok_variable_is_default(NULL, e->name);
}

/* The bytes of the block that the filter lets pass; 0 as well when the block is malformed. */
static size_t kept_size(struct view block, const struct ok_filter *f)
{
	struct tracker_iter it;
	struct tracker_entry e;
	size_t size = 0;
	tracker_begin(&it, block);
	while (tracker_next(&it, &e))
		if (keeps(f, &e))
			size += tracker_size(&e);
	return it.bad ? 0 : size;
}

static bool write_kept(struct buf *b, struct view block, const struct ok_filter *f)
{
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, block);
	while (tracker_next(&it, &e))
		if (keeps(f, &e) && !tracker_write(b, &e))
			return false;
	return true;
}

/* The fields of an OK; of the block what the filter keeps (no filter: all of it). */
static bool write_fields(struct buf *b, uint32_t caps, const struct ok_packet *ok, const struct ok_filter *f)
{
	size_t tracked = !(caps & CAP_SESSION_TRACK) ? 0 : f ? kept_size(ok->trackers, f) : ok->trackers.len;
	uint16_t status = ok->status & (uint16_t)~STATUS_SESSION_STATE_CHANGED;
	if (tracked)
		status |= STATUS_SESSION_STATE_CHANGED;
	if (!write_u8(b, ok->header) || !write_lenenc(b, ok->affected) || !write_lenenc(b, ok->insert_id) ||
	    !write_u16(b, status) || !write_u16(b, ok->warnings))
		return false;
	if ((ok->info.len || tracked) && !write_lenenc_str(b, ok->info))
		return false;
	if (!tracked)
		return true;
	return f ? write_lenenc(b, tracked) && write_kept(b, ok->trackers, f)
	         : write_lenenc_str(b, ok->trackers);
}

/* EOF and OK have status and warnings in opposite order. */
static bool write_plain_eof(struct buf *b, const struct ok_packet *ok)
{
	uint16_t status = ok->status & (uint16_t)~STATUS_SESSION_STATE_CHANGED;
	return write_u8(b, HEADER_EOF) && write_u16(b, ok->warnings) && write_u16(b, status);
}

static bool write_ok(struct buf *b, uint8_t *seq, uint32_t caps, const struct ok_packet *ok,
                     const struct ok_filter *f)
{
	bool plain = ok->header == HEADER_EOF && !(caps & CAP_DEPRECATE_EOF);
	size_t begin = packet_begin(b);
	bool written = begin != SIZE_MAX && (plain ? write_plain_eof(b, ok) : write_fields(b, caps, ok, f));
	return finish(b, begin, written, seq);
}

bool ok_write(struct buf *b, uint8_t *seq, uint32_t caps, const struct ok_packet *ok)
{
	return write_ok(b, seq, caps, ok, NULL);
}

bool eof_write(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t status, uint16_t warnings)
{
	struct ok_packet ok = {.header = HEADER_EOF, .status = status, .warnings = warnings};
	return write_ok(b, seq, caps, &ok, NULL);
}

/* The length without the half of a character that the cut may have left at the end. */
static size_t whole_characters(const char *s, size_t len)
{
	size_t start = len;
	while (start && len - start < 4 && ((uint8_t)s[start - 1] & 0xC0) == 0x80)
		start--;
	if (!start)
		return len;
	uint8_t lead = (uint8_t)s[start - 1];
	size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	return len - (start - 1) < want ? start - 1 : len;
}

bool err_write(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t code, const char *sqlstate,
               const char *format, ...)
{
	char message[ERR_MESSAGE];
	va_list args;
	va_start(args, format);
	int full = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	size_t len = full < 0 ? 0 : (size_t)full;
	if (len >= sizeof message)
		len = whole_characters(message, sizeof message - 1);

	size_t begin = packet_begin(b);
	bool written = begin != SIZE_MAX && write_u8(b, HEADER_ERR) && write_u16(b, code);
	if (written && caps & CAP_PROTOCOL_41) {
		char state[8];
		snprintf(state, sizeof state, "#%-5.5s", sqlstate);
		written = buf_append(b, state, 6);
	}
	return finish(b, begin, written && buf_append(b, message, len), seq);
}

bool ok_variable_is_default(void *unused, struct view name)
{
	static const char *const names[] = {"autocommit", "character_set_client", "character_set_connection",
	                                    "character_set_results", "time_zone"};
	(void)unused;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (view_equal(view_of(names[i]), name))
			return true;
	return false;
}

/* The OK in a whole packet (header included), or false. */
static bool open_packet(const uint8_t *packet, size_t n, uint32_t caps, struct ok_packet *ok)
{
	struct packet p;
	if (packet_next(packet, n, 0, &p) != PACKET_OK || p.size != n || p.continues)
		return false;
	return ok_parse(p.payload, caps, ok);
}

static bool passes(const struct ok_packet *ok, uint32_t backend_caps, const struct ok_filter *f)
{
	if (ok->header == HEADER_EOF && (backend_caps ^ f->client_caps) & CAP_DEPRECATE_EOF)
		return false;
	if (!(ok->status & STATUS_SESSION_STATE_CHANGED))
		return true;
	if (!(f->client_caps & CAP_SESSION_TRACK) || !ok->trackers.len)
		return false;
	struct tracker_iter it;
	struct tracker_entry e;
	tracker_begin(&it, ok->trackers);
	while (tracker_next(&it, &e))
		if (!keeps(f, &e))
			return false;
	return !it.bad;
}

bool ok_needs_rewrite(const uint8_t *packet, size_t n, uint32_t backend_caps, const struct ok_filter *filter)
{
	struct ok_packet ok;
	return !open_packet(packet, n, backend_caps, &ok) || !passes(&ok, backend_caps, filter);
}

bool ok_rewrite(struct buf *out, const uint8_t *packet, size_t n, uint32_t backend_caps,
                const struct ok_filter *filter)
{
	struct ok_packet ok;
	if (!open_packet(packet, n, backend_caps, &ok))
		return false;
	if (passes(&ok, backend_caps, filter))
		return buf_append(out, packet, n);
	uint8_t seq = packet[3];
	return write_ok(out, &seq, filter->client_caps, &ok, filter);
}
