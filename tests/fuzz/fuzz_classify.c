/*
 * The classifier, fed any text in any context: what it answers is in range, its views lie in the text or the
 * scratch, the short cuts of the way that writes no digest text come to the same, and a blank or a comment behind the
 * text changes neither route nor digest.
 *
 * Input: flavor and SQL mode, character set and context, then the text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "router/classify.h"

#define HEAD 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t text_memory[512];
static struct classify_scratch scratch = {.text = text_memory, .text_capacity = sizeof text_memory};

static bool lies_in(struct view v, const void *from, size_t len)
{
	const uint8_t *p = from;
	return v.p >= p && v.len <= len && v.p + v.len <= p + len;
}

static void check_view(struct view v, struct view sql)
{
	assert(!v.len || lies_in(v, sql.p, sql.len) || lies_in(v, scratch.names, sizeof scratch.names));
}

static void check(const struct classification *c, struct view sql)
{
	assert((unsigned)c->route < ROUTE_DENY && (unsigned)c->reason < REASON_COUNT);
	assert(c->n_effects <= CLASSIFY_EFFECTS_MAX);
	assert(!(c->pins_added & c->pins_released));
	assert(c->digest_text.p == text_memory && c->digest_text.len <= sizeof text_memory);
	assert(c->route != ROUTE_REPLICA || !(c->flags & (CLASS_WRITES | CLASS_UNLEXED)));
	check_view(c->hints.server, sql);
	check_view(c->hints.causal_key, sql);
	for (unsigned i = 0; i < c->n_effects; i++) {
		assert((unsigned)c->effects[i].kind < EFFECT_KIND_COUNT);
		check_view(c->effects[i].name, sql);
		check_view(c->effects[i].value, sql);
		check_view(c->effects[i].introducer, sql);
	}
}

/* The way that only hashes takes short cuts; it must come to the same. */
static void check_hash_only(const struct classification *first, struct view sql, const struct dialect *d,
                            const struct context *c)
{
	static struct classification second;
	static struct classify_scratch no_text;
	classify(sql, d, c, &no_text, &second);
	assert(second.route == first->route && second.reason == first->reason && second.flags == first->flags);
	assert(second.pins_added == first->pins_added && second.pins_released == first->pins_released);
	assert(second.n_effects == first->n_effects && second.n_statements == first->n_statements);
	assert(second.digest == first->digest);
}

/* What follows a text that is whole does not matter. */
static void check_appended(const struct classification *first, struct view sql, const struct dialect *d,
                           const struct context *c, const char *more)
{
	static struct classification second;
	size_t n = strlen(more);
	uint8_t *longer = malloc(sql.len + n);
	assert(longer);
	memcpy(longer, sql.p, sql.len);
	memcpy(longer + sql.len, more, n);
	classify((struct view){longer, sql.len + n}, d, c, &scratch, &second);
	assert(second.route == first->route && second.reason == first->reason);
	assert(second.pins_added == first->pins_added && second.n_effects == first->n_effects);
	assert(second.digest == first->digest);
	free(longer);
}

/* Inside a comment to the end of the line, or where the text ends with a byte that the addition completes, it
 * does. */
static bool is_open_end(struct view sql)
{
	if (!sql.len || memchr(sql.p, '#', sql.len) || memmem(sql.p, sql.len, "--", 2))
		return true;
	uint8_t last = sql.p[sql.len - 1];
	return last == 0 || last == '/' || last == '@' || last == '.';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct classification result;
	if (size < HEAD)
		return 0;
	static const struct view names[] = {{(const uint8_t *)"t", 1}, {(const uint8_t *)"tt", 2}};
	struct dialect dialect = {.flavor = data[0] & 1 ? FLAVOR_MARIADB : FLAVOR_MYSQL};
	dialect.version = dialect.flavor == FLAVOR_MARIADB ? 110809 : 90704;
	dialect.sql_mode = data[0] >> 1 & 15;
	dialect.charset = (enum text_charset)(data[1] % (TEXT_GB18030 + 1));
	struct context context = {
	    .in_trx = data[1] & 64, .autocommit_off = data[1] & 32, .temp_tables = data[1] & 16};
	context.in_read_only_trx = context.in_trx && context.autocommit_off;
	context.temp_names = names;
	context.n_temp_names = data[1] & 128 ? 2 : 0;
	struct view sql = {data + HEAD, size - HEAD};
	classify(sql, &dialect, &context, &scratch, &result);
	check(&result, sql);
	check_hash_only(&result, sql, &dialect, &context);
	if (!(result.flags & CLASS_UNLEXED) && !is_open_end(sql)) {
		check_appended(&result, sql, &dialect, &context, " \n");
		check_appended(&result, sql, &dialect, &context, " /* x */");
	}
	return 0;
}
