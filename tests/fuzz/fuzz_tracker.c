/* Session-state blocks of any bytes: what was read must be read again from what is written of it. */
#include <assert.h>

#include "protocol/tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tracker_iter it, again;
	struct tracker_entry e, copy;
	struct buf b;
	buf_init(&b, 1u << 24);
	tracker_begin(&it, (struct view){data, size});
	while (tracker_next(&it, &e)) {
		buf_reset(&b);
		assert(tracker_write(&b, &e));
		assert(buf_len(&b) == tracker_size(&e));
		tracker_begin(&again, (struct view){buf_data(&b), buf_len(&b)});
		assert(tracker_next(&again, &copy));
		assert(copy.type == e.type && view_equal(copy.name, e.name) &&
		       view_equal(copy.value, e.value));
		assert(!tracker_next(&again, &copy) && !again.bad);
	}
	buf_finish(&b);
	return 0;
}
