#include "router/position_trail.h"

#include <string.h>

#define READ_TRIES 16
#define ROW_WORDS  (sizeof(struct gtid_row) / sizeof(uint64_t))

/* What a thread has copied out of one look. */
struct copy {
	enum flavor flavor;
	unsigned ranges;
	uint64_t words[POSITION_TRAIL_WORDS];
};

/* Rows have no holes: 32 bytes of numbers, and the tag. */
_Static_assert(sizeof(struct gtid_row) == 4 * sizeof(uint64_t) + GTID_TAG_MAX, "it is kept as words");

static struct position_trail_look *look_at(const struct position_trail *trail, uint64_t i)
{
	return (struct position_trail_look *)(uintptr_t)&trail->looks[i % POSITION_TRAIL_LOOKS];
}

static void encode(const struct gtid_set *set, uint64_t *words)
{
	for (unsigned i = 0; i < gtid_set_ranges(set); i++) {
		struct gtid_row row = gtid_set_range(set, i);
		memcpy(words + i * ROW_WORDS, &row, sizeof row);
	}
}

/* The writer's own look at what it wrote last. */
static bool is_same(const struct position_trail *trail, const struct copy *c)
{
	uint64_t written = atomic_load_explicit(&trail->written, memory_order_relaxed);
	if (!atomic_load_explicit(&trail->kept, memory_order_relaxed) ||
	    atomic_load_explicit(&trail->flavor, memory_order_relaxed) != (uint64_t)c->flavor)
		return false;
	const struct position_trail_look *last = look_at(trail, written - 1);
	if (atomic_load_explicit(&last->ranges, memory_order_relaxed) != c->ranges)
		return false;
	for (unsigned i = 0; i < c->ranges * ROW_WORDS; i++)
		if (atomic_load_explicit(&last->words[i], memory_order_relaxed) != c->words[i])
			return false;
	return true;
}

/* The order of these stores and of the reader's loads is what makes a torn read known, as in position_board. */
static uint64_t begin(struct position_trail *trail)
{
	uint64_t sequence = atomic_load_explicit(&trail->sequence, memory_order_relaxed);
	atomic_store_explicit(&trail->sequence, sequence + 1, memory_order_relaxed);
	return sequence + 2;
}

void position_trail_clear(struct position_trail *trail)
{
	uint64_t sequence = begin(trail);
	atomic_store_explicit(&trail->kept, 0, memory_order_release);
	atomic_store_explicit(&trail->sequence, sequence, memory_order_release);
}

static void add(struct position_trail *trail, const struct copy *c, uint64_t number)
{
	uint64_t sequence = begin(trail);
	uint64_t written = atomic_load_explicit(&trail->written, memory_order_relaxed);
	uint64_t kept = atomic_load_explicit(&trail->kept, memory_order_relaxed);
	struct position_trail_look *look = look_at(trail, written);
	atomic_store_explicit(&trail->flavor, (uint64_t)c->flavor, memory_order_release);
	atomic_store_explicit(&look->number, number, memory_order_release);
	atomic_store_explicit(&look->ranges, c->ranges, memory_order_release);
	for (unsigned i = 0; i < c->ranges * ROW_WORDS; i++)
		atomic_store_explicit(&look->words[i], c->words[i], memory_order_release);
	atomic_store_explicit(&trail->written, written + 1, memory_order_release);
	atomic_store_explicit(&trail->kept, kept < POSITION_TRAIL_LOOKS ? kept + 1 : kept, memory_order_release);
	atomic_store_explicit(&trail->sequence, sequence, memory_order_release);
}

void position_trail_note(struct position_trail *trail, const struct gtid_set *applied, uint64_t number)
{
	struct copy c = {.flavor = applied->flavor, .ranges = gtid_set_ranges(applied)};
	if (c.ranges > POSITION_TRAIL_RANGES) {
		position_trail_clear(trail);
		return;
	}
	encode(applied, c.words);
	if (is_same(trail, &c)) {
		uint64_t written = atomic_load_explicit(&trail->written, memory_order_relaxed);
		atomic_store_explicit(&look_at(trail, written - 1)->number, number, memory_order_release);
		return;
	}
	if (atomic_load_explicit(&trail->flavor, memory_order_relaxed) != (uint64_t)c.flavor)
		position_trail_clear(trail);
	add(trail, &c, number);
}

static uint64_t number_of(const struct position_trail *trail, uint64_t i)
{
	return atomic_load_explicit(&look_at(trail, i)->number, memory_order_acquire);
}

/* The oldest of those kept with a number above `after`: numbers rise along the trail. `written`: none. */
static uint64_t first_after(const struct position_trail *trail, uint64_t written, uint64_t kept, uint64_t after)
{
	uint64_t low = written - kept, high = written;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (number_of(trail, middle) > after)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool copy_once(const struct position_trail *trail, uint64_t after, struct copy *c, bool *found)
{
	uint64_t sequence = atomic_load_explicit(&trail->sequence, memory_order_acquire);
	uint64_t written = atomic_load_explicit(&trail->written, memory_order_acquire);
	uint64_t kept = atomic_load_explicit(&trail->kept, memory_order_acquire);
	if (sequence & 1 || kept > POSITION_TRAIL_LOOKS || kept > written)
		return false;
	uint64_t i = first_after(trail, written, kept, after);
	*found = i < written;
	if (*found) {
		const struct position_trail_look *look = look_at(trail, i);
		uint64_t ranges = atomic_load_explicit(&look->ranges, memory_order_acquire);
		if (ranges > POSITION_TRAIL_RANGES)
			return false;
		c->flavor = (enum flavor)atomic_load_explicit(&trail->flavor, memory_order_acquire);
		c->ranges = (unsigned)ranges;
		for (unsigned k = 0; k < c->ranges * ROW_WORDS; k++)
			c->words[k] = atomic_load_explicit(&look->words[k], memory_order_acquire);
	}
	return atomic_load_explicit(&trail->sequence, memory_order_relaxed) == sequence;
}

bool position_trail_after(const struct position_trail *trail, uint64_t after, struct gtid_set *out)
{
	struct copy c = {.ranges = 0};
	struct gtid_row rows[POSITION_TRAIL_RANGES];
	bool found = false, whole = false;
	for (int i = 0; i < READ_TRIES && !whole; i++)
		whole = copy_once(trail, after, &c, &found);
	if (!whole || !found)
		return false;
	memcpy(rows, c.words, c.ranges * sizeof *rows);
	return gtid_set_assign(out, c.flavor, rows, c.ranges);
}
