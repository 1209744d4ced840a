#include "proxy/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/help.h"
#include "proxy/nearest.h"
#include "proxy/options_table.h"

#define CLIENT_PORT 6033
#define ADMIN_PORT 6032
#define HTTP_PORT 6070
#define MYSQL_PORT 3306
#define VALUE_MAX 4096
#define WEIGHT_MAX 1000

/* Lists given at one place replace what a lower place said: command line over environment over configuration file. */
enum source { SOURCE_DEFAULTS, SOURCE_ENVIRONMENT, SOURCE_COMMAND_LINE };

struct parse {
	struct options *options;
	enum source source;
	enum source listen, admin, servers, users; /* who filled the list */
	char password_file[1024];
	bool in_address; /* the monitor's password came with an address */
	char error[512];
};

static bool refuse(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct parse *p, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(p->error, sizeof p->error, format, args);
	va_end(args);
	return false;
}

/* Where the next entry of a list goes: an older source's entries are forgotten. */
static bool list_grow(struct parse *p, enum source *filled_by, size_t *n, size_t max, const char *option)
{
	if (*filled_by != p->source)
		*n = 0;
	*filled_by = p->source;
	if (*n == max)
		return refuse(p, "%s is given more than %zu times", option, max);
	++*n;
	return true;
}

/* Shows in `ps` that there is a password, not which, nor its length. */
static void wipe(char *secret)
{
	size_t n = strlen(secret), stars = n < 3 ? n : 3;
	explicit_bzero(secret, n);
	memset(secret, '*', stars);
}

static void wipe_from(char *secret, char *rest)
{
	size_t n = (size_t)(rest - secret), stars = n < 3 ? n : 3, left = strlen(rest);
	memset(secret, '*', stars);
	memmove(secret + stars, rest, left);
	explicit_bzero(secret + stars + left, n - stars);
}

/* ADDR[,key=value...]: cuts the text at the first comma; *rest is what follows, or NULL. */
static void cut_at_comma(char *text, char **rest)
{
	*rest = strchr(text, ',');
	if (*rest)
		*(*rest)++ = '\0';
}

/* The index of a word in a list, or -1 with the refusal written. */
static int word_index(struct parse *p, const char *what, const char *word, const char *const *words)
{
	char allowed[160] = "";
	for (int i = 0; words[i]; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
		size_t n = strlen(allowed);
		snprintf(allowed + n, sizeof allowed - n, "%s%s", n ? ", " : "", words[i]);
	}
	const char *near = nearest_word(word, words);
	refuse(p, "%s: '%.64s' is not allowed; allowed: %s%s%s%s", what, word, allowed,
	       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -1;
}

static bool set_listen(struct parse *p, char *value)
{
	static const char *const routes[] = {"auto", "primary", "replica", NULL};
	struct options *o = p->options;
	char *rest, why[320];
	if (!list_grow(p, &p->listen, &o->n_listen, OPTIONS_LISTEN_MAX, "--listen"))
		return false;
	struct listen_option *l = &o->listen[o->n_listen - 1];
	l->route = LISTEN_AUTO;
	cut_at_comma(value, &rest);
	if (!endpoint_parse(&l->at, value, CLIENT_PORT, why, sizeof why))
		return refuse(p, "--listen: %s", why);
	if (!rest)
		return true;
	if (strncmp(rest, "route=", 6) != 0)
		return refuse(p, "--listen: '%.64s' is not known; allowed: route=auto|primary|replica", rest);
	int route = word_index(p, "--listen: route", rest + 6, routes);
	if (route < 0)
		return false;
	l->route = (enum listen_route)route;
	return true;
}

static bool set_admin(struct parse *p, char *value)
{
	struct options *o = p->options;
	char why[320];
	if (!list_grow(p, &p->admin, &o->n_admin, OPTIONS_LISTEN_MAX, "--admin"))
		return false;
	return endpoint_parse(&o->admin[o->n_admin - 1], value, ADMIN_PORT, why, sizeof why) ||
	       refuse(p, "--admin: %s", why);
}

static bool set_http(struct parse *p, char *value)
{
	char why[320];
	p->options->http_by_hand = true;
	p->options->http_off = strcmp(value, "off") == 0;
	if (p->options->http_off)
		return true;
	return endpoint_parse(&p->options->http, value, HTTP_PORT, why, sizeof why) || refuse(p, "--http: %s", why);
}

static bool set_weight(struct parse *p, const char *text, unsigned *weight)
{
	char *end;
	unsigned long n = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;
	if (!n || *end || n > WEIGHT_MAX)
		return refuse(p, "--server: weight '%.64s' is not allowed; allowed: 1 to %d", text, WEIGHT_MAX);
	*weight = (unsigned)n;
	return true;
}

static struct server_option *server_new(struct parse *p)
{
	struct options *o = p->options;
	if (!list_grow(p, &p->servers, &o->n_servers, OPTIONS_SERVERS_MAX, "--server"))
		return NULL;
	struct server_option *s = &o->servers[o->n_servers - 1];
	*s = (struct server_option){.role = SERVER_ROLE_AUTO, .weight = 1};
	return s;
}

static bool set_server(struct parse *p, char *value)
{
	static const char *const roles[] = {"auto", "primary", "replica", "mirror", NULL};
	char *rest, why[320];
	struct server_option *s = server_new(p);
	if (!s)
		return false;
	cut_at_comma(value, &rest);
	if (!endpoint_parse(&s->at, value, MYSQL_PORT, why, sizeof why))
		return refuse(p, "--server: %s", why);
	while (rest) {
		char *key = rest;
		cut_at_comma(key, &rest);
		if (strncmp(key, "weight=", 7) == 0) {
			if (!set_weight(p, key + 7, &s->weight))
				return false;
		} else if (strncmp(key, "role=", 5) == 0) {
			int role = word_index(p, "--server: role", key + 5, roles);
			if (role < 0)
				return false;
			s->role = (enum server_role_option)role;
		} else if (strncmp(key, "zone=", 5) == 0) {
			if (strlen(key + 5) >= sizeof s->zone)
				return refuse(p, "--server: zone '%.64s...' is too long", key + 5);
			snprintf(s->zone, sizeof s->zone, "%s", key + 5);
		} else {
			return refuse(p,
				      "--server: '%.64s' is not known; allowed: role=primary|replica|auto|mirror, weight=N, "
				      "zone=NAME",
				      key);
		}
	}
	return true;
}

static bool set_user(struct parse *p, char *value)
{
	struct options *o = p->options;
	char *colon = strchr(value, ':');
	if (!list_grow(p, &p->users, &o->n_users, OPTIONS_USERS_MAX, "--user"))
		return false;
	struct user_option *u = &o->users[o->n_users - 1];
	memset(u, 0, sizeof *u);
	size_t len = colon ? (size_t)(colon - value) : strlen(value);
	if (!len || len >= sizeof u->name)
		return refuse(p, "--user: a name has 1 to %zu bytes; write NAME or NAME:PASSWORD",
			      sizeof u->name - 1);
	memcpy(u->name, value, len);
	if (!colon)
		return true;
	if (strlen(colon + 1) >= sizeof u->password)
		return refuse(p, "--user: the password of '%s' is longer than %zu bytes", u->name,
			      sizeof u->password - 1);
	u->has_password = true;
	strcpy(u->password, colon + 1);
	return true;
}

static bool set_threads(struct parse *p, char *value)
{
	char why[320];
	if (!settings_set(&p->options->settings, "threads", value, why, sizeof why))
		return refuse(p, "--%s", why);
	p->options->set_by_hand[settings_index("threads")] = true;
	return true;
}

static bool set_setting(struct parse *p, char *value)
{
	char why[320], *equals = strchr(value, '=');
	if (!equals)
		return refuse(p, "--set: '%.64s' has no '='; write NAME=VALUE", value);
	*equals = '\0';
	if (!settings_set(&p->options->settings, value, equals + 1, why, sizeof why))
		return refuse(p, "--set: %s", why);
	p->options->set_by_hand[settings_index(value)] = true;
	return true;
}

static bool set_config(struct parse *p, char *value)
{
	size_t len = strlen(value);
	if (!len || len >= sizeof p->options->config)
		return refuse(p, "--config: the path has 1 to %zu bytes", sizeof p->options->config - 1);
	memcpy(p->options->config, value, len + 1);
	return true;
}

static bool set_password_file(struct parse *p, char *value)
{
	size_t len = strlen(value);
	if (!len || len >= sizeof p->password_file)
		return refuse(p, "--password-file: the path has 1 to %zu bytes", sizeof p->password_file - 1);
	memcpy(p->password_file, value, len + 1);
	return true;
}

static bool set_check(struct parse *p, char *value)
{
	static const char *const words[] = {"0", "1", "off", "on", "no", "yes", "false", "true", NULL};
	int word = word_index(p, "WYE_CHECK", value, words);
	if (word < 0)
		return false;
	p->options->check = word & 1;
	return true;
}

static const struct option {
	struct option_row row;
	bool (*set)(struct parse *p, char *value); /* may write into its value */
	bool repeats;
} table[] = {
	{{"config", "WYE_CONFIG", "FILE", "sqlite file with the configuration (default: none)"}, set_config, false},
	{{"password-file", "WYE_PASSWORD_FILE", "FILE", "the monitor account's password, kept off the command line"},
	 set_password_file,
	 false},
	{{"listen", "WYE_LISTEN", "ADDR[,route=auto|primary|replica]",
	  "where clients connect; repeatable (default 127.0.0.1:6033)"},
	 set_listen,
	 true},
	{{"admin", "WYE_ADMIN", "ADDR", "the admin console, MySQL protocol; repeatable (default 127.0.0.1:6032)"},
	 set_admin,
	 true},
	{{"http", "WYE_HTTP", "ADDR|off", "the dashboard, /metrics, /healthz, /readyz, /api (default 127.0.0.1:6070)"},
	 set_http,
	 false},
	{{"server", "WYE_SERVER", "ADDR[,role=primary|replica|auto|mirror][,weight=N][,zone=NAME]", "a server by hand; repeatable"},
	 set_server,
	 true},
	{{"user", "WYE_USER", "NAME[:PASSWORD]",
	  "a client account by hand; repeatable (default: those of the primary)"},
	 set_user,
	 true},
	{{"threads", "WYE_THREADS", "N", "worker threads (default: the machine's cores)"}, set_threads, false},
	{{"set", "WYE_SET", "NAME=VALUE", "any setting (wye help settings); repeatable"}, set_setting, true},
	{{"check", "WYE_CHECK", NULL, "validate, reach the servers, print what is wrong, exit 0 or 1"},
	 set_check,
	 false},
};

#define N_OPTIONS (sizeof table / sizeof *table)

const struct option_row *options_row(size_t index)
{
	return index < N_OPTIONS ? &table[index].row : NULL;
}

static const char *option_name_at(const void *unused, size_t index)
{
	static const char *const others[] = {"help", "version", NULL};
	(void)unused;
	return index < N_OPTIONS ? table[index].row.name : others[index - N_OPTIONS];
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* %XX -> byte; false when it is malformed, holds a NUL or does not fit. */
static bool percent_decode(const char *from, size_t len, char *out, size_t out_size)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = from[i];
		if (c == '%') {
			if (len - i < 3 || hex_digit(from[i + 1]) < 0 || hex_digit(from[i + 2]) < 0)
				return false;
			c = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
			i += 2;
		}
		if (!c || n + 1 >= out_size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* USER[:PASSWORD] of an address. No message repeats what might be a password. */
static bool set_monitor_account(struct parse *p, const char *text, size_t len)
{
	struct options *o = p->options;
	const char *colon = memchr(text, ':', len);
	size_t user = colon ? (size_t)(colon - text) : len;
	if (!user || !percent_decode(text, user, o->monitor_user, sizeof o->monitor_user))
		return refuse(p, "the user name before the '@' of the address is empty, too long or has a bad %%XX");
	p->in_address = colon;
	explicit_bzero(o->monitor_password, sizeof o->monitor_password);
	if (colon && !percent_decode(colon + 1, len - user - 1, o->monitor_password, sizeof o->monitor_password))
		return refuse(p, "the password in the address is too long or has a bad %%XX; a '%%' is written %%25");
	return true;
}

/* mysql://USER:PASSWORD@HOST[:PORT][,HOST[:PORT]...], or the hosts alone. */
static bool set_addresses(struct parse *p, char *text)
{
	static const char *const commands[] = {"serve", "route", "import", "version", "help", NULL};
	char *at = strrchr(text, '@'), *scheme = strstr(text, "://");
	char *account = scheme ? scheme + 3 : text;
	const char *near = scheme || at ? NULL : nearest_word(text, commands);
	if (near)
		return refuse(p, "there is no command '%.64s'; did you mean '%s'?", text, near);
	if (scheme && at && at < scheme)
		return refuse(p,
			      "the '://' of an address stands before its '@'; a '/' in a password is written %%2F");
	if (scheme && strncmp(text, "mysql:", 6) != 0 && strncmp(text, "mariadb:", 8) != 0)
		return refuse(p, "an address begins with mysql://, not with '%.*s'", (int)(account - text), text);
	if (scheme && !at)
		return refuse(p, "the address has no '@'; write mysql://USER:PASSWORD@HOST:PORT");
	if (at && !set_monitor_account(p, account, (size_t)(at - account)))
		return false;
	char *hosts = at ? at + 1 : account, *slash = strchr(hosts, '/'), why[320];
	if (slash && *hosts != '/') {
		if (slash[1])
			return refuse(p, "an address ends with its hosts; '%.64s' has no place there", slash);
		*slash = '\0';
	}
	while (hosts) {
		char *host = hosts;
		cut_at_comma(host, &hosts);
		struct server_option *s = server_new(p);
		if (!s)
			return false;
		if (!endpoint_parse(&s->at, host, MYSQL_PORT, why, sizeof why))
			return refuse(p, "%s", why);
	}
	return true;
}

/* A setter may cut its text, and what is on the command line must stay as it is: each works on a copy. */
static bool apply(struct parse *p, bool (*set)(struct parse *, char *), const char *what, const char *value)
{
	char copy[VALUE_MAX];
	if (strlen(value) >= sizeof copy)
		return refuse(p, "%s: the value is longer than %zu bytes", what, sizeof copy - 1);
	strcpy(copy, value);
	bool fine = set(p, copy);
	explicit_bzero(copy, sizeof copy);
	return fine;
}

static bool apply_each(struct parse *p, bool (*set)(struct parse *, char *), const char *what, const char *values)
{
	char word[VALUE_MAX];
	while (*(values += strspn(values, " \t\n"))) {
		size_t len = strcspn(values, " \t\n");
		if (len >= sizeof word)
			return refuse(p, "%s: a value is longer than %zu bytes", what, sizeof word - 1);
		memcpy(word, values, len);
		word[len] = '\0';
		if (!set(p, word))
			return false;
		values += len;
	}
	explicit_bzero(word, sizeof word);
	return true;
}

static bool read_environment(struct parse *p)
{
	p->source = SOURCE_ENVIRONMENT;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const char *value = getenv(table[i].row.variable);
		if (!value || !*value)
			continue;
		bool fine = table[i].repeats ? apply_each(p, table[i].set, table[i].row.variable, value)
					     : apply(p, table[i].set, table[i].row.variable, value);
		if (!fine) {
			char why[sizeof p->error];
			memcpy(why, p->error, sizeof why);
			return refuse(p, "%s: %.400s", table[i].row.variable, why);
		}
	}
	const char *servers = getenv("WYE_SERVERS");
	return !servers || apply_each(p, set_addresses, "WYE_SERVERS", servers);
}

/* The passwords that an argument shows to everybody who may run `ps`. */
static void wipe_argument(char *argument, const char *option)
{
	char *secret;
	if (option && strcmp(option, "user") == 0) {
		if ((secret = strchr(argument, ':')))
			wipe(secret + 1);
		return;
	}
	char *scheme = strstr(argument, "://"), *at = strrchr(argument, '@');
	char *account = scheme ? scheme + 3 : argument;
	if (at && at > account && (secret = memchr(account, ':', (size_t)(at - account))))
		wipe_from(secret + 1, at);
}

static const struct option *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strlen(table[i].row.name) == len && strncmp(table[i].row.name, name, len) == 0)
			return &table[i];
	return NULL;
}

static bool unknown_option(struct parse *p, const char *argument, size_t len)
{
	char name[64];
	snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), argument);
	const char *near = nearest_name(name + strspn(name, "-"), option_name_at, NULL);
	if (near)
		return refuse(p, "there is no option %s; did you mean --%s?", name, near);
	return refuse(p, "there is no option %s; `wye help` lists them", name);
}

static bool read_option(struct parse *p, int argc, char **argv, int *i)
{
	char *argument = argv[*i], *equals = strchr(argument, '=');
	size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
	const struct option *option = len > 2 && argument[1] == '-' ? option_find(argument + 2, len - 2) : NULL;
	if (!option)
		return unknown_option(p, argument, len);
	if (!option->row.argument) {
		static char on[] = "on";
		return equals ? refuse(p, "--%s takes no value", option->row.name) : option->set(p, on);
	}
	if (!equals && *i + 1 >= argc)
		return refuse(p, "--%s needs a value: %s", option->row.name, option->row.argument);
	char *value = equals ? equals + 1 : argv[++*i];
	bool fine = apply(p, option->set, option->row.name, value);
	wipe_argument(value, option->row.name);
	return fine;
}

static bool read_command_line(struct parse *p, int argc, char **argv)
{
	bool only_addresses = false;
	p->source = SOURCE_COMMAND_LINE;
	for (int i = 0; i < argc; i++) {
		if (!only_addresses && strcmp(argv[i], "--") == 0) {
			only_addresses = true;
		} else if (!only_addresses && argv[i][0] == '-') {
			if (!read_option(p, argc, argv, &i))
				return false;
		} else {
			bool fine = apply(p, set_addresses, "the address", argv[i]);
			wipe_argument(argv[i], NULL);
			if (!fine)
				return false;
		}
	}
	return true;
}

/* The first line of the file, without its end. */
static bool read_password_file(struct parse *p)
{
	char line[512] = "";
	struct options *o = p->options;
	FILE *file = fopen(p->password_file, "re");
	if (!file)
		return refuse(p, "--password-file: cannot read %.256s: %s", p->password_file, strerror(errno));
	bool got = fgets(line, sizeof line, file);
	fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	if (!got || strlen(line) >= sizeof o->monitor_password)
		return refuse(p, "--password-file: the first line of %.256s is %s", p->password_file,
			      got ? "longer than 255 bytes" : "empty");
	strcpy(o->monitor_password, line);
	explicit_bzero(line, sizeof line);
	return true;
}

static bool complete(struct parse *p)
{
	struct options *o = p->options;
	if (*p->password_file && p->in_address)
		return refuse(p, "the monitor's password is both in the address and in --password-file; give one");
	if (*p->password_file && !read_password_file(p))
		return false;
	if (!o->n_servers && !*o->config)
		return refuse(p, "no server is named; write for example wye mysql://USER:PASSWORD@127.0.0.1:3306");
	if (!*o->monitor_user)
		return refuse(p, "no account for the monitor; write the address as mysql://USER:PASSWORD@HOST:PORT");
	return true;
}

static void set_defaults(struct options *o)
{
	memset(o, 0, sizeof *o);
	settings_default(&o->settings);
	o->listen[0].at = (struct endpoint){"127.0.0.1", CLIENT_PORT};
	o->admin[0] = (struct endpoint){"127.0.0.1", ADMIN_PORT};
	o->http = (struct endpoint){"127.0.0.1", HTTP_PORT};
	o->n_listen = o->n_admin = 1;
}

static bool asks_for(int argc, char **argv, const char *option, const char *letter)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], option) == 0 || strcmp(argv[i], letter) == 0)
			return true;
	return false;
}

enum options_result options_parse(struct options *o, int argc, char **argv)
{
	if (asks_for(argc, argv, "--help", "-h")) {
		help_print(stdout, NULL);
		return OPTIONS_EXIT;
	}
	if (asks_for(argc, argv, "--version", "-V")) {
		puts("wye " WYE_VERSION);
		return OPTIONS_EXIT;
	}
	struct parse p = {.options = o};
	set_defaults(o);
	bool fine = read_environment(&p) && read_command_line(&p, argc, argv) && complete(&p);
	o->listen_by_hand = p.listen;
	o->admin_by_hand = p.admin;
	if (fine)
		return OPTIONS_OK;
	fprintf(stderr, "wye: %s\n", p.error);
	return OPTIONS_USAGE;
}

int options_help(int argc, char **argv)
{
	const char *topic = argc > 0 ? argv[0] : NULL;
	if (help_print(stdout, topic))
		return 0;
	const char *near = help_nearest(topic);
	if (near)
		fprintf(stderr, "wye: there is no help on '%s'; did you mean '%s'?\n", topic, near);
	else
		fprintf(stderr, "wye: there is no help on '%s'; topics: %s\n", topic, help_topics());
	return 2;
}
