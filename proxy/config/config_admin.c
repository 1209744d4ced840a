/* Rows of main.admins: what they may hold, and verifiers made of passwords. */
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/auth_native.h"
#include "protocol/auth_sha2.h"
#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"

#define PASSWORD_MAX 255

static bool is_verifier(const char *text)
{
	if (strlen(text) != ADMIN_VERIFIER_LEN || text[0] != '*' || text[41] != ':')
		return false;
	for (unsigned i = 1; i < ADMIN_VERIFIER_LEN; i++)
		if (i != 41 && !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static void make_verifier(const char *password, char out[ADMIN_VERIFIER_LEN + 1])
{
	uint8_t sha1[SHA1_LEN], stage1[SHA256_LEN], stage2[SHA256_LEN];
	size_t len = strlen(password);
	native_verifier(password, len, sha1);
	sha2_stage1(password, len, stage1);
	sha2_stage2(stage1, stage2);
	native_format_stored(sha1, out);
	out[41] = ':';
	for (unsigned i = 0; i < SHA256_LEN; i++)
		snprintf(out + 42 + 2 * i, 3, "%02x", stage2[i]);
	OPENSSL_cleanse(stage1, sizeof stage1);
}

bool config_admin_parse(struct config_admin *a, const char *name, const char *password, const char *role,
			const char *comment, char *error, size_t error_size)
{
	*a = (struct config_admin){.role = ADMIN_ROLE_ADMIN};
	if (!*name || strlen(name) >= sizeof a->name)
		return config_refuse(error, error_size, "admins: a name has 1 to %zu bytes", sizeof a->name - 1);
	if (!*password || strlen(password) > PASSWORD_MAX)
		return config_refuse(error, error_size, "admins: '%.64s' needs a password of 1 to %d bytes", name,
				     PASSWORD_MAX);
	if (strlen(comment) > CONFIG_COMMENT_MAX)
		return config_refuse(error, error_size, "admins: the comment of '%.64s' is longer than %d bytes", name,
				     CONFIG_COMMENT_MAX);
	if (strcasecmp(role, config_admin_role_name(ADMIN_ROLE_MONITOR)) == 0)
		a->role = ADMIN_ROLE_MONITOR;
	else if (strcasecmp(role, config_admin_role_name(ADMIN_ROLE_ADMIN)) != 0)
		return config_refuse(error, error_size, "admins: role '%.64s' of '%.64s' is not allowed; allowed: admin, monitor",
				     role, name);
	snprintf(a->name, sizeof a->name, "%s", name);
	snprintf(a->comment, sizeof a->comment, "%s", comment);
	if (is_verifier(password))
		memcpy(a->verifier, password, sizeof a->verifier);
	else
		make_verifier(password, a->verifier);
	return true;
}
