#include "proxy/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/http_api.h"
#include "proxy/http_assets.h"
#include "proxy/http_page.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "proxy/ready.h"
#include "proxy/upgrade/sockets.h"

#define CONNECTIONS_MAX 100
#define IDLE_SECONDS 30
#define REQUEST_MEMORY (32 << 10) /* of one connection: longer headers are refused */

static struct MHD_Daemon *daemon_handle;
static struct console_catalog *catalog; /* the HTTP thread's */
static char socket_path[256];
static bool only_local; /* it listens on loopback */
static int quiet_socket = -1; /* of a daemon that takes no new requests */

const char *page_argument(const struct page *p, const char *name)
{
	return MHD_lookup_connection_value(p->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void write_metrics(struct page *p)
{
	p->type = METRICS_CONTENT_TYPE;
	metrics_write(p->out);
}

static void write_health(struct page *p)
{
	fputs("ok\n", p->out);
}

static void write_ready(struct page *p)
{
	char why[200];
	if (ready_now(why, sizeof why)) {
		fputs("ready\n", p->out);
		return;
	}
	p->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	fprintf(p->out, "not ready: %s\n", why);
}

static void write_api_index(struct page *p)
{
	api_write(p, catalog, "");
}

static const struct {
	const char *path;
	void (*write)(struct page *p);
	const char *help;
} pages[] = {
	{"/metrics", write_metrics, "counters for Prometheus"},
	{"/healthz", write_health, "200 while the process runs"},
	{"/readyz", write_ready, "200 while there is a primary that answers"},
	{HTTP_API, write_api_index, "the console's tables as JSON"},
};

static void write_not_found(struct page *p)
{
	p->status = MHD_HTTP_NOT_FOUND;
	fputs("There is no such page here. These are:\n\n", p->out);
	fprintf(p->out, "  %-28s %s\n", "/", "the dashboard");
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		fprintf(p->out, "  %-28s %s\n", pages[i].path, pages[i].help);
	api_list(p->out);
}

/* ---- who may read ---- */

/* A page of another site whose name its owner has turned to this machine's loopback could read here what the browser's
 * user may: so where only this machine can connect, only its own names are answered to. Metrics and health have nothing
 * to hide, and are asked for under any name. */
static bool is_own_name(const char *host)
{
	char name[256];
	unsigned char address[16];
	if (!host || !only_local)
		return true;
	snprintf(name, sizeof name, "%s", host);
	if (*name == '[')
		return true; /* an address */
	name[strcspn(name, ":")] = '\0';
	size_t len = strlen(name);
	return strcasecmp(name, "localhost") == 0 || (len > 10 && strcasecmp(name + len - 10, ".localhost") == 0) ||
	       inet_pton(AF_INET, name, address) == 1;
}

static bool refuses_host(struct page *p)
{
	const char *host = MHD_lookup_connection_value(p->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	if (is_own_name(host))
		return false;
	p->status = MHD_HTTP_MISDIRECTED_REQUEST;
	fputs("This is for this machine only: ask for localhost or its address, not for another name.\n", p->out);
	return true;
}

/* ---- which page it is ---- */

static void write_page(struct page *p, const char *path)
{
	char clean[256];
	size_t len = strlen(path), api = strlen(HTTP_API);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof clean) {
		write_not_found(p);
		return;
	}
	memcpy(clean, path, len);
	clean[len] = '\0';
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (pages[i].write != write_api_index && strcmp(pages[i].path, clean) == 0) {
			pages[i].write(p);
			return;
		}
	if (refuses_host(p))
		return;
	p->asset = asset_find(clean);
	if (p->asset)
		return;
	if (strncmp(clean, HTTP_API, api) == 0 && (!clean[api] || clean[api] == '/'))
		api_write(p, catalog, clean + api + (clean[api] == '/'));
	else
		write_not_found(p);
}

/* ---- answering ---- */

static bool has_word(struct MHD_Connection *connection, const char *header, const char *word)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);
	return value && strstr(value, word);
}

static struct MHD_Response *response_of_asset(struct page *p)
{
	const struct asset *a = p->asset;
	p->type = a->type;
	if (has_word(p->connection, MHD_HTTP_HEADER_IF_NONE_MATCH, a->etag)) {
		p->status = MHD_HTTP_NOT_MODIFIED;
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	struct MHD_Response *r;
	if (has_word(p->connection, MHD_HTTP_HEADER_ACCEPT_ENCODING, "gzip")) {
		r = MHD_create_response_from_buffer(a->size, (void *)(uintptr_t)a->data, MHD_RESPMEM_PERSISTENT);
		if (r)
			MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
		return r;
	}
	char *whole = asset_unpack(a);
	r = whole ? MHD_create_response_from_buffer(a->whole_size, whole, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!r)
		free(whole);
	return r;
}

/* The same for all: nothing is kept by anybody in between, nothing is guessed, framed, or loaded from elsewhere. */
static void add_headers(struct MHD_Response *r, const struct page *p)
{
	static const char *const headers[][2] = {
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy",
		 "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
		 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Referrer-Policy", "no-referrer"},
	};
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, p->type);
	if (ready_is_draining()) /* the next request is for who comes after */
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	if (p->asset) {
		MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
		MHD_add_response_header(r, MHD_HTTP_HEADER_ETAG, p->asset->etag);
		MHD_add_response_header(r, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	} else {
		MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	if (p->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

static enum MHD_Result respond(struct page *p, char *body, size_t len)
{
	struct MHD_Response *r;
	if (p->asset) {
		free(body);
		r = response_of_asset(p);
	} else {
		r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
		if (!r)
			free(body);
	}
	if (!r)
		return MHD_NO;
	add_headers(r, p);
	enum MHD_Result queued = MHD_queue_response(p->connection, p->status, r);
	MHD_destroy_response(r);
	return queued;
}

/* The first call of a request has its headers only; it is answered at the last, when the connection can be kept for the next.
 * What it might carry is dropped. */
static enum MHD_Result on_request(void *unused, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *upload, size_t *upload_len,
				  void **request)
{
	(void)unused, (void)version, (void)upload;
	static char seen;
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	if (reads && (!*request || *upload_len)) {
		*request = &seen;
		*upload_len = 0;
		return MHD_YES;
	}
	char *body = NULL;
	size_t len = 0;
	struct page p = {.connection = connection, .out = open_memstream(&body, &len), .status = MHD_HTTP_OK, .type = HTTP_TEXT};
	if (!p.out)
		return MHD_NO;
	if (reads) {
		write_page(&p, path);
	} else {
		p.status = MHD_HTTP_METHOD_NOT_ALLOWED;
		fputs("Only GET and HEAD are understood here.\n", p.out);
	}
	fclose(p.out);
	return respond(&p, body, len);
}

static void on_log(void *unused, const char *format, va_list args)
{
	char line[512];
	(void)unused;
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http", "%s", line);
}

static bool is_loopback(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof at;
	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return false;
	if (at.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&at)->sin6_addr);
	return at.ss_family == AF_INET && ntohl(((const struct sockaddr_in *)&at)->sin_addr.s_addr) >> 24 == 127;
}

/* One that this process was given counts before the default. */
static int socket_of(const struct options *options, struct endpoint *at, char *error, size_t n)
{
	char name[SOCKET_NAME_MAX];
	int fd = options->http_by_hand ? -1 : sockets_take_next(SOCKET_HTTP, at, name);
	return fd >= 0 ? fd : listener_socket(at, "http", error, n);
}

int http_start(const struct options *options, char *error, size_t n)
{
	if (options->http_off)
		return 0;
	assert(!catalog);
	catalog = console_catalog_create(NULL, error, n);
	if (!catalog)
		return -ENOMEM;
	struct endpoint at = options->http;
	int fd = socket_of(options, &at, error, n);
	if (fd < 0) {
		console_catalog_destroy(catalog);
		catalog = NULL;
		return -EADDRINUSE;
	}
	only_local = is_loopback(fd);
	if (at.host[0] == '/')
		snprintf(socket_path, sizeof socket_path, "%s", at.host);
	daemon_handle = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
					 NULL, on_request, NULL, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
					 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
					 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY, MHD_OPTION_END);
	if (daemon_handle)
		return 0;
	snprintf(error, n, "cannot start HTTP: %s", strerror(errno));
	close(fd);
	http_stop();
	return -EIO;
}

void http_leave(void)
{
	if (daemon_handle && quiet_socket < 0)
		quiet_socket = MHD_quiesce_daemon(daemon_handle);
}

void http_stop(void)
{
	if (*socket_path)
		sockets_remove_file(socket_path);
	if (daemon_handle)
		MHD_stop_daemon(daemon_handle); /* closes the socket too */
	daemon_handle = NULL;
	if (quiet_socket >= 0)
		close(quiet_socket);
	quiet_socket = -1;
	socket_path[0] = '\0';
	console_catalog_destroy(catalog);
	catalog = NULL;
}
