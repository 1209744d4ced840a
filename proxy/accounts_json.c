#include "proxy/accounts_json.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/auth_ed25519.h"

/* sqlite reads the JSON: it is linked anyway, and it is a reader that has met everything. */
struct accounts_json {
	sqlite3 *db;
	sqlite3_stmt *top, *alternatives;
};

static const char top_sql[] =
    "SELECT json_extract(?1, '$.plugin'), json_extract(?1, '$.authentication_string'),"
    " json_extract(?1, '$.account_locked'), ifnull(json_extract(?1, '$.password_last_changed'), 1),"
    " ifnull(json_extract(?1, '$.ssl_type'), 0), json_extract(?1, '$.is_role'),"
    " ifnull(json_extract(?1, '$.access'), 0)";

/* Bits of a global privilege in "access": SUPER, and CONNECTION ADMIN, which was split off it. */
#define ACCESS_SUPER            (1ll << 15)
#define ACCESS_CONNECTION_ADMIN (1ll << 32)

static const char alternatives_sql[] =
    "SELECT json_extract(value, '$.plugin'), json_extract(value, '$.authentication_string')"
    " FROM json_each(?1, '$.auth_or') WHERE json_extract(value, '$.plugin') IS NOT NULL";

void accounts_json_destroy(struct accounts_json *j)
{
	if (!j)
		return;
	sqlite3_finalize(j->top);
	sqlite3_finalize(j->alternatives);
	sqlite3_close(j->db);
	free(j);
}

struct accounts_json *accounts_json_create(void)
{
	struct accounts_json *j = calloc(1, sizeof *j);
	if (j && sqlite3_open(":memory:", &j->db) == SQLITE_OK &&
	    sqlite3_prepare_v2(j->db, top_sql, -1, &j->top, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(j->db, alternatives_sql, -1, &j->alternatives, NULL) == SQLITE_OK)
		return j;
	accounts_json_destroy(j);
	return NULL;
}

static const struct {
	const char *name;
	enum account_plugin plugin;
} plugins[] = {
	{"mysql_native_password", ACCOUNT_NATIVE},
	{"caching_sha2_password", ACCOUNT_SHA2},
	{"sha256_password", ACCOUNT_SHA256},
	{"ed25519", ACCOUNT_ED25519},
};

bool account_set_plugin(struct account *account, const char *plugin, const void *verifier, size_t len)
{
	if (!*plugin)
		plugin = "mysql_native_password";
	if (len > sizeof account->verifier)
		return false;
	snprintf(account->plugin_name, sizeof account->plugin_name, "%s", plugin);
	account->plugin = ACCOUNT_OTHER;
	for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++)
		if (strcmp(plugin, plugins[i].name) == 0)
			account->plugin = plugins[i].plugin;
	memset(account->verifier, 0, sizeof account->verifier);
	if (len)
		memcpy(account->verifier, verifier, len);
	account->verifier_len = len;
	return true;
}

/* How good an alternative is: one that nobody can pass ("invalid") is as little use as a plugin wye does not
 * know. */
static int usefulness(const struct account *a)
{
	if (a->plugin == ACCOUNT_OTHER)
		return 0;
	if (a->verifier_len == 0)
		return a->plugin == ACCOUNT_ED25519 ? 1 : 4;
	if (a->plugin == ACCOUNT_ED25519)
		return a->verifier_len == ED25519_STORED_LEN ? 2 : 1;
	if (a->plugin == ACCOUNT_NATIVE)
		return a->verifier_len == 41 && a->verifier[0] == '*' ? 3 : 1;
	return a->verifier_len > 3 && memcmp(a->verifier, "$A$", 3) == 0 ? 2 : 1;
}

static const char *text_of(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);
	return text ? (const char *)text : "";
}

static bool set_plugin_from(struct account *account, sqlite3_stmt *s)
{
	const char *verifier = text_of(s, 1);
	return account_set_plugin(account, text_of(s, 0), verifier, (size_t)sqlite3_column_bytes(s, 1));
}

/* Every alternative is tried; the top-level plugin is already in the account. */
static void choose_alternative(struct accounts_json *j, struct account *account)
{
	while (sqlite3_step(j->alternatives) == SQLITE_ROW) {
		struct account other = *account;
		if (set_plugin_from(&other, j->alternatives) && usefulness(&other) > usefulness(account))
			*account = other;
	}
}

enum { SSL_NONE, SSL_ANY, SSL_X509 }; /* then SPECIFIED: of what subject, issuer, cipher */

static bool read_top(struct accounts_json *j, struct account *account)
{
	if (sqlite3_step(j->top) != SQLITE_ROW || sqlite3_column_int(j->top, 5))
		return false;
	account->locked = sqlite3_column_int(j->top, 2) != 0;
	account->password_expired = sqlite3_column_int64(j->top, 3) == 0;
	int ssl_type = sqlite3_column_int(j->top, 4);
	account->require_tls = ssl_type > SSL_NONE;
	account->skips_init_connect =
	    sqlite3_column_int64(j->top, 6) & (ACCESS_SUPER | ACCESS_CONNECTION_ADMIN);
	if (!set_plugin_from(account, j->top))
		return false;
	choose_alternative(j, account);
	account->require_certificate = ssl_type == SSL_X509;
	return ssl_type <= SSL_X509 || account_set_plugin(account, ACCOUNT_CERTIFICATE, NULL, 0);
}

bool accounts_json_read(struct accounts_json *j, const char *user, const char *host, const char *priv,
                        struct account *account)
{
	memset(account, 0, sizeof *account);
	if (strlen(user) >= sizeof account->user || strlen(host) >= sizeof account->host)
		return false;
	strcpy(account->user, user);
	strcpy(account->host, host);
	sqlite3_bind_text(j->top, 1, priv, -1, SQLITE_STATIC);
	sqlite3_bind_text(j->alternatives, 1, priv, -1, SQLITE_STATIC);
	bool is_account = read_top(j, account);
	sqlite3_reset(j->top);
	sqlite3_reset(j->alternatives);
	sqlite3_clear_bindings(j->top);
	sqlite3_clear_bindings(j->alternatives);
	return is_account;
}
