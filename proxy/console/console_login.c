#include "proxy/console/console_login.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <string.h>
#include <uv.h>

#include "protocol/auth_native.h"
#include "protocol/auth_sha2.h"
#include "proxy/address_failures.h"
#include "proxy/config/config_change.h"
#include "proxy/events.h"

#define NS_PER_MS 1000000u

bool console_has_admins(void)
{
	struct config *c = config_get();
	bool any = c && c->n_admins;
	config_unref(c);
	return any;
}

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* An account that does not exist takes as long as one whose password is wrong. */
static bool is_right(const struct console_session *s, const struct config_admin *admin, struct view answer)
{
	static const char nobody[ADMIN_VERIFIER_LEN + 1] =
		"*0000000000000000000000000000000000000000:0000000000000000000000000000000000000000000000000000000000000000";
	const char *verifier = admin ? admin->verifier : nobody;
	uint8_t sha1[SHA1_LEN], sha256[SHA256_LEN], stage1[SHA256_LEN];
	bool fine = native_parse_stored(verifier, 41, sha1);
	for (unsigned i = 0; i < SHA256_LEN; i++)
		sha256[i] = (uint8_t)(nibble(verifier[42 + 2 * i]) << 4 | nibble(verifier[43 + 2 * i]));
	fine = fine && (s->plugin == AUTH_SHA2 ? sha2_check(sha256, s->nonce, answer.p, answer.len, stage1)
					       : native_check(sha1, s->nonce, answer.p, answer.len, stage1));
	OPENSSL_cleanse(stage1, sizeof stage1);
	return fine && admin;
}

bool console_login_check(const struct console_session *s, struct view answer, enum admin_role *role)
{
	*role = ADMIN_ROLE_ADMIN;
	struct config *c = config_get();
	const struct config_admin *admin = c ? config_admin_named(c, s->user) : NULL;
	bool accounts = c && c->n_admins;
	bool fine = s->owner && (s->by_unix || !accounts);
	if (!fine && accounts) {
		fine = is_right(s, admin, answer);
		*role = admin ? admin->role : ADMIN_ROLE_MONITOR;
	}
	config_unref(c);
	return fine;
}

bool console_is_guessing(const struct address *address)
{
	struct config *c = config_get();
	bool does = c && c->settings.login_failures_max &&
		    address_failures(address, c->settings.login_failures_time, uv_hrtime() / NS_PER_MS) >=
			    c->settings.login_failures_max;
	config_unref(c);
	return does;
}

void console_login_failed(const struct console_session *s)
{
	struct config *c = config_get();
	unsigned n = c ? address_failures_add(&s->address, c->settings.login_failures_time, uv_hrtime() / NS_PER_MS) : 0;
	if (n && n == c->settings.login_failures_max)
		event_note(LOG_LEVEL_WARNING, "address-blocked", NULL,
			   "%u wrong passwords came from one address, the last one for '%.64s' of the console: its logins"
			   " are refused for a while",
			   n, s->user);
	config_unref(c);
}

bool console_may_act(const struct console_session *s, struct answer *a)
{
	if (s->monitor)
		answer_error(a, 1227, "42000", "Access denied: '%.64s' has the role monitor, which may only read", s->user);
	return !s->monitor;
}
