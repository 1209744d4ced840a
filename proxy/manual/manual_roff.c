/* The man pages, in the macros of man(7). */
#include "proxy/manual/manual.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/help.h"
#include "proxy/options_table.h"
#include "proxy/settings.h"

/* A text as it is: a backslash, a dash and an accent mean something else, and so do a dot and a quote that begin a line. */
static void write_text(FILE *out, const char *text, bool begins_line)
{
	for (; *text; text++) {
		if (begins_line && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		begins_line = *text == '\n';
		switch (*text) {
		case '\\':
			fputs("\\(rs", out);
			break;
		case '-':
			fputs("\\-", out);
			break;
		case '\'':
			fputs("\\(aq", out);
			break;
		case '`':
			fputs("\\(ga", out);
			break;
		case '^':
			fputs("\\(ha", out);
			break;
		case '~':
			fputs("\\(ti", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void write_line(FILE *out, const char *text)
{
	write_text(out, text, true);
	fputc('\n', out);
}

static void begin_page(FILE *out, const char *name, const char *section, const char *summary)
{
	char title[32];
	size_t n = 0;
	for (; name[n] && n + 1 < sizeof title; n++)
		title[n] = (char)toupper((unsigned char)name[n]);
	title[n] = '\0';
	fprintf(out, ".\\\" Made by `wye help %s.%s`.\n.TH %s %s \"\" \"wye %s\"\n.SH NAME\n%s \\- %s\n", name, section, title,
		section, WYE_VERSION, name, summary);
}

/* A topic of the help, as it stands. */
static void write_topic(FILE *out, const char *heading, const char *topic)
{
	char *text = manual_topic(topic);
	fprintf(out, ".SH %s\n.nf\n", heading);
	write_text(out, text, true);
	fputs(".fi\n", out);
	free(text);
}

static void write_synopsis(FILE *out)
{
	const struct help_command *command;
	fputs(".SH SYNOPSIS\n.nf\n", out);
	for (size_t i = 0; (command = help_command(i)); i++) {
		fputs("\\fBwye\\fR ", out);
		write_text(out, command->usage, false);
		fputc('\n', out);
	}
	fputs(".fi\n", out);
}

static void write_options(FILE *out)
{
	const struct option_row *row;
	fputs(".SH OPTIONS\n", out);
	for (size_t i = 0; (row = options_row(i)); i++) {
		fputs(".TP\n\\fB\\-\\-", out);
		write_text(out, row->name, false);
		fputs("\\fR", out);
		if (row->argument) {
			fputs(" \\fI", out);
			write_text(out, row->argument, false);
			fputs("\\fR", out);
		}
		fputc('\n', out);
		write_line(out, row->help);
	}
}

static const struct {
	const char *name, *text;
} statuses[] = {
	{"0", "It did what it was told; wye ended by a signal."},
	{"1", "It cannot run: a server cannot be reached, a password is refused, --check has found a problem."},
	{"2", "It was called wrongly; a line on standard error says what to write."},
}, files[] = {
	{"/etc/wye/wye.env", "the environment of the service: WYE_SERVERS and the other variables"},
	{"/var/lib/wye/wye.db", "the configuration of the service (--config), changed on the console"},
};

void manual_write_command_page(FILE *out)
{
	begin_page(out, "wye", "1", "read/write splitting for MySQL and MariaDB");
	write_synopsis(out);
	fputs(".SH DESCRIPTION\n", out);
	write_line(out, help_summary);
	write_line(out, "Writes go to the primary, reads to the replicas, with no rules to write.");
	write_line(out, help_addresses);
	write_options(out);
	write_topic(out, "ENVIRONMENT", "environment");
	write_topic(out, "ROUTE", "route");
	write_topic(out, "IMPORT", "import");
	write_topic(out, "HINTS", "hints");
	write_topic(out, "CONSOLE", "console");
	write_topic(out, "SIGNALS", "signals");
	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		fprintf(out, ".TP\n%s\n", statuses[i].name);
		write_line(out, statuses[i].text);
	}
	fputs(".SH FILES\n", out);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		fprintf(out, ".TP\n.I %s\n", files[i].name);
		write_line(out, files[i].text);
	}
	fputs(".SH SEE ALSO\n.BR wye\\-settings (7)\n", out);
}

void manual_write_settings_page(FILE *out)
{
	const struct setting_info *info;
	begin_page(out, "wye-settings", "7", "the settings of wye");
	fputs(".SH DESCRIPTION\n", out);
	write_line(out, "A setting is given with --set NAME=VALUE, in WYE_SET, or changed on the console with SET NAME = VALUE.");
	fputs(".SH SETTINGS\n", out);
	for (size_t i = 0; (info = settings_info(i)); i++) {
		fprintf(out, ".TP\n.B %s\n", info->name);
		write_text(out, info->description, true);
		fputs("\n.br\n", out);
		fputs("Unit: ", out);
		write_text(out, info->unit, false);
		fputs("; default: ", out);
		write_text(out, *info->default_text ? info->default_text : "empty", false);
		fputs(info->needs_restart ? "; a change needs a restart\n" : "\n", out);
	}
	fputs(".SH SEE ALSO\n.BR wye (1)\n", out);
}
