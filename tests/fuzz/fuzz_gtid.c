/* Two sets from any text: what is accepted can be written and read again, the arithmetic agrees with itself,
 * and a board never claims more than was published. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "router/position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct gtid_set *s)
{
	struct buf text;
	struct gtid_set again;
	buf_init(&text, 16u << 20);
	gtid_set_init(&again, s->flavor);
	assert(gtid_set_write(s, &text));
	struct view written = buf_len(&text) ? (struct view){buf_data(&text), buf_len(&text)} : view_of("");
	assert(gtid_set_parse(&again, written) == GTID_OK);
	assert(gtid_set_equal(s, &again));
	gtid_set_finish(&again);
	buf_finish(&text);
}

static void check_arithmetic(const struct gtid_set *a, const struct gtid_set *b)
{
	struct gtid_set sum, rest, both;
	gtid_set_init(&sum, a->flavor);
	gtid_set_init(&rest, a->flavor);
	gtid_set_init(&both, a->flavor);
	assert(gtid_set_copy(&sum, a) && gtid_set_copy(&rest, a) && gtid_set_copy(&both, a));
	if (gtid_set_union(&sum, b)) {
		assert(gtid_set_contains(&sum, b) && (gtid_set_forked(a, b) || gtid_set_contains(&sum, a)));
		check_round_trip(&sum);
	}
	if (gtid_set_subtract(&rest, b)) {
		assert(gtid_set_is_empty(&rest) == gtid_set_contains(b, a));
		assert(gtid_set_contains(a, &rest));
	}
	if (gtid_set_intersect(&both, b))
		assert(gtid_set_forked(a, b) || (gtid_set_contains(a, &both) && gtid_set_contains(b, &both)));
	gtid_set_finish(&sum);
	gtid_set_finish(&rest);
	gtid_set_finish(&both);
}

static void check_board(const struct gtid_set *a, const struct gtid_set *b)
{
	static struct position_board board;
	struct position p;
	struct gtid_set known;
	gtid_set_init(&known, a->flavor);
	position_init(&p, a->flavor);
	position_note_set(&p, b);
	position_board_publish(&board, a, 1);
	if (position_board_read(&board, &known, NULL))
		assert(gtid_set_contains(a, &known));
	if (position_board_reached(&board, &p))
		assert(gtid_set_contains(a, b));
	gtid_set_finish(&known);
	position_finish(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	enum flavor flavor = data[0] & 1 ? FLAVOR_MARIADB : FLAVOR_MYSQL;
	const uint8_t *cut = memchr(data + 1, '|', size - 1);
	size_t len = cut ? (size_t)(cut - data) - 1 : size - 1;
	struct gtid_set a, b;
	gtid_set_init(&a, flavor);
	gtid_set_init(&b, flavor);
	bool ok = gtid_set_parse(&a, (struct view){data + 1, len}) == GTID_OK;
	if (cut)
		ok = gtid_set_parse(&b, (struct view){cut + 1, size - len - 2}) == GTID_OK && ok;
	check_round_trip(&a);
	if (ok) {
		check_arithmetic(&a, &b);
		check_arithmetic(&b, &a);
		check_board(&a, &b);
	}
	gtid_set_finish(&a);
	gtid_set_finish(&b);
	return 0;
}
