#include "proxy/errors_seen.h"

#include <assert.h>
#include <string.h>

#include "proxy/stats.h"
#include "router/digest.h"

static_assert(sizeof(struct error_counts) == sizeof(struct error_counts_read), "read word by word");
static_assert(sizeof(struct error_id) % 8 == 0, "read word by word");

void error_counts_join(struct error_counts_read *sum, const struct error_counts_read *more)
{
	if (!more->errors)
		return;
	if (!sum->errors || more->first_us < sum->first_us)
		sum->first_us = more->first_us;
	if (more->last_us >= sum->last_us) {
		sum->last_us = more->last_us;
		sum->digest = more->digest;
	}
	sum->errors += more->errors;
}

static void fold(void *others, const void *counts)
{
	struct error_counts *into = others;
	const struct error_counts *c = counts;
	struct error_counts_read sum = {stat_get(&into->errors), stat_get(&into->first_us), stat_get(&into->last_us), 0};
	struct error_counts_read more = {stat_get(&c->errors), stat_get(&c->first_us), stat_get(&c->last_us), 0};
	error_counts_join(&sum, &more);
	atomic_store_explicit(&into->errors, sum.errors, memory_order_relaxed);
	atomic_store_explicit(&into->first_us, sum.first_us, memory_order_relaxed);
	atomic_store_explicit(&into->last_us, sum.last_us, memory_order_relaxed);
}

struct tally *errors_seen_create(void)
{
	struct tally_shape shape = {.rows = ERRORS_SEEN_ROWS,
				    .others = 1,
				    .id_size = sizeof(struct error_id),
				    .counts_size = sizeof(struct error_counts),
				    .fold = fold};
	return tally_create(&shape);
}

static uint64_t key_of(int64_t slot, const char *user, uint64_t code)
{
	uint64_t hash = digest_mix_bytes(0, (const uint8_t *)user, strlen(user));
	return digest_mix(hash, (uint64_t)(slot + 1), code);
}

bool error_seen_before(struct tally *t, int slot, const char *user, uint16_t code, struct tally_ticket *ticket)
{
	return tally_find(t, key_of(slot, user, code), ticket);
}

struct tally_ticket error_seen_add(struct tally *t, const struct error_id *id)
{
	return tally_add(t, key_of(id->slot, id->user, id->code), id, 0);
}

void error_seen_note(struct tally *t, struct tally_ticket ticket, uint64_t digest, uint64_t now_us)
{
	struct error_counts *c = tally_counts(t, ticket, 0);
	if (!stat_get(&c->errors))
		atomic_store_explicit(&c->first_us, now_us, memory_order_relaxed);
	stat_add(&c->errors, 1);
	atomic_store_explicit(&c->last_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&c->digest, digest, memory_order_relaxed);
}

/* ---- texts ---- */

/* What stands in quotes in these is the name of a table, a column, a key, an account. */
static bool has_names_only(uint16_t code)
{
	static const uint16_t codes[] = {1007, 1008, 1040, 1044, 1045, 1046, 1048, 1049, 1050, 1051, 1052, 1054, 1060, 1061,
					 1072, 1091, 1109, 1142, 1143, 1146, 1193, 1205, 1213, 1227, 1264, 1290, 1305, 1356,
					 1364, 1370, 1406, 1449, 1451, 1452, 1792, 1836, 3100};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* Where the quoted text that begins at i ends; a text that the server has cut ends anywhere. */
static size_t end_of_quoted(struct view text, size_t i)
{
	for (size_t at = i + 1; at < text.len; at++) {
		bool last = at + 1 == text.len || strchr(" ,.;:)@", text.p[at + 1]);
		if (text.p[at] == text.p[i] && last)
			return at;
	}
	return text.len;
}

/* "Duplicate entry '...' for key 'name'": data may hold quotes, so that its end is looked for from behind. */
static size_t end_of_entry(struct view text, size_t i)
{
	const uint8_t *end = memrchr(text.p, '\'', text.len);
	static const char key[] = "' for key '";
	for (; end && end > text.p + i; end--)
		if ((size_t)(text.p + text.len - end) >= sizeof key - 1 && memcmp(end, key, sizeof key - 1) == 0)
			return (size_t)(end - text.p);
	return text.len;
}

#define DUPLICATE_ENTRY 1062
#define SYNTAX 1064

void error_text_without_data(uint16_t code, struct view text, char *out, size_t out_size)
{
	size_t len = 0;
	bool names = has_names_only(code);
	unsigned quoted = 0;
	for (size_t i = 0; i < text.len && len + 4 < out_size; i++) {
		char c = (char)text.p[i];
		bool opens = (c == '\'' || c == '"') && (!i || strchr(" (@", text.p[i - 1]));
		if (!opens || names || (code == DUPLICATE_ENTRY && quoted)) {
			out[len++] = c ? c : ' ';
			continue;
		}
		quoted++;
		i = code == SYNTAX ? text.len : code == DUPLICATE_ENTRY ? end_of_entry(text, i) : end_of_quoted(text, i);
		out[len++] = c;
		out[len++] = '?';
		out[len++] = c;
	}
	out[len] = '\0';
}
