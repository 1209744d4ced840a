#include "router/digest.h"

#include <string.h>

#define SEED       0x243F6A8885A308D3ull

#define mix digest_mix
#define mix_bytes digest_mix_bytes

static void put(struct digest *d, const void *p, size_t n)
{
	if (n > d->capacity - d->len)
		n = d->capacity - d->len;
	memcpy(d->text + d->len, p, n);
	d->len += n;
}

/* The parenthesis of a call stands at its name, that of a list or subquery apart. */
static bool names_a_call(const struct digest *d)
{
	if (d->last_kind == TOKEN_QUOTED)
		return true;
	if (d->last_kind != TOKEN_WORD)
		return false;
	if (!d->last_word || !d->last_word->reserved)
		return true;
	switch (d->last_word->keyword) {
	case KW_VALUES:
	case KW_IN:
		return false;
	default:
		return d->last_word->class[FLAVOR_MYSQL] || d->last_word->class[FLAVOR_MARIADB];
	}
}

static bool blank_before(const struct digest *d, int kind)
{
	switch (d->last_kind) {
	case TOKEN_END:
	case '(':
	case '.':
	case TOKEN_SYSTEM_VAR:
		return false;
	}
	switch (kind) {
	case ',':
	case ')':
	case ';':
	case '.':
		return false;
	case '(':
		return !names_a_call(d);
	default:
		return true;
	}
}

static void put_token(struct digest *d, int kind, const void *p, size_t n)
{
	if (!d->text)
		return;
	if (blank_before(d, kind))
		put(d, " ", 1);
	put(d, p, n);
}

static struct digest_mark mark_of(const struct digest *d)
{
	return (struct digest_mark){d->hash, d->len};
}

/* One byte of punctuation that was held back. */
static void add_held(struct digest *d, uint8_t c)
{
	put_token(d, c, &c, 1);
	d->hash = mix(d->hash, c, 0);
	d->last_kind = c;
	d->last_word = NULL;
}

static void add_literal(struct digest *d)
{
	put_token(d, '?', "?", 1);
	d->hash = mix(d->hash, DIGEST_LITERAL, 1);
}

static void add_word(struct digest *d, const struct token *t)
{
	if (t->word && t->word->in_grammar && d->last_kind != '.' && d->last_kind != TOKEN_SYSTEM_VAR) {
		const struct word *w = t->word;
		put_token(d, TOKEN_WORD, w->name, w->len);
		d->hash = mix(d->hash, w->lo, w->hi ^ (uint64_t)w->len << 56);
		/* Of longer words the table's entry stands for the rest. */
		if (w->len > 16)
			d->hash = mix_bytes(d->hash, (const uint8_t *)w->name + 16, w->len - 16u);
		return;
	}
	put_token(d, TOKEN_WORD, t->p, t->len);
	d->hash = mix(d->hash, t->lo, t->hi ^ (uint64_t)t->len << 56 ^ 3);
	if (t->len > 16)
		d->hash = mix_bytes(d->hash, t->p + 16, t->len - 16);
}

static void list_begin(struct digest *d, bool is_row)
{
	d->before_list = mark_of(d);
	d->depth = 0; /* the parenthesis itself counts when it is added */
	d->list_plain = true;
	d->list_is_row = is_row;
	d->list_text = d->len;
}

/* The list's closing parenthesis has been added. */
static void list_end(struct digest *d)
{
	uint64_t list = d->list_plain ? DIGEST_PLAIN_LIST : d->hash;
	if (d->list_plain && d->text) {
		d->len = d->list_text;
		d->last_kind = d->list_is_row ? TOKEN_OPERATOR : TOKEN_WORD;
		d->last_word = NULL;
		put(d, "(...)", 5);
	}
	d->last_kind = ')';
	if (d->list_is_row && d->comma && list == d->row_hash) {
		d->hash = d->before_comma.hash;
		d->len = d->before_comma.len;
	} else {
		d->hash = mix(d->before_list.hash, list, 11);
	}
	d->row_hash = list;
	d->after_row = d->list_is_row;
	d->comma = d->row_word = false;
}

/* True when a parenthesis here opens a list that may fold. */
static bool list_opens(const struct digest *d)
{
	return d->comma || (d->last_kind == TOKEN_WORD && d->last_word && d->last_word->opens_list);
}

static bool is_operand(const struct digest *d)
{
	switch (d->last_kind) {
	case TOKEN_WORD:
		return !d->last_word || !d->last_word->reserved;
	case TOKEN_QUOTED:
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case TOKEN_USER_VAR:
	case '?':
	case ')':
		return true;
	default:
		return false;
	}
}

static bool is_plain(const struct token *t)
{
	switch (t->kind) {
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case '?':
	case ',':
	case '(':
	case ')':
		return true;
	case TOKEN_WORD:
		break;
	default:
		return false;
	}
	switch (t->word ? t->word->keyword : KW_OTHER) {
	case KW_NULL:
	case KW_DEFAULT:
	case KW_TRUE:
	case KW_FALSE:
		return true;
	default:
		return false;
	}
}

/* A comma behind a row waits for the next row; what else comes shows that it was an ordinary one. */
static bool hold_row_comma(struct digest *d, const struct token *t)
{
	if (t->kind == ',' && d->after_row && !d->comma) {
		d->before_comma = mark_of(d);
		d->comma = true;
		d->after_row = false;
		add_held(d, ',');
		return true;
	}
	d->after_row = false;
	if (d->comma && !d->row_word && t->kind == TOKEN_WORD && t->word && t->word->keyword == KW_ROW) {
		d->row_word = true;
		return false;
	}
	if (t->kind != '(' && !d->depth)
		d->comma = d->row_word = false;
	return false;
}

/* True when the token waits for the next one. */
static bool hold(struct digest *d, const struct token *t)
{
	if (t->kind == ';') {
		d->semicolon = d->last_kind != TOKEN_END;
		return true;
	}
	if (d->semicolon) {
		d->semicolon = false;
		add_held(d, ';');
		d->secret = (struct digest_secret){0};
	}
	if (d->sign && t->kind != TOKEN_NUMBER) {
		uint8_t sign = d->sign;
		d->sign = 0;
		d->list_plain = false;
		add_held(d, sign);
	}
	if ((t->kind == '-' || t->kind == '+') && !is_operand(d)) {
		d->sign = (uint8_t)t->kind;
		return true;
	}
	d->sign = 0;
	/* Strings side by side are one. */
	return t->kind == TOKEN_STRING && d->last_kind == TOKEN_STRING;
}

void digest_init(struct digest *d, uint8_t *text, size_t capacity)
{
	memset(d, 0, sizeof *d);
	d->hash = SEED;
	d->text = capacity ? text : NULL;
	d->capacity = d->text ? capacity : 0;
	d->mode = d->text ? DIGEST_ANY : DIGEST_FAST;
}

static void add(struct digest *d, const struct token *t)
{
	if (t->kind == TOKEN_END || hold(d, t))
		return;
	if ((d->after_row || d->comma) && hold_row_comma(d, t))
		return;
	if (t->kind == '(' && !d->depth && list_opens(d)) {
		bool is_row = d->comma || d->last_word->keyword != KW_IN;
		if (d->text && blank_before(d, '('))
			put(d, " ", 1);
		list_begin(d, is_row);
		put_token(d, ')', "(", 1);
		d->hash = SEED;
		d->depth = 1;
		d->last_kind = '(';
		d->last_word = NULL;
		return;
	}
	if (d->depth && !is_plain(t))
		d->list_plain = false;
	const bool secret = d->text && digest_secret_is(&d->secret, t);
	const size_t len = d->len;
	switch (t->kind) {
	case TOKEN_WORD:
		add_word(d, t);
		break;
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case '?':
		add_literal(d);
		break;
	case TOKEN_QUOTED:
	case TOKEN_USER_VAR:
	case TOKEN_OPERATOR:
	case TOKEN_BAD:
		put_token(d, t->kind, t->p, t->len);
		d->hash = mix_bytes(d->hash, t->p, t->len);
		break;
	default:
		put_token(d, t->kind, t->p, t->len);
		d->hash = mix(d->hash, (unsigned)t->kind, 2);
	}
	if (secret) {
		d->len = len;
		put_token(d, '?', "?", 1);
	}
	d->last_kind = t->kind;
	d->last_word = t->kind == TOKEN_WORD ? t->word : NULL;
	if (d->depth) {
		if (t->kind == '(')
			d->depth++;
		else if (t->kind == ')' && --d->depth == 0)
			list_end(d);
	}
}

void digest_add_any(struct digest *d, const struct token *t)
{
	add(d, t);
	if (d->text || d->semicolon || d->sign || d->after_row || (d->comma && !d->depth))
		d->mode = DIGEST_ANY;
	else if (d->depth)
		d->mode = d->list_plain ? DIGEST_LIST : DIGEST_ANY;
	else
		d->mode = DIGEST_FAST;
}

uint64_t digest_hash(const struct digest *d)
{
	return mix(d->hash, d->sign, 13);
}

struct view digest_text(const struct digest *d)
{
	return (struct view){d->text, d->len};
}
