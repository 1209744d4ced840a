#include "proxy/route_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "router/classify.h"
#include "router/sql_mode.h"

/* What one line says about how its statement is to be read. */
struct setting {
	struct dialect dialect;
	struct context context;
};

/* Memory that is used for one statement after the other. */
struct work {
	struct classify_scratch scratch;
	struct classification result;
	char *line; /* as getline() likes it */
	size_t line_size;
};

#define DIGEST_TEXT_MAX 4096u

/* No server tells what a view does: one that follows the usual conventions for a view's name (v_orders,
 * orders_view) may write, as a function may. wye itself looks at what the view is made of. */
static enum object_access by_name(const struct catalog *catalog, struct view schema, struct view name)
{
	static const char *const words[] = {"v", "vw", "view"};
	(void)catalog;
	(void)schema;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]);
		const char *p = (const char *)name.p;
		if (name.len > n + 1 &&
		    ((p[n] == '_' && strncasecmp(p, words[i], n) == 0) ||
		     (p[name.len - n - 1] == '_' && strncasecmp(p + name.len - n, words[i], n) == 0)))
			return OBJECT_DOUBTED;
	}
	return OBJECT_UNKNOWN;
}

static const struct catalog no_servers = {.relation = by_name};

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "wye route: %s '%s'; see: wye help route\n", what, word);
	return 2;
}

/* "mysql", "mysql-9.7", "mariadb-10.11.19". A version left out is the newest one known here. */
static bool flavor_parse(const char *name, struct dialect *d)
{
	static const struct {
		const char *name;
		enum flavor flavor;
		unsigned newest, patch; /* patch: taken when only major and minor are given */
	} flavors[] = {{"mysql", FLAVOR_MYSQL, 90704, 4}, {"mariadb", FLAVOR_MARIADB, 110809, 99}};
	for (size_t i = 0; i < sizeof flavors / sizeof *flavors; i++) {
		size_t n = strlen(flavors[i].name);
		unsigned major = 0, minor = 0, patch = flavors[i].patch;
		char more;
		if (strncasecmp(name, flavors[i].name, n) != 0)
			continue;
		d->flavor = flavors[i].flavor;
		d->version = flavors[i].newest;
		if (!name[n])
			return true;
		int got =
		    name[n] == '-' ? sscanf(name + n + 1, "%2u.%2u.%2u%c", &major, &minor, &patch, &more) : 0;
		d->version = major * 10000 + minor * 100 + patch;
		return got == 2 || got == 3;
	}
	return false;
}

static bool context_parse(const char *name, struct context *c)
{
	static const struct view temporary[] = {{(const uint8_t *)"tt", 2}};
	*c = (struct context){.catalog = &no_servers};
	if (strcmp(name, "trx") == 0) {
		c->in_trx = true;
	} else if (strcmp(name, "ro_trx") == 0) {
		c->in_trx = c->in_read_only_trx = true;
	} else if (strcmp(name, "autocommit0") == 0) {
		c->autocommit_off = true;
	} else if (strcmp(name, "temp_table") == 0) {
		c->temp_tables = true;
		c->pins = PIN_TEMPORARY_TABLE;
		c->temp_names = temporary;
		c->n_temp_names = 1;
	} else {
		return strcmp(name, "none") == 0;
	}
	return true;
}

static void print_escaped(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];
		switch (c) {
		case '\t':
			fputs("\\t", stdout);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		case '\r':
			fputs("\\r", stdout);
			break;
		case '\\':
			fputs("\\\\", stdout);
			break;
		case 0:
			fputs("\\0", stdout);
			break;
		default:
			putchar(c);
		}
	}
}

static void answer(struct work *w, struct view sql, const struct setting *setting)
{
	classify(sql, &setting->dialect, &setting->context, &w->scratch, &w->result);
	printf("%s\t%s\t", route_name(w->result.route), reason_name(w->result.reason));
	print_escaped(w->result.digest_text);
	putchar('\n');
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The escapes of the corpus, in place; gives the length. Others stay as they are. */
static size_t unescape(char *s, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		static const char from[] = "\\ntr0vf", to[] = "\\\n\t\r\0\v\f";
		const char *at = s[i] == '\\' && i + 1 < len && s[i + 1] ? strchr(from, s[i + 1]) : NULL;
		if (at) {
			s[n++] = to[at - from];
			i++;
		} else if (s[i] == '\\' && i + 3 < len && s[i + 1] == 'x' && hex_digit(s[i + 2]) >= 0 &&
		           hex_digit(s[i + 3]) >= 0) {
			s[n++] = (char)(hex_digit(s[i + 2]) * 16 + hex_digit(s[i + 3]));
			i += 3;
		} else {
			s[n++] = s[i];
		}
	}
	return n;
}

/* Cuts the next column off; the last one takes what is left up to a further tab. */
static char *column(char **at, char *end)
{
	char *from = *at;
	if (!from)
		return NULL;
	char *tab = memchr(from, '\t', (size_t)(end - from));
	if (tab)
		*tab = 0;
	*at = tab ? tab + 1 : NULL;
	return from;
}

/* flavor, SQL mode, context, statement; more columns are ignored. Gives an exit status. */
static int answer_tsv(struct work *w, size_t len, size_t number)
{
	struct setting setting = {0};
	char *at = w->line, *end = w->line + len;
	char *flavor = column(&at, end), *mode = column(&at, end), *context = column(&at, end);
	char *sql = at;
	if (!sql) {
		fprintf(stderr,
		        "wye route: line %zu has fewer than the four columns flavor, sql_mode, context, "
		        "statement\n",
		        number);
		return 2;
	}
	char *tab = memchr(sql, '\t', (size_t)(end - sql));
	size_t sql_len = (size_t)((tab ? tab : end) - sql);
	if (!flavor_parse(flavor, &setting.dialect))
		return usage("unknown flavor", flavor);
	if (!context_parse(context, &setting.context))
		return usage("unknown context", context);
	setting.dialect.sql_mode = sql_mode_parse(view_of(mode), setting.dialect.flavor);
	answer(w, (struct view){(uint8_t *)sql, unescape(sql, sql_len)}, &setting);
	return 0;
}

/* A line at a time from standard input, whatever its length. */
static int answer_input(struct work *w, const struct setting *setting, bool tsv)
{
	int status = 0;
	ssize_t got;
	for (size_t number = 1; !status && (got = getline(&w->line, &w->line_size, stdin)) >= 0; number++) {
		size_t len = (size_t)got;
		if (len && w->line[len - 1] == '\n')
			len--;
		if (!tsv)
			answer(w, (struct view){(uint8_t *)w->line, len}, setting);
		else if (len && w->line[0] != '#')
			status = answer_tsv(w, len, number);
	}
	if (ferror(stdin)) {
		fprintf(stderr, "wye route: cannot read standard input: %s\n", strerror(errno));
		status = 1;
	}
	return status;
}

struct options {
	struct setting setting;
	const char *mode;
	bool tsv;
	int first; /* the first argument that is a statement */
};

/* One option, at argv[i]; gives how many arguments it took, or a negative exit status. */
static int option(struct options *o, int argc, char **argv, int i)
{
	static const char *const names[] = {"--flavor", "--sql-mode", "--context"};
	if (strcmp(argv[i], "--tsv") == 0) {
		o->tsv = true;
		return 1;
	}
	for (int n = 0; n < 3; n++) {
		size_t len = strlen(names[n]);
		if (strncmp(argv[i], names[n], len) != 0 || (argv[i][len] && argv[i][len] != '='))
			continue;
		const char *value = argv[i][len] ? argv[i] + len + 1 : i + 1 < argc ? argv[i + 1] : NULL;
		if (!value)
			return -usage("a value is missing after", argv[i]);
		if (n == 0 && !flavor_parse(value, &o->setting.dialect))
			return -usage(
			    "--flavor takes mysql or mariadb, perhaps with a version (mariadb-10.11), not",
			    value);
		if (n == 2 && !context_parse(value, &o->setting.context))
			return -usage("--context takes none, trx, ro_trx, autocommit0 or temp_table, not",
			              value);
		if (n == 1)
			o->mode = value;
		return argv[i][len] ? 1 : 2;
	}
	return -usage("unknown option", argv[i]);
}

static int options_parse(struct options *o, int argc, char **argv)
{
	flavor_parse("mysql", &o->setting.dialect);
	context_parse("none", &o->setting.context);
	while (o->first < argc && argv[o->first][0] == '-' && argv[o->first][1]) {
		if (strcmp(argv[o->first], "--") == 0) {
			o->first++;
			break;
		}
		/* "-- comment" is a statement. */
		if (strncmp(argv[o->first], "--", 2) == 0 && strchr(" \t\n", argv[o->first][2]))
			break;
		int took = option(o, argc, argv, o->first);
		if (took < 0)
			return -took;
		o->first += took;
	}
	o->setting.dialect.sql_mode = sql_mode_parse(view_of(o->mode), o->setting.dialect.flavor);
	if (o->tsv && o->first < argc)
		return usage("with --tsv statements come from standard input, not from the argument",
		             argv[o->first]);
	return 0;
}

int route_command(int argc, char **argv)
{
	struct options o = {.mode = ""};
	struct work *w = calloc(1, sizeof *w);
	int status = options_parse(&o, argc, argv);
	if (!w || (!status && !(w->scratch.text = malloc(DIGEST_TEXT_MAX)))) {
		fputs("wye route: out of memory\n", stderr);
		status = 1;
	}
	if (!status) {
		w->scratch.text_capacity = DIGEST_TEXT_MAX;
		for (int i = o.first; i < argc; i++)
			answer(w, view_of(argv[i]), &o.setting);
		if (o.first >= argc)
			status = answer_input(w, &o.setting, o.tsv);
		if (fflush(stdout) != 0 && !status) {
			fprintf(stderr, "wye route: cannot write the answers: %s\n", strerror(errno));
			status = 1;
		}
	}
	if (w) {
		free(w->scratch.text);
		free(w->line);
	}
	free(w);
	return status;
}
