#include "proxy/accounts_load.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/accounts_json.h"
#include "proxy/vault.h"

/* The verifier as hexadecimal digits: it holds any byte, and no character set must touch it. */
static const char mysql_sql[] = "SELECT user, host, plugin, HEX(authentication_string), account_locked = "
                                "'Y', password_expired = 'Y', ssl_type, super_priv = 'Y'"
                                " FROM mysql.user";
static const char mariadb_view_sql[] =
    "SELECT user, host, plugin, HEX(authentication_string), 0, password_expired = 'Y', ssl_type, super_priv = 'Y'"
    " FROM mysql.user WHERE is_role <> 'Y'";
static const char mariadb_sql[] = "SELECT user, host, priv FROM mysql.global_priv";

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t from_hex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;
	for (; hex && hex[0] && hex[1] && n < room; hex += 2) {
		int high = hex_digit(hex[0]), low = hex_digit(hex[1]);
		if (high < 0 || low < 0)
			break;
		out[n++] = (uint8_t)(high << 4 | low);
	}
	return n;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool is_true(const char *text)
{
	return text && strcmp(text, "1") == 0;
}

static void add_row(struct account_set *set, struct library_result *r)
{
	struct account a;
	memset(&a, 0, sizeof a);
	snprintf(a.user, sizeof a.user, "%s", or_empty(library_value(r, 0, NULL)));
	snprintf(a.host, sizeof a.host, "%s", or_empty(library_value(r, 1, NULL)));
	uint8_t verifier[sizeof a.verifier];
	size_t len = from_hex(library_value(r, 3, NULL), verifier, sizeof verifier);
	account_set_plugin(&a, or_empty(library_value(r, 2, NULL)), verifier, len);
	a.locked = is_true(library_value(r, 4, NULL));
	a.password_expired = is_true(library_value(r, 5, NULL));
	const char *ssl = or_empty(library_value(r, 6, NULL));
	a.require_tls = *ssl != '\0';
	a.skips_init_connect = is_true(library_value(r, 7, NULL));
	a.require_certificate = strcmp(ssl, "X509") == 0;
	if (a.require_tls && !a.require_certificate && strcmp(ssl, "ANY") != 0)
		account_set_plugin(&a, ACCOUNT_CERTIFICATE, NULL, 0);
	account_set_add(set, &a);
	OPENSSL_cleanse(&a, sizeof a);
}

static void add_json_row(struct account_set *set, struct accounts_json *j, struct library_result *r)
{
	struct account a;
	if (accounts_json_read(j, or_empty(library_value(r, 0, NULL)), or_empty(library_value(r, 1, NULL)),
	                       or_empty(library_value(r, 2, NULL)), &a))
		account_set_add(set, &a);
	OPENSSL_cleanse(&a, sizeof a);
}

/* Native accounts: verifier "*HEX(SHA1(SHA1(password)))". What logs in with it, to servers of either plugin,
 * goes to the vault. */
static void add_by_hand(struct account_set *set, const struct user_option *user)
{
	struct account a = {.by_hand = true};
	struct vault_secret secret = {.empty = !*user->password};
	size_t len = strlen(user->password);
	uint8_t stage2[SHA_DIGEST_LENGTH];
	char verifier[2 + 2 * SHA_DIGEST_LENGTH] = "*";
	SHA1((const uint8_t *)user->password, len, secret.sha1_stage1);
	SHA1(secret.sha1_stage1, sizeof secret.sha1_stage1, stage2);
	for (unsigned i = 0; i < sizeof stage2; i++)
		snprintf(verifier + 1 + 2 * i, 3, "%02X", stage2[i]);
	SHA256((const uint8_t *)user->password, len, secret.sha256_stage1);
	SHA256(secret.sha256_stage1, sizeof secret.sha256_stage1, secret.sha256_stage2);
	secret.has_sha1 = secret.has_sha256 = true;
	if (len <= sizeof secret.clear) {
		memcpy(secret.clear, user->password, len);
		secret.clear_len = len;
	}
	snprintf(a.user, sizeof a.user, "%s", user->name);
	strcpy(a.host, "%");
	account_set_plugin(&a, "mysql_native_password", verifier, secret.empty ? 0 : strlen(verifier));
	account_set_add(set, &a);
	vault_put(account_id(&a), &secret);
	OPENSSL_cleanse(&secret, sizeof secret);
	OPENSSL_cleanse(&a, sizeof a);
}

static struct account_set *seal_with(struct account_set *set, const struct config *config)
{
	for (size_t i = 0; i < config->n_users; i++)
		if (config->users[i].option.has_password)
			add_by_hand(set, &config->users[i].option);
	account_set_seal(set);
	return set;
}

struct account_set *accounts_by_hand(const struct config *config)
{
	return seal_with(account_set_create(), config);
}

static bool load_rows(struct library_connection *c, const char *sql, struct account_set *set,
                      struct library_error *error)
{
	struct library_result *r;
	if (!library_query(c, sql, &r, error))
		return false;
	while (library_row(r))
		add_row(set, r);
	library_free(r);
	return true;
}

/* From 10.4 on. */
static bool load_limit(struct library_connection *c, struct account_set *set, struct library_error *error)
{
	struct library_result *r;
	if (!library_query(c, "SELECT @@global.max_password_errors", &r, error))
		return !library_failure_is_final(error->failure);
	if (library_row(r))
		account_set_limit_errors(set, strtoull(or_empty(library_value(r, 0, NULL)), NULL, 10));
	library_free(r);
	return true;
}

static bool load_global_priv(struct library_connection *c, struct account_set *set,
                             struct library_error *error)
{
	struct library_result *r;
	if (!library_query(c, mariadb_sql, &r, error))
		return false;
	struct accounts_json *j = accounts_json_create();
	if (!j)
		abort();
	while (library_row(r))
		add_json_row(set, j, r);
	accounts_json_destroy(j);
	library_free(r);
	return true;
}

/* A data directory that came from MySQL, and was not upgraded, has MySQL's table under MariaDB. */
static bool load_view(struct library_connection *c, struct account_set *set, struct library_error *error)
{
	struct library_error first;
	if (load_rows(c, mariadb_view_sql, set, error))
		return true;
	first = *error;
	if (!library_failure_is_final(first.failure) && load_rows(c, mysql_sql, set, error))
		return true;
	if (!library_failure_is_final(error->failure))
		*error = first;
	return false;
}

static bool load_mariadb(struct library_connection *c, struct account_set *set, struct library_error *error)
{
	if (load_global_priv(c, set, error))
		return true;
	struct library_error first = *error;
	if (library_failure_is_final(first.failure) || load_view(c, set, error))
		return !library_failure_is_final(first.failure);
	if (!library_failure_is_final(error->failure))
		*error = first; /* the GRANT to ask for is that of the table */
	return false;
}

struct account_set *accounts_load(struct library_connection *c, enum flavor flavor,
                                  const struct config *config, struct library_error *error)
{
	struct account_set *set = account_set_create();
	bool loaded = flavor == FLAVOR_MARIADB ? load_mariadb(c, set, error) && load_limit(c, set, error)
	                                       : load_rows(c, mysql_sql, set, error);
	if (loaded)
		return seal_with(set, config);
	account_set_unref(set);
	return NULL;
}

static bool has_user(const struct account_set *set, const char *name)
{
	for (size_t i = 0; set && i < account_set_size(set); i++)
		if (strcmp(account_set_at(set, i)->user, name) == 0)
			return true;
	return false;
}

const struct user_option *accounts_unknown(const struct account_set *set, const struct config *config)
{
	for (size_t i = 0; i < config->n_users; i++) {
		const struct user_option *user = &config->users[i].option;
		if (!user->has_password && !has_user(set, user->name))
			return user;
	}
	return NULL;
}
