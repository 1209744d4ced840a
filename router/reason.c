#include "router/reason.h"

#include <assert.h>

static const char *const names[] = {
#define X(name, word) [REASON_##name] = word,
    REASONS(X)
#undef X
};

const char *reason_name(enum reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return names[reason];
}
