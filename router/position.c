#include "router/position.h"

#include <stdio.h>

/* Numbers of one source that lie this near are joined to one range. On a primary every number below one that
 * was given out is in use or soon will be, so asking for those between costs nothing; only the blocks that
 * members of Group Replication take (a million numbers apart) must stay apart, or nobody would ever have what
 * lies between. */
#define NEAR          65535u
#define SOURCE_RANGES 4u

#define READ_TRIES 16

void position_init(struct position *p, enum flavor flavor)
{
	gtid_set_init(&p->seen, flavor);
	p->unknown = false;
}

void position_finish(struct position *p)
{
	gtid_set_finish(&p->seen);
	p->unknown = false;
}

bool position_is_free(const struct position *p)
{
	return !p->unknown && gtid_set_is_empty(&p->seen);
}

void position_note_unknown(struct position *p)
{
	p->unknown = true;
}

void position_note_set(struct position *p, const struct gtid_set *set)
{
	if (!gtid_set_is_empty(set))
		p->unknown = !gtid_set_union_closing(&p->seen, set, NEAR, SOURCE_RANGES);
}

static void note_text(struct position *p, enum flavor flavor, struct view text)
{
	struct gtid_set set;
	gtid_set_init(&set, flavor);
	if (gtid_set_parse(&set, text) == GTID_OK)
		position_note_set(p, &set);
	else
		p->unknown = true;
	gtid_set_finish(&set);
}

void position_note_mysql(struct position *p, struct view gtids)
{
	note_text(p, FLAVOR_MYSQL, gtids);
}

void position_note_mariadb(struct position *p, struct view last_gtid)
{
	note_text(p, FLAVOR_MARIADB, last_gtid);
}

void position_merge(struct position *p, const struct position *other)
{
	bool unknown = p->unknown || other->unknown;
	position_note_set(p, &other->seen);
	p->unknown |= unknown;
}

void position_clamp(struct position *p, const struct gtid_set *new_primary)
{
	if (!gtid_set_intersect(&p->seen, new_primary))
		p->unknown = true;
}

bool position_wait_sql(struct buf *out, const struct position *p, unsigned timeout_ms)
{
	if (p->unknown || gtid_set_is_empty(&p->seen))
		return false;
	bool mysql = p->seen.flavor == FLAVOR_MYSQL;
	struct view begin =
	    view_of(mysql ? "SELECT WAIT_FOR_EXECUTED_GTID_SET('" : "SELECT MASTER_GTID_WAIT('");
	if (mysql && !timeout_ms)
		timeout_ms = 1;
	char end[32];
	int n = snprintf(end, sizeof end, "',%u.%03u)", timeout_ms / 1000, timeout_ms % 1000);
	size_t len = buf_len(out);
	if (buf_append(out, begin.p, begin.len) && gtid_set_write(&p->seen, out) &&
	    buf_append(out, end, (size_t)n))
		return true;
	out->end = out->start + len;
	return false;
}

/*
 * --- the board ---
 *
 * Its words: the flavor, then for each source
 *	ranges | TAGGED,  hi,  lo,  [the tag in 4 words],  first, last, first, last, ...
 */
#define TAGGED    ((uint64_t)1 << 32)
#define TAG_WORDS (GTID_TAG_MAX / 8)

struct source {
	uint64_t hi, lo;
	uint64_t tag[TAG_WORDS];
	const uint64_t *ranges; /* pairs of first and last */
	unsigned n;
};

/* The ranges of the source that range i begins. */
static unsigned source_ranges(const struct gtid_set *set, unsigned i)
{
	struct gtid_row first = gtid_set_range(set, i);
	unsigned end = i + 1;
	for (; end < gtid_set_ranges(set); end++) {
		struct gtid_row row = gtid_set_range(set, end);
		if (row.range.hi != first.range.hi || row.range.lo != first.range.lo ||
		    memcmp(row.tag, first.tag, sizeof row.tag))
			break;
	}
	return end - i;
}

static void put(uint64_t *words, unsigned *used, uint64_t word)
{
	if (words)
		words[*used] = word;
	++*used;
}

/* Writes the set with at most the last `most` ranges of every source and gives the words that takes; with
 * words NULL it only counts. */
static unsigned encode(const struct gtid_set *set, unsigned most, uint64_t *words)
{
	unsigned used = 0;
	put(words, &used, (uint64_t)set->flavor);
	for (unsigned i = 0, n; i < gtid_set_ranges(set); i += n) {
		n = source_ranges(set, i);
		unsigned kept = n < most ? n : most;
		struct gtid_row row = gtid_set_range(set, i);
		put(words, &used, kept | (row.tag[0] ? TAGGED : 0));
		put(words, &used, row.range.hi);
		put(words, &used, row.range.lo);
		for (unsigned k = 0; row.tag[0] && k < TAG_WORDS; k++) {
			uint64_t word;
			memcpy(&word, row.tag + 8 * k, 8);
			put(words, &used, word);
		}
		for (unsigned k = i + n - kept; k < i + n; k++) {
			row = gtid_set_range(set, k);
			put(words, &used, row.range.first);
			put(words, &used, row.range.last);
		}
	}
	return used;
}

/* As many ranges a source as fit; 0: not even one each does. */
static unsigned most_that_fit(const struct gtid_set *set)
{
	unsigned fits = 0, too_many = POSITION_BOARD_WORDS;
	if (encode(set, too_many, NULL) <= POSITION_BOARD_WORDS)
		return too_many;
	while (too_many - fits > 1) {
		unsigned middle = (fits + too_many) / 2;
		if (encode(set, middle, NULL) <= POSITION_BOARD_WORDS)
			fits = middle;
		else
			too_many = middle;
	}
	return fits;
}

/* The source at words[*at], and *at moved behind it; false at the end. */
static bool decode(const uint64_t *words, unsigned used, unsigned *at, struct source *s)
{
	if (used - *at < 3)
		return false;
	const uint64_t *w = words + *at;
	unsigned tag = w[0] & TAGGED ? TAG_WORDS : 0;
	s->n = (uint32_t)w[0];
	s->hi = w[1];
	s->lo = w[2];
	memset(s->tag, 0, sizeof s->tag);
	memcpy(s->tag, w + 3, tag * sizeof *w);
	s->ranges = w + 3 + tag;
	*at += 3 + tag + 2 * s->n;
	return true;
}

/* The order of these stores and of board_copy's loads is what makes a torn read known: a reader that sees a
 * word of a newer set, by its acquire, also sees the counter that was made odd before it. (Fences would do as
 * well, but the thread sanitizer does not understand them; on x86 both are plain moves.) */
static void board_store(struct position_board *board, const uint64_t *words, unsigned used, uint64_t now_us)
{
	uint64_t sequence = atomic_load_explicit(&board->sequence, memory_order_relaxed);
	atomic_store_explicit(&board->sequence, sequence + 1, memory_order_relaxed);
	atomic_store_explicit(&board->updated_us, now_us, memory_order_release);
	atomic_store_explicit(&board->used, used, memory_order_release);
	for (unsigned i = 0; i < used; i++)
		atomic_store_explicit(&board->words[i], words[i], memory_order_release);
	atomic_store_explicit(&board->sequence, sequence + 2, memory_order_release);
}

static bool board_copy_once(const struct position_board *board, uint64_t *words, unsigned *used,
                            uint64_t *when_us)
{
	uint64_t sequence = atomic_load_explicit(&board->sequence, memory_order_acquire);
	uint64_t n = atomic_load_explicit(&board->used, memory_order_acquire);
	*when_us = atomic_load_explicit(&board->updated_us, memory_order_acquire);
	if (sequence & 1 || n > POSITION_BOARD_WORDS)
		return false;
	for (uint64_t i = 0; i < n; i++)
		words[i] = atomic_load_explicit(&board->words[i], memory_order_acquire);
	*used = (unsigned)n;
	return atomic_load_explicit(&board->sequence, memory_order_relaxed) == sequence;
}

/* False when nothing is known, or the writer was at it every time. */
static bool board_copy(const struct position_board *board, uint64_t *words, unsigned *used, uint64_t *when_us)
{
	for (int i = 0; i < READ_TRIES; i++)
		if (board_copy_once(board, words, used, when_us))
			return *used > 0;
	return false;
}

void position_board_publish(struct position_board *board, const struct gtid_set *applied, uint64_t now_us)
{
	uint64_t words[POSITION_BOARD_WORDS];
	unsigned most = most_that_fit(applied);
	board_store(board, words, most ? encode(applied, most, words) : 0, now_us);
}

void position_board_clear(struct position_board *board)
{
	board_store(board, NULL, 0, 0);
}

uint64_t position_board_updated_us(const struct position_board *board)
{
	return atomic_load_explicit(&board->updated_us, memory_order_relaxed);
}

static bool source_is_of(enum flavor flavor, const struct source *s, const struct gtid_row *row)
{
	if (flavor == FLAVOR_MARIADB)
		return s->hi == row->range.hi;
	return s->hi == row->range.hi && s->lo == row->range.lo && !memcmp(s->tag, row->tag, sizeof row->tag);
}

static bool source_has(enum flavor flavor, const struct source *s, const struct gtid_range *want)
{
	for (unsigned i = s->n; i-- > 0;) { /* sessions ask for the newest */
		uint64_t first = s->ranges[2 * i], last = s->ranges[2 * i + 1];
		if (first > want->first)
			continue;
		bool fork = flavor == FLAVOR_MARIADB && last == want->last && s->lo != want->lo;
		return last >= want->last && !fork;
	}
	return false;
}

static bool words_have(const uint64_t *words, unsigned used, const struct gtid_row *row)
{
	enum flavor flavor = (enum flavor)words[0];
	struct source s;
	for (unsigned at = 1; decode(words, used, &at, &s);)
		if (source_is_of(flavor, &s, row))
			return source_has(flavor, &s, &row->range);
	return false;
}

bool position_board_reached(const struct position_board *board, const struct position *p)
{
	if (p->unknown || gtid_set_is_empty(&p->seen))
		return !p->unknown;
	uint64_t words[POSITION_BOARD_WORDS], when_us;
	unsigned used;
	if (!board_copy(board, words, &used, &when_us) || words[0] != (uint64_t)p->seen.flavor)
		return false;
	for (unsigned i = 0; i < gtid_set_ranges(&p->seen); i++) {
		struct gtid_row row = gtid_set_range(&p->seen, i);
		if (!words_have(words, used, &row))
			return false;
	}
	return true;
}

bool position_board_read(const struct position_board *board, struct gtid_set *out, uint64_t *when_us)
{
	uint64_t words[POSITION_BOARD_WORDS], when;
	unsigned used, n = 0;
	if (!board_copy(board, words, &used, &when))
		return false;
	struct gtid_row rows[POSITION_BOARD_WORDS / 2];
	struct source s;
	for (unsigned at = 1; decode(words, used, &at, &s);)
		for (unsigned i = 0; i < s.n; i++) {
			rows[n].range = (struct gtid_range){s.hi, s.lo, s.ranges[2 * i], s.ranges[2 * i + 1]};
			memcpy(rows[n++].tag, s.tag, sizeof s.tag);
		}
	if (when_us)
		*when_us = when;
	return gtid_set_assign(out, (enum flavor)words[0], rows, n);
}
