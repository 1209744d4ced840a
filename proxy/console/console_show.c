/* SHOW COLUMNS, SHOW CREATE TABLE and HELP: what the console says about itself. */
#include "proxy/console/console_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config_sql.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_table.h"
#include "proxy/console/console_views.h"

/* [schema.]table; the error is answered when there is none. */
static const struct console_table *take_table(struct console_call *call, char *name, size_t size)
{
	if (!sql_word(&call->rest, name, size)) {
		answer_error(call->answer, 1064, "42000", "%s is followed by the name of a table",
			     call->command->name);
		return NULL;
	}
	if (*sql_skip(call->rest) == '.') {
		call->rest = sql_skip(call->rest) + 1;
		if (!sql_word(&call->rest, name, size))
			name[0] = '\0';
	}
	const struct console_table *table = console_table_by_name(name);
	if (table || console_view_is(name))
		return table;
	const char *near = console_table_nearest(name);
	answer_error(call->answer, 1146, "42S02", "There is no table '%.64s'%s%s%s", name,
		     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "; SHOW TABLES lists them");
	return NULL;
}

#define FIELDS \
	"SELECT name AS Field, lower(type) AS Type, 'YES' AS \"Null\", '' AS \"Key\", NULL AS \"Default\", '' AS Extra"
#define OF_TABLE " FROM console_columns WHERE table_name = ?1"

/* sqlite knows them. */
static void show_columns_of_view(struct console_call *call, const char *const texts[2])
{
	config_sql_trust(true);
	answer_sql(call->answer, call->session->catalog,
		   "SELECT name AS Field, 'text' AS Type, 'YES' AS \"Null\", '' AS \"Key\", NULL AS \"Default\", "
		   "'' AS Extra FROM pragma_table_info(?1) WHERE name LIKE ?2",
		   texts, 2);
	config_sql_trust(false);
}

void console_run_show_columns(struct console_call *call)
{
	char pattern[256] = "%", schema[65], name[128] = "";
	const struct console_table *table = take_table(call, name, sizeof name);
	if (!table && !console_view_is(name))
		return;
	if (sql_take(&call->rest, "FROM") || sql_take(&call->rest, "IN"))
		sql_word(&call->rest, schema, sizeof schema);
	if (sql_take(&call->rest, "LIKE") || strncmp(call->command->name, "DESC", 4) == 0)
		sql_value(&call->rest, pattern, sizeof pattern); /* DESCRIBE table [column] */
	if (!console_expect_end(call))
		return;
	const char *texts[] = {table ? table->name : name, pattern};
	if (!table) {
		show_columns_of_view(call, texts);
		return;
	}
	bool full = strstr(call->command->name, "FULL");
	answer_sql(
		call->answer, call->session->catalog,
		full ? "SELECT name AS Field, lower(type) AS Type, 'utf8mb4_general_ci' AS Collation, 'YES' AS \"Null\", "
		       "'' AS \"Key\", NULL AS \"Default\", '' AS Extra, 'select' AS Privileges, description AS Comment" OF_TABLE
		       " AND name LIKE ?2 ORDER BY position"
		     : FIELDS ", description AS Comment" OF_TABLE " AND name LIKE ?2 ORDER BY position",
		texts, 2);
}

void console_run_show_create(struct console_call *call)
{
	char name[128] = "";
	const struct console_table *table = take_table(call, name, sizeof name);
	if (!table && console_view_is(name))
		answer_error(call->answer, 1347, "HY000", "'%.64s' is a view: SHOW COLUMNS FROM tells what it has", name);
	if (!table || !console_expect_end(call))
		return;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	fprintf(out, "CREATE TABLE `%s` (\n", table->name);
	for (size_t i = 0; i < table->n_columns; i++)
		fprintf(out, "  `%s` %s COMMENT '%s'%s\n", table->columns[i].name,
			column_type_name(table->columns[i].type), table->columns[i].help,
			i + 1 < table->n_columns ? "," : "");
	fprintf(out, ") COMMENT='%s'", table->help);
	fclose(out);
	const char *texts[] = {table->name, text};
	answer_sql(call->answer, call->session->catalog, "SELECT ?1 AS \"Table\", ?2 AS \"Create Table\"", texts, 2);
	free(text);
}

static void put_row(FILE *out, const char *before, const struct console_command *command)
{
	char *row = sqlite3_mprintf("(%Q, %Q)", command->name, command->help);
	if (!row)
		abort();
	fprintf(out, "%s%s", before, row);
	sqlite3_free(row);
}

/* One row a command, as a statement that sqlite runs: it sorts nothing and needs no table. */
void console_run_help(struct console_call *call)
{
	const struct console_command *command;
	char *sql = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&sql, &size);
	if (!out)
		abort();
	fputs("SELECT column1 AS command, column2 AS description FROM (VALUES", out);
	for (size_t i = 0; (command = console_command_at(i)); i++)
		if (command->help)
			put_row(out, i ? ", " : " ", command);
	fputs(", ('SELECT ...', 'any query over the tables, with joins and grouping, in the dialect of sqlite'))",
	      out);
	fclose(out);
	if (console_expect_end(call))
		answer_sql(call->answer, call->session->catalog, sql, NULL, 0);
	free(sql);
}
