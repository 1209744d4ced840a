#include "proxy/security.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "protocol/certificate.h"
#include "proxy/events.h"
#include "proxy/log.h"

#define FILE_MAX (1u << 20)

/* The contexts of both sides. Connections begin under the read lock; a reload swaps them. */
static struct sides {
	struct transport_tls_context *client, *server; /* NULL: no TLS there */
} sides;
static pthread_rwlock_t sides_lock = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic bool offers, reaches;
static struct settings in_use; /* what the sides were made of, once they were; the control thread's */
static bool started;
static struct certificate own; /* made at the first need, shown as long as none is given */
static struct rsa_key *rsa;
static pthread_t rsa_maker;
static bool rsa_is_being_made;

bool security_offers_tls(void)
{
	return atomic_load_explicit(&offers, memory_order_relaxed);
}

bool security_has_server_tls(void)
{
	return atomic_load_explicit(&reaches, memory_order_relaxed);
}

static struct transport_tls *begin(enum transport_tls_role role, const char *host)
{
	pthread_rwlock_rdlock(&sides_lock);
	struct transport_tls_context *context = role == TRANSPORT_TLS_SERVER ? sides.client : sides.server;
	struct transport_tls *tls = context ? transport_tls_create(context, role, host) : NULL;
	pthread_rwlock_unlock(&sides_lock);
	return tls;
}

struct transport_tls *security_begin_client(void)
{
	return begin(TRANSPORT_TLS_SERVER, NULL);
}

struct transport_tls *security_begin_server(const char *host)
{
	return begin(TRANSPORT_TLS_CLIENT, host);
}

const struct rsa_key *security_rsa(void)
{
	return rsa;
}

/* ---- files ---- */

struct file {
	char *bytes; /* NULL: not read */
	size_t len;
};

static struct view view_of_file(const struct file *f)
{
	return (struct view){(uint8_t *)f->bytes, f->len};
}

static bool read_file(struct file *f, const char *setting, const char *path, char *error, size_t error_size)
{
	FILE *stream = fopen(path, "re");
	f->bytes = stream ? malloc(FILE_MAX) : NULL;
	if (!f->bytes) {
		snprintf(error, error_size, "%s: cannot read %s: %s", setting, path, strerror(errno));
		if (stream)
			fclose(stream);
		return false;
	}
	setvbuf(stream, NULL, _IONBF, 0); /* a key is to lie in one place only */
	f->len = fread(f->bytes, 1, FILE_MAX, stream);
	fclose(stream);
	return true;
}

static void file_finish(struct file *f)
{
	if (f->bytes)
		OPENSSL_cleanse(f->bytes, f->len);
	free(f->bytes);
	*f = (struct file){NULL, 0};
}

/* A certificate and its key, named by a pair of settings. */
struct pair {
	struct file certificate, key;
};

static void pair_finish(struct pair *p)
{
	file_finish(&p->certificate);
	file_finish(&p->key);
}

static bool pair_read(struct pair *p, const char *setting, const char *cert, const char *key, char *error,
		      size_t error_size)
{
	time_t expires;
	char why[256];
	if (!read_file(&p->certificate, setting, cert, error, error_size) ||
	    !read_file(&p->key, setting, *key ? key : cert, error, error_size))
		return false;
	if (!certificate_check(view_of_file(&p->certificate), view_of_file(&p->key), &expires, why, sizeof why)) {
		snprintf(error, error_size, "%s %s: %s", setting, cert, why);
		return false;
	}
	if (expires < time(NULL))
		log_warning("certificate-expired", "file=%s", cert);
	return true;
}

/* ---- the sides ---- */

/* As the servers do when none is given. */
static bool use_own(struct transport_tls_options *o, char *error, size_t error_size)
{
	if (!own.key_pem && !certificate_make(&own, "wye", time(NULL))) {
		snprintf(error, error_size, "cannot make a certificate: out of memory or randomness");
		return false;
	}
	o->certificate_pem = (struct view){(uint8_t *)own.certificate_pem, own.certificate_len};
	o->key_pem = (struct view){(uint8_t *)own.key_pem, own.key_len};
	return true;
}

static bool make_client_side(struct transport_tls_context **out, const struct settings *s, char *error, size_t error_size)
{
	struct transport_tls_options o = {.only_13 = s->tls_min_version == TLS_VERSION_1_3};
	struct pair shown = {.certificate = {NULL, 0}};
	struct file ca = {NULL, 0};
	char why[256];
	bool fine = *s->tls_cert ? pair_read(&shown, "tls_cert", s->tls_cert, s->tls_key, error, error_size)
				 : use_own(&o, error, error_size);
	if (fine && *s->tls_cert) {
		o.certificate_pem = view_of_file(&shown.certificate);
		o.key_pem = view_of_file(&shown.key);
	}
	fine = fine && (!*s->tls_ca || read_file(&ca, "tls_ca", s->tls_ca, error, error_size));
	o.client_ca_pem = view_of_file(&ca);
	if (fine && *s->tls_ca && !ca.len) {
		snprintf(error, error_size, "tls_ca: %s is empty", s->tls_ca);
		fine = false;
	}
	if (fine && !(*out = transport_tls_context_create(&o, why, sizeof why))) {
		snprintf(error, error_size, "TLS towards clients: %s", why);
		fine = false;
	}
	pair_finish(&shown);
	file_finish(&ca);
	return fine;
}

static bool make_server_side(struct transport_tls_context **out, const struct settings *s, char *error, size_t error_size)
{
	static const enum transport_tls_verify verify[] = {
		[SERVER_TLS_AUTO] = TRANSPORT_TLS_VERIFY_NONE,
		[SERVER_TLS_REQUIRED] = TRANSPORT_TLS_VERIFY_NONE,
		[SERVER_TLS_VERIFY_CA] = TRANSPORT_TLS_VERIFY_CA,
		[SERVER_TLS_VERIFY_IDENTITY] = TRANSPORT_TLS_VERIFY_IDENTITY,
	};
	struct transport_tls_options o = {.only_13 = s->tls_min_version == TLS_VERSION_1_3, .verify = verify[s->server_tls]};
	struct pair shown = {.certificate = {NULL, 0}};
	struct file ca = {NULL, 0};
	char why[256];
	bool fine = (!*s->server_cert || pair_read(&shown, "server_cert", s->server_cert, s->server_key, error, error_size)) &&
		    (!*s->server_ca || read_file(&ca, "server_ca", s->server_ca, error, error_size));
	o.certificate_pem = view_of_file(&shown.certificate);
	o.key_pem = view_of_file(&shown.key);
	o.ca_pem = view_of_file(&ca);
	if (fine && *s->server_ca && !ca.len) { /* or the system's would be trusted */
		snprintf(error, error_size, "server_ca: %s is empty", s->server_ca);
		fine = false;
	}
	if (fine && !(*out = transport_tls_context_create(&o, why, sizeof why))) {
		snprintf(error, error_size, "TLS towards servers: %s", why);
		fine = false;
	}
	pair_finish(&shown);
	file_finish(&ca);
	return fine;
}

static void sides_swap(struct sides new)
{
	pthread_rwlock_wrlock(&sides_lock);
	struct sides old = sides;
	sides = new;
	atomic_store(&offers, new.client != NULL);
	atomic_store(&reaches, new.server != NULL);
	pthread_rwlock_unlock(&sides_lock);
	transport_tls_context_destroy(old.client);
	transport_tls_context_destroy(old.server);
}

bool security_reload(const struct settings *s, char *error, size_t error_size)
{
	struct sides new = {NULL, NULL};
	if ((s->client_tls && !make_client_side(&new.client, s, error, error_size)) ||
	    (s->server_tls != SERVER_TLS_OFF && !make_server_side(&new.server, s, error, error_size))) {
		transport_tls_context_destroy(new.client);
		transport_tls_context_destroy(new.server);
		return false;
	}
	in_use = *s;
	started = true;
	sides_swap(new);
	return true;
}

static bool same_tls(const struct settings *a, const struct settings *b)
{
	return a->client_tls == b->client_tls && a->tls_min_version == b->tls_min_version &&
	       a->server_tls == b->server_tls && strcmp(a->tls_cert, b->tls_cert) == 0 &&
	       strcmp(a->tls_key, b->tls_key) == 0 && strcmp(a->tls_ca, b->tls_ca) == 0 &&
	       strcmp(a->server_ca, b->server_ca) == 0 && strcmp(a->server_cert, b->server_cert) == 0 &&
	       strcmp(a->server_key, b->server_key) == 0;
}

bool security_can_use(const struct settings *s, char *error, size_t error_size)
{
	struct transport_tls_context *client = NULL, *server = NULL;
	bool fine = !started || same_tls(s, &in_use) ||
		    ((!s->client_tls || make_client_side(&client, s, error, error_size)) &&
		     (s->server_tls == SERVER_TLS_OFF || make_server_side(&server, s, error, error_size)));
	transport_tls_context_destroy(client);
	transport_tls_context_destroy(server);
	return fine;
}

void security_configure(const struct settings *s)
{
	char error[400];
	if (!started || same_tls(s, &in_use) || security_reload(s, error, sizeof error))
		return;
	/* What was asked for is not to be had: no server is trusted by less than that meanwhile. */
	event_note(LOG_LEVEL_ERROR, "tls-failed", NULL, "%s", error);
	pthread_rwlock_wrlock(&sides_lock);
	struct transport_tls_context *old = sides.server;
	sides.server = NULL;
	atomic_store(&reaches, false);
	pthread_rwlock_unlock(&sides_lock);
	transport_tls_context_destroy(old);
}

/* ---- the start and the end ---- */

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
	if (security_reload(s, error, error_size))
		return true;
	security_stop(); /* nothing of it may run on while the process ends */
	return false;
}

void security_stop(void)
{
	char error[80];
	security_wait(error, sizeof error);
	sides_swap((struct sides){NULL, NULL});
	certificate_finish(&own);
	rsa_key_destroy(rsa);
	rsa = NULL;
}
