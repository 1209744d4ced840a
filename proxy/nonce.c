#include "proxy/nonce.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

/* The generator's price is that of the call, hardly of the bytes. */
#define MADE_AT_ONCE 32u

void nonce_make(uint8_t nonce[NONCE_LEN])
{
	static _Thread_local uint8_t made[MADE_AT_ONCE][NONCE_LEN];
	static _Thread_local unsigned left;
	if (!left) {
		if (RAND_bytes(made[0], sizeof made) != 1)
			abort();
		left = MADE_AT_ONCE;
	}
	memcpy(nonce, made[--left], NONCE_LEN);
	for (unsigned i = 0; i < NONCE_LEN; i++) {
		nonce[i] &= 0x7F;
		if (nonce[i] == 0 || nonce[i] == '$')
			nonce[i]++;
	}
}
