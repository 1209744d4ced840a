#include "proxy/failover/errants.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/buf.h"
#include "router/gtid.h"

#define STATES_MAX 512u /* servers that ever wrote, in all domains */
#define TEXT_MAX (1u << 20)

/* ---- MySQL ---- */

static int64_t count_of(const struct gtid_set *s)
{
	int64_t n = 0;
	for (unsigned i = 0; i < gtid_set_ranges(s); i++) {
		struct gtid_row row = gtid_set_range(s, i);
		n += (int64_t)(row.range.last - row.range.first + 1);
	}
	return n;
}

static void write_set(const struct gtid_set *s, char *text, size_t size)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	if (gtid_set_write(s, &b)) {
		size_t n = buf_len(&b) < size - 1 ? buf_len(&b) : size - 1;
		if (n)
			memcpy(text, buf_data(&b), n);
		text[n] = '\0';
	}
	buf_finish(&b);
}

static bool parse_both(struct gtid_set *x, struct gtid_set *y, const struct history *a, const struct history *b)
{
	gtid_set_init(x, FLAVOR_MYSQL);
	gtid_set_init(y, FLAVOR_MYSQL);
	return gtid_set_parse(x, view_of(a->executed)) == GTID_OK && gtid_set_parse(y, view_of(b->executed)) == GTID_OK;
}

static int64_t mysql_between(const struct history *a, const struct history *b, char *text, size_t size)
{
	struct gtid_set x, y;
	int64_t n = -1;
	if (parse_both(&x, &y, a, b) && gtid_set_subtract(&x, &y)) {
		n = count_of(&x);
		write_set(&x, text, size);
	}
	gtid_set_finish(&x);
	gtid_set_finish(&y);
	return n;
}

static bool mysql_akin(const struct history *a, const struct history *b)
{
	struct gtid_set x, y;
	bool akin = parse_both(&x, &y, a, b) && gtid_set_intersect(&x, &y) && !gtid_set_is_empty(&x);
	gtid_set_finish(&x);
	gtid_set_finish(&y);
	return akin;
}

/* ---- MariaDB ---- */

struct last {
	uint32_t domain, server;
	uint64_t number;
};

struct lasts {
	unsigned n;
	struct last all[STATES_MAX];
};

static const struct last *find(const struct lasts *l, uint32_t domain, uint32_t server)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->all[i].domain == domain && l->all[i].server == server)
			return &l->all[i];
	return NULL;
}

/* Adds "d-s-n,d-s-n"; of one that is there the higher number stays. */
static bool add(struct lasts *l, const char *text)
{
	while (text && *text) {
		struct last one;
		int used = 0;
		if (sscanf(text, " %" SCNu32 "-%" SCNu32 "-%" SCNu64 " %n", &one.domain, &one.server, &one.number, &used) != 3 || !used)
			return false;
		struct last *there = (struct last *)find(l, one.domain, one.server);
		if (there) {
			there->number = one.number > there->number ? one.number : there->number;
		} else {
			if (l->n == STATES_MAX)
				return false;
			l->all[l->n++] = one;
		}
		text += used;
		if (*text == ',')
			text++;
		else if (*text)
			return false;
	}
	return true;
}

static bool read_lasts(struct lasts *l, const struct history *h)
{
	l->n = 0;
	return add(l, h->executed) && add(l, h->slave_pos);
}

static uint64_t number_of(const struct lasts *l, uint32_t domain, uint32_t server)
{
	const struct last *one = find(l, domain, server);
	return one ? one->number : 0;
}

static int64_t mariadb_between(const struct lasts *a, const struct lasts *b, char *text, size_t size)
{
	int64_t n = 0;
	size_t at = 0;
	*text = '\0';
	for (unsigned i = 0; i < a->n; i++) {
		const struct last *one = &a->all[i];
		uint64_t has = number_of(b, one->domain, one->server);
		if (one->number <= has)
			continue;
		/* Numbers count through a whole domain: those between may be other servers', and there are at most so many. */
		n += (int64_t)(one->number - has);
		if (at < size)
			at += (size_t)snprintf(text + at, size - at, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64 "..%" PRIu64, at ? "," : "",
					       one->domain, one->server, has + 1, one->number);
	}
	return n;
}

/* The newest of a domain. */
static const struct last *newest(const struct lasts *l, uint32_t domain)
{
	const struct last *best = NULL;
	for (unsigned i = 0; i < l->n; i++)
		if (l->all[i].domain == domain && (!best || l->all[i].number > best->number))
			best = &l->all[i];
	return best;
}

/* A server that wrote while it was primary wrote last: what `b` has of it is where they parted. */
static bool mariadb_fork(const struct lasts *a, const struct lasts *b, char *position, size_t size)
{
	size_t at = 0;
	*position = '\0';
	for (unsigned i = 0; i < a->n; i++) {
		const struct last *one = newest(a, a->all[i].domain);
		if (one != &a->all[i])
			continue;
		uint64_t has = number_of(b, one->domain, one->server);
		if (!has)
			return false;
		at += (size_t)snprintf(position + at, size - at, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, at ? "," : "", one->domain,
				       one->server, has < one->number ? has : one->number);
		if (at >= size)
			return false;
	}
	return at > 0;
}

/* ---- both ---- */

int64_t errants_between(const struct history *a, const struct history *b, char *text, size_t size)
{
	*text = '\0';
	if (a->flavor != b->flavor)
		return -1;
	if (a->flavor == FLAVOR_MYSQL)
		return mysql_between(a, b, text, size);
	struct lasts x, y;
	return read_lasts(&x, a) && read_lasts(&y, b) ? mariadb_between(&x, &y, text, size) : -1;
}

bool errants_akin(const struct history *a, const struct history *b)
{
	if (a->flavor != b->flavor)
		return false;
	if (a->flavor == FLAVOR_MYSQL)
		return mysql_akin(a, b);
	struct lasts x, y;
	if (!read_lasts(&x, a) || !read_lasts(&y, b))
		return false;
	for (unsigned i = 0; i < x.n; i++)
		if (find(&y, x.all[i].domain, x.all[i].server))
			return true;
	return false;
}

bool errants_fork(const struct history *a, const struct history *b, char *position, size_t size)
{
	struct lasts x, y;
	return a->flavor == FLAVOR_MARIADB && b->flavor == FLAVOR_MARIADB && read_lasts(&x, a) && read_lasts(&y, b) &&
	       mariadb_fork(&x, &y, position, size);
}
