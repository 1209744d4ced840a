/* Who may log in to the console, and what for. */
#ifndef WYE_PROXY_CONSOLE_LOGIN_H
#define WYE_PROXY_CONSOLE_LOGIN_H

#include <stdbool.h>

#include "protocol/wire.h"
#include "proxy/config/config.h"
#include "proxy/console/console_answer.h"
#include "proxy/console/console_session.h"

/* There are accounts in the table `admins`. */
bool console_has_admins(void);

/* Its address has given too many wrong passwords (address_failures.h). */
bool console_is_guessing(const struct address *address);
void console_login_failed(const struct console_session *s);

/* Checks the answer to the session's nonce, by its plugin; whoever is not asked is an admin. */
bool console_login_check(const struct console_session *s, struct view answer, enum admin_role *role);

/* False, and the error is answered, when the session may only read. */
bool console_may_act(const struct console_session *s, struct answer *a);

#endif
