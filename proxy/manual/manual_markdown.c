/* The references of docs/: what the console's tables, the settings and the metrics say of themselves, in Markdown. */
#include "proxy/manual/manual.h"

#include "proxy/console/console_commands.h"
#include "proxy/console/console_table.h"
#include "proxy/metrics.h"
#include "proxy/settings.h"

/* In a cell of a table: a | would end it, a < might begin a tag. */
static void write_cell(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '|')
			fputs("\\|", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else
			fputc(*text, out);
}

static void write_commands(FILE *out)
{
	const struct console_command *command;
	fputs("### Commands\n\n| command | |\n|---|---|\n", out);
	for (size_t i = 0; (command = console_command_at(i)); i++) {
		if (!command->help)
			continue;
		fprintf(out, "| `%s` | ", command->name);
		write_cell(out, command->help);
		fputs(" |\n", out);
	}
}

static void write_table(FILE *out, const struct console_table *table)
{
	fprintf(out, "\n### %s\n\n", table->name);
	write_cell(out, table->help);
	fputs(console_writing_of(table) ? ". It can be written.\n" : ".\n", out);
	fputs("\n| column | type | |\n|---|---|---|\n", out);
	for (size_t i = 0; i < table->n_columns; i++) {
		fprintf(out, "| `%s` | %s | ", table->columns[i].name, column_type_name(table->columns[i].type));
		write_cell(out, table->columns[i].help);
		fputs(" |\n", out);
	}
}

void manual_write_console_reference(FILE *out)
{
	const struct console_table *table;
	write_commands(out);
	for (size_t i = 0; (table = console_table_at(i)); i++)
		if (!table->hidden)
			write_table(out, table);
}

void manual_write_settings_reference(FILE *out)
{
	const struct setting_info *info;
	fputs("| setting | default | allowed | |\n|---|---|---|---|\n", out);
	for (size_t i = 0; (info = settings_info(i)); i++) {
		char allowed[160];
		settings_allowed(i, allowed, sizeof allowed);
		fprintf(out, "| `%s`%s | ", info->name, info->needs_restart ? " (restart)" : "");
		write_cell(out, info->default_text);
		fputs(" | ", out);
		write_cell(out, allowed);
		fputs(" | ", out);
		write_cell(out, info->description);
		fputs(" |\n", out);
	}
}

void manual_write_metrics_reference(FILE *out)
{
	fputs("| metric | type | labels | |\n|---|---|---|---|\n", out);
	metrics_describe(out);
}
