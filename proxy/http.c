#include "proxy/http.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/console/console_table.h"
#include "proxy/http_json.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "proxy/ready.h"

#define CONNECTIONS_MAX 100
#define IDLE_SECONDS 30
#define REQUEST_MEMORY (32 << 10) /* of one connection: longer headers are refused */
#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"
#define API "/api/v1/"

static struct MHD_Daemon *daemon_handle;
static struct console_catalog *catalog; /* the HTTP thread's */
static char socket_path[256];

/* What a page writes: its body goes to out. */
struct page {
	FILE *out;
	unsigned status;
	const char *type;
};

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

/* Rows as JSON; what was written before something went wrong is replaced. */
static void write_json(struct page *p, const char *sql)
{
	struct console_error e;
	p->type = JSON_TYPE;
	if (json_write_rows(p->out, catalog, sql, &e))
		return;
	p->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	rewind(p->out);
	fputs("{\"error\": ", p->out);
	json_write_text(p->out, e.text, strlen(e.text));
	fputs("}\n", p->out);
}

static void write_api_index(struct page *p)
{
	static const char sql[] =
		"SELECT '" API "' || name AS path, description FROM console_tables WHERE NOT hidden";
	write_json(p, sql);
}

static const struct {
	const char *path;
	void (*write)(struct page *p);
	const char *help;
} pages[] = {
	{"/metrics", write_metrics, "counters for Prometheus"},
	{"/healthz", write_health, "200 while the process runs"},
	{"/readyz", write_ready, "200 while there is a primary that answers"},
	{"/api/v1", write_api_index, "the tables as JSON: /api/v1/TABLE"},
};

static void write_not_found(struct page *p)
{
	p->status = MHD_HTTP_NOT_FOUND;
	fputs("There is no such page here. These are:\n\n", p->out);
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		fprintf(p->out, "  %-28s %s\n", pages[i].path, pages[i].help);
	const struct console_table *table;
	for (size_t i = 0; (table = console_table_at(i)) && !table->hidden; i++)
		fprintf(p->out, "  " API "%-20s %s\n", table->name, table->help);
}

/* Only a name that is in the table of tables gets into the statement. */
static void write_table(struct page *p, const char *name)
{
	const struct console_table *table = console_table_by_name(name);
	char sql[128];
	if (!table || table->hidden) {
		const char *near = console_table_nearest(name);
		p->status = MHD_HTTP_NOT_FOUND;
		fprintf(p->out, "There is no such table%s%s%s\n", near ? "; did you mean " : "", near ? near : "",
			near ? "?" : "; /api/v1 lists them");
		return;
	}
	snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table->name);
	write_json(p, sql);
}

static void write_page(struct page *p, const char *path)
{
	size_t len = strlen(path);
	if (strncmp(path, API, strlen(API)) == 0 && path[strlen(API)]) {
		write_table(p, path + strlen(API));
		return;
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (strlen(pages[i].path) == len && strncmp(pages[i].path, path, len) == 0) {
			pages[i].write(p);
			return;
		}
	write_not_found(p);
}

static enum MHD_Result respond(struct MHD_Connection *connection, const struct page *p, char *body, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, p->type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (p->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	enum MHD_Result queued = MHD_queue_response(connection, p->status, r);
	MHD_destroy_response(r);
	return queued;
}

/* The first call of a request has its headers only; what it might carry is not read. */
static enum MHD_Result on_request(void *unused, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *upload, size_t *upload_len,
				  void **request)
{
	(void)unused, (void)version, (void)upload, (void)upload_len, (void)request;
	char *body = NULL;
	size_t len = 0;
	struct page p = {.out = open_memstream(&body, &len), .status = MHD_HTTP_OK, .type = TEXT_TYPE};
	if (!p.out)
		return MHD_NO;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
		write_page(&p, path);
	} else {
		p.status = MHD_HTTP_METHOD_NOT_ALLOWED;
		fputs("Only GET and HEAD are understood here.\n", p.out);
	}
	fclose(p.out);
	return respond(connection, &p, body, len);
}

static void on_log(void *unused, const char *format, va_list args)
{
	char line[512];
	(void)unused;
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http", "%s", line);
}

int http_start(const struct options *options, char *error, size_t n)
{
	if (options->http_off)
		return 0;
	assert(!catalog);
	catalog = console_catalog_create(NULL, error, n);
	if (!catalog)
		return -ENOMEM;
	int fd = listener_socket(&options->http, error, n);
	if (fd < 0) {
		console_catalog_destroy(catalog);
		catalog = NULL;
		return -EADDRINUSE;
	}
	if (options->http.host[0] == '/')
		snprintf(socket_path, sizeof socket_path, "%s", options->http.host);
	daemon_handle = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, 0, NULL,
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

void http_stop(void)
{
	if (daemon_handle)
		MHD_stop_daemon(daemon_handle); /* closes the socket too */
	daemon_handle = NULL;
	if (*socket_path)
		unlink(socket_path);
	socket_path[0] = '\0';
	console_catalog_destroy(catalog);
	catalog = NULL;
}
