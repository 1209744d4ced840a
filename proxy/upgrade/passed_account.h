/*
 * An account with what logs in to servers in its name, as one string of bytes: an account's number (proxy/accounts.h) is
 * another in every process. Pure. It holds secrets: who has it wipes it.
 */
#ifndef WYE_PROXY_UPGRADE_PASSED_ACCOUNT_H
#define WYE_PROXY_UPGRADE_PASSED_ACCOUNT_H

#include "proxy/accounts.h"
#include "proxy/vault.h"

#define PASSED_ACCOUNT_MAX 4096u

struct passed_account {
	struct account account; /* what its number is made of; the rest is not told */
	struct vault_secret secret;
};

bool passed_account_write(uint64_t id, const struct passed_account *a, struct buf *out) __attribute__((warn_unused_result));
bool passed_account_read(struct view bytes, uint64_t *id, struct passed_account *a) __attribute__((warn_unused_result));

#endif
