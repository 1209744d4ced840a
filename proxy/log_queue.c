#include "proxy/log_queue.h"

#include <assert.h>
#include <stdatomic.h>

#define MASK (LOG_QUEUE_SLOTS - 1)

static_assert((LOG_QUEUE_SLOTS & MASK) == 0, "a power of two");

/* turn: of the ring's lap n the slot i is to be filled when it is n * slots + i, to be read when it is one more. It
 * begins at 0 for every slot, so it is kept less the slot's own number. */
struct slot {
	_Atomic size_t turn;
	size_t at; /* where in the row of all lines it is now */
	struct log_record record; /* first after the numbers: found back by its address */
};

static struct slot slots[LOG_QUEUE_SLOTS];
static _Atomic size_t tail;
static size_t head; /* the reader's */

static struct slot *slot_of(struct log_record *r)
{
	return (struct slot *)(void *)((char *)r - offsetof(struct slot, record));
}

struct log_record *log_queue_claim(void)
{
	size_t at = atomic_load_explicit(&tail, memory_order_relaxed);
	for (;;) {
		struct slot *s = &slots[at & MASK];
		size_t turn = atomic_load_explicit(&s->turn, memory_order_acquire) + (at & MASK);
		if (turn == at) {
			if (atomic_compare_exchange_weak_explicit(&tail, &at, at + 1, memory_order_relaxed,
								  memory_order_relaxed)) {
				s->at = at;
				return &s->record;
			}
		} else if ((ptrdiff_t)(turn - at) < 0) {
			return NULL;
		} else {
			at = atomic_load_explicit(&tail, memory_order_relaxed);
		}
	}
}

void log_queue_pass(struct log_record *r)
{
	struct slot *s = slot_of(r);
	atomic_store_explicit(&s->turn, s->at + 1 - (s->at & MASK), memory_order_release);
}

struct log_record *log_queue_take(void)
{
	struct slot *s = &slots[head & MASK];
	size_t turn = atomic_load_explicit(&s->turn, memory_order_acquire) + (head & MASK);
	return turn == head + 1 ? &s->record : NULL;
}

void log_queue_give_back(struct log_record *r)
{
	struct slot *s = slot_of(r);
	head++;
	atomic_store_explicit(&s->turn, s->at + LOG_QUEUE_SLOTS - (s->at & MASK), memory_order_release);
}
