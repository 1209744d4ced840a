#include "protocol/transport_tls.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "protocol/buf.h"

#define ERROR_MAX 256
#define RECORD_MAX 16384u
#define PENDING_MAX (256u << 10) /* handshakes with long chains; more is somebody's mischief */

struct transport_tls_context {
	SSL_CTX *ctx;
	enum transport_tls_verify verify;
	bool has_leaf;
	uint8_t leaf_sha256[32];
};

struct transport_tls {
	SSL *ssl;
	struct buf pending; /* ciphertext that no span of the caller was there for */
	bool failed;
	bool closed;      /* the peer said farewell */
	bool wrote_close; /* we did */
	char *error;      /* NULL: none, or no memory for it */
	/* The caller's spans, during a call. */
	struct view in;
	uint8_t *out;
	size_t out_cap, out_len;
};

/*
 * The BIO under the SSL: reads come from the span of the current call, writes go to the span of the current call as long
 * as it has room, then to `pending`. A write never blocks: nothing must be remembered between calls.
 */
static int bio_read(BIO *bio, char *to, size_t len, size_t *got)
{
	struct transport_tls *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	*got = len < t->in.len ? len : t->in.len;
	if (!*got) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(to, t->in.p, *got);
	t->in.p += *got;
	t->in.len -= *got;
	return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *put)
{
	struct transport_tls *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	size_t direct = buf_len(&t->pending) ? 0 : t->out_cap - t->out_len;
	direct = direct < len ? direct : len;
	if (direct)
		memcpy(t->out + t->out_len, from, direct);
	t->out_len += direct;
	if (!buf_append(&t->pending, from + direct, len - direct))
		return 0;
	*put = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* One for the process and never freed, since connections outlive contexts. */
static BIO_METHOD *bio_method;
static CRYPTO_ONCE bio_method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "span");
	if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
		bio_method = m;
	else
		BIO_meth_free(m);
}

/* ---- contexts ---- */

static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static BIO *bio_of(struct view pem)
{
	return pem.len <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.len) : NULL;
}

/* The leaf, then whatever certificates follow it, as its chain. */
static bool use_certificate(SSL_CTX *ctx, struct view pem)
{
	BIO *bio = bio_of(pem);
	X509 *x = bio ? PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL) : NULL;
	bool ok = x && SSL_CTX_use_certificate(ctx, x);
	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
		ok = SSL_CTX_add1_chain_cert(ctx, x), X509_free(x);
	/* The end of the file is an error to the PEM reader, unlike to us. */
	if (ok)
		ERR_clear_error();
	BIO_free(bio);
	return ok;
}

static bool use_key(SSL_CTX *ctx, struct view pem)
{
	BIO *bio = bio_of(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool ok = key && SSL_CTX_use_PrivateKey(ctx, key);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

static bool trust(SSL_CTX *ctx, struct view pem)
{
	if (!pem.len)
		return SSL_CTX_set_default_verify_paths(ctx);
	BIO *bio = bio_of(pem);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	unsigned count = 0;
	X509 *x;
	while (bio && (x = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL))) {
		count += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	if (count)
		ERR_clear_error();
	BIO_free(bio);
	return count > 0;
}

/* Clients are told whose certificates are asked for: some choose by that which one they show. */
static bool name_authorities(SSL_CTX *ctx)
{
	STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
	bool ok = true;
	for (int i = 0; ok && i < sk_X509_OBJECT_num(trusted); i++) {
		X509 *x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i));
		ok = !x || SSL_CTX_add_client_CA(ctx, x);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ok;
}

/* What OpenSSL has to say, newest first, as a clause. */
static void explain(char *to, size_t size, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	if (reason)
		snprintf(to, size, "%s: %s", what, reason);
	else
		snprintf(to, size, "%s", what);
	ERR_clear_error();
}

static bool set_up(struct transport_tls_context *c, const struct transport_tls_options *o, char *error, size_t size)
{
	static const unsigned char session_context[] = "wye";
	if (!SSL_CTX_set_min_proto_version(c->ctx, o->only_13 ? TLS1_3_VERSION : TLS1_2_VERSION) ||
	    !SSL_CTX_set_session_id_context(c->ctx, session_context, sizeof session_context - 1)) {
		explain(error, size, "TLS cannot be set up");
		return false;
	}
	/* Sessions are resumed by tickets alone, so nothing is kept here for clients that may never return. */
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c->ctx, 1);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	if (o->certificate_pem.len && !use_certificate(c->ctx, o->certificate_pem)) {
		explain(error, size, "the certificate cannot be used");
		return false;
	}
	if (o->certificate_pem.len && !use_key(c->ctx, o->key_pem)) {
		explain(error, size, "the private key cannot be used");
		return false;
	}
	if (o->verify != TRANSPORT_TLS_VERIFY_NONE && !trust(c->ctx, o->ca_pem)) {
		explain(error, size, "the CA file holds no certificate that can be used");
		return false;
	}
	if (o->client_ca_pem.len && (!trust(c->ctx, o->client_ca_pem) || !name_authorities(c->ctx))) {
		explain(error, size, "the CA file for clients holds no certificate that can be used");
		return false;
	}
	X509 *leaf = SSL_CTX_get0_certificate(c->ctx);
	c->has_leaf = leaf && X509_digest(leaf, EVP_sha256(), c->leaf_sha256, NULL);
	return true;
}

struct transport_tls_context *transport_tls_context_create(const struct transport_tls_options *options, char *error,
							   size_t error_size)
{
	struct transport_tls_context *c = calloc(1, sizeof *c);
	ERR_clear_error();
	if (c) {
		c->verify = options->verify;
		c->ctx = SSL_CTX_new(TLS_method());
	}
	if (!c || !c->ctx || !CRYPTO_THREAD_run_once(&bio_method_once, make_bio_method) || !bio_method)
		explain(error, error_size, "out of memory for TLS");
	else if (set_up(c, options, error, error_size))
		return c;
	transport_tls_context_destroy(c);
	return NULL;
}

void transport_tls_context_destroy(struct transport_tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	free(context);
}

bool transport_tls_context_leaf_sha256(const struct transport_tls_context *context, uint8_t out[32])
{
	if (context->has_leaf)
		memcpy(out, context->leaf_sha256, 32);
	return context->has_leaf;
}

/* ---- connections ---- */

/* An address is checked against the certificate's addresses and not sent as a name, which only names may be. */
static bool set_server_name(SSL *ssl, const char *name, enum transport_tls_verify verify)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
	bool is_address = address != NULL, ok = true;
	ASN1_OCTET_STRING_free(address);
	if (!is_address)
		ok = SSL_set_tlsext_host_name(ssl, name);
	if (ok && verify == TRANSPORT_TLS_VERIFY_IDENTITY)
		ok = is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
				: X509_VERIFY_PARAM_set1_host(param, name, 0);
	return ok;
}

static bool set_role(struct transport_tls *t, const struct transport_tls_context *c, enum transport_tls_role role,
		     const char *server_name)
{
	if (role == TRANSPORT_TLS_SERVER) {
		SSL_set_accept_state(t->ssl);
		return true;
	}
	SSL_set_connect_state(t->ssl);
	SSL_set_verify(t->ssl, c->verify == TRANSPORT_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	/* To verify the identity of nobody in particular would be to accept anybody's. */
	if (!server_name || !*server_name)
		return c->verify != TRANSPORT_TLS_VERIFY_IDENTITY;
	return set_server_name(t->ssl, server_name, c->verify);
}

struct transport_tls *transport_tls_create(struct transport_tls_context *context, enum transport_tls_role role,
					   const char *server_name)
{
	assert(role == TRANSPORT_TLS_CLIENT || context->has_leaf);
	struct transport_tls *t = calloc(1, sizeof *t);
	BIO *bio = t ? BIO_new(bio_method) : NULL;
	if (bio)
		t->ssl = SSL_new(context->ctx);
	if (!bio || !t->ssl) {
		BIO_free(bio);
		free(t);
		return NULL;
	}
	buf_init(&t->pending, PENDING_MAX);
	BIO_set_data(bio, t);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_options(t->ssl, SSL_OP_CLEANSE_PLAINTEXT);
	if (set_role(t, context, role, server_name))
		return t;
	transport_tls_destroy(t);
	return NULL;
}

void transport_tls_destroy(struct transport_tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	buf_finish(&t->pending);
	free(t->error);
	free(t);
}

/* "certificate verify failed" says little: the reason stands in the verification's result. */
static void keep_error(struct transport_tls *t)
{
	char text[ERROR_MAX];
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	long verified = SSL_get_verify_result(t->ssl);
	if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
		snprintf(text, sizeof text, "%s: %s", reason, X509_verify_cert_error_string(verified));
	else
		snprintf(text, sizeof text, "%s", reason ? reason : "protocol error");
	ERR_clear_error();
	if (!t->error)
		t->error = strdup(text);
}

static enum transport_tls_result give_up(struct transport_tls *t)
{
	t->failed = true;
	keep_error(t);
	return TRANSPORT_TLS_FAILED;
}

/* What a call of OpenSSL that brought nothing means. */
static enum transport_tls_result verdict(struct transport_tls *t, int returned)
{
	switch (SSL_get_error(t->ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return TRANSPORT_TLS_OK;
	case SSL_ERROR_ZERO_RETURN:
		t->closed = true;
		return TRANSPORT_TLS_CLOSED;
	default:
		return give_up(t);
	}
}

enum transport_tls_result transport_tls_read(struct transport_tls *t, struct view *cipher, uint8_t *plain, size_t cap,
					     size_t *got)
{
	enum transport_tls_result result = TRANSPORT_TLS_FULL;
	*got = 0;
	if (t->failed || t->closed)
		return t->failed ? TRANSPORT_TLS_FAILED : TRANSPORT_TLS_CLOSED;
	ERR_clear_error();
	t->in = *cipher;
	if (!SSL_is_init_finished(t->ssl)) {
		int returned = SSL_do_handshake(t->ssl);
		if (returned <= 0) {
			result = verdict(t, returned);
			*cipher = t->in;
			return result;
		}
	}
	while (*got < cap) {
		size_t n;
		int returned = SSL_read_ex(t->ssl, plain + *got, cap - *got, &n);
		if (returned <= 0) {
			result = verdict(t, returned);
			break;
		}
		*got += n;
	}
	*cipher = t->in;
	if (result == TRANSPORT_TLS_FULL && !cipher->len && !SSL_has_pending(t->ssl))
		result = TRANSPORT_TLS_OK;
	t->in = (struct view){NULL, 0};
	return result;
}

/* What waited comes first. */
static size_t take_pending(struct transport_tls *t, uint8_t *to, size_t cap)
{
	size_t n = buf_len(&t->pending) < cap ? buf_len(&t->pending) : cap;
	if (n) {
		memcpy(to, buf_data(&t->pending), n);
		buf_consume(&t->pending, n);
	}
	return n;
}

/* One record at most, which is sure to fit the span: so a write is never left half done. */
static bool write_record(struct transport_tls *t, struct view *plain)
{
	size_t room = t->out_cap - t->out_len - TRANSPORT_TLS_ROOM + 1, n;
	size_t len = plain->len < RECORD_MAX ? plain->len : RECORD_MAX;
	if (SSL_write_ex(t->ssl, plain->p, len < room ? len : room, &n) <= 0) {
		give_up(t);
		return false;
	}
	plain->p += n;
	plain->len -= n;
	return true;
}

enum transport_tls_result transport_tls_write(struct transport_tls *t, struct view *plain, uint8_t *cipher, size_t cap,
					      size_t *got)
{
	*got = take_pending(t, cipher, cap);
	if (buf_len(&t->pending))
		return TRANSPORT_TLS_FULL;
	if (t->failed || t->wrote_close)
		return t->failed ? TRANSPORT_TLS_FAILED : TRANSPORT_TLS_CLOSED;
	if (!plain->len)
		return TRANSPORT_TLS_OK;
	if (!SSL_is_init_finished(t->ssl))
		return TRANSPORT_TLS_WAIT;
	ERR_clear_error();
	t->out = cipher;
	t->out_cap = cap;
	t->out_len = *got;
	bool ok = true;
	while (ok && plain->len && t->out_cap - t->out_len >= TRANSPORT_TLS_ROOM)
		ok = write_record(t, plain);
	*got = t->out_len;
	t->out = NULL;
	t->out_cap = t->out_len = 0;
	if (!ok)
		return TRANSPORT_TLS_FAILED;
	return plain->len ? TRANSPORT_TLS_FULL : TRANSPORT_TLS_OK;
}

void transport_tls_secrets_are_over(struct transport_tls *t)
{
	SSL_clear_options(t->ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

size_t transport_tls_pending(const struct transport_tls *t)
{
	return buf_len(&t->pending);
}

bool transport_tls_is_ready(const struct transport_tls *t)
{
	return !t->failed && SSL_is_init_finished(t->ssl);
}

void transport_tls_close(struct transport_tls *t)
{
	if (t->failed || t->wrote_close)
		return;
	t->wrote_close = true;
	/* Before the handshake is over there is nothing to say farewell to. */
	if (SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const char *transport_tls_error(const struct transport_tls *t)
{
	return t->error ? t->error : t->failed ? "TLS failed" : "";
}

const char *transport_tls_version(const struct transport_tls *t)
{
	return SSL_get_version(t->ssl);
}

const char *transport_tls_cipher(const struct transport_tls *t)
{
	const char *name = SSL_get_cipher_name(t->ssl);
	return name ? name : "";
}

bool transport_tls_resumed(const struct transport_tls *t)
{
	return SSL_session_reused(t->ssl);
}

bool transport_tls_verified(const struct transport_tls *t)
{
	return SSL_get0_peer_certificate(t->ssl) && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
	       SSL_get_verify_result(t->ssl) == X509_V_OK;
}

bool transport_tls_leaf_sha256(const struct transport_tls *t, uint8_t out[32])
{
	X509 *leaf = SSL_is_server(t->ssl) ? SSL_get_certificate(t->ssl) : SSL_get0_peer_certificate(t->ssl);
	return leaf && X509_digest(leaf, EVP_sha256(), out, NULL);
}
