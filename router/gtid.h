/*
 * Sets of global transaction ids, of both flavors, in one shape.
 *
 * MySQL: intervals of numbers for each source, where a source is a server's UUID with an optional tag
 * ("uuid:1-5:7:blue:1-3,other:1"). MariaDB: for each domain the highest sequence number, and the server that made it
 * ("0-1-100,5-2-7"); reaching number n of a domain means having everything up to n.
 *
 * A set is a sorted list of disjoint ranges. A set of one untagged range, which is what nearly every session holds,
 * lies within the struct and allocates nothing; others hold their ranges in a heap array. A set that was zeroed is
 * an empty set of MySQL's flavor. One thread at a time; sets are copied with gtid_set_copy(), never by assignment
 * (moving one is assignment, after which the old one is forgotten).
 */
#ifndef WYE_ROUTER_GTID_H
#define WYE_ROUTER_GTID_H

#include "protocol/wire.h"
#include "router/flavor.h"

#define GTID_TAG_MAX 32
#define GTID_NUMBER_MAX INT64_MAX /* the servers' numbers end here */
#define GTID_RANGES_MAX 4096u     /* ranges of one set; a text with more is refused */

enum gtid_result { GTID_OK, GTID_BAD };

struct gtid_range {
	uint64_t hi, lo;      /* MySQL: the UUID's halves. MariaDB: the domain, and the server that made `last` */
	uint64_t first, last; /* inclusive; MariaDB: first is 1 */
};

struct gtid_row {
	struct gtid_range range;
	char tag[GTID_TAG_MAX]; /* lower case, filled up with NULs; all NULs: no tag */
};

struct gtid_set {
	enum flavor flavor;
	/* Private. */
	uint32_t n;   /* ranges */
	uint32_t cap; /* room in `rows`; 0: the range, if any, is `one` */
	union {
		struct gtid_range one;
		struct gtid_row *rows;
	};
};
_Static_assert(sizeof(struct gtid_set) <= 64, "every session holds one");

void gtid_set_init(struct gtid_set *s, enum flavor flavor);
void gtid_set_finish(struct gtid_set *s); /* leaves an empty set of the same flavor */

/* Replaces *s, which must be initialised, by what the text says. White space around the parts and empty parts between
 * commas are accepted, as the servers do. BAD leaves *s as it was. */
enum gtid_result gtid_set_parse(struct gtid_set *s, struct view text) __attribute__((warn_unused_result));

/* Appends the text a server understands, in one line: "uuid:1-5:7:blue:1,..." or "0-1-100,...". False, and nothing
 * added, when the buf is full. */
bool gtid_set_write(const struct gtid_set *s, struct buf *out) __attribute__((warn_unused_result));

bool gtid_set_is_empty(const struct gtid_set *s);
bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b);

/* Everything in b is in a. MariaDB: every domain of b is known to a up to the same number or further; the same number
 * made by another server is a fork, and not contained. Sets of two flavors: only an empty b is contained. */
bool gtid_set_contains(const struct gtid_set *a, const struct gtid_set *b);

/* MariaDB: both hold the same number of one domain, made by different servers: the histories have forked. */
bool gtid_set_forked(const struct gtid_set *a, const struct gtid_set *b);

/* These change a in place. False, and a unchanged, without memory, above GTID_RANGES_MAX, or when the flavors differ
 * (an empty a takes b's flavor). Union of a fork keeps b's server. */
bool gtid_set_copy(struct gtid_set *a, const struct gtid_set *b) __attribute__((warn_unused_result));
bool gtid_set_union(struct gtid_set *a, const struct gtid_set *b) __attribute__((warn_unused_result));

/* What a holds and b lacks, and what both hold. MariaDB: subtract keeps the domains of a that go beyond b, with a's
 * number; intersect keeps the lower number of each domain both have. */
bool gtid_set_subtract(struct gtid_set *a, const struct gtid_set *b) __attribute__((warn_unused_result));
bool gtid_set_intersect(struct gtid_set *a, const struct gtid_set *b) __attribute__((warn_unused_result));

/* MySQL: only what this server, by the halves of its UUID, has made, with whatever tag. */
bool gtid_set_keep_source(struct gtid_set *s, uint64_t hi, uint64_t lo) __attribute__((warn_unused_result));

/* Union that also closes the gaps of at most `gap` missing numbers within a source, and then the smallest gaps left
 * until no source has more than `most` ranges (0: any number). The result is a superset of the union: right for
 * "what must have been applied", wrong for "what has been applied". */
bool gtid_set_union_closing(struct gtid_set *a, const struct gtid_set *b, uint64_t gap, unsigned most)
	__attribute__((warn_unused_result));

/* Range i of the sorted list, 0 <= i < gtid_set_ranges(). Ranges of one source follow each other. */
unsigned gtid_set_ranges(const struct gtid_set *s);
struct gtid_row gtid_set_range(const struct gtid_set *s, unsigned i);

/* Replaces *s by these ranges, in any order, overlapping or not. Same failures as above. */
bool gtid_set_assign(struct gtid_set *s, enum flavor flavor, struct gtid_row *rows, unsigned n)
	__attribute__((warn_unused_result));

#endif
