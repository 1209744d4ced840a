/*
 * caching_sha2_password. Two things that have little to do with each other:
 *
 * The fast path: stage1 = SHA256(password), the server's cache holds stage2 = SHA256(stage1), the client answers
 * stage1 XOR SHA256(stage2, nonce). As with native, stage2 checks an answer and takes stage1 out of it.
 *
 * The stored string: "$A$", three hex digits (thousands of rounds), "$", 20 bytes of salt (any bytes), 43 characters:
 * SHA-crypt-256 of the clear password. stage2 cannot be made from it, nor it from stage2, which is why a server with a
 * cold cache asks for the password itself.
 *
 * sha256_password, which came before it, has no fast path: the client sends the password at every login. What it stores
 * is "$5$", the salt, "$" and the 43 characters, of 5000 rounds.
 */
#ifndef WYE_PROTOCOL_AUTH_SHA2_H
#define WYE_PROTOCOL_AUTH_SHA2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/constants.h"

#define SHA256_LEN 32
#define SHA2_SALT_LEN 20
#define SHA2_STORED_LEN 70 /* 3 + 3 + 1 + 20 + 43 */
#define SHA256_STORED_LEN 67 /* of sha256_password: 3 + 20 + 1 + 43 */
#define SHA2_PASSWORD_MAX 256

/* Second bytes of the plugin's AuthMoreData, and the client's request. */
#define SHA2_FAST_OK 0x03
#define SHA2_FULL 0x04
#define SHA2_REQUEST_KEY 0x02
#define SHA256_REQUEST_KEY 0x01 /* of sha256_password */

void sha2_stage1(const char *password, size_t len, uint8_t stage1[SHA256_LEN]);
void sha2_stage2(const uint8_t stage1[SHA256_LEN], uint8_t stage2[SHA256_LEN]);

/* The client's answer. */
void sha2_scramble(const uint8_t stage1[SHA256_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA256_LEN]);

/* As native_check(). */
bool sha2_check(const uint8_t stage2[SHA256_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t *response, size_t len,
		uint8_t stage1_out[SHA256_LEN]);

/* Whether the password is that of the stored string, of either plugin. Takes some 3 to 5 ms at 5000 rounds (twice that
 * for MySQL 9, whose strings say 10000): not for an event loop. False for a malformed string, for more than SHA2_PASSWORD_MAX bytes, and
 * for rounds beyond what the servers can write (0xFFF thousand). Thread-safe. */
bool sha2_check_stored(const char *stored, size_t stored_len, const char *password, size_t len);

/* Whether it has the shape of a stored string, of either. */
bool sha2_is_stored(const char *stored, size_t stored_len);

/* The string a server would keep; thousands of rounds from 1 to 0xFFF. For tests and accounts of our own. */
bool sha2_make_stored(const char *password, size_t len, const uint8_t salt[SHA2_SALT_LEN], unsigned thousands,
		      char out[SHA2_STORED_LEN]);

/* (password and NUL) XOR the nonce repeated, in place, both ways: what goes into RSA. */
void sha2_xor_nonce(uint8_t *data, size_t len, const uint8_t nonce[NONCE_LEN]);

#endif
