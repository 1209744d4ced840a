#include "protocol/auth_sha2.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "protocol/hash.h"

#define DIGITS_LEN 43
#define SALT_AT 7
#define DIGITS_AT (SALT_AT + SHA2_SALT_LEN)
#define SHA256_SALT_AT 3
#define SHA256_ROUNDS 5000

void sha2_stage1(const char *password, size_t len, uint8_t stage1[SHA256_LEN])
{
	hash_sha256(stage1, (struct view){(const uint8_t *)password, len}, (struct view){NULL, 0});
}

void sha2_stage2(const uint8_t stage1[SHA256_LEN], uint8_t stage2[SHA256_LEN])
{
	hash_sha256(stage2, (struct view){stage1, SHA256_LEN}, (struct view){NULL, 0});
}

/* What stage1 is hidden with, and found with. Native has the nonce first, this has it last. */
static void mask(const uint8_t stage2[SHA256_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA256_LEN])
{
	hash_sha256(out, (struct view){stage2, SHA256_LEN}, (struct view){nonce, NONCE_LEN});
}

void sha2_scramble(const uint8_t stage1[SHA256_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA256_LEN])
{
	uint8_t stage2[SHA256_LEN], hidden[SHA256_LEN];
	sha2_stage2(stage1, stage2);
	mask(stage2, nonce, hidden);
	for (int i = 0; i < SHA256_LEN; i++)
		out[i] = stage1[i] ^ hidden[i];
	OPENSSL_cleanse(hidden, sizeof hidden);
}

bool sha2_check(const uint8_t stage2[SHA256_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t *response, size_t len,
		uint8_t stage1_out[SHA256_LEN])
{
	uint8_t again[SHA256_LEN];
	memset(stage1_out, 0, SHA256_LEN);
	if (len != SHA256_LEN)
		return false;
	mask(stage2, nonce, stage1_out);
	for (int i = 0; i < SHA256_LEN; i++)
		stage1_out[i] ^= response[i];
	sha2_stage2(stage1_out, again);
	bool right = CRYPTO_memcmp(again, stage2, SHA256_LEN) == 0;
	if (!right)
		OPENSSL_cleanse(stage1_out, SHA256_LEN);
	return right;
}

void sha2_xor_nonce(uint8_t *data, size_t len, const uint8_t nonce[NONCE_LEN])
{
	for (size_t i = 0; i < len; i++)
		data[i] ^= nonce[i % NONCE_LEN];
}

/*
 * SHA-crypt-256 (Ulrich Drepper's specification), but for the salt, which may be longer than its 16 bytes and hold any
 * byte. That is why crypt(3) cannot be used.
 */
struct hasher {
	EVP_MD *md; /* kept: looking it up anew would cost more than the rounds themselves */
	EVP_MD_CTX *ctx;
};

static void hash_begin(struct hasher *h)
{
	int ok = EVP_DigestInit_ex(h->ctx, h->md, NULL);
	assert(ok);
	(void)ok;
}

static void hash_add(struct hasher *h, const void *data, size_t len)
{
	int ok = EVP_DigestUpdate(h->ctx, data, len);
	assert(ok);
	(void)ok;
}

static void hash_end(struct hasher *h, uint8_t out[SHA256_LEN])
{
	int ok = EVP_DigestFinal_ex(h->ctx, out, NULL);
	assert(ok);
	(void)ok;
}

/* The digest as often as it takes to fill len bytes. */
static void stretch(uint8_t *out, size_t len, const uint8_t digest[SHA256_LEN])
{
	for (size_t i = 0; i < len; i += SHA256_LEN)
		memcpy(out + i, digest, len - i < SHA256_LEN ? len - i : SHA256_LEN);
}

/* Steps 1 to 12 of the specification: the start value. */
static void first_digest(struct hasher *h, const char *password, size_t len, const uint8_t salt[SHA2_SALT_LEN],
			 uint8_t out[SHA256_LEN])
{
	uint8_t b[SHA256_LEN], filled[SHA2_PASSWORD_MAX];
	hash_begin(h);
	hash_add(h, password, len);
	hash_add(h, salt, SHA2_SALT_LEN);
	hash_add(h, password, len);
	hash_end(h, b);
	stretch(filled, len, b);
	hash_begin(h);
	hash_add(h, password, len);
	hash_add(h, salt, SHA2_SALT_LEN);
	hash_add(h, filled, len);
	for (size_t bits = len; bits; bits >>= 1) {
		if (bits & 1)
			hash_add(h, b, SHA256_LEN);
		else
			hash_add(h, password, len);
	}
	hash_end(h, out);
	OPENSSL_cleanse(b, sizeof b);
	OPENSSL_cleanse(filled, sizeof filled);
}

/* Steps 13 to 20: the sequences that the rounds use in place of password and salt. */
static void make_sequences(struct hasher *h, const char *password, size_t len, const uint8_t salt[SHA2_SALT_LEN],
			   uint8_t first_byte, uint8_t p[SHA2_PASSWORD_MAX], uint8_t s[SHA2_SALT_LEN])
{
	uint8_t d[SHA256_LEN];
	hash_begin(h);
	for (size_t i = 0; i < len; i++)
		hash_add(h, password, len);
	hash_end(h, d);
	stretch(p, len, d);
	hash_begin(h);
	for (unsigned i = 0; i < 16u + first_byte; i++)
		hash_add(h, salt, SHA2_SALT_LEN);
	hash_end(h, d);
	stretch(s, SHA2_SALT_LEN, d);
	OPENSSL_cleanse(d, sizeof d);
}

static void one_round(struct hasher *h, unsigned i, uint8_t a[SHA256_LEN], const uint8_t *p, size_t len,
		      const uint8_t s[SHA2_SALT_LEN])
{
	hash_begin(h);
	if (i & 1)
		hash_add(h, p, len);
	else
		hash_add(h, a, SHA256_LEN);
	if (i % 3)
		hash_add(h, s, SHA2_SALT_LEN);
	if (i % 7)
		hash_add(h, p, len);
	if (i & 1)
		hash_add(h, a, SHA256_LEN);
	else
		hash_add(h, p, len);
	hash_end(h, a);
}

/* crypt's own base 64, the digest's bytes in the order that the specification scatters them in. */
static void put_digits(const uint8_t a[SHA256_LEN], char out[DIGITS_LEN])
{
	static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned high = 0, middle = 10, low = 20;
	for (int group = 0; group < 10; group++) {
		uint32_t bits = (uint32_t)a[high] << 16 | (uint32_t)a[middle] << 8 | a[low];
		for (int i = 0; i < 4; i++, bits >>= 6)
			*out++ = digits[bits & 63];
		unsigned was = high;
		high = low + 1;
		low = middle + 1;
		middle = was + 1;
	}
	uint32_t bits = (uint32_t)a[31] << 8 | a[30];
	for (int i = 0; i < 3; i++, bits >>= 6)
		*out++ = digits[bits & 63];
}

static bool crypt_sha256(const char *password, size_t len, const uint8_t salt[SHA2_SALT_LEN], unsigned rounds,
			 char out[DIGITS_LEN])
{
	uint8_t a[SHA256_LEN], p[SHA2_PASSWORD_MAX], s[SHA2_SALT_LEN];
	struct hasher h = {EVP_MD_fetch(NULL, "SHA256", NULL), EVP_MD_CTX_new()};
	bool ok = h.md && h.ctx;
	if (ok) {
		first_digest(&h, password, len, salt, a);
		make_sequences(&h, password, len, salt, a[0], p, s);
		for (unsigned i = 0; i < rounds; i++)
			one_round(&h, i, a, p, len, s);
		put_digits(a, out);
		OPENSSL_cleanse(a, sizeof a);
		OPENSSL_cleanse(p, sizeof p);
	}
	EVP_MD_CTX_free(h.ctx);
	EVP_MD_free(h.md);
	return ok;
}

/* The thousands of rounds, 0 for what is no such string. */
static unsigned stored_thousands(const char *stored, size_t len)
{
	unsigned thousands = 0;
	if (len != SHA2_STORED_LEN || memcmp(stored, "$A$", 3) != 0 || stored[6] != '$')
		return 0;
	for (int i = 3; i < 6; i++) {
		char c = stored[i];
		if (c >= '0' && c <= '9')
			thousands = thousands << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			thousands = thousands << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return 0;
	}
	return thousands;
}

/* A stored string taken apart. */
struct stored {
	unsigned rounds;
	const uint8_t *salt;
	const char *digits;
};

static bool take_apart(const char *stored, size_t len, struct stored *out)
{
	unsigned thousands = stored_thousands(stored, len);
	bool old = len == SHA256_STORED_LEN && memcmp(stored, "$5$", 3) == 0 &&
		   stored[SHA256_SALT_AT + SHA2_SALT_LEN] == '$';
	out->rounds = old ? SHA256_ROUNDS : thousands * 1000;
	if (!out->rounds)
		return false;
	out->salt = (const uint8_t *)stored + (old ? SHA256_SALT_AT : SALT_AT);
	out->digits = stored + len - DIGITS_LEN;
	return true;
}

bool sha2_is_stored(const char *stored, size_t stored_len)
{
	struct stored s;
	return take_apart(stored, stored_len, &s);
}

bool sha2_check_stored(const char *stored, size_t stored_len, const char *password, size_t len)
{
	char digits[DIGITS_LEN];
	struct stored s;
	return take_apart(stored, stored_len, &s) && len <= SHA2_PASSWORD_MAX &&
	       crypt_sha256(password, len, s.salt, s.rounds, digits) && CRYPTO_memcmp(digits, s.digits, DIGITS_LEN) == 0;
}

bool sha2_make_stored(const char *password, size_t len, const uint8_t salt[SHA2_SALT_LEN], unsigned thousands,
		      char out[SHA2_STORED_LEN])
{
	static const char hex[] = "0123456789ABCDEF";
	if (!thousands || thousands > 0xFFF || len > SHA2_PASSWORD_MAX)
		return false;
	memcpy(out, "$A$", 3);
	for (int i = 0; i < 3; i++)
		out[3 + i] = hex[thousands >> (8 - 4 * i) & 15];
	out[6] = '$';
	memcpy(out + SALT_AT, salt, SHA2_SALT_LEN);
	return crypt_sha256(password, len, salt, thousands * 1000, out + DIGITS_AT);
}
