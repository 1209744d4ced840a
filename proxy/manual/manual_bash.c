/*
 * Completion for bash. What may follow a word is read from the help itself: "--flavor mysql|mariadb" offers these words,
 * "--config FILE" files.
 */
#include "proxy/manual/manual.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/help.h"
#include "proxy/options_table.h"
#include "proxy/settings.h"

/* Of a|b|...: what is no word to write as it stands (FILE, ADDR, "...") is left out. The number of words; with
 * NULL they are only counted. */
static unsigned write_words(FILE *out, const char *argument, size_t len)
{
	unsigned n = 0;
	if (memchr(argument, '[', len))
		return 0; /* the words are of a part of it */
	for (size_t from = 0, to; from < len; from = to + 1) {
		for (to = from; to < len && argument[to] != '|'; to++)
			;
		size_t plain = from;
		while (plain < to && (islower((unsigned char)argument[plain]) || isdigit((unsigned char)argument[plain]) ||
				      (plain > from && strchr("-._", argument[plain]))))
			plain++;
		if (plain < to || from == to)
			continue;
		if (out)
			fprintf(out, "%s%.*s", n ? " " : "", (int)(to - from), argument + from);
		n++;
	}
	return n;
}

static bool names_a_file(const char *argument, size_t len)
{
	return (len == 4 && strncmp(argument, "FILE", 4) == 0) || (len == 6 && strncmp(argument, "CONFIG", 6) == 0);
}

/* What to offer behind an option. */
static void write_case(FILE *out, const char *command, const char *option, size_t option_len, const char *argument,
		       size_t len)
{
	fprintf(out, "\t%s:--%.*s)\n", command, (int)option_len, option);
	if (names_a_file(argument, len)) {
		fputs("\t\tcompopt -o default\n", out);
	} else if (option_len == 3 && strncmp(option, "set", 3) == 0) {
		const struct setting_info *info;
		fputs("\t\tcompopt -o nospace\n\t\twords='", out);
		for (size_t i = 0; (info = settings_info(i)); i++)
			fprintf(out, "%s%s=", i ? " " : "", info->name);
		fputs("'\n", out);
	} else if (write_words(NULL, argument, len)) {
		fputs("\t\twords='", out);
		write_words(out, argument, len);
		fputs("'\n", out);
	}
	fputs("\t\t;;\n", out);
}

static size_t argument_length(const char *argument)
{
	return strcspn(argument, " ]\n");
}

/* Every --option in a text of the help, once; those with an argument get a case when there is a command's name. */
static void write_options_of(FILE *out, const char *text, const char *command)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, "--")); ) {
		const char *name = at + 2;
		size_t len = 0;
		while (islower((unsigned char)name[len]) || name[len] == '-')
			len++;
		at = name + len;
		char option[64];
		snprintf(option, sizeof option, "--%.*s", (int)len, name);
		const char *first = strstr(text, option);
		bool of_serve = name - text >= 6 && strncmp(name - 6, "wye ", 4) == 0; /* in a sentence about it */
		if (!len || first + 2 != name || of_serve)
			continue;
		bool takes = *at == ' ' && at[1] != ' ' && at[1] != '[';
		if (!command)
			fprintf(out, "%s%s", n++ ? " " : "", option);
		else if (takes)
			write_case(out, command, name, len, at + 1, argument_length(at + 1));
	}
}

/* Options of serve come from their own table. */
static void write_serve(FILE *out)
{
	const struct option_row *row;
	for (size_t i = 0; (row = options_row(i)); i++)
		if (row->argument)
			write_case(out, "serve", row->name, strlen(row->name), row->argument, strlen(row->argument));
	fputs("\tserve:*)\n\t\twords+='--help --version", out);
	for (size_t i = 0; (row = options_row(i)); i++)
		fprintf(out, " --%s", row->name);
	fputs("'\n\t\t;;\n", out);
}

/* The first word behind the command's name, where it is one of several: "import proxysql|maxscale FILE". */
static void write_first_argument(FILE *out, const struct help_command *command)
{
	const char *argument = command->usage + strlen(command->word);
	argument += strspn(argument, " ");
	fprintf(out, "\t%s:%s)\n\t\twords='", command->word, command->word);
	unsigned n = *argument == '[' ? 0 : write_words(out, argument, argument_length(argument));
	fputs(n ? " " : "", out);
	char *text = manual_topic(command->word);
	write_options_of(out, text, NULL);
	free(text);
	fputs("'\n\t\t;;\n", out);
}

static void write_command(FILE *out, const struct help_command *command)
{
	char *text = manual_topic(command->word);
	write_options_of(out, text, command->word);
	write_first_argument(out, command);
	fprintf(out, "\t%s:*)\n\t\tcompopt -o default\n\t\twords='", command->word);
	write_options_of(out, text, NULL);
	fputs("'\n\t\t;;\n", out);
	free(text);
}

void manual_write_bash(FILE *out)
{
	const struct help_command *command;
	fputs("# Completion of wye's command line in bash, made by `wye help wye.bash`.\n"
	      "_wye()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=serve words=\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -gt 1 ]; then\n"
	      "\t\tcase ${COMP_WORDS[1]} in\n\t\t",
	      out);
	for (size_t i = 0; (command = help_command(i)); i++)
		fprintf(out, "%s%s", i ? " | " : "", command->word);
	fputs(") command=${COMP_WORDS[1]} ;;\n\t\tesac\n\telse\n\t\twords='", out);
	for (size_t i = 0; (command = help_command(i)); i++)
		fprintf(out, "%s%s", i ? " " : "", command->word);
	fputs(" '\n\tfi\n\tcase $command:$prev in\n", out);
	fprintf(out, "\thelp:help)\n\t\twords='%s'\n\t\t;;\n\thelp:* | version:*) ;;\n", help_topics());
	for (size_t i = 0; (command = help_command(i)); i++)
		if (strcmp(command->word, "route") == 0 || strcmp(command->word, "import") == 0)
			write_command(out, command);
	write_serve(out);
	fputs("\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -F _wye wye\n",
	      out);
}
