#include "protocol/rsa_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define BITS 2048
#define BITS_MIN 1024

struct rsa_key {
	EVP_PKEY *key;
	char *public_pem;
	size_t public_len;
};

/* RSA and of a size that our buffers hold; keys under 1024 bits are not worth the name. */
static bool is_usable(const EVP_PKEY *key)
{
	return key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= BITS_MIN &&
	       EVP_PKEY_get_size(key) <= RSA_KEY_MAX_BYTES;
}

static char *public_pem_of(EVP_PKEY *key, size_t *len)
{
	char *pem = NULL, *bytes;
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio && PEM_write_bio_PUBKEY(bio, key)) {
		*len = (size_t)BIO_get_mem_data(bio, &bytes);
		pem = malloc(*len);
		if (pem)
			memcpy(pem, bytes, *len);
	}
	BIO_free(bio);
	return pem;
}

/* Takes the key over. */
static struct rsa_key *wrap(EVP_PKEY *key)
{
	struct rsa_key *k = is_usable(key) ? calloc(1, sizeof *k) : NULL;
	ERR_clear_error();
	if (!k) {
		EVP_PKEY_free(key);
		return NULL;
	}
	k->key = key;
	k->public_pem = public_pem_of(key, &k->public_len);
	if (k->public_pem)
		return k;
	rsa_key_destroy(k);
	return NULL;
}

struct rsa_key *rsa_key_generate(void)
{
	return wrap(EVP_RSA_gen(BITS));
}

/* Asks for no passphrase: nobody is there to type one. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

struct rsa_key *rsa_key_load(struct view private_pem)
{
	BIO *bio = private_pem.len <= INT32_MAX ? BIO_new_mem_buf(private_pem.p, (int)private_pem.len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	return wrap(key);
}

void rsa_key_destroy(struct rsa_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key->public_pem);
	free(key);
}

struct view rsa_key_public_pem(const struct rsa_key *key)
{
	return (struct view){(const uint8_t *)key->public_pem, key->public_len};
}

size_t rsa_key_size(const struct rsa_key *key)
{
	return (size_t)EVP_PKEY_get_size(key->key);
}

/* OAEP's own default is SHA-1, which is what the servers use; said here so that no configuration changes it. */
static bool set_padding(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha1()) > 0;
}

bool rsa_key_decrypt(const struct rsa_key *key, struct view in, uint8_t *out, size_t cap, size_t *len)
{
	uint8_t plain[RSA_KEY_MAX_BYTES];
	size_t plain_len = sizeof plain;
	if (in.len != rsa_key_size(key))
		return false;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->key, NULL);
	bool ok = ctx && EVP_PKEY_decrypt_init(ctx) > 0 && set_padding(ctx) &&
		  EVP_PKEY_decrypt(ctx, plain, &plain_len, in.p, in.len) > 0 && plain_len <= cap;
	if (ok) {
		memcpy(out, plain, plain_len);
		*len = plain_len;
	}
	OPENSSL_cleanse(plain, sizeof plain);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool rsa_encrypt_with_pem(struct view public_pem, struct view in, uint8_t out[RSA_KEY_MAX_BYTES], size_t *len)
{
	BIO *bio = public_pem.len <= INT32_MAX ? BIO_new_mem_buf(public_pem.p, (int)public_pem.len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;
	EVP_PKEY_CTX *ctx = is_usable(key) ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	*len = RSA_KEY_MAX_BYTES;
	bool ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 && set_padding(ctx) &&
		  EVP_PKEY_encrypt(ctx, out, len, in.p, in.len) > 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}
