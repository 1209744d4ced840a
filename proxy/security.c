#include "proxy/security.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "protocol/certificate.h"
#include "proxy/log.h"

#define FILE_MAX (1u << 20)

static struct transport_tls_context *client_side, *server_side;
static struct rsa_key *rsa;
static pthread_t rsa_maker;
static bool rsa_is_being_made;

struct transport_tls_context *security_client_side(void)
{
	return client_side;
}

struct transport_tls_context *security_server_side(void)
{
	return server_side;
}

const struct rsa_key *security_rsa(void)
{
	return rsa;
}

static char *read_file(const char *path, size_t *len, char *error, size_t error_size)
{
	FILE *f = fopen(path, "re");
	char *bytes = f ? malloc(FILE_MAX) : NULL;
	if (!bytes) {
		snprintf(error, error_size, "cannot read %s: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return NULL;
	}
	*len = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	return bytes;
}

static void free_secret(char *bytes, size_t len)
{
	if (bytes)
		OPENSSL_cleanse(bytes, len);
	free(bytes);
}

static bool from_files(const struct settings *s, char *error, size_t error_size)
{
	size_t cert_len = 0, key_len = 0;
	char *cert = read_file(s->tls_cert, &cert_len, error, error_size);
	char *key = cert ? read_file(*s->tls_key ? s->tls_key : s->tls_cert, &key_len, error, error_size) : NULL;
	bool done = false;
	if (key) {
		struct view cert_pem = {(uint8_t *)cert, cert_len}, key_pem = {(uint8_t *)key, key_len};
		time_t expires;
		char why[256];
		if (!certificate_check(cert_pem, key_pem, &expires, why, sizeof why)) {
			snprintf(error, error_size, "tls_cert %s: %s", s->tls_cert, why);
		} else {
			if (expires < time(NULL))
				log_warning("certificate-expired", "file=%s", s->tls_cert);
			client_side = transport_tls_context_create(
				&(struct transport_tls_options){.certificate_pem = cert_pem, .key_pem = key_pem}, error,
				error_size);
			done = client_side != NULL;
		}
	}
	free(cert);
	free_secret(key, key_len);
	return done;
}

/* As the servers do when none is given. */
static bool self_signed(char *error, size_t error_size)
{
	struct certificate c;
	if (!certificate_make(&c, "wye", time(NULL))) {
		snprintf(error, error_size, "cannot make a certificate: out of memory or randomness");
		return false;
	}
	client_side = transport_tls_context_create(
		&(struct transport_tls_options){
			.certificate_pem = {(uint8_t *)c.certificate_pem, c.certificate_len},
			.key_pem = {(uint8_t *)c.key_pem, c.key_len}},
		error, error_size);
	certificate_finish(&c);
	return client_side != NULL;
}

static bool towards_servers(const struct settings *s, char *error, size_t error_size)
{
	static const enum transport_tls_verify verify[] = {
		[SERVER_TLS_AUTO] = TRANSPORT_TLS_VERIFY_NONE,
		[SERVER_TLS_REQUIRED] = TRANSPORT_TLS_VERIFY_NONE,
		[SERVER_TLS_VERIFY_CA] = TRANSPORT_TLS_VERIFY_CA,
		[SERVER_TLS_VERIFY_IDENTITY] = TRANSPORT_TLS_VERIFY_IDENTITY,
	};
	if (s->server_tls == SERVER_TLS_OFF)
		return true;
	size_t ca_len = 0;
	char *ca = NULL;
	if (*s->server_ca && !(ca = read_file(s->server_ca, &ca_len, error, error_size)))
		return false;
	server_side = transport_tls_context_create(
		&(struct transport_tls_options){.ca_pem = {(uint8_t *)ca, ca_len}, .verify = verify[s->server_tls]},
		error, error_size);
	free(ca);
	return server_side != NULL;
}

static void *make_rsa(void *unused)
{
	(void)unused;
	rsa = rsa_key_generate();
	return NULL;
}

bool security_wait(char *error, size_t error_size)
{
	if (rsa_is_being_made)
		pthread_join(rsa_maker, NULL);
	rsa_is_being_made = false;
	if (!rsa)
		snprintf(error, error_size, "cannot make an RSA key: out of memory or randomness");
	return rsa != NULL;
}

bool security_start(const struct settings *s, char *error, size_t error_size)
{
	rsa_is_being_made = pthread_create(&rsa_maker, NULL, make_rsa, NULL) == 0;
	if (s->client_tls && !(*s->tls_cert ? from_files(s, error, error_size) : self_signed(error, error_size)))
		return false;
	return towards_servers(s, error, error_size);
}

void security_stop(void)
{
	char error[80];
	security_wait(error, sizeof error);
	transport_tls_context_destroy(client_side);
	transport_tls_context_destroy(server_side);
	rsa_key_destroy(rsa);
	client_side = server_side = NULL;
	rsa = NULL;
}
