#include "protocol/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#define YEARS 10
#define HOUR 3600

static char *text_of(BIO *bio, size_t *len)
{
	char *bytes;
	*len = (size_t)BIO_get_mem_data(bio, &bytes);
	char *text = malloc(*len + 1);
	if (text) {
		memcpy(text, bytes, *len);
		text[*len] = 0;
	}
	return text;
}

static char *certificate_text(X509 *x, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = bio && PEM_write_bio_X509(bio, x) ? text_of(bio, len) : NULL;
	BIO_free(bio);
	return text;
}

static char *key_text(EVP_PKEY *key, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	char *text = ok ? text_of(bio, len) : NULL;
	BIO_free(bio);
	return text;
}

static bool set_random_serial(X509 *x)
{
	uint8_t bytes[16];
	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7F) | 0x40; /* positive, and always of the same length */
	BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	return ok;
}

/* Like the servers' own: a common name and no extensions. With a key usage that leaves certificate signing out, OpenSSL
 * 1.1 would not call it self-signed, and MariaDB's clients accept an unknown certificate only as that. */
static X509 *sign_self(EVP_PKEY *key, const char *common_name, time_t now)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	bool ok = name && X509_set_version(x, X509_VERSION_3) && set_random_serial(x) &&
		  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
					     0) &&
		  X509_set_issuer_name(x, name) && X509_time_adj_ex(X509_getm_notBefore(x), 0, -HOUR, &now) &&
		  X509_time_adj_ex(X509_getm_notAfter(x), YEARS * 365, 0, &now) && X509_set_pubkey(x, key) &&
		  X509_sign(x, key, EVP_sha256());
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}

bool certificate_make(struct certificate *c, const char *common_name, time_t now)
{
	*c = (struct certificate){NULL, NULL, 0, 0};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? sign_self(key, common_name, now) : NULL;
	if (x) {
		c->certificate_pem = certificate_text(x, &c->certificate_len);
		c->key_pem = key_text(key, &c->key_len);
	}
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (c->certificate_pem && c->key_pem)
		return true;
	certificate_finish(c);
	return false;
}

void certificate_finish(struct certificate *c)
{
	if (c->key_pem)
		OPENSSL_cleanse(c->key_pem, c->key_len);
	free(c->key_pem);
	free(c->certificate_pem);
	*c = (struct certificate){NULL, NULL, 0, 0};
}

static BIO *bio_of(struct view pem)
{
	return pem.len && pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.len) : NULL;
}

static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static X509 *read_leaf(struct view pem)
{
	BIO *bio = bio_of(pem);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return x;
}

static EVP_PKEY *read_key(struct view pem)
{
	BIO *bio = bio_of(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static bool end_of(X509 *x, time_t *expires)
{
	struct tm tm;
	if (!ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm))
		return false;
	*expires = timegm(&tm);
	return true;
}

bool certificate_check(struct view certificate_pem, struct view key_pem, time_t *expires, char *error, size_t size)
{
	X509 *x = read_leaf(certificate_pem);
	EVP_PKEY *key = read_key(key_pem);
	const char *wrong = NULL;
	if (!x)
		wrong = "there is no PEM certificate in the certificate file";
	else if (!key)
		wrong = "there is no PEM private key without a passphrase in the key file";
	else if (!X509_check_private_key(x, key))
		wrong = "the private key does not belong to the certificate";
	else if (!end_of(x, expires))
		wrong = "the certificate's end of validity cannot be read";
	if (wrong)
		snprintf(error, size, "%s", wrong);
	EVP_PKEY_free(key);
	X509_free(x);
	ERR_clear_error();
	return !wrong;
}

bool certificate_sha256(struct view certificate_pem, uint8_t out[32])
{
	X509 *x = read_leaf(certificate_pem);
	bool ok = x && X509_digest(x, EVP_sha256(), out, NULL);
	X509_free(x);
	return ok;
}
