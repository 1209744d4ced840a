/* Any bytes as an account from another process: its texts end within their room, and written again it is the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proxy/upgrade/passed_account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct passed_account a, again;
	uint64_t id, same;
	if (!passed_account_read((struct view){data, size}, &id, &a))
		return 0;
	struct buf out;
	buf_init(&out, PASSED_ACCOUNT_MAX);
	assert(strlen(a.account.user) < sizeof a.account.user && strlen(a.account.host) < sizeof a.account.host);
	assert(passed_account_write(id, &a, &out));
	/* Texts with a NUL inside become shorter. */
	assert(passed_account_read((struct view){buf_data(&out), buf_len(&out)}, &same, &again));
	assert(same == id && strcmp(a.account.user, again.account.user) == 0 &&
	       a.account.verifier_len == again.account.verifier_len && a.secret.clear_len == again.secret.clear_len);
	buf_finish(&out);
	return 0;
}
