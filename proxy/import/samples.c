#include "proxy/import/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config.h"

#define DIGEST_TEXT_MAX 8192u

static const char *const own[] = {
	"SELECT * FROM orders WHERE id = 7",
	"SELECT id, total FROM shop.orders WHERE customer = 'x' ORDER BY id LIMIT 10",
	"select count(*) from orders",
	"SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE c.name LIKE 'a%'",
	"SELECT id FROM orders WHERE id IN (1, 2, 3)",
	"SELECT id FROM orders UNION SELECT id FROM customers",
	"WITH recent AS (SELECT id FROM orders) SELECT * FROM recent",
	"(SELECT 1)",
	"SELECT 1",
	"SELECT NOW()",
	"SELECT * FROM orders WHERE id = 7 FOR UPDATE",
	"SELECT * FROM orders WHERE id = 7 LOCK IN SHARE MODE",
	"SELECT * FROM orders WHERE note = 'not FOR UPDATE'",
	"SELECT * FROM orders WHERE id = 7 FOR UPDATE /* last */",
	"SELECT id INTO OUTFILE '/tmp/orders' FROM orders",
	"SELECT GET_LOCK('report', 1)",
	"SELECT LAST_INSERT_ID()",
	"SELECT total INTO @total FROM orders WHERE id = 7",
	"SELECT @total := 1",
	"SELECT @@server_id",
	"SELECT @@session.sql_mode",
	"SELECT monthly_total(7)",
	"INSERT INTO orders (id, total) VALUES (1, 2)",
	"INSERT INTO orders SELECT * FROM carts",
	"REPLACE INTO orders VALUES (1, 2)",
	"UPDATE orders SET total = 3 WHERE id = 7",
	"DELETE FROM orders WHERE id = 7",
	"DELETE FROM orders",
	"TRUNCATE TABLE orders",
	"LOAD DATA INFILE '/tmp/orders' INTO TABLE orders",
	"CREATE TABLE archive (id INT)",
	"ALTER TABLE orders ADD COLUMN note TEXT",
	"DROP TABLE archive",
	"CREATE TEMPORARY TABLE t (id INT)",
	"GRANT SELECT ON shop.* TO reader",
	"CALL close_month()",
	"BEGIN",
	"START TRANSACTION",
	"START TRANSACTION READ ONLY",
	"COMMIT",
	"ROLLBACK",
	"SAVEPOINT s",
	"LOCK TABLES orders WRITE",
	"UNLOCK TABLES",
	"SET NAMES utf8mb4",
	"SET autocommit = 1",
	"SET @total = 5",
	"SET SESSION sql_mode = 'ANSI_QUOTES'",
	"SET GLOBAL max_connections = 100",
	"USE shop",
	"SHOW TABLES",
	"SHOW CREATE TABLE orders",
	"SHOW VARIABLES LIKE 'version%'",
	"SHOW PROCESSLIST",
	"SHOW WARNINGS",
	"DESCRIBE orders",
	"EXPLAIN SELECT * FROM orders",
	"ANALYZE TABLE orders",
	"PREPARE p FROM 'SELECT 1'",
	"KILL 5",
	"FLUSH TABLES",
};

static struct view text_view(const char *text)
{
	return (struct view){(const uint8_t *)text, strlen(text)};
}

static void classify_sample(struct sample *s)
{
	static const struct dialect dialect = {.flavor = FLAVOR_MYSQL, .version = 90704};
	struct classify_scratch *scratch = calloc(1, sizeof *scratch);
	struct classification *c = calloc(1, sizeof *c);
	struct context context = {0};
	if (!scratch || !c || !(scratch->text = malloc(DIGEST_TEXT_MAX)))
		abort();
	scratch->text_capacity = DIGEST_TEXT_MAX;
	classify(text_view(s->text), &dialect, &context, scratch, c);
	s->route = c->route;
	s->reason = c->reason;
	s->digest = c->digest;
	s->digest_text = strndup((const char *)c->digest_text.p, c->digest_text.len);
	if (!s->digest_text)
		abort();
	free(scratch->text);
	free(scratch);
	free(c);
}

void samples_add(struct samples *s, const char *text, bool made)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->all[i].text, text) == 0)
			return;
	s->all = realloc(s->all, (s->n + 1) * sizeof *s->all);
	if (!s->all)
		abort();
	struct sample *one = &s->all[s->n++];
	*one = (struct sample){.text = strdup(text), .made = made};
	if (!one->text)
		abort();
	classify_sample(one);
}

void samples_init(struct samples *s)
{
	*s = (struct samples){0};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		samples_add(s, own[i], false);
}

void samples_finish(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->all[i].text);
		free(s->all[i].digest_text);
	}
	free(s->all);
	*s = (struct samples){0};
}

bool samples_read(struct samples *s, const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t got;
	while (file && (got = getline(&line, &size, file)) >= 0) {
		if (got && line[got - 1] == '\n')
			line[--got] = '\0';
		if (got)
			samples_add(s, line, false);
	}
	bool fine = (file && !ferror(file)) || config_refuse(error, error_size, "%.300s: %s", path, strerror(errno));
	free(line);
	if (file)
		fclose(file);
	return fine;
}
