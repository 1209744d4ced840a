#include "proxy/vault.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uthash.h>

#include "proxy/log.h"

#define CHUNK_BYTES 65536
/* At most this many accounts are remembered (some 6 MiB); beyond it the one used longest ago makes room. */
#define SECRETS_MAX 16384

/* Secrets lie in mapped chunks only; what finds them lies in the ordinary heap and holds nothing worth
 * hiding. */
struct chunk {
	struct chunk *next;
	struct vault_secret secrets[];
};

#define SECRETS_PER_CHUNK ((CHUNK_BYTES - sizeof(struct chunk)) / sizeof(struct vault_secret))

struct slot {
	uint64_t account_id;
	struct vault_secret *secret;
	UT_hash_handle hh; /* in the order of their last use */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *chunks;
static size_t used_in_newest; /* secrets of `chunks` handed out */
static struct slot *slots;
static struct vault_secret *free_secrets[SECRETS_MAX];
static size_t n_free;
static bool warned;

/* A chunk that cannot be locked is used all the same, and said once: an unlocked vault may be swapped out. */
static bool chunk_add(bool *locked)
{
	struct chunk *c = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return false;
	*locked = mlock(c, CHUNK_BYTES) == 0;
	if (!*locked && !warned) {
		warned = true;
		log_warning(
		    "vault-not-locked",
		    "error=\"%s\" passwords in memory may be swapped out; raise the limit on locked memory "
		    "(ulimit -l, LimitMEMLOCK=)",
		    strerror(errno));
	}
	madvise(c, CHUNK_BYTES, MADV_DONTDUMP);
	madvise(c, CHUNK_BYTES, MADV_WIPEONFORK);
	c->next = chunks;
	chunks = c;
	used_in_newest = 0;
	return true;
}

bool vault_open(void)
{
	bool locked = true;
	pthread_mutex_lock(&lock);
	if (!chunks && !chunk_add(&locked))
		locked = false;
	pthread_mutex_unlock(&lock);
	return locked;
}

static void slot_drop(struct slot *s)
{
	OPENSSL_cleanse(s->secret, sizeof *s->secret);
	free_secrets[n_free++] = s->secret;
	HASH_DEL(slots, s);
	free(s);
}

void vault_close(void)
{
	pthread_mutex_lock(&lock);
	struct slot *s, *next_slot;
	HASH_ITER(hh, slots, s, next_slot)
	slot_drop(s);
	n_free = 0;
	for (struct chunk *c = chunks, *next; c; c = next) {
		next = c->next;
		OPENSSL_cleanse(c, CHUNK_BYTES);
		munmap(c, CHUNK_BYTES);
	}
	chunks = NULL;
	pthread_mutex_unlock(&lock);
}

/* Room for one more secret: a freed one, the next of the newest chunk, a new chunk, or the one used longest
 * ago. */
static struct vault_secret *secret_take(void)
{
	bool locked;
	if (HASH_COUNT(slots) >= SECRETS_MAX)
		slot_drop(slots);
	if (n_free)
		return free_secrets[--n_free];
	if ((!chunks || used_in_newest == SECRETS_PER_CHUNK) && !chunk_add(&locked))
		return NULL;
	return &chunks->secrets[used_in_newest++];
}

/* The slot of this account, moved to the end of the order of use. */
static struct slot *slot_find(uint64_t account_id)
{
	struct slot *s = NULL;
	HASH_FIND(hh, slots, &account_id, sizeof account_id, s);
	if (s) {
		HASH_DEL(slots, s);
		HASH_ADD(hh, slots, account_id, sizeof s->account_id, s);
	}
	return s;
}

static struct slot *slot_add(uint64_t account_id)
{
	struct vault_secret *secret = secret_take();
	if (!secret)
		return NULL;
	struct slot *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->account_id = account_id;
	s->secret = secret;
	HASH_ADD(hh, slots, account_id, sizeof s->account_id, s);
	return s;
}

static void merge(struct vault_secret *known, const struct vault_secret *news)
{
	known->empty = known->empty || news->empty;
	if (news->has_sha1) {
		known->has_sha1 = true;
		memcpy(known->sha1_stage1, news->sha1_stage1, sizeof known->sha1_stage1);
	}
	if (news->has_sha256) {
		known->has_sha256 = true;
		memcpy(known->sha256_stage1, news->sha256_stage1, sizeof known->sha256_stage1);
		memcpy(known->sha256_stage2, news->sha256_stage2, sizeof known->sha256_stage2);
	}
	if (news->clear_len && news->clear_len <= VAULT_CLEAR_MAX) {
		known->clear_len = news->clear_len;
		memcpy(known->clear, news->clear, news->clear_len);
	}
}

void vault_put(uint64_t account_id, const struct vault_secret *secret)
{
	pthread_mutex_lock(&lock);
	struct slot *s = slot_find(account_id);
	if (!s)
		s = slot_add(account_id);
	if (s)
		merge(s->secret, secret);
	pthread_mutex_unlock(&lock);
}

bool vault_get(uint64_t account_id, struct vault_secret *secret)
{
	pthread_mutex_lock(&lock);
	struct slot *s = slot_find(account_id);
	if (s)
		*secret = *s->secret;
	pthread_mutex_unlock(&lock);
	return s != NULL;
}

void vault_forget(uint64_t account_id)
{
	pthread_mutex_lock(&lock);
	struct slot *s = slot_find(account_id);
	if (s)
		slot_drop(s);
	pthread_mutex_unlock(&lock);
}
