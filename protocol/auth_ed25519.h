/*
 * ed25519, as MariaDB has it: the client signs the server's nonce. It is Ed25519 (RFC 8032), but for the seed, which may
 * have any length: it is the password. The server keeps the public key, as base 64 without its '='.
 *
 * The public key checks a signature, and a password too, since the key is made from it. Nothing that logs in elsewhere
 * can be taken out of a signature.
 */
#ifndef WYE_PROTOCOL_AUTH_ED25519_H
#define WYE_PROTOCOL_AUTH_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_KEY_LEN 32
#define ED25519_NONCE_LEN 32 /* any bytes, and no NUL behind them in the switch */
#define ED25519_SIGNATURE_LEN 64
#define ED25519_STORED_LEN 43

/* Both false when OpenSSL is out of memory only. The signature is another one each time. */
bool ed25519_make_key(const char *password, size_t len, uint8_t key[ED25519_KEY_LEN]);
bool ed25519_sign(const char *password, size_t len, const uint8_t nonce[ED25519_NONCE_LEN],
		  uint8_t signature[ED25519_SIGNATURE_LEN]);

/* Whether the signature of the nonce was made with the password of the key. */
bool ed25519_check(const uint8_t key[ED25519_KEY_LEN], const uint8_t nonce[ED25519_NONCE_LEN], const uint8_t *signature,
		   size_t len);

/* 43 digits of base 64. */
bool ed25519_parse_stored(const char *stored, size_t len, uint8_t key[ED25519_KEY_LEN]);

/* Whether the password is that of the stored string. Takes some 0.3 ms. Thread-safe. */
bool ed25519_check_stored(const char *stored, size_t stored_len, const char *password, size_t len);

#endif
