/*
 * What must be remembered to log in to servers in a client's name, in locked memory that no core dump holds.
 *
 * For native accounts that is SHA1(password), recovered from the client's own answer; for caching_sha2
 * accounts SHA256(password) and the password itself, since a server whose own cache is cold wants it. Keyed
 * by the account's id (a changed verifier is another id). Any thread; a short mutex, taken at logins only,
 * never per statement.
 */
#ifndef WYE_PROXY_VAULT_H
#define WYE_PROXY_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAULT_CLEAR_MAX 256

struct vault_secret {
	bool empty; /* the account has no password */
	bool has_sha1, has_sha256;
	uint8_t sha1_stage1[20];
	uint8_t sha256_stage1[32];
	uint8_t sha256_stage2[32]; /* SHA256(SHA256(password)): what the fast path checks against */
	size_t clear_len;          /* 0 = not known */
	char clear[VAULT_CLEAR_MAX];
};

/* Maps and locks the memory. False with a warning logged when it cannot be locked (it is used all the same).
 */
bool vault_open(void);
void vault_close(void); /* wipes everything */

/* Adds to what is known of the account (fields not known in `secret` keep what is there). */
void vault_put(uint64_t account_id, const struct vault_secret *secret);

/* Copies what is known; the caller wipes its copy with OPENSSL_cleanse. False when nothing is. */
bool vault_get(uint64_t account_id, struct vault_secret *secret);

/* Forgets all that is known of an account. */
void vault_forget(uint64_t account_id);

#endif
