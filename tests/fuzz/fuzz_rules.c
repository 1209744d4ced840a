/*
 * Rules, fed any columns and any statement: what is refused says why, what is taken compares with the statement and
 * comes to an end, twice with the same result, and a rewrite is what its pattern matched.
 *
 * Input: a byte that tells which columns are given, then texts that end with a zero: one for each of them, and the
 * statement.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "router/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum rule_field columns[8] = {RULE_MATCH_PATTERN, RULE_MATCH_DIGEST, RULE_REWRITE, RULE_CLIENT,
                                           RULE_USER,          RULE_TIMEOUT,      RULE_ROUTE,   RULE_DIGEST};

static const char *const *texts_of(const void *arg, size_t i)
{
	(void)i;
	return arg;
}

static struct view text_of_digest(void *arg)
{
	return *(struct view *)arg;
}

/* The next text, and past it. */
static const char *take(const char **at, const char *end)
{
	const char *text = *at;
	*at += strlen(text) + 1;
	if (*at > end)
		*at = end;
	return text;
}

static void check(const struct rule_set *set, struct view sql)
{
	static struct rule_matcher *m;
	struct address client;
	struct rule_cursor first = {0}, second = {0};
	if (!m)
		m = rule_matcher_create();
	assert(address_parse(&client, "10.0.0.7"));
	const struct rule_subject s = {.user = sql,
	                               .text = sql,
	                               .client = &client,
	                               .digest_text = text_of_digest,
	                               .arg = &sql,
	                               .worker = 0};
	const struct rule *r = rules_next(set, &first, &s, m);
	assert(rules_next(set, &second, &s, m) == r && first.next == second.next);
	assert(!rules_next(set, &first, &s, m));
	if (!r || !r->rewrite)
		return;
	struct buf out;
	buf_init(&out, 2 * PATTERN_TEXT_MAX);
	enum pattern_result got = pattern_replace(r->on_text, rule_matcher_room(m), sql, r->rewrite, &out);
	assert(got != PATTERN_NO && (got == PATTERN_YES || !buf_len(&out)));
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *texts[RULE_FIELD_COUNT] = {[RULE_ID] = "7"};
	char error[512] = "";
	if (!size)
		return 0;
	char *copy = calloc(1, size + 1);
	assert(copy);
	memcpy(copy, data + 1, size - 1);
	const char *at = copy, *end = copy + size - 1;
	for (unsigned i = 0; i < 8; i++)
		if (data[0] & 1u << i)
			texts[columns[i]] = take(&at, end);
	struct rule_set *set = rule_set_create(texts_of, texts, 1, NULL, 1, error, sizeof error);
	assert(!set == (*error != '\0'));
	if (set)
		check(set, (struct view){(const uint8_t *)at, (size_t)(end - at)});
	rule_set_unref(set);
	free(copy);
	return 0;
}
