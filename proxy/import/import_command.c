#include "proxy/import/import_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_store.h"
#include "proxy/import/maxscale.h"
#include "proxy/import/proxysql.h"
#include "proxy/import/proxysql_file.h"
#include "proxy/import/proxysql_pattern.h"

struct request {
	const char *kind, *file;
	const char *apply;      /* a configuration file, or NULL */
	const char *statements; /* a file of them, or NULL */
	bool exact, passwords;
};

static int refuse(int status, const char *what, const char *word)
{
	fprintf(stderr, "wye import: %s%s%s%s\n", what, word ? " '" : "", word ? word : "", word ? "'" : "");
	return status;
}

/* 0, or an exit status with what is wrong said. */
static int read_arguments(struct request *r, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char **value = strcmp(argv[i], "--apply") == 0        ? &r->apply
				     : strcmp(argv[i], "--statements") == 0 ? &r->statements
									    : NULL;
		if (value && ++i == argc)
			return refuse(2, "a file's name is missing after", argv[i - 1]);
		if (value)
			*value = argv[i];
		else if (strcmp(argv[i], "--exact") == 0)
			r->exact = true;
		else if (strcmp(argv[i], "--passwords") == 0)
			r->passwords = true;
		else if (argv[i][0] == '-')
			return refuse(2, "see `wye help import`; there is no option", argv[i]);
		else if (!r->kind)
			r->kind = argv[i];
		else if (!r->file)
			r->file = argv[i];
		else
			return refuse(2, "one file only is read, not also", argv[i]);
	}
	if (!r->kind || !r->file)
		return refuse(2, "what from which file? wye import proxysql|maxscale FILE", NULL);
	if (strcmp(r->kind, "proxysql") != 0 && strcmp(r->kind, "maxscale") != 0)
		return refuse(2, "proxysql and maxscale are known, not", r->kind);
	if (strcmp(r->kind, "maxscale") == 0 && (r->exact || r->passwords || r->statements))
		return refuse(2, "--exact, --passwords and --statements are for proxysql", NULL);
	return 0;
}

/* What a pattern's example may be a part of. */
static const char *const around[] = {"SELECT a %s", "SELECT a FROM %s", "SELECT a FROM t WHERE %s", "SELECT %s FROM t"};

static void add_example(struct samples *samples, const char *example, bool whole)
{
	char *text;
	if (whole && strchr(example, ' '))
		samples_add(samples, example, false);
	for (size_t i = 0; !whole && i < sizeof around / sizeof *around; i++) {
		const char *mark = strstr(around[i], "%s");
		if (asprintf(&text, "%.*s%s%s", (int)(mark - around[i]), around[i], example, mark + 2) < 0)
			abort();
		samples_add(samples, text, true);
		free(text);
	}
}

/* Statements that the rules' patterns were made from, or could match. */
static void add_examples(const struct proxysql *p, struct samples *samples)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		const char *pattern = p->rules[i].match_digest ? p->rules[i].match_digest : p->rules[i].match_pattern;
		char *examples[PROXYSQL_EXAMPLES_MAX];
		size_t n = pattern ? proxysql_examples(pattern, examples) : 0;
		for (size_t k = 0; k < n; k++) {
			add_example(samples, examples[k], *pattern == '^');
			free(examples[k]);
		}
	}
}

static bool plan_proxysql(const struct request *r, struct plan *plan, FILE *tail, char *error, size_t error_size)
{
	struct proxysql p;
	struct samples samples;
	sqlite3 *db = proxysql_file_open(r->file, error, error_size);
	if (!db)
		return false;
	samples_init(&samples);
	bool fine = proxysql_read(&p, db, error, error_size) &&
		    (!r->statements || samples_read(&samples, r->statements, error, error_size));
	if (fine) {
		add_examples(&p, &samples);
		proxysql_plan_servers(&p, plan);
		proxysql_plan_users(&p, plan, r->passwords);
		proxysql_plan_rules(&p, plan, &samples, r->exact);
		fine = proxysql_plan_variables(db, plan, error, error_size) &&
		       proxysql_compare(tail, &p, plan, &samples, error, error_size);
	}
	proxysql_finish(&p);
	samples_finish(&samples);
	sqlite3_close(db);
	return fine;
}

static bool put_out(const struct request *r, const struct plan *plan, const char *tail, char *error, size_t error_size)
{
	char changed[CONFIG_ERROR_MAX * 2], who[64];
	snprintf(who, sizeof who, "wye import %s", r->kind);
	/* What is printed can be run: it has been. */
	if (!plan_apply(plan, r->apply ? r->apply : "", who, changed, sizeof changed, error, error_size))
		return false;
	printf("-- What was %s's in %s, for wye. ", r->kind, r->file);
	if (!r->apply)
		puts("Nothing has been changed: run this on the console, or import with --apply FILE.\n");
	else
		printf("In %s now: %s.\n-- A wye that runs learns of it when it is started again.\n\n", r->apply,
		       *changed ? changed : "nothing, it was there");
	plan_print(stdout, plan);
	fputs(tail, stdout);
	return fflush(stdout) == 0 || config_refuse(error, error_size, "cannot write what was found");
}

int import_command(int argc, char **argv)
{
	struct request r = {0};
	struct plan plan = {0};
	char error[CONFIG_ERROR_MAX] = "", *tail_text = NULL;
	size_t tail_size = 0;
	int status = read_arguments(&r, argc, argv);
	if (status)
		return status;
	FILE *tail = open_memstream(&tail_text, &tail_size);
	if (!tail)
		abort();
	bool fine = strcmp(r.kind, "proxysql") == 0 ? plan_proxysql(&r, &plan, tail, error, sizeof error)
						   : maxscale_plan(&plan, r.file, error, sizeof error);
	fclose(tail);
	fine = fine && put_out(&r, &plan, tail_text, error, sizeof error);
	plan_finish(&plan);
	free(tail_text);
	return fine ? 0 : refuse(1, error, NULL);
}
