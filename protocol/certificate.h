/*
 * A certificate made at the first start when none is given, as the servers do: self-signed, EC P-256 with SHA-256, which
 * every client speaks that speaks TLS 1.2 (OpenSSL, GnuTLS, Schannel, Java 8, Go, Node), and which costs a handshake a
 * tenth of what RSA does. In memory as PEM: reading and writing files is for the caller.
 */
#ifndef WYE_PROTOCOL_CERTIFICATE_H
#define WYE_PROTOCOL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "protocol/wire.h"

struct certificate {
	char *certificate_pem, *key_pem; /* with a NUL each */
	size_t certificate_len, key_len; /* without it */
};

/* Valid for ten years from an hour before now. False when out of memory or of randomness. The caller finishes it. */
bool certificate_make(struct certificate *c, const char *common_name, time_t now) __attribute__((warn_unused_result));
void certificate_finish(struct certificate *c); /* wipes the key */

/* What a pair of PEM files holds, before it is used: false with a sentence in error when the key is not the
 * certificate's, or either cannot be read. *expires is the end of the leaf's validity. */
bool certificate_check(struct view certificate_pem, struct view key_pem, time_t *expires, char *error, size_t size)
	__attribute__((warn_unused_result));

/* SHA-256 of the DER of the first certificate in the PEM. */
bool certificate_sha256(struct view certificate_pem, uint8_t out[32]) __attribute__((warn_unused_result));

#endif
