/*
 * SHA-1, SHA-256 and SHA-512 of two pieces laid end to end, which is all that the authentication schemes ask for. The second may
 * be empty.
 */
#ifndef WYE_PROTOCOL_HASH_H
#define WYE_PROTOCOL_HASH_H

#include <stdint.h>

#include "protocol/wire.h"

void hash_sha1(uint8_t out[20], struct view a, struct view b);
void hash_sha256(uint8_t out[32], struct view a, struct view b);
void hash_sha512(uint8_t out[64], struct view a, struct view b);

#endif
