/*
 * Wrong passwords in a row, by account: MariaDB's max_password_errors holds for logins that wye checks itself.
 *
 * The count ends with a login, with another password, and with any statement through wye that changes accounts or rights
 * (FLUSH PRIVILEGES, ALTER USER), as on the server. The table is of fixed size and takes no lock; of accounts that fall on
 * one place the last is counted.
 */
#ifndef WYE_PROXY_LOGIN_FAILURES_H
#define WYE_PROXY_LOGIN_FAILURES_H

#include <stdint.h>

/* All may be called from any thread. */
void login_failures_add(uint64_t account_id);
void login_failures_end(uint64_t account_id); /* it has logged in */
void login_failures_end_all(void);
unsigned login_failures(uint64_t account_id);

#endif
