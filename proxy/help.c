#include "proxy/help.h"

#include <string.h>

#include "proxy/manual/manual.h"
#include "proxy/nearest.h"
#include "proxy/options_table.h"
#include "proxy/settings.h"

const char help_summary[] = "wye puts one MySQL port in front of a primary and its replicas.";
const char help_addresses[] = "The addresses are any members of the cluster, the others are found. USER is the monitor's account.";

static void print_options(FILE *out)
{
	const struct option_row *row;
	for (size_t i = 0; (row = options_row(i)); i++) {
		char left[128];
		snprintf(left, sizeof left, "--%s%s%s", row->name, row->argument ? " " : "",
			 row->argument ? row->argument : "");
		if (strlen(left) > 24)
			fprintf(out, "  %s\n  %-24s %s\n", left, "", row->help);
		else
			fprintf(out, "  %-24s %s\n", left, row->help);
	}
}

static const struct help_command commands[] = {
	{"serve", "[serve] [OPTIONS] [mysql://USER:PASSWORD@HOST[:PORT][,HOST[:PORT]...]]", NULL},
	{"route", "route [OPTIONS] [STATEMENT...]", "where statements would go, without any server"},
	{"import", "import proxysql|maxscale FILE", "another proxy's configuration as wye's"},
	{"version", "version", NULL},
	{"help", "help [TOPIC]", "topics: serve settings route import hints console environment signals"},
};

const struct help_command *help_command(size_t index)
{
	return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

static void print_overview(FILE *out)
{
	fprintf(out, "%s\n\n", help_summary);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].help)
			fprintf(out, "  wye %-32s %s\n", commands[i].usage, commands[i].help);
		else
			fprintf(out, "  wye %s\n", commands[i].usage);
	fprintf(out, "\n%s\n\n", help_addresses);
	print_options(out);
}

static void print_serve(FILE *out)
{
	fputs("wye [serve] [OPTIONS] [mysql://USER:PASSWORD@HOST[:PORT][,HOST[:PORT]...]]\n\n"
	      "  Characters of the name or password that mean something in an address are written %XX ('@' is %40).\n"
	      "  IPv6 addresses stand in brackets. ADDR is HOST:PORT or the path of a Unix socket.\n\n",
	      out);
	print_options(out);
	fputs("\n  wye mysql://monitor:secret@127.0.0.1:3306\n"
	      "  wye --password-file /run/secrets/monitor --listen 0.0.0.0:3306 mysql://monitor@db1,db2\n",
	      out);
}

static void print_hints(FILE *out)
{
	fputs("/* wye: HINT, HINT ... */   anywhere in a statement; -- wye: HINT ... to the end of a line\n\n"
	      "  primary             run it on the primary\n"
	      "  replica             run it on a replica, also where the primary takes reads\n"
	      "  server=HOST:PORT    run it on that server\n"
	      "  consistency=LEVEL   eventual, session, global or primary, for this statement\n"
	      "  max_lag=TIME        on no replica that is further behind\n"
	      "  timeout=TIME        stop it after that time\n"
	      "  causal_key=NAME     see what was written under that name, by any session\n\n"
	      "  A TIME is 200ms, 1.5s, 2m; a bare number means seconds. replica and server= move reads only: never a\n"
	      "  write, a statement of a transaction, or one that is tied to a connection. What is not understood is\n"
	      "  ignored and counted (stats_workers.hints_ignored).\n\n"
	      "  The same as query attributes of a statement: wye.route, wye.server, wye.timeout, ...\n"
	      "  For all statements of a session: SET @wye_route = 'primary' | 'replica', @wye_consistency = ...,\n"
	      "  @wye_max_lag, @wye_timeout, @wye_server, @wye_causal_key; NULL takes it back. With @wye_trace = 1 each\n"
	      "  answer tells in SHOW WARNINGS which server gave it and why.\n\n"
	      "  Hints of other proxies are read too: FORCE_MASTER, to master, maxscale route to master, @writer,\n"
	      "  ;hostgroup=10;query_timeout=MS, #mycat:db_type=master, vt+ ROLE=PRIMARY and their like.\n"
	      "  The mariadb client sends comments only with --comments.\n",
	      out);
}

static void print_route(FILE *out)
{
	fputs("wye route [--flavor mysql|mariadb|mysql-9.7|mariadb-10.11|...] [--sql-mode LIST]\n"
	      "          [--context none|trx|ro_trx|autocommit0|temp_table] [STATEMENT...]\n"
	      "wye route --tsv\n\n"
	      "  Classifies statements without any server: those of the arguments, or one a line from standard input.\n"
	      "  One line each: ROUTE, REASON and the digest's text, separated by tabs. --tsv reads lines of flavor,\n"
	      "  sql_mode, context and statement, separated by tabs.\n"
	      "  What stored functions and views do only servers tell: functions, and what by its name is a view\n"
	      "  (v_orders, orders_view), are taken to write. wye itself looks them up.\n",
	      out);
}

static void print_import(FILE *out)
{
	fputs("wye import proxysql FILE [--apply CONFIG] [--exact] [--passwords] [--statements FILE]\n"
	      "wye import maxscale FILE [--apply CONFIG]\n\n"
	      "  Reads ProxySQL's database (proxysql.db) or file (proxysql.cnf), or MaxScale's (maxscale.cnf), and prints what\n"
	      "  carries over as SQL for the console, what is not needed, and what has no counterpart, each with the reason.\n"
	      "  It changes nothing, save with --apply.\n\n"
	      "  --apply CONFIG      write it to a configuration (wye --config CONFIG), all or nothing\n"
	      "  --exact             reads that no rule took to a reader stay on the primary; all rules are kept\n"
	      "  --passwords         keep passwords that are written as they are typed; else the primary's accounts count\n"
	      "  --statements FILE   compare where these go as well, one a line\n\n"
	      "  A rule is not needed where the classifier of `wye route` says the same of all statements that it matches, out\n"
	      "  of samples of every kind and of what its own pattern says. At the end both ways of routing are compared.\n",
	      out);
}

static void print_settings(FILE *out)
{
	fputs("Settings: --set NAME=VALUE, or SET NAME = VALUE on the console. Those with a * need a restart.\n\n",
	      out);
	const struct setting_info *info;
	for (size_t i = 0; (info = settings_info(i)); i++)
		fprintf(out, "  %-22s%c %-10s %s (%s)\n", info->name, info->needs_restart ? '*' : ' ',
			*info->default_text ? info->default_text : "(empty)", info->description, info->unit);
}

static void print_environment(FILE *out)
{
	fputs("Every option may be given in the environment instead; the command line wins. Options that may be\n"
	      "repeated take several values separated by blanks.\n\n",
	      out);
	const struct option_row *row;
	for (size_t i = 0; (row = options_row(i)); i++)
		fprintf(out, "  %-20s --%s\n", row->variable, row->name);
	fprintf(out, "  %-20s the addresses: mysql://USER:PASSWORD@HOST[:PORT]...\n", "WYE_SERVERS");
}

static void print_console(FILE *out)
{
	fputs("The console speaks the MySQL protocol and SQL: mysql -h 127.0.0.1 -P 6032\n\n"
	      "  SHOW TABLES, SELECT * FROM stats_servers, HELP, ...\n\n"
	      "  As long as there are no admin accounts only the Unix user who runs wye may log in, from\n"
	      "  this machine, with any name.\n"
	      "  The same tables as JSON: http://127.0.0.1:6070/api/v1/stats_servers\n",
	      out);
}

static void print_signals(FILE *out)
{
	fputs("  SIGTERM, SIGINT  finish running transactions (at most `drain_timeout`), then stop; again: stop at once\n"
	      "  SIGHUP           reopen the log, reload certificates\n"
	      "  SIGUSR2          start the program again, and hand the listening sockets over to it (docs/upgrade.md)\n",
	      out);
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} topics[] = {
	{"serve", print_serve},	    {"options", print_serve},	{"settings", print_settings},
	{"route", print_route},	    {"import", print_import},	{"hints", print_hints},
	{"console", print_console}, {"environment", print_environment}, {"signals", print_signals},
};

#define N_TOPICS (sizeof topics / sizeof *topics)

static const char *topic_at(const void *unused, size_t index)
{
	(void)unused;
	return index < N_TOPICS ? topics[index].name : NULL;
}

const char *help_nearest(const char *topic)
{
	return nearest_name(topic, topic_at, NULL);
}

const char *help_topics(void)
{
	/* It is what the line on `wye help` itself says. */
	return commands[sizeof commands / sizeof *commands - 1].help + strlen("topics: ");
}

bool help_print(FILE *out, const char *topic)
{
	if (!topic) {
		print_overview(out);
		return true;
	}
	for (size_t i = 0; i < N_TOPICS; i++)
		if (strcmp(topic, topics[i].name) == 0) {
			topics[i].print(out);
			return true;
		}
	return manual_print(out, topic);
}
