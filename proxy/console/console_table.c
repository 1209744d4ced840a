#include "proxy/console/console_table.h"

#include <string.h>
#include <strings.h>

#include "proxy/nearest.h"

static const struct console_table *const tables[] = {
	/* configuration */
	&table_servers,
	&table_users,
	&table_admins,
	&table_rules,
	&table_settings,
	/* state */
	&table_stats_servers,
	&table_stats_pools,
	&table_stats_sessions,
	&table_stats_statements,
	&table_stats_latency,
	&table_stats_errors,
	&table_stats_routes,
	&table_stats_pins,
	&table_stats_rules,
	&table_stats_learned,
	&table_stats_workers,
	&table_stats_events,
	&table_stats_checks,
	&table_stats_changes,
	&table_stats_memory,
	&table_stats_logs,
	/* what clients ask about the console itself */
	&table_processlist,
	&table_variables,
	&table_status,
	&table_latency,
	&table_tables,
	&table_columns,
	&table_dual,
};

#define N_TABLES (sizeof tables / sizeof *tables)

const struct console_table *console_table_at(size_t index)
{
	return index < N_TABLES ? tables[index] : NULL;
}

const struct console_table *console_table_by_name(const char *name)
{
	for (size_t i = 0; i < N_TABLES; i++)
		if (strcasecmp(tables[i]->name, name) == 0)
			return tables[i];
	return NULL;
}

static const char *visible_at(const void *unused, size_t index)
{
	(void)unused;
	/* The hidden ones come last. */
	return index < N_TABLES && !tables[index]->hidden ? tables[index]->name : NULL;
}

const char *console_table_nearest(const char *name)
{
	return nearest_name(name, visible_at, NULL);
}

static const char *column_at(const void *unused, size_t index)
{
	(void)unused;
	for (size_t i = 0; i < N_TABLES; i++) {
		if (index < tables[i]->n_columns)
			return tables[i]->columns[index].name;
		index -= tables[i]->n_columns;
	}
	return NULL;
}

const char *console_column_nearest(const char *name)
{
	return nearest_name(name, column_at, NULL);
}

const char *column_type_name(enum column_type type)
{
	static const char *const names[] = {"INTEGER", "REAL", "TEXT"};
	return names[type];
}

static const struct table_column tables_columns[] = {
	{"name", COLUMN_TEXT, "table"},
	{"description", COLUMN_TEXT, "what it holds"},
	{"hidden", COLUMN_INTEGER, "1: not in SHOW TABLES"},
};

static void produce_tables(struct table_rows *rows)
{
	for (size_t i = 0; i < N_TABLES; i++) {
		rows_text(rows, tables[i]->name);
		rows_text(rows, tables[i]->help);
		rows_integer(rows, tables[i]->hidden);
	}
}

const struct console_table table_tables = {"console_tables", "the tables of this console", COLUMNS(tables_columns),
					   produce_tables, true};

static const struct table_column columns_columns[] = {
	{"table_name", COLUMN_TEXT, "table"},
	{"position", COLUMN_INTEGER, "from 1"},
	{"name", COLUMN_TEXT, "column"},
	{"type", COLUMN_TEXT, "INTEGER, REAL or TEXT"},
	{"description", COLUMN_TEXT, "what it holds"},
};

static void produce_columns(struct table_rows *rows)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (size_t k = 0; k < tables[i]->n_columns; k++) {
			rows_text(rows, tables[i]->name);
			rows_count(rows, k + 1);
			rows_text(rows, tables[i]->columns[k].name);
			rows_text(rows, column_type_name(tables[i]->columns[k].type));
			rows_text(rows, tables[i]->columns[k].help);
		}
}

const struct console_table table_columns = {"console_columns", "the columns of all tables", COLUMNS(columns_columns),
					    produce_columns, true};

static const struct table_column dual_columns[] = {{"dummy", COLUMN_TEXT, "X"}};

static void produce_dual(struct table_rows *rows)
{
	rows_text(rows, "X");
}

const struct console_table table_dual = {"dual", "one row", COLUMNS(dual_columns), produce_dual, true};
