/*
 * The packets that end things: OK, ERR and EOF, read, written, and made fit for another client.
 *
 * Payloads are without the packet's header, and whole (none of them may continue in a second packet). Views point into
 * the payload. Writers append whole packets and move *seq on; they return false, with nothing added, when the buf is full.
 */
#ifndef WYE_PROTOCOL_OK_H
#define WYE_PROTOCOL_OK_H

#include "protocol/constants.h"
#include "protocol/wire.h"

struct ok_packet {
	uint64_t affected, insert_id;
	uint16_t status, warnings;
	uint8_t header;       /* HEADER_OK (0), or HEADER_EOF for the form that ends rows */
	struct view info;     /* text for people; may be empty */
	struct view trackers; /* session-state block (tracker.h); empty unless STATUS_SESSION_STATE_CHANGED is set */
};

struct err_packet {
	uint16_t code;
	char sqlstate[6]; /* "HY000" when the packet has none */
	struct view message;
};

struct eof_packet {
	uint16_t status, warnings;
};

/* Both headers, 00 and FE; false when it is not such a packet. */
bool ok_parse(struct view payload, uint32_t caps, struct ok_packet *out) __attribute__((warn_unused_result));

/* Where the status stands in a whole packet that is one of those, header included (the warnings follow it); `size` when it
 * is none. */
size_t ok_status_at(const uint8_t *packet, size_t size);

/* Without CAP_PROTOCOL_41 in caps (before the login: 0) the message begins right behind the code. */
bool err_parse(struct view payload, uint32_t caps, struct err_packet *out) __attribute__((warn_unused_result));

/* The five bytes of a plain EOF, nothing else. */
bool eof_parse(struct view payload, struct eof_packet *out) __attribute__((warn_unused_result));

/* Trackers go out only to a client that has CAP_SESSION_TRACK; their status bit follows them. With header FE and no
 * CAP_DEPRECATE_EOF it is written as the plain EOF it stands for. */
bool ok_write(struct buf *b, uint8_t *seq, uint32_t caps, const struct ok_packet *ok)
	__attribute__((warn_unused_result));

/* The message is printf's, cut at 511 bytes (between characters) as the servers do. caps 0: before the login. */
bool err_write(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t code, const char *sqlstate, const char *format,
	       ...) __attribute__((warn_unused_result, format(printf, 6, 7)));

/* Ends rows: a plain EOF, or OK with header FE under CAP_DEPRECATE_EOF. The EOF between definitions and rows is the
 * same packet, but is not sent at all under CAP_DEPRECATE_EOF: that is the caller's to know. */
bool eof_write(struct buf *b, uint8_t *seq, uint32_t caps, uint16_t status, uint16_t warnings)
	__attribute__((warn_unused_result));

/* What of the trackers a client may see: a backend has been told to track more than the client asked for. */
struct ok_filter {
	uint32_t client_caps;
	unsigned keep; /* OK_KEEP(TRACK_...) of each type that may pass */
	bool (*keep_variable)(void *arg, struct view name); /* NULL: those that servers track by default */
	void *arg;
};

#define OK_KEEP(type) (1u << (type))
#define OK_KEEP_DEFAULT (OK_KEEP(TRACK_SYSTEM_VARIABLES) | OK_KEEP(TRACK_SCHEMA)) /* what servers track by default */

/* The variables in the default of session_track_system_variables, without redirect_url, which would lead the client
 * around us. */
bool ok_variable_is_default(void *unused, struct view name);

/* One OK packet (header 00 or FE, n bytes with its packet header) can be passed on as it is. Cheap: an OK without
 * trackers is answered from its first bytes, one with them by a walk over the block. Anything that is no whole,
 * well-formed OK needs a rewrite (which refuses it). */
bool ok_needs_rewrite(const uint8_t *packet, size_t n, uint32_t backend_caps, const struct ok_filter *filter);

/* Appends the packet as the client is to see it: without the trackers the filter drops, without the block and its
 * status bit when nothing is left of it or the client has no CAP_SESSION_TRACK; a packet that ends rows takes the form
 * the client knows. The number stays. What needs no rewrite is copied byte by byte. False when it is not an OK packet or
 * the buf is full. */
bool ok_rewrite(struct buf *out, const uint8_t *packet, size_t n, uint32_t backend_caps,
		const struct ok_filter *filter) __attribute__((warn_unused_result));

#endif
