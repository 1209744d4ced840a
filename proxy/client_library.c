#include "proxy/client_library_inside.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proxy/reach.h"

/* Short: a person or a failover waits for the answer. */
#define REACH_TIMEOUT_MS 300

struct library_result {
	MYSQL_RES *res;
	MYSQL_ROW row;
	unsigned long *lengths;
};

static void name_files(MYSQL *m, const struct library_tls *tls)
{
	if (*tls->ca)
		mysql_options(m, MYSQL_OPT_SSL_CA, tls->ca);
	if (*tls->cert)
		mysql_options(m, MYSQL_OPT_SSL_CERT, tls->cert);
	if (*tls->cert)
		mysql_options(m, MYSQL_OPT_SSL_KEY, *tls->key ? tls->key : tls->cert);
}

/* What the two libraries do differently. */
#ifdef MARIADB_PACKAGE_VERSION

typedef my_bool library_bool;

static int socket_of(MYSQL *m)
{
	return (int)mysql_get_socket(m);
}

/* Connector/C 3.3 takes TLS when the server offers it and goes on without when not, once it is told to want
 * it; later ones make it a must, and then check the certificate unless told not to. So what must be encrypted
 * is looked at after the login, and "when offered" is asked for only where it does not become a must. It
 * knows no check of the CA alone: verify_ca checks the name in the certificate too. */
static void want_tls(MYSQL *m, const struct library_login *login)
{
	static const library_bool yes = 1, no = 0;
	const struct library_tls *tls = &login->tls;
	bool verify = tls->mode == SERVER_TLS_VERIFY_CA || tls->mode == SERVER_TLS_VERIFY_IDENTITY;
	bool preferred_is_a_must = mysql_get_client_version() >= 30400 && mysql_get_client_version() < 50000;
	mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify ? &yes : &no);
	if (tls->mode == SERVER_TLS_OFF || (tls->mode == SERVER_TLS_AUTO && preferred_is_a_must))
		return;
	mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE, &yes);
	if (tls->only_13)
		mysql_optionsv(m, MARIADB_OPT_TLS_VERSION, "TLSv1.3");
	name_files(m, tls);
}

#else

typedef bool library_bool;

static int socket_of(MYSQL *m)
{
	return (int)m->net.fd;
}

static void want_tls(MYSQL *m, const struct library_login *login)
{
	static const enum mysql_ssl_mode modes[] = {
	    [SERVER_TLS_AUTO] = SSL_MODE_PREFERRED,
	    [SERVER_TLS_OFF] = SSL_MODE_DISABLED,
	    [SERVER_TLS_REQUIRED] = SSL_MODE_REQUIRED,
	    [SERVER_TLS_VERIFY_CA] = SSL_MODE_VERIFY_CA,
	    [SERVER_TLS_VERIFY_IDENTITY] = SSL_MODE_VERIFY_IDENTITY,
	};
	static const bool yes = true;
	enum mysql_ssl_mode mode = modes[login->tls.mode];
	mysql_options(m, MYSQL_OPT_SSL_MODE, &mode);
	if (login->tls.only_13)
		mysql_options(m, MYSQL_OPT_TLS_VERSION, "TLSv1.3");
	name_files(m, &login->tls);
	/* Without TLS a server with a cold cache sends its public key, for the password to be encrypted with.
	 */
	mysql_options(m, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &yes);
}

#endif

static void begin(void)
{
	mysql_library_init(0, NULL, NULL);
}

void library_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, begin);
}

void library_thread_begin(void)
{
	mysql_thread_init();
}

void library_thread_end(void)
{
	mysql_thread_end();
}

/* Error numbers of the libraries (2000 and up, errmsg.h) and of the servers that mean more than "an error".
 */
static const struct {
	unsigned code;
	enum library_failure failure;
} meanings[] = {
    {2002, LIBRARY_REFUSED},       {2003, LIBRARY_REFUSED},       {2004, LIBRARY_REFUSED},
    {2005, LIBRARY_UNKNOWN_HOST},  {2006, LIBRARY_LOST},          {2007, LIBRARY_NOT_MYSQL},
    {2012, LIBRARY_NOT_MYSQL},     {2013, LIBRARY_LOST},          {2026, LIBRARY_TLS},
    {2027, LIBRARY_NOT_MYSQL},     {2055, LIBRARY_LOST},          {2058, LIBRARY_DENIED},
    {2059, LIBRARY_DENIED},        {2061, LIBRARY_DENIED},        {5014, LIBRARY_LOST},
    {1040, LIBRARY_FULL},          {1203, LIBRARY_FULL},          {1226, LIBRARY_FULL},
    {1044, LIBRARY_MISSING_GRANT}, {1045, LIBRARY_DENIED},        {1129, LIBRARY_DENIED},
    {1130, LIBRARY_DENIED},        {1142, LIBRARY_MISSING_GRANT}, {1143, LIBRARY_MISSING_GRANT},
    {1227, LIBRARY_MISSING_GRANT}, {1251, LIBRARY_DENIED},        {1524, LIBRARY_DENIED},
    {1698, LIBRARY_DENIED},        {1053, LIBRARY_LOST},          {1077, LIBRARY_LOST},
    {1158, LIBRARY_LOST},          {1159, LIBRARY_LOST},          {1160, LIBRARY_LOST},
    {1161, LIBRARY_LOST},          {1927, LIBRARY_LOST},          {3118, LIBRARY_DENIED},
    {3159, LIBRARY_TLS},           {4031, LIBRARY_LOST},          {4151, LIBRARY_DENIED},
    {1862, LIBRARY_DENIED},        {1820, LIBRARY_DENIED},        {1094, LIBRARY_SQL},
};

static void keep_text(struct library_error *error, const char *text)
{
	snprintf(error->text, sizeof error->text, "%s", text);
	for (char *p = error->text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

/* A read that met its time-out is "lost" (or a TLS error) too; the text may have the system's error number.
 */
static bool timed_out(const char *text)
{
	const char *at = strstr(text, "system error: ");
	int system = at ? atoi(at + strlen("system error: ")) : 0;
	return system == ETIMEDOUT || system == EAGAIN || strstr(text, "timed out");
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void library_explain(unsigned code, const char *text, struct library_error *error)
{
	error->code = code;
	error->failure = LIBRARY_SQL;
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (meanings[i].code == code)
			error->failure = meanings[i].failure;
	keep_text(error, text);
}

/* `established`: the login was through; `waited_out`: as much time has gone by as the library waits. */
static void explain(MYSQL *m, struct library_error *error, bool established, bool waited_out)
{
	library_explain(mysql_errno(m), mysql_error(m), error);
	/* Under TLS, a connection that breaks is a TLS error. */
	if (error->failure == LIBRARY_TLS && (established || strstr(error->text, "reset by peer")))
		error->failure = LIBRARY_LOST;
	bool broke = error->failure == LIBRARY_LOST || error->failure == LIBRARY_TLS;
	if (broke && (waited_out || timed_out(error->text))) {
		error->failure = LIBRARY_TIMED_OUT;
		keep_text(error, "no answer in time");
	}
}

/* A connection that did not come about, or broke before the login was through: what the libraries say about
 * it is of little use, so the server is looked at by hand. */
static void explain_connect(MYSQL *m, const struct library_login *login, struct library_error *error)
{
	explain(m, error, false, false);
	if (error->code < 2000 || error->code >= 3000 || error->failure == LIBRARY_TLS ||
	    error->failure == LIBRARY_DENIED || error->failure == LIBRARY_TIMED_OUT)
		return;
	char text[sizeof error->text];
	switch (reach_server(login->at, REACH_TIMEOUT_MS, text, sizeof text)) {
	case REACH_UNKNOWN_HOST:
		error->failure = LIBRARY_UNKNOWN_HOST;
		break;
	case REACH_REFUSED:
		error->failure = LIBRARY_REFUSED;
		break;
	case REACH_SILENT:
		error->failure = LIBRARY_TIMED_OUT;
		break;
	case REACH_CLOSED:
		error->failure = LIBRARY_LOST;
		break;
	case REACH_FOREIGN:
		error->failure = LIBRARY_NOT_MYSQL;
		break;
	case REACH_GREETS:
		return; /* it came back meanwhile, or the login itself failed: the library's word stands */
	}
	keep_text(error, text);
}

static void set_options(MYSQL *m, const struct library_login *login)
{
	unsigned protocol = login->at->port ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
	mysql_options(m, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &login->connect_timeout);
	mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &login->read_timeout);
	mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &login->read_timeout);
	/* Bytes as they are stored: verifiers are no text, and names in UTF-8 come out as such either way. */
	mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(m, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
	mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "wye-monitor");
	want_tls(m, login);
}

struct library_tls library_tls_of(const struct settings *s)
{
	struct library_tls tls;
	memset(&tls, 0, sizeof tls);
	tls.mode = s->server_tls;
	tls.only_13 = s->tls_min_version == TLS_VERSION_1_3;
	snprintf(tls.ca, sizeof tls.ca, "%s", s->server_ca);
	snprintf(tls.cert, sizeof tls.cert, "%s", s->server_cert);
	snprintf(tls.key, sizeof tls.key, "%s", s->server_key);
	return tls;
}

static bool is_encrypted_enough(MYSQL *m, const struct library_login *login, struct library_error *error)
{
	if (login->tls.mode < SERVER_TLS_REQUIRED || !login->at->port || mysql_get_ssl_cipher(m))
		return true;
	error->failure = LIBRARY_TLS;
	snprintf(error->text, sizeof error->text,
	         "the server offers no TLS, but the setting server_tls requires it");
	return false;
}

struct library_connection *library_open(const struct library_login *login, struct library_error *error)
{
	library_begin();
	*error = (struct library_error){.failure = LIBRARY_OK};
	struct library_connection *c = calloc(1, sizeof *c);
	if (!c || !(c->mysql = mysql_init(NULL)))
		abort();
	set_options(c->mysql, login);
	c->read_timeout = login->read_timeout;
	bool tcp = login->at->port != 0;
	if (!mysql_real_connect(c->mysql, tcp ? login->at->host : NULL, login->user, login->password, NULL,
	                        login->at->port, tcp ? NULL : login->at->host, 0)) {
		explain_connect(c->mysql, login, error);
	} else if (is_encrypted_enough(c->mysql, login, error)) {
		return c;
	}
	library_close(c);
	return NULL;
}

void library_close(struct library_connection *c)
{
	if (!c)
		return;
	mysql_close(c->mysql);
	free(c);
}

void library_interrupt(struct library_connection *c)
{
	int fd = socket_of(c->mysql);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
}

const char *library_server_version(const struct library_connection *c)
{
	return mysql_get_server_info(c->mysql);
}

unsigned library_server_collation(const struct library_connection *c)
{
	return c->mysql->server_language;
}

unsigned long library_thread_id(const struct library_connection *c)
{
	return mysql_thread_id(c->mysql);
}

bool library_peer(const struct library_connection *c, struct sockaddr_storage *address, socklen_t *len)
{
	*len = sizeof *address;
	return getpeername(socket_of(c->mysql), (struct sockaddr *)address, len) == 0;
}

bool library_query(struct library_connection *c, const char *sql, struct library_result **result,
                   struct library_error *error)
{
	return library_send(c, sql, error) && library_answer(c, result, error);
}

bool library_send(struct library_connection *c, const char *sql, struct library_error *error)
{
	*error = (struct library_error){.failure = LIBRARY_OK};
	int64_t begun = now_ms();
	if (mysql_send_query(c->mysql, sql, strlen(sql)) == 0)
		return true;
	explain(c->mysql, error, true, now_ms() - begun >= c->read_timeout * 1000LL);
	return false;
}

bool library_answer(struct library_connection *c, struct library_result **result, struct library_error *error)
{
	*error = (struct library_error){.failure = LIBRARY_OK};
	MYSQL_RES *res = NULL;
	int64_t begun = now_ms();
	if (mysql_read_query_result(c->mysql) != 0 || (!(res = mysql_store_result(c->mysql)) && mysql_errno(c->mysql))) {
		explain(c->mysql, error, true, now_ms() - begun >= c->read_timeout * 1000LL);
		return false;
	}
	if (!result) {
		if (res)
			mysql_free_result(res);
		return true;
	}
	*result = calloc(1, sizeof **result);
	if (!*result)
		abort();
	(*result)->res = res;
	return true;
}

bool library_row(struct library_result *r)
{
	r->row = r->res ? mysql_fetch_row(r->res) : NULL;
	r->lengths = r->row ? mysql_fetch_lengths(r->res) : NULL;
	return r->row != NULL;
}

unsigned library_columns(const struct library_result *r)
{
	return r->res ? mysql_num_fields(r->res) : 0;
}

const char *library_value(struct library_result *r, unsigned column, size_t *len)
{
	if (len)
		*len = 0;
	if (!r->row || column >= library_columns(r))
		return NULL;
	if (len)
		*len = r->lengths[column];
	return r->row[column];
}

const char *library_value_of(struct library_result *r, const char *column_name)
{
	unsigned n = library_columns(r);
	MYSQL_FIELD *fields = n ? mysql_fetch_fields(r->res) : NULL;
	for (unsigned i = 0; i < n; i++)
		if (strcasecmp(fields[i].name, column_name) == 0)
			return library_value(r, i, NULL);
	return NULL;
}

void library_free(struct library_result *r)
{
	if (!r)
		return;
	if (r->res)
		mysql_free_result(r->res);
	free(r);
}

bool library_failure_is_final(enum library_failure failure)
{
	return failure != LIBRARY_OK && failure != LIBRARY_MISSING_GRANT && failure != LIBRARY_SQL;
}
