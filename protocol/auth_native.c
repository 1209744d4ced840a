#include "protocol/auth_native.h"

#include <string.h>

#include <openssl/crypto.h>

#include "protocol/hash.h"

void native_stage1(const char *password, size_t len, uint8_t stage1[SHA1_LEN])
{
	hash_sha1(stage1, (struct view){(const uint8_t *)password, len}, (struct view){NULL, 0});
}

void native_verifier(const char *password, size_t len, uint8_t stage2[SHA1_LEN])
{
	uint8_t stage1[SHA1_LEN];
	native_stage1(password, len, stage1);
	hash_sha1(stage2, (struct view){stage1, SHA1_LEN}, (struct view){NULL, 0});
	OPENSSL_cleanse(stage1, sizeof stage1);
}

/* What stage1 is hidden with, and found with. */
static void mask(const uint8_t stage2[SHA1_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA1_LEN])
{
	hash_sha1(out, (struct view){nonce, NONCE_LEN}, (struct view){stage2, SHA1_LEN});
}

void native_scramble(const uint8_t stage1[SHA1_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA1_LEN])
{
	uint8_t stage2[SHA1_LEN], hidden[SHA1_LEN];
	hash_sha1(stage2, (struct view){stage1, SHA1_LEN}, (struct view){NULL, 0});
	mask(stage2, nonce, hidden);
	for (int i = 0; i < SHA1_LEN; i++)
		out[i] = stage1[i] ^ hidden[i];
	OPENSSL_cleanse(hidden, sizeof hidden);
}

bool native_check(const uint8_t stage2[SHA1_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t *response, size_t len,
		  uint8_t stage1_out[SHA1_LEN])
{
	uint8_t again[SHA1_LEN];
	memset(stage1_out, 0, SHA1_LEN);
	if (len != SHA1_LEN)
		return false;
	mask(stage2, nonce, stage1_out);
	for (int i = 0; i < SHA1_LEN; i++)
		stage1_out[i] ^= response[i];
	hash_sha1(again, (struct view){stage1_out, SHA1_LEN}, (struct view){NULL, 0});
	bool right = CRYPTO_memcmp(again, stage2, SHA1_LEN) == 0;
	if (!right)
		OPENSSL_cleanse(stage1_out, SHA1_LEN);
	return right;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool native_parse_stored(const char *stored, size_t len, uint8_t stage2[SHA1_LEN])
{
	if (len != 1 + 2 * SHA1_LEN || stored[0] != '*')
		return false;
	for (int i = 0; i < SHA1_LEN; i++) {
		int high = hex_digit(stored[1 + 2 * i]), low = hex_digit(stored[2 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		stage2[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

void native_format_stored(const uint8_t stage2[SHA1_LEN], char out[42])
{
	out[0] = '*';
	put_hex(out + 1, stage2, SHA1_LEN);
	out[41] = 0;
}

void tls_proof(const uint8_t stage2[SHA1_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t cert_sha256[32],
	       char out[1 + 64])
{
	uint8_t joined[SHA1_LEN + NONCE_LEN + 32], proof[32];
	memcpy(joined, stage2, SHA1_LEN);
	memcpy(joined + SHA1_LEN, nonce, NONCE_LEN);
	memcpy(joined + SHA1_LEN + NONCE_LEN, cert_sha256, 32);
	hash_sha256(proof, (struct view){joined, sizeof joined}, (struct view){NULL, 0});
	out[0] = '\x01';
	put_hex(out + 1, proof, sizeof proof);
}
