/* TLS between two spans of bytes: both roles in one process, the wire cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "protocol/certificate.h"
/* Included, not linked: resumption wants a session put into the client by hand. */
#include "protocol/transport_tls.c"

static struct certificate ours, others;

static int make_certificates(void **state)
{
	(void)state;
	time_t now = time(NULL);
	return certificate_make(&ours, "wye", now) && certificate_make(&others, "other", now) ? 0 : -1;
}

static int drop_certificates(void **state)
{
	(void)state;
	certificate_finish(&ours);
	certificate_finish(&others);
	return 0;
}

static struct transport_tls_context *server_context(void)
{
	struct transport_tls_options o = {.certificate_pem = view_of(ours.certificate_pem),
					  .key_pem = view_of(ours.key_pem)};
	char error[256] = "";
	struct transport_tls_context *c = transport_tls_context_create(&o, error, sizeof error);
	assert_string_equal(error, "");
	assert_non_null(c);
	return c;
}

static struct transport_tls_context *client_context(enum transport_tls_verify verify, const char *ca)
{
	struct transport_tls_options o = {.ca_pem = view_of(ca), .verify = verify};
	char error[256] = "";
	struct transport_tls_context *c = transport_tls_context_create(&o, error, sizeof error);
	assert_string_equal(error, "");
	assert_non_null(c);
	return c;
}

static struct transport_tls *client, *server;

static void connect_pair(struct transport_tls_context *s, struct transport_tls_context *c, const char *name)
{
	server = transport_tls_create(s, TRANSPORT_TLS_SERVER, NULL);
	client = transport_tls_create(c, TRANSPORT_TLS_CLIENT, name);
	assert_non_null(server);
	assert_non_null(client);
}

static void drop_pair(void)
{
	transport_tls_destroy(server);
	transport_tls_destroy(client);
	server = client = NULL;
}

/* What `from` has pending goes to `to` in pieces of at most `piece` bytes, out of memory of exactly that size. */
static enum transport_tls_result carry(struct transport_tls *from, struct transport_tls *to, size_t piece)
{
	enum transport_tls_result result = TRANSPORT_TLS_OK;
	struct view none = {NULL, 0};
	uint8_t *wire = malloc(piece), plain[64];
	while (transport_tls_pending(from) && result == TRANSPORT_TLS_OK) {
		size_t n, got;
		transport_tls_write(from, &none, wire, piece, &n);
		assert_true(n > 0);
		struct view in = {wire, n};
		result = transport_tls_read(to, &in, plain, sizeof plain, &got);
		assert_int_equal(got, 0);
		if (result == TRANSPORT_TLS_OK)
			assert_int_equal(in.len, 0);
	}
	free(wire);
	return result;
}

/* Until both are done, or one fails: what the failing one said. */
static enum transport_tls_result shake_hands(size_t piece)
{
	struct view none = {NULL, 0};
	size_t got;
	assert_int_equal(transport_tls_read(client, &none, NULL, 0, &got), TRANSPORT_TLS_OK);
	for (int turn = 0; turn < 10; turn++) {
		enum transport_tls_result r = carry(client, server, piece);
		if (r == TRANSPORT_TLS_OK)
			r = carry(server, client, piece);
		if (r != TRANSPORT_TLS_OK)
			return r;
		if (transport_tls_is_ready(client) && transport_tls_is_ready(server) && !transport_tls_pending(server))
			return TRANSPORT_TLS_OK;
	}
	return TRANSPORT_TLS_WAIT;
}

static void test_a_handshake_works_byte_by_byte(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	static const size_t pieces[] = {1, 7, 100, 65536};
	for (size_t i = 0; i < 4; i++) {
		connect_pair(s, c, "localhost");
		assert_int_equal(shake_hands(pieces[i]), TRANSPORT_TLS_OK);
		assert_string_equal(transport_tls_version(client), "TLSv1.3");
		assert_true(strlen(transport_tls_cipher(server)) > 0);
		drop_pair();
	}
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_both_ends_know_the_leaf_for_the_proof(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	uint8_t want[32], got[32];
	assert_true(certificate_sha256(view_of(ours.certificate_pem), want));
	assert_true(transport_tls_context_leaf_sha256(s, got));
	assert_memory_equal(got, want, 32);
	assert_false(transport_tls_context_leaf_sha256(c, got));
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	assert_true(transport_tls_leaf_sha256(client, got));
	assert_memory_equal(got, want, 32);
	assert_true(transport_tls_leaf_sha256(server, got));
	assert_memory_equal(got, want, 32);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

/* The server asks for a certificate when it knows whom to trust: none is no failure, a stranger's is. */
static void test_a_client_may_show_a_certificate(void **state)
{
	(void)state;
	static const struct {
		const struct certificate *shown;
		bool fine, verified;
	} cases[] = {{NULL, true, false}, {&others, true, true}, {&ours, false, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct certificate *shown = cases[i].shown;
		struct transport_tls_options so = {.certificate_pem = view_of(ours.certificate_pem),
						   .key_pem = view_of(ours.key_pem),
						   .client_ca_pem = view_of(others.certificate_pem),
						   .only_13 = i == 1};
		struct transport_tls_options co = {.certificate_pem = view_of(shown ? shown->certificate_pem : ""),
						   .key_pem = view_of(shown ? shown->key_pem : "")};
		char error[256] = "";
		struct transport_tls_context *s = transport_tls_context_create(&so, error, sizeof error);
		struct transport_tls_context *c = transport_tls_context_create(&co, error, sizeof error);
		assert_string_equal(error, "");
		connect_pair(s, c, NULL);
		enum transport_tls_result got = shake_hands(4096);
		assert_int_equal(got == TRANSPORT_TLS_OK, cases[i].fine);
		assert_int_equal(transport_tls_verified(server), cases[i].verified);
		assert_false(transport_tls_verified(client)); /* it does not look */
		drop_pair();
		transport_tls_context_destroy(s);
		transport_tls_context_destroy(c);
	}
}

/* Sends a stream from one to the other through spans of the given sizes, and compares. */
static void stream(struct transport_tls *from, struct transport_tls *to, size_t total, size_t wire_cap, size_t plain_cap)
{
	uint8_t *data = malloc(total), *back = malloc(total), *wire = malloc(wire_cap), *plain = malloc(plain_cap);
	size_t received = 0;
	for (size_t i = 0; i < total; i++)
		data[i] = (uint8_t)(i * 31 + i / 257);
	struct view left = {data, total};
	enum transport_tls_result w = TRANSPORT_TLS_FULL;
	while (w == TRANSPORT_TLS_FULL) {
		size_t n, got, before = left.len;
		w = transport_tls_write(from, &left, wire, wire_cap, &n);
		assert_true(n > 0 || before == 0);
		struct view in = {wire, n};
		enum transport_tls_result r = TRANSPORT_TLS_FULL;
		while (r == TRANSPORT_TLS_FULL) {
			r = transport_tls_read(to, &in, plain, plain_cap, &got);
			assert_true(received + got <= total);
			memcpy(back + received, plain, got);
			received += got;
		}
		assert_int_equal(r, TRANSPORT_TLS_OK);
		assert_int_equal(in.len, 0);
	}
	assert_int_equal(w, TRANSPORT_TLS_OK);
	assert_int_equal(received, total);
	assert_memory_equal(back, data, total);
	assert_int_equal(transport_tls_pending(from), 0);
	free(data);
	free(back);
	free(wire);
	free(plain);
}

static void test_streams_arrive_whatever_the_spans(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	static const struct {
		size_t total, wire, plain;
	} rows[] = {{1, 512, 1}, {100000, 600, 1000}, {100000, 16384 + 512, 16384}, {3 << 20, 65536, 65536},
		    {3000, 513, 7}, {16385, 40000, 100}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		stream(server, client, rows[i].total, rows[i].wire, rows[i].plain);
		stream(client, server, rows[i].total, rows[i].wire, rows[i].plain);
	}
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_plaintext_waits_for_the_handshake(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	struct view text = view_of("too early");
	uint8_t wire[1024];
	size_t n;
	assert_int_equal(transport_tls_write(server, &text, wire, sizeof wire, &n), TRANSPORT_TLS_WAIT);
	assert_int_equal(n, 0);
	assert_int_equal(text.len, 9);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_a_span_without_room_takes_no_plaintext(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	struct view text = view_of("later");
	uint8_t wire[TRANSPORT_TLS_ROOM];
	size_t n;
	assert_int_equal(transport_tls_write(client, &text, wire, sizeof wire - 1, &n), TRANSPORT_TLS_FULL);
	assert_int_equal(n, 0);
	assert_int_equal(text.len, 5);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_an_unknown_authority_is_refused_and_the_server_told(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(),
				     *c = client_context(TRANSPORT_TLS_VERIFY_CA, others.certificate_pem);
	connect_pair(s, c, "localhost");
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_FAILED);
	assert_non_null(strstr(transport_tls_error(client), "self"));
	assert_false(transport_tls_is_ready(client));
	assert_true(transport_tls_pending(client) > 0);
	assert_int_equal(carry(client, server, 4096), TRANSPORT_TLS_FAILED);
	assert_non_null(strstr(transport_tls_error(server), "unknown ca"));
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_the_name_counts_only_where_identity_is_asked_for(void **state)
{
	(void)state;
	static const struct {
		enum transport_tls_verify verify;
		const char *name;
		enum transport_tls_result want;
	} rows[] = {
		{TRANSPORT_TLS_VERIFY_CA, "elsewhere", TRANSPORT_TLS_OK},
		{TRANSPORT_TLS_VERIFY_CA, NULL, TRANSPORT_TLS_OK},
		{TRANSPORT_TLS_VERIFY_IDENTITY, "wye", TRANSPORT_TLS_OK},
		{TRANSPORT_TLS_VERIFY_IDENTITY, "elsewhere", TRANSPORT_TLS_FAILED},
		{TRANSPORT_TLS_VERIFY_IDENTITY, "127.0.0.1", TRANSPORT_TLS_FAILED},
	};
	struct transport_tls_context *s = server_context();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct transport_tls_context *c = client_context(rows[i].verify, ours.certificate_pem);
		connect_pair(s, c, rows[i].name);
		assert_int_equal(shake_hands(4096), rows[i].want);
		drop_pair();
		if (rows[i].verify == TRANSPORT_TLS_VERIFY_IDENTITY)
			assert_null(transport_tls_create(c, TRANSPORT_TLS_CLIENT, NULL));
		transport_tls_context_destroy(c);
	}
	transport_tls_context_destroy(s);
}

static void test_a_farewell_is_seen_after_the_last_data(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	struct view text = view_of("bye"), none = {NULL, 0};
	uint8_t wire[2048], plain[64];
	size_t n, m, got;
	assert_int_equal(transport_tls_write(client, &text, wire, sizeof wire, &n), TRANSPORT_TLS_OK);
	transport_tls_close(client);
	transport_tls_close(client);
	assert_int_equal(transport_tls_write(client, &none, wire + n, sizeof wire - n, &m), TRANSPORT_TLS_CLOSED);
	assert_true(m > 0);
	struct view in = {wire, n + m};
	assert_int_equal(transport_tls_read(server, &in, plain, sizeof plain, &got), TRANSPORT_TLS_CLOSED);
	assert_int_equal(got, 3);
	assert_memory_equal(plain, "bye", 3);
	assert_int_equal(transport_tls_read(server, &in, plain, sizeof plain, &got), TRANSPORT_TLS_CLOSED);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void resume(int version)
{
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	SSL_CTX_set_max_proto_version(c->ctx, version);
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	assert_false(transport_tls_resumed(server));
	stream(server, client, 10, 4096, 64);
	SSL_SESSION *session = SSL_get1_session(client->ssl);
	assert_true(SSL_SESSION_is_resumable(session));
	transport_tls_close(client); /* OpenSSL forgets sessions that ended rudely */
	drop_pair();
	connect_pair(s, c, NULL);
	assert_true(SSL_set_session(client->ssl, session));
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	assert_true(transport_tls_resumed(server) && transport_tls_resumed(client));
	stream(server, client, 1000, 4096, 4096);
	uint8_t leaf[32], want[32];
	assert_true(transport_tls_leaf_sha256(server, leaf));
	assert_true(certificate_sha256(view_of(ours.certificate_pem), want));
	assert_memory_equal(leaf, want, 32);
	SSL_SESSION_free(session);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_a_client_that_returns_with_a_ticket_is_resumed(void **state)
{
	(void)state;
	resume(TLS1_3_VERSION);
	resume(TLS1_2_VERSION);
}

static void test_garbage_fails_with_a_reason(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	struct view in = view_of("GET / HTTP/1.0\r\n\r\n");
	uint8_t plain[64];
	size_t got;
	assert_int_equal(transport_tls_read(server, &in, plain, sizeof plain, &got), TRANSPORT_TLS_FAILED);
	assert_string_equal(transport_tls_error(server), "http request");
	assert_int_equal(transport_tls_read(server, &in, plain, sizeof plain, &got), TRANSPORT_TLS_FAILED);
	drop_pair();
	connect_pair(s, c, NULL);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	uint8_t wire[1024];
	struct view text = view_of("fine");
	transport_tls_write(client, &text, wire, sizeof wire, &got);
	wire[got - 1] ^= 1;
	in = (struct view){wire, got};
	assert_int_equal(transport_tls_read(server, &in, plain, sizeof plain, &got), TRANSPORT_TLS_FAILED);
	assert_int_equal(got, 0);
	drop_pair();
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
}

static void test_connections_outlive_their_context(void **state)
{
	(void)state;
	struct transport_tls_context *s = server_context(), *c = client_context(TRANSPORT_TLS_VERIFY_NONE, "");
	connect_pair(s, c, NULL);
	transport_tls_context_destroy(s);
	transport_tls_context_destroy(c);
	assert_int_equal(shake_hands(4096), TRANSPORT_TLS_OK);
	stream(client, server, 1000, 4096, 4096);
	drop_pair();
}

static void test_bad_material_is_named(void **state)
{
	(void)state;
	static const struct transport_tls_options none;
	char error[256];
	struct transport_tls_options o = none;
	o.certificate_pem = view_of("nonsense");
	o.key_pem = view_of(ours.key_pem);
	assert_null(transport_tls_context_create(&o, error, sizeof error));
	assert_memory_equal(error, "the certificate cannot be used", 30);
	o.certificate_pem = view_of(ours.certificate_pem);
	o.key_pem = view_of(others.key_pem);
	assert_null(transport_tls_context_create(&o, error, sizeof error));
	assert_string_equal(error, "the private key cannot be used: key values mismatch");
	o = none;
	o.verify = TRANSPORT_TLS_VERIFY_CA;
	o.ca_pem = view_of("nonsense");
	assert_null(transport_tls_context_create(&o, error, sizeof error));
	assert_memory_equal(error, "the CA file holds no certificate", 32);
	transport_tls_context_destroy(NULL);
	transport_tls_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_handshake_works_byte_by_byte),
		cmocka_unit_test(test_a_client_may_show_a_certificate),
		cmocka_unit_test(test_both_ends_know_the_leaf_for_the_proof),
		cmocka_unit_test(test_streams_arrive_whatever_the_spans),
		cmocka_unit_test(test_plaintext_waits_for_the_handshake),
		cmocka_unit_test(test_a_span_without_room_takes_no_plaintext),
		cmocka_unit_test(test_an_unknown_authority_is_refused_and_the_server_told),
		cmocka_unit_test(test_the_name_counts_only_where_identity_is_asked_for),
		cmocka_unit_test(test_a_farewell_is_seen_after_the_last_data),
		cmocka_unit_test(test_a_client_that_returns_with_a_ticket_is_resumed),
		cmocka_unit_test(test_garbage_fails_with_a_reason),
		cmocka_unit_test(test_connections_outlive_their_context),
		cmocka_unit_test(test_bad_material_is_named),
	};
	return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
