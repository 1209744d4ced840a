#include "router/gtid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FEW       8u
#define UUID_TEXT 36

/* A set's ranges to read, wherever they lie. */
struct rows {
	const struct gtid_row *p;
	unsigned n;
	struct gtid_row one;
};

static struct rows *rows_of(const struct gtid_set *s, struct rows *r)
{
	r->n = s->n;
	r->p = s->rows;
	if (!s->cap) {
		r->one = (struct gtid_row){.range = s->one};
		r->p = &r->one;
	}
	return r;
}

/* Ranges being collected: the result of every operation is built here and then stored, so that a set is never
 * left half changed. */
struct build {
	enum flavor flavor;
	unsigned n, cap;
	struct gtid_row *p;
	struct gtid_row few[FEW];
};

static void build_init(struct build *b, enum flavor flavor)
{
	b->flavor = flavor;
	b->n = 0;
	b->cap = FEW;
	b->p = b->few;
}

static void build_finish(struct build *b)
{
	if (b->p != b->few)
		free(b->p);
}

static bool build_grow(struct build *b)
{
	struct gtid_row *grown = malloc(sizeof *grown * b->cap * 2);
	if (!grown)
		return false;
	memcpy(grown, b->p, sizeof *grown * b->n);
	build_finish(b);
	b->p = grown;
	b->cap *= 2;
	return true;
}

static bool add(struct build *b, const struct gtid_row *row)
{
	if (b->n == GTID_RANGES_MAX || (b->n == b->cap && !build_grow(b)))
		return false;
	b->p[b->n++] = *row;
	return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_sources(enum flavor flavor, const struct gtid_row *a, const struct gtid_row *b)
{
	int c = compare_numbers(a->range.hi, b->range.hi);
	if (c || flavor == FLAVOR_MARIADB)
		return c;
	c = compare_numbers(a->range.lo, b->range.lo);
	return c ? c : memcmp(a->tag, b->tag, GTID_TAG_MAX);
}

static int compare_mysql(const void *a, const void *b)
{
	const struct gtid_row *x = a, *y = b;
	int c = compare_sources(FLAVOR_MYSQL, x, y);
	return c ? c : compare_numbers(x->range.first, y->range.first);
}

static int compare_mariadb(const void *a, const void *b)
{
	const struct gtid_row *x = a, *y = b;
	int c = compare_sources(FLAVOR_MARIADB, x, y);
	c = c ? c : compare_numbers(x->range.last, y->range.last);
	return c ? c : compare_numbers(x->range.lo, y->range.lo);
}

/* Puts a row, which sorts after rows[0..n), at their end or into the last of them; the new n. */
static unsigned join(enum flavor flavor, struct gtid_row *rows, unsigned n, const struct gtid_row *row,
                     uint64_t gap)
{
	struct gtid_range *end = n ? &rows[n - 1].range : NULL;
	if (!n || compare_sources(flavor, &rows[n - 1], row) ||
	    (row->range.first > end->last && row->range.first - end->last - 1 > gap)) {
		rows[n] = *row;
		return n + 1;
	}
	if (row->range.last >= end->last) {
		end->last = row->range.last;
		end->lo = row->range.lo; /* MariaDB: the server that made it; MySQL: the same anyway */
	}
	return n;
}

static unsigned join_all(enum flavor flavor, struct gtid_row *rows, unsigned n, uint64_t gap)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < n; i++)
		kept = join(flavor, rows, kept, &rows[i], gap);
	return kept;
}

static void sort(struct build *b)
{
	int (*compare)(const void *, const void *) =
	    b->flavor == FLAVOR_MYSQL ? compare_mysql : compare_mariadb;
	unsigned i = 1;
	while (i < b->n && compare(&b->p[i - 1], &b->p[i]) <= 0)
		i++;
	if (i < b->n) /* servers send them sorted */
		qsort(b->p, b->n, sizeof *b->p, compare);
	b->n = join_all(b->flavor, b->p, b->n, 0);
}

/* Makes the set what was built, and ends the build. */
static bool store(struct gtid_set *s, struct build *b)
{
	static const char untagged[GTID_TAG_MAX];
	bool alone = b->n <= 1 && (!b->n || !memcmp(b->p->tag, untagged, GTID_TAG_MAX));
	if (!alone && (s->cap < b->n || s->cap / 4 > b->n)) {
		struct gtid_row *rows = malloc(sizeof *rows * b->n);
		if (!rows) {
			build_finish(b);
			return false;
		}
		gtid_set_finish(s);
		s->rows = rows;
		s->cap = b->n;
	}
	if (alone) {
		gtid_set_finish(s);
		if (b->n)
			s->one = b->p->range;
	} else {
		memcpy(s->rows, b->p, sizeof *b->p * b->n);
	}
	s->flavor = b->flavor;
	s->n = b->n;
	build_finish(b);
	return true;
}

static bool give_up(struct build *b)
{
	build_finish(b);
	return false;
}

void gtid_set_init(struct gtid_set *s, enum flavor flavor)
{
	*s = (struct gtid_set){.flavor = flavor};
}

void gtid_set_finish(struct gtid_set *s)
{
	if (s->cap)
		free(s->rows);
	gtid_set_init(s, s->flavor);
}

/* --- text --- */

struct text {
	const uint8_t *p, *end;
};

static void skip_space(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || (*t->p >= '\t' && *t->p <= '\r')))
		t->p++;
}

static bool is_at(struct text *t, char c)
{
	skip_space(t);
	return t->p < t->end && *t->p == (uint8_t)c;
}

static bool took(struct text *t, char c)
{
	if (!is_at(t, c))
		return false;
	t->p++;
	return true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(struct text *t, uint64_t max, uint64_t *out)
{
	skip_space(t);
	uint64_t v = 0;
	const uint8_t *begin = t->p;
	for (; t->p < t->end && is_digit(*t->p); t->p++) {
		uint64_t digit = *t->p - (uint64_t)'0';
		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return t->p > begin;
}

static int hex_digit(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_uuid(struct text *t, struct gtid_range *r)
{
	if (t->end - t->p < UUID_TEXT)
		return false;
	unsigned digits = 0;
	for (int i = 0; i < UUID_TEXT; i++) {
		uint8_t c = t->p[i];
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return false;
			continue;
		}
		int v = hex_digit(c);
		if (v < 0)
			return false;
		uint64_t *half = digits++ < 16 ? &r->hi : &r->lo;
		*half = *half << 4 | (uint64_t)v;
	}
	t->p += UUID_TEXT;
	return true;
}

/* A tag begins with a letter or an underscore, which is how it is told from a number. */
static bool take_tag(struct text *t, char tag[GTID_TAG_MAX])
{
	unsigned n = 0;
	memset(tag, 0, GTID_TAG_MAX);
	for (; t->p < t->end; t->p++) {
		uint8_t c = *t->p;
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (!(c == '_' || (c >= 'a' && c <= 'z') || (n && is_digit(c))))
			break;
		if (n == GTID_TAG_MAX)
			return false;
		tag[n++] = (char)c;
	}
	return n > 0;
}

static bool take_interval(struct text *t, struct gtid_range *r)
{
	if (!take_number(t, GTID_NUMBER_MAX, &r->first) || !r->first)
		return false;
	r->last = r->first;
	return !took(t, '-') || (take_number(t, GTID_NUMBER_MAX, &r->last) && r->last >= r->first);
}

/* uuid[:tag]:interval[:interval|:tag:interval]... */
static bool take_source(struct text *t, struct build *b)
{
	struct gtid_row row = {0};
	if (!take_uuid(t, &row.range))
		return false;
	bool complete = false;
	while (took(t, ':')) {
		skip_space(t);
		complete = t->p < t->end && is_digit(*t->p);
		if (complete ? !take_interval(t, &row.range) || !add(b, &row) : !take_tag(t, row.tag))
			return false;
	}
	return complete;
}

/* domain-server-number */
static bool take_domain(struct text *t, struct build *b)
{
	struct gtid_row row = {.range = {.first = 1}};
	if (!take_number(t, UINT32_MAX, &row.range.hi) || !took(t, '-') ||
	    !take_number(t, UINT32_MAX, &row.range.lo) || !took(t, '-') ||
	    !take_number(t, GTID_NUMBER_MAX, &row.range.last))
		return false;
	return !row.range.last || add(b, &row);
}

enum gtid_result gtid_set_parse(struct gtid_set *s, struct view text)
{
	struct text t = {text.p, text.len ? text.p + text.len : text.p};
	struct build b;
	build_init(&b, s->flavor);
	for (skip_space(&t); t.p < t.end; skip_space(&t)) {
		if (took(&t, ','))
			continue;
		if (!(s->flavor == FLAVOR_MYSQL ? take_source(&t, &b) : take_domain(&t, &b)))
			goto bad;
		skip_space(&t);
		if (t.p < t.end && *t.p != ',')
			goto bad;
	}
	sort(&b);
	return store(s, &b) ? GTID_OK : GTID_BAD;
bad:
	build_finish(&b);
	return GTID_BAD;
}

static int write_uuid(char *to, size_t room, const struct gtid_range *r)
{
	return snprintf(to, room, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
	                r->hi >> 32, r->hi >> 16 & 0xFFFF, r->hi & 0xFFFF, r->lo >> 48,
	                r->lo & 0xFFFFFFFFFFFF);
}

/* A range, with as much before it as tells it from the one before. */
static bool write_mysql(struct buf *out, const struct gtid_row *row, const struct gtid_row *before)
{
	char text[160];
	int n = 0, room = sizeof text;
	const struct gtid_range *r = &row->range;
	bool same = before && before->range.hi == r->hi && before->range.lo == r->lo;
	if (!same) {
		if (before)
			text[n++] = ',';
		n += write_uuid(text + n, (size_t)(room - n), r);
	}
	if (row->tag[0] && (!same || memcmp(before->tag, row->tag, GTID_TAG_MAX)))
		n += snprintf(text + n, (size_t)(room - n), ":%.*s", GTID_TAG_MAX, row->tag);
	n += snprintf(text + n, (size_t)(room - n), ":%" PRIu64, r->first);
	if (r->last != r->first)
		n += snprintf(text + n, (size_t)(room - n), "-%" PRIu64, r->last);
	assert(n < room);
	return buf_append(out, text, (size_t)n);
}

static bool write_mariadb(struct buf *out, const struct gtid_row *row, const struct gtid_row *before)
{
	char text[80];
	int n = snprintf(text, sizeof text, "%s%" PRIu64 "-%" PRIu64 "-%" PRIu64, before ? "," : "",
	                 row->range.hi, row->range.lo, row->range.last);
	return buf_append(out, text, (size_t)n);
}

bool gtid_set_write(const struct gtid_set *s, struct buf *out)
{
	struct rows r;
	rows_of(s, &r);
	size_t len = buf_len(out);
	for (unsigned i = 0; i < r.n; i++) {
		const struct gtid_row *before = i ? &r.p[i - 1] : NULL;
		if (!(s->flavor == FLAVOR_MYSQL ? write_mysql : write_mariadb)(out, &r.p[i], before)) {
			out->end = out->start + len;
			return false;
		}
	}
	return true;
}

/* --- questions --- */

bool gtid_set_is_empty(const struct gtid_set *s)
{
	return !s->n;
}

unsigned gtid_set_ranges(const struct gtid_set *s)
{
	return s->n;
}

struct gtid_row gtid_set_range(const struct gtid_set *s, unsigned i)
{
	assert(i < s->n);
	return s->cap ? s->rows[i] : (struct gtid_row){.range = s->one};
}

bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b)
{
	struct rows x, y;
	if (a->n != b->n || (a->n && a->flavor != b->flavor))
		return false;
	return !a->n || !memcmp(rows_of(a, &x)->p, rows_of(b, &y)->p, sizeof(struct gtid_row) * a->n);
}

bool gtid_set_contains(const struct gtid_set *a, const struct gtid_set *b)
{
	struct rows x, y;
	if (!b->n || a->flavor != b->flavor)
		return !b->n;
	rows_of(a, &x);
	rows_of(b, &y);
	unsigned i = 0;
	for (unsigned j = 0; j < y.n; j++) {
		const struct gtid_range *want = &y.p[j].range;
		int c = -1;
		for (; i < x.n; i++) {
			c = compare_sources(a->flavor, &x.p[i], &y.p[j]);
			if (c > 0 || (!c && x.p[i].range.last >= want->last))
				break;
		}
		if (i == x.n || c || x.p[i].range.first > want->first)
			return false;
		if (a->flavor == FLAVOR_MARIADB && x.p[i].range.last == want->last &&
		    x.p[i].range.lo != want->lo)
			return false;
	}
	return true;
}

bool gtid_set_forked(const struct gtid_set *a, const struct gtid_set *b)
{
	struct rows x, y;
	if (a->flavor != FLAVOR_MARIADB || b->flavor != FLAVOR_MARIADB)
		return false;
	rows_of(a, &x);
	rows_of(b, &y);
	for (unsigned i = 0, j = 0; i < x.n && j < y.n;) {
		const struct gtid_range *p = &x.p[i].range, *q = &y.p[j].range;
		if (p->hi == q->hi && p->last == q->last && p->lo != q->lo)
			return true;
		if (p->hi <= q->hi)
			i++;
		else
			j++;
	}
	return false;
}

/* --- changes --- */

bool gtid_set_copy(struct gtid_set *a, const struct gtid_set *b)
{
	if (a == b)
		return true;
	struct rows r;
	struct build out;
	build_init(&out, b->flavor);
	rows_of(b, &r);
	for (unsigned i = 0; i < r.n; i++)
		if (!add(&out, &r.p[i]))
			return give_up(&out);
	return store(a, &out);
}

/* Closes gaps within each source; see gtid_set_union_closing(). */
static void close_gaps(struct build *b, uint64_t gap, unsigned most)
{
	unsigned kept = 0;
	for (unsigned i = 0, end; i < b->n; i = end) {
		for (end = i + 1; end < b->n && !compare_sources(b->flavor, &b->p[i], &b->p[end]);)
			end++;
		unsigned n = join_all(b->flavor, b->p + i, end - i, gap);
		for (uint64_t wider = gap; most && n > most;) {
			wider = wider > GTID_NUMBER_MAX ? UINT64_MAX : wider * 2 + 1;
			n = join_all(b->flavor, b->p + i, n, wider);
		}
		memmove(b->p + kept, b->p + i, sizeof *b->p * n);
		kept += n;
	}
	b->n = kept;
}

/* Both lists in order into one, joined where they touch. */
static bool merge(struct build *out, const struct rows *x, const struct rows *y)
{
	unsigned i = 0, j = 0;
	while (i < x->n || j < y->n) {
		int c = i == x->n ? 1 : j == y->n ? -1 : compare_sources(out->flavor, &x->p[i], &y->p[j]);
		if (!c)
			c = compare_numbers(x->p[i].range.first, y->p[j].range.first);
		const struct gtid_row *row = c <= 0 ? &x->p[i++] : &y->p[j++];
		if (out->n == out->cap && !build_grow(out))
			return false;
		out->n = join(out->flavor, out->p, out->n, row, 0);
	}
	return true;
}

static bool unite(struct gtid_set *a, const struct gtid_set *b, bool closing, uint64_t gap, unsigned most)
{
	if (!b->n)
		return true;
	if (a->n && a->flavor != b->flavor)
		return false;
	struct rows x, y;
	struct build out;
	build_init(&out, b->flavor);
	if (!merge(&out, rows_of(a, &x), rows_of(b, &y)))
		return give_up(&out);
	if (closing)
		close_gaps(&out, gap, most);
	return out.n <= GTID_RANGES_MAX ? store(a, &out) : give_up(&out);
}

bool gtid_set_union(struct gtid_set *a, const struct gtid_set *b)
{
	return unite(a, b, false, 0, 0);
}

bool gtid_set_union_closing(struct gtid_set *a, const struct gtid_set *b, uint64_t gap, unsigned most)
{
	return unite(a, b, true, gap, most);
}

/* Adds what is left of a row without the ranges of y from *j on; *j moves past those that end before the row.
 */
static bool add_rest(struct build *out, struct gtid_row row, const struct rows *y, unsigned *j)
{
	uint64_t last = row.range.last;
	for (int c; *j < y->n; ++*j) {
		c = compare_sources(out->flavor, &y->p[*j], &row);
		if (c > 0 || (!c && y->p[*j].range.last >= row.range.first))
			break;
	}
	for (unsigned k = *j; k < y->n && !compare_sources(out->flavor, &y->p[k], &row); k++) {
		const struct gtid_range *cut = &y->p[k].range;
		if (cut->first > last)
			break;
		if (cut->first > row.range.first) {
			row.range.last = cut->first - 1;
			if (!add(out, &row))
				return false;
		}
		row.range.first = cut->last + 1;
		row.range.last = last;
		if (row.range.first > last)
			return true;
	}
	return add(out, &row);
}

/* MariaDB: a domain is reached or it is not; there are no holes to keep. */
static bool is_reached(const struct gtid_row *row, const struct rows *y)
{
	for (unsigned j = 0; j < y->n; j++) {
		const struct gtid_range *r = &y->p[j].range;
		if (r->hi == row->range.hi)
			return r->last > row->range.last ||
			       (r->last == row->range.last && r->lo == row->range.lo);
	}
	return false;
}

bool gtid_set_subtract(struct gtid_set *a, const struct gtid_set *b)
{
	if (!a->n || !b->n)
		return true;
	if (a->flavor != b->flavor)
		return false;
	struct rows x, y;
	struct build out;
	build_init(&out, a->flavor);
	rows_of(a, &x);
	rows_of(b, &y);
	for (unsigned i = 0, j = 0; i < x.n; i++) {
		bool done = a->flavor == FLAVOR_MYSQL ? add_rest(&out, x.p[i], &y, &j)
		                                      : is_reached(&x.p[i], &y) || add(&out, &x.p[i]);
		if (!done)
			return give_up(&out);
	}
	return store(a, &out);
}

bool gtid_set_intersect(struct gtid_set *a, const struct gtid_set *b)
{
	if (a->n && b->n && a->flavor != b->flavor)
		return false;
	struct rows x, y;
	struct build out;
	build_init(&out, a->flavor);
	rows_of(a, &x);
	rows_of(b, &y);
	for (unsigned i = 0, j = 0; i < x.n && j < y.n;) {
		const struct gtid_row *p = &x.p[i], *q = &y.p[j];
		int c = compare_sources(a->flavor, p, q);
		if (!c) {
			struct gtid_row both = p->range.last <= q->range.last ? *p : *q;
			c = p->range.last <= q->range.last ? -1 : 1;
			if (both.range.first < p->range.first)
				both.range.first = p->range.first;
			if (both.range.first < q->range.first)
				both.range.first = q->range.first;
			if (both.range.first <= both.range.last && !add(&out, &both))
				return give_up(&out);
		}
		if (c < 0)
			i++;
		else
			j++;
	}
	return store(a, &out);
}

bool gtid_set_keep_source(struct gtid_set *s, uint64_t hi, uint64_t lo)
{
	struct rows x;
	struct build out;
	build_init(&out, s->flavor);
	rows_of(s, &x);
	for (unsigned i = 0; i < x.n; i++)
		if (x.p[i].range.hi == hi && x.p[i].range.lo == lo && !add(&out, &x.p[i]))
			return give_up(&out);
	return store(s, &out);
}

bool gtid_set_assign(struct gtid_set *s, enum flavor flavor, struct gtid_row *rows, unsigned n)
{
	struct build out;
	build_init(&out, flavor);
	for (unsigned i = 0; i < n; i++) {
		struct gtid_range *r = &rows[i].range;
		if (flavor == FLAVOR_MARIADB)
			r->first = 1;
		if (!r->first || r->first > r->last || r->last > GTID_NUMBER_MAX || !add(&out, &rows[i]))
			return give_up(&out);
	}
	sort(&out);
	return store(s, &out);
}
