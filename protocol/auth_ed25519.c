/*
 * OpenSSL signs only with seeds of 32 bytes, and gives out no arithmetic on the curve. Two of its operations are enough:
 *
 * The public key A = aB, of the scalar a that SHA-512 makes of the password: X25519 takes the same scalar, and gives the
 * other coordinate u of the same point on the birationally equal curve; y = (u - 1) / (u + 1) (RFC 7748, 4.1). What is
 * missing is one bit, the sign of x: of the two keys it is the one whose signature holds.
 *
 * The point R = rB of a signature's secret number r: it is the public key of a random seed, whose scalar we can make as
 * well. Such scalars are 8k + 2^254 with k < 2^251, that is one half of all remainders modulo the order L = 2^252 + ...;
 * their negatives are the other half (but for some 2^-126 of them), so with a random sign r is as good as uniform. It
 * must be: secret numbers that favour a half tell of the key, a little with every signature.
 */
#include "protocol/auth_ed25519.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "protocol/hash.h"
#include "protocol/wire.h"

#define SHA512_LEN 64

static const char prime_hex[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"; /* 2^255 - 19 */
static const char order_hex[] = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"; /* L */

struct signer {
	uint8_t scalar[ED25519_KEY_LEN]; /* a, clamped, its least byte first, as all numbers here */
	uint8_t key[ED25519_KEY_LEN];    /* A */
};

/* The scalar of a seed or a password: RFC 8032, 5.1.5. */
static void make_scalar(const void *seed, size_t len, uint8_t scalar[ED25519_KEY_LEN])
{
	uint8_t digest[SHA512_LEN];
	hash_sha512(digest, (struct view){seed, len}, (struct view){NULL, 0});
	memcpy(scalar, digest, ED25519_KEY_LEN);
	scalar[0] &= 248;
	scalar[31] = (uint8_t)((scalar[31] & 63) | 64);
	OPENSSL_cleanse(digest, sizeof digest);
}

/* What OpenSSL makes of a private key of this kind. */
static bool public_of(int type, const uint8_t private_key[ED25519_KEY_LEN], uint8_t out[ED25519_KEY_LEN])
{
	size_t len = ED25519_KEY_LEN;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, private_key, ED25519_KEY_LEN);
	bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == ED25519_KEY_LEN;
	EVP_PKEY_free(key);
	return ok;
}

/* The y of the point whose u this is, in place; the bit of the sign is 0. */
static bool y_of_u(uint8_t bytes[ED25519_KEY_LEN])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = NULL, *u = BN_lebin2bn(bytes, ED25519_KEY_LEN, NULL), *above = BN_new(), *below = BN_new();
	bool ok = ctx && u && above && below && BN_hex2bn(&p, prime_hex) && BN_copy(above, u) && BN_sub_word(above, 1) &&
		  BN_copy(below, u) && BN_add_word(below, 1) && BN_mod_inverse(below, below, p, ctx) &&
		  BN_mod_mul(above, above, below, p, ctx) && BN_bn2lebinpad(above, bytes, ED25519_KEY_LEN) >= 0;
	BN_free(below);
	BN_free(above);
	BN_free(u);
	BN_free(p);
	BN_CTX_free(ctx);
	return ok;
}

/* s = (r or -r) + h * a modulo the order. */
static bool answer(const uint8_t r_bytes[ED25519_KEY_LEN], bool negative, const uint8_t h_bytes[SHA512_LEN],
		   const uint8_t a_bytes[ED25519_KEY_LEN], uint8_t s_bytes[ED25519_KEY_LEN])
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *order = NULL, *h = BN_lebin2bn(h_bytes, SHA512_LEN, NULL), *s = BN_secure_new();
	BIGNUM *r = BN_secure_new(), *a = BN_secure_new();
	bool ok = ctx && h && s && r && a && BN_hex2bn(&order, order_hex) && BN_lebin2bn(r_bytes, ED25519_KEY_LEN, r) &&
		  BN_lebin2bn(a_bytes, ED25519_KEY_LEN, a);
	if (ok) {
		BN_set_flags(r, BN_FLG_CONSTTIME);
		BN_set_flags(a, BN_FLG_CONSTTIME);
		ok = BN_nnmod(h, h, order, ctx) && BN_mod_mul(s, h, a, order, ctx) &&
		     (negative ? BN_mod_sub(s, s, r, order, ctx) : BN_mod_add(s, s, r, order, ctx)) &&
		     BN_bn2lebinpad(s, s_bytes, ED25519_KEY_LEN) >= 0;
	}
	BN_clear_free(a);
	BN_clear_free(r);
	BN_clear_free(s);
	BN_free(h);
	BN_free(order);
	BN_CTX_free(ctx);
	return ok;
}

static bool sign_with(const struct signer *signer, const uint8_t nonce[ED25519_NONCE_LEN],
		      uint8_t signature[ED25519_SIGNATURE_LEN])
{
	uint8_t random[ED25519_KEY_LEN + 1], r[ED25519_KEY_LEN], hashed[2 * ED25519_KEY_LEN], h[SHA512_LEN];
	if (RAND_bytes(random, sizeof random) != 1 || !public_of(EVP_PKEY_ED25519, random, signature))
		return false;
	bool negative = random[ED25519_KEY_LEN] & 1;
	make_scalar(random, ED25519_KEY_LEN, r);
	if (negative)
		signature[31] ^= 0x80; /* -R has the other x, the highest bit tells which */
	memcpy(hashed, signature, ED25519_KEY_LEN);
	memcpy(hashed + ED25519_KEY_LEN, signer->key, ED25519_KEY_LEN);
	hash_sha512(h, (struct view){hashed, sizeof hashed}, (struct view){nonce, ED25519_NONCE_LEN});
	bool ok = answer(r, negative, h, signer->scalar, signature + ED25519_KEY_LEN);
	OPENSSL_cleanse(random, sizeof random);
	OPENSSL_cleanse(r, sizeof r);
	return ok;
}

static bool make_signer(const char *password, size_t len, struct signer *signer)
{
	static const uint8_t trial[ED25519_NONCE_LEN];
	uint8_t signature[ED25519_SIGNATURE_LEN];
	make_scalar(password, len, signer->scalar);
	if (!public_of(EVP_PKEY_X25519, signer->scalar, signer->key) || !y_of_u(signer->key) ||
	    !sign_with(signer, trial, signature))
		return false;
	if (!ed25519_check(signer->key, trial, signature, sizeof signature))
		signer->key[31] ^= 0x80;
	return true;
}

bool ed25519_make_key(const char *password, size_t len, uint8_t key[ED25519_KEY_LEN])
{
	struct signer signer;
	bool ok = make_signer(password, len, &signer);
	memcpy(key, signer.key, ED25519_KEY_LEN);
	OPENSSL_cleanse(&signer, sizeof signer);
	return ok;
}

bool ed25519_sign(const char *password, size_t len, const uint8_t nonce[ED25519_NONCE_LEN],
		  uint8_t signature[ED25519_SIGNATURE_LEN])
{
	struct signer signer;
	bool ok = make_signer(password, len, &signer) && sign_with(&signer, nonce, signature);
	OPENSSL_cleanse(&signer, sizeof signer);
	return ok;
}

bool ed25519_check(const uint8_t key[ED25519_KEY_LEN], const uint8_t nonce[ED25519_NONCE_LEN], const uint8_t *signature,
		   size_t len)
{
	if (len != ED25519_SIGNATURE_LEN)
		return false;
	EVP_PKEY *public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_LEN);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool right = public_key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
		     EVP_DigestVerify(ctx, signature, len, nonce, ED25519_NONCE_LEN) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public_key);
	return right;
}

bool ed25519_parse_stored(const char *stored, size_t len, uint8_t key[ED25519_KEY_LEN])
{
	uint8_t digits[ED25519_STORED_LEN + 1], bytes[ED25519_KEY_LEN + 1];
	if (len != ED25519_STORED_LEN || memchr(stored, '=', len))
		return false;
	memcpy(digits, stored, len);
	digits[len] = '=';
	/* White space ahead is skipped by EVP_DecodeBlock(), which makes fewer bytes of it. */
	if (EVP_DecodeBlock(bytes, digits, sizeof digits) != sizeof bytes)
		return false;
	memcpy(key, bytes, ED25519_KEY_LEN);
	return true;
}

bool ed25519_check_stored(const char *stored, size_t stored_len, const char *password, size_t len)
{
	uint8_t key[ED25519_KEY_LEN], made[ED25519_KEY_LEN];
	return ed25519_parse_stored(stored, stored_len, key) && ed25519_make_key(password, len, made) &&
	       CRYPTO_memcmp(key, made, sizeof key) == 0;
}
