/*
 * mysql_native_password: the server keeps stage2 = SHA1(stage1), stage1 = SHA1(password), written '*' and 40 hex digits;
 * the client answers stage1 XOR SHA1(nonce, stage2). Whoever knows stage2 can both check an answer and take stage1 out of
 * it, and stage1 is all that is needed to log in elsewhere.
 */
#ifndef WYE_PROTOCOL_AUTH_NATIVE_H
#define WYE_PROTOCOL_AUTH_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/constants.h"

#define SHA1_LEN 20

void native_stage1(const char *password, size_t len, uint8_t stage1[SHA1_LEN]);
void native_verifier(const char *password, size_t len, uint8_t stage2[SHA1_LEN]);

/* The client's answer. */
void native_scramble(const uint8_t stage1[SHA1_LEN], const uint8_t nonce[NONCE_LEN], uint8_t out[SHA1_LEN]);

/* True when the answer was made from the password of stage2; then stage1_out holds stage1, else zeros. The time it
 * takes says nothing about the bytes. */
bool native_check(const uint8_t stage2[SHA1_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t *response, size_t len,
		  uint8_t stage1_out[SHA1_LEN]);

/* "*" and 40 hex digits of either case. */
bool native_parse_stored(const char *stored, size_t len, uint8_t stage2[SHA1_LEN]);
void native_format_stored(const uint8_t stage2[SHA1_LEN], char out[42]);

/* What MariaDB's clients from Connector/C 3.4 on want to see as the info of the login's OK, before they trust a
 * certificate that no authority signed: "\x01" and the hex of SHA256(stage2, nonce, SHA-256 of the certificate's DER).
 * It has no NUL; the info must hold these 65 bytes and nothing more.
 *
 * A client looks for it when TLS is on, the certificate failed the check of trust (and no other check: not its dates),
 * the user named no CA, CA path or fingerprint and did not switch verification off, and the host it connected to is
 * neither a Unix socket nor 127.0.0.1 nor ::1. Nothing in the capabilities asks for it, so send it to every client that
 * logged in over TLS with a password by native authentication: others show it at most as the info of a statement that
 * had none. Before it sends its login such a client also demands that it has a password and that the plugin it begins
 * with (the greeting's, unless the user chose one) is one whose password hash it can compute: mysql_native_password,
 * client_ed25519 or parsec, not caching_sha2_password; the same holds for every plugin it is switched to. So towards
 * MariaDB clients the greeting names mysql_native_password. The nonce is the last one sent to the client: the
 * greeting's, or the switch's when there was one. */
void tls_proof(const uint8_t stage2[SHA1_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t cert_sha256[32],
	       char out[1 + 64]);

#endif
