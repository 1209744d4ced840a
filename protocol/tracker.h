/*
 * Reading the session-state block of an OK packet: what the server says it changed.
 *
 * The iterator gives one thing at a time, also where an entry holds several (system variables), so that every form the
 * servers write is one loop for the reader:
 *
 *	tracker_begin(&it, ok.trackers);
 *	while (tracker_next(&it, &entry)) ...
 *	if (it.bad) ...        the block was malformed: what came before is still right
 *
 * Views point into the block.
 */
#ifndef WYE_PROTOCOL_TRACKER_H
#define WYE_PROTOCOL_TRACKER_H

#include "protocol/constants.h"
#include "protocol/wire.h"

struct tracker_entry {
	uint8_t type;      /* TRACK_*; others may come from servers not born yet */
	struct view name;  /* of a system variable; else empty */
	struct view value; /* TRACK_SYSTEM_VARIABLES  its value
			    * TRACK_SCHEMA            the default schema; empty: none any more
			    * TRACK_STATE_CHANGE      "1": something changed (also what no other type tells)
			    * TRACK_GTIDS             the text of the GTIDs, as the server writes them
			    * TRACK_TRX_CHARACTERISTICS  SQL that begins such a transaction; may be empty
			    * TRACK_TRX_STATE         eight letters, see tracker_trx
			    * others                  the entry as it is */
};

struct tracker_iter {
	struct reader block;     /* entries still to come */
	struct reader variables; /* pairs still to come of the current entry */
	bool bad;
};

/* The places of the letters of TRACK_TRX_STATE; each is the letter given or '_'. */
enum {
	TRACKER_TRX_OPEN = 0,          /* T explicit, I implicit */
	TRACKER_TRX_READ_UNSAFE = 1,   /* r: read from non-transactional tables */
	TRACKER_TRX_READ = 2,          /* R */
	TRACKER_TRX_WRITE_UNSAFE = 3,  /* w: wrote to non-transactional tables */
	TRACKER_TRX_WRITE = 4,         /* W */
	TRACKER_TRX_STMT_UNSAFE = 5,   /* s: a statement that cannot be repeated elsewhere */
	TRACKER_TRX_RESULT_SENT = 6,   /* S */
	TRACKER_TRX_LOCKED_TABLES = 7, /* L */
	TRACKER_TRX_LETTERS = 8
};

void tracker_begin(struct tracker_iter *it, struct view block);

/* False at the end, and at the first malformed entry (bad is then set). */
bool tracker_next(struct tracker_iter *it, struct tracker_entry *entry);

/* Appends one entry in the form the servers write it (a variable is an entry of its own). */
bool tracker_write(struct buf *b, const struct tracker_entry *entry) __attribute__((warn_unused_result));

/* The number of bytes tracker_write() would append. */
size_t tracker_size(const struct tracker_entry *entry);

#endif
