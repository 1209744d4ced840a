/*
 * Clients that write and read at once what they wrote, and count how often they do not find it.
 *
 *	stale_client HOST PORT USER PASSWORD SCHEMA WORK CONNECTIONS COUNT SECONDS HINT
 *
 * WORK: autocommit, transaction, prepared or mixed (each connection one of these): COUNT pairs in all, of a write and a
 * read of the same row. monotonic: the first connection counts a row up, the others read it COUNT times in all and
 * watch that it never goes back. mostly: reads of any row for COUNT milliseconds, and one write in twenty statements.
 * All of it ends after SECONDS. Tables: stale (id INT PRIMARY KEY, v INT), with ids from 1 to CONNECTIONS, and whoami
 * (name), which differs from server to server. HINT is put before each read. One line of JSON on standard output.
 *
 * A client whose connection broke makes another. What it finds missing then is looked up on the primary: a write that
 * is gone there too was lost with a server, and no read is to blame.
 */
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 512
#define SERVERS_MAX     8
#define TIMES_MAX       1000000
#define PAUSE_NS        20000000 /* after an error */
#define CLIENT_ERRORS   2000 /* from here on: the connection's, not the server's */

static const char *host, *user, *password, *schema, *hint;
static unsigned port, connections;
static long count;
static double ends_us;
static _Atomic long taken, done_pairs, stale, lost, errors, read_errors, statements;
static _Atomic bool done;

struct times {
	unsigned *us;
	size_t n;
};

struct client {
	pthread_t thread;
	unsigned number;
	const char *work;
	MYSQL *connection;
	MYSQL_STMT *read;
	struct times reads, writes;
	char names[SERVERS_MAX][24];
	long seen[SERVERS_MAX];
	int value, target;
	char name[24];
};

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void note_time(struct times *t, double since)
{
	if (t->n < TIMES_MAX)
		t->us[t->n++] = (unsigned)(now_us() - since);
}

static bool is_over(void)
{
	return now_us() >= ends_us;
}

static bool open_connection(struct client *c)
{
	c->connection = mysql_init(NULL);
	return mysql_real_connect(c->connection, host, user, password, schema, port, NULL, 0) != NULL;
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void reconnect(struct client *c)
{
	if (c->read)
		mysql_stmt_close(c->read);
	c->read = NULL;
	do {
		mysql_close(c->connection);
		pause_a_moment();
	} while (!open_connection(c) && !is_over());
}

static bool complain(struct client *c, const char *what)
{
	unsigned code = mysql_errno(c->connection);
	if (!code && c->read)
		code = mysql_stmt_errno(c->read);
	if (atomic_fetch_add(&errors, 1) < 5)
		fprintf(stderr, "client %u, %s: %u %s\n", c->number, what, code, mysql_error(c->connection));
	if (code >= CLIENT_ERRORS)
		reconnect(c);
	else
		pause_a_moment();
	return false;
}

static bool run(struct client *c, const char *sql)
{
	return mysql_query(c->connection, sql) ? complain(c, sql) : true;
}

static void note_server(struct client *c)
{
	unsigned i = 0;
	while (i < SERVERS_MAX - 1 && *c->names[i] && strcmp(c->names[i], c->name) != 0)
		i++;
	strcpy(c->names[i], c->name);
	c->seen[i]++;
}

static bool read_with(struct client *c, const char *before, unsigned id)
{
	char sql[256];
	snprintf(sql, sizeof sql, "%s SELECT v, (SELECT name FROM whoami) FROM stale WHERE id = %u", before, id);
	if (!run(c, sql))
		return false;
	MYSQL_RES *result = mysql_store_result(c->connection);
	if (!result)
		return complain(c, "result");
	MYSQL_ROW row = mysql_fetch_row(result);
	c->value = row ? atoi(row[0]) : -1;
	snprintf(c->name, sizeof c->name, "%s", row && row[1] ? row[1] : "?");
	mysql_free_result(result);
	return true;
}

static bool read_text(struct client *c, unsigned id)
{
	if (!read_with(c, hint, id))
		return false;
	note_server(c);
	return true;
}

static bool read_prepared(struct client *c, unsigned id)
{
	unsigned long len = 0;
	char sql[256];
	MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
	MYSQL_BIND out[2] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &c->value},
	                     {.buffer_type = MYSQL_TYPE_STRING,
	                      .buffer = c->name,
	                      .buffer_length = sizeof c->name - 1,
	                      .length = &len}};
	snprintf(sql, sizeof sql, "%s SELECT v, (SELECT name FROM whoami) FROM stale WHERE id = ?", hint);
	if (!c->read) {
		c->read = mysql_stmt_init(c->connection);
		if (mysql_stmt_prepare(c->read, sql, strlen(sql)))
			return complain(c, "prepare");
	}
	if (mysql_stmt_bind_param(c->read, &in) || mysql_stmt_execute(c->read) || mysql_stmt_bind_result(c->read, out) ||
	    mysql_stmt_store_result(c->read) || mysql_stmt_fetch(c->read)) {
		fprintf(stderr, "%s\n", mysql_stmt_error(c->read));
		return complain(c, "execute");
	}
	c->name[len < sizeof c->name ? len : 0] = '\0';
	mysql_stmt_free_result(c->read);
	note_server(c);
	return true;
}

static bool write_row(struct client *c, bool in_transaction)
{
	char sql[128];
	snprintf(sql, sizeof sql, "UPDATE stale SET v = %d WHERE id = %u", ++c->target, c->number + 1);
	if (in_transaction)
		return run(c, "BEGIN") && run(c, sql) && run(c, "COMMIT");
	return run(c, sql);
}

/* The read missed the write. Where a server was lost, the write may be gone, which is found on the primary. */
static void note_missing(struct client *c)
{
	int read = c->value;
	if (atomic_load(&errors) && read_with(c, "/* wye: consistency=primary */", c->number + 1) && c->value <= read) {
		atomic_fetch_add(&lost, 1);
		return;
	}
	if (atomic_fetch_add(&stale, 1) < 5 && !*hint)
		fprintf(stderr, "client %u, %s, on %s: %d read after %d was written\n", c->number, c->work, c->name,
		        read, c->target);
}

static void pairs(struct client *c)
{
	bool transaction = !strcmp(c->work, "transaction"), prepared = !strcmp(c->work, "prepared");
	while (atomic_fetch_add(&taken, 1) < count && !is_over()) {
		double began = now_us();
		if (!write_row(c, transaction))
			continue;
		note_time(&c->writes, began);
		began = now_us();
		if (!(prepared ? read_prepared(c, c->number + 1) : read_text(c, c->number + 1))) {
			atomic_fetch_add(&read_errors, 1);
			continue;
		}
		note_time(&c->reads, began);
		atomic_fetch_add(&done_pairs, 1);
		if (c->value < c->target)
			note_missing(c);
	}
}

/* The counter's row is the first; a moment between writes lets replicas follow. */
static void monotonic(struct client *c)
{
	int highest = 0;
	if (c->number == 0)
		while (!atomic_load(&done)) {
			write_row(c, false);
			nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
		}
	while (c->number && atomic_fetch_add(&taken, 1) < count && !is_over()) {
		double began = now_us();
		if (!read_text(c, 1))
			continue;
		note_time(&c->reads, began);
		if (c->value < highest)
			atomic_fetch_add(&stale, 1);
		highest = c->value > highest ? c->value : highest;
	}
	atomic_store(&done, true);
}

static void mostly(struct client *c)
{
	double until = now_us() + (double)count * 1000;
	until = until < ends_us ? until : ends_us;
	for (unsigned i = c->number; now_us() < until; i++) {
		double began = now_us();
		if (i % 20 == 0 ? !write_row(c, false) : !read_text(c, c->number + 1))
			continue;
		note_time(i % 20 ? &c->reads : &c->writes, began);
		atomic_fetch_add(&statements, 1);
		if (i % 20 && c->value < c->target)
			atomic_fetch_add(&stale, 1);
	}
}

static void *client(void *arg)
{
	struct client *c = arg;
	mysql_thread_init();
	if (!strcmp(c->work, "monotonic"))
		monotonic(c);
	else if (!strcmp(c->work, "mostly"))
		mostly(c);
	else
		pairs(c);
	if (c->read)
		mysql_stmt_close(c->read);
	mysql_close(c->connection);
	mysql_thread_end();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return x < y ? -1 : x > y;
}

static void print_times(const char *name, struct client *clients, size_t offset)
{
	size_t n = 0, at = 0;
	for (unsigned i = 0; i < connections; i++)
		n += ((struct times *)(void *)((char *)&clients[i] + offset))->n;
	unsigned *all = calloc(n + 1, sizeof *all);
	for (unsigned i = 0; i < connections; i++) {
		struct times *t = (struct times *)(void *)((char *)&clients[i] + offset);
		memcpy(all + at, t->us, t->n * sizeof *all);
		at += t->n;
	}
	qsort(all, n, sizeof *all, compare);
	printf(", \"%s\": %zu, \"%s_p50\": %u, \"%s_p99\": %u", name, n, name, all[n / 2], name, all[n * 99 / 100]);
	free(all);
}

static void print_servers(struct client *clients)
{
	char names[SERVERS_MAX][24] = {""};
	long seen[SERVERS_MAX] = {0};
	for (unsigned i = 0; i < connections; i++)
		for (unsigned k = 0; k < SERVERS_MAX && *clients[i].names[k]; k++) {
			unsigned at = 0;
			while (at < SERVERS_MAX - 1 && *names[at] && strcmp(names[at], clients[i].names[k]) != 0)
				at++;
			strcpy(names[at], clients[i].names[k]);
			seen[at] += clients[i].seen[k];
		}
	printf(", \"servers\": {");
	for (unsigned i = 0; i < SERVERS_MAX && *names[i]; i++)
		printf("%s\"%s\": %ld", i ? ", " : "", names[i], seen[i]);
	printf("}");
}

static bool open_client(struct client *c, unsigned number, const char *work)
{
	static const char *const mixed[] = {"autocommit", "transaction", "prepared"};
	c->number = number;
	c->work = strcmp(work, "mixed") ? work : mixed[number % 3];
	c->reads.us = malloc(TIMES_MAX * sizeof(unsigned));
	c->writes.us = malloc(TIMES_MAX * sizeof(unsigned));
	if (!open_connection(c))
		return complain(c, "connect");
	/* Beyond what an earlier run has written. */
	c->target = (int)(time(NULL) % 1000000) * 1000;
	return write_row(c, false);
}

int main(int argc, char **argv)
{
	if (argc != 11)
		return 2;
	host = argv[1];
	port = (unsigned)atoi(argv[2]);
	user = argv[3];
	password = argv[4];
	schema = argv[5];
	connections = (unsigned)atoi(argv[7]);
	count = atol(argv[8]);
	ends_us = now_us() + atof(argv[9]) * 1e6;
	hint = argv[10];
	if (connections < 1 || connections > CONNECTIONS_MAX)
		return 2;
	struct client *clients = calloc(connections, sizeof *clients);
	for (unsigned i = 0; i < connections; i++)
		if (!open_client(&clients[i], i, argv[6]))
			return 1;
	double began = now_us();
	for (unsigned i = 0; i < connections; i++)
		pthread_create(&clients[i].thread, NULL, client, &clients[i]);
	for (unsigned i = 0; i < connections; i++)
		pthread_join(clients[i].thread, NULL);
	printf("{\"stale\": %ld, \"lost\": %ld, \"errors\": %ld, \"read_errors\": %ld, \"seconds\": %.3f, \"pairs\": %ld, \"statements\": %ld",
	       stale, lost, errors, read_errors, (now_us() - began) / 1e6, done_pairs, statements);
	print_times("reads", clients, offsetof(struct client, reads));
	print_times("writes", clients, offsetof(struct client, writes));
	print_servers(clients);
	printf("}\n");
	return 0;
}
