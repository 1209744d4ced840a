/*
 * The lexer, fed any bytes under any dialect: tokens lie in the text, in order, and their text decodes to no
 * more than it is; the digest's hash does not depend on whether its text is written.
 *
 * Input: flavor and SQL mode, character set, then the text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "router/digest.h"
#include "router/lexer.h"

#define HEAD 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dialect dialect_of(const uint8_t *head)
{
	struct dialect d = {.flavor = head[0] & 1 ? FLAVOR_MARIADB : FLAVOR_MYSQL};
	d.version = d.flavor == FLAVOR_MARIADB ? 101119 : 90704;
	d.sql_mode = head[0] >> 1 & 15;
	d.charset = (enum text_charset)(head[1] % (TEXT_GB18030 + 1));
	return d;
}

static void check_token(const struct token *t, const struct dialect *d, const uint8_t *from,
                        const uint8_t *end)
{
	assert(t->p >= from && t->len > 0 && t->len <= (size_t)(end - t->p));
	struct view inside = token_inside(t);
	assert(inside.p >= t->p && inside.len <= t->len && inside.p + inside.len <= t->p + t->len);
	uint8_t *decoded = malloc(inside.len + 1);
	assert(decoded && token_decode(t, d, decoded) <= inside.len);
	free(decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	struct dialect dialect = dialect_of(data);
	struct view text = {data + HEAD, size - HEAD};
	const uint8_t *at = text.p, *end = text.p + text.len;
	uint8_t written[64];
	struct digest with_text, without;
	struct lexer lx;
	struct token t;
	lexer_init(&lx, text, &dialect);
	digest_init(&with_text, written, sizeof written);
	digest_init(&without, NULL, 0);
	for (lexer_next(&lx, &t); t.kind != TOKEN_END; lexer_next(&lx, &t)) {
		check_token(&t, &dialect, at, end);
		at = t.p + t.len;
		digest_add(&with_text, &t);
		digest_add(&without, &t);
	}
	assert(digest_text(&with_text).len <= sizeof written);
	assert(digest_hash(&with_text) == digest_hash(&without));
	return 0;
}
