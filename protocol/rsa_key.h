/*
 * The RSA key that hides a password on a connection without TLS: OAEP with SHA-1, as the servers do it.
 *
 * A key is read-only once made and may be used by several threads. Making one takes tens to hundreds of milliseconds,
 * decrypting under one.
 */
#ifndef WYE_PROTOCOL_RSA_KEY_H
#define WYE_PROTOCOL_RSA_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

#define RSA_KEY_MAX_BYTES 1024 /* of a block: 8192 bits */

struct rsa_key;

/* NULL when it cannot be made, or the PEM holds no private RSA key of 1024 to 8192 bits. */
struct rsa_key *rsa_key_generate(void); /* 2048 bits */
struct rsa_key *rsa_key_load(struct view private_pem);
void rsa_key_destroy(struct rsa_key *key);

/* What a client gets that asks for it; lives as long as the key. */
struct view rsa_key_public_pem(const struct rsa_key *key);

/* Bytes of a block, i.e. of what a client sends encrypted. */
size_t rsa_key_size(const struct rsa_key *key);

/* False when it does not decrypt or does not fit. */
bool rsa_key_decrypt(const struct rsa_key *key, struct view in, uint8_t *out, size_t cap, size_t *len)
	__attribute__((warn_unused_result));

/* With the public key a server sent. False when that is no such key, or the data is too long for it. */
bool rsa_encrypt_with_pem(struct view public_pem, struct view in, uint8_t out[RSA_KEY_MAX_BYTES], size_t *len)
	__attribute__((warn_unused_result));

#endif
