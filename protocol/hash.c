#include "protocol/hash.h"

#include <assert.h>
#include <pthread.h>

#include <openssl/evp.h>

/* Looked up once: EVP_sha1() would be looked up again at every use (OpenSSL 3, crypto(7), "Performance"). */
static EVP_MD *sha1, *sha256, *sha512;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	assert(sha1 && sha256 && sha512);
}

/* No algorithm can fail but for want of a few bytes of memory, and that ends the process. */
static void run(const EVP_MD *md, uint8_t *out, struct view a, struct view b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert(ctx);
	int ok = EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, a.p, a.len) &&
		 EVP_DigestUpdate(ctx, b.p, b.len) && EVP_DigestFinal_ex(ctx, out, NULL);
	assert(ok);
	(void)ok;
	EVP_MD_CTX_free(ctx);
}

void hash_sha1(uint8_t out[20], struct view a, struct view b)
{
	pthread_once(&once, fetch);
	run(sha1, out, a, b);
}

void hash_sha256(uint8_t out[32], struct view a, struct view b)
{
	pthread_once(&once, fetch);
	run(sha256, out, a, b);
}

void hash_sha512(uint8_t out[64], struct view a, struct view b)
{
	pthread_once(&once, fetch);
	run(sha512, out, a, b);
}
