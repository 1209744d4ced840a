/*
 * How long the classifier takes: nanoseconds for short statements, GB/s for long ones of several kinds of text.
 *
 *	build/tests/bench_classifier [SECONDS PER TEXT [WORD]]      default 0.3; only the texts whose name holds WORD
 *
 * Processor time of one thread on this machine, the best of several rounds. Nothing is asserted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "router/classify.h"

#define LONG_BYTES (1u << 20)
#define ROUNDS 5

static const struct dialect dialect = {.flavor = FLAVOR_MYSQL, .version = 90704};
static const struct context context;
static struct classify_scratch scratch;
static struct classification result;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds of one classification, the best round. */
static double measure(struct view sql, double seconds)
{
	double best = 1e9;
	size_t batch = 1 + 4000000 / (sql.len + 500);
	for (int round = 0; round < ROUNDS; round++) {
		double from = now(), until = from + seconds / ROUNDS, at;
		size_t n = 0;
		do {
			for (size_t i = 0; i < batch; i++)
				classify(sql, &dialect, &context, &scratch, &result);
			n += batch;
			at = now();
		} while (at < until);
		if ((at - from) / (double)n < best)
			best = (at - from) / (double)n;
	}
	return best;
}

static const struct {
	const char *name, *sql;
} shorts[] = {
    {"select, 8 bytes", "SELECT 1"},
    {"point select, 45 bytes", "SELECT c FROM sbtest1 WHERE id = 123456789012"},
    {"select, 100 bytes", "SELECT id, name, email, created_at FROM users WHERE status = 'active' AND age > 21 ORDER BY id"
                          " LIMIT 10"},
    {"update, 100 bytes", "UPDATE accounts SET balance = balance - 100.50, updated_at = NOW() WHERE id = 12345 AND"
                          " status = 'x'"},
    {"select of a mapper, 420 bytes",
     "SELECT `t0`.`id` AS `t0_c0`, `t0`.`customer_id` AS `t0_c1`, `t0`.`created_at` AS `t0_c2`, `t1`.`id` AS `t1_c0`,"
     " `t1`.`name` AS `t1_c1`, `t1`.`email` AS `t1_c2` FROM `orders` `t0` LEFT OUTER JOIN `customers` `t1` ON"
     " (`t0`.`customer_id` = `t1`.`id`) WHERE (`t0`.`state` IN ('new', 'paid', 'sent') AND `t0`.`created_at` >="
     " '2026-01-01 00:00:00') ORDER BY `t0`.`created_at` DESC LIMIT 20 OFFSET 40"},
};

/* A long text: front, then `part` again and again, then the end. */
static const struct {
	const char *name, *front, *part, *end;
} longs[] = {
    {"rows of numbers and strings", "INSERT INTO t (a, b, c) VALUES (0, '', 0)",
     ",(12345,'some text of a customer, 40 bytes long',1.25)", ""},
    {"rows of long strings", "INSERT INTO t (a) VALUES ('')",
     ",('Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et"
     " dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea"
     " commodo consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore')",
     ""},
    {"one string", "INSERT INTO t (a) VALUES ('", "0123456789abcdef", "')"},
    {"one escaped string", "INSERT INTO t (a) VALUES ('", "a line of text with its end\\n", "')"},
    {"hexadecimal", "INSERT INTO t (a) VALUES (0x", "0123456789ABCDEF", ")"},
    {"list of numbers", "SELECT * FROM t WHERE id IN (1", ",1234567", ")"},
    {"one comment", "SELECT 1 /*", " words of a comment * and / more", "*/"},
    {"words", "SELECT 1", " UNION ALL SELECT name, price FROM products WHERE category = 'x' AND stock > 5", ""},
};

static struct view long_text(size_t i)
{
	size_t front = strlen(longs[i].front), part = strlen(longs[i].part), end = strlen(longs[i].end);
	size_t n = LONG_BYTES / part;
	uint8_t *text = malloc(front + n * part + end);
	if (!text)
		abort();
	memcpy(text, longs[i].front, front);
	for (size_t k = 0; k < n; k++)
		memcpy(text + front + k * part, longs[i].part, part);
	memcpy(text + front + n * part, longs[i].end, end);
	return (struct view){text, front + n * part + end};
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.3;
	const char *word = argc > 2 ? argv[2] : "";
	for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
		if (strstr(shorts[i].name, word))
			printf("%-32s %8.0f ns\n", shorts[i].name, measure(view_of(shorts[i].sql), seconds) * 1e9);
	for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
		if (!strstr(longs[i].name, word))
			continue;
		struct view sql = long_text(i);
		printf("%-32s %8.2f GB/s\n", longs[i].name, (double)sql.len / measure(sql, seconds) * 1e-9);
		free((void *)(uintptr_t)sql.p);
	}
	return 0;
}
