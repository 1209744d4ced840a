/*
 * The challenges of logins, to clients and administrators alike.
 */
#ifndef WYE_PROXY_NONCE_H
#define WYE_PROXY_NONCE_H

#include "protocol/auth.h"

/* One that cannot be foretold and was never used, without a zero and a dollar sign, as the servers' own. Any thread. Without
 * random numbers there is no safe login: the process ends. */
void nonce_make(uint8_t nonce[NONCE_LEN]);

#endif
